//! Relays that die, restart, leave, lie; and agents that do.

mod site;

use std::time::Duration;

use callmanager::switchboard::RelayRefused;
use messages::testing::Provoked;
use ringfence_callagent::RelayState::{Down, InService, Leaving, OutOfService, Suspected};
use ringfence_callagent::{Config, ConfigError, RelayAlarm, RelayConfig, Report};
use site::*;

fn down(number: u8) -> RelayAlarm {
    RelayAlarm::Down { relay: format!("relay{number}") }
}

fn up(number: u8) -> RelayAlarm {
    RelayAlarm::Up { relay: format!("relay{number}") }
}

fn leaving(number: u8) -> RelayAlarm {
    RelayAlarm::Leaving { relay: format!("relay{number}") }
}

#[test]
fn another_relay_is_tried_when_one_does_not_answer() {
    let mut site = Site::in_service(2);
    site.relays[0].reachable = false;
    let began = site.now;
    let link = site.open(true);
    while site.result(link).is_none() {
        site.pass(10 * MS);
        assert!(site.now - began < 2 * SECOND);
    }
    assert_eq!(site.agent.counters().failed_over, 1);
    assert_eq!(site.states()[0], Suspected);
    // The next one does not even ask it.
    let next = site.opened(true);
    assert_eq!(site.agent.counters().failed_over, 1);
    site.pass(30 * SECOND);
    assert_eq!(site.states(), [Down, InService]);
    assert_eq!(site.alarms(), [down(1)]);

    site.relays[0].reachable = true;
    site.pass(10 * SECOND);
    assert_eq!((site.states(), site.alarms()), (vec![InService, InService], vec![up(1)]));
    assert_eq!(site.lost(), []);
    site.close(link);
    site.close(next);
    site.pass(10 * SECOND);
    site.assert_clean();
}

#[test]
fn a_relay_that_is_full_sends_to_another_and_a_full_house_says_so() {
    let mut site = Site::new(2);
    for index in 0..2 {
        site.relays[index].config.endpoints = 1;
        site.restart_relay(index);
    }
    site.pass(2 * SECOND);
    let links = [site.opened(false), site.opened(false)];
    let third = site.open(false);
    site.pass(SECOND);
    assert_eq!(site.result(third), Some(Err(RelayRefused::Code(410))));
    links.into_iter().for_each(|link| site.close(link));
    site.pass(SECOND);
    site.assert_clean();
}

#[test]
fn without_relays_an_order_is_answered_at_once_and_with_dead_ones_in_time() {
    let mut site = Site::new(0);
    let link = site.open(true);
    assert_eq!(site.result(link), Some(Err(RelayRefused::NoneInService)));

    let mut site = Site::in_service(3);
    site.relays.iter_mut().for_each(|relay| relay.reachable = false);
    let link = site.open(true);
    site.pass(4600 * MS);
    assert_eq!(site.result(link), Some(Err(RelayRefused::NoAnswer)));
    site.pass(60 * SECOND);
    let link = site.open(true);
    assert_eq!(site.result(link), Some(Err(RelayRefused::NoneInService)));
    let mut alarms = site.alarms();
    alarms.sort_by_key(|alarm| format!("{alarm:?}"));
    assert_eq!(alarms, [down(1), down(2), down(3)], "once each");
    // What they have made of orders that they still heard is taken back.
    site.relays.iter_mut().for_each(|relay| relay.reachable = true);
    site.pass(60 * SECOND);
    site.assert_clean();
}

#[test]
fn an_answer_that_comes_too_late_is_taken_back() {
    let mut site = Site::in_service(2);
    // It hears us, and cannot say so for longer than the agent is patient.
    site.relays[0].speaks = false;
    let link = site.open(true);
    site.pass(1600 * MS);
    assert!(matches!(site.result(link), Some(Ok(_))));
    assert!(!site.relays[0].is_empty(), "it has heard the command");
    site.relays[0].speaks = true;
    site.pass(10 * SECOND);
    assert!(site.relays[0].is_empty());
    assert_eq!(site.agent.counters().late, 1);
    site.close(link);
    site.pass(10 * SECOND);
    site.assert_clean();
}

