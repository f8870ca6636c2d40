//! Keys go where the policy lets them, and nowhere else.

use std::time::Duration;

use callmanager::security::Security::{Encrypted, NonSecure};
use callmanager::switchboard::Key;
use ringfence_callagent::voice::{Cover, GatewayAlarm, KeyPolicy, PathSource, Verdict};

use crate::office::*;

fn call(office: &mut Office) {
    office.press(ALICE, Key::Number("95551".into()));
    office.observe(TRUNK, "L/hd");
}

fn no_key_was_said(office: &Office) -> bool {
    let secret = |text: &String| text.contains("inline:") || text.contains("SAVP");
    !office.gateway.datagrams.iter().any(secret)
}

// R: MGCP-04
#[test]
fn over_a_way_that_nothing_covers_no_key_goes() {
    let mut office = Office::with(plan(FAR, KeyPolicy::Require));
    office.pass(Duration::from_secs(3));
    let alarm = GatewayAlarm::Uncovered {
        gateway: GATEWAY.into(),
        reason: "no association".into(),
        keys_go: false,
    };
    assert!(office.alarms.contains(&alarm), "{:?}", office.alarms);
    call(&mut office);
    assert_eq!(office.icon(ALICE), Some(NonSecure));
    assert!(no_key_was_said(&office));
    assert!(office.agent.gateways()[0].ports.iter().all(|port| port.srtp && !port.secure));
    office.end();
}

// R: MGCP-04
#[test]
fn keys_over_a_covered_way_are_recorded_with_the_association() {
    let mut office = Office::with(plan(FAR, KeyPolicy::Require));
    office.cover_by("gw1 #7 c1d2e3f4_i AES_GCM_16-128");
    call(&mut office);
    assert_eq!(office.icon(ALICE), Some(Encrypted));
    assert!(!office.keys.is_empty());
    for verdict in &office.keys {
        assert!(verdict.detail().contains("c1d2e3f4_i"), "{verdict:?}");
    }
    assert_eq!(office.agent.counters().keys_in_clear, 0);
    office.end();
}

// R: MGCP-04
#[test]
fn when_cover_is_lost_in_a_call_it_keeps_its_keys_and_gets_no_new_ones() {
    let mut office = Office::with(plan(FAR, KeyPolicy::Require));
    office.cover_by("gw1 #7");
    call(&mut office);
    let said = office.gateway.datagrams.len();
    office.uncover();
    office.pass(Duration::from_secs(10));
    assert_eq!(office.icon(ALICE), Some(Encrypted));
    let lost = |alarm: &GatewayAlarm| matches!(alarm, GatewayAlarm::Uncovered { .. });
    assert!(office.alarms.iter().any(lost));
    office.press(ALICE, Key::Hold);
    office.press(ALICE, Key::Resume);
    assert_eq!(office.icon(ALICE), Some(NonSecure));
    let since = office.gateway.datagrams[said..].join("\n");
    assert!(!since.contains("inline:"), "{since}");
    // It comes back, and so does the lock.
    office.cover_by("gw1 #8");
    assert!(office.alarms.contains(&GatewayAlarm::Covered { gateway: GATEWAY.into() }));
    office.press(ALICE, Key::Hold);
    office.press(ALICE, Key::Resume);
    assert_eq!(office.icon(ALICE), Some(Encrypted));
    office.end();
}

// R: MGCP-04
#[test]
fn encrypted_calls_end_with_cover_if_that_is_set_and_others_go_on() {
    let mut plan = plan(FAR, KeyPolicy::Require);
    plan.gateways[0].drop_secure_calls = true;
    let mut office = Office::with(plan);
    office.cover_by("gw1 #7");
    call(&mut office);
    // In clear, between the other port and a telephone that has no keys.
    office.press(DAVE, Key::Number("1006".into()));
    office.observe(FAX, "L/hd");
    assert_eq!(office.icon(DAVE), Some(NonSecure));
    office.uncover();
    office.pass(Duration::from_secs(1));
    assert_eq!(office.icon(ALICE), Some(Encrypted), "associations may be in renewal");
    office.pass(Duration::from_secs(5));
    assert!(office.phones[ALICE].legs.is_empty());
    assert_eq!(office.icon(DAVE), Some(NonSecure));
    let ended = GatewayAlarm::CallsEnded { gateway: GATEWAY.into(), calls: 1 };
    assert!(office.alarms.contains(&ended), "{:?}", office.alarms);
    office.end();
}

