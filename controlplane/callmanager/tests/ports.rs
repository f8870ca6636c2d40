//! Ports of gateways as parties of calls.

mod office;

use office::{ALICE, BOB, CAROL, DAVE, Office, office};
use ringfence_callmanager::security::Security::{self, Encrypted, NonSecure};
use ringfence_callmanager::switchboard::{
    CallEnd, CallState, Event, Key, Kind, MediaRefused, Profile,
};
use ringfence_callmanager::testing::{TRUNK, port};

/// An analog telephone, 1006.
const FAX: &str = "aaln/S1/SU0/0@gw1.example";

fn with_gateway() -> Office {
    let mut office = office();
    office.arrive(FAX, port(Kind::Line, "1006"));
    office.arrive(TRUNK, port(Kind::Trunk, ""));
    office
}

fn set_security(office: &mut Office, device: &str, security: Security) {
    office.handle(Event::PortSecurity { device: device.into(), security });
}

// R: GEN-09, GEN-10, GEN-11, MED-01, MED-02, MGCP-03
#[test]
fn a_call_with_a_gateway_is_encrypted_once_the_gateway_has_confirmed_it() {
    let mut office = with_gateway();
    office.begin(BOB, "95551", TRUNK);
    while let Some((by, stream)) = office.unanswered.first().cloned() {
        let address = ringfence_callmanager::testing::address(stream);
        office.answer(by, stream, Ok(address));
    }
    assert_eq!(office.icon(BOB), None, "the gateway has not said that it sends");
    office.open_all();
    assert_eq!((office.icon(BOB), office.icon(TRUNK)), (Some(Encrypted), Some(Encrypted)));
    assert_eq!(office.hears(BOB, TRUNK), Some(true));
    let info = office.leg(TRUNK).info.clone().unwrap();
    assert_eq!((&*info.called.number, &*info.calling.number), ("5551", "1002"));
    office.press(BOB, Key::OnHook);
    let record = &office.records[0];
    assert_eq!((&*record.dialled, record.security), ("95551", Some(Encrypted)));
    assert_eq!(record.called.as_ref().unwrap().number, "5551");
    office.end();
}

// R: GEN-09, GEN-10, MGCP-01
#[test]
fn with_a_gateway_in_clear_a_call_is_not_even_authenticated() {
    for (name, number) in [(CAROL, "1003"), (DAVE, "1004")] {
        let mut office = with_gateway();
        office.connect(FAX, number, name);
        assert_eq!(office.icon(name), Some(NonSecure));
        assert_eq!(office.hears(name, FAX), Some(false));
        office.end();
    }
}

// R: GEN-11, MGCP-02
#[test]
fn a_transfer_takes_the_lock_and_another_gives_it_back() {
    let mut office = with_gateway();
    office.connect(FAX, "1002", BOB);
    assert_eq!(office.icon(BOB), Some(Encrypted));
    // To Dave, who is not secure; the gateway's telephone hears music meanwhile.
    office.press(BOB, Key::Transfer);
    office.open_all();
    assert_eq!(office.icon(FAX), Some(NonSecure));
    office.dial(BOB, "1004");
    office.press(DAVE, Key::Answer);
    office.open_all();
    office.press(BOB, Key::Transfer);
    office.open_all();
    assert_eq!((office.icon(DAVE), office.hears(DAVE, FAX)), (Some(NonSecure), Some(false)));
    // And to Alice, who is.
    office.press(DAVE, Key::Transfer);
    office.dial(DAVE, "1001");
    office.press(ALICE, Key::Answer);
    office.press(DAVE, Key::Transfer);
    office.open_all();
    assert_eq!((office.icon(ALICE), office.hears(ALICE, FAX)), (Some(Encrypted), Some(true)));
    office.end();
}

// R: MGCP-01, MGCP-04
#[test]
fn without_a_protected_path_a_call_is_made_in_clear() {
    let mut office = with_gateway();
    office.begin(BOB, "95551", TRUNK);
    let stream = office.unanswered.iter().find(|(by, _)| format!("{by:?}").contains("DS1"));
    let (by, stream) = stream.cloned().unwrap();
    office.answer(by, stream, Err(MediaRefused::KeysWithheld));
    office.open_all();
    assert_eq!((office.icon(BOB), office.hears(BOB, TRUNK)), (Some(NonSecure), Some(false)));
    assert!(office.alarms.is_empty(), "who held the keys back has told");
    office.end();
}

// R: MGCP-04
#[test]
fn a_call_keeps_its_keys_when_the_path_is_lost_and_gets_no_new_ones() {
    let mut office = with_gateway();
    office.connect(BOB, "95551", TRUNK);
    set_security(&mut office, TRUNK, NonSecure);
    assert_eq!(office.icon(BOB), Some(Encrypted), "the keys are out already");
    office.press(BOB, Key::Hold);
    office.open_all();
    office.press(BOB, Key::Resume);
    office.open_all();
    assert_eq!((office.icon(BOB), office.hears(BOB, TRUNK)), (Some(NonSecure), Some(false)));
    set_security(&mut office, TRUNK, Encrypted);
    office.press(BOB, Key::Hold);
    office.press(BOB, Key::Resume);
    office.open_all();
    assert_eq!((office.icon(BOB), office.hears(BOB, TRUNK)), (Some(Encrypted), Some(true)));
    office.end();
}

// R: MGCP-02
#[test]
fn a_gateway_that_does_not_do_as_told_ends_the_call() {
    for result in [Some(Err(MediaRefused::Status(534))), None] {
        let mut office = with_gateway();
        office.begin(BOB, "95551", TRUNK);
        while let Some((by, stream)) = office.unanswered.first().cloned() {
            let address = ringfence_callmanager::testing::address(stream);
            office.answer(by, stream, Ok(address));
        }
        let (by, stream) = office.unstarted[0].clone();
        match result {
            Some(result) => office.start(by, stream, result),
            None => office.pass(std::time::Duration::from_secs(6)),
        }
        assert_eq!(office.leg(BOB).state, Some(CallState::Congestion));
        assert_eq!(office.alarms.len(), 1);
        office.end();
        assert_eq!(office.records[0].end, CallEnd::Failed);
    }
}

#[test]
fn when_all_ports_are_taken_a_call_out_cannot_be_made() {
    let mut office = with_gateway();
    office.connect(BOB, "95551", TRUNK);
    office.press(DAVE, Key::Number("95552".into()));
    assert_eq!(office.leg(DAVE).state, Some(CallState::Congestion));
    office.lose(TRUNK);
    office.press(CAROL, Key::Number("95552".into()));
    assert_eq!(office.leg(CAROL).state, Some(CallState::Congestion));
    office.end();
}

#[test]
fn a_number_that_leaves_is_nobodys_line_here() {
    let mut office = with_gateway();
    // Another 1003 somewhere else.
    office.connect(BOB, "91003", TRUNK);
    assert!(office.phones[CAROL].legs.is_empty());
    office.end();
}

#[test]
fn what_comes_in_from_a_trunk_reaches_a_telephone() {
    let mut office = with_gateway();
    let caller = Profile { ..port(Kind::Trunk, "") };
    office.arrive("S0/SU0/DS1-0/2@gw1.example", caller);
    office.connect("S0/SU0/DS1-0/2@gw1.example", "1002", BOB);
    assert_eq!(office.icon(BOB), Some(Encrypted));
    office.end();
}
