//! Orders of an IKE daemon: as octets, and what they do.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use esp::{
    Action, Config, Direction, DropReason, Flow, Gap, HEADROOM, Ipsec, Packet, Policy, RequestId,
    Selector, Suite, TAILROOM, Verdict,
};
use proptest::prelude::*;
use ringfence_keying::feed::{
    Answer, Feed, FrameReader, MAX_FRAME, Notice, Order, PolicyRecord, Refusal, SaRecord, Secret,
    Side, VERSION, Word,
};
use ringfence_keying::xfrm::StateKey;

const OURS: &str = "10.2.0.1";
const AGENT: &str = "10.1.0.1";
const OUR_END: &str = "192.0.2.2";
const THEIR_END: &str = "192.0.2.1";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn mgcp() -> Flow {
    Flow::udp((ip(OURS), 2427), (ip(AGENT), 2727))
}

fn side(address: &str) -> Side {
    Side { first: ip(address), last: ip(address), protocol: 17, ports: (0, u16::MAX) }
}

/// An association that travels in UDP, with a key of this octet.
fn record(direction: Direction, spi: u32, key: u8) -> SaRecord {
    let inbound = direction == Direction::Inbound;
    let way = |inbound_way, outbound_way| if inbound { inbound_way } else { outbound_way };
    SaRecord {
        key: StateKey { spi, destination: ip(way(OUR_END, THEIR_END)) },
        source: ip(way(THEIR_END, OUR_END)),
        direction,
        tunnel: true,
        request: 1,
        sources: vec![side(way(AGENT, OURS))],
        destinations: vec![side(way(OURS, AGENT))],
        cipher: 20,
        cipher_key: Secret::new(&[key; 20]),
        integrity: 1024,
        integrity_key: Secret::default(),
        extended: false,
        window: 32,
        padding: 0,
        ports: Some((4500, 4500)),
        soft: [3000, 0, 0],
        hard: [3600, 0, 0],
        copy_df: true,
        copy_ecn: true,
        copy_dscp: true,
    }
}

fn policy(direction: Direction) -> PolicyRecord {
    let (source, destination) = match direction {
        Direction::Inbound => (side(AGENT), side(OURS)),
        Direction::Outbound => (side(OURS), side(AGENT)),
    };
    PolicyRecord { direction, source, destination, request: 1, priority: 1 }
}

/// A feed with the rule that MGCP goes protected or not at all.
fn begin() -> (Feed, Ipsec) {
    let mut ipsec = Ipsec::new(Config { max_sas: 16 });
    let own = Policy::new(Selector::between(ip(OURS), ip(AGENT)), Action::Protect(RequestId(99)));
    let mut feed = Feed::new(vec![own], &mut ipsec);
    let hello = feed.apply(Instant::now(), Order::Hello(VERSION), &mut ipsec, [0; 16]);
    assert_eq!(hello, Ok(Answer::Done));
    (feed, ipsec)
}

fn do_all(now: Instant, feed: &mut Feed, ipsec: &mut Ipsec, orders: Vec<Order>) {
    for (number, order) in orders.into_iter().enumerate() {
        let text = format!("{order:?}");
        let done = feed.apply(now, order, ipsec, [number as u8; 16]);
        assert_eq!(done, Ok(Answer::Done), "{text}");
    }
}

fn add(direction: Direction, spi: u32, key: u8) -> Order {
    Order::AddSa(Box::new(record(direction, spi, key)))
}

