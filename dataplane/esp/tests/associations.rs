//! The life of associations: limits, successors, what they cover.

mod common;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use common::{Agreement, Pair, REQUEST, ip, keys, through, udp};
use proptest::prelude::*;
use ringfence_esp::{
    Action, Direction, DropReason, Event, Flow, Gap, Ipsec, Lifetime, LimitKind, Limits, Mode,
    Policy, RequestId, SaError, SaId, SaState, Selector, Suite, Uncovered, Verdict,
};

fn tunnel(suite: Suite) -> Agreement {
    Agreement::new(suite, Mode::Tunnel)
}

#[test]
fn limits_of_use_are_told_once_and_end_it() {
    let by_packets = |packets| Limits { packets: Some(packets), ..Limits::NONE };
    let by_octets = |octets| Limits { octets: Some(octets), ..Limits::NONE };
    // 28 octets of headers, 34 of payload, 2 of trailer are 64 for the cipher.
    for (soft, hard, limit) in [
        (by_packets(3), by_packets(5), LimitKind::Packets),
        (by_octets(3 * 64), by_octets(5 * 64), LimitKind::Octets),
    ] {
        let lifetime = Lifetime { soft, hard };
        let mut pair = Pair::with(tunnel(Suite::AesGcm128), |spec| spec.lifetime = lifetime);
        for number in 1..=5 {
            let sealed = pair.sealed(0, &[0; 34]);
            assert_eq!(pair.open(1, &sealed).0, Verdict::Protected(pair.back[1]));
            for (end, sa) in [(0, pair.out[0]), (1, pair.back[1])] {
                let told = pair.events(end);
                match number {
                    3 => assert_eq!(told, [Event::SoftLimit { sa, limit }]),
                    5 => assert_eq!(told, [Event::HardLimit { sa, limit }]),
                    _ => assert_eq!(told, []),
                }
            }
        }
        let packet = pair.agreement.datagram(0, &[0; 34]);
        assert_eq!(pair.seal(0, &packet).0, Verdict::Drop(DropReason::NoSa));
        assert_eq!(pair.ends[0].sa(pair.out[0]).unwrap().state, SaState::Expired);
    }
}

#[test]
fn limits_of_time_are_reached_without_packets_and_by_packets_alone() {
    let seconds = |time| Limits { time: Some(Duration::from_secs(time)), ..Limits::NONE };
    let lifetime = Lifetime { soft: seconds(60), hard: seconds(90) };
    let mut pair = Pair::with(tunnel(Suite::AesGcm128), |spec| spec.lifetime = lifetime);
    let start = pair.now;
    let limit = LimitKind::Time;
    assert_eq!(pair.ends[0].poll_timeout(), Some(start + Duration::from_secs(60)));
    pair.pass(Duration::from_secs(60));
    assert_eq!(pair.events(0).len(), 2, "one for each direction");
    assert_eq!(pair.ends[0].poll_timeout(), Some(start + Duration::from_secs(90)));
    let sealed = pair.sealed(0, b"in time");
    // Nobody calls handle_timeout: the packet itself is late.
    pair.now += Duration::from_secs(30);
    assert_eq!(pair.open(1, &sealed).0, Verdict::Drop(DropReason::Expired));
    let told = pair.events(1);
    assert!(told.contains(&Event::HardLimit { sa: pair.back[1], limit }), "{told:?}");
    pair.pass(Duration::ZERO);
    assert_eq!(pair.ends[0].poll_timeout(), None);
}

#[test]
fn an_association_is_asked_for_while_packets_want_one() {
    let mut pair = Pair::new(tunnel(Suite::AesGcm128));
    pair.ends[0].remove_sa(pair.out[0]).unwrap();
    let packet = pair.agreement.datagram(0, b"x");
    for _ in 0..3 {
        assert_eq!(pair.seal(0, &packet).0, Verdict::Drop(DropReason::NoSa));
        pair.now += Duration::from_millis(400);
    }
    assert_eq!(pair.seal(0, &packet).0, Verdict::Drop(DropReason::NoSa));
    let [a, b] = pair.agreement.hosts;
    let flow = Flow::udp((a, 2427), (b, 2427));
    assert_eq!(pair.events(0), [Event::Acquire { request: REQUEST, flow }; 2]);
}

