//! IPsec: strangers' packets, and what a peer that has the keys may do with them.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use esp::{
    Action, Config, Direction, Encapsulation, HEADROOM, Ipsec, Keys, Mode, Packet, Policy,
    Reassembler, RequestId, SaSpec, Selector, Suite, TAILROOM, Verdict, fragment,
};

/// A packet and what surrounds it.
const BUFFER: usize = HEADROOM + 2048 + TAILROOM;

/// Any packets, sealed and unsealed, at an end with associations of every mode: each has one
/// verdict, which is counted; only what the peer sealed comes out as protected; no more is
/// kept of fragments than promised.
///
/// The input is a script: records of an octet that says what happens, an octet with a length, and
/// so many octets.
pub fn packets(script: &[u8]) {
    let mut bench = Bench::new();
    let mut rest = script;
    while let [what, len, more @ ..] = rest {
        let (content, more) = more.split_at(usize::from(*len).min(more.len()));
        let lane = usize::from(what >> 3) % LANES.len();
        match what % 8 {
            0 => drop(bench.arrives(content, false)),
            1 => bench.peer_says(lane, content, |_| ()),
            2 => bench.peer_says(lane, content, |packet| {
                let at = usize::from(*len) * 7 % packet.len();
                packet[at] ^= 1 | what;
            }),
            3 => bench.wrapped(content),
            4 => drop(bench.ours.handle_icmp(bench.now, content)),
            5 => bench.pass_time(*len),
            6 => bench.leaves(content),
            _ => bench.peer_says(lane, &inner(lane, content), |_| ()),
        }
        rest = more;
    }
    bench.check();
}

/// Any packet, cut and joined again, is what it was.
pub fn fragments(bytes: &[u8]) {
    let [size, packet @ ..] = bytes else { return };
    let mtu = 68 + usize::from(*size) * 4;
    let Some(mut parts) = fragment::fragments(packet, mtu, 7) else { return };
    let mut reassembler = Reassembler::new();
    let now = Instant::now();
    let (mut part, mut joined, mut count) = ([0; 68 + 255 * 4], None, 0);
    while let Some(len) = parts.next_into(&mut part) {
        assert!(len <= mtu, "a part is longer than its path takes");
        assert_eq!(joined, None, "complete before its end");
        joined = reassembler.push(now, &part[..len]).unwrap_or_default();
        count += 1;
    }
    if let Some(joined) = joined {
        assert!(joined.len() <= packet.len());
        let payload = joined.len() - usize::from(joined[0] & 0x0f) * 4;
        assert!(
            joined[0] >> 4 == 6
                || packet[..joined.len()].ends_with(&joined[joined.len() - payload..])
        );
        assert_eq!(reassembler.octets(), 0);
    }
    assert!(count <= packet.len(), "parts without content");
}

/// What an end has agreed on with its peer.
struct Lane {
    suite: Suite,
    mode: Mode,
    hosts: [&'static str; 2],
    encapsulation: bool,
    extended: bool,
}

const ENDS: [&str; 2] = ["192.0.2.1", "192.0.2.2"];

const LANES: [Lane; 4] = [
    Lane {
        suite: Suite::NullSha1,
        mode: Mode::Tunnel,
        hosts: ["10.1.0.1", "10.2.0.1"],
        encapsulation: false,
        extended: false,
    },
    Lane {
        suite: Suite::AesGcm128,
        mode: Mode::Tunnel,
        hosts: ["fd00:1::1", "fd00:2::1"],
        encapsulation: true,
        extended: true,
    },
    Lane {
        suite: Suite::AesCbc128Sha256,
        mode: Mode::Transport,
        hosts: ENDS,
        encapsulation: false,
        extended: false,
    },
    Lane {
        suite: Suite::AesCbc256Sha1,
        mode: Mode::Tunnel,
        hosts: ["10.1.0.2", "10.2.0.2"],
        encapsulation: true,
        extended: false,
    },
];

struct Bench {
    now: Instant,
    ours: Ipsec,
    peer: Ipsec,
    reassembler: Reassembler,
    packets: u64,
}

impl Bench {
    fn new() -> Self {
        let now = Instant::now();
        let ends = [0, 1].map(|end| {
            let mut ipsec = Ipsec::new(Config::default());
            let rule = |(number, lane): (usize, &Lane)| {
                Policy::new(selector(lane, end), Action::Protect(RequestId(number as u32)))
            };
            ipsec.set_policies(LANES.iter().enumerate().map(rule).collect());
            for (number, lane) in LANES.iter().enumerate() {
                for from in [0, 1] {
                    ipsec.add_sa(now, spec(lane, number, end, from)).expect("lanes differ");
                }
            }
            ipsec
        });
        let [ours, peer] = ends;
        Self { now, ours, peer, reassembler: Reassembler::new(), packets: 0 }
    }

    fn arrives(&mut self, content: &[u8], genuine: bool) -> Verdict {
        let mut buffer = [0; BUFFER];
        buffer[HEADROOM..HEADROOM + content.len()].copy_from_slice(content);
        let mut packets = [Packet::new(&mut buffer, HEADROOM..HEADROOM + content.len())];
        self.ours.inbound(self.now, &mut packets);
        self.packets += 1;
        let [packet] = packets;
        match packet.verdict {
            Verdict::Protected(_) => assert!(genuine, "a stranger's packet came out as protected"),
            Verdict::Reassemble => {
                let _ = self.reassembler.push(self.now, content);
                assert!(self.reassembler.octets() <= 1 << 20);
            }
            Verdict::Split { .. } | Verdict::Fragment { .. } | Verdict::TooBig { .. } => {
                panic!("{:?} of what arrives", packet.verdict)
            }
            Verdict::Bypass | Verdict::Ike | Verdict::Consume | Verdict::Drop(_) => {}
        }
        packet.verdict
    }

