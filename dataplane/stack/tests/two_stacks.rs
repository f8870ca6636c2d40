//! Two stacks, a wire between them, one clock.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use esp::{
    Action, Direction, DropReason, Flow, Gap, Ipsec, Keys, Mode, Policy, RequestId, SaId, SaSpec,
    Selector, Suite,
};
use ringfence_stack::{Config, SocketError, Stack, TcpState};

const REQUEST: RequestId = RequestId(3);
const MTU: usize = 1500;
const DELAY: Duration = Duration::from_millis(5);

/// What passes the wire.
type Passes = Box<dyn FnMut(&[u8]) -> bool>;

struct Line {
    now: Instant,
    stacks: [Stack; 2],
    addresses: [IpAddr; 2],
    wire: VecDeque<(Instant, usize, Vec<u8>)>,
    /// What a listener on the wire has seen.
    seen: Vec<Vec<u8>>,
    passes: Passes,
    mode: Mode,
    /// The associations of each end: outbound, inbound.
    sas: Vec<[SaId; 2]>,
    generation: u8,
}

impl Line {
    fn new(mode: Mode) -> Self {
        Self::between("192.0.2.1", "192.0.2.2", mode)
    }

    fn between(one: &str, other: &str, mode: Mode) -> Self {
        let now = Instant::now();
        let addresses: [IpAddr; 2] = [one.parse().unwrap(), other.parse().unwrap()];
        let stacks = [0, 1].map(|end| {
            let mut ipsec = Ipsec::new(esp::Config::default());
            ipsec.set_policies(policies(addresses[end], addresses[1 - end]));
            let config =
                Config { addresses: vec![addresses[end]], mtu: MTU, seed: 40 + end as u64 };
            Stack::new(now, ipsec, &config)
        });
        let mut line = Self {
            now,
            stacks,
            addresses,
            wire: VecDeque::new(),
            seen: Vec::new(),
            passes: Box::new(|_| true),
            mode,
            sas: Vec::new(),
            generation: 0,
        };
        line.rekey();
        line
    }

    /// New associations, beside the old ones.
    fn rekey(&mut self) {
        self.generation += 1;
        self.sas.clear();
        for end in [0, 1] {
            let sas = [end, 1 - end].map(|from| {
                let spec = self.spec(end, from);
                self.stacks[end].ipsec_mut().add_sa(self.now, spec).unwrap()
            });
            self.sas.push(sas);
        }
    }

    fn spec(&self, end: usize, from: usize) -> SaSpec {
        let direction = if end == from { Direction::Outbound } else { Direction::Inbound };
        let seed = self.generation * 2 + from as u8;
        let keys = Keys::new(Suite::AesGcm128, &[seed; 20], &[]).unwrap();
        let (source, destination) = (self.addresses[from], self.addresses[1 - from]);
        let spi = 0x1000 + u32::from(seed);
        let mut spec = SaSpec::new(direction, spi, source, destination, keys, [seed; 16]);
        spec.mode = self.mode;
        spec.request = REQUEST;
        spec.selectors = vec![Selector::between(self.addresses[end], self.addresses[1 - end])];
        spec
    }

    /// Lets everything happen that happens within a time.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            for from in [0, 1] {
                self.stacks[from].poll(self.now);
                while let Some(packet) = self.stacks[from].poll_output() {
                    assert!(packet.len() <= MTU, "{} octets", packet.len());
                    self.seen.push(packet.clone());
                    if (self.passes)(&packet) {
                        self.wire.push_back((self.now + DELAY, 1 - from, packet));
                    }
                }
            }
            while self.wire.front().is_some_and(|(due, ..)| *due <= self.now) {
                let (_, to, packet) = self.wire.pop_front().unwrap();
                self.stacks[to].input(self.now, &packet);
            }
            self.now += Duration::from_millis(1);
        }
    }

    fn at(&self, end: usize, port: u16) -> SocketAddr {
        SocketAddr::new(self.addresses[end], port)
    }

    /// Whether somebody on the wire could read it.
    fn is_readable(&self, text: &[u8]) -> bool {
        self.seen.iter().any(|packet| packet.windows(text.len()).any(|part| part == text))
    }
}

