//! A UDP datagram in a frame: found on the way in, wrapped anew on the way out.

use core::net::SocketAddr;

use crate::{WireError, ethernet, ip, udp};

/// A datagram and where its payload lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// From whom.
    pub source: SocketAddr,
    /// To whom.
    pub destination: SocketAddr,
    /// DSCP and ECN.
    pub traffic_class: u8,
    /// Time to live or hop limit.
    pub hops: u8,
    /// The UDP checksum field.
    pub checksum: u16,
    /// First octet of the payload, counted from the first octet of the frame.
    pub payload_at: usize,
    /// Octets of the payload.
    pub payload_len: usize,
}

/// What the UDP checksum of a datagram on its way out becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksumRule {
    /// None, where that is allowed: over IPv4. Over IPv6 it is computed.
    None,
    /// Over all octets.
    Compute,
    /// The one it came with, corrected for the changed addresses and ports, so that damage to the
    /// payload on the way to us stays visible. The payload is unchanged.
    Update(Datagram),
}

impl Datagram {
    /// Finds the datagram in an Ethernet frame.
    pub fn parse_ethernet(frame: &[u8]) -> Result<Self, WireError> {
        let link = ethernet::Header::parse(frame)?;
        if !matches!(link.ether_type, ethernet::IPV4 | ethernet::IPV6) {
            return Err(WireError::NotIp);
        }
        let mut datagram = Self::parse_ip(&frame[link.len()..])?;
        datagram.payload_at += link.len();
        Ok(datagram)
    }

    /// Finds the datagram in an IP packet.
    pub fn parse_ip(packet: &[u8]) -> Result<Self, WireError> {
        let ip = ip::Header::parse(packet)?;
        if ip.protocol != ip::UDP {
            return Err(WireError::NotUdp);
        }
        let segment = &packet[ip.len()..][..ip.payload_len.into()];
        let udp = udp::Header::parse(segment)?;
        if udp.checksum == 0 && ip.destination.is_ipv6() {
            return Err(WireError::NoChecksum);
        }
        Ok(Self {
            source: SocketAddr::new(ip.source, udp.source),
            destination: SocketAddr::new(ip.destination, udp.destination),
            traffic_class: ip.traffic_class,
            hops: ip.hops,
            checksum: udp.checksum,
            payload_at: ip.len() + udp::HEADER_LEN,
            payload_len: udp.payload_len.into(),
        })
    }

    /// Octets of the IP and UDP headers [`Datagram::emit_ip`] writes.
    pub fn headers_len(&self) -> usize {
        let ip = if self.destination.is_ipv4() { ip::V4_HEADER_LEN } else { ip::V6_HEADER_LEN };
        ip + udp::HEADER_LEN
    }

    /// Writes IP and UDP headers in front of the payload, which lies ready behind
    /// [`Datagram::headers_len`] octets of `packet`. `payload_at` and `checksum` are not read.
    ///
    /// # Panics
    ///
    /// When source and destination are not of one family, or `packet` is shorter than headers and
    /// payload.
    pub fn emit_ip(&self, packet: &mut [u8], rule: ChecksumRule) {
        let mut udp = udp::Header {
            source: self.source.port(),
            destination: self.destination.port(),
            payload_len: self.payload_len as u16,
            checksum: 0,
        };
        let ip = self.ip_header();
        ip.emit(packet);
        let segment = &mut packet[ip.len()..][..udp.total_len().into()];
        udp.emit(segment);
        udp.checksum = match rule {
            ChecksumRule::None if ip.destination.is_ipv4() => return,
            ChecksumRule::Update(old) if old.can_update(&ip) => {
                if old.checksum == 0 {
                    return;
                }
                self.updated_checksum(&old)
            }
            _ => ip.pseudo_sum(udp.total_len()).add_bytes(segment).finish_udp(),
        };
        udp.emit(segment);
    }

    fn ip_header(&self) -> ip::Header {
        ip::Header {
            source: self.source.ip(),
            destination: self.destination.ip(),
            protocol: ip::UDP,
            traffic_class: self.traffic_class,
            hops: self.hops,
            payload_len: (udp::HEADER_LEN + self.payload_len) as u16,
        }
    }

    /// Whether this datagram's checksum can be carried over to one with header `new`. Not into
    /// another family, where zero means something else; and not when it is only the pseudo header's
    /// sum, which a local sender leaves for its network card to finish.
    fn can_update(&self, new: &ip::Header) -> bool {
        let old = self.ip_header();
        old.destination.is_ipv4() == new.destination.is_ipv4()
            && self.checksum != old.pseudo_sum(old.payload_len).folded()
    }