// R: MGCP-04, MGCP-05
#[test]
fn what_is_negotiated_covers_until_the_daemon_is_gone() {
    let now = Instant::now();
    let (mut feed, mut ipsec) = begin();
    assert_eq!(ipsec.covers(now, &mgcp()).unwrap_err().why, Gap::NoSa);
    do_all(
        now,
        &mut feed,
        &mut ipsec,
        vec![
            add(Direction::Inbound, 0xc000_0001, 1),
            add(Direction::Outbound, 0xc000_0002, 2),
            Order::AddPolicy(policy(Direction::Inbound)),
            Order::AddPolicy(policy(Direction::Outbound)),
        ],
    );
    let cover = ipsec.covers(now, &mgcp()).unwrap();
    assert_eq!((cover.outbound.spi, cover.outbound.suite), (0xc000_0002, Suite::AesGcm128));

    // A successor: inbound first; the old ones go with their policies, the new ones' stay.
    do_all(
        now,
        &mut feed,
        &mut ipsec,
        vec![
            add(Direction::Inbound, 0xc000_0003, 3),
            Order::AddPolicy(policy(Direction::Inbound)),
            add(Direction::Outbound, 0xc000_0004, 4),
            Order::AddPolicy(policy(Direction::Outbound)),
            Order::RemovePolicy(policy(Direction::Outbound)),
            Order::RemovePolicy(policy(Direction::Inbound)),
            Order::RemoveSa(StateKey { spi: 0xc000_0002, destination: ip(THEIR_END) }),
            Order::RemoveSa(StateKey { spi: 0xc000_0001, destination: ip(OUR_END) }),
        ],
    );
    let cover = ipsec.covers(now, &mgcp()).unwrap();
    assert_eq!((cover.outbound.spi, cover.inbound.spi), (0xc000_0004, 0xc000_0003));

    feed.clear(&mut ipsec);
    assert_eq!(ipsec.sas().count(), 0);
    // Not in clear now, but not at all.
    assert_eq!(ipsec.covers(now, &mgcp()).unwrap_err().why, Gap::NoSa);
}

#[test]
fn the_daemon_hears_of_limits_and_of_packets_that_want_an_association() {
    let start = Instant::now();
    let (mut feed, mut ipsec) = begin();
    let key = StateKey { spi: 0xc000_0001, destination: ip(OUR_END) };
    let orders =
        vec![add(Direction::Inbound, key.spi, 1), Order::AddPolicy(policy(Direction::Outbound))];
    do_all(start, &mut feed, &mut ipsec, orders);
    let heard = |feed: &Feed, ipsec: &mut Ipsec, seconds| {
        ipsec.handle_timeout(start + Duration::from_secs(seconds));
        let events: Vec<_> = std::iter::from_fn(|| ipsec.poll_event()).collect();
        events.iter().filter_map(|event| feed.notice(event, ipsec)).collect::<Vec<_>>()
    };
    assert_eq!(heard(&feed, &mut ipsec, 2999), []);
    assert_eq!(heard(&feed, &mut ipsec, 3000), [Notice::Expired { key, hard: false }]);
    assert_eq!(heard(&feed, &mut ipsec, 3600), [Notice::Expired { key, hard: true }]);

    let mut buffer = vec![0; HEADROOM + 28 + TAILROOM];
    let datagram = wire::datagram::Datagram {
        source: SocketAddr::new(ip(OURS), 2427),
        destination: SocketAddr::new(ip(AGENT), 2727),
        traffic_class: 0,
        hops: 64,
        checksum: 0,
        payload_at: 0,
        payload_len: 0,
    };
    let range = HEADROOM..HEADROOM + 28;
    datagram.emit_ip(&mut buffer[range.clone()], wire::datagram::ChecksumRule::Compute);
    let mut packets = [Packet::new(&mut buffer, range)];
    ipsec.outbound(start, &mut packets);
    assert_eq!(packets[0].verdict, Verdict::Drop(DropReason::NoSa));
    assert_eq!(heard(&feed, &mut ipsec, 3600), [Notice::Acquire { request: 1 }]);
    feed.clear(&mut ipsec);
    // Our own rule is nobody's business.
    ipsec.outbound(start + Duration::from_secs(2), &mut packets);
    assert_eq!(heard(&feed, &mut ipsec, 3600), []);
}

