//! Packets between IPsec and smoltcp.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use esp::{HEADROOM, Ipsec, Packet, SaId, TAILROOM, Verdict, fragment};
use smoltcp::iface::{Config as InterfaceConfig, Interface, SocketSet};
use smoltcp::time::Instant as SmolInstant;
use smoltcp::wire::{HardwareAddress, IpCidr};
use wire::checksum::Sum;
use zeroize::Zeroizing;

use crate::device::Queues;
use crate::joining::Joining;
use crate::marks::Marks;
use crate::mss;

/// What a stack is made for.
#[derive(Clone, Debug)]
pub struct Config {
    /// Our addresses, eight at most.
    pub addresses: Vec<IpAddr>,
    /// Octets of an IP packet that the port takes.
    pub mtu: usize,
    /// Random, for ports and sequence numbers.
    pub seed: u64,
}

/// What became of packets, beside what [`esp::Counters`] tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// IP packets that came.
    pub received: u64,
    /// IP packets that left, fragments counted each.
    pub sent: u64,
    /// Packets dropped because a queue was full.
    pub queue_full: u64,
    /// Fragments that did not fit together, or too many of them.
    pub bad_fragments: u64,
    /// Packets that are too long for their path and may not be cut.
    pub too_big: u64,
    /// Packets for other addresses than ours.
    pub not_ours: u64,
}

/// Sockets, and the IPsec in front of them.
pub struct Stack {
    pub(crate) sockets: SocketSet<'static>,
    pub(crate) interface: Interface,
    pub(crate) marks: Marks,
    ipsec: Ipsec,
    addresses: Vec<IpAddr>,
    mtu: usize,
    queues: Queues,
    joining: Joining,
    output: VecDeque<Vec<u8>>,
    counters: Counters,
    identification: u16,
    started: Instant,
}

/// Packets that wait to be sent.
const OUTPUT: usize = 1024;

impl Stack {
    /// Without sockets.
    ///
    /// # Panics
    ///
    /// When there are more than eight addresses.
    pub fn new(now: Instant, ipsec: Ipsec, config: &Config) -> Self {
        let mut settings = InterfaceConfig::new(HardwareAddress::Ip);
        settings.random_seed = config.seed;
        let mut queues = Queues::default();
        let mut interface = Interface::new(settings, &mut queues, SmolInstant::ZERO);
        interface.update_ip_addrs(|addresses| {
            for &address in &config.addresses {
                let prefix = if address.is_ipv4() { 32 } else { 128 };
                let full = addresses.push(IpCidr::new(address.into(), prefix));
                full.expect("a stack has eight addresses at most");
            }
        });
        // Where packets go is for others to decide: everything is reached.
        let routes = interface.routes_mut();
        routes
            .add_default_ipv4_route(Ipv4Addr::UNSPECIFIED)
            .and_then(|_| routes.add_default_ipv6_route(Ipv6Addr::UNSPECIFIED))
            .expect("there is room for two routes");
        Self {
            sockets: SocketSet::new(Vec::new()),
            interface,
            marks: Marks::default(),
            ipsec,
            addresses: config.addresses.clone(),
            mtu: config.mtu,
            queues,
            joining: Joining::default(),
            output: VecDeque::new(),
            counters: Counters::default(),
            identification: config.seed as u16,
            started: now,
        }
    }

    /// The associations and policies.
    pub fn ipsec(&self) -> &Ipsec {
        &self.ipsec
    }

    /// The associations and policies, for whoever brings keys.
    pub fn ipsec_mut(&mut self) -> &mut Ipsec {
        &mut self.ipsec
    }

    /// What became of packets so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Takes an IP packet as it came.
    pub fn input(&mut self, now: Instant, packet: &[u8]) {
        self.counters.received += 1;
        // What routers say about our paths is believed if it proves that they saw our packets.
        self.ipsec.handle_icmp(now, packet);
        let (verdict, opened) = with_room(packet, |packet| {
            self.ipsec.inbound(now, std::slice::from_mut(packet));
        });
        match verdict {
            Verdict::Protected(sa) => self.accept(now, Some(sa), opened),
            Verdict::Bypass => self.accept(now, None, opened),
            Verdict::Reassemble => match self.joining.sealed.push(now, &opened) {
                Ok(Some(whole)) => self.input_whole(now, &whole),
                Ok(None) => {}
                Err(_) => self.counters.bad_fragments += 1,
            },
            // Counted by IPsec; IKE's packets are the kernel's and should not come here.
            _ => {}
        }
    }

    /// A sealed packet that came in fragments.
    fn input_whole(&mut self, now: Instant, packet: &[u8]) {
        let (verdict, opened) = with_room(packet, |packet| {
            self.ipsec.inbound(now, std::slice::from_mut(packet));
        });
        match verdict {
            Verdict::Protected(sa) => self.accept(now, Some(sa), opened),
            Verdict::Bypass => self.accept(now, None, opened),
            _ => {}
        }
    }

    /// A packet that needs no opening any more.
    fn accept(&mut self, now: Instant, protected: Option<SaId>, packet: Vec<u8>) {
        let mut whole = if is_fragment(&packet) {
            match self.joining.push(now, protected, &packet) {
                Ok(Some(whole)) => whole,
                Ok(None) => return,
                Err(_) => {
                    self.counters.bad_fragments += 1;
                    return;
                }
            }
        } else {
            packet
        };
        if destination(&whole).is_none_or(|address| !self.addresses.contains(&address)) {
            self.counters.not_ours += 1;
            return;
        }
        mss::clamp(&mut whole, self.mtu);
        let mark = self.marks.give(protected);
        if !self.queues.push(mark, whole) {
            self.counters.queue_full += 1;
        }
    }

