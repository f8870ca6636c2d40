//! Source and sink over a network in memory that loses, repeats and reorders, on a virtual clock.

use std::time::Duration;

use port::{BURST, Frame, Medium, MemoryPort, Pool, Port};
use ringfence_pktgen::Stream;
use ringfence_pktgen::sink::{Report, Sink};
use ringfence_pktgen::source::Source;
use srtp::{Keying, MasterKey, Suite};

const FLOWS: u16 = 3;
const START: Duration = Duration::from_secs(1_800_000_000);
/// Between two packets of any flow.
const SPACING: Duration = Duration::from_millis(5);
const TRANSIT: Duration = Duration::from_micros(700);

const SUITE: Suite = Suite::AesCm128HmacSha1_80;

fn keying(octet: u8) -> Keying {
    Keying::new(SUITE, MasterKey::new(SUITE, &[octet; 16], &[1; 14]).unwrap())
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

/// What the sink says of so many packets that came in the order that `network` makes of theirs.
fn through(
    medium: Medium,
    mut source: Source,
    mut sink: Sink,
    count: usize,
    network: impl Fn(&mut Vec<Frame>, &mut Pool),
) -> Report {
    let mut pool = Pool::new(1024, 2048).unwrap();
    let (mut near, mut far) = MemoryPort::pair(medium, 1024);
    let (mut burst, mut arrived) = (Vec::new(), Vec::new());
    for number in 0..count as u32 {
        source.make(START + SPACING * number, 1, &mut pool, &mut burst).unwrap();
    }
    network(&mut burst, &mut pool);
    let sent = burst.len();
    while !burst.is_empty() {
        near.tx(&mut pool, &mut burst).unwrap();
    }
    while arrived.len() < sent {
        assert!(far.rx(&mut pool, &mut arrived).unwrap() <= BURST);
    }
    for (number, frame) in (0u32..).zip(&mut arrived) {
        sink.take(START + SPACING * number + TRANSIT, std::slice::from_mut(frame));
    }
    pool.give_all(&mut arrived);
    sink.report()
}

#[test]
fn a_good_network_has_nothing_to_report() {
    for medium in [Medium::Ethernet, Medium::Ip] {
        let source = Source::new(stream(Stream::G711), medium, None).unwrap();
        let sink = Sink::new(medium, None).unwrap();
        let report = through(medium, source, sink, 300, |_, _| ());
        assert_eq!((report.flows, report.packets, report.received), (3, 300, 300));
        assert_eq!((report.lost, report.duplicated, report.reordered), (0, 0, 0));
        assert_eq!((report.jitter.mean, report.jitter.max), (0.0, 0.0));
        let latency = report.latency.unwrap();
        assert_eq!(latency.samples, 300);
        assert!(latency.p50 <= 700.0 && latency.max > 700.0 * 7.0 / 8.0, "{latency:?}");
        assert!((report.rate - 200.0).abs() < 1.0, "{}", report.rate);
    }
}

#[test]
fn loss_order_and_repetition_are_told_apart() {
    let source = Source::new(stream(Stream::G711), Medium::Ethernet, None).unwrap();
    let sink = Sink::new(Medium::Ethernet, None).unwrap();
    let report = through(Medium::Ethernet, source, sink, 300, |frames, pool| {
        // Two packets of flow 0 change places; one of flow 1 gets lost, one of flow 2 comes twice.
        frames.swap(30, 33);
        let mut again = pool.take().unwrap();
        again.fill(frames[62].bytes());
        frames.push(again);
        pool.give(frames.remove(91));
    });
    assert_eq!((report.received, report.packets), (299, 300));
    assert_eq!((report.lost, report.duplicated), (1, 1));
    assert_eq!((report.reordered, report.reordered_by), (1, 1));
    assert!(report.jitter.max > 0.0);
}

#[test]
fn srtp_is_opened_and_a_strange_key_is_refused() {
    let stream = stream(Stream::G711 + SUITE.rtp_tag_len());
    for (key, received, refused) in [(1, 300, 0), (2, 0, 300)] {
        let source = Source::new(stream.clone(), Medium::Ip, Some(&keying(1))).unwrap();
        let sink = Sink::new(Medium::Ip, Some(&keying(key))).unwrap();
        let report = through(Medium::Ip, source, sink, 300, |_, _| ());
        assert_eq!((report.received, report.strays.refused), (received, refused));
        assert_eq!(report.latency.is_some(), received > 0);
    }
}

#[test]
fn numbers_and_srtp_go_on_behind_the_last_sequence_number() {
    const COUNT: u64 = (1 << 16) + 1000;
    let stream = Stream { flows: 1, ..stream(Stream::G711 + SUITE.rtp_tag_len()) };
    let mut source = Source::new(stream, Medium::Ip, Some(&keying(1))).unwrap();
    let mut sink = Sink::new(Medium::Ip, Some(&keying(1))).unwrap();
    let mut pool = Pool::new(BURST, 2048).unwrap();
    let mut burst = Vec::new();
    let mut left = COUNT as usize;
    while left > 0 {
        source.make(START, left, &mut pool, &mut burst).unwrap();
        left -= burst.len();
        sink.take(START, &mut burst);
        pool.give_all(&mut burst);
    }
    let report = sink.report();
    assert_eq!((report.flows, report.received, report.lost), (1, COUNT, 0));
    assert_eq!(report.strays.refused, 0, "both ends have counted the rollover");
}

#[test]
fn junk_is_counted_and_harms_nothing() {
    let mut pool = Pool::new(64, 2048).unwrap();
    let mut sink = Sink::new(Medium::Ethernet, None).unwrap();
    let mut source = Source::new(stream(Stream::G711), Medium::Ethernet, None).unwrap();
    let mut burst = Vec::new();
    source.make(START, 1, &mut pool, &mut burst).unwrap();
    let whole = burst[0].bytes().to_vec();
    for len in 0..whole.len() {
        let mut frame = pool.take().unwrap();
        frame.fill(&whole[..len]);
        sink.take(START, std::slice::from_mut(&mut frame));
        pool.give(frame);
    }
    pool.give_all(&mut burst);
    assert_eq!(sink.report().strays.not_rtp, whole.len() as u64);
    assert_eq!(sink.report().flows, 0);
}