#[test]
fn the_streams_of_a_relay_that_restarts_are_lost_and_opened_anew() {
    let mut site = Site::in_service(1);
    let links = [site.opened(true), site.opened(true)];
    site.restart_relay(0);
    site.pass(SECOND);
    assert_eq!(site.lost(), links);
    let restarted = RelayAlarm::Restarted { relay: "relay1".to_owned(), streams: 2 };
    assert_eq!(site.alarms(), [restarted]);
    let again = site.opened(true);
    site.close(again);
    site.pass(SECOND);
    site.assert_clean();
    // Of what was lost there are no statistics.
    let nothing = |report: &&Report| matches!(report, Report::Closed { ends: [None, None], .. });
    assert_eq!(site.reports.iter().filter(nothing).count(), 2);
}

#[test]
fn streams_that_a_relay_has_lost_without_a_word_are_missed() {
    let mut site = Site::in_service(1);
    let links: Vec<_> = (0..20).map(|_| site.opened(true)).collect();
    // As it is to a call agent that is not the first in its configuration.
    site.relays[0].config.announce = false;
    site.restart_relay(0);
    let kept = site.opened(true);
    site.pass(7 * SECOND);
    assert_eq!(site.lost(), links);
    site.pass(60 * SECOND);
    assert_eq!(site.lost(), []);
    assert_eq!(site.alarms(), []);
    site.close(kept);
    site.pass(SECOND);
    site.assert_clean();
}

#[test]
fn a_restart_that_is_heard_of_by_a_command_delays_that_command_only() {
    let mut site = Site::in_service(1);
    // It will not announce itself before somebody commands.
    site.relays[0].config.restart_delay_max = 3600 * SECOND;
    site.restart_relay(0);
    let link = site.open(true);
    site.pass(SECOND);
    assert!(matches!(site.result(link), Some(Ok(_))));
    site.close(link);
    site.pass(SECOND);
    site.assert_clean();
}

#[test]
fn a_restart_in_the_middle_of_an_opening_is_survived() {
    for wait in 0..12 {
        let mut site = Site::in_service(1);
        let link = site.open(true);
        site.pass(wait * LATENCY / 2);
        site.restart_relay(0);
        site.pass(5 * SECOND);
        let lost = site.lost();
        match site.result(link) {
            Some(Ok(_)) => {}
            other => panic!("{other:?} after {wait}"),
        }
        let left = site.relays[0].gateway.snapshot().connections.len();
        assert_eq!(left, if lost.is_empty() { 2 } else { 0 }, "after {wait}");
        site.close(link);
        site.pass(5 * SECOND);
        site.assert_clean();
    }
}

#[test]
fn a_relay_that_leaves_gives_its_streams_to_another() {
    let mut site = Site::in_service(2);
    let links = [site.opened(true), site.opened(true)];
    site.relays[0].gateway.leave(site.now, 10 * SECOND);
    site.exchange();
    site.pass(SECOND);
    assert_eq!((site.states(), site.alarms()), (vec![Leaving, InService], vec![leaving(1)]));
    let lost = site.lost();
    assert_eq!(lost, [links[0]]);
    let new = site.opened(true);
    site.pass(SECOND);
    // With its last call it has gone.
    assert_eq!(site.states(), [OutOfService, InService]);
    assert!(site.relays[0].gateway.is_stopped() && site.relays[0].is_empty());
    site.restart_relay(0);
    site.pass(SECOND);
    assert_eq!((site.states(), site.alarms()), (vec![InService, InService], vec![up(1)]));
    [links[1], new].into_iter().for_each(|link| site.close(link));
    site.pass(SECOND);
    site.assert_clean();
}

