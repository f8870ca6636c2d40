//! ESP in UDP, for paths with address translation (RFC 3948).

use std::net::{IpAddr, SocketAddr};

use wire::datagram::{ChecksumRule, Datagram};

/// The port of encapsulated ESP and of IKE beside it.
pub const PORT: u16 = 4500;

/// The octet that a keepalive consists of.
const KEEPALIVE: u8 = 0xff;

/// What a datagram on port 4500 is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An ESP packet.
    Esp,
    /// An IKE message behind four zeros.
    Ike,
    /// A keepalive.
    Keepalive,
    /// None of these.
    Bad,
}

/// Tells what the payload of a datagram on port 4500 is.
pub fn classify(payload: &[u8]) -> Kind {
    match payload {
        [KEEPALIVE] => Kind::Keepalive,
        [0, 0, 0, 0, ..] => Kind::Ike,
        [_, _, _, _, _, ..] => Kind::Esp,
        _ => Kind::Bad,
    }
}

/// Writes a keepalive datagram with its IP header; None if `buffer` is too short. Returns its
/// length.
///
/// # Panics
///
/// When the addresses are of two families.
pub fn keepalive(source: SocketAddr, destination: SocketAddr, buffer: &mut [u8]) -> Option<usize> {
    let datagram = Datagram {
        source,
        destination,
        traffic_class: 0,
        hops: 64,
        checksum: 0,
        payload_at: 0,
        payload_len: 1,
    };
    let at = datagram.headers_len();
    *buffer.get_mut(at)? = KEEPALIVE;
    datagram.emit_ip(&mut buffer[..=at], ChecksumRule::None);
    Some(at + 1)
}

/// The checksum of a whole UDP segment, whose checksum field is 0.
pub(crate) fn checksum(source: IpAddr, destination: IpAddr, segment: &[u8]) -> u16 {
    let ip = wire::ip::Header {
        source,
        destination,
        protocol: wire::ip::UDP,
        traffic_class: 0,
        hops: 0,
        payload_len: segment.len() as u16,
    };
    ip.pseudo_sum(ip.payload_len).add_bytes(segment).finish_udp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_are_told_apart() {
        let cases: [(&[u8], Kind); 7] = [
            (&[], Kind::Bad),
            (&[0xff], Kind::Keepalive),
            (&[0xfe], Kind::Bad),
            (&[1, 2, 3], Kind::Bad),
            (&[0, 0, 0, 0], Kind::Ike),
            (&[0, 0, 0, 0, 9, 9], Kind::Ike),
            (&[0xff, 0xff, 0, 1, 0], Kind::Esp),
        ];
        for (payload, kind) in cases {
            assert_eq!(classify(payload), kind, "{payload:?}");
        }
    }

    #[test]
    fn a_keepalive_is_one_octet() {
        let (ours, peer) = ("192.0.2.1:4500".parse().unwrap(), "192.0.2.2:4501".parse().unwrap());
        let mut buffer = [0; 64];
        let len = keepalive(ours, peer, &mut buffer).unwrap();
        let datagram = Datagram::parse_ip(&buffer[..len]).unwrap();
        assert_eq!((datagram.source, datagram.destination), (ours, peer));
        assert_eq!(classify(&buffer[datagram.payload_at..len]), Kind::Keepalive);
        assert_eq!(keepalive(ours, peer, &mut buffer[..28]), None);
    }
}
