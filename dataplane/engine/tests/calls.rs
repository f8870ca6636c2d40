//! Calls are set up, changed, watched and torn down.

mod common;

use std::time::Duration;

use common::{CALL, PEER_MAC, Relay, Side, keying, rtcp, rtp};
use port::{Medium, PortId};
use ringfence_engine::command::{
    Command, Event, LegId, LegSpec, LegStats, Mode, Protection, Refusal, RelayId, Reply,
};
use ringfence_engine::{Channel, DropReason, ReportCursor, Verdict};
use srtp::Suite;

const SHA1_80: Suite = Suite::AesCm128HmacSha1_80;

fn refusal(relay: &mut Relay, command: Command) -> Option<Refusal> {
    match relay.engine.execute(relay.now, command) {
        Reply::Refused(refusal) => Some(refusal),
        Reply::Done | Reply::Stats(_) => None,
    }
}

#[test]
fn commands_that_do_not_fit_change_nothing() {
    let (a, b) = (Side::new(0), Side::new(1));
    let mut relay = Relay::call([&a, &b]);
    let with = |change: fn(&mut LegSpec)| {
        let mut spec = Box::new(Side::new(0).spec);
        spec.local = "10.0.0.1:20000".parse().unwrap();
        change(&mut spec);
        spec
    };
    let open = |leg, relay, spec| Command::Open { leg: LegId(leg), relay: RelayId(relay), spec };
    let modify = |leg, spec| Command::Modify { leg: LegId(leg), spec };
    let cases = [
        (open(1, 2, with(|_| {})), Refusal::LegExists),
        (open(9, 1, with(|_| {})), Refusal::RelayFull),
        (open(9, 2, with(|s| s.local.set_port(16384))), Refusal::AddressInUse),
        (open(9, 2, with(|s| s.local.set_port(20001))), Refusal::BadAddress),
        (open(9, 2, with(|s| s.port = PortId(7))), Refusal::BadAddress),
        (open(9, 2, with(|s| s.remote = "[fd00::2]:5004".parse().ok())), Refusal::BadAddress),
        (open(9, 2, with(|s| s.remote = "10.0.0.2:0".parse().ok())), Refusal::BadAddress),
        (open(9, 2, with(|s| s.remote = "224.0.0.2:5004".parse().ok())), Refusal::BadAddress),
        (modify(1, with(|_| {})), Refusal::CannotMove),
        (modify(9, with(|_| {})), Refusal::UnknownLeg),
        (Command::Close { leg: LegId(9) }, Refusal::UnknownLeg),
        (Command::Query { leg: LegId(9) }, Refusal::UnknownLeg),
    ];
    for (command, expected) in cases {
        let what = format!("{command:?}");
        assert_eq!(refusal(&mut relay, command), Some(expected), "{what}");
        assert_eq!(relay.engine.leg_count(), 2);
    }
    assert_eq!(relay.send(&a, Channel::Rtp, &rtp(1)).0, Verdict::Forward(PortId(1)));
}

#[test]
fn a_failed_change_of_keys_leaves_the_old_ones() {
    let (mut a, b) = (Side::new(0).secured(SHA1_80, 10), Side::new(1));
    let mut relay = Relay::call([&a, &b]);
    let mut crypto = a.crypto().unwrap();
    a.spec.receive = Protection::Srtp(keying(SHA1_80, 70));
    a.spec.remote = Some("[fd00::2]:5004".parse().unwrap());
    let modify = Command::Modify { leg: a.leg, spec: Box::new(a.spec.clone()) };
    assert_eq!(refusal(&mut relay, modify), Some(Refusal::BadAddress));
    let sent = crypto.protect(Channel::Rtp, &rtp(1));
    assert_eq!(relay.send(&a, Channel::Rtp, &sent).0, Verdict::Forward(PortId(1)));
}

#[test]
fn closing_gives_the_statistics_and_frees_all() {
    let (a, b) = (Side::new(0).secured(SHA1_80, 10), Side::new(1));
    let mut relay = Relay::call([&a, &b]);
    let mut crypto = a.crypto().unwrap();
    for seq_no in [1, 2, 3, 6] {
        relay.send(&a, Channel::Rtp, &crypto.protect(Channel::Rtp, &rtp(seq_no)));
        relay.later(Duration::from_millis(20));
    }
    relay.send(&b, Channel::Rtp, &rtp(1));
    relay.send(&b, Channel::Rtcp, &rtcp());
    relay.send(&a, Channel::Rtp, &rtp(9));

    let reply = relay.engine.execute(relay.now, Command::Close { leg: a.leg });
    let Reply::Stats(stats) = reply else { panic!("{reply:?}") };
    let expected = LegStats {
        packets_received: 4,
        octets_received: 4 * 160,
        packets_lost: 2,
        packets_sent: 1,
        octets_sent: 160,
        rtcp_sent: 1,
        dropped: 1,
        jitter_us: stats.jitter_us,
        ..LegStats::default()
    };
    assert_eq!(stats, expected);

    let (verdict, _) = relay.send(&a, Channel::Rtp, &rtp(1));
    assert_eq!(verdict, Verdict::Drop(DropReason::UnknownPort));
    let (verdict, _) = relay.send(&b, Channel::Rtp, &rtp(2));
    assert_eq!(verdict, Verdict::Drop(DropReason::NoDestination));
    relay.open(CALL, &a);
    let sent = a.crypto().unwrap().protect(Channel::Rtp, &rtp(1));
    assert_eq!(relay.send(&a, Channel::Rtp, &sent).0, Verdict::Forward(PortId(1)));
}

