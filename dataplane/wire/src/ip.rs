//! IPv4 (RFC 791) and IPv6 (RFC 8200), as far as media needs them: no options, no fragments, no
//! extension headers. Packets that have those are somebody else's.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::checksum::Sum;
use crate::{WireError, be16};

/// Length of an IPv4 header without options.
pub const V4_HEADER_LEN: usize = 20;
/// Length of an IPv6 header.
pub const V6_HEADER_LEN: usize = 40;
/// Protocol number of UDP.
pub const UDP: u8 = 17;

const DONT_FRAGMENT: u16 = 0x4000;
const FRAGMENT_MASK: u16 = 0x3fff;

/// What a relay needs of an IP header, of either version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// From whom.
    pub source: IpAddr,
    /// To whom; of the same family as `source`.
    pub destination: IpAddr,
    /// Protocol (IPv4) or next header (IPv6).
    pub protocol: u8,
    /// Type of service or traffic class: DSCP and ECN.
    pub traffic_class: u8,
    /// Time to live or hop limit.
    pub hops: u8,
    /// Octets behind the header.
    pub payload_len: u16,
}

impl Header {
    /// Reads the header in front of `packet` and checks that the payload is all there. Octets
    /// behind the payload (Ethernet padding) are left alone.
    pub fn parse(packet: &[u8]) -> Result<Self, WireError> {
        match packet.first().map(|b| b >> 4) {
            Some(4) => Self::parse_v4(packet),
            Some(6) => Self::parse_v6(packet),
            Some(_) => Err(WireError::NotIp),
            None => Err(WireError::Truncated),
        }
    }

    fn parse_v4(packet: &[u8]) -> Result<Self, WireError> {
        if packet.len() < V4_HEADER_LEN {
            return Err(WireError::Truncated);
        }
        match packet[0] & 0x0f {
            5 => {}
            0..5 => return Err(WireError::BadLength),
            _ => return Err(WireError::Options),
        }
        if Sum::default().add_bytes(&packet[..V4_HEADER_LEN]).finish() != 0 {
            return Err(WireError::BadChecksum);
        }
        let total = usize::from(be16(packet, 2));
        if total < V4_HEADER_LEN {
            return Err(WireError::BadLength);
        }
        if total > packet.len() {
            return Err(WireError::Truncated);
        }
        if be16(packet, 6) & FRAGMENT_MASK != 0 {
            return Err(WireError::Fragment);
        }
        let address = |at: usize| {
            IpAddr::V4(Ipv4Addr::new(packet[at], packet[at + 1], packet[at + 2], packet[at + 3]))
        };
        Ok(Self {
            source: address(12),
            destination: address(16),
            protocol: packet[9],
            traffic_class: packet[1],
            hops: packet[8],
            payload_len: (total - V4_HEADER_LEN) as u16,
        })
    }

    fn parse_v6(packet: &[u8]) -> Result<Self, WireError> {
        if packet.len() < V6_HEADER_LEN {
            return Err(WireError::Truncated);
        }
        let payload_len = be16(packet, 4);
        if usize::from(payload_len) > packet.len() - V6_HEADER_LEN {
            return Err(WireError::Truncated);
        }
        let address = |at: usize| {
            let mut octets = [0; 16];
            octets.copy_from_slice(&packet[at..at + 16]);
            IpAddr::V6(Ipv6Addr::from(octets))
        };
        let protocol = match packet[6] {
            44 => return Err(WireError::Fragment),
            0 | 43 | 60 | 135 | 139 | 140 | 253 | 254 => return Err(WireError::ExtensionHeader),
            other => other,
        };
        Ok(Self {
            source: address(8),
            destination: address(24),
            protocol,
            traffic_class: packet[0] << 4 | packet[1] >> 4,
            hops: packet[7],
            payload_len,
        })
    }

    /// Octets the header takes.
    pub fn len(&self) -> usize {
        if self.destination.is_ipv4() { V4_HEADER_LEN } else { V6_HEADER_LEN }
    }