    /// Lets sockets work: what came reaches them, what they say leaves. Call it after
    /// [`Stack::input`], after sending, and when [`Stack::poll_timeout`] says so.
    pub fn poll(&mut self, now: Instant) {
        self.ipsec.handle_timeout(now);
        self.joining.handle_timeout(now);
        let time = self.smol_time(now);
        loop {
            let (waiting, output) = (self.queues.incoming.len(), self.queues.outgoing.len());
            self.interface.poll(time, &mut self.queues, &mut self.sockets);
            let idle =
                self.queues.incoming.len() == waiting && self.queues.outgoing.len() == output;
            while let Some(packet) = self.queues.outgoing.pop_front() {
                self.send(now, Zeroizing::new(packet));
            }
            if idle {
                return;
            }
        }
    }

    /// The next IP packet for the port.
    pub fn poll_output(&mut self) -> Option<Vec<u8>> {
        self.output.pop_front()
    }

    /// When [`Stack::poll`] wants to be called next.
    pub fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        let time = self.smol_time(now);
        let sockets = self.interface.poll_delay(time, &self.sockets);
        let sockets = sockets.map(|delay| now + Duration::from(delay));
        [sockets, self.ipsec.poll_timeout(), self.joining.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    /// A packet of ours on its way out, in clear.
    fn send(&mut self, now: Instant, mut packet: Zeroizing<Vec<u8>>) {
        self.allow_fragments(&mut packet);
        mss::clamp(&mut packet, self.mtu);
        let (verdict, sealed) = with_room(&packet, |packet| {
            self.ipsec.outbound(now, std::slice::from_mut(packet));
        });
        match verdict {
            Verdict::Protected(_) => self.put(sealed),
            Verdict::Bypass => self.put_cut(&sealed, self.mtu),
            Verdict::Split { mtu, .. } => self.put_cut(&sealed, mtu),
            Verdict::Fragment { sa, mtu } => {
                for part in self.cut(&packet, mtu) {
                    let (verdict, sealed) = with_room(&part, |packet| {
                        self.ipsec.protect(now, sa, std::slice::from_mut(packet));
                    });
                    if let Verdict::Protected(_) = verdict {
                        self.put(sealed);
                    }
                }
            }
            Verdict::TooBig { .. } => self.counters.too_big += 1,
            _ => {}
        }
    }

    fn put(&mut self, packet: Vec<u8>) {
        if self.output.len() == OUTPUT {
            self.counters.queue_full += 1;
            return;
        }
        self.counters.sent += 1;
        self.output.push_back(packet);
    }

    fn put_cut(&mut self, packet: &[u8], mtu: usize) {
        if packet.len() <= mtu {
            return self.put(packet.to_vec());
        }
        for part in self.cut(packet, mtu) {
            self.put(part);
        }
    }

    fn cut(&mut self, packet: &[u8], mtu: usize) -> Vec<Vec<u8>> {
        let Some(mut parts) = fragment::fragments(packet, mtu, self.identification.into()) else {
            self.counters.too_big += 1;
            return Vec::new();
        };
        let mut part = vec![0; mtu];
        std::iter::from_fn(|| parts.next_into(&mut part).map(|len| part[..len].to_vec())).collect()
    }

    /// Ours may be cut: smoltcp says that its packets may not, for it does not cut them.
    fn allow_fragments(&mut self, packet: &mut [u8]) {
        self.identification = self.identification.wrapping_add(1);
        if packet.first().is_some_and(|first| first >> 4 == 4) {
            packet[4..6].copy_from_slice(&self.identification.to_be_bytes());
            packet[6..8].fill(0);
            packet[10..12].fill(0);
            let checksum = Sum::default().add_bytes(&packet[..20]).finish();
            packet[10..12].copy_from_slice(&checksum.to_be_bytes());
        }
    }

    fn smol_time(&self, now: Instant) -> SmolInstant {
        let since = now.saturating_duration_since(self.started);
        SmolInstant::from_micros(since.as_micros() as i64)
    }
}

/// Has a packet worked on in a buffer with room on both sides.
fn with_room(packet: &[u8], work: impl FnOnce(&mut Packet<'_>)) -> (Verdict, Vec<u8>) {
    // On one side of the work it holds what is to be protected.
    let mut buffer = Zeroizing::new(vec![0; HEADROOM + packet.len() + TAILROOM]);
    let range = HEADROOM..HEADROOM + packet.len();
    buffer[range.clone()].copy_from_slice(packet);
    let mut packet = Packet::new(&mut buffer, range);
    work(&mut packet);
    (packet.verdict, packet.bytes().to_vec())
}

/// Whether something of the datagram is elsewhere.
fn is_fragment(packet: &[u8]) -> bool {
    match packet.first().map(|first| first >> 4) {
        Some(4) => packet.get(6..8).is_some_and(|flags| flags[0] & 0x3f != 0 || flags[1] != 0),
        Some(6) => packet.get(6) == Some(&44),
        _ => false,
    }
}

/// To whom an IP packet goes.
pub(crate) fn destination(packet: &[u8]) -> Option<IpAddr> {
    match packet.first()? >> 4 {
        4 => packet.get(16..)?.first_chunk::<4>().map(|octets| IpAddr::from(*octets)),
        _ => packet.get(24..)?.first_chunk::<16>().map(|octets| IpAddr::from(*octets)),
    }
}
