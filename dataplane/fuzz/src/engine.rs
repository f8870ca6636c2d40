//! The relay's whole burst function, past the cryptography too.
//!
//! The input is a script: each record is an octet that says what happens and to whom, an octet with
//! a length, and so many octets. Peers protect what the script lets them say, so that the fuzzer
//! reaches what lies behind a tag.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use engine::command::{
    Command, Event, LegId, LegSpec, Mode, Protection, RelayId, RtcpPolicy, SourceRule,
};
use engine::{Config, Engine, Output, PortConfig};
use port::{Frame, Medium, Pool, PortId};
use srtp::{Direction, Job, Keying, MAX_TRAILER, MasterKey, SessionId, Srtp, Suite};
use wire::datagram::{ChecksumRule, Datagram};
use wire::ethernet::{self, MacAddr};
use wire::ip;

const OURS: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const PEER: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);

/// Frames of the pool: enough that a script never waits for one.
const FRAMES: usize = 64;

/// Every frame comes out once, every verdict is counted, and what leaves is a well-formed datagram
/// of ours to a peer.
pub fn burst(script: &[u8]) {
    let mut bench = Bench::new();
    let mut rest = script;
    while let [what, len, more @ ..] = rest {
        let (content, more) = more.split_at(usize::from(*len).min(more.len()));
        let leg = usize::from(what >> 3) % LEGS.len();
        match what % 8 {
            0 => bench.queue(leg, content.to_vec()),
            1 => bench.say(leg, 0, content, false),
            2 => bench.say(leg, 0, content, true),
            3 => bench.say(leg, 1, content, false),
            4 => bench.say(leg, 1, content, true),
            5 => bench.command(leg, content),
            6 => bench.pass_time(*len),
            _ => bench.play(),
        }
        rest = more;
    }
    bench.play();
}

/// A leg of the bench: two legs in a row make a relay; even ones are on port 0, odd ones on port 1.
struct LegPlan {
    local: &'static str,
    remote: &'static str,
    suite: Option<Suite>,
}

const LEGS: [LegPlan; 4] = [
    LegPlan { local: "10.0.0.1:16384", remote: "10.0.0.2:5004", suite: None },
    LegPlan {
        local: "10.1.0.1:16384",
        remote: "10.1.0.2:5004",
        suite: Some(Suite::AesCm128HmacSha1_80),
    },
    LegPlan {
        local: "[fd00::1]:16384",
        remote: "[fd00::2]:5004",
        suite: Some(Suite::AesCm128HmacSha1_32),
    },
    LegPlan {
        local: "10.1.0.1:16386",
        remote: "10.1.0.2:5006",
        suite: Some(Suite::NullHmacSha1_80),
    },
];

struct Bench {
    engine: Engine,
    pool: Pool,
    out: Output,
    now: Instant,
    /// Frames that wait for the next burst, per port.
    bursts: [Vec<Frame>; 2],
    /// What the peers protect with.
    peers: Srtp,
    sessions: [Option<SessionId>; LEGS.len()],
    received: u64,
}

impl Bench {
    fn new() -> Self {
        let now = Instant::now();
        let port =
            PortConfig { medium: Medium::Ethernet, mtu: 1500, mac: OURS, tags: [None, None] };
        let srtp = srtp::Config {
            max_sessions: 2 * LEGS.len(),
            max_ssrcs_per_session: 4,
            ..srtp::Config::default()
        };
        let config =
            Config { ports: vec![port.clone(), port], max_legs: LEGS.len(), srtp: srtp.clone() };
        let mut bench = Self {
            engine: Engine::new(now, config),
            pool: Pool::new(FRAMES, 2048).expect("128 KiB can be mapped"),
            out: Output::new(2),
            now,
            bursts: [Vec::new(), Vec::new()],
            peers: Srtp::new(srtp),
            sessions: [None; LEGS.len()],
            received: 0,
        };
        for (index, plan) in LEGS.iter().enumerate() {
            if let Protection::Srtp(keying) = protection(plan.suite, index as u8) {
                let session = bench.peers.insert(Direction::Outbound, &keying);
                bench.sessions[index] = Some(session.expect("there is room"));
            }
            bench.open(index, Mode::SendRecv);
        }
        bench
    }

    fn open(&mut self, index: usize, mode: Mode) {
        let (leg, relay) = (LegId(index as u64), RelayId(index as u64 / 2));
        self.engine.execute(self.now, Command::Open { leg, relay, spec: spec(index, mode) });
        self.resolve();
    }

    /// Opens, changes, asks about or closes a leg.
    fn command(&mut self, index: usize, content: &[u8]) {
        let leg = LegId(index as u64);
        let modes = [Mode::Inactive, Mode::SendOnly, Mode::RecvOnly, Mode::SendRecv, Mode::Loop];
        let octet = content.first().copied().unwrap_or(0);
        let mode = modes[usize::from(octet >> 2) % modes.len()];
        match octet % 4 {
            0 => return self.open(index, mode),
            1 => self.engine.execute(self.now, Command::Modify { leg, spec: spec(index, mode) }),
            2 => self.engine.execute(self.now, Command::Query { leg }),
            _ => self.engine.execute(self.now, Command::Close { leg }),
        };
        self.resolve();
    }

