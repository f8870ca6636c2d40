//! Media through a relay: when, with which keys, and what happens if there is none.

mod office;

use std::net::SocketAddr;
use std::time::Duration;

use office::{ALICE, ANNE, BOB, CAROL, DAVE, Office, office_with};
use ringfence_callmanager::security::Bridge;
use ringfence_callmanager::security::Security::{Authenticated, Encrypted, NonSecure};
use ringfence_callmanager::switchboard::{
    CallAlarm, CallState, DeviceName, Event, Key, LinkId, Owner, Profile, RelayPolicy,
    RelayRefused, Settings, StreamId, Tone,
};
use ringfence_callmanager::testing::{Passage, address, profile, relay_address};

use RelayPolicy::{Always, Never, WhenNeeded};

/// An office where everybody's media goes through a relay.
fn relayed_office() -> Office {
    relayed_office_with(Settings::default())
}

fn relayed_office_with(settings: Settings) -> Office {
    let mut office = office_with(settings);
    for (name, profile) in [
        (ALICE, profile(Encrypted, Some(Bridge::Encrypted), &["1001"])),
        (ANNE, profile(Encrypted, Some(Bridge::Encrypted), &["1001"])),
        (BOB, profile(Encrypted, Some(Bridge::Plain), &["1002"])),
        (CAROL, profile(Authenticated, Some(Bridge::Plain), &["1003"])),
        (DAVE, profile(NonSecure, None, &["1004"])),
    ] {
        office.arrive(name, Profile { relay: Always, ..profile });
    }
    office
}

/// The only passage there is.
fn passage(office: &Office) -> (LinkId, Passage) {
    let [(link, passage)] = office.relayed.iter().collect::<Vec<_>>()[..] else {
        panic!("{:?}", office.relayed)
    };
    (*link, *passage)
}

fn stream(office: &Office, name: &str) -> StreamId {
    let mut streams = office.phones[name].streams.keys();
    let stream = *streams.next().expect("it has one");
    assert_eq!(streams.next(), None);
    stream
}

// R: GEN-09, GEN-10, MED-02, MED-03
#[test]
fn a_call_through_a_relay_is_as_secure_as_one_without() {
    for (caller, number, called, expected) in [
        (ALICE, "1002", BOB, Encrypted),
        (ALICE, "1003", CAROL, Authenticated),
        (ALICE, "1004", DAVE, NonSecure),
    ] {
        let mut office = relayed_office();
        office.begin(caller, number, called);
        for (owner, stream) in office.unanswered.clone() {
            office.answer(owner, stream, Ok(address(stream)));
        }
        // Nobody sends before the relay has said where to, and no icon is shown.
        let (link, found) = passage(&office);
        assert_eq!((found.secure, found.open), (expected == Encrypted, false));
        for name in [caller, called] {
            assert_eq!(office.icon(name), None);
            assert!(office.phones[name].streams.values().all(|s| s.transmit.is_none()));
        }
        office.relay_answers(link, Ok(()));
        for (name, other) in [(caller, called), (called, caller)] {
            assert_eq!(office.icon(name), Some(expected));
            // What the keys must be is checked by the telephones and the relay themselves.
            assert_eq!(office.hears(name, other), Some(expected == Encrypted));
            let stream = &office.phones[name].streams[&stream(&office, name)];
            let to = stream.transmit.as_ref().unwrap().0;
            assert_eq!(to, relay_address(self::stream(&office, name)));
        }
        assert_eq!(office.switchboard.calls()[0].relay.as_deref(), Some("relay1"));
        office.press(called, Key::OnHook);
        assert!(office.relayed.is_empty(), "the relay is free when the call ends");
        assert_eq!(office.records[0].relay.as_deref(), Some("relay1"));
        office.end();
    }
}