#[test]
fn the_only_relay_keeps_its_streams_until_it_has_gone() {
    let mut site = Site::in_service(1);
    let link = site.opened(true);
    site.relays[0].gateway.leave(site.now, 10 * SECOND);
    site.exchange();
    site.pass(5 * SECOND);
    assert_eq!((site.states(), site.lost()), (vec![Leaving], vec![]));
    let refused = site.open(true);
    assert_eq!(site.result(refused), Some(Err(RelayRefused::NoneInService)));
    site.pass(10 * SECOND);
    assert_eq!((site.states(), site.lost()), (vec![OutOfService], vec![link]));
    assert_eq!(site.alarms(), [leaving(1)], "told once");
    site.assert_clean();
}

#[test]
fn the_streams_of_a_relay_that_is_cut_off_move_as_soon_as_there_is_another() {
    let mut site = Site::in_service(2);
    site.relays[1].reachable = false;
    site.pass(30 * SECOND);
    let link = site.opened(true);
    site.relays[0].reachable = false;
    site.pass(60 * SECOND);
    assert_eq!((site.states(), site.lost()), (vec![Down, Down], vec![]));
    // The media may well flow; so nothing is taken down while there is nothing better.
    site.relays[1].reachable = true;
    site.pass(30 * SECOND);
    assert_eq!(site.lost(), [link]);
    let new = site.opened(true);
    assert_eq!(site.relays[1].gateway.snapshot().connections.len(), 2);
    // What was left behind is found and deleted when the other one is back.
    assert!(!site.relays[0].is_empty());
    site.relays[0].reachable = true;
    site.pass(60 * SECOND);
    assert!(site.relays[0].is_empty());
    site.close(new);
    site.pass(SECOND);
    site.assert_clean();
}

#[test]
fn nobody_speaks_for_a_relay_but_itself() {
    let mut site = Site::in_service(2);
    let link = site.opened(true);
    let forced = "RSIP 7 *@relay1 MGCP 1.0\r\nRM: forced\r\n";
    site.inject("10.9.0.77".parse().unwrap(), forced);
    assert_eq!(site.agent.counters().strangers, 1);
    // Another relay, about this one.
    site.inject("10.9.0.102".parse().unwrap(), forced);
    site.inject("10.9.0.102".parse().unwrap(), "DLCX 8 pr/1@relay1 MGCP 1.0\r\n");
    site.inject("10.9.0.101".parse().unwrap(), "RQNT 9 pr/1@relay1 MGCP 1.0\r\nX: 1\r\n");
    // An answer to a command that was not given.
    site.inject("10.9.0.101".parse().unwrap(), "200 123456789 OK\r\n");
    site.pass(SECOND);
    assert_eq!((site.states(), site.lost()), (vec![InService, InService], vec![]));
    // What it says of itself is believed.
    site.inject("10.9.0.101".parse().unwrap(), "DLCX 10 pr/1@relay1 MGCP 1.0\r\n");
    assert_eq!(site.lost(), [link]);
    site.pass(SECOND);
    site.assert_clean();
}

#[test]
fn calls_outlive_the_agent_and_are_deleted_when_they_fall_silent() {
    calls_outlive_the_agent(|text| text);
}

#[test]
fn so_they_do_on_gateways_that_list_all_their_endpoints_or_none() {
    calls_outlive_the_agent(|text| text.replace("X-INUSE", "X-OTHER"));
    calls_outlive_the_agent(|text| text.replace("X-INUSE: 0", "X-INUSE: "));
}

