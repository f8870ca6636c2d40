//! Two ends of associations, and packets for them.

#![allow(dead_code, reason = "each test program uses its part")]

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use ringfence_esp::{
    Action, Config, Direction, Encapsulation, Event, HEADROOM, Ipsec, Keys, Mode, Packet, Policy,
    RequestId, SaId, SaSpec, Selector, Suite, TAILROOM, Verdict,
};
use wire::datagram::{ChecksumRule, Datagram};

pub const REQUEST: RequestId = RequestId(7);

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub fn keys(suite: Suite, seed: u8) -> Keys {
    let octets = |len: usize, add: u8| -> Vec<u8> {
        (0..len).map(|n| (n as u8).wrapping_mul(3).wrapping_add(seed ^ add)).collect()
    };
    let (encryption, integrity) = (suite.encryption_key_len(), suite.integrity_key_len());
    Keys::new(suite, &octets(encryption, 0), &octets(integrity, 0x55)).unwrap()
}

/// What two ends have agreed on.
#[derive(Clone)]
pub struct Agreement {
    pub suite: Suite,
    pub mode: Mode,
    pub ends: [IpAddr; 2],
    /// Whom packets are between: the ends themselves in transport mode.
    pub hosts: [IpAddr; 2],
    pub extended: bool,
    pub encapsulation: bool,
    pub window: u16,
}

impl Agreement {
    pub fn new(suite: Suite, mode: Mode) -> Self {
        let ends = [ip("192.0.2.1"), ip("192.0.2.2")];
        let hosts = match mode {
            Mode::Tunnel => [ip("10.1.0.1"), ip("10.2.0.1")],
            Mode::Transport => ends,
        };
        Self { suite, mode, ends, hosts, extended: false, encapsulation: false, window: 64 }
    }

    pub fn v6(mut self) -> Self {
        self.ends = [ip("2001:db8::1"), ip("2001:db8::2")];
        if self.mode == Mode::Transport {
            self.hosts = self.ends;
        }
        self
    }

    pub fn inner_v6(mut self) -> Self {
        self.hosts = [ip("fd00:1::1"), ip("fd00:2::1")];
        self
    }

    /// All combinations that must work alike.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for suite in Suite::ALL {
            for mode in [Mode::Transport, Mode::Tunnel] {
                for (extended, encapsulation) in [(false, false), (true, false), (false, true)] {
                    let agreement = Self { extended, encapsulation, ..Self::new(suite, mode) };
                    all.extend([agreement.clone(), agreement.clone().v6()]);
                    if mode == Mode::Tunnel {
                        all.extend([agreement.clone().inner_v6(), agreement.v6().inner_v6()]);
                    }
                }
            }
        }
        all
    }

    /// The association from end `from` to the other one, as `end` has it.
    pub fn spec(&self, end: usize, from: usize, generation: u8) -> SaSpec {
        let direction = if end == from { Direction::Outbound } else { Direction::Inbound };
        let spi = 0x1000 + u32::from(generation) * 2 + from as u32;
        let keys = keys(self.suite, generation * 2 + from as u8);
        let (source, destination) = (self.ends[from], self.ends[1 - from]);
        let mut spec = SaSpec::new(direction, spi, source, destination, keys, [generation; 16]);
        spec.mode = self.mode;
        spec.request = REQUEST;
        spec.selectors = vec![self.selector(end)];
        spec.extended_sequence = self.extended;
        spec.window = self.window;
        spec.encapsulation = self.encapsulation.then(Encapsulation::default);
        spec
    }

    pub fn selector(&self, end: usize) -> Selector {
        Selector::between(self.hosts[end], self.hosts[1 - end])
    }

    /// A datagram of MGCP from a host to the other one.
    pub fn datagram(&self, from: usize, payload: &[u8]) -> Vec<u8> {
        udp((self.hosts[from], 2427), (self.hosts[1 - from], 2427), payload)
    }
}

pub fn udp(source: (IpAddr, u16), destination: (IpAddr, u16), payload: &[u8]) -> Vec<u8> {
    let datagram = Datagram {
        source: SocketAddr::new(source.0, source.1),
        destination: SocketAddr::new(destination.0, destination.1),
        traffic_class: 0x68,
        hops: 61,
        checksum: 0,
        payload_at: 0,
        payload_len: payload.len(),
    };
    let mut packet = vec![0; datagram.headers_len()];
    packet.extend_from_slice(payload);
    datagram.emit_ip(&mut packet, ChecksumRule::Compute);
    packet
}

/// Lets an IPv4 packet be cut.
pub fn allow_fragments(packet: &mut [u8], identification: u16) {
    packet[4..6].copy_from_slice(&identification.to_be_bytes());
    packet[6..8].fill(0);
    packet[10..12].fill(0);
    let sum = wire::checksum::Sum::default().add_bytes(&packet[..20]).finish();
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// One packet through something that works on packets.
pub fn through(packet: &[u8], work: impl FnOnce(&mut [Packet<'_>])) -> (Verdict, Vec<u8>) {
    let mut buffer = vec![0xa5; HEADROOM + packet.len() + TAILROOM + 1500];
    buffer[HEADROOM..HEADROOM + packet.len()].copy_from_slice(packet);
    let mut packets = [Packet::new(&mut buffer, HEADROOM..HEADROOM + packet.len())];
    work(&mut packets);
    (packets[0].verdict, packets[0].bytes().to_vec())
}

/// Both ends, on one clock.
pub struct Pair {
    pub now: Instant,
    pub agreement: Agreement,
    pub ends: [Ipsec; 2],
    /// The association that each end sends under, and the one it receives under.
    pub out: [SaId; 2],
    pub back: [SaId; 2],
}

impl Pair {
    pub fn new(agreement: Agreement) -> Self {
        Self::with(agreement, |_| {})
    }

    /// With associations that are different from the agreement's in something.
    pub fn with(agreement: Agreement, change: impl Fn(&mut SaSpec)) -> Self {
        let now = Instant::now();
        let mut ends = [0, 1].map(|end| {
            let mut ipsec = Ipsec::new(Config::default());
            let policy = Policy::new(agreement.selector(end), Action::Protect(REQUEST));
            ipsec.set_policies(vec![policy]);
            ipsec
        });
        let mut add = |end: usize, from| {
            let mut spec = agreement.spec(end, from, 1);
            change(&mut spec);
            ends[end].add_sa(now, spec).unwrap()
        };
        let (out, back) = ([add(0, 0), add(1, 1)], [add(0, 1), add(1, 0)]);
        Self { now, agreement, ends, out, back }
    }

    pub fn seal(&mut self, from: usize, packet: &[u8]) -> (Verdict, Vec<u8>) {
        let now = self.now;
        through(packet, |packets| self.ends[from].outbound(now, packets))
    }

    pub fn open(&mut self, at: usize, packet: &[u8]) -> (Verdict, Vec<u8>) {
        let now = self.now;
        through(packet, |packets| self.ends[at].inbound(now, packets))
    }

    /// A sealed datagram of the end.
    pub fn sealed(&mut self, from: usize, payload: &[u8]) -> Vec<u8> {
        let packet = self.agreement.datagram(from, payload);
        let (verdict, sealed) = self.seal(from, &packet);
        assert_eq!(verdict, Verdict::Protected(self.out[from]));
        sealed
    }

    pub fn pass(&mut self, time: Duration) {
        self.now += time;
        for end in &mut self.ends {
            end.handle_timeout(self.now);
        }
    }

    pub fn events(&mut self, end: usize) -> Vec<Event> {
        std::iter::from_fn(|| self.ends[end].poll_event()).collect()
    }
}
