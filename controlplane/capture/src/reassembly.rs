//! Packets as messages again: what was captured here, or by anybody where signalling is in clear.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use wire::datagram::Datagram;
use wire::ip;
use zeroize::Zeroizing;

use crate::conversation::{self, SCCP_PORT};
use crate::link;
use crate::pcapng::Packet;
use crate::record::{MAX_MESSAGE, Protocol, Record};

/// Where gateways and call agents listen for MGCP.
const MGCP_PORTS: [u16; 2] = [2427, 2727];
/// Where call agents listen for what gateways backhaul.
const BACKHAUL_PORT: u16 = 2428;
/// Connections followed at a time.
const MOST: usize = 65_536;
/// Octets that came too early and wait for those before them.
const MOST_EARLY: usize = 256 * 1024;
/// Octets of a message that its length does not count, and the shortest message.
const UNCOUNTED: usize = 8;
const HEADER: usize = 12;

/// Connections, followed from packet to packet.
#[derive(Debug, Default)]
pub struct Reassembly {
    streams: HashMap<(SocketAddr, SocketAddr), Stream>,
}

/// One direction of a connection.
#[derive(Debug, Default)]
struct Stream {
    /// Sequence number of what has to come next.
    next: Option<u32>,
    /// A message that has begun.
    begun: Zeroizing<Vec<u8>>,
    /// What came too early.
    early: BTreeMap<u32, Zeroizing<Vec<u8>>>,
}

impl Reassembly {
    /// The messages that a packet completes, in order.
    pub fn take(&mut self, packet: &Packet) -> Vec<Record> {
        let Some(octets) = link::ip(packet.link, &packet.octets) else { return Vec::new() };
        let comment = packet.comment.as_deref().and_then(conversation::device);
        let device = comment.unwrap_or_default();
        match ip::Header::parse(octets) {
            Ok(header) if header.protocol == ip::UDP => {
                mgcp(packet.at, device, octets).into_iter().collect()
            }
            Ok(header) if header.protocol == TCP => self.tcp(packet.at, device, &header, octets),
            _ => Vec::new(),
        }
    }

    fn tcp(
        &mut self,
        at: Duration,
        device: &str,
        header: &ip::Header,
        octets: &[u8],
    ) -> Vec<Record> {
        let Some(segment) = Segment::read(header, octets) else { return Vec::new() };
        let ports = [segment.source.port(), segment.destination.port()];
        let (protocol, server) = match ports {
            ports if ports.contains(&SCCP_PORT) => (Protocol::Sccp, SCCP_PORT),
            ports if ports.contains(&BACKHAUL_PORT) => (Protocol::MgcpBackhaul, BACKHAUL_PORT),
            _ => return Vec::new(),
        };
        let way = (segment.source, segment.destination);
        if self.streams.len() >= MOST && !self.streams.contains_key(&way) {
            self.streams.clear();
        }
        let stream = self.streams.entry(way).or_default();
        let messages = match protocol {
            Protocol::Sccp => stream.sccp(&segment),
            _ if segment.payload.is_empty() => Vec::new(),
            _ => vec![Zeroizing::new(segment.payload.to_vec())],
        };
        let record = |message| Record {
            at,
            device: device.to_owned(),
            source: segment.source,
            destination: segment.destination,
            protocol,
            from_device: segment.destination.port() == server,
            message,
        };
        messages.into_iter().map(record).collect()
    }
}

/// An MGCP datagram.
fn mgcp(at: Duration, device: &str, packet: &[u8]) -> Option<Record> {
    let datagram = Datagram::parse_ip(packet).ok()?;
    let ports = [datagram.source.port(), datagram.destination.port()];
    if !ports.iter().any(|port| MGCP_PORTS.contains(port)) {
        return None;
    }
    let payload = packet.get(datagram.payload_at..)?.get(..datagram.payload_len)?;
    Some(Record {
        at,
        device: device.to_owned(),
        source: datagram.source,
        destination: datagram.destination,
        protocol: Protocol::Mgcp,
        from_device: datagram.source.port() == MGCP_PORTS[0],
        message: Zeroizing::new(payload.to_vec()),
    })
}

const TCP: u8 = 6;

struct Segment<'p> {
    source: SocketAddr,
    destination: SocketAddr,
    sequence: u32,
    begins: bool,
    payload: &'p [u8],
}

impl<'p> Segment<'p> {
    fn read(header: &ip::Header, packet: &'p [u8]) -> Option<Self> {
        let segment = packet.get(header.len()..)?.get(..header.payload_len.into())?;
        let (fixed, _) = segment.split_first_chunk::<20>()?;
        let port = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
        let data = usize::from(fixed[12] >> 4) * 4;
        Some(Self {
            source: SocketAddr::new(header.source, port(0)),
            destination: SocketAddr::new(header.destination, port(2)),
            sequence: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            begins: fixed[13] & SYN != 0,
            payload: segment.get(data.max(20)..)?,
        })
    }
}

const SYN: u8 = 0x02;

impl Stream {
    /// The messages that a segment completes.
    fn sccp(&mut self, segment: &Segment<'_>) -> Vec<Zeroizing<Vec<u8>>> {
        if segment.begins {
            *self = Self { next: Some(segment.sequence.wrapping_add(1)), ..Self::default() };
            return Vec::new();
        }
        if segment.payload.is_empty() {
            return Vec::new();
        }
        let next = *self.next.get_or_insert(segment.sequence);
        let ahead = segment.sequence.wrapping_sub(next) as i32;
        if ahead > 0 {
            self.wait(segment);
            return Vec::new();
        }
        let known = ahead.unsigned_abs() as usize;
        let Some(fresh) = segment.payload.get(known..) else { return Vec::new() };
        let mut messages = self.join(next, fresh);
        while let Some(next) = self.next
            && let Some((&sequence, _)) =
                self.early.iter().find(|(sequence, _)| next.wrapping_sub(**sequence) as i32 >= 0)
            && let Some(early) = self.early.remove(&sequence)
        {
            let known = next.wrapping_sub(sequence) as usize;
            if let Some(fresh) = early.get(known..) {
                messages.extend(self.join(next, fresh));
            }
        }
        messages
    }

