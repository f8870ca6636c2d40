//! The agent and `ringfence-datad` as processes meet them: sockets, signals, media. Over UDP
//! sockets, so it needs no privilege.

use std::net::{SocketAddr, UdpSocket};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use callmanager::codec::Codec;
use callmanager::keys::{MasterKey, StreamKeys};
use callmanager::switchboard::{
    CallId, LinkId, RelayOrder, RelayedEnd, RelayedKeys, RelayedLink, StreamId,
};
use crossbeam_channel::{Receiver, unbounded};
use datad::testing::{self, Process};
use ringfence_callagent::{CallAgent, Config, RelayAlarm, RelayConfig, RelayState, Report};
use srtp::{Direction, Job, Keying, SessionId, Srtp, Suite};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

/// Not a test by itself: the others run it in a process of its own.
#[test]
fn becomes_the_relay() {
    testing::become_if_told();
}

fn start_relay(config: &Path) -> Process {
    Process::start("becomes_the_relay", config)
}

/// An agent with a relay.
struct House {
    agent: CallAgent,
    reports: Receiver<Report>,
    relay: Option<Process>,
    config: PathBuf,
    _directory: TempDir,
}

impl House {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let agent = socket.local_addr().unwrap();
        let relay = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = directory.path().join("ringfence.toml");
        // Tests that run beside this one need ports of their own, below those that are given to
        // whoever asks for any.
        static HOUSES: AtomicU32 = AtomicU32::new(0);
        let house = std::process::id().wrapping_add(HOUSES.fetch_add(1, Ordering::Relaxed));
        let first = 10_000 + house % 11 * 2000;
        let text = format!(
            r#"
[datad]
status_socket = "{}"
srtp_backend = "portable"
[datad.gateway]
name = "relay1"
listen = ["{relay}"]
call_agents = ["127.0.0.1"]
notify = "{agent}"
restart_wait_ms = 0
[[datad.media]]
name = "here"
addresses = ["127.0.0.1"]
ports = "{first}-{}"
"#,
            directory.path().join("status").display(),
            first + 1999,
        );
        std::fs::write(&config, text).unwrap();
        let (tell, reports) = unbounded();
        let relays = vec![RelayConfig { name: "relay1".to_owned(), addresses: vec![relay] }];
        let tell = move |report| drop(tell.send(report));
        let agent = CallAgent::start(Config::new("cm1", relays), socket, tell).unwrap();
        let relay = Some(start_relay(&config));
        let house = Self { agent, reports, relay, config, _directory: directory };
        house.until(|house| house.agent.relays()[0].state == RelayState::InService);
        house
    }

    fn until(&self, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < deadline, "{:?}", self.agent.relays());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn report(&self) -> Report {
        self.reports.recv_timeout(PATIENCE).expect("a report comes")
    }

    fn opened(&self, link: RelayedLink) -> [SocketAddr; 2] {
        let name = link.link;
        self.agent.order(RelayOrder::Open(link));
        match self.report() {
            Report::Opened { link, result: Ok(by) } if link == name => by.addresses,
            other => panic!("{other:?}"),
        }
    }
}

/// A device: a socket, and the SRTP of one stream.
struct Device {
    socket: UdpSocket,
    srtp: Srtp,
    out: SessionId,
    back: SessionId,
}

fn keying(key: &MasterKey) -> Keying {
    let suite = Suite::from_name("AES_CM_128_HMAC_SHA1_32").unwrap();
    Keying::new(suite, srtp::MasterKey::new(suite, &key.key, &key.salt).unwrap())
}

