//! Messages as packets that dissectors read.
//!
//! SCCP is put into TCP connections between the ends it was said between, with sequence numbers that
//! count up from 1 and sums that are right. The server's port is [`SCCP_PORT`] always: on the
//! port of SCCP over TLS a dissector would look for TLS. What carried a message, and whose it is,
//! stands beside the packet as a comment.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use wire::datagram::{ChecksumRule, Datagram};
use wire::ip;

use crate::pcapng::{LinkType, Writer};
use crate::record::{Protocol, Record};

/// Where dissectors look for SCCP in clear.
pub const SCCP_PORT: u16 = 2000;
/// What the interface of such a capture is called.
pub const INTERFACE: &str = "signalling";
/// Of a TCP segment.
const SEGMENT: usize = 1400;
/// Of a datagram.
const DATAGRAM: usize = 65_000;
/// Connections whose sequence numbers are remembered.
const MOST: usize = 65_536;

const TCP: u8 = 6;
const TCP_HEADER: usize = 20;

/// The connections that there were so far: what the next packet of each must be.
#[derive(Debug, Default)]
pub struct Conversation {
    next: HashMap<(SocketAddr, SocketAddr), u32>,
}

/// A capture of signalling: packets without link layer, one interface.
pub fn writer<W: Write>(out: W) -> io::Result<Writer<W>> {
    Writer::new(out, LinkType::RAW, INTERFACE)
}

impl Conversation {
    /// Writes a message as the packets that it would have been.
    pub fn write<W: Write>(&mut self, to: &mut Writer<W>, record: &Record) -> io::Result<()> {
        let comment = comment(record);
        for packet in self.packets(record) {
            to.packet(record.at, &packet, Some(&comment))?;
        }
        Ok(())
    }

    /// The packets of a message. They are to be erased where it is.
    fn packets(&mut self, record: &Record) -> Vec<zeroize::Zeroizing<Vec<u8>>> {
        let (source, destination) = ends(record);
        match record.protocol {
            Protocol::Mgcp => {
                let payload = &record.message[..record.message.len().min(DATAGRAM)];
                vec![datagram(source, destination, payload)]
            }
            Protocol::Sccp | Protocol::SccpOverTls | Protocol::MgcpBackhaul => {
                if self.next.len() >= MOST {
                    self.next.clear();
                }
                let acknowledged = *self.next.entry((destination, source)).or_insert(1);
                let sequence = self.next.entry((source, destination)).or_insert(1);
                let segment = |payload: &[u8]| {
                    let packet = segment(source, destination, [*sequence, acknowledged], payload);
                    *sequence = sequence.wrapping_add(payload.len() as u32);
                    packet
                };
                record.message.chunks(SEGMENT).map(segment).collect()
            }
        }
    }
}

/// What stands beside a packet: the device, and what carried its message.
fn comment(record: &Record) -> String {
    let server = if record.from_device { record.destination } else { record.source };
    format!("{}: {}, port {}", record.device, record.protocol.name(), server.port())
}

/// The device that a comment names.
pub(crate) fn device(comment: &str) -> Option<&str> {
    comment.split_once(": ").map(|(device, _)| device)
}

/// The ends as they are written: both of one family, the server of SCCP on its port.
fn ends(record: &Record) -> (SocketAddr, SocketAddr) {
    let (mut source, mut destination) = (record.source, record.destination);
    if matches!(record.protocol, Protocol::Sccp | Protocol::SccpOverTls) {
        let server = if record.from_device { &mut destination } else { &mut source };
        server.set_port(SCCP_PORT);
    }
    for end in [&mut source, &mut destination] {
        end.set_ip(end.ip().to_canonical());
    }
    if source.is_ipv4() != destination.is_ipv4() {
        for end in [&mut source, &mut destination] {
            if let IpAddr::V4(ip) = end.ip() {
                let wide = if ip == Ipv4Addr::UNSPECIFIED {
                    std::net::Ipv6Addr::UNSPECIFIED
                } else {
                    ip.to_ipv6_mapped()
                };
                end.set_ip(wide.into());
            }
        }
    }
    (source, destination)
}

/// A UDP datagram; its ends are of one family.
pub(crate) fn datagram(
    source: SocketAddr,
    destination: SocketAddr,
    payload: &[u8],
) -> zeroize::Zeroizing<Vec<u8>> {
    let datagram = Datagram {
        source,
        destination,
        traffic_class: 0,
        hops: 64,
        checksum: 0,
        payload_at: 0,
        payload_len: payload.len(),
    };
    let headers = datagram.headers_len();
    let mut packet = zeroize::Zeroizing::new(Vec::with_capacity(headers + payload.len()));
    packet.resize(headers, 0);
    packet.extend_from_slice(payload);
    datagram.emit_ip(&mut packet, ChecksumRule::Compute);
    packet
}

fn segment(
    source: SocketAddr,
    destination: SocketAddr,
    [sequence, acknowledged]: [u32; 2],
    payload: &[u8],
) -> zeroize::Zeroizing<Vec<u8>> {
    let length = (TCP_HEADER + payload.len()) as u16;
    let header = ip::Header {
        source: source.ip(),
        destination: destination.ip(),
        protocol: TCP,
        traffic_class: 0,
        hops: 64,
        payload_len: length,
    };
    let mut packet =
        zeroize::Zeroizing::new(Vec::with_capacity(header.len() + usize::from(length)));
    packet.resize(header.len(), 0);
    header.emit(&mut packet);
    packet.extend(source.port().to_be_bytes());
    packet.extend(destination.port().to_be_bytes());
    packet.extend(sequence.to_be_bytes());
    packet.extend(acknowledged.to_be_bytes());
    // Five words of header, PSH and ACK, a whole window, no sum yet, nothing urgent.
    packet.extend([0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
    packet.extend_from_slice(payload);
    let at = header.len();
    let sum = header.pseudo_sum(length).add_bytes(&packet[at..]).finish();
    packet[at + 16..at + 18].copy_from_slice(&sum.to_be_bytes());
    packet
}