#[test]
fn the_stricter_policy_decides_but_for_never() {
    for (a, b, expected) in [
        (Always, Always, true),
        (Always, WhenNeeded, true),
        (Always, Never, false),
        (WhenNeeded, WhenNeeded, false),
        (WhenNeeded, Never, false),
        (Never, Never, false),
    ] {
        // Behind a NAT it is needed.
        for (elsewhere, expected) in [(false, expected), (true, (a, b) != (Never, Never))] {
            for (a, b) in [(a, b), (b, a)] {
                let mut office = office_with(Settings::default());
                let with = |relay, number: &str| Profile {
                    relay,
                    media_elsewhere: elsewhere && number == "1001",
                    ..profile(Encrypted, None, &[number])
                };
                office.lose(ANNE);
                office.arrive(ALICE, with(a, "1001"));
                office.arrive(BOB, with(b, "1002"));
                office.connect(BOB, "1001", ALICE);
                assert_eq!(office.relayed.len(), usize::from(expected), "{a:?} {b:?} {elsewhere}");
                assert_eq!(office.hears(ALICE, BOB), Some(true));
                office.end();
            }
        }
    }
}

/// Opens all ports; those of one telephone have IPv6 addresses.
fn open_with_v6(office: &mut Office, name: &str) {
    let six = Owner::Device(DeviceName::from(name));
    while let Some((owner, stream)) = office.unanswered.first().cloned() {
        let v6: SocketAddr = "[2001:db8::1]:16384".parse().unwrap();
        let answer = if owner == six { v6 } else { address(stream) };
        office.answer(owner, stream, Ok(answer));
    }
}

#[test]
fn ends_of_different_ip_versions_meet_at_a_relay() {
    let mut office = office_with(Settings::default());
    office.begin(CAROL, "1004", DAVE);
    let (owner, first) = office.unanswered[0].clone();
    let six = if owner == Owner::Device(CAROL.into()) { CAROL } else { DAVE };
    let v6: SocketAddr = "[2001:db8::1]:16384".parse().unwrap();
    office.answer(owner, first, Ok(v6));
    let (owner, second) = office.unanswered[0].clone();
    office.answer(owner, second, Ok(address(second)));
    // Both streams are opened anew, this time for a relay.
    assert_eq!(office.unanswered.len(), 2);
    office.open_all();
    assert_eq!(office.relayed.len(), 1);
    assert_eq!((office.icon(CAROL), office.icon(DAVE)), (Some(NonSecure), Some(NonSecure)));
    office.end();

    for (name, number) in [(CAROL, "1003"), (DAVE, "1004")] {
        let profile = Profile { relay: Never, ..profile(NonSecure, None, &[number]) };
        office.arrive(name, profile);
    }
    office.begin(CAROL, "1004", DAVE);
    open_with_v6(&mut office, six);
    assert_eq!(office.leg(CAROL).state, Some(CallState::Congestion));
    assert!(matches!(office.alarms[..], [CallAlarm::Unreachable { .. }]), "{:?}", office.alarms);
    office.end();
}

// R: GEN-11, MED-03
#[test]
fn hold_transfer_and_conference_go_through_the_relay_too() {
    let mut office = relayed_office();
    office.connect(ALICE, "1002", BOB);
    let (first, _) = passage(&office);
    office.press(ALICE, Key::Hold);
    office.open_all();
    // Music comes through the relay, in clear; it was asked for its port.
    let (second, music) = passage(&office);
    assert!(first != second && !music.secure);
    assert!(office.hears_resource(BOB));
    assert_eq!(office.icon(BOB), Some(NonSecure));
    office.press(ALICE, Key::Resume);
    office.open_all();
    assert_eq!((office.icon(ALICE), office.icon(BOB)), (Some(Encrypted), Some(Encrypted)));
    assert_eq!(office.hears(ALICE, BOB), Some(true));

    office.press(BOB, Key::Conference);
    office.dial(BOB, "1004");
    office.press(DAVE, Key::Answer);
    office.open_all();
    office.press(BOB, Key::Conference);
    office.open_all();
    assert_eq!(office.relayed.len(), 3, "each way to the bridge");
    assert!([ALICE, BOB, DAVE].iter().all(|name| office.hears_resource(name)));
    office.press(BOB, Key::OnHook);
    office.open_all();
    assert_eq!(office.hears(ALICE, DAVE), Some(false));
    office.end();
}

// R: GEN-14
#[test]
fn who_barges_in_through_a_relay_is_encrypted_too() {
    let mut office = relayed_office();
    office.arrive(ANNE, profile(Encrypted, Some(Bridge::Encrypted), &["1001"]));
    office.connect(ALICE, "1002", BOB);
    office.press(ANNE, Key::Barge);
    office.open_all();
    assert_eq!(office.relayed.len(), 2);
    assert_eq!(office.hears(ANNE, ALICE), Some(true));
    assert_eq!(office.icon(ANNE), Some(Encrypted));
    office.end();
}

