//! IP headers as IPsec sees them: with options, extension headers and fragments, which the media
//! path leaves to others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use wire::checksum::Sum;

use crate::DropReason;
use crate::selector::{Direction, Flow};

pub(crate) const V4_LEN: usize = 20;
pub(crate) const V6_LEN: usize = 40;

pub(crate) const ICMP: u8 = 1;
pub(crate) const IPV4: u8 = 4;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const IPV6: u8 = 41;
pub(crate) const ESP: u8 = 50;
pub(crate) const ICMPV6: u8 = 58;
/// No next header: a dummy packet.
pub(crate) const DUMMY: u8 = 59;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
pub(crate) const FRAGMENT: u8 = 44;
const DESTINATION: u8 = 60;

const V4_DF: u16 = 0x4000;
const V4_MF: u16 = 0x2000;
const V4_OFFSET: u16 = 0x1fff;

/// Which part of a datagram a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    /// The first of several.
    First,
    /// A later one; it has no transport header.
    Later,
}

/// What is known of an IP packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ip {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) traffic_class: u8,
    /// In IPv6 nobody on the way fragments.
    pub(crate) dont_fragment: bool,
    /// Octets of header and payload.
    pub(crate) total_len: usize,
    /// Protocol of the payload, behind all extension headers.
    pub(crate) protocol: u8,
    /// Where that payload begins, and the octet that names its protocol.
    pub(crate) payload_at: usize,
    pub(crate) payload_named_at: usize,
    /// Where ESP goes in transport mode (RFC 4303 §3.1.1), behind the headers that routers read;
    /// and the octet that names what is there.
    pub(crate) routed_len: usize,
    pub(crate) routed_named_at: usize,
    pub(crate) part: Part,
    /// Octets of the datagram in front of this part, and whether there are more behind it.
    pub(crate) offset: usize,
    pub(crate) more: bool,
    pub(crate) identification: u32,
}

impl Ip {
    /// Reads the header. What lies behind the packet (Ethernet padding) is left alone.
    pub(crate) fn parse(packet: &[u8]) -> Result<Self, DropReason> {
        match packet.first().map(|first| first >> 4) {
            Some(4) => Self::parse_v4(packet),
            Some(6) => Self::parse_v6(packet),
            _ => None,
        }
        .ok_or(DropReason::BadPacket)
    }

    fn parse_v4(packet: &[u8]) -> Option<Self> {
        let fixed: &[u8; V4_LEN] = packet.first_chunk()?;
        let header_len = usize::from(fixed[0] & 0x0f) * 4;
        let total_len = usize::from(be16(fixed, 2));
        let header = packet.get(..header_len)?;
        if header_len < V4_LEN || total_len < header_len || total_len > packet.len() {
            return None;
        }
        if Sum::default().add_bytes(header).finish() != 0 {
            return None;
        }
        let flags = be16(fixed, 6);
        let (offset, more) = (usize::from(flags & V4_OFFSET) * 8, flags & V4_MF != 0);
        Some(Self {
            source: v4(fixed, 12).into(),
            destination: v4(fixed, 16).into(),
            traffic_class: fixed[1],
            dont_fragment: flags & V4_DF != 0,
            total_len,
            protocol: fixed[9],
            payload_at: header_len,
            payload_named_at: 9,
            routed_len: header_len,
            routed_named_at: 9,
            part: part(offset, more),
            offset,
            more,
            identification: be16(fixed, 4).into(),
        })
    }

    fn parse_v6(packet: &[u8]) -> Option<Self> {
        let fixed: &[u8; V6_LEN] = packet.first_chunk()?;
        let total_len = V6_LEN + usize::from(be16(fixed, 4));
        let packet = packet.get(..total_len)?;
        let mut ip = Self {
            source: v6(fixed, 8).into(),
            destination: v6(fixed, 24).into(),
            traffic_class: fixed[0] << 4 | fixed[1] >> 4,
            dont_fragment: true,
            total_len,
            protocol: fixed[6],
            payload_at: V6_LEN,
            payload_named_at: 6,
            routed_len: V6_LEN,
            routed_named_at: 6,
            part: Part::Whole,
            offset: 0,
            more: false,
            identification: 0,
        };
        loop {
            let (at, header) = (ip.payload_at, ip.protocol);
            let len = match header {
                HOP_BY_HOP | ROUTING | DESTINATION => 8 + usize::from(*packet.get(at + 1)?) * 8,
                FRAGMENT if ip.part == Part::Whole => 8,
                // A second fragment header: nobody sends that in good faith.
                FRAGMENT => return None,
                _ => return Some(ip),
            };
            let extension = packet.get(at..at + len)?;
            if header == FRAGMENT {
                let field = be16(extension, 2);
                (ip.offset, ip.more) = (usize::from(field & !7), field & 1 != 0);
                ip.identification = u32::from_be_bytes(*extension[4..].first_chunk()?);
                ip.part = part(ip.offset, ip.more);
            }
            // Destination options are routers' business only in front of a routing header.
            (ip.protocol, ip.payload_at, ip.payload_named_at) = (extension[0], at + len, at);
            if matches!(header, HOP_BY_HOP | ROUTING) && ip.part == Part::Whole {
                (ip.routed_len, ip.routed_named_at) = (at + len, at);
            }
            if ip.part == Part::Later {
                return Some(ip);
            }
        }
    }

