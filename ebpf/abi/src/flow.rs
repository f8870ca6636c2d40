use core::net::{IpAddr, SocketAddr};

use crate::{Address, Reception};

/// What becomes of media that comes to an open port: the value of [`crate::maps::OPEN_MEDIA`].
///
/// It goes to the AF_XDP socket of its queue, or, where no cipher is involved, new headers are
/// written in the XDP program and it leaves there. The map replaces a value as a whole, so that no
/// packet meets half of an old and half of a new one.
///
/// All that does not change from packet to packet is worked out beforehand. Words are as the machine
/// reads them from a frame, whatever their meaning there: ones'-complement sums come out right in
/// any byte order (RFC 1071 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Route {
    /// Index of the flow's counters, or [`Route::SOCKET`].
    pub number: u32,
    /// Index in [`crate::maps::BUDGETS`] of the peer's budget for what goes to the socket, or
    /// [`Route::NO_PEER`].
    pub budget: u32,
    /// Index of the next hop in [`crate::maps::HOPS`].
    pub hop: u32,
    /// Index in [`crate::maps::DEVICES`], or [`Route::BACK`].
    pub device: u32,
    /// Units of the payload's clock in 2^32 nanoseconds.
    pub clock: u32,
    /// Sum of the IPv4 header that leaves, without traffic class, length and time to live.
    pub ip_sum: u32,
    /// Sum of the pseudo header that arrives, without the length.
    pub pseudo_sum: u32,
    /// What the change of addresses and ports adds to the sum of a datagram.
    pub change: u32,
    /// Largest IP packet that may leave.
    pub mtu: u32,
    /// The only source that is believed; zero while there is none.
    pub from: [u16; 8],
    /// Where it goes.
    pub to: [u16; 8],
    /// From where it leaves.
    pub local: [u16; 8],
    /// Ports of the three.
    pub from_port: u16,
    /// As above.
    pub to_port: u16,
    /// As above.
    pub local_port: u16,
    /// Our link-layer address on the way out.
    pub mac: [u16; 3],
    /// VLAN tags as they are written, outermost first; the first `tags` of them.
    pub vlans: [[u16; 2]; 2],
    /// How many.
    pub tags: u8,
    /// Traffic class without ECN, or [`Route::COPY`].
    pub traffic_class: u8,
    /// Not used.
    pub zero: [u8; 2],
}

/// Headers as a flow has them; [`Route::new`] works the rest out.
#[derive(Clone, Copy, Debug)]
pub struct Rewrite {
    /// Index of the flow's counters.
    pub number: u32,
    /// Index of the peer's budget.
    pub budget: u32,
    /// Index of the next hop.
    pub hop: u32,
    /// Index of the device, or [`Route::BACK`].
    pub device: u32,
    /// The only source that is believed.
    pub from: SocketAddr,
    /// Where it came to.
    pub arrived_at: SocketAddr,
    /// From where it leaves.
    pub local: SocketAddr,
    /// Where it goes.
    pub to: SocketAddr,
    /// Our link-layer address on the way out.
    pub mac: [u8; 6],
    /// VLAN tags on the way out, type and control, outermost first.
    pub vlans: [Option<[u8; 4]>; 2],
    /// DSCP of what leaves; `None` copies.
    pub dscp: Option<u8>,
    /// Largest IP packet that may leave.
    pub mtu: u16,
    /// Clock of the payload.
    pub clock_hz: u32,
}

impl Route {
    /// As a `number`: to the AF_XDP socket.
    pub const SOCKET: u32 = u32::MAX;
    /// As a `budget`: nobody is known as the peer, all are strangers.
    pub const NO_PEER: u32 = u32::MAX;
    /// As a `device`: the interface it came from.
    pub const BACK: u32 = u32::MAX;
    /// As a `traffic_class`: that of the packet.
    pub const COPY: u8 = 0xff;
    /// Octets of the value.
    pub const LEN: usize = 108;

    /// The value for media that belongs to the engine.
    pub fn to_socket() -> Self {
        Self {
            number: Self::SOCKET,
            budget: Self::NO_PEER,
            hop: 0,
            device: 0,
            clock: 0,
            ip_sum: 0,
            pseudo_sum: 0,
            change: 0,
            mtu: 0,
            from: [0; 8],
            to: [0; 8],
            local: [0; 8],
            from_port: 0,
            to_port: 0,
            local_port: 0,
            mac: [0; 3],
            vlans: [[0; 2]; 2],
            tags: 0,
            traffic_class: Self::COPY,
            zero: [0; 2],
        }
    }