    fn resolve(&mut self) {
        while let Some(event) = self.engine.poll_event() {
            if let Event::NextHopWanted(port, address) = event {
                self.engine.set_next_hop(port, address, Some(PEER));
            }
        }
    }

    fn pass_time(&mut self, ticks: u8) {
        self.now += Duration::from_millis(u64::from(ticks) * 25);
        self.engine.handle_timeout(self.now);
        self.resolve();
    }

    /// The peer of a leg says something on its RTP (0) or RTCP (1) port, sealed under its key if it
    /// has one and the content is a packet that can be.
    fn say(&mut self, index: usize, above: u16, content: &[u8], sealed: bool) {
        let mut payload = content.to_vec();
        if let (true, Some(session)) = (sealed, self.sessions[index]) {
            payload.resize(content.len() + MAX_TRAILER, 0);
            let mut jobs = [Job::new(session, &mut payload, content.len())];
            match above {
                0 => self.peers.protect_rtp(&mut jobs),
                _ => self.peers.protect_rtcp(&mut jobs),
            }
            let len = jobs[0].len;
            payload.truncate(len);
        }
        let plan = &LEGS[index];
        self.queue(index, frame(address(plan.remote, above), address(plan.local, above), &payload));
    }

    fn queue(&mut self, index: usize, bytes: Vec<u8>) {
        if self.pool.free() == 0 {
            self.play();
        }
        let mut frame = self.pool.take().expect("a frame is free after every burst");
        frame.fill(&bytes);
        self.bursts[index % 2].push(frame);
    }

    /// Puts the waiting frames through the engine and looks at what comes out.
    fn play(&mut self) {
        for port in 0..2 {
            let sent = self.bursts[port].len();
            let from = PortId(port as u8);
            self.engine.handle_burst(self.now, from, &mut self.bursts[port], &mut self.out);
            assert_eq!(self.out.verdicts.len(), sent, "a frame has one verdict");
            self.received += sent as u64;
            for frames in &mut self.out.to {
                frames.iter().for_each(|frame| check(frame.bytes()));
                self.pool.give_all(frames);
            }
            self.pool.give_all(&mut self.out.done);
            self.resolve();
        }
        assert_eq!(self.pool.free(), self.pool.chunks(), "a frame was lost");
        let counters = self.engine.counters();
        let drops: u64 = counters.drops().map(|(_, count)| count).sum();
        assert_eq!(counters.received, self.received);
        assert_eq!(counters.received, counters.forwarded + counters.consumed + drops);
    }
}

/// What leaves is from one of our addresses to the peer of that leg, with checksums that hold.
fn check(bytes: &[u8]) {
    let datagram = Datagram::parse_ethernet(bytes).expect("what leaves is well-formed");
    let of_a_leg = LEGS.iter().any(|plan| {
        let pair = |above| (address(plan.local, above), address(plan.remote, above));
        [pair(0), pair(1)].contains(&(datagram.source, datagram.destination))
    });
    assert!(of_a_leg, "{} to {}", datagram.source, datagram.destination);
    let packet = &bytes[ethernet::HEADER_LEN..];
    let header = ip::Header::parse(packet).expect("it was parsed just now");
    if datagram.checksum != 0 {
        let segment = &packet[header.len()..][..header.payload_len.into()];
        assert_eq!(header.pseudo_sum(header.payload_len).add_bytes(segment).finish(), 0);
    }
}

fn spec(index: usize, mode: Mode) -> Box<LegSpec> {
    let plan = &LEGS[index];
    Box::new(LegSpec {
        port: PortId(index as u8 % 2),
        local: address(plan.local, 0),
        remote: Some(address(plan.remote, 0)),
        remote_rtcp: None,
        mode,
        receive: protection(plan.suite, index as u8),
        send: protection(plan.suite, index as u8 | 0x80),
        rtcp: RtcpPolicy::LikeRtp,
        source: SourceRule::Exact,
        dscp: None,
        idle_after: Duration::from_secs(1),
        clock_hz: 8000,
    })
}

fn protection(suite: Option<Suite>, seed: u8) -> Protection {
    let Some(suite) = suite else { return Protection::Plain };
    let key = vec![seed; suite.master_key_len()];
    let salt = vec![!seed; suite.master_salt_len()];
    let master = MasterKey::new(suite, &key, &salt).expect("the lengths are the suite's");
    Protection::Srtp(Keying::new(suite, master))
}

fn address(text: &str, above: u16) -> SocketAddr {
    let address: SocketAddr = text.parse().expect("the table holds addresses");
    SocketAddr::new(address.ip(), address.port() + above)
}

fn frame(source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let datagram = Datagram {
        source,
        destination,
        traffic_class: 0xb8,
        hops: 64,
        checksum: 0,
        payload_at: 0,
        payload_len: payload.len(),
    };
    let ether_type = if destination.is_ipv4() { ethernet::IPV4 } else { ethernet::IPV6 };
    let link = ethernet::Header { destination: OURS, source: PEER, tags: [None, None], ether_type };
    let headers = link.len() + datagram.headers_len();
    let mut bytes = vec![0; headers];
    bytes.extend_from_slice(payload);
    link.emit(&mut bytes);
    datagram.emit_ip(&mut bytes[link.len()..], ChecksumRule::Compute);
    bytes
}
