//! What a call costs from the MGCP books down to the SRTP contexts, and that it costs nothing
//! afterwards: the gateway commands the relay engine, and packets of every stream pass.

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use engine::command::{Event, RtcpPolicy};
use engine::{Channel, Engine, Output, PortConfig};
use mgcp::sdp::{CryptoAttribute, CryptoSuite, KeySalt, SessionDescription};
use port::{Medium, Pool, PortId};
use rand::SeedableRng;
use rand::rngs::StdRng;
use ringfence_gateway::{CallAgent, Config, Gateway, Network};
use srtp::{Direction, Job, Keying, MasterKey, Srtp, Suite};
use wire::datagram::{ChecksumRule, Datagram};
use wire::ethernet::{self, MacAddr};

/// Counts the octets that are allocated.
struct Counting;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the pointer came from `alloc` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CALLS: u16 = 10_000;
const ROUNDS: usize = 3;
/// Most that a call may take.
const PER_CALL: usize = 4096;
/// Calls begin at this distance: 50 in a second.
const PACE: Duration = Duration::from_millis(20);
/// Answers are forgotten after T-HIST.
const FORGOTTEN: Duration = Duration::from_secs(31);

const AGENT: &str = "10.9.0.1:2427";
const OUR_MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const PEER_MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);

/// One test in this file: the counters are the process's.
#[test]
fn ten_thousand_calls_take_less_than_4_kib_each_and_give_it_back() {
    // Where the kernel gives memory by 2 MiB, the ends of tables count as much as calls.
    rustix::thread::disable_transparent_huge_pages(true).unwrap();
    let mut peers = Peers::new();
    let before = Memory::now();
    let mut house = House::new();
    let reserved = Memory::now().since(&before);

    let mut settled = None;
    for round in 0..ROUNDS {
        for call in 1..=CALLS {
            set_up(&mut house, &mut peers, round, call);
        }
        house.pass(FORGOTTEN);
        assert_eq!(house.engine.leg_count(), 2 * usize::from(CALLS));
        let used = Memory::now().since(&before);
        println!(
            "round {round}: a call takes {} octets resident, {} allocated",
            used.resident / usize::from(CALLS),
            (used.allocated - reserved.allocated) / usize::from(CALLS),
        );
        // Tables are reserved for the most there may be and become memory with their first use,
        // so what is resident counts, theirs included.
        assert!(used.resident < PER_CALL * usize::from(CALLS), "{} octets", used.resident);

        for call in 1..=CALLS {
            house.command(&format!("DLCX # pr/{call}@relay1 MGCP 1.0\r\nC: {call:032X}\r\n"));
            house.pass(PACE);
        }
        house.pass(FORGOTTEN);
        assert_eq!(house.engine.leg_count(), 0);
        // The first round makes the tables as large as they must be.
        let settled = *settled.get_or_insert(ALLOCATED.load(Relaxed));
        let left = ALLOCATED.load(Relaxed).saturating_sub(settled);
        assert!(left < 64 * 1024, "{left} octets are left of calls that have ended");
    }
}

/// A call as an agent makes it: two secured connections, the first of them changed when the peer
/// of the second is known; then speech and reports from both sides.
fn set_up(house: &mut House, peers: &mut Peers, round: usize, call: u16) {
    let sides = [0, 1].map(|side| Side::new(round, call, side));
    let endpoint = format!("pr/{call}@relay1");
    let create = |side: &Side, mode: &str| {
        format!(
            "CRCX # {endpoint} MGCP 1.0\r\nC: {call:032X}\r\nM: {mode}\r\nN: cm1@{AGENT_HOST}\r\n\
             L: p:20, a:PCMU;G729, s:off, t:B8\r\n\r\n{}",
            side.description()
        )
    };
    let ours = [(0, "recvonly"), (1, "sendrecv")].map(|(side, mode)| {
        let answer = house.command(&create(&sides[side], mode));
        let (head, description) = answer.split_once("\r\n\r\n").expect("a session description");
        let connection = head.lines().find_map(|line| line.strip_prefix("I: ")).unwrap();
        let description = SessionDescription::parse(description).unwrap();
        (connection.to_owned(), description.rtp_address(&description.media[0]).unwrap())
    });
    house.command(&format!(
        "MDCX # {endpoint} MGCP 1.0\r\nC: {call:032X}\r\nI: {}\r\nM: sendrecv\r\n\r\n{}",
        ours[0].0,
        sides[0].description()
    ));
    for (side, (_, local)) in sides.iter().zip(&ours) {
        for channel in [Channel::Rtp, Channel::Rtcp] {
            let packet = peers.protect(side, channel);
            house.receive(side, *local, channel, &packet);
        }
    }
    house.pass(PACE);
}