    pub(crate) fn is_v4(&self) -> bool {
        self.source.is_ipv4()
    }

    /// Who talks to whom, for selectors. A first part without its whole transport header lies
    /// about what it is.
    pub(crate) fn flow(&self, packet: &[u8], direction: Direction) -> Result<Flow, DropReason> {
        let payload = &packet[self.payload_at.min(self.total_len)..self.total_len];
        let ports = match (self.part, self.protocol) {
            (Part::Later, _) => None,
            // TCP, UDP, DCCP, SCTP, UDP-Lite.
            (_, TCP | UDP | 33 | 132 | 136) => {
                let header: &[u8; 8] = payload.first_chunk().ok_or(DropReason::BadPacket)?;
                Some((be16(header, 0), be16(header, 2)))
            }
            (_, ICMP | ICMPV6) => {
                let header: &[u8; 4] = payload.first_chunk().ok_or(DropReason::BadPacket)?;
                Some((be16(header, 0), be16(header, 0)))
            }
            _ => Some((0, 0)),
        };
        let (source, destination) = (ports.map(|ports| ports.0), ports.map(|ports| ports.1));
        Ok(match direction {
            Direction::Outbound => Flow {
                local: self.source,
                remote: self.destination,
                protocol: self.protocol,
                local_port: source,
                remote_port: destination,
            },
            Direction::Inbound => Flow {
                local: self.destination,
                remote: self.source,
                protocol: self.protocol,
                local_port: destination,
                remote_port: source,
            },
        })
    }

    /// Writes the length of all of `packet` into its header.
    pub(crate) fn set_len(&self, packet: &mut [u8]) {
        let total_len = packet.len();
        if self.is_v4() {
            packet[2..4].copy_from_slice(&(total_len as u16).to_be_bytes());
            finish_v4(packet, self.routed_len);
        } else {
            packet[4..6].copy_from_slice(&((total_len - V6_LEN) as u16).to_be_bytes());
        }
    }

    /// Writes another traffic class.
    pub(crate) fn set_traffic_class(&self, packet: &mut [u8], class: u8) {
        if self.is_v4() {
            packet[1] = class;
            finish_v4(packet, self.routed_len);
        } else {
            packet[0] = packet[0] & 0xf0 | class >> 4;
            packet[1] = packet[1] & 0x0f | class << 4;
        }
    }
}

/// The header of a tunnel.
pub(crate) struct Outer {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) protocol: u8,
    pub(crate) traffic_class: u8,
    pub(crate) hops: u8,
    pub(crate) dont_fragment: bool,
    pub(crate) identification: u16,
}

impl Outer {
    /// Octets it takes.
    pub(crate) fn len_for(destination: IpAddr) -> usize {
        if destination.is_ipv4() { V4_LEN } else { V6_LEN }
    }

    /// Writes the header in front of the rest of `packet`.
    pub(crate) fn emit(&self, packet: &mut [u8]) {
        let header = wire::ip::Header {
            source: self.source,
            destination: self.destination,
            protocol: self.protocol,
            traffic_class: self.traffic_class,
            hops: self.hops,
            payload_len: (packet.len() - Self::len_for(self.destination)) as u16,
        };
        header.emit(packet);
        if self.destination.is_ipv4() && !self.dont_fragment {
            packet[4..6].copy_from_slice(&self.identification.to_be_bytes());
            packet[6..8].fill(0);
            finish_v4(packet, V4_LEN);
        }
    }
}

/// Sets the checksum of an IPv4 header.
pub(crate) fn finish_v4(packet: &mut [u8], header_len: usize) {
    packet[10..12].fill(0);
    let checksum = Sum::default().add_bytes(&packet[..header_len]).finish();
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
}

pub(crate) fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn part(offset: usize, more: bool) -> Part {
    match (offset, more) {
        (0, false) => Part::Whole,
        (0, true) => Part::First,
        _ => Part::Later,
    }
}

fn v4(bytes: &[u8; V4_LEN], at: usize) -> Ipv4Addr {
    Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3])
}

fn v6(bytes: &[u8; V6_LEN], at: usize) -> Ipv6Addr {
    let octets: [u8; 16] = bytes[at..at + 16].try_into().expect("16 octets");
    octets.into()
}