#[test]
fn a_silent_association_in_udp_asks_for_keepalives() {
    let agreement = Agreement { encapsulation: true, ..tunnel(Suite::AesGcm128) };
    let pause = Duration::from_secs(20);
    let mut pair = Pair::with(agreement, |spec| spec.keepalive = Some(pause));
    pair.pass(Duration::from_secs(19));
    assert_eq!(pair.events(0), []);
    pair.sealed(0, b"still here");
    pair.pass(Duration::from_secs(19));
    assert_eq!(pair.events(0), []);
    for _ in 0..2 {
        let due = pair.ends[0].poll_timeout().unwrap();
        pair.pass(due - pair.now);
        assert_eq!(pair.events(0), [Event::Keepalive { sa: pair.out[0] }]);
        pair.pass(pause - Duration::from_secs(1));
        assert_eq!(pair.events(0), []);
    }
}

#[test]
fn what_cannot_be_agreed_is_refused() {
    let agreement = tunnel(Suite::AesGcm128);
    let mut pair = Pair::new(agreement.clone());
    let now = pair.now;
    let mut add = |change: &dyn Fn(&mut ringfence_esp::SaSpec)| {
        let mut spec = agreement.spec(0, 0, 2);
        change(&mut spec);
        pair.ends[0].add_sa(now, spec).unwrap_err()
    };
    assert_eq!(add(&|spec| spec.spi = 255), SaError::ReservedSpi(255));
    assert_eq!(add(&|spec| spec.spi = 0x1002), SaError::Exists(0x1002));
    assert_eq!(add(&|spec| spec.destination = ip("fd00::1")), SaError::Families);
    assert_eq!(add(&|spec| spec.window = 63), SaError::Window(63));
    assert_eq!(add(&|spec| spec.window = 4097), SaError::Window(4097));
    assert_eq!(add(&|spec| spec.mtu = 575), SaError::Mtu(575));
    // Two counters under one GCM key would meet.
    assert_eq!(add(&|spec| spec.keys = keys(Suite::AesGcm128, 2)), SaError::KeyInUse);

    let mut full = Ipsec::new(ringfence_esp::Config { max_sas: 1 });
    let first = full.add_sa(now, agreement.spec(0, 0, 1)).unwrap();
    assert_eq!(full.add_sa(now, agreement.spec(0, 1, 1)).unwrap_err(), SaError::Full(1));
    full.remove_sa(first).unwrap();
    assert_eq!(full.remove_sa(first).unwrap_err(), SaError::NoSa);
    let second = full.add_sa(now, agreement.spec(0, 1, 1)).unwrap();
    assert_ne!(first, second, "a handle never names another association");
    assert_eq!(full.sa(first), None);
}

// R: MGCP-04
#[test]
fn a_path_is_covered_while_both_directions_have_a_live_cipher() {
    let mut pair = Pair::new(tunnel(Suite::AesGcm128));
    let [a, b] = pair.agreement.hosts;
    let mgcp = Flow::udp((a, 2427), (b, 2427));
    let cover = pair.ends[0].covers(pair.now, &mgcp).unwrap();
    assert_eq!((cover.outbound.sa, cover.inbound.sa), (pair.out[0], pair.back[0]));
    assert_eq!(cover.outbound.last_used, None);
    pair.sealed(0, b"RSIP");
    let cover = pair.ends[0].covers(pair.now, &mgcp).unwrap();
    assert_eq!(cover.outbound.last_used, Some(pair.now));

    let not = |direction, why| Err(Uncovered { direction, why });
    let (outbound, inbound) = (Direction::Outbound, Direction::Inbound);
    let elsewhere = Flow::udp((a, 2427), (ip("10.9.9.9"), 2427));
    assert_eq!(pair.ends[0].covers(pair.now, &elsewhere), not(outbound, Gap::NoPolicy));

    // Policies of one direction only.
    let between = Selector::between(a, b);
    let protect = Policy::new(between.clone(), Action::Protect(REQUEST));
    let rule = |direction, action| Policy {
        direction: Some(direction),
        ..Policy::new(between.clone(), action)
    };
    for (action, why) in [(Action::Bypass, Gap::Bypass), (Action::Discard, Gap::Discard)] {
        pair.ends[0].set_policies(vec![rule(inbound, action), protect.clone()]);
        assert_eq!(pair.ends[0].covers(pair.now, &mgcp), not(inbound, why));
        pair.ends[0].set_policies(vec![rule(outbound, action), protect.clone()]);
        assert_eq!(pair.ends[0].covers(pair.now, &mgcp), not(outbound, why));
    }
    // A policy that wants other associations than there are.
    let other = Policy::new(between.clone(), Action::Protect(RequestId(8)));
    pair.ends[0].set_policies(vec![other]);
    assert_eq!(pair.ends[0].covers(pair.now, &mgcp), not(outbound, Gap::NoSa));

    pair.ends[0].set_policies(vec![protect]);
    assert!(pair.ends[0].covers(pair.now, &mgcp).is_ok());
    let later = pair.now + Duration::from_secs(3960);
    assert_eq!(pair.ends[0].covers(later, &mgcp), not(outbound, Gap::Expired));
    pair.ends[0].remove_sa(pair.back[0]).unwrap();
    assert_eq!(pair.ends[0].covers(pair.now, &mgcp), not(inbound, Gap::NoSa));

    let mut readable = Pair::new(tunnel(Suite::NullSha256));
    assert_eq!(readable.ends[0].covers(readable.now, &mgcp), not(outbound, Gap::NullCipher));
    readable.sealed(0, b"not covered, and carried");
}