#[test]
fn nothing_leaves_before_the_next_hop_is_known() {
    let (a, b) = (Side::new(0), Side::new(1));
    let mut relay = Relay::new(&[Medium::Ethernet, Medium::Ethernet]);
    for side in [&a, &b] {
        let spec = Box::new(side.spec.clone());
        relay.engine.execute(relay.now, Command::Open { leg: side.leg, relay: CALL, spec });
    }
    let wanted = |port: u8, side: &Side| Event::NextHopWanted(PortId(port), side.peer.ip());
    assert_eq!(relay.engine.poll_event(), Some(wanted(0, &a)));
    assert_eq!(relay.engine.poll_event(), Some(wanted(1, &b)));
    assert_eq!(relay.engine.poll_event(), None);

    let no_hop = Verdict::Drop(DropReason::NoNextHop);
    assert_eq!(relay.send(&a, Channel::Rtp, &rtp(1)).0, no_hop);
    assert_eq!(relay.engine.poll_event(), Some(Event::MediaStart(a.leg)));
    assert_eq!(relay.engine.poll_event(), None, "it was asked a moment ago");
    relay.later(Duration::from_secs(1));
    assert_eq!(relay.send(&a, Channel::Rtp, &rtp(2)).0, no_hop);
    assert_eq!(relay.engine.poll_event(), Some(wanted(1, &b)));
    assert_eq!(relay.stats(b.leg).packets_sent, 0);

    relay.engine.set_next_hop(PortId(1), b.peer.ip(), Some(PEER_MAC));
    assert_eq!(relay.send(&a, Channel::Rtp, &rtp(3)).0, Verdict::Forward(PortId(1)));
    relay.engine.set_next_hop(PortId(1), b.peer.ip(), None);
    assert_eq!(relay.send(&a, Channel::Rtp, &rtp(4)).0, no_hop);

    relay.engine.execute(relay.now, Command::Close { leg: b.leg });
    assert_eq!(relay.engine.poll_event(), Some(Event::NextHopUnwanted(PortId(1), b.peer.ip())));
}

#[test]
fn silence_is_reported_once_and_only_where_media_is_wanted() {
    let (mut a, mut b) = (Side::new(0), Side::new(1));
    a.spec.idle_after = Duration::from_secs(10);
    b.spec.idle_after = Duration::from_secs(10);
    b.spec.mode = Mode::SendOnly;
    let mut relay = Relay::call([&a, &b]);
    let events_after = |relay: &mut Relay, seconds: u64| {
        for _ in 0..seconds * 10 {
            relay.later(Duration::from_millis(100));
            relay.engine.handle_timeout(relay.now);
        }
        relay.resolve()
    };
    assert_eq!(events_after(&mut relay, 9), []);
    relay.send(&a, Channel::Rtp, &rtp(1));
    assert_eq!(events_after(&mut relay, 9), [Event::MediaStart(a.leg)]);
    assert_eq!(events_after(&mut relay, 2), [Event::Idle(a.leg)]);
    assert_eq!(events_after(&mut relay, 30), []);
    relay.send(&a, Channel::Rtp, &rtp(2));
    assert_eq!(events_after(&mut relay, 11), [Event::Idle(a.leg)]);
}

#[test]
fn reports_come_in_pages() {
    let mut relay = Relay::new(&[Medium::Ip]);
    for index in 0..10u64 {
        let mut side = Side::new(0).secured(SHA1_80, 10);
        side.leg = LegId(index);
        side.spec.local.set_port(16384 + 2 * index as u16);
        relay.open(RelayId(index), &side);
    }
    let mut legs = Vec::new();
    let mut from = Some(ReportCursor::default());
    let mut pages = 0;
    while let Some(cursor) = from {
        from = relay.engine.report(relay.now, cursor, 4, &mut legs);
        pages += 1;
    }
    assert_eq!(pages, 3);
    assert_eq!(legs.iter().map(|leg| leg.leg.0).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    assert!(legs.iter().all(|leg| leg.receive == Some(SHA1_80)));
}
