//! "Too big": answers to packets that nobody may cut, and what others say about our paths.

use std::net::IpAddr;

use wire::checksum::Sum;

use crate::ip::{self, Ip, be16};

const V4_UNREACHABLE: u8 = 3;
const V4_FRAGMENTATION_NEEDED: u8 = 4;
const V6_TOO_BIG: u8 = 2;
const HEADER_LEN: usize = 8;

/// Writes the answer to a packet that is too long for its path: ICMP "fragmentation needed" (RFC
/// 1191) or ICMPv6 "packet too big" (RFC 4443), from `source`, which is ours. Returns its length.
/// None for what must not be answered (an ICMP error, a later fragment), for a source of another
/// family, and if `buffer` is too short; 1280 octets are enough.
pub fn too_big(packet: &[u8], mtu: usize, source: IpAddr, buffer: &mut [u8]) -> Option<usize> {
    let ip = Ip::parse(packet).ok()?;
    if ip.offset != 0 || source.is_ipv4() != ip.is_v4() || is_error(&ip, packet) {
        return None;
    }
    let (header_len, most, protocol) = match ip.is_v4() {
        true => (ip::V4_LEN, 576, ip::ICMP),
        false => (ip::V6_LEN, 1280, ip::ICMPV6),
    };
    let quoted = ip.total_len.min(most - header_len - HEADER_LEN);
    let len = header_len + HEADER_LEN + quoted;
    let answer = buffer.get_mut(..len)?;
    let header = wire::ip::Header {
        source,
        destination: ip.source,
        protocol,
        traffic_class: 0,
        hops: 64,
        payload_len: (HEADER_LEN + quoted) as u16,
    };
    header.emit(answer);
    let message = &mut answer[header_len..];
    message[..HEADER_LEN].fill(0);
    let sum = if ip.is_v4() {
        message[..2].copy_from_slice(&[V4_UNREACHABLE, V4_FRAGMENTATION_NEEDED]);
        message[6..8].copy_from_slice(&(mtu as u16).to_be_bytes());
        Sum::default()
    } else {
        message[0] = V6_TOO_BIG;
        message[4..8].copy_from_slice(&(mtu as u32).to_be_bytes());
        header.pseudo_sum(header.payload_len)
    };
    message[HEADER_LEN..].copy_from_slice(&packet[..quoted]);
    let checksum = sum.add_bytes(message).finish();
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    Some(len)
}

fn is_error(ip: &Ip, packet: &[u8]) -> bool {
    match (ip.protocol, packet.get(ip.payload_at)) {
        (ip::ICMP, Some(kind)) => matches!(kind, 3 | 4 | 5 | 11 | 12),
        (ip::ICMPV6, Some(kind)) => *kind < 128,
        _ => false,
    }
}

/// What a router says about a packet of ours.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooBig {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) spi: u32,
    pub(crate) sequence: u32,
    pub(crate) mtu: usize,
}

impl TooBig {
    /// Reads an ICMP packet that quotes ESP, also in UDP.
    pub(crate) fn parse(packet: &[u8]) -> Option<Self> {
        let ip = Ip::parse(packet).ok()?;
        let message = &packet[ip.payload_at..ip.total_len];
        let header: &[u8; HEADER_LEN] = message.first_chunk()?;
        let mtu = match (ip.protocol, header[0], header[1]) {
            (ip::ICMP, V4_UNREACHABLE, V4_FRAGMENTATION_NEEDED) => be16(header, 6).into(),
            (ip::ICMPV6, V6_TOO_BIG, 0) => u32::from_be_bytes(*header[4..].first_chunk()?) as usize,
            _ => return None,
        };
        let quoted = &message[HEADER_LEN..];
        let (source, destination, protocol, mut rest) = quoted_header(quoted)?;
        match protocol {
            ip::ESP => {}
            ip::UDP => rest = rest.get(wire::udp::HEADER_LEN..)?,
            _ => return None,
        }
        let (spi, rest) = rest.split_first_chunk()?;
        Some(Self {
            source,
            destination,
            spi: u32::from_be_bytes(*spi),
            sequence: u32::from_be_bytes(*rest.first_chunk()?),
            mtu,
        })
    }
}

/// Of a packet that is cut off somewhere: its ends, its protocol, what lies behind the header. Ours
/// have no options and no extension headers.
fn quoted_header(quoted: &[u8]) -> Option<(IpAddr, IpAddr, u8, &[u8])> {
    let address = |at: usize, len: usize| match len {
        4 => quoted[at..].first_chunk::<4>().map(|octets| IpAddr::from(*octets)),
        _ => quoted[at..].first_chunk::<16>().map(|octets| IpAddr::from(*octets)),
    };
    match quoted.first()? >> 4 {
        4 => {
            let rest = quoted.get(ip::V4_LEN..)?;
            Some((address(12, 4)?, address(16, 4)?, quoted[9], rest))
        }
        6 => {
            let rest = quoted.get(ip::V6_LEN..)?;
            Some((address(8, 16)?, address(24, 16)?, quoted[6], rest))
        }
        _ => None,
    }
}
