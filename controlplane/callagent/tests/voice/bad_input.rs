//! Strangers, wrong names, nonsense and floods.

use callmanager::security::Security::NonSecure;
use callmanager::switchboard::{CallState, Key};
use proptest::prelude::*;
use ringfence_callagent::voice::GatewayAlarm;

use crate::office::*;

#[test]
fn another_gateways_name_is_unknown_here() {
    let mut office = Office::new();
    for text in [
        "NTFY # aaln/S1/SU0/0@gw2.example MGCP 0.1\r\nX: 1\r\nO: L/hd\r\n",
        "RSIP # *@gw2.example MGCP 0.1\r\nRM: restart\r\n",
        "NTFY # aaln/S9/SU0/0@gw1.example MGCP 0.1\r\nX: 1\r\nO: L/hd\r\n",
        "DLCX # aaln/S9/SU0/0@gw1.example MGCP 0.1\r\nC: 1\r\nI: 1\r\n",
    ] {
        assert_eq!(office.command(text), 500, "{text}");
    }
    assert_eq!(office.agent.counters().foreign, 2);
    assert!(office.switchboard.is_idle());
}

#[test]
fn strangers_are_not_answered() {
    let mut office = Office::new();
    let text = "NTFY # aaln/S1/SU0/0@gw1.example MGCP 0.1\r\nX: 1\r\nO: L/hd\r\n";
    assert_eq!(office.command_from("192.0.2.66:2427".parse().unwrap(), text), 0);
    assert_eq!(office.agent.counters().strangers, 1);
    assert!(office.switchboard.is_idle());
}

#[test]
fn commands_that_only_agents_give_are_unknown() {
    let mut office = Office::new();
    let text = "RQNT # aaln/S1/SU0/0@gw1.example MGCP 0.1\r\nX: 1\r\n";
    assert_eq!(office.command(text), 504);
    let text = "RSIP # aaln/S1/SU0/0@gw1.example MGCP 0.1\r\n";
    assert_eq!(office.command(text), 510);
}

#[test]
fn ten_thousand_notifications_at_once_are_answered_and_leave_nothing() {
    let mut office = Office::new();
    for id in 0..10_000 {
        let what = if id % 2 == 0 { "L/hd" } else { "L/hu" };
        let id = transaction(100_000 + id);
        let text = format!("NTFY {id} {FAX}@{GATEWAY} MGCP 0.1\r\nX: 1\r\nO: {what}\r\n");
        office.agent.handle_datagram(office.now, office.gateway.address, text.as_bytes());
    }
    office.run();
    assert_eq!(office.agent.counters().notifications, 10_000);
    // The gateway was asked for the outcome, not for each step.
    assert!(office.gateway.told.len() < 100, "{}", office.gateway.told.len());
    office.end();
}

// R: MGCP-03
#[test]
fn an_answer_with_another_key_ends_the_attempt() {
    for key in [written(&[7; 30]), written(&[7; 24]), written(&[7; 46]), "====".to_owned()] {
        let mut office = Office::new();
        office.gateway.other_key = Some(key.clone());
        office.press(ALICE, Key::Number("95551".into()));
        office.observe(TRUNK, "L/hd");
        let state = office.phones[ALICE].legs.values().next().unwrap().0;
        assert_ne!(state, Some(CallState::Connected), "{key}");
        assert!(office.phones[ALICE].sends.is_none());
        assert!(office.alarms.iter().any(|it| matches!(it, GatewayAlarm::Unfit { .. })));
        office.end();
    }
}

#[test]
fn refusals_end_calls_and_leave_nothing() {
    for (verb, code) in
        [("CRCX", 502), ("CRCX", 403), ("MDCX", 534), ("MDCX", 515), ("RQNT", 522), ("DLCX", 515)]
    {
        let mut office = Office::new();
        office.gateway.refuses.insert(verb, code);
        office.press(DAVE, Key::Number("95551".into()));
        office.observe(TRUNK, "L/hd");
        if verb != "CRCX" && verb != "MDCX" {
            assert_eq!(office.icon(DAVE), Some(NonSecure), "{verb} {code}");
        }
        office.press(DAVE, Key::OnHook);
        office.gateway.refuses.clear();
        if verb == "DLCX" {
            office.gateway.connections.clear();
        }
        office.end();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_gateways_observe_in_whatever_order_calls_end(
        steps in proptest::collection::vec((0_u8..12, 0_u8..2), 0..60),
    ) {
        let mut office = Office::new();
        for (what, which) in steps {
            let local = if which == 0 { FAX } else { TRUNK };
            match what {
                0 | 1 => office.observe(local, "L/hd"),
                2 => office.observe(local, "L/hu"),
                3 => office.observe(local, "L/hf"),
                4 => office.observe(local, "D/1, D/0, D/0, D/1"),
                5 => office.observe(local, "D/9, D/5, D/5, D/5, D/1"),
                6 => office.press(ALICE, Key::Answer),
                7 => office.press(ALICE, Key::Hold),
                8 => office.press(ALICE, Key::Transfer),
                9 => office.press(DAVE, Key::Number("1006".into())),
                10 => office.press(ALICE, Key::OnHook),
                _ => office.pass(std::time::Duration::from_secs(2)),
            }
        }
        office.end();
    }

    #[test]
    fn no_datagram_breaks_the_agent(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut office = Office::new();
        let from = office.gateway.address;
        office.agent.handle_datagram(office.now, from, &bytes);
        office.run();
        office.end();
    }
}