    /// A header is never empty.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Writes the header to the front of `packet`, which has at least [`Header::len`] octets. IPv4
    /// goes out as an atomic datagram: don't fragment, identification 0 (RFC 6864 §4.1).
    ///
    /// # Panics
    ///
    /// When source and destination are not of one family.
    pub fn emit(&self, packet: &mut [u8]) {
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                self.emit_v4(packet, source, destination);
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                self.emit_v6(packet, source, destination);
            }
            _ => panic!("source and destination are of different families"),
        }
    }

    fn emit_v4(&self, packet: &mut [u8], source: Ipv4Addr, destination: Ipv4Addr) {
        let header = &mut packet[..V4_HEADER_LEN];
        header[0] = 0x45;
        header[1] = self.traffic_class;
        header[2..4].copy_from_slice(&(V4_HEADER_LEN as u16 + self.payload_len).to_be_bytes());
        header[4..6].fill(0);
        header[6..8].copy_from_slice(&DONT_FRAGMENT.to_be_bytes());
        header[8] = self.hops;
        header[9] = self.protocol;
        header[10..12].fill(0);
        header[12..16].copy_from_slice(&source.octets());
        header[16..20].copy_from_slice(&destination.octets());
        let checksum = Sum::default().add_bytes(header).finish();
        header[10..12].copy_from_slice(&checksum.to_be_bytes());
    }

    fn emit_v6(&self, packet: &mut [u8], source: Ipv6Addr, destination: Ipv6Addr) {
        let header = &mut packet[..V6_HEADER_LEN];
        let first = 6 << 28 | u32::from(self.traffic_class) << 20;
        header[..4].copy_from_slice(&first.to_be_bytes());
        header[4..6].copy_from_slice(&self.payload_len.to_be_bytes());
        header[6] = self.protocol;
        header[7] = self.hops;
        header[8..24].copy_from_slice(&source.octets());
        header[24..40].copy_from_slice(&destination.octets());
    }

    /// The sum of the pseudo header for a transport of `len` octets (RFC 768, RFC 8200 §8.1).
    pub fn pseudo_sum(&self, len: u16) -> Sum {
        let sum = match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                Sum::default().add_bytes(&source.octets()).add_bytes(&destination.octets())
            }
            (source, destination) => Sum::default()
                .add_bytes(&to_v6(source).octets())
                .add_bytes(&to_v6(destination).octets()),
        };
        sum.add_word(u16::from(self.protocol)).add_word(len)
    }
}

fn to_v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4() -> Header {
        Header {
            source: IpAddr::V4(Ipv4Addr::new(10, 1, 0, 2)),
            destination: IpAddr::V4(Ipv4Addr::new(10, 1, 0, 1)),
            protocol: UDP,
            traffic_class: 0xb8,
            hops: 63,
            payload_len: 4,
        }
    }

    fn v6() -> Header {
        Header {
            source: "fd00::2".parse().unwrap(),
            destination: "fd00::1".parse().unwrap(),
            ..v4()
        }
    }

    #[test]
    fn emit_is_the_inverse_of_parse() {
        for header in [v4(), v6()] {
            let mut packet = [0; 60];
            header.emit(&mut packet);
            assert_eq!(Header::parse(&packet[..header.len() + 4]), Ok(header));
            assert_eq!(Header::parse(&packet[..header.len() + 3]), Err(WireError::Truncated));
        }
    }

    #[test]
    fn what_belongs_to_the_kernel_is_named() {
        let broken = |at: usize, value: u8| {
            let mut packet = [0; 24];
            v4().emit(&mut packet);
            packet[at] = value;
            packet[10..12].fill(0);
            let sum = Sum::default().add_bytes(&packet[..20]).finish();
            packet[10..12].copy_from_slice(&sum.to_be_bytes());
            Header::parse(&packet)
        };
        assert_eq!(broken(0, 0x46), Err(WireError::Options));
        assert_eq!(broken(0, 0x44), Err(WireError::BadLength));
        assert_eq!(broken(6, 0x20), Err(WireError::Fragment));
        assert_eq!(broken(7, 0x01), Err(WireError::Fragment));
        assert_eq!(broken(3, 19), Err(WireError::BadLength));
        let mut packet = [0; 44];
        v6().emit(&mut packet);
        packet[6] = 44;
        assert_eq!(Header::parse(&packet), Err(WireError::Fragment));
        packet[6] = 0;
        assert_eq!(Header::parse(&packet), Err(WireError::ExtensionHeader));
    }

    #[test]
    fn a_wrong_header_checksum_is_seen() {
        let mut packet = [0; 24];
        v4().emit(&mut packet);
        packet[8] ^= 1;
        assert_eq!(Header::parse(&packet), Err(WireError::BadChecksum));
    }
}