#[test]
fn the_peers_end_moves_and_ours_does_not() {
    let now = Instant::now();
    let (mut feed, mut ipsec) = begin();
    let key = StateKey { spi: 0xc000_0002, destination: ip(THEIR_END) };
    do_all(now, &mut feed, &mut ipsec, vec![add(Direction::Outbound, key.spi, 2)]);
    let order = |source: &str, ports| Order::MoveSa {
        key,
        source: ip(source),
        destination: ip("198.51.100.7"),
        ports,
    };
    for (source, ports) in [("192.0.2.9", Some((4500, 4500))), (OUR_END, None)] {
        let refused = feed.apply(now, order(source, ports), &mut ipsec, [0; 16]);
        assert_eq!(refused.map_err(|refusal| refusal.answer()), Err(Answer::Unsupported));
    }
    do_all(now, &mut feed, &mut ipsec, vec![order(OUR_END, Some((4500, 61000)))]);
    let moved = ipsec.sas().next().unwrap();
    assert_eq!(moved.destination, ip("198.51.100.7"));
    assert_eq!(moved.encapsulation.map(|ports| ports.remote_port), Some(61000));
    let new = StateKey { destination: ip("198.51.100.7"), ..key };
    let usage = feed.apply(now, Order::QuerySa(new), &mut ipsec, [0; 16]);
    assert_eq!(usage, Ok(Answer::Usage { octets: 0, packets: 0, idle: None }));
    let old = feed.apply(now, Order::RemoveSa(key), &mut ipsec, [0; 16]);
    assert_eq!(old, Err(Refusal::NotFound(key)));
}

#[test]
fn nonsense_is_refused_with_its_reason() {
    let now = Instant::now();
    let (mut feed, mut ipsec) = begin();
    let good = || record(Direction::Inbound, 0xc000_0001, 1);
    let mut refusal = |change: &dyn Fn(&mut SaRecord)| {
        let mut record = good();
        change(&mut record);
        feed.apply(now, Order::AddSa(Box::new(record)), &mut ipsec, [0; 16]).unwrap_err()
    };
    assert!(matches!(refusal(&|sa| sa.cipher = 3), Refusal::Suite { cipher: 3, .. }));
    let short = |sa: &mut SaRecord| sa.cipher_key = Secret::new(&[1; 19]);
    assert!(matches!(refusal(&short), Refusal::Suite { len: 19, .. }));
    let extra = |sa: &mut SaRecord| sa.integrity_key = Secret::new(&[1; 20]);
    assert!(matches!(refusal(&extra), Refusal::Keys(_)));
    assert!(matches!(refusal(&|sa| sa.key.spi = 7), Refusal::Sa(_)));
    assert_eq!(refusal(&|sa| sa.sources[0].ports = (9, 2)), Refusal::Traffic);
    assert_eq!(refusal(&|sa| sa.sources[0].last = ip("::1")), Refusal::Traffic);
    assert_eq!(ipsec.sas().count(), 0);
    let hello = feed.apply(now, Order::Hello(VERSION + 1), &mut ipsec, [0; 16]);
    assert_eq!(hello, Err(Refusal::Version(VERSION + 1)));
    assert!(!format!("{:?}", good()).contains("[1, 1"), "keys are printed");
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)]
}

fn key() -> impl Strategy<Value = StateKey> {
    (any::<u32>(), address()).prop_map(|(spi, destination)| StateKey { spi, destination })
}

fn sides() -> impl Strategy<Value = Side> {
    (address(), address(), any::<u8>(), any::<(u16, u16)>())
        .prop_map(|(first, last, protocol, ports)| Side { first, last, protocol, ports })
}

fn direction() -> impl Strategy<Value = Direction> {
    any::<bool>().prop_map(|inbound| if inbound { Direction::Inbound } else { Direction::Outbound })
}

