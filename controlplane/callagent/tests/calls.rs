//! Streams from the order to the statistics, over networks good and bad.

mod site;

use std::collections::HashSet;

use callmanager::switchboard::{LinkId, RelayOrder, RelayRefused, RelayedBy};
use engine::command::Event;
use messages::testing::Provoked;
use ringfence_callagent::{RelayAlarm, Report};
use site::*;

const SUITE: &str = "AES_CM_128_HMAC_SHA1_32";

// R: MED-02, MED-04, GEN-09
#[test]
fn a_stream_is_opened_encrypted_on_both_sides_and_counted_when_it_ends() {
    let mut site = Site::in_service(1);
    site.relays[0].received = |_| 50;
    let before = site.sent.len();
    let link = site.open(true);
    site.pass(10 * MS);
    let Some(Ok(RelayedBy { relay, addresses: [inside, outside] })) = site.result(link) else {
        panic!("{:?}", site.reports)
    };
    assert_eq!(&*relay, "relay1");
    assert_eq!(
        (inside.ip().to_string(), outside.ip().to_string()),
        ("10.1.0.1".into(), "192.0.2.1".into())
    );
    assert_eq!(site.sent.len() - before, 4, "two commands and their answers");

    let snapshot = site.relays[0].gateway.snapshot();
    let [a, b] = &snapshot.connections[..] else { panic!("{snapshot:?}") };
    assert_eq!((a.endpoint.as_str(), &a.endpoint), ("pr/1", &b.endpoint));
    assert_eq!((a.local, b.local), (inside, outside));
    assert_eq!(a.remote, Some("10.1.0.1:20000".parse().unwrap()));
    assert!([a.receive, a.send, b.receive, b.send].iter().all(|suite| *suite == Some(SUITE)));
    assert_eq!(snapshot.keys, 4, "each way in each direction has one of its own");

    site.close(link);
    site.pass(10 * MS);
    let [Report::Closed { call, relay, ends: [Some(first), Some(second)] }] = &site.reports[..]
    else {
        panic!("{:?}", site.reports)
    };
    assert_eq!((call.0, relay.as_str()), (1001, "relay1"));
    assert_eq!((first.stream.0, second.stream.0), (2, 3));
    assert_eq!((first.packets_received, second.packets_received), (50, 50));
    site.assert_clean();
    let counters = site.agent.counters();
    assert_eq!((counters.opened, counters.refused, counters.failed_over), (1, 0, 0));
}

// R: MED-01
#[test]
fn a_plain_stream_is_plain_on_both_sides_and_music_flows_one_way() {
    let mut site = Site::in_service(1);
    let mut link = site.link(false);
    (link.ends[0].sends, link.ends[1].receives) = (false, false);
    let name = link.link;
    site.order(RelayOrder::Open(link));
    site.pass(10 * MS);
    assert!(matches!(site.result(name), Some(Ok(_))));
    let snapshot = site.relays[0].gateway.snapshot();
    let modes: Vec<_> = snapshot.connections.iter().map(|c| c.mode.as_str()).collect();
    assert_eq!(modes, ["sendonly", "recvonly"]);
    assert!(snapshot.connections.iter().all(|c| (c.receive, c.send) == (None, None)));
    site.close(name);
    site.pass(10 * MS);
    site.assert_clean();
}

// R: MED-03
#[test]
fn keys_are_in_session_descriptions_and_nowhere_else() {
    let mut site = Site::in_service(1);
    let link = site.link(true);
    let shown = format!("{link:?}");
    let name = link.link;
    site.order(RelayOrder::Open(link));
    let key = site.sent.last().unwrap().split("inline:").nth(1).unwrap()[..40].to_owned();
    site.pass(10 * MS);
    site.close(name);
    site.pass(10 * MS);
    assert!(shown.contains("MasterKey(…)") && !shown.contains(&key));
    let reported = format!("{:?} {:?}", site.reports, site.agent.relays());
    assert!(!reported.contains(&key) && !reported.contains("inline"));
    // With the order the agent's copies are gone; the devices' would be theirs.
    site.assert_clean();
}

#[test]
fn many_streams_at_once_are_spread_over_the_relays() {
    let mut site = Site::in_service(3);
    let links: Vec<_> = (0..300).map(|_| site.open(true)).collect();
    site.pass(SECOND);
    for link in &links {
        assert!(matches!(site.result(*link), Some(Ok(_))));
    }
    let streams: Vec<_> = site.agent.relays().iter().map(|relay| relay.streams).collect();
    assert_eq!(streams, [100, 100, 100]);
    links.into_iter().for_each(|link| site.close(link));
    site.pass(SECOND);
    assert_eq!(site.reports.len(), 300);
    site.assert_clean();
}