/// MGCP and its backhaul are protected, port 9 is not, the rest does not pass.
fn policies(ours: IpAddr, theirs: IpAddr) -> Vec<Policy> {
    let between = Selector::between(ours, theirs);
    let (udp, tcp, all) = (between.clone().protocol(17), between.protocol(6), 0..=u16::MAX);
    let protect = Action::Protect(REQUEST);
    vec![
        Policy::new(udp.clone().ports(2427..=2427, all.clone()), protect),
        Policy::new(udp.clone().ports(all.clone(), 2427..=2427), protect),
        Policy::new(tcp.clone().ports(2428..=2428, all.clone()), protect),
        Policy::new(tcp.ports(all.clone(), 2428..=2428), protect),
        Policy::new(udp.clone().ports(9..=9, all.clone()), Action::Bypass),
        Policy::new(udp.ports(all, 9..=9), Action::Bypass),
    ]
}

const KEY: &[u8] = b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:";

// R: MGCP-05
#[test]
fn mgcp_goes_through_esp_and_says_so() {
    for (one, other) in [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")] {
        for mode in [Mode::Transport, Mode::Tunnel] {
            let mut line = Line::between(one, other, mode);
            let sockets = [0, 1].map(|end| line.stacks[end].listen_udp(2427).unwrap());
            for (from, text) in [(0, KEY), (1, b"200 1 OK".as_slice()), (0, b"")] {
                let to = line.at(1 - from, 2427);
                line.stacks[from].send_udp(sockets[from], None, to, text).unwrap();
                line.pass(Duration::from_millis(20));
                let came = line.stacks[1 - from].receive_udp(sockets[1 - from]).unwrap();
                assert_eq!((came.from, came.to), (line.at(from, 2427), to.ip()));
                assert_eq!(came.protected, Some(line.sas[1 - from][1]));
                assert_eq!(came.payload, text);
            }
            assert_eq!(line.seen.len(), 3);
            assert!(!line.is_readable(KEY));
        }
    }
}

#[test]
fn what_policy_lets_pass_in_clear_says_so() {
    let mut line = Line::new(Mode::Tunnel);
    let sockets = [0, 1].map(|end| line.stacks[end].listen_udp(9).unwrap());
    let to = line.at(1, 9);
    for text in [vec![7; 10], vec![7; 4000]] {
        if text.len() > MTU {
            // Fragments do not show their ports: they pass where nothing must be protected.
            let all = Selector::between(line.addresses[1], line.addresses[0]);
            let all = vec![Policy::new(all, Action::Bypass)];
            line.stacks[1].ipsec_mut().set_policies(all);
        }
        line.stacks[0].send_udp(sockets[0], None, to, &text).unwrap();
        line.pass(Duration::from_millis(20));
        let came = line.stacks[1].receive_udp(sockets[1]).unwrap();
        assert_eq!((came.protected, came.payload), (None, text));
    }
    assert!(line.is_readable(&[7; 10]));
}

/// MGCP messages of 4,000 octets, with fragments out of order.
#[test]
fn long_datagrams_arrive_whole_and_protected() {
    for mode in [Mode::Transport, Mode::Tunnel] {
        let mut line = Line::new(mode);
        let sockets = [0, 1].map(|end| line.stacks[end].listen_udp(2427).unwrap());
        let text: Vec<_> = (0..4000).map(|n| (n / 13) as u8).collect();
        let to = line.at(1, 2427);
        line.stacks[0].send_udp(sockets[0], None, to, &text).unwrap();
        line.pass(DELAY);
        assert_eq!(line.wire.len(), 3);
        line.wire.iter_mut().for_each(|(due, ..)| *due = line.now);
        // In a tunnel the first one, which shows its ports, must come before the others.
        line.wire.swap(1, 2);
        line.pass(Duration::from_millis(20));
        let came = line.stacks[1].receive_udp(sockets[1]).unwrap();
        assert_eq!(came.protected, Some(line.sas[1][1]), "{mode:?}");
        assert_eq!(came.payload, text);
    }
}