fn calls_outlive_the_agent(mangle: fn(String) -> String) {
    let mut site = Site::in_service(2);
    site.relays.iter_mut().for_each(|relay| relay.mangle = mangle);
    for _ in 0..2 {
        site.opened(true);
    }
    // Another agent's call on the same relay.
    let foreign = "CRCX 5 pr/140@relay1 MGCP 1.0\r\nC: A1\r\nM: recvonly\r\n";
    let from = AGENT.parse().unwrap();
    site.relays[0].gateway.handle_datagram(site.now, from, foreign.as_bytes());
    site.exchange();
    let talk = |now: Duration| now.as_secs() * 50;
    site.relays.iter_mut().for_each(|relay| relay.received = talk);
    site.restart_agent();
    site.pass(3600 * SECOND);
    assert_eq!(site.reports.len(), 0, "{:?}", site.reports);
    let orphans: Vec<_> = site.agent.relays().iter().map(|relay| relay.orphans).collect();
    assert_eq!(orphans, [1, 1]);
    let left = |site: &Site| {
        let count = |relay: &Relay| relay.gateway.snapshot().connections.len();
        site.relays.iter().map(count).collect::<Vec<_>>()
    };
    assert_eq!(left(&site), [3, 2]);
    // New calls are made beside them.
    let link = site.opened(true);
    site.close(link);
    // One ends: nothing comes any more.
    site.relays[0].received = |_| 7;
    site.pass(40 * SECOND);
    assert_eq!(left(&site), [3, 2], "silence may be a pause");
    site.pass(120 * SECOND);
    assert_eq!(left(&site), [1, 2]);
    // The other talks on and on.
    site.pass(12 * 3600 * SECOND);
    assert_eq!(left(&site), [1, 0], "but not for ever; the foreign one is not ours to delete");
    assert_eq!(site.agent.counters().orphans_deleted, 2);
}

#[test]
fn of_a_relay_with_many_endpoints_those_in_use_are_asked() {
    let mut site = Site::new(1);
    site.relays[0].config.endpoints = 10_000;
    site.restart_relay(0);
    site.pass(SECOND);
    for _ in 0..250 {
        site.opened(true);
    }
    site.sent.clear();
    site.restart_agent();
    site.pass(30 * SECOND);
    assert_eq!(site.agent.relays()[0].orphans, 250, "{:#?}", &site.sent[..site.sent.len().min(6)]);
    let asked = |what: &str| site.sent.iter().filter(|text| text.contains(what)).count();
    // Three lists of a hundred each time it looks, and the endpoints that are on them.
    assert!(asked("pr/*@") <= 6, "{}", asked("pr/*@"));
    assert!(asked("AUEP") <= 6 + 2 * 250 + 30, "{}", asked("AUEP"));
}

#[test]
fn an_agent_is_not_made_of_nonsense() {
    let relay = |name: &str, addresses: &[&str]| RelayConfig {
        name: name.to_owned(),
        addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
    };
    let check = |relays| Config::new("cm1", relays).check();
    let good = || relay("relay1", &["10.0.0.1:2427"]);
    assert_eq!(check(vec![good()]), Ok(()));
    assert_eq!(check(vec![relay("a b", &[])]), Err(ConfigError::Name("a b".to_owned())));
    assert_eq!(check(vec![relay("a", &[])]), Err(ConfigError::NoAddress("a".to_owned())));
    let twice = vec![good(), relay("RELAY1", &["10.0.0.2:2427"])];
    assert_eq!(check(twice), Err(ConfigError::Twice("RELAY1".to_owned())));
}

#[test]
fn each_alarm_can_be_said() {
    let relay = || "relay1".to_owned();
    let mut provoked = Provoked::default();
    let (call, stream) =
        (callmanager::switchboard::CallId(1), callmanager::switchboard::StreamId(2));
    for alarm in [
        RelayAlarm::Down { relay: relay() },
        RelayAlarm::Up { relay: relay() },
        RelayAlarm::Leaving { relay: relay() },
        RelayAlarm::Restarted { relay: relay(), streams: 3 },
        RelayAlarm::Unfit { relay: relay(), what: "it says no address" },
        RelayAlarm::Silent { relay: relay(), call, stream },
    ] {
        provoked.note(&alarm);
    }
    assert_eq!(provoked.missing(messages::relays::ALL), Vec::<&str>::new());
}