#[test]
fn what_is_closed_before_it_is_open_leaves_nothing_behind() {
    for wait in 0..8 {
        let mut site = Site::in_service(1);
        let link = site.open(true);
        site.pass(wait * LATENCY / 2);
        site.close(link);
        site.pass(SECOND);
        site.assert_clean();
        let opened = site.result(link);
        assert_eq!(opened.is_some(), wait >= 8, "{opened:?} after {wait}");
        // The name can be used again at once.
        let again = site.link(false);
        site.order(RelayOrder::Open(callmanager::switchboard::RelayedLink { link, ..again }));
        site.close(link);
        site.pass(SECOND);
        site.assert_clean();
    }
}

#[test]
fn a_bad_network_delays_streams_and_leaves_none_behind() {
    for seed in 0..10 {
        let mut site = Site::with(3, seed);
        site.pass(2 * SECOND);
        site.faults = Faults { lost: 20, doubled: 10, jitter: 50 * MS };
        let mut open: Vec<LinkId> = Vec::new();
        let mut answered = HashSet::new();
        for round in 0..60u64 {
            open.push(site.open(round % 3 != 0));
            if (seed + round) % 4 == 0 {
                let at = (seed * 7 + round) as usize % open.len();
                let link = open.swap_remove(at);
                site.close(link);
            }
            site.pass(70 * MS);
            for link in site.lost() {
                open.retain(|other| *other != link);
            }
        }
        site.pass(10 * SECOND);
        for report in &site.reports {
            if let Report::Opened { link, .. } = report {
                assert!(answered.insert(*link), "{link} was answered twice");
            }
        }
        assert!(open.iter().all(|link| answered.contains(link)), "each order is answered");
        open.into_iter().for_each(|link| site.close(link));
        site.faults = Faults::default();
        // What a lost answer has hidden is found when the relay is heard of again.
        site.pass(60 * SECOND);
        site.lost();
        site.pass(60 * SECOND);
        site.assert_clean();
    }
}

#[test]
fn a_relay_that_does_otherwise_than_it_was_told_is_not_used() {
    let mut provoked = Provoked::default();
    let mangles: [fn(String) -> String; 5] = [
        |text| text.replace("RTP/SAVP", "RTP/AVP"),
        |text| match text.find("inline:").map(|at| at + "inline:".len()) {
            Some(key) => format!("{}AAAA{}", &text[..key], &text[key + 4..]),
            None => text,
        },
        |text| match text.starts_with("200 ") {
            true => text
                .lines()
                .filter(|line| !line.starts_with("Z:"))
                .map(|l| format!("{l}\r\n"))
                .collect(),
            false => text,
        },
        |text| match text.starts_with("200 ") {
            true => text
                .lines()
                .filter(|line| !line.starts_with("I:"))
                .map(|l| format!("{l}\r\n"))
                .collect(),
            false => text,
        },
        |text| text.replace("c=IN IP4 10.1.0.1", "c=IN IP6 2001:db8::1"),
    ];
    for mangle in mangles {
        let mut site = Site::in_service(1);
        site.relays[0].mangle = mangle;
        let link = site.open(true);
        site.pass(100 * MS);
        assert_eq!(site.result(link), Some(Err(RelayRefused::Code(507))));
        let alarms = site.alarms();
        let [alarm @ RelayAlarm::Unfit { .. }] = &alarms[..] else { panic!("{alarms:?}") };
        provoked.note(alarm);
        site.pass(SECOND);
        site.assert_clean();
    }
}

#[test]
fn a_spent_key_and_a_silent_device_are_told_once() {
    let mut site = Site::in_service(1);
    let link = site.opened(true);
    let legs: Vec<_> =
        site.relays[0].gateway.snapshot().connections.iter().map(|c| c.leg).collect();
    for _ in 0..3 {
        site.event(0, Event::Idle(legs[1]));
        site.pass(SECOND);
    }
    let alarms = site.alarms();
    let [RelayAlarm::Silent { call, stream, .. }] = &alarms[..] else { panic!("{alarms:?}") };
    assert_eq!((call.0, stream.0), (1001, 3));
    site.event(0, Event::KeyNearlyExhausted(legs[0]));
    site.event(0, Event::KeyExhausted(legs[0]));
    site.pass(SECOND);
    assert_eq!(site.lost(), [link]);
    site.pass(SECOND);
    site.assert_clean();

    // Who hears music is expected to be silent.
    let mut music = site.link(false);
    (music.ends[0].sends, music.ends[1].receives) = (false, false);
    let link = music.link;
    site.order(RelayOrder::Open(music));
    site.pass(SECOND);
    let legs: Vec<_> =
        site.relays[0].gateway.snapshot().connections.iter().map(|c| c.leg).collect();
    site.event(0, Event::Idle(legs[0]));
    site.pass(SECOND);
    assert_eq!(site.alarms(), []);
    site.close(link);
    site.pass(SECOND);
    site.assert_clean();
}
