//! Calls between telephones and ports, with their keys.

use callmanager::security::Security::{Encrypted, NonSecure};
use callmanager::switchboard::Key;
use mgcp::{ConnectionMode, Verb};
use ringfence_callagent::voice::{KeyPolicy, Verdict};

use crate::office::*;

/// Both directions are under the keys that the telephone has, the other way round.
fn assert_keys_match(office: &Office) {
    let phone = &office.phones[ALICE];
    let connection = office.gateway.only();
    let receives = phone.receives.clone().unwrap().map(|key| written(&key));
    let (to, sends) = phone.sends.clone().unwrap();
    assert_eq!(to, "10.0.0.2:16390".parse().unwrap());
    assert_eq!(connection.peer, Some(phone_address()));
    assert_eq!(connection.transmit, receives);
    assert_eq!(connection.receive, sends.map(|key| written(&key)));
}

// R: MGCP-03, MED-01, MED-02, MED-03
#[test]
fn a_call_from_the_line_to_a_secure_telephone_is_encrypted() {
    let mut office = Office::new();
    office.observe(FAX, "L/hd");
    assert_eq!(office.gateway.signals(FAX), ["L/dl"]);
    for digit in ["D/1", "D/0", "D/0"] {
        office.observe(FAX, digit);
    }
    assert!(office.gateway.signals(FAX).is_empty() || office.gateway.signals(FAX) == ["L/dl"]);
    office.observe(FAX, "D/1");
    assert_eq!(office.gateway.signals(FAX), ["G/rt"]);
    office.press(ALICE, Key::Answer);
    assert!(office.gateway.signals(FAX).is_empty());
    assert_eq!(office.gateway.modes(), [ConnectionMode::RecvOnly, ConnectionMode::SendRecv]);
    assert_eq!(office.icon(ALICE), Some(Encrypted));
    assert_keys_match(&office);
    assert!(office.keys.iter().all(|verdict| matches!(verdict, Verdict::Trusted { .. })));
    office.observe(FAX, "L/hu");
    assert!(office.phones[ALICE].legs.is_empty());
    assert!(office.gateway.connections.is_empty());
    assert_eq!(office.records[0].security, Some(Encrypted));
    office.end();
}

// R: MGCP-03, GEN-09
#[test]
fn a_call_out_by_a_trunk_is_encrypted_and_carries_its_number() {
    let mut office = Office::new();
    office.press(ALICE, Key::Number("95551".into()));
    let signals = office.gateway.signals(TRUNK);
    assert_eq!(signals, ["L/rg", "D/5", "D/5", "D/5", "D/1"]);
    office.observe(TRUNK, "L/hd");
    assert_eq!(office.icon(ALICE), Some(Encrypted));
    assert_keys_match(&office);
    office.end();
}

#[test]
fn a_call_in_by_a_trunk_goes_to_the_attendant() {
    let mut plan = plan(NEAR, KeyPolicy::Require);
    plan.gateways[0].ports[1].attendant = Some("1001".into());
    let mut office = Office::with(plan);
    office.observe(TRUNK, "L/hd");
    assert_eq!(office.gateway.signals(TRUNK), ["G/rt"]);
    office.press(ALICE, Key::Answer);
    assert_eq!(office.icon(ALICE), Some(Encrypted));
    office.end();
}

#[test]
fn a_port_that_takes_no_calls_in_begins_none() {
    let mut plan = plan(NEAR, KeyPolicy::Require);
    plan.gateways[0].ports[1].takes_calls_in = false;
    let mut office = Office::with(plan);
    office.observe(TRUNK, "L/hd");
    assert!(office.switchboard.is_idle());
}

#[test]
fn digits_come_together_where_the_gateway_collects_them() {
    let mut plan = plan(NEAR, KeyPolicy::Require);
    plan.gateways[0].digit_map = Some("(1XXX|9XXXX)".parse().unwrap());
    let mut office = Office::with(plan);
    office.observe(FAX, "L/hd");
    let request = office.gateway.request(FAX);
    assert_eq!(request.params.digit_map.as_ref().unwrap().to_string(), "(1XXX|9XXXX)");
    assert!(request.params.requested.iter().flatten().any(|e| e.to_string().ends_with("(D)")));
    office.observe(FAX, "D/1, D/0, D/0, D/1");
    assert_eq!(office.gateway.signals(FAX), ["G/rt"]);
    // While they speak each digit is told.
    office.press(ALICE, Key::Answer);
    let request = office.gateway.request(FAX);
    assert!(request.params.digit_map.is_none());
    assert!(request.params.requested.iter().flatten().any(|e| e.to_string().ends_with("#](N)")));
    office.end();
}