    /// Keeps what came too early; if that becomes too much, what is missing was never captured.
    fn wait(&mut self, segment: &Segment<'_>) {
        let waiting: usize = self.early.values().map(|early| early.len()).sum();
        if waiting + segment.payload.len() > MOST_EARLY {
            self.early.clear();
            self.begun.clear();
            self.next = Some(segment.sequence);
        }
        self.early.insert(segment.sequence, Zeroizing::new(segment.payload.to_vec()));
    }

    fn join(&mut self, next: u32, fresh: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
        self.next = Some(next.wrapping_add(fresh.len() as u32));
        let mut joined = Zeroizing::new(Vec::with_capacity(self.begun.len() + fresh.len()));
        joined.extend_from_slice(&self.begun);
        joined.extend_from_slice(fresh);
        let mut messages = Vec::new();
        let mut rest = &joined[..];
        while let Some(length) = rest.first_chunk::<4>() {
            let total = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
            let total = total.saturating_add(UNCOUNTED);
            if !(HEADER..=MAX_MESSAGE).contains(&total) {
                // Nobody knows where the next one begins, but most begin with a segment.
                rest = &[];
                break;
            }
            let Some((message, behind)) = rest.split_at_checked(total) else { break };
            messages.push(Zeroizing::new(message.to_vec()));
            rest = behind;
        }
        self.begun = Zeroizing::new(rest.to_vec());
        messages
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::conversation::Conversation;
    use crate::pcapng::Reader;

    fn message(octets: usize, fill: u8) -> Vec<u8> {
        let mut message = ((octets + 4) as u32).to_le_bytes().to_vec();
        message.extend([0; 4]);
        message.extend(0x8au32.to_le_bytes());
        message.resize(12 + octets, fill);
        message
    }

    fn record(message: Vec<u8>, from_device: bool, protocol: Protocol) -> Record {
        let (phone, server) = ("10.0.0.2:50000", "10.0.0.1:2443");
        let (source, destination) = if from_device { (phone, server) } else { (server, phone) };
        Record {
            at: Duration::from_millis(5),
            device: "SEP001122334455".into(),
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            protocol,
            from_device,
            message: Zeroizing::new(message),
        }
    }

    fn packets(records: &[Record]) -> Vec<Packet> {
        let (mut conversation, mut file) = (Conversation::default(), Vec::new());
        let mut writer = conversation::writer(&mut file).unwrap();
        for record in records {
            conversation.write(&mut writer, record).unwrap();
        }
        Reader::new(&file[..]).unwrap().collect::<Result<_, _>>().unwrap()
    }

    fn reassembled(packets: &[Packet]) -> Vec<Record> {
        let mut reassembly = Reassembly::default();
        packets.iter().flat_map(|packet| reassembly.take(packet)).collect()
    }

    proptest! {
        // R: CAP-03
        #[test]
        fn messages_become_packets_and_messages_again(
            lengths in proptest::collection::vec((0..9000usize, any::<bool>()), 1..12)
        ) {
            let records: Vec<_> = lengths
                .into_iter()
                .enumerate()
                .map(|(n, (length, from))| record(message(length, n as u8), from, Protocol::SccpOverTls))
                .collect();
            let mut packets = packets(&records);
            let back = reassembled(&packets);
            prop_assert_eq!(back.len(), records.len());
            for (back, record) in back.iter().zip(&records) {
                prop_assert_eq!(&back.message, &record.message);
                prop_assert_eq!((back.from_device, &back.device), (record.from_device, &record.device));
            }
            // What a network does: packets twice, and neighbours swapped.
            packets = packets.iter().flat_map(|packet| [packet.clone(), packet.clone()]).collect();
            for pair in packets[2..].chunks_mut(4) {
                pair.reverse();
            }
            let both = |from| {
                let of = |records: &[Record]| {
                    let from = records.iter().filter(|record| record.from_device == from);
                    from.map(|record| record.message.to_vec()).collect::<Vec<_>>()
                };
                (of(&reassembled(&packets)), of(&records))
            };
            for (disturbed, whole) in [both(true), both(false)] {
                prop_assert!(disturbed.len() <= whole.len());
            }
        }

        #[test]
        fn any_packet_is_borne(octets: Vec<u8>, link in 0..3usize, header: bool) {
            let link = [101, 1, 113].map(crate::pcapng::LinkType)[link];
            let mut octets = octets;
            if header {
                let whole = packets(&[record(message(0, 0), true, Protocol::Sccp)]).remove(0).octets;
                octets = [&whole[..20], &octets].concat();
            }
            let packet = Packet { at: Duration::ZERO, link, octets, comment: None };
            let _ = Reassembly::default().take(&packet);
        }
    }

    // R: CAP-03
    #[test]
    fn datagrams_of_mgcp_are_messages() {
        let mut sent = record(b"200 1 OK\r\n".to_vec(), true, Protocol::Mgcp);
        sent.source.set_port(2427);
        sent.destination.set_port(2727);
        assert_eq!(reassembled(&packets(&[sent.clone()])), [sent]);
    }
}