// R: MED-03
#[test]
fn a_relay_that_dies_is_replaced_under_new_keys_and_the_call_goes_on() {
    let mut office = relayed_office();
    office.connect(ALICE, "1002", BOB);
    let (old, _) = passage(&office);
    let before = [ALICE, BOB].map(|name| stream(&office, name));
    office.handle(Event::RelayLost { link: old });
    assert!(office.relayed.is_empty(), "not even a dead one is forgotten");
    assert_eq!(office.icon(ALICE), None, "no lock while nothing is known");
    office.open_all();
    let (new, _) = passage(&office);
    assert_ne!(new, old);
    assert_ne!([ALICE, BOB].map(|name| stream(&office, name)), before);
    assert_eq!((office.icon(ALICE), office.icon(BOB)), (Some(Encrypted), Some(Encrypted)));
    assert_eq!(office.hears(ALICE, BOB), Some(true));
    // What is said of the old one comes too late.
    office.handle(Event::RelayLost { link: old });
    office.handle(Event::RelayOpened { link: old, result: Err(RelayRefused::NoAnswer) });
    assert_eq!(office.switchboard.counters().ignored, 2);
    assert_eq!(office.icon(ALICE), Some(Encrypted));
    office.end();
    assert_eq!(office.alarms, []);
}

#[test]
fn the_media_of_a_lost_telephone_ends_with_its_relay() {
    let mut office = relayed_office();
    office.connect(ALICE, "1002", BOB);
    office.lose(ALICE);
    assert_eq!(office.relayed.len(), 1, "media goes on");
    let (link, _) = passage(&office);
    office.handle(Event::RelayLost { link });
    assert_eq!(office.leg(BOB).tone, Some(Tone::Reorder));
    office.end();
}

#[test]
fn without_a_relay_a_call_fails_or_goes_directly_as_is_allowed() {
    let refusals = [RelayRefused::NoneInService, RelayRefused::Code(403), RelayRefused::NoAnswer];
    for (refused, fallback) in refusals.into_iter().flat_map(|r| [(r, false), (r, true)]) {
        let settings = Settings { relay_fallback: fallback, ..Settings::default() };
        let mut office = relayed_office_with(settings);
        office.begin(ALICE, "1002", BOB);
        for (owner, stream) in office.unanswered.clone() {
            office.answer(owner, stream, Ok(address(stream)));
        }
        let (link, _) = passage(&office);
        match refused {
            RelayRefused::NoAnswer => office.pass(Duration::from_secs(5)),
            refused => office.relay_answers(link, Err(refused)),
        }
        assert!(office.relayed.is_empty());
        office.open_all();
        match fallback {
            true => {
                assert_eq!(office.icon(ALICE), Some(Encrypted));
                assert_eq!(office.hears(ALICE, BOB), Some(true));
            }
            false => assert_eq!(office.leg(ALICE).tone, Some(Tone::Reorder)),
        }
        assert!(office.relayed.is_empty());
        let [alarm @ CallAlarm::NoRelay { .. }] = &office.alarms[..] else {
            panic!("{:?}", office.alarms)
        };
        assert!(matches!(alarm, CallAlarm::NoRelay { refused: told, .. } if *told == refused));
        office.end();
    }
}

#[test]
fn where_a_relay_is_only_needed_a_call_goes_on_without() {
    let mut office = office_with(Settings::default());
    let nat = Profile { media_elsewhere: true, ..profile(NonSecure, None, &["1004"]) };
    office.arrive(DAVE, nat);
    office.begin(CAROL, "1004", DAVE);
    for (owner, stream) in office.unanswered.clone() {
        office.answer(owner, stream, Ok(address(stream)));
    }
    let (link, _) = passage(&office);
    office.relay_answers(link, Err(RelayRefused::NoneInService));
    office.open_all();
    assert_eq!(office.hears(CAROL, DAVE), Some(false));
    assert_eq!(office.alarms.len(), 1);
    office.end();
}