#[test]
fn an_association_for_some_ports_does_not_cover_others() {
    let agreement = tunnel(Suite::AesGcm128);
    let mgcp = |end: usize| agreement.selector(end).protocol(17).ports(2427..=2427, 2427..=2427);
    let pair = Pair::with(agreement.clone(), |spec| {
        let end = usize::from(spec.direction == Direction::Inbound);
        let from = if spec.source == agreement.ends[0] { 0 } else { 1 };
        spec.selectors = vec![mgcp(end ^ from)];
    });
    let [a, b] = agreement.hosts;
    let end = &pair.ends[0];
    assert!(end.covers(pair.now, &Flow::udp((a, 2427), (b, 2427))).is_ok());
    for other in [Flow::udp((a, 2427), (b, 2727)), Flow::tcp((a, 40000), (b, 2428))] {
        assert_eq!(end.covers(pair.now, &other).unwrap_err().why, Gap::NoSa);
    }
}

/// Packets on their way from one end to the other, with a delay.
#[derive(Default)]
struct Wire(VecDeque<(Instant, Vec<u8>)>);

/// Both ends, a wire with delay, and successors every so often.
struct Line {
    pair: Pair,
    wires: [Wire; 2],
    generation: u8,
    /// Associations that are to be deleted, when and where.
    leaving: Vec<(Instant, usize, SaId)>,
    received: [u32; 2],
}

const DELAY: Duration = Duration::from_millis(40);

impl Line {
    fn new(agreement: Agreement) -> Self {
        let pair = Pair::new(agreement);
        let wires = [Wire::default(), Wire::default()];
        Self { pair, wires, generation: 1, leaving: Vec::new(), received: [0; 2] }
    }

    /// Make before break: both ends first open what comes under the new ones, then seal under them,
    /// and keep opening under the old ones for a while.
    fn rekey(&mut self) {
        self.generation += 1;
        let (agreement, now, generation) =
            (self.pair.agreement.clone(), self.pair.now, self.generation);
        let mut add = |end: usize, from: usize| {
            self.pair.ends[end].add_sa(now, agreement.spec(end, from, generation)).unwrap()
        };
        let (back, out) = ([add(0, 1), add(1, 0)], [add(0, 0), add(1, 1)]);
        for end in [0, 1] {
            let (old_out, old_back) = (self.pair.out[end], self.pair.back[end]);
            self.leaving.push((now, end, old_out));
            self.leaving.push((now + 3 * DELAY, end, old_back));
        }
        (self.pair.out, self.pair.back) = (out, back);
    }

    fn tick(&mut self, step: Duration) {
        self.pair.pass(step);
        let now = self.pair.now;
        for (_, end, sa) in self.leaving.extract_if(.., |(due, ..)| *due <= now) {
            self.pair.ends[end].remove_sa(sa).unwrap();
        }
        for to in [0, 1] {
            while self.wires[to].0.front().is_some_and(|(due, _)| *due <= now) {
                let (_, packet) = self.wires[to].0.pop_front().unwrap();
                let (verdict, _) = self.pair.open(to, &packet);
                assert!(matches!(verdict, Verdict::Protected(_)), "{verdict:?}");
                self.received[to] += 1;
            }
        }
    }