// R: MGCP-04
#[test]
fn cover_that_is_lost_between_two_messages_holds_the_second_key_back() {
    let mut office = Office::with(plan(FAR, KeyPolicy::Require));
    office.cover_by("gw1 #7");
    // Nobody has told the agent that it is gone.
    *office.cover.lock().unwrap() = Cover::Open { reason: "expired".into() };
    call(&mut office);
    assert_eq!(office.icon(ALICE), Some(NonSecure));
    assert!(no_key_was_said(&office));
    assert_eq!(office.agent.counters().keys_refused, 1);
    assert_eq!(office.keys, [Verdict::Refused { reason: "expired".into() }]);
    office.end();
}

// R: MGCP-01, MGCP-04
#[test]
fn a_gateway_whose_own_end_is_open_gets_no_keys() {
    let mut office = Office::before(FAR.parse().unwrap());
    // Nothing covers the way there, so it offers no SRTP.
    office.gateway.srtp = false;
    office.agent.configure(office.now, plan(FAR, KeyPolicy::Require)).unwrap();
    office.run();
    office.pass(Duration::from_secs(3));
    office.gateway.srtp = true;
    office.cover_by("gw1 #7");
    assert!(office.agent.gateways()[0].ports.iter().all(|port| port.secure));
    call(&mut office);
    assert_eq!(office.icon(ALICE), Some(Encrypted));
    office.end();
}

// R: MGCP-04
#[test]
fn a_renewal_is_no_alarm() {
    let mut office = Office::with(plan(FAR, KeyPolicy::Require));
    office.cover_by("gw1 #7");
    office.alarms.clear();
    office.uncover();
    office.pass(Duration::from_millis(1500));
    office.cover_by("gw1 #8");
    office.pass(Duration::from_secs(30));
    assert!(office.alarms.is_empty(), "{:?}", office.alarms);
    assert!(office.agent.gateways()[0].ports.iter().all(|port| port.secure));
}

// R: MGCP-04
#[test]
fn where_keys_are_only_preferred_to_be_protected_they_go_with_an_alarm() {
    let mut office = Office::with(plan(FAR, KeyPolicy::Prefer));
    office.pass(Duration::from_secs(3));
    call(&mut office);
    assert_eq!(office.icon(ALICE), Some(Encrypted));
    assert!(
        office.alarms.iter().any(|it| matches!(it, GatewayAlarm::Uncovered { keys_go: true, .. }))
    );
    assert_eq!(office.agent.counters().keys_in_clear, office.agent.counters().keys_sent);
    assert!(office.keys.iter().all(|verdict| verdict.detail().starts_with("in clear")));
    office.end();
}

// R: MGCP-04
#[test]
fn a_trusted_way_is_said_once_and_never_called_ipsec() {
    let mut office = Office::with(plan(FAR, KeyPolicy::TrustedPath));
    call(&mut office);
    assert_eq!(office.icon(ALICE), Some(Encrypted));
    let said = office.alarms.iter().filter(|it| matches!(it, GatewayAlarm::Trusted { .. }));
    assert_eq!(said.count(), 1);
    assert!(office.keys.iter().all(|verdict| !verdict.detail().contains("IPsec")));
    office.end();
}

// R: MGCP-04
#[test]
fn what_ends_in_another_box_is_not_known_to_be_covered() {
    let mut plan = plan(FAR, KeyPolicy::Require);
    plan.gateways[0].path = PathSource::Elsewhere;
    let mut office = Office::with(plan);
    office.cover_by("gw1 #7");
    call(&mut office);
    assert_eq!(office.icon(ALICE), Some(NonSecure));
    assert!(no_key_was_said(&office));
    office.end();
}

// R: MED-01
#[test]
fn outside_mixed_mode_nobody_is_given_keys() {
    let mut plan = plan(NEAR, KeyPolicy::Require);
    plan.mixed_mode = false;
    let mut office = Office::with(plan);
    call(&mut office);
    assert_eq!(office.icon(ALICE), Some(NonSecure));
    assert!(no_key_was_said(&office));
    office.end();
}