const AGENT_HOST: &str = "[10.9.0.1]";

/// Gateway and engine, as the daemon joins them.
struct House {
    now: Instant,
    transaction: u32,
    gateway: Gateway,
    engine: Engine,
    pool: Pool,
    out: Output,
}

impl House {
    fn new() -> Self {
        let now = Instant::now();
        let network = |name: &str, port, address: &str, prefix: &str| Network {
            name: name.into(),
            port: PortId(port),
            addresses: vec![address.parse().unwrap()],
            prefixes: vec![prefix.parse().unwrap()],
            ports: 16384..=65535,
        };
        let config = Config {
            call_agents: vec![CallAgent {
                name: Some("cm1".into()),
                addresses: vec![AGENT.parse().unwrap()],
            }],
            networks: vec![
                network("inside", 0, "10.1.0.1", "10.1.0.0/16"),
                network("outside", 1, "10.2.0.1", "10.2.0.0/16"),
            ],
            rtcp: RtcpPolicy::LikeRtp,
            announce: false,
            endpoints: CALLS.into(),
            ..Config::new("relay1")
        };
        let port =
            PortConfig { medium: Medium::Ethernet, mtu: 1500, mac: OUR_MAC, tags: [None, None] };
        let legs = 2 * usize::from(CALLS);
        let engine = engine::Config {
            ports: vec![port.clone(), port],
            max_legs: legs,
            srtp: srtp::Config { max_sessions: 2 * legs, ..srtp::Config::default() },
        };
        Self {
            now,
            transaction: 0,
            gateway: Gateway::new(now, config, Box::new(StdRng::seed_from_u64(7))).unwrap(),
            engine: Engine::new(now, engine),
            pool: Pool::new(64, 2048).unwrap(),
            out: Output::new(2),
        }
    }

    /// Gives the answer to a command, its transaction id written as `#`.
    fn command(&mut self, text: &str) -> String {
        self.transaction += 1;
        let text = text.replacen('#', &self.transaction.to_string(), 1);
        self.gateway.handle_datagram(self.now, AGENT.parse().unwrap(), text.as_bytes());
        while let Some((token, command)) = self.gateway.poll_command() {
            let reply = self.engine.execute(self.now, command);
            self.gateway.handle_reply(self.now, token, reply);
        }
        self.take_events();
        let (_, answer) = self.gateway.poll_datagram().expect("an answer");
        let answer = String::from_utf8(answer.to_vec()).unwrap();
        assert!(answer.starts_with('2'), "{text}{answer}");
        answer
    }

    /// A protected packet of a side's peer comes in, and must go out.
    fn receive(&mut self, side: &Side, local: SocketAddr, channel: Channel, packet: &[u8]) {
        let up = u16::from(channel == Channel::Rtcp);
        let above = |address: SocketAddr| SocketAddr::new(address.ip(), address.port() + up);
        let mut frame = self.pool.take().unwrap();
        frame.fill(&framed(above(side.peer()), above(local), packet));
        self.engine.handle_burst(self.now, side.port(), &mut vec![frame], &mut self.out);
        let sent: usize = self.out.to.iter().map(Vec::len).sum();
        assert_eq!(sent, 1, "{channel:?} of {side:?}: {:?}", self.out.verdicts);
        for frames in &mut self.out.to {
            self.pool.give_all(frames);
        }
        self.pool.give_all(&mut self.out.done);
        self.take_events();
    }

    fn take_events(&mut self) {
        while let Some(event) = self.engine.poll_event() {
            if let Event::NextHopWanted(port, address) = event {
                self.engine.set_next_hop(port, address, Some(PEER_MAC));
            }
            self.gateway.handle_event(self.now, event);
        }
    }

