use core::net::{IpAddr, Ipv6Addr, SocketAddr};
use core::ops::RangeInclusive;

/// An IPv6 address, or an IPv4 address as `::ffff:a.b.c.d`, in network byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Address(pub [u8; 16]);

/// A UDP port of a media address.
///
/// | bytes | content |
/// |---|---|
/// | 0–15 | address |
/// | 16–17 | port, network byte order |
/// | 18–19 | zero |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct MediaKey {
    address: Address,
    port: [u8; 2],
    zero: [u8; 2],
}

/// The UDP ports of a media address that are for media: two `u16` in the machine's byte order,
/// first and last. Ports outside belong to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl Address {
    /// What stands in front of the four bytes of an IPv4 address.
    const V4_PREFIX: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

    /// From the four bytes of an IPv4 header.
    #[inline(always)]
    pub fn v4(octets: [u8; 4]) -> Self {
        let mut address = [0; 16];
        address[..12].copy_from_slice(&Self::V4_PREFIX);
        address[12..].copy_from_slice(&octets);
        Self(address)
    }
}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::v4(v4.octets()),
            IpAddr::V6(v6) => Self(v6.octets()),
        }
    }
}

impl From<Address> for IpAddr {
    fn from(address: Address) -> Self {
        Ipv6Addr::from(address.0).to_canonical()
    }
}

impl MediaKey {
    /// The key of `port` (in the machine's byte order) at `address`.
    #[inline(always)]
    pub fn new(address: Address, port: u16) -> Self {
        Self { address, port: port.to_be_bytes(), zero: [0; 2] }
    }

    /// The bytes of the key.
    pub fn to_bytes(self) -> [u8; 20] {
        let mut bytes = [0; 20];
        bytes[..16].copy_from_slice(&self.address.0);
        bytes[16..18].copy_from_slice(&self.port);
        bytes
    }

    /// The inverse of [`MediaKey::to_bytes`].
    pub fn from_bytes(bytes: [u8; 20]) -> Self {
        let mut address = [0; 16];
        address.copy_from_slice(&bytes[..16]);
        Self { address: Address(address), port: [bytes[16], bytes[17]], zero: [0; 2] }
    }

    /// Address and port.
    pub fn socket(self) -> SocketAddr {
        SocketAddr::new(self.address.into(), u16::from_be_bytes(self.port))
    }
}

impl PortRange {
    /// Whether `port` lies in the range.
    #[inline(always)]
    pub fn contains(self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }

    /// First and last port: the value as the map stores it.
    pub fn to_words(self) -> [u16; 2] {
        [self.first, self.last]
    }
}

impl From<&RangeInclusive<u16>> for PortRange {
    fn from(ports: &RangeInclusive<u16>) -> Self {
        Self { first: *ports.start(), last: *ports.end() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_have_no_padding() {
        assert_eq!((size_of::<Address>(), align_of::<Address>()), (16, 1));
        assert_eq!((size_of::<MediaKey>(), align_of::<MediaKey>()), (20, 1));
        assert_eq!((size_of::<PortRange>(), align_of::<PortRange>()), (4, 2));
    }

    #[test]
    fn an_ipv4_key_is_written_as_a_mapped_address_and_a_big_endian_port() {
        let key = MediaKey::new(IpAddr::from([192, 0, 2, 1]).into(), 0x4002).to_bytes();
        let mut expected = [0; 20];
        expected[10..12].fill(0xff);
        expected[12..18].copy_from_slice(&[192, 0, 2, 1, 0x40, 0x02]);
        assert_eq!(key, expected);
        assert_eq!(MediaKey::from_bytes(key).socket(), "192.0.2.1:16386".parse().unwrap());
    }

    #[test]
    fn a_range_includes_both_ends() {
        let range = PortRange::from(&(16384..=32767));
        assert_eq!(range.to_words(), [16384, 32767]);
        let inside = [16383, 16384, 32767, 32768].map(|port| range.contains(port));
        assert_eq!(inside, [false, true, true, false]);
    }
}