    fn updated_checksum(&self, old: &Self) -> u16 {
        let sum = |datagram: &Self| {
            let ip = datagram.ip_header();
            ip.pseudo_sum(ip.payload_len)
                .add_word(datagram.source.port())
                .add_word(datagram.destination.port())
                .folded()
        };
        crate::checksum::Sum::resume(old.checksum).remove(sum(old)).add_word(sum(self)).finish_udp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(source: &str, destination: &str) -> Datagram {
        let mut datagram = Datagram {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            traffic_class: 0xb8,
            hops: 64,
            checksum: 0,
            payload_at: 0,
            payload_len: 5,
        };
        datagram.payload_at = datagram.headers_len();
        datagram
    }

    fn families() -> [[Datagram; 2]; 2] {
        [
            [
                datagram("10.0.0.1:5004", "10.0.0.2:16384"),
                datagram("10.9.0.2:16386", "10.9.0.7:40000"),
            ],
            [
                datagram("[fd00::1]:5004", "[fd00::2]:16384"),
                datagram("[fd01::2]:16386", "[fd01::7]:40000"),
            ],
        ]
    }

    fn emitted(datagram: &Datagram, rule: ChecksumRule) -> ([u8; 64], Datagram) {
        let mut packet = [0; 64];
        packet[datagram.headers_len()..][..5].copy_from_slice(b"media");
        datagram.emit_ip(&mut packet, rule);
        let parsed = Datagram::parse_ip(&packet).unwrap();
        (packet, parsed)
    }

    fn is_intact(packet: &[u8]) -> bool {
        let ip = ip::Header::parse(packet).unwrap();
        let segment = &packet[ip.len()..][..ip.payload_len.into()];
        ip.pseudo_sum(ip.payload_len).add_bytes(segment).finish() == 0
    }

    #[test]
    fn emit_is_the_inverse_of_parse() {
        for datagram in families().concat() {
            let (packet, parsed) = emitted(&datagram, ChecksumRule::Compute);
            assert!(is_intact(&packet));
            assert_eq!(Datagram { checksum: 0, ..parsed }, datagram);
        }
    }

    #[test]
    fn no_checksum_is_for_ipv4_only() {
        let [[v4, _], [v6, _]] = families();
        assert_eq!(emitted(&v4, ChecksumRule::None).1.checksum, 0);
        assert!(is_intact(&emitted(&v6, ChecksumRule::None).0));
        let mut packet = emitted(&v6, ChecksumRule::Compute).0;
        packet[46..48].fill(0);
        assert_eq!(Datagram::parse_ip(&packet), Err(WireError::NoChecksum));
    }

    #[test]
    fn an_updated_checksum_keeps_damage_visible() {
        for [before, after] in families() {
            let arrived = emitted(&before, ChecksumRule::Compute).1;
            assert!(is_intact(&emitted(&after, ChecksumRule::Update(arrived)).0));
            let damaged = Datagram { checksum: arrived.checksum ^ 0x0100, ..arrived };
            assert!(!is_intact(&emitted(&after, ChecksumRule::Update(damaged)).0));
        }
    }

    #[test]
    fn an_unfinished_checksum_is_finished() {
        for [before, after] in families() {
            let ip = before.ip_header();
            let checksum = ip.pseudo_sum(ip.payload_len).folded();
            let offloaded = Datagram { checksum, ..before };
            assert!(is_intact(&emitted(&after, ChecksumRule::Update(offloaded)).0));
        }
    }

    #[test]
    fn absence_is_kept_within_ipv4_and_ends_at_ipv6() {
        let [[v4, other_v4], [v6, _]] = families();
        assert_eq!(emitted(&other_v4, ChecksumRule::Update(v4)).1.checksum, 0);
        assert!(is_intact(&emitted(&v6, ChecksumRule::Update(v4)).0));
    }

    #[test]
    fn ethernet_padding_is_not_payload() {
        let [[v4, _], _] = families();
        let mut frame = [0; 80];
        let link = ethernet::Header {
            destination: ethernet::MacAddr([2; 6]),
            source: ethernet::MacAddr([4; 6]),
            tags: [Some(ethernet::VlanTag { protocol: ethernet::VLAN, control: 7 }), None],
            ether_type: ethernet::IPV4,
        };
        link.emit(&mut frame);
        let (packet, _) = emitted(&v4, ChecksumRule::Compute);
        frame[18..78].copy_from_slice(&packet[..60]);
        let found = Datagram::parse_ethernet(&frame).unwrap();
        assert_eq!((found.payload_at, found.payload_len), (18 + 28, 5));
    }
}