    fn pass(&mut self, duration: Duration) {
        self.now += duration;
        self.gateway.handle_timeout(self.now);
    }
}

/// One side of a call, whose telephone has an address and keys of its own.
#[derive(Debug)]
struct Side {
    round: u8,
    call: u16,
    side: u8,
}

impl Side {
    fn new(round: usize, call: u16, side: u8) -> Self {
        Self { round: round as u8, call, side }
    }

    fn port(&self) -> PortId {
        PortId(self.side)
    }

    fn peer(&self) -> SocketAddr {
        let [high, low] = (self.call + 256).to_be_bytes();
        SocketAddr::new(Ipv4Addr::new(10, self.side + 1, high, low).into(), 4000)
    }

    fn key_salt(&self) -> [u8; 30] {
        let [high, low] = self.call.to_be_bytes();
        let mut octets = [7; 30];
        octets[..4].copy_from_slice(&[self.round, self.side, high, low]);
        octets
    }

    /// Its session description, in the manner of a telephone.
    fn description(&self) -> String {
        let key = KeySalt::new(&self.key_salt()).unwrap();
        let mut crypto = String::new();
        CryptoAttribute::new(CryptoSuite::AesCm128HmacSha1_80, key).write(&mut crypto).unwrap();
        let (address, port) = (self.peer().ip(), self.peer().port());
        format!(
            "v=0\r\no=- 25678 753849 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n\
             m=audio {port} RTP/SAVP 0 8 18 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
             a=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\na=rtpmap:101 telephone-event/8000\r\n\
             a=fmtp:101 0-15\r\na=ptime:20\r\na={crypto}\r\n"
        )
    }
}

/// The SRTP of all telephones.
struct Peers(Srtp);

impl Peers {
    fn new() -> Self {
        let mut peers = Self(Srtp::new(srtp::Config { max_sessions: 1, ..Default::default() }));
        // What a first packet needs is not a call's.
        for channel in [Channel::Rtp, Channel::Rtcp] {
            peers.protect(&Side::new(0, 0, 0), channel);
        }
        peers
    }

    fn protect(&mut self, side: &Side, channel: Channel) -> Vec<u8> {
        let suite = Suite::AesCm128HmacSha1_80;
        let master = MasterKey::from_key_salt(suite, &side.key_salt()).unwrap();
        let session = self.0.insert(Direction::Outbound, &Keying::new(suite, master)).unwrap();
        let mut packet = match channel {
            Channel::Rtp => {
                [[0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, side.side].as_slice(), &[0; 160]].concat()
            }
            Channel::Rtcp => vec![0x80, 201, 0, 1, 1, 2, 3, side.side],
        };
        let len = packet.len();
        packet.resize(len + srtp::MAX_TRAILER, 0);
        let mut jobs = [Job::new(session, &mut packet, len)];
        match channel {
            Channel::Rtp => self.0.protect_rtp(&mut jobs),
            Channel::Rtcp => self.0.protect_rtcp(&mut jobs),
        }
        jobs[0].result.unwrap();
        let len = jobs[0].len;
        packet.truncate(len);
        self.0.remove(session);
        packet
    }
}

fn framed(source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let datagram = Datagram {
        source,
        destination,
        traffic_class: 0xb8,
        hops: 64,
        checksum: 0,
        payload_at: 0,
        payload_len: payload.len(),
    };
    let mut packet = vec![0; datagram.headers_len()];
    packet.extend(payload);
    datagram.emit_ip(&mut packet, ChecksumRule::Compute);
    let header = ethernet::Header {
        destination: OUR_MAC,
        source: PEER_MAC,
        tags: [None, None],
        ether_type: ethernet::IPV4,
    };
    let mut frame = vec![0; header.len()];
    header.emit(&mut frame);
    frame.extend(packet);
    frame
}

/// Memory of the process, in octets.
#[derive(Clone, Copy)]
struct Memory {
    allocated: usize,
    resident: usize,
}

impl Memory {
    fn now() -> Self {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
        Self { allocated: ALLOCATED.load(Relaxed), resident: pages * 4096 }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            allocated: self.allocated.saturating_sub(before.allocated),
            resident: self.resident.saturating_sub(before.resident),
        }
    }
}
