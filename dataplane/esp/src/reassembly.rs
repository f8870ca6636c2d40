//! Joining fragments of protected packets before they are opened (RFC 4303 §3.4.1).
//!
//! Nobody has authenticated a fragment, so what is kept of them is bounded: by time, by datagrams of
//! one source, by octets altogether. A datagram whose fragments overlap is given up.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::DropReason;
use crate::ip::{Ip, Part};

/// How long the parts of a datagram are waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Datagrams of one source that may be incomplete at a time.
const PER_SOURCE: usize = 64;
/// Octets kept altogether.
const OCTETS: usize = 1 << 20;
/// Parts of one datagram.
const PARTS: usize = 64;

/// Incomplete datagrams.
#[derive(Default)]
pub struct Reassembler {
    /// Oldest first.
    datagrams: VecDeque<Datagram>,
    octets: usize,
}

struct Datagram {
    key: Key,
    until: Instant,
    /// Header of the first part, up to where the payload begins.
    header: Option<Vec<u8>>,
    /// Offsets and octets, by offset.
    parts: Vec<(usize, Vec<u8>)>,
    /// Octets of the whole payload, known from the last part.
    total: Option<usize>,
    octets: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    identification: u32,
}

impl Reassembler {
    /// Without fragments.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a fragment. When it completes a datagram, that is the answer: an IP packet without
    /// fragmentation. None while parts are missing.
    pub fn push(&mut self, now: Instant, packet: &[u8]) -> Result<Option<Vec<u8>>, DropReason> {
        let ip = Ip::parse(packet)?;
        self.forget(now);
        let payload = &packet[ip.payload_at.min(ip.total_len)..ip.total_len];
        let aligned = !ip.more || payload.len().is_multiple_of(8);
        let end = ip.offset + payload.len();
        if ip.part == Part::Whole || payload.is_empty() || !aligned || end > u16::MAX.into() {
            return Err(DropReason::BadFragments);
        }
        let key = Key {
            source: ip.source,
            destination: ip.destination,
            protocol: ip.protocol,
            identification: ip.identification,
        };
        let index = match self.datagrams.iter().position(|datagram| datagram.key == key) {
            Some(index) => index,
            None => self.begin(now, key)?,
        };
        if self.octets + packet.len() > OCTETS {
            return Err(DropReason::BadFragments);
        }
        let datagram = &mut self.datagrams[index];
        if !datagram.take(&ip, packet, payload) {
            self.give_up(index);
            return Err(DropReason::BadFragments);
        }
        self.octets += packet.len();
        datagram.octets += packet.len();
        if !datagram.is_complete() {
            return Ok(None);
        }
        Ok(self.give_up(index).and_then(Datagram::join))
    }

    /// When something is to be forgotten next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.datagrams.front().map(|datagram| datagram.until)
    }

    /// Forgets datagrams that were not completed in time.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.forget(now);
    }

    /// Octets that are kept now.
    pub fn octets(&self) -> usize {
        self.octets
    }

    fn begin(&mut self, now: Instant, key: Key) -> Result<usize, DropReason> {
        let same = self.datagrams.iter().filter(|datagram| datagram.key.source == key.source);
        if same.count() == PER_SOURCE {
            return Err(DropReason::BadFragments);
        }
        self.datagrams.push_back(Datagram {
            key,
            until: now + PATIENCE,
            header: None,
            parts: Vec::new(),
            total: None,
            octets: 0,
        });
        Ok(self.datagrams.len() - 1)
    }

    fn give_up(&mut self, index: usize) -> Option<Datagram> {
        let datagram = self.datagrams.remove(index)?;
        self.octets -= datagram.octets;
        Some(datagram)
    }

    fn forget(&mut self, now: Instant) {
        while self.datagrams.front().is_some_and(|datagram| datagram.until <= now) {
            self.give_up(0);
        }
    }
}

impl Datagram {
    /// Whether the part fits to the others.
    fn take(&mut self, ip: &Ip, packet: &[u8], payload: &[u8]) -> bool {
        let end = ip.offset + payload.len();
        let at = self.parts.partition_point(|(offset, _)| *offset < ip.offset);
        let after_previous = at == 0 || {
            let (offset, octets) = &self.parts[at - 1];
            offset + octets.len() <= ip.offset
        };
        let before_next = self.parts.get(at).is_none_or(|(offset, _)| end <= *offset);
        let last_end = self.parts.last().map_or(0, |(offset, octets)| offset + octets.len());
        let within = match (self.total, ip.more) {
            (Some(total), true) => end <= total,
            (Some(_), false) => false,
            (None, true) => true,
            (None, false) => last_end <= end,
        };
        if !after_previous || !before_next || !within || self.parts.len() == PARTS {
            return false;
        }
        if ip.part == Part::First {
            self.header = Some(header(ip, packet));
        }
        if !ip.more {
            self.total = Some(end);
        }
        self.parts.insert(at, (ip.offset, payload.to_vec()));
        true
    }

    fn is_complete(&self) -> bool {
        let octets: usize = self.parts.iter().map(|(_, octets)| octets.len()).sum();
        self.total == Some(octets)
    }

    fn join(self) -> Option<Vec<u8>> {
        let mut packet = self.header?;
        for (_, octets) in &self.parts {
            packet.extend_from_slice(octets);
        }
        if packet.len() > u16::MAX.into() {
            return None;
        }
        let len = packet.len() as u16;
        if self.key.source.is_ipv4() {
            packet[2..4].copy_from_slice(&len.to_be_bytes());
            packet[6..8].fill(0);
            let header_len = usize::from(packet[0] & 0x0f) * 4;
            crate::ip::finish_v4(&mut packet, header_len);
        } else {
            packet[4..6].copy_from_slice(&(len - 40).to_be_bytes());
        }
        Some(packet)
    }
}

/// The header of the datagram from that of its first part.
fn header(ip: &Ip, packet: &[u8]) -> Vec<u8> {
    if ip.is_v4() {
        return packet[..ip.payload_at].to_vec();
    }
    // The fragment header is the one behind those that routers read: senders put nothing between.
    let mut header = packet[..ip.routed_len].to_vec();
    header[ip.routed_named_at] = ip.protocol;
    header
}