/// Fragments in clear that would complete a protected datagram: they are dropped for themselves, and
/// if they were not, they would not meet.
#[test]
fn a_clear_fragment_does_not_complete_a_protected_datagram() {
    let mut line = Line::new(Mode::Tunnel);
    let sockets = [0, 1].map(|end| line.stacks[end].listen_udp(2427).unwrap());
    let to = line.at(1, 2427);
    line.stacks[0].send_udp(sockets[0], None, to, &[1; 2000]).unwrap();
    line.pass(DELAY);
    let (_, _, last) = line.wire.pop_back().unwrap();
    assert_eq!(line.wire.len(), 1);
    line.pass(Duration::from_millis(20));
    // The attacker knows what the last fragment looks like inside.
    let mut peer = Line::new(Mode::Tunnel);
    let mut buffer = [0; 2048];
    buffer[100..100 + last.len()].copy_from_slice(&last);
    let mut inner = [esp::Packet::new(&mut buffer, 100..100 + last.len())];
    let all = Selector::between(peer.addresses[1], peer.addresses[0]);
    peer.stacks[1].ipsec_mut().set_policies(vec![Policy::new(all, Action::Protect(REQUEST))]);
    peer.stacks[1].ipsec_mut().inbound(peer.now, &mut inner);
    let clear = inner[0].bytes().to_vec();
    assert_eq!(clear[9], 17, "the fragment was opened");
    line.stacks[1].input(line.now, &clear);
    line.pass(Duration::from_millis(20));
    assert_eq!(line.stacks[1].receive_udp(sockets[1]), None);
    let drops = &line.stacks[1].ipsec().counters().drops;
    assert_eq!(drops.of(DropReason::ClearText), 1);
    // Everything passes in clear now, as a bypass would let it.
    line.stacks[1].ipsec_mut().set_policies(vec![Policy::new(
        Selector::between(line.addresses[1], line.addresses[0]),
        Action::Bypass,
    )]);
    line.stacks[1].input(line.now, &clear);
    line.pass(Duration::from_millis(20));
    assert_eq!(line.stacks[1].receive_udp(sockets[1]), None);
}

// R: MGCP-04
#[test]
fn without_an_association_nothing_leaves() {
    let mut line = Line::new(Mode::Transport);
    let socket = line.stacks[0].listen_udp(2427).unwrap();
    let flow = Flow::udp((line.addresses[0], 2427), (line.addresses[1], 2427));
    assert!(line.stacks[0].ipsec().covers(line.now, &flow).is_ok());
    let [out, _] = line.sas[0];
    line.stacks[0].ipsec_mut().remove_sa(out).unwrap();
    let gap = line.stacks[0].ipsec().covers(line.now, &flow).unwrap_err();
    assert_eq!((gap.direction, gap.why), (Direction::Outbound, Gap::NoSa));
    let to = line.at(1, 2427);
    line.stacks[0].send_udp(socket, None, to, KEY).unwrap();
    line.pass(Duration::from_millis(20));
    assert_eq!(line.seen, Vec::<Vec<u8>>::new());
    assert_eq!(line.stacks[0].ipsec().counters().drops.of(DropReason::NoSa), 1);
}

/// A backhaul session: octets in both directions, packets lost, successors in the middle.
#[test]
fn tcp_survives_losses_and_successors() {
    let mut line = Line::new(Mode::Transport);
    let mut count = 0;
    line.passes = Box::new(move |_| {
        count += 1;
        count % 7 != 0
    });
    let listening = line.stacks[1].listen_tcp(2428).unwrap();
    let from = (line.addresses[0], 50_000);
    let to = line.at(1, 2428);
    let calling = line.stacks[0].connect_tcp(from, to).unwrap();
    assert_eq!(line.stacks[0].tcp_state(calling), TcpState::Opening);

    let data: Vec<_> = (0..200_000).map(|n| (n / 251) as u8).collect();
    let (mut sent, mut received, mut back) = (0, Vec::new(), Vec::new());
    let mut buffer = [0; 4096];
    for round in 0..6000 {
        if line.stacks[0].tcp_state(calling) == TcpState::Open && sent < data.len() {
            sent += line.stacks[0].send_tcp(calling, &data[sent..]).unwrap();
        }
        let len = line.stacks[1].receive_tcp(listening, &mut buffer).unwrap();
        received.extend_from_slice(&buffer[..len]);
        if len > 0 {
            line.stacks[1].send_tcp(listening, &[round as u8]).unwrap();
        }
        let len = line.stacks[0].receive_tcp(calling, &mut buffer).unwrap();
        back.extend_from_slice(&buffer[..len]);
        if round % 100 == 50 && line.generation < 20 {
            line.rekey();
        }
        line.pass(Duration::from_millis(10));
        if received.len() == data.len() && !back.is_empty() {
            break;
        }
    }
    assert!(received == data, "{} octets", received.len());
    assert_eq!(line.stacks[1].tcp_peer(listening), Some(SocketAddr::new(from.0, from.1)));
    assert!(line.generation > 1, "no successor in the middle");
    line.passes = Box::new(|_| true);
    line.stacks[0].close_tcp(calling);
    line.pass(Duration::from_secs(5));
    assert_eq!(line.stacks[1].tcp_state(listening), TcpState::PeerDone);
    line.stacks[1].close_tcp(listening);
    line.pass(Duration::from_secs(30));
    assert_eq!(line.stacks[1].tcp_state(listening), TcpState::Closed);
    line.stacks[1].remove_tcp(line.now, listening);
    assert!(!line.is_readable(&data[..64]));
}

