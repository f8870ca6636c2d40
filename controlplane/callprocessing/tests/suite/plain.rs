//! Phones without TLS.

use std::io::{Read, Write};

use callmanager::security::Security;
use ringfence_callprocessing::handle::{Direction, Which};
use store::{PhoneOrder, PhoneOrderKind};

use crate::phone::{M7960, M7970, Phone, connect};
use crate::site::{ALICE, BOB, Site, await_alarm, until};

// R: GEN-01
#[test]
fn phones_register_and_call_and_everything_of_it_is_seen() {
    let site = Site::new();
    let running = site.serve();
    let handle = running.handle();
    let mut alice = Phone::plain(running.plain_address(), ALICE, M7970);
    let mut bob = Phone::plain(running.plain_address(), BOB, M7960);
    alice.register();
    bob.register();
    let registered = handle.registered();
    let names: Vec<_> = registered.iter().map(|phone| &*phone.device).collect();
    assert_eq!(names, [ALICE, BOB]);
    assert!(registered.iter().all(|phone| phone.security == Security::NonSecure));
    assert!(registered.iter().all(|phone| phone.suite.is_none() && phone.violations == 0));

    alice.dial("1002");
    let leg = bob.answer();
    let opened = alice.open();
    bob.open();
    alice.await_name("StartMediaTransmission");
    bob.await_name("StartMediaTransmission");
    assert!(opened.encryption.keying().unwrap().is_none());
    let calls = handle.calls();
    assert_eq!(calls.len(), 1);
    let numbers: Vec<_> = calls[0].parties.iter().map(|party| &*party.number).collect();
    assert_eq!(numbers, ["1001", "1002"]);
    assert_eq!(calls[0].security, Some(Security::NonSecure));
    assert!(calls[0].answered.is_some_and(|at| at >= calls[0].began));
    assert_eq!(handle.counters().calls_active.non_secure, 1);

    // Digits that are pressed while people speak are nobody's business.
    alice.press('7', opened.call);
    bob.say(sccp::phone::OnHook { line: sccp::LineInstance(1), call: leg });
    bob.await_name("CloseReceiveChannel");
    until(|| handle.calls().is_empty(), || format!("{:?}", handle.calls()));
    let ladder = handle.call(calls[0].id).unwrap();
    assert!(ladder.ended.is_some());
    let said = |device: &str, direction, start: &str| {
        ladder.steps.iter().any(|step| {
            step.device == device && step.direction == direction && step.message.starts_with(start)
        })
    };
    assert!(said(ALICE, Direction::FromPhone, "KeypadButton button"), "{ladder:#?}");
    assert!(said(ALICE, Direction::FromPhone, "KeypadButton (not shown)"));
    assert!(said(BOB, Direction::ToPhone, "SetRinger"));
    assert!(said(BOB, Direction::FromPhone, "OnHook"));
    assert!(said(ALICE, Direction::ToPhone, "StartMediaTransmission"));
    let statuses: Vec<_> = ladder.security.iter().map(|(_, status)| *status).collect();
    assert_eq!(statuses.last(), Some(&Some(Security::NonSecure)));
    let record = ladder.record.unwrap();
    assert_eq!((&*record.dialled, record.called.unwrap().number), ("1002", "1002".to_owned()));
    assert_eq!(handle.counters().calls_completed.non_secure, 1);
}

#[test]
fn phones_are_told_to_start_anew() {
    let site = Site::new();
    let running = site.serve();
    let mut alice = Phone::plain(running.plain_address(), ALICE, M7970);
    let mut bob = Phone::plain(running.plain_address(), BOB, M7960);
    alice.register();
    bob.register();
    let names = Which::Named(vec![ALICE.to_owned(), "SEP00000000000F".to_owned()]);
    assert_eq!(running.handle().order(names, PhoneOrderKind::Restart), [ALICE]);
    alice.await_name("Reset");
    assert_eq!(running.handle().order(Which::All, PhoneOrderKind::Reset), [ALICE, BOB]);
    alice.await_name("Reset");
    bob.await_name("Reset");
    let names = Which::Named(vec![BOB.to_owned()]);
    assert_eq!(running.handle().order(names, PhoneOrderKind::Cut), [BOB]);
    assert!(bob.hear().is_none());
    assert_eq!(running.handle().registered().len(), 1);
}

#[test]
fn phones_are_told_what_another_node_orders() {
    let site = Site::new();
    let running = site.serve();
    let mut alice = Phone::plain(running.plain_address(), ALICE, M7970);
    let mut bob = Phone::plain(running.plain_address(), BOB, M7960);
    alice.register();
    bob.register();
    let order = |node: &str, kind, name: &str| {
        let order = PhoneOrder { kind, node: node.to_owned(), devices: vec![name.to_owned()] };
        site.change(|change| change.order_phones(&order));
    };
    // What this node ordered, it has carried out by itself.
    order("cm1", PhoneOrderKind::Cut, ALICE);
    order("cm2", PhoneOrderKind::Restart, ALICE);
    order("cm2", PhoneOrderKind::Cut, BOB);
    alice.await_name("Reset");
    while bob.hear().is_some() {}
    assert_eq!(running.handle().registered().len(), 1);
}

#[test]
fn strangers_are_refused_and_the_administrator_hears_why() {
    let site = Site::new();
    let running = site.serve();
    let to = running.plain_address();
    let stranger = Phone::plain(to, "SEP00000000000F", M7970).refusal();
    assert_eq!(stranger, "Error DBConfig");
    await_alarm(running.handle(), "DEVICE_UNKNOWN");
    let other_model = Phone::plain(to, ALICE, M7960).refusal();
    assert_eq!(other_model, "Error DBConfig");
    await_alarm(running.handle(), "DEVICE_TYPE_DIFFERS");
    Phone::plain(to, "no name at all", M7960).refusal();
    await_alarm(running.handle(), "DEVICE_NAME_INVALID");
    assert_eq!(running.handle().counters().since_start.refused, 3);
    assert!(running.handle().registered().is_empty());
}

#[test]
fn nonsense_ends_its_connection_and_nothing_else() {
    let site = Site::new();
    let running = site.serve();
    let mut alice = Phone::plain(running.plain_address(), ALICE, M7970);
    alice.register();
    for nonsense in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 64], &[0; 64]] {
        let mut stranger = connect(running.plain_address());
        stranger.write_all(nonsense).unwrap();
        let mut answer = Vec::new();
        let _ = stranger.read_to_end(&mut answer);
        assert!(answer.is_empty());
    }
    alice.say(sccp::phone::KeepAlive);
    alice.await_name("KeepAliveAck");
    until(|| running.handle().counters().connections == 1, String::new);
    assert_eq!(running.handle().counters().since_start.misbehaved, 3);
}

#[test]
fn a_service_that_stops_closes_its_connections() {
    let site = Site::new();
    let running = site.serve();
    let mut alice = Phone::plain(running.plain_address(), ALICE, M7970);
    alice.register();
    drop(running);
    while alice.hear().is_some() {}
    assert!(site.trace().contains("SEP000000000001 registered: non-secure over TCP"));
}