    /// The value for media that belongs to the engine, where it is known from whom it comes.
    pub fn to_socket_from(peer: SocketAddr, budget: u32) -> Self {
        Self {
            budget,
            from: words(&Address::from(peer.ip()).0),
            from_port: peer.port().to_be(),
            ..Self::to_socket()
        }
    }

    /// The value for a flow with these headers, all addresses of one family.
    pub fn new(rewrite: &Rewrite) -> Self {
        let Rewrite { from, arrived_at, local, to, .. } = rewrite;
        let tags = rewrite.vlans.iter().flatten().count() as u8;
        let old = fold(pseudo_sum(from, arrived_at) + ports_sum(from, arrived_at));
        let new = fold(pseudo_sum(local, to) + ports_sum(local, to));
        Self {
            number: rewrite.number,
            budget: rewrite.budget,
            hop: rewrite.hop,
            device: rewrite.device,
            clock: ((u64::from(rewrite.clock_hz) << 32) / 1_000_000_000) as u32,
            // Version and length, "don't fragment", protocol; the addresses.
            ip_sum: fold(
                word(0x4500)
                    + word(0x4000)
                    + word(UDP)
                    + address_sum(local.ip())
                    + address_sum(to.ip()),
            ),
            pseudo_sum: fold(pseudo_sum(from, arrived_at)),
            change: fold((!old & 0xffff) + new),
            mtu: rewrite.mtu.into(),
            from: words(&Address::from(from.ip()).0),
            to: words(&Address::from(to.ip()).0),
            local: words(&Address::from(local.ip()).0),
            from_port: from.port().to_be(),
            to_port: to.port().to_be(),
            local_port: local.port().to_be(),
            mac: words(&rewrite.mac),
            vlans: rewrite.vlans.map(|tag| words(&tag.unwrap_or_default())),
            tags,
            traffic_class: rewrite.dscp.map_or(Self::COPY, |dscp| dscp << 2),
            zero: [0; 2],
        }
    }

    /// The number in a value as the map stores it.
    pub fn number_in(bytes: &[u8; Self::LEN]) -> u32 {
        u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }

    /// The value as the map stores it.
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let longs = [
            self.number,
            self.budget,
            self.hop,
            self.device,
            self.clock,
            self.ip_sum,
            self.pseudo_sum,
            self.change,
            self.mtu,
        ];
        let ports = [self.from_port, self.to_port, self.local_port];
        let words: [&[u16]; 6] =
            [&self.from, &self.to, &self.local, &ports, &self.mac, self.vlans.as_flattened()];
        let octets = [self.tags, self.traffic_class, self.zero[0], self.zero[1]];
        let parts = longs
            .into_iter()
            .map(u32::to_ne_bytes)
            .flat_map(|long| [[long[0], long[1]], [long[2], long[3]]])
            .chain(words.into_iter().flatten().map(|word| word.to_ne_bytes()))
            .chain([[octets[0], octets[1]], [octets[2], octets[3]]]);
        for (to, part) in bytes.chunks_exact_mut(2).zip(parts) {
            to.copy_from_slice(&part);
        }
        bytes
    }
}

/// What a processor has counted of a flow: the value of [`crate::maps::FLOWS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct FlowCounters {
    /// RTP packets that left.
    pub packets: u64,
    /// Octets of their payload.
    pub octets: u64,
    /// When the last one came, in nanoseconds of the monotonic clock; 0 before the first one.
    pub last_seen: u64,
    /// Loss and jitter.
    pub reception: Reception,
}

impl FlowCounters {
    /// Words as the map stores it.
    pub const WORDS: usize = 6 + Reception::WORDS;

    /// The value as the map stores it.
    pub fn to_words(&self) -> [u32; Self::WORDS] {
        let mut words = [0; Self::WORDS];
        for (at, long) in [self.packets, self.octets, self.last_seen].into_iter().enumerate() {
            // The machine's byte order is that of BPF, which is built for little-endian machines.
            (words[2 * at], words[2 * at + 1]) = (long as u32, (long >> 32) as u32);
        }
        words[6..].copy_from_slice(&self.reception.to_words());
        words
    }