prop_compose! {
    fn sa()(
        key in key(), source in address(), direction in direction(),
        sources in prop::collection::vec(sides(), 0..4),
        destinations in prop::collection::vec(sides(), 0..4),
        keys in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 2),
        (cipher, integrity, request, window, padding) in any::<(u16, u16, u32, u32, u32)>(),
        ports in any::<Option<(u16, u16)>>(),
        (soft, hard) in any::<([u64; 3], [u64; 3])>(),
        flags in any::<[bool; 5]>(),
    ) -> Order {
        let [tunnel, extended, copy_df, copy_ecn, copy_dscp] = flags;
        let (cipher_key, integrity_key) = (Secret::new(&keys[0]), Secret::new(&keys[1]));
        Order::AddSa(Box::new(SaRecord {
            key, source, direction, tunnel, request, sources, destinations, cipher, cipher_key,
            integrity, integrity_key, extended, window, padding, ports, soft, hard, copy_df,
            copy_ecn, copy_dscp,
        }))
    }
}

fn order() -> impl Strategy<Value = Order> {
    let policy = || {
        (direction(), sides(), sides(), any::<(u32, u32)>()).prop_map(
            |(direction, source, destination, (request, priority))| PolicyRecord {
                direction,
                source,
                destination,
                request,
                priority,
            },
        )
    };
    prop_oneof![
        sa(),
        any::<u16>().prop_map(Order::Hello),
        (key(), address(), address(), any::<Option<(u16, u16)>>()).prop_map(
            |(key, source, destination, ports)| Order::MoveSa { key, source, destination, ports }
        ),
        key().prop_map(Order::QuerySa),
        key().prop_map(Order::RemoveSa),
        policy().prop_map(Order::AddPolicy),
        policy().prop_map(Order::RemovePolicy),
        Just(Order::RemoveSas),
        Just(Order::RemovePolicies),
    ]
}

fn word() -> impl Strategy<Value = Word> {
    prop_oneof![
        Just(Word::Answer(Answer::Done)),
        Just(Word::Answer(Answer::Refused)),
        Just(Word::Answer(Answer::NotFound)),
        Just(Word::Answer(Answer::Unsupported)),
        any::<(u64, u64, Option<u64>)>().prop_map(|(octets, packets, idle)| {
            Word::Answer(Answer::Usage { octets, packets, idle })
        }),
        (key(), any::<bool>()).prop_map(|(key, hard)| Word::Notice(Notice::Expired { key, hard })),
        any::<u32>().prop_map(|request| Word::Notice(Notice::Acquire { request })),
        (key(), address(), any::<u16>()).prop_map(|(key, address, port)| {
            Word::Notice(Notice::Moved { key, to: SocketAddr::new(address, port) })
        }),
    ]
}

proptest! {
    #[test]
    fn orders_and_words_come_as_they_were_said(
        orders in prop::collection::vec(order(), 0..5),
        words in prop::collection::vec(word(), 0..5),
        step in 1usize..90,
    ) {
        let stream: Vec<u8> = orders.iter().flat_map(|order| order.to_frame().to_vec()).collect();
        let (mut reader, mut heard) = (FrameReader::default(), Vec::new());
        for piece in stream.chunks(step) {
            reader.push(piece);
            while let Some(order) = reader.next_order().unwrap() {
                heard.push(order);
            }
        }
        prop_assert_eq!(heard, orders);
        let stream: Vec<u8> = words.iter().flat_map(|word| word.to_frame().to_vec()).collect();
        let mut reader = FrameReader::default();
        reader.push(&stream);
        let heard: Vec<_> = std::iter::from_fn(|| reader.next_word().unwrap()).collect();
        prop_assert_eq!(heard, words);
    }
}

#[test]
fn frames_that_mean_nothing_end_the_line() {
    let long = (MAX_FRAME as u32 + 1).to_be_bytes().to_vec();
    let cut = {
        let mut frame = add(Direction::Inbound, 0xc000_0001, 1).to_frame().to_vec();
        frame.pop();
        let len = frame.len() as u32 - 4;
        frame[..4].copy_from_slice(&len.to_be_bytes());
        frame
    };
    let unknown = vec![0, 0, 0, 1, 0x3f];
    let longer = vec![0, 0, 0, 2, 5, 0];
    for frame in [long, cut, unknown, longer, vec![0; 4]] {
        let mut reader = FrameReader::default();
        reader.push(&frame);
        assert!(reader.next_order().is_err(), "{frame:?}");
    }
}