#[test]
fn digits_of_the_telephone_are_played_to_the_line() {
    let mut office = Office::new();
    office.press(ALICE, Key::Number("1006".into()));
    office.observe(FAX, "L/hd");
    office.press(ALICE, Key::Digit('7'));
    assert_eq!(office.gateway.signals(FAX), ["D/7"]);
    office.end();
}

// R: MGCP-02, GEN-11
#[test]
fn hold_quiets_the_gateway_and_what_comes_next_has_new_keys() {
    let mut office = Office::new();
    office.observe(FAX, "L/hd");
    office.observe(FAX, "D/1, D/0, D/0, D/1");
    office.press(ALICE, Key::Answer);
    let first = office.gateway.only().clone();
    office.press(ALICE, Key::Hold);
    // The line hears music, in clear, over a connection that knows no key.
    assert_eq!(office.gateway.mode(), "recvonly");
    assert_eq!(office.gateway.only().transmit, None);
    office.press(ALICE, Key::Resume);
    assert_eq!(office.icon(ALICE), Some(Encrypted));
    assert_keys_match(&office);
    let second = office.gateway.only();
    assert_ne!((&first.transmit, &first.receive), (&second.transmit, &second.receive));
    office.end();
}

// R: MGCP-02, GEN-10, GEN-11
#[test]
fn a_transfer_to_a_plain_telephone_and_back_goes_as_the_ladder_says() {
    let mut office = Office::new();
    office.press(ALICE, Key::Number("95551".into()));
    office.observe(TRUNK, "L/hd");
    let first = office.gateway.only().clone();
    // Alice asks Dave and connects the two.
    office.press(ALICE, Key::Transfer);
    office.press(ALICE, Key::Number("1002".into()));
    office.press(DAVE, Key::Answer);
    office.gateway.told.clear();
    office.press(ALICE, Key::Transfer);
    assert_eq!(office.icon(DAVE), Some(NonSecure));
    let connection = office.gateway.only();
    assert_eq!((&connection.transmit, &connection.receive), (&None, &None));
    assert_eq!(connection.mode, "sendrecv");
    let mdcx = office.gateway.last_of(Verb::Mdcx);
    assert_eq!(mdcx.params.options.as_ref().unwrap().extension("x-srtp"), Some("off"));
    assert_eq!(office.gateway.modes(), [ConnectionMode::Inactive, ConnectionMode::SendRecv]);
    // Dave gives it back to Alice.
    office.press(DAVE, Key::Transfer);
    office.press(DAVE, Key::Number("1001".into()));
    office.press(ALICE, Key::Answer);
    office.press(DAVE, Key::Transfer);
    assert_eq!(office.icon(ALICE), Some(Encrypted));
    assert_keys_match(&office);
    assert_ne!(office.gateway.only().transmit, first.transmit);
    let mdcx = office.gateway.last_of(Verb::Mdcx);
    assert!(mdcx.params.options.as_ref().unwrap().extension("x+srtptx").is_some());
    office.end();
}

// R: MGCP-01
#[test]
fn a_gateway_without_srtp_is_called_in_clear() {
    let mut office = Office::before(NEAR.parse().unwrap());
    office.gateway.srtp = false;
    office.agent.configure(office.now, plan(NEAR, KeyPolicy::Require)).unwrap();
    office.run();
    office.press(ALICE, Key::Number("95551".into()));
    office.observe(TRUNK, "L/hd");
    assert_eq!(office.icon(ALICE), Some(NonSecure));
    assert!(office.keys.is_empty() && office.gateway.only().transmit.is_none());
    office.end();
}