    /// The inverse of [`FlowCounters::to_words`].
    pub fn from_words(words: &[u32; Self::WORDS]) -> Self {
        let long = |at: usize| u64::from(words[at]) | u64::from(words[at + 1]) << 32;
        let mut reception = [0; Reception::WORDS];
        reception.copy_from_slice(&words[6..]);
        Self {
            packets: long(0),
            octets: long(2),
            last_seen: long(4),
            reception: Reception::from_words(reception),
        }
    }

    /// What all processors have counted.
    pub fn join(self, other: Self) -> Self {
        Self {
            packets: self.packets + other.packets,
            octets: self.octets + other.octets,
            last_seen: self.last_seen.max(other.last_seen),
            reception: self.reception.join(other.reception),
        }
    }
}

/// A next hop: the value of [`crate::maps::HOPS`]. Its address in the lower six octets as they stand
/// in a frame, above them whether it is known, in one aligned word.
#[inline(always)]
pub fn hop_address(hop: u64) -> Option<[u8; 6]> {
    let [a, b, c, d, e, f, known, _] = hop.to_le_bytes();
    if known == 0 { None } else { Some([a, b, c, d, e, f]) }
}

/// The inverse of [`hop_address`].
pub fn hop_value(address: Option<[u8; 6]>) -> u64 {
    let Some([a, b, c, d, e, f]) = address else { return 0 };
    u64::from_le_bytes([a, b, c, d, e, f, 1, 0])
}

const UDP: u16 = 17;

/// A number as the machine reads it where it stands in network byte order.
fn word(number: u16) -> u32 {
    number.to_be().into()
}

fn words<const N: usize, const W: usize>(bytes: &[u8; N]) -> [u16; W] {
    const { assert!(N == 2 * W) };
    let mut words = [0; W];
    for (word, pair) in words.iter_mut().zip(bytes.chunks_exact(2)) {
        *word = u16::from_ne_bytes([pair[0], pair[1]]);
    }
    words
}

/// Folds a sum to 16 bits.
#[inline(always)]
pub fn fold(sum: u32) -> u32 {
    let sum = (sum & 0xffff) + (sum >> 16);
    (sum & 0xffff) + (sum >> 16)
}

fn pseudo_sum(from: &SocketAddr, to: &SocketAddr) -> u32 {
    fold(address_sum(from.ip()) + address_sum(to.ip()) + word(UDP))
}

fn ports_sum(from: &SocketAddr, to: &SocketAddr) -> u32 {
    word(from.port()) + word(to.port())
}

fn address_sum(address: IpAddr) -> u32 {
    let sum = |octets: &[u8]| {
        octets.chunks_exact(2).map(|pair| u32::from(u16::from_ne_bytes([pair[0], pair[1]]))).sum()
    };
    match address {
        IpAddr::V4(v4) => sum(&v4.octets()),
        IpAddr::V6(v6) => sum(&v6.octets()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_have_no_padding() {
        assert_eq!((size_of::<Route>(), align_of::<Route>()), (Route::LEN, 4));
        assert_eq!(size_of::<FlowCounters>(), 4 * FlowCounters::WORDS);
    }

    #[test]
    fn words_are_the_value() {
        let counters = FlowCounters {
            packets: 1 << 40 | 7,
            octets: u64::MAX,
            last_seen: 3 << 32,
            reception: Reception::default(),
        };
        assert_eq!(FlowCounters::from_words(&counters.to_words()), counters);
    }

    #[test]
    fn a_hop_is_an_address_or_nothing() {
        assert_eq!(hop_address(hop_value(Some([1, 2, 3, 4, 5, 6]))), Some([1, 2, 3, 4, 5, 6]));
        assert_eq!(hop_address(hop_value(Some([0; 6]))), Some([0; 6]));
        assert_eq!(hop_address(hop_value(None)), None);
    }

    #[test]
    fn bytes_are_in_the_order_of_the_fields() {
        let route = Route { number: 1, mtu: 2, tags: 3, traffic_class: 4, ..Route::to_socket() };
        let bytes = route.to_bytes();
        assert_eq!((bytes[0], bytes[32], bytes[104], bytes[105]), (1, 2, 3, 4));
    }
}
