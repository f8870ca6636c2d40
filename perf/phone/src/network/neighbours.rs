use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use wire::ethernet::MacAddr;

use super::Hardening;

/// Which MAC addresses a telephone believes to be whose: its ARP table (RFC 826).
#[derive(Clone, Debug)]
pub struct Neighbours {
    own: (Ipv4Addr, MacAddr),
    takes_gratuitous: bool,
    known: BTreeMap<Ipv4Addr, MacAddr>,
    asked: BTreeSet<Ipv4Addr>,
}

/// ARP for IPv4 over Ethernet: hardware and protocol type, lengths of their addresses.
const KIND: [u8; 6] = [0, 1, 8, 0, 6, 4];
const REQUEST: u16 = 1;
const REPLY: u16 = 2;
const LEN: usize = 28;

/// A telephone has to do with its router and a few servers.
const MOST: usize = 64;

impl Neighbours {
    /// Those of a telephone with this address that knows nobody yet.
    pub fn new(ip: Ipv4Addr, mac: MacAddr, hardening: &Hardening) -> Self {
        Self {
            own: (ip, mac),
            takes_gratuitous: hardening.gratuitous_arp,
            known: BTreeMap::new(),
            asked: BTreeSet::new(),
        }
    }

    /// Whose address it is, as far as is known.
    pub fn mac(&self, ip: Ipv4Addr) -> Option<MacAddr> {
        self.known.get(&ip).copied()
    }

    /// The packet that asks for somebody's address: behind an Ethernet header to everybody.
    pub fn ask(&mut self, ip: Ipv4Addr) -> [u8; LEN] {
        if self.asked.len() < MOST {
            self.asked.insert(ip);
        }
        packet(REQUEST, self.own, (ip, MacAddr([0; 6])))
    }

    /// Takes an ARP packet, and gives the answer to it, if it is a question to this telephone.
    pub fn handle(&mut self, packet_in: &[u8]) -> Option<[u8; LEN]> {
        let (operation, sender, target) = parse(packet_in)?;
        let (ip, mac) = sender;
        let answers = operation == REPLY && self.asked.remove(&ip);
        let question = operation == REQUEST && target == self.own.0 && ip != target;
        let nobody_asked = !answers && !question;
        // A question makes nobody known whose address was another before: that would be the same
        // as an answer to no question.
        let learn = match (answers, self.known.contains_key(&ip)) {
            (true, _) => true,
            (false, false) => question,
            (false, true) => nobody_asked && self.takes_gratuitous,
        };
        if learn && (self.known.len() < MOST || self.known.contains_key(&ip)) {
            self.known.insert(ip, mac);
        }
        question.then(|| packet(REPLY, self.own, sender))
    }
}

fn packet(operation: u16, sender: (Ipv4Addr, MacAddr), target: (Ipv4Addr, MacAddr)) -> [u8; LEN] {
    let mut packet = [0; LEN];
    packet[..6].copy_from_slice(&KIND);
    packet[6..8].copy_from_slice(&operation.to_be_bytes());
    for (at, (ip, mac)) in [(8, sender), (18, target)] {
        packet[at..at + 6].copy_from_slice(&mac.0);
        packet[at + 6..at + 10].copy_from_slice(&ip.octets());
    }
    packet
}

/// Operation, sender, and whom it is about.
fn parse(packet: &[u8]) -> Option<(u16, (Ipv4Addr, MacAddr), Ipv4Addr)> {
    let packet: &[u8; LEN] = packet.first_chunk()?;
    if packet[..6] != KIND {
        return None;
    }
    let ip = |at: usize| Ipv4Addr::new(packet[at], packet[at + 1], packet[at + 2], packet[at + 3]);
    let mut mac = [0; 6];
    mac.copy_from_slice(&packet[8..14]);
    Some((u16::from_be_bytes([packet[6], packet[7]]), (ip(14), MacAddr(mac)), ip(24)))
}
