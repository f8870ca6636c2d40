//! Generator and sink over a veth pair between two namespaces.

use std::time::Duration;

use lab::net::{Lab, Namespace};
use ringfence_pktgen::{Content, Kit, Order, Role, Stream, srtp};

const FLOWS: u16 = 10;
const RATE: f64 = 50_000.0;
const DURATION: Duration = Duration::from_millis(400);

struct Bench {
    near: Namespace,
    far: Namespace,
    _lab: Lab,
}

impl Bench {
    fn new(name: &str) -> Self {
        let lab = Lab::new(&format!("rf-pktgen-{name}"), false).unwrap();
        let (near, far) = (lab.namespace("near").unwrap(), lab.namespace("far").unwrap());
        let (a, b) = lab.veth((&near, "near"), (&far, "far")).unwrap();
        a.mac("02:00:00:00:00:01").unwrap();
        b.mac("02:00:00:00:00:02").unwrap();
        Self { near, far, _lab: lab }
    }
}

fn stream(payload_len: usize) -> Stream {
    Stream {
        source_mac: [2, 0, 0, 0, 0, 1],
        destination_mac: [2, 0, 0, 0, 0, 2],
        source: "192.0.2.1:5000".parse().unwrap(),
        destination: "192.0.2.2:16384".parse().unwrap(),
        flows: FLOWS,
        payload_len,
    }
}

fn order(content: Content) -> Order {
    Order { interface: "near".into(), content, first: 0, rate: Some(RATE), duration: DURATION }
}

#[test]
#[ignore = "makes network namespaces, which needs root: cargo xtask test"]
fn what_is_sent_is_seen_and_timed() {
    let bench = Bench::new("rtp");
    let mut kit = Kit::load(0).unwrap();
    let _sink = bench.far.enter(|| kit.attach("far", Role::Sink)).unwrap().unwrap();
    let stream = stream(Stream::G711);
    let sent = bench.near.enter(|| kit.send(&stream, &order(Content::Rtp))).unwrap().unwrap();

    let due = RATE * sent.elapsed.as_secs_f64();
    let paced = (sent.frames + sent.missed) as f64;
    // A busy machine begins late; the pace is never too fast.
    assert!((due * 0.3..=due * 1.01).contains(&paced), "{sent:?} instead of {due}");
    assert_eq!(kit.seen().unwrap(), sent.frames);
    let latencies = kit.latencies().unwrap();
    assert!(latencies.samples() >= sent.frames / 32, "every sixteenth packet is timed");
    assert!(latencies.quantile(0.5).unwrap() < 10_000_000, "a veth is no sea cable");
}

#[test]
#[ignore = "makes network namespaces, which needs root: cargo xtask test"]
fn socket_buffers_are_seen_too() {
    let bench = Bench::new("buffers");
    let gro = bench.far.command("ethtool").args(["-K", "far", "gro", "on"]).status();
    assert!(gro.unwrap().success());
    let mut kit = Kit::load(0).unwrap();
    let _sink = bench.far.enter(|| kit.attach("far", Role::BufferSink)).unwrap().unwrap();
    let stream = stream(Stream::G711);
    let sent = bench.near.enter(|| kit.send(&stream, &order(Content::Rtp))).unwrap().unwrap();
    assert_eq!(kit.seen().unwrap(), sent.frames);
    assert!(kit.latencies().unwrap().samples() > 0);
}

#[test]
#[ignore = "makes network namespaces, which needs root: cargo xtask test"]
fn prepared_payloads_are_sent_once() {
    let bench = Bench::new("srtp");
    let mut kit = Kit::load(1000).unwrap();
    let _sink = bench.far.enter(|| kit.attach("far", Role::Sink)).unwrap().unwrap();
    let suite = ::srtp::Suite::AesCm128HmacSha1_80;
    let keying = |flow: u16| {
        let key = ::srtp::MasterKey::new(suite, &[flow as u8; 16], &[1; 14]).unwrap();
        ::srtp::Keying::new(suite, key)
    };
    let stream = stream(Stream::G711 + suite.rtp_tag_len());
    srtp::prepare(kit.prepared(), &stream, 1000, keying, |flow| stream.port(flow)).unwrap();
    let order = order(Content::Prepared);
    let sent = bench.near.enter(|| kit.send(&stream, &order)).unwrap().unwrap();
    assert_eq!((sent.frames, kit.seen().unwrap()), (1000, 1000));
}

#[test]
#[ignore = "makes network namespaces, which needs root: cargo xtask test"]
fn what_is_bounced_comes_back() {
    let bench = Bench::new("bounce");
    let mut kit = Kit::load(0).unwrap();
    let _bounce = bench.far.enter(|| kit.attach("far", Role::Bounce)).unwrap().unwrap();
    let sent = bench
        .near
        .enter(|| {
            let _sink = kit.attach("near", Role::Sink).unwrap();
            kit.send(&stream(Stream::G711), &order(Content::Rtp)).unwrap()
        })
        .unwrap();
    assert_eq!(kit.seen().unwrap(), sent.frames);
}