// R: MGCP-01, MED-02, MED-03
#[test]
fn a_gateway_that_makes_its_own_keys_is_believed_and_the_telephone_told() {
    let mut office = Office::new();
    office.gateway.makes_keys = true;
    for round in 0..2 {
        office.press(ALICE, Key::Number("95551".into()));
        office.observe(TRUNK, "L/hd");
        assert_eq!(office.icon(ALICE), Some(Encrypted));
        assert_keys_match(&office);
        let first = office.gateway.only().transmit.clone();
        office.press(ALICE, Key::Hold);
        office.press(ALICE, Key::Resume);
        assert_eq!(office.icon(ALICE), Some(Encrypted));
        assert_keys_match(&office);
        assert_ne!(office.gateway.only().transmit, first);
        // What it does not take it is not offered again.
        let told = office.gateway.told.iter().filter(|it| it.verb == Verb::Crcx);
        let offered = told.filter(|it| it.params.options.as_ref().is_some_and(given)).count();
        assert_eq!(offered, 1, "round {round}");
        office.press(ALICE, Key::OnHook);
        office.observe(TRUNK, "L/hu");
    }
    office.end();
}

fn given(options: &mgcp::options::LocalOptions) -> bool {
    options.extension("x+srtptx").is_some()
}

// R: MGCP-01
#[test]
fn srtp_that_is_promised_and_not_given_becomes_rtp_on_both_legs() {
    // It says that it can, and answers RTP/AVP; or it refuses the key.
    for refusal in [None, Some(525)] {
        let mut office = Office::new();
        match refusal {
            None => office.gateway.srtp = false,
            Some(code) => drop(office.gateway.refuses.insert("CRCX", code)),
        }
        office.press(ALICE, Key::Number("95551".into()));
        if refusal.is_some() {
            // With a key or without, nothing is made.
            office.observe(TRUNK, "L/hd");
            assert!(office.phones[ALICE].sends.is_none());
            office.gateway.refuses.clear();
            office.end();
            continue;
        }
        office.observe(TRUNK, "L/hd");
        assert_eq!(office.icon(ALICE), Some(NonSecure));
        assert_eq!(office.phones[ALICE].sends.clone().unwrap().1, None);
        assert_eq!(office.gateway.only().transmit, None);
        office.end();
    }
}

// R: GEN-11
#[test]
fn the_status_falls_before_clear_media_flows() {
    let mut office = Office::new();
    office.press(ALICE, Key::Number("95551".into()));
    office.observe(TRUNK, "L/hd");
    office.press(ALICE, Key::Hold);
    office.press(ALICE, Key::Resume);
    let statuses = &office.phones[ALICE].statuses;
    assert!(statuses.contains(&Some(Encrypted)) && statuses.last() == Some(&Some(Encrypted)));
    // No two locks without something else in between.
    assert!(!statuses.windows(2).any(|pair| pair == [Some(Encrypted), Some(Encrypted)]));
    office.end();
}

#[test]
fn flashing_holds_asks_and_comes_back() {
    let mut office = Office::new();
    office.observe(FAX, "L/hd");
    office.observe(FAX, "D/1, D/0, D/0, D/1");
    office.press(ALICE, Key::Answer);
    office.observe(FAX, "L/hf");
    assert_eq!(office.gateway.signals(FAX), ["L/dl"]);
    office.observe(FAX, "D/1, D/0, D/0, D/2");
    office.press(DAVE, Key::Answer);
    // Back to Alice; Dave is gone.
    office.observe(FAX, "L/hf");
    assert!(office.phones[DAVE].legs.is_empty());
    assert_eq!(office.icon(ALICE), Some(Encrypted));
    // Once more, and hanging up connects Alice and Dave.
    office.observe(FAX, "L/hf");
    office.observe(FAX, "D/1, D/0, D/0, D/2");
    office.press(DAVE, Key::Answer);
    office.observe(FAX, "L/hu");
    assert_eq!((office.icon(ALICE), office.icon(DAVE)), (Some(NonSecure), Some(NonSecure)));
    assert!(office.gateway.connections.is_empty());
    office.end();
}

#[test]
fn who_hangs_up_first_hears_nothing_more() {
    let mut office = Office::new();
    office.observe(FAX, "L/hd");
    office.observe(FAX, "D/1, D/0, D/0, D/1");
    office.press(ALICE, Key::Answer);
    office.press(ALICE, Key::OnHook);
    assert!(office.gateway.connections.is_empty());
    office.observe(FAX, "L/hu");
    office.pass(std::time::Duration::from_millis(100));
    let request = office.gateway.request(FAX);
    let asked: Vec<_> = request.params.requested.iter().flatten().map(|e| e.to_string()).collect();
    assert_eq!(asked, ["L/hd(N)"]);
    office.end();
}