#[test]
fn a_connection_to_nobody_is_closed() {
    let mut line = Line::new(Mode::Tunnel);
    let from = (line.addresses[0], 50_000);
    let to = line.at(1, 2428);
    let calling = line.stacks[0].connect_tcp(from, to).unwrap();
    line.pass(Duration::from_millis(50));
    assert_eq!(line.stacks[0].tcp_state(calling), TcpState::Closed);
    assert_eq!(line.stacks[0].receive_tcp(calling, &mut [0; 1]), Err(SocketError::Closed));
}

#[test]
fn sockets_refuse_what_they_cannot() {
    let mut line = Line::new(Mode::Tunnel);
    let stack = &mut line.stacks[0];
    let socket = stack.listen_udp(2427).unwrap();
    assert_eq!(stack.listen_udp(2427), Err(SocketError::Port(2427)));
    assert_eq!(stack.listen_udp(0), Err(SocketError::Port(0)));
    let to = "192.0.2.2:2427".parse().unwrap();
    let long = vec![0; 20_000];
    assert_eq!(stack.send_udp(socket, None, to, &long), Err(SocketError::TooLong(20_000)));
    let nowhere = "0.0.0.0:0".parse().unwrap();
    assert_eq!(stack.send_udp(socket, None, nowhere, b"x"), Err(SocketError::Unreachable));
    let full = (0..1000).find_map(|_| stack.send_udp(socket, None, to, b"x").err());
    assert_eq!(full, Some(SocketError::Full));
}

/// Pings are answered, others' packets are not.
#[test]
fn only_what_is_for_us_is_heard() {
    let mut line = Line::new(Mode::Tunnel);
    let (ours, theirs) = (line.addresses[0], line.addresses[1]);
    line.stacks[0]
        .ipsec_mut()
        .set_policies(vec![Policy::new(Selector::between(ours, theirs), Action::Bypass)]);
    let echo = |to: IpAddr| {
        let header = wire::ip::Header {
            source: theirs,
            destination: to,
            protocol: 1,
            traffic_class: 0,
            hops: 64,
            payload_len: 12,
        };
        let mut packet = vec![0; 32];
        header.emit(&mut packet);
        packet[20..].copy_from_slice(&[8, 0, 0, 0, 0, 1, 0, 1, b'p', b'i', b'n', b'g']);
        let sum = wire::checksum::Sum::default().add_bytes(&packet[20..]).finish();
        packet[22..24].copy_from_slice(&sum.to_be_bytes());
        packet
    };
    line.stacks[0].input(line.now, &echo(ours));
    line.stacks[0].poll(line.now);
    let answer = line.stacks[0].poll_output().unwrap();
    assert_eq!((answer[20], &answer[28..]), (0, b"ping".as_slice()));
    line.stacks[0].ipsec_mut().set_policies(vec![Policy::new(
        Selector::between("192.0.2.77".parse::<IpAddr>().unwrap(), theirs),
        Action::Bypass,
    )]);
    line.stacks[0].input(line.now, &echo("192.0.2.77".parse().unwrap()));
    assert_eq!(line.stacks[0].counters().not_ours, 1);
    line.stacks[0].input(line.now, &[]);
    line.stacks[0].input(line.now, &[0x45; 19]);
    line.stacks[0].poll(line.now);
    assert_eq!(line.stacks[0].poll_output(), None);
}