impl Device {
    fn new() -> (Self, RelayedKeys) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let keys = StreamKeys::fresh().unwrap();
        let mut srtp = Srtp::new(srtp::Config::default());
        let out = srtp.insert(Direction::Outbound, &keying(&keys.forth)).unwrap();
        let back = srtp.insert(Direction::Inbound, &keying(&keys.back)).unwrap();
        let (from_device, to_device) = (Arc::new(keys.forth), Arc::new(keys.back));
        (Self { socket, srtp, out, back }, RelayedKeys { from_device, to_device })
    }

    fn transform(
        &mut self,
        session: SessionId,
        packet: &[u8],
        run: impl FnOnce(&mut Srtp, &mut [Job<'_>]),
    ) -> Vec<u8> {
        let mut buffer = packet.to_vec();
        buffer.resize(packet.len() + srtp::MAX_TRAILER, 0);
        let mut jobs = [Job::new(session, &mut buffer, packet.len())];
        run(&mut self.srtp, &mut jobs);
        jobs[0].result.unwrap();
        let len = jobs[0].len;
        buffer.truncate(len);
        buffer
    }

    /// Says something, and gives what was on the wire.
    fn say(&mut self, to: SocketAddr, packet: &[u8]) -> Vec<u8> {
        let secret = self.transform(self.out, packet, |srtp, jobs| srtp.protect_rtp(jobs));
        self.socket.send_to(&secret, to).unwrap();
        secret
    }

    /// Hears something: what was on the wire, and what it is.
    fn hear(&mut self, from: SocketAddr) -> (Vec<u8>, Vec<u8>) {
        let mut buffer = [0; 2048];
        let (len, sender) = self.socket.recv_from(&mut buffer).unwrap();
        assert_eq!(sender, from);
        let secret = buffer[..len].to_vec();
        let packet = self.transform(self.back, &secret, |srtp, jobs| srtp.unprotect_rtp(jobs));
        (secret, packet)
    }
}

fn rtp(number: u8) -> Vec<u8> {
    let mut packet = vec![0x80, 0, 0, number, 0, 0, number, 0, 1, 2, 3, 4];
    packet.extend([number ^ 0x55; 160]);
    packet
}

fn link(number: u32, ends: [(SocketAddr, Option<RelayedKeys>); 2]) -> RelayedLink {
    let mut streams = 2 * number..;
    let ends = ends.map(|(address, keys)| RelayedEnd {
        stream: StreamId(streams.next().unwrap()),
        address,
        sends: true,
        receives: true,
        keys,
    });
    RelayedLink { link: LinkId(number), call: CallId(number), codec: Codec::G711_ULAW, ends }
}

/// Opens an encrypted stream between two devices.
fn connect(house: &House, number: u32) -> ([Device; 2], [SocketAddr; 2]) {
    let ((a, keys_a), (b, keys_b)) = (Device::new(), Device::new());
    let at = |device: &Device| device.socket.local_addr().unwrap();
    let ends = [(at(&a), Some(keys_a)), (at(&b), Some(keys_b))];
    let addresses = house.opened(link(number, ends));
    ([a, b], addresses)
}

fn converse([a, b]: &mut [Device; 2], [to_a, to_b]: [SocketAddr; 2], numbers: Range<u8>) {
    for number in numbers {
        let said = a.say(to_a, &rtp(number));
        let (heard, packet) = b.hear(to_b);
        assert_eq!(packet, rtp(number));
        assert_ne!(heard, said, "the keys of one way are not those of the other");
        b.say(to_b, &rtp(number));
        assert_eq!(a.hear(to_a).1, rtp(number));
    }
}

// R: MED-02, MED-04, GEN-09
#[test]
fn two_devices_speak_through_the_relay_under_keys_of_their_own() {
    let mut house = House::new();
    let (mut devices, addresses) = connect(&house, 1);
    converse(&mut devices, addresses, 0..50);
    house.agent.order(RelayOrder::Close { link: LinkId(1) });
    let Report::Closed { ends: [Some(a), Some(b)], .. } = house.report() else { panic!() };
    assert_eq!((a.packets_received, a.packets_sent), (50, 50));
    assert_eq!((b.packets_received, b.octets_received), (50, 8000));

    // The relay dies in the middle of a call, and is started again: the stream is opened anew.
    let (mut devices, addresses) = connect(&house, 2);
    converse(&mut devices, addresses, 0..50);
    house.relay = None;
    house.relay = Some(start_relay(&house.config));
    let restarted = RelayAlarm::Restarted { relay: "relay1".to_owned(), streams: 1 };
    let (mut lost, mut told) = (false, false);
    while !(lost && told) {
        match house.report() {
            Report::Lost { link: LinkId(2) } => lost = true,
            Report::Alarm(alarm) if alarm == restarted => told = true,
            // It may have been missed before it was back.
            Report::Alarm(RelayAlarm::Down { .. }) => {}
            Report::Alarm(RelayAlarm::Up { .. }) => told = true,
            other => panic!("{other:?}"),
        }
    }
    house.agent.order(RelayOrder::Close { link: LinkId(2) });
    assert!(matches!(house.report(), Report::Closed { ends: [None, None], .. }));
    let (mut devices, addresses) = connect(&house, 3);
    converse(&mut devices, addresses, 0..50);

    // The agent ends, and the call goes on.
    let House { agent, relay, _directory, .. } = house;
    drop(agent);
    converse(&mut devices, addresses, 50..100);
    drop(relay);
}

#[test]
fn calls_are_set_up_by_the_hundred() {
    const CALLS: u32 = 400;
    let house = House::new();
    let devices: Vec<_> = (0..2).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    let at = |index: usize| devices[index].local_addr().unwrap();
    let keys = || {
        let keys = StreamKeys::fresh().unwrap();
        RelayedKeys { from_device: Arc::new(keys.forth), to_device: Arc::new(keys.back) }
    };
    let mut times = Vec::new();
    let began = Instant::now();
    for number in 1..=CALLS {
        let ordered = Instant::now();
        house.opened(link(number, [(at(0), Some(keys())), (at(1), Some(keys()))]));
        times.push(ordered.elapsed());
    }
    let all = began.elapsed();
    times.sort();
    let p99 = times[times.len() * 99 / 100];
    println!(
        "{CALLS} streams one after another in {all:?}; p50 {:?}, p99 {p99:?}",
        times[times.len() / 2]
    );
    for number in 1..=CALLS {
        house.agent.order(RelayOrder::Close { link: LinkId(number) });
    }
    for _ in 0..CALLS {
        assert!(matches!(house.report(), Report::Closed { ends: [Some(_), Some(_)], .. }));
    }
    assert_eq!(house.agent.counters().opened, u64::from(CALLS));
    assert_eq!(house.agent.relays()[0].streams, 0);
}
