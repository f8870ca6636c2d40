//! Ethernet under the stack, for ports that the kernel knows nothing of: frames to packets and back,
//! questions for our addresses answered, neighbours asked for theirs.
//!
//! Only answers to questions of ours are believed, and a neighbour keeps its address until it is
//! old: whoever announces itself unasked changes nothing.

mod arp;
mod discovery;
mod neighbours;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Instant;

use esp::AddressRange;
use wire::ethernet::{self, MacAddr, VlanTag};

use crate::stack::destination;
use neighbours::{Lookup, Neighbours};

const BROADCAST: MacAddr = MacAddr([0xff; 6]);
const ARP: u16 = 0x0806;
/// Frames that wait to be sent.
const OUTPUT: usize = 1024;

/// What a link is made for.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Our link-layer address.
    pub mac: MacAddr,
    /// VLAN tags of frames, outermost first; frames with others are not ours.
    pub tags: [Option<VlanTag>; 2],
    /// Our addresses.
    pub addresses: Vec<IpAddr>,
    /// Who is reached without a router.
    pub networks: Vec<AddressRange>,
    /// Routers to everybody else, one of each family at most.
    pub gateways: Vec<IpAddr>,
}

/// What became of frames and packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// Frames that are no business of ours: for others, with other tags, of other protocols.
    pub not_ours: u64,
    /// Questions for our addresses that were answered.
    pub answered: u64,
    /// Packets dropped because no router is known to where they go.
    pub unroutable: u64,
    /// Packets dropped because a neighbour does not answer, or too many are being asked.
    pub unreachable: u64,
    /// Frames dropped because the queue was full.
    pub queue_full: u64,
}

/// Frames of one port.
pub struct Link {
    config: LinkConfig,
    neighbours: Neighbours,
    output: VecDeque<Vec<u8>>,
    counters: LinkCounters,
}

/// What neighbours say about addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// Who has this address? Tell the asker.
    Question { asker: IpAddr, asker_mac: MacAddr, about: IpAddr },
    /// This address is there.
    Answer { about: IpAddr, mac: MacAddr },
}

impl Link {
    /// A link that knows nobody.
    pub fn new(config: LinkConfig) -> Self {
        Self {
            config,
            neighbours: Neighbours::default(),
            output: VecDeque::new(),
            counters: LinkCounters::default(),
        }
    }

    /// Takes a frame as it came, and gives the IP packet in it, if it is for sockets.
    pub fn input<'f>(&mut self, now: Instant, frame: &'f [u8]) -> Option<&'f [u8]> {
        let link = ethernet::Header::parse(frame).ok().filter(|link| self.is_for_us(link));
        let Some(link) = link else {
            self.counters.not_ours += 1;
            return None;
        };
        let content = &frame[link.len()..];
        let said = match link.ether_type {
            ARP => arp::read(content),
            ethernet::IPV6 => discovery::read(content),
            ethernet::IPV4 => None,
            _ => {
                self.counters.not_ours += 1;
                return None;
            }
        };
        match said {
            Some(said) => {
                self.hear(now, said);
                None
            }
            // What is for everybody is for no socket of ours.
            None => {
                (link.ether_type != ARP && link.destination == self.config.mac).then_some(content)
            }
        }
    }

    /// Sends an IP packet, at once or when its next hop has answered.
    pub fn output(&mut self, now: Instant, packet: Vec<u8>) {
        let Some(hop) = destination(&packet).and_then(|address| self.next_hop(address)) else {
            self.counters.unroutable += 1;
            return;
        };
        match self.neighbours.look_up(now, hop, packet) {
            Lookup::Known(mac, packet) => self.put_packet(mac, &packet),
            Lookup::Stale(mac, packet) => {
                self.put_packet(mac, &packet);
                self.ask(hop);
            }
            Lookup::Ask => self.ask(hop),
            Lookup::Waits => {}
            Lookup::Full => self.counters.unreachable += 1,
        }
    }

    /// The next frame for the port.
    pub fn poll_output(&mut self) -> Option<Vec<u8>> {
        self.output.pop_front()
    }

    /// When [`Link::handle_timeout`] wants to be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.neighbours.poll_timeout()
    }

    /// Asks again, and gives up.
    pub fn handle_timeout(&mut self, now: Instant) {
        let mut again = Vec::new();
        self.counters.unreachable += self.neighbours.handle_timeout(now, &mut again);
        for hop in again {
            self.ask(hop);
        }
    }

    /// What became of frames and packets so far.
    pub fn counters(&self) -> &LinkCounters {
        &self.counters
    }

    fn is_for_us(&self, link: &ethernet::Header) -> bool {
        // The lowest bit of the first octet is set in addresses of groups.
        let to_group = link.destination.0[0] & 1 != 0;
        link.tags == self.config.tags && (to_group || link.destination == self.config.mac)
    }

    fn next_hop(&self, address: IpAddr) -> Option<IpAddr> {
        if self.config.networks.iter().any(|network| network.contains(address)) {
            return Some(address);
        }
        self.config.gateways.iter().find(|hop| hop.is_ipv4() == address.is_ipv4()).copied()
    }

    fn hear(&mut self, now: Instant, said: Said) {
        match said {
            Said::Question { asker, asker_mac, about } => {
                if !self.config.addresses.contains(&about) {
                    return;
                }
                self.counters.answered += 1;
                match (asker, about) {
                    (IpAddr::V4(asker), IpAddr::V4(about)) => {
                        let answer = arp::answer(self.config.mac, about, asker_mac, asker);
                        self.put(asker_mac, ARP, &answer);
                    }
                    (IpAddr::V6(asker), IpAddr::V6(about)) => {
                        let answer = discovery::answer(self.config.mac, about, asker);
                        self.put(asker_mac, ethernet::IPV6, &answer);
                    }
                    _ => {}
                }
            }
            Said::Answer { about, mac } => {
                for packet in self.neighbours.answered(now, about, mac) {
                    self.put_packet(mac, &packet);
                }
            }
        }
    }

    fn ask(&mut self, hop: IpAddr) {
        let ours = self.config.addresses.iter().find(|ours| ours.is_ipv4() == hop.is_ipv4());
        match (ours.copied(), hop) {
            (Some(IpAddr::V4(ours)), IpAddr::V4(hop)) => {
                let question = arp::question(self.config.mac, ours, hop);
                self.put(BROADCAST, ARP, &question);
            }
            (Some(IpAddr::V6(ours)), IpAddr::V6(hop)) => {
                let (group, question) = discovery::question(self.config.mac, ours, hop);
                self.put(group, ethernet::IPV6, &question);
            }
            _ => {}
        }
    }

    fn put_packet(&mut self, to: MacAddr, packet: &[u8]) {
        let is_v4 = packet.first().is_some_and(|first| first >> 4 == 4);
        self.put(to, if is_v4 { ethernet::IPV4 } else { ethernet::IPV6 }, packet);
    }

    fn put(&mut self, destination: MacAddr, ether_type: u16, content: &[u8]) {
        if self.output.len() == OUTPUT {
            self.counters.queue_full += 1;
            return;
        }
        let (source, tags) = (self.config.mac, self.config.tags);
        let link = ethernet::Header { destination, source, tags, ether_type };
        let mut frame = vec![0; link.len()];
        link.emit(&mut frame);
        frame.extend_from_slice(content);
        self.output.push_back(frame);
    }
}