    fn send(&mut self, from: usize) {
        let packet = self.pair.sealed(from, b"NTFY 1 *@gw1 MGCP 0.1\r\n");
        self.wires[1 - from].0.push_back((self.pair.now + DELAY, packet));
    }
}

#[test]
fn successors_take_over_without_a_lost_packet() {
    for suite in Suite::ALL {
        let mut line = Line::new(tunnel(suite));
        let mut sent = 0;
        for tick in 1..=400 {
            line.tick(Duration::from_millis(10));
            line.send(0);
            line.send(1);
            sent += 1;
            if tick % 50 == 0 {
                line.rekey();
            }
        }
        for _ in 0..20 {
            line.tick(Duration::from_millis(10));
        }
        assert_eq!(line.received, [sent, sent]);
        assert_eq!(line.pair.ends[0].sas().count(), 2);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whenever successors come and however long packets take.
    #[test]
    fn successors_take_over_whenever(steps in proptest::collection::vec((1u64..60, 0u8..12), 1..200)) {
        let mut line = Line::new(tunnel(Suite::AesGcm128));
        let mut sent = [0; 2];
        for (millis, what) in steps {
            line.tick(Duration::from_millis(millis));
            match what {
                0 if line.generation < 100 => line.rekey(),
                1..6 => { line.send(0); sent[1] += 1; }
                _ => { line.send(1); sent[0] += 1; }
            }
        }
        line.tick(DELAY);
        prop_assert_eq!(line.received, sent);
    }
}

#[test]
fn a_packet_of_a_deleted_association_finds_none() {
    let mut pair = Pair::new(tunnel(Suite::AesGcm128));
    let sealed = pair.sealed(0, b"x");
    let report = pair.ends[1].remove_sa(pair.back[1]).unwrap();
    assert_eq!(report.stats.packets, 0);
    assert_eq!(pair.open(1, &sealed).0, Verdict::Drop(DropReason::NoSa));
}

// R: MGCP-05
#[test]
fn what_protection_costs_is_counted() {
    let mut pair = Pair::new(tunnel(Suite::AesGcm128));
    for number in 0..10u64 {
        let sealed = pair.sealed(0, &[0; 34]);
        if number % 2 == 0 {
            pair.open(1, &sealed);
            pair.open(1, &sealed);
        }
    }
    let sent = pair.ends[0].sa(pair.out[0]).unwrap().stats;
    // Headers of IP and UDP; outer IP, ESP and its vector, trailer, ICV.
    assert_eq!((sent.packets, sent.clear_octets), (10, 10 * 62));
    assert_eq!(sent.wire_octets, 10 * (62 + 20 + 16 + 2 + 16));
    let received = pair.ends[1].sa(pair.back[1]).unwrap().stats;
    assert_eq!((received.packets, received.clear_octets), (5, 5 * 62));
    assert_eq!(received.wire_octets, sent.wire_octets / 2);
    assert_eq!((received.drops.of(DropReason::Replayed), received.drops.total()), (5, 5));
}

/// The first policy counts, so bypassing IKE comes before protecting everything.
#[test]
fn the_first_policy_counts() {
    let agreement = Agreement::new(Suite::AesGcm128, Mode::Transport);
    let mut pair = Pair::new(agreement.clone());
    let [a, b] = agreement.ends;
    let everything = Selector::between(a, b);
    let ike = everything.clone().protocol(17).ports(500..=500, 500..=500);
    pair.ends[0].set_policies(vec![
        Policy::new(ike, Action::Bypass),
        Policy::new(everything, Action::Protect(REQUEST)),
    ]);
    let now = pair.now;
    let mut leaves = |port| {
        let packet = udp((a, port), (b, port), b"x");
        through(&packet, |packets| pair.ends[0].outbound(now, packets)).0
    };
    assert_eq!(leaves(500), Verdict::Bypass);
    assert_eq!(leaves(501), Verdict::Protected(pair.out[0]));
}