    /// The peer seals whatever it likes, as far as its own rules let it, and something happens on
    /// the way.
    fn peer_says(&mut self, lane: usize, content: &[u8], happens: impl FnOnce(&mut [u8])) {
        let mut buffer = [0; BUFFER];
        buffer[HEADROOM..HEADROOM + content.len()].copy_from_slice(content);
        let mut packets = [Packet::new(&mut buffer, HEADROOM..HEADROOM + content.len())];
        let destination = address(ENDS[0]);
        let sa = self.peer.find_sa(Direction::Outbound, spi(lane, 1), destination);
        self.peer.protect(self.now, sa.expect("it was added"), &mut packets);
        let [packet] = packets;
        if !matches!(packet.verdict, Verdict::Protected(_)) {
            return;
        }
        let mut sealed = packet.bytes().to_vec();
        let before = sealed.clone();
        happens(&mut sealed);
        // The outer header's service class, its time to live and UDP's checksum are not sealed.
        let esp_at = 20 + if LANES[lane].encapsulation { 8 } else { 0 };
        let genuine = sealed[esp_at..] == before[esp_at..];
        self.arrives(&sealed, genuine);
        if genuine {
            let again = self.arrives(&sealed, false);
            assert!(!matches!(again, Verdict::Consume | Verdict::Bypass), "{again:?} of a replay");
        }
    }

    /// Something in UDP on port 4500.
    fn wrapped(&mut self, content: &[u8]) {
        let datagram = wire::datagram::Datagram {
            source: (address(ENDS[1]), 4500).into(),
            destination: (address(ENDS[0]), 4500).into(),
            traffic_class: 0,
            hops: 64,
            checksum: 0,
            payload_at: 0,
            payload_len: content.len(),
        };
        let mut packet = vec![0; datagram.headers_len()];
        packet.extend_from_slice(content);
        datagram.emit_ip(&mut packet, wire::datagram::ChecksumRule::None);
        let verdict = self.arrives(&packet, false);
        assert_eq!(verdict == Verdict::Ike, content.starts_with(&[0; 4]));
    }

    /// What leaves is sealed for the peer, or does not leave.
    fn leaves(&mut self, content: &[u8]) {
        let mut buffer = [0; BUFFER];
        buffer[HEADROOM..HEADROOM + content.len()].copy_from_slice(content);
        let mut packets = [Packet::new(&mut buffer, HEADROOM..HEADROOM + content.len())];
        self.ours.outbound(self.now, &mut packets);
        self.packets += 1;
        assert_ne!(packets[0].verdict, Verdict::Bypass, "no policy says so");
    }

    fn pass_time(&mut self, ticks: u8) {
        self.now += Duration::from_secs(ticks.into());
        for end in [&mut self.ours, &mut self.peer] {
            end.handle_timeout(self.now);
            while end.poll_event().is_some() {}
        }
        self.reassembler.handle_timeout(self.now);
    }

    fn check(&self) {
        let counters = self.ours.counters();
        let all = counters.protected
            + counters.bypassed
            + counters.consumed
            + counters.ike
            + counters.returned
            + counters.drops.total();
        assert_eq!(all, self.packets, "each packet is counted once");
    }
}

/// A packet of the lane's hosts around the content: it passes the selectors.
fn inner(lane: usize, content: &[u8]) -> Vec<u8> {
    let [ours, its] = LANES[lane].hosts.map(address);
    let header = wire::ip::Header {
        source: its,
        destination: ours,
        protocol: content.first().copied().unwrap_or(17),
        traffic_class: content.last().copied().unwrap_or(0),
        hops: 64,
        payload_len: content.len() as u16,
    };
    let mut packet = vec![0; header.len()];
    header.emit(&mut packet);
    packet.extend_from_slice(content);
    packet
}

fn spec(lane: &Lane, number: usize, end: usize, from: usize) -> SaSpec {
    let direction = if end == from { Direction::Outbound } else { Direction::Inbound };
    let octets = |len| vec![number as u8 * 2 + from as u8; len];
    let keys = Keys::new(
        lane.suite,
        &octets(lane.suite.encryption_key_len()),
        &octets(lane.suite.integrity_key_len()),
    );
    let (source, destination) = (address(ENDS[from]), address(ENDS[1 - from]));
    let keys = keys.expect("the lengths are the suite's");
    let mut spec =
        SaSpec::new(direction, spi(number, from), source, destination, keys, [from as u8; 16]);
    spec.mode = lane.mode;
    spec.request = RequestId(number as u32);
    spec.selectors = vec![selector(lane, end)];
    spec.extended_sequence = lane.extended;
    spec.encapsulation = lane.encapsulation.then(Encapsulation::default);
    spec
}

fn spi(lane: usize, from: usize) -> u32 {
    0x1000 + lane as u32 * 2 + from as u32
}

fn selector(lane: &Lane, end: usize) -> Selector {
    Selector::between(address(lane.hosts[end]), address(lane.hosts[1 - end]))
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("the table holds addresses")
}
