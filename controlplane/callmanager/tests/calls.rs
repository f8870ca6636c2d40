//! Calls as their users see them: the ladders, step by step.

mod office;

use std::time::Duration;

use messages::testing::Provoked;
use office::{ALICE, ANNE, BOB, CAROL, DAVE, office, office_with};
use ringfence_callmanager::codec::Codec;
use ringfence_callmanager::security::Security::{Authenticated, Encrypted, NonSecure};
use ringfence_callmanager::switchboard::{
    CallAlarm, CallEnd, CallState, Event, Forwards, Key, KeySet, Lamp, MediaRefused, Owner,
    Profile, Prompt, Reason, Regions, RelayRefused, Ring, Settings, Tone,
};
use ringfence_callmanager::testing::{address, profile};

// R: GEN-10, MED-01, MED-02, MED-03
#[test]
fn two_encrypted_telephones_speak_under_keys_of_their_own() {
    let mut office = office();
    office.press(ALICE, Key::OffHook);
    let leg = office.leg(ALICE);
    assert_eq!(leg.state, Some(CallState::OffHook));
    assert_eq!(leg.keys, Some(KeySet::OffHook));
    assert_eq!((leg.tone, &leg.prompt), (Some(Tone::Dial), &Some(Prompt::EnterNumber)));
    assert_eq!(office.phones[ALICE].lamps[&1], Lamp::On);
    office.dial(ALICE, "100");
    assert_eq!(office.leg(ALICE).keys, Some(KeySet::Digits));
    assert_eq!(office.leg(ALICE).tone, None);
    office.dial(ALICE, "2");
    assert_eq!(office.leg(ALICE).state, Some(CallState::RingOut));
    assert_eq!(office.leg(ALICE).tone, Some(Tone::Alerting));
    let bob = office.leg(BOB);
    assert_eq!((bob.state, bob.keys), (Some(CallState::RingIn), Some(KeySet::RingIn)));
    let Some(Prompt::From(caller)) = &bob.prompt else { panic!("{bob:?}") };
    assert_eq!(caller.number, "1001");
    assert_eq!(
        (office.phones[BOB].ring, office.phones[BOB].lamps[&1]),
        (Ring::Inside, Lamp::Blink)
    );
    assert_eq!(bob.info.as_ref().unwrap().security, None);

    office.press(BOB, Key::Answer);
    assert!(office.phones[BOB].speaker && office.phones[BOB].ring == Ring::Off);
    // No icon before both have their keys.
    assert_eq!((office.icon(ALICE), office.icon(BOB)), (None, None));
    office.open_all();
    for (name, other) in [(ALICE, BOB), (BOB, ALICE)] {
        assert_eq!(office.icon(name), Some(Encrypted));
        assert_eq!(office.hears(name, other), Some(true));
        let shared = name == ALICE;
        let keys = if shared { KeySet::ConnectedShared } else { KeySet::Connected };
        assert_eq!(office.leg(name).keys, Some(keys));
    }
    assert_eq!(office.switchboard.counters().calls_active.encrypted, 1);

    office.pass(Duration::from_secs(3600));
    office.press(ALICE, Key::OnHook);
    assert!(office.phones[BOB].legs.is_empty() && !office.phones[BOB].speaker);
    let record = &office.records[0];
    assert_eq!((record.dialled.as_str(), record.end), ("1002", CallEnd::HungUp));
    assert_eq!(record.called.as_ref().unwrap().number, "1002");
    assert_eq!(record.ended - record.answered.unwrap(), Duration::from_secs(3600));
    assert_eq!(record.security, Some(Encrypted));
    // R: CNT-01
    let counters = office.switchboard.counters();
    assert_eq!((counters.calls_active.encrypted, counters.calls_completed.encrypted), (0, 1));
    assert_eq!((counters.devices.encrypted, counters.devices.authenticated), (3, 1));
    assert_eq!(counters.devices.non_secure, 1);
    office.end();
}

// R: GEN-09, GEN-10
#[test]
fn the_weakest_telephone_decides() {
    for (caller, number, called, expected) in [
        (ALICE, "1003", CAROL, Authenticated),
        (ALICE, "1004", DAVE, NonSecure),
        (CAROL, "1004", DAVE, NonSecure),
        (DAVE, "1002", BOB, NonSecure),
    ] {
        let mut office = office();
        office.connect(caller, number, called);
        assert_eq!((office.icon(caller), office.icon(called)), (Some(expected), Some(expected)));
        assert_eq!(office.hears(caller, called), Some(false));
        office.end();
    }
}

// R: GEN-11, MED-03
#[test]
fn hold_takes_the_lock_away_and_resume_brings_it_back_with_new_keys() {
    let mut office = office();
    office.connect(ALICE, "1002", BOB);
    office.press(ALICE, Key::Hold);
    office.open_all();
    assert_eq!(office.leg(ALICE).state, Some(CallState::Hold));
    assert_eq!(office.leg(ALICE).keys, Some(KeySet::OnHold));
    assert_eq!(office.phones[ALICE].lamps[&1], Lamp::Wink);
    assert!(office.hears_resource(BOB) && office.phones[ALICE].streams.is_empty());
    assert_eq!(office.icon(BOB), Some(NonSecure));
    office.press(ALICE, Key::Resume);
    assert!(!office.hears_resource(BOB));
    office.open_all();
    assert_eq!((office.icon(ALICE), office.icon(BOB)), (Some(Encrypted), Some(Encrypted)));
    assert_eq!(office.hears(ALICE, BOB), Some(true));
    // Both hold: nobody hears anything.
    office.press(ALICE, Key::Hold);
    office.press(BOB, Key::Hold);
    assert!(office.resources.is_empty());
    office.end();
}

#[test]
fn without_music_there_is_a_tone() {
    let mut office = office_with(Settings { music_on_hold: false, ..Settings::default() });
    office.connect(ALICE, "1002", BOB);
    office.press(ALICE, Key::Hold);
    assert!(office.resources.is_empty());
    assert_eq!(office.leg(BOB).tone, Some(Tone::Hold));
    assert_eq!(office.icon(BOB), Some(NonSecure));
    office.press(ALICE, Key::Hold);
    assert_eq!(office.leg(BOB).tone, None);
    office.end();
}

// R: GEN-11
#[test]
fn a_consult_transfer_gives_the_parties_new_keys() {
    let mut office = office();
    office.connect(DAVE, "1002", BOB);
    assert_eq!(office.icon(BOB), Some(NonSecure));
    office.press(BOB, Key::Transfer);
    office.open_all();
    assert!(office.hears_resource(DAVE));
    let second = office.leg_in(BOB, CallState::OffHook);
    assert_eq!(office.phones[BOB].legs[&second].keys, Some(KeySet::OffHookFeature));
    office.dial(BOB, "1001");
    office.press(ALICE, Key::Answer);
    office.open_all();
    assert_eq!(office.icon(ALICE), Some(Encrypted));
    assert_eq!(office.phones[BOB].legs[&second].keys, Some(KeySet::ConnectedTransfer));
    office.press(BOB, Key::Transfer);
    office.open_all();
    assert!(office.phones[BOB].legs.is_empty());
    assert_eq!((office.icon(ALICE), office.icon(DAVE)), (Some(NonSecure), Some(NonSecure)));
    assert_eq!(office.hears(ALICE, DAVE), Some(false));
    let info = office.leg(DAVE).info.as_ref().unwrap();
    let redirected = info.redirected.as_ref().unwrap();
    assert_eq!((redirected.from.number.as_str(), redirected.reason), ("1002", Reason::Transfer));
    assert_eq!(info.called.number, "1001");
    office.end();
}

#[test]
fn a_blind_transfer_lets_the_other_party_hear_it_ring() {
    let mut office = office();
    office.connect(ALICE, "1002", BOB);
    office.press(ALICE, Key::Transfer);
    office.dial(ALICE, "1003");
    office.press(ALICE, Key::Transfer);
    assert!(office.phones[ALICE].legs.is_empty());
    assert_eq!(office.leg(BOB).state, Some(CallState::RingOut));
    assert_eq!(office.leg(BOB).tone, Some(Tone::Alerting));
    let Some(Prompt::From(caller)) = &office.leg(CAROL).prompt else { panic!() };
    assert_eq!(caller.number, "1002");
    assert_eq!(office.leg(CAROL).info.as_ref().unwrap().calling.number, "1002");
    office.press(CAROL, Key::OffHook);
    office.open_all();
    assert_eq!(office.hears(BOB, CAROL), Some(false));
    assert_eq!(office.icon(BOB), Some(Authenticated));
    office.end();
}

#[test]
fn a_transfer_given_up_leaves_the_first_call_on_hold() {
    let mut office = office();
    office.connect(ALICE, "1002", BOB);
    office.press(ALICE, Key::Transfer);
    office.press(ALICE, Key::Transfer);
    let second = office.leg_in(ALICE, CallState::OffHook);
    assert_eq!(office.phones[ALICE].legs[&second].notices.len(), 1);
    office.press(ALICE, Key::EndCall);
    assert_eq!(office.leg(ALICE).state, Some(CallState::Hold));
    office.press(ALICE, Key::Resume);
    office.open_all();
    assert_eq!(office.icon(BOB), Some(Encrypted));
    office.end();
}

// R: GEN-09, GEN-11
#[test]
fn a_conference_is_never_secure_and_two_who_are_left_are_again() {
    let mut office = office();
    office.arrive("SEP000000000009", profile(Encrypted, None, &["1009"]));
    office.connect(ALICE, "1002", BOB);
    office.press(ALICE, Key::Conference);
    office.dial(ALICE, "1009");
    office.press("SEP000000000009", Key::Answer);
    office.open_all();
    office.press(ALICE, Key::Conference);
    office.open_all();
    for name in [ALICE, BOB, "SEP000000000009"] {
        assert_eq!(office.icon(name), Some(NonSecure));
        assert!(office.hears_resource(name) && office.leg(name).info.as_ref().unwrap().conference);
    }
    office.press(ALICE, Key::OnHook);
    office.open_all();
    assert_eq!(office.icon(BOB), Some(Encrypted));
    assert_eq!(office.hears(BOB, "SEP000000000009"), Some(true));
    office.end();
}

// R: GEN-09
#[test]
fn a_meet_me_conference_is_not_secure() {
    let mut office = office();
    office.press(BOB, Key::NewCall);
    office.dial(BOB, "8001");
    assert_eq!(office.leg(BOB).state, Some(CallState::InvalidNumber));
    office.press(BOB, Key::EndCall);
    office.press(ALICE, Key::MeetMe);
    office.dial(ALICE, "8001");
    office.open_all();
    for name in [BOB, CAROL] {
        office.press(name, Key::Number("8001".to_owned()));
        office.open_all();
        assert_eq!(office.icon(name), Some(NonSecure));
        assert!(office.hears_resource(name) && office.hears_resource(ALICE));
    }
    office.press(ALICE, Key::EndCall);
    office.press(BOB, Key::EndCall);
    assert_eq!(office.icon(CAROL), Some(NonSecure));
    office.end();
}

// R: GEN-10
#[test]
fn a_shared_line_shows_what_the_other_telephone_does() {
    let mut office = office();
    office.arrive(ANNE, profile(NonSecure, None, &["1001"]));
    office.connect(BOB, "1001", ALICE);
    let anne = office.leg(ANNE);
    assert_eq!((anne.state, anne.keys), (Some(CallState::InUseRemote), Some(KeySet::InUseRemote)));
    // The one that shares the line and is not in the call takes nothing from its status.
    assert_eq!(office.icon(ALICE), Some(Encrypted));
    office.press(ALICE, Key::Hold);
    assert_eq!(office.leg(ANNE).state, Some(CallState::Hold));
    assert_eq!(office.leg(ANNE).keys, Some(KeySet::Stealable));
    let leg = office.leg_in(ANNE, CallState::Hold);
    office.press_for(ANNE, None, Some(leg), Key::Resume);
    office.open_all();
    assert_eq!(office.leg(ALICE).state, Some(CallState::InUseRemote));
    assert_eq!((office.icon(ANNE), office.icon(BOB)), (Some(NonSecure), Some(NonSecure)));
    assert_eq!(office.hears(ANNE, BOB), Some(false));
    office.press(BOB, Key::OnHook);
    assert!(office.phones[ALICE].legs.is_empty() && office.phones[ANNE].legs.is_empty());
    office.end();
}

#[test]
fn calls_of_private_telephones_are_nobody_elses_business() {
    let mut office = office();
    let mut private = profile(Encrypted, None, &["1001"]);
    private.private = true;
    office.arrive(ALICE, private);
    office.connect(ALICE, "1002", BOB);
    let anne = office.leg(ANNE);
    assert_eq!((anne.state, anne.keys), (Some(CallState::InUsePrivately), Some(KeySet::OnHook)));
    assert_eq!(anne.info, None);
    office.press(ANNE, Key::Barge);
    office.press(ANNE, Key::ConferenceBarge);
    assert_eq!(office.leg(ANNE).state, Some(CallState::InUsePrivately));
    office.end();
}

#[test]
fn a_key_hides_calls_and_shows_them_again() {
    let mut office = office();
    office.connect(ALICE, "1002", BOB);
    assert_eq!(office.leg(ANNE).state, Some(CallState::InUseRemote));
    office.press(ALICE, Key::Privacy);
    let anne = office.leg(ANNE);
    assert_eq!((anne.state, anne.keys), (Some(CallState::InUsePrivately), Some(KeySet::OnHook)));
    assert_eq!(office.leg(ALICE).prompt, Some(Prompt::Private));
    office.press(ANNE, Key::Barge);
    assert_eq!(office.leg(ANNE).state, Some(CallState::InUsePrivately));
    office.press(ALICE, Key::Privacy);
    assert_eq!(office.leg(ANNE).state, Some(CallState::InUseRemote));
    assert_eq!(office.leg(ANNE).info.as_ref().unwrap().called.number, "1002");
    assert_eq!(office.leg(ALICE).prompt, Some(Prompt::Connected));
    // Bob's line is his alone: there is nobody to hide anything from.
    office.press(BOB, Key::Privacy);
    assert_eq!(office.leg(BOB).prompt, Some(Prompt::Connected));
    office.end();
}

#[test]
fn a_second_call_waits_and_a_third_is_busy() {
    let mut office = office();
    office.connect(ALICE, "1002", BOB);
    office.press(CAROL, Key::Number("1002".to_owned()));
    assert_eq!(office.phones[BOB].ring, Ring::Waiting);
    office.press(DAVE, Key::Number("1002".to_owned()));
    assert_eq!(
        (office.leg(DAVE).state, office.leg(DAVE).tone),
        (Some(CallState::Busy), Some(Tone::Busy))
    );
    office.press(DAVE, Key::OnHook);
    assert_eq!(office.records[0].end, CallEnd::Busy);
    // Answering puts the first call on hold.
    office.press(BOB, Key::Answer);
    office.open_all();
    assert!(office.hears_resource(ALICE));
    assert_eq!((office.icon(ALICE), office.icon(CAROL)), (Some(NonSecure), Some(Authenticated)));
    office.end();
}

#[test]
fn calls_are_forwarded_always_when_busy_and_when_nobody_answers() {
    let mut office = office();
    office.press(BOB, Key::ForwardAll);
    office.dial(BOB, "1003");
    assert_eq!(office.forwards, [("1002".to_owned(), Some("1003".to_owned()))]);
    office.press(ALICE, Key::Number("1002".to_owned()));
    let redirected = office.leg(CAROL).info.as_ref().unwrap().redirected.clone().unwrap();
    assert_eq!((redirected.from.number.as_str(), redirected.reason), ("1002", Reason::ForwardAll));
    office.press(ALICE, Key::EndCall);
    office.press(BOB, Key::ForwardAll);
    assert_eq!(office.forwards[1], ("1002".to_owned(), None));

    let no_answer = Some("1004".to_owned());
    let forwards = Forwards { no_answer, busy: Some("1003".to_owned()), ..Forwards::default() };
    office.switchboard.set_forwards("1002", forwards);
    office.press(ALICE, Key::Redial);
    assert_eq!(office.phones[BOB].ring, Ring::Inside);
    office.pass(Duration::from_secs(12));
    assert_eq!(office.phones[BOB].ring, Ring::Off);
    assert_eq!(office.leg(DAVE).state, Some(CallState::RingIn));
    let redirected = office.leg(DAVE).info.as_ref().unwrap().redirected.clone().unwrap();
    assert_eq!(redirected.reason, Reason::NoAnswer);
    office.pass(Duration::from_secs(180));
    assert_eq!(office.leg(ALICE).tone, Some(Tone::Reorder));
    office.pass(Duration::from_secs(60));
    assert_eq!(office.leg(ALICE).tone, Some(Tone::Howler));
    office.end();

    // Busy: at her second call, then everybody else's goes elsewhere.
    let busy = Forwards { busy: Some("1004".to_owned()), ..Forwards::default() };
    office.switchboard.set_forwards("1003", busy);
    for (caller, number) in [(ALICE, "1003"), (BOB, "1003")] {
        office.press(caller, Key::Number(number.to_owned()));
    }
    assert_eq!(office.phones[CAROL].legs.len(), 2);
    assert_eq!(office.phones[DAVE].legs.len(), 0);
    office.press(ANNE, Key::Number("1003".to_owned()));
    let redirected = office.leg(DAVE).info.as_ref().unwrap().redirected.clone().unwrap();
    assert_eq!((redirected.from.number.as_str(), redirected.reason), ("1003", Reason::Busy));
    office.end();

    // Two lines that forward to each other do not keep us busy.
    let to = |number: &str| Forwards { all: Some(number.to_owned()), ..Forwards::default() };
    office.switchboard.set_forwards("1002", to("1003"));
    office.switchboard.set_forwards("1003", to("1002"));
    office.press(ALICE, Key::Number("1002".to_owned()));
    assert_eq!(office.leg(ALICE).state, Some(CallState::Congestion));
    office.end();
}

#[test]
fn who_does_not_dial_hears_so() {
    let mut office = office();
    office.press(ALICE, Key::OffHook);
    office.pass(Duration::from_secs(15));
    assert_eq!(office.leg(ALICE).tone, Some(Tone::Reorder));
    office.press(ALICE, Key::OnHook);
    office.press(ALICE, Key::OffHook);
    office.dial(ALICE, "10");
    office.press(ALICE, Key::Backspace);
    office.pass(Duration::from_secs(10));
    assert_eq!(office.leg(ALICE).tone, Some(Tone::NoSuchNumber));
    office.press(ALICE, Key::OnHook);
    office.press(ALICE, Key::OffHook);
    office.dial(ALICE, "2");
    assert_eq!(office.leg(ALICE).state, Some(CallState::InvalidNumber));
    office.end();
}

#[test]
fn media_that_cannot_be_had_ends_the_call_with_an_alarm() {
    let mut provoked = Provoked::default();
    let mut office = office();
    office.begin(ALICE, "1002", BOB);
    office.pass(Duration::from_secs(5));
    assert_eq!(office.leg(ALICE).tone, Some(Tone::Reorder));
    assert!(office.phones.values().all(|phone| phone.streams.is_empty()));
    office.end();
    for refused in [MediaRefused::Status(2), MediaRefused::Encryption] {
        office.begin(ALICE, "1002", BOB);
        let (owner, stream) = office.unanswered[0].clone();
        office.answer(owner, stream, Err(refused));
        assert_eq!(office.leg(BOB).tone, Some(Tone::Reorder));
        office.end();
    }
    office.connect(ALICE, "1002", BOB);
    let stream = *office.phones[ALICE].streams.keys().next().unwrap();
    let before = office.alarms.len();
    for _ in 0..3 {
        office.handle(Event::MediaFailed { by: Owner::Device(ALICE.into()), stream });
    }
    assert_eq!((office.icon(ALICE), office.alarms.len()), (Some(Encrypted), before + 1));
    office.end();
    let mut deaf = profile(Encrypted, None, &["1005"]);
    deaf.codecs.clear();
    office.arrive("SEP000000000005", deaf);
    office.begin(ALICE, "1005", "SEP000000000005");
    assert_eq!(office.leg(ALICE).state, Some(CallState::Congestion));
    office.end();
    for alarm in &office.alarms {
        provoked.note(alarm);
    }
    let call = ringfence_callmanager::switchboard::CallId(1);
    provoked.note(&CallAlarm::NoRandomness { call, error: "no entropy".to_owned() });
    // These are provoked with the relay.
    provoked.note(&CallAlarm::Unreachable { call });
    for refused in [RelayRefused::NoneInService, RelayRefused::Code(403), RelayRefused::NoAnswer] {
        provoked.note(&CallAlarm::NoRelay { call, refused });
    }
    assert_eq!(provoked.missing(messages::calls::ALL), Vec::<&str>::new());
}

#[test]
fn by_policy_a_call_goes_on_without_keys_and_shows_so() {
    let mut office = office_with(Settings { plain_fallback: true, ..Settings::default() });
    office.begin(ALICE, "1002", BOB);
    let (owner, stream) = office.unanswered[0].clone();
    office.answer(owner, stream, Err(MediaRefused::Encryption));
    office.open_all();
    assert_eq!(office.hears(ALICE, BOB), Some(false));
    assert_eq!((office.icon(ALICE), office.icon(BOB)), (Some(Authenticated), Some(Authenticated)));
    office.end();
}

#[test]
fn a_lost_telephone_keeps_its_media_until_the_other_hangs_up() {
    let mut office = office();
    office.connect(ALICE, "1002", BOB);
    office.lose(ALICE);
    assert_eq!(office.icon(BOB), Some(Encrypted));
    assert_eq!(office.leg(BOB).keys, Some(KeySet::RingOut));
    assert_eq!(office.phones[BOB].streams.len(), 1);
    office.press(BOB, Key::Hold);
    assert_eq!(office.leg(BOB).state, Some(CallState::Connected));
    // It comes back, and is told nothing of the old call.
    office.arrive(ALICE, profile(Encrypted, None, &["1001"]));
    assert!(office.phones[ALICE].streams.is_empty());
    office.press(BOB, Key::OnHook);
    assert!(office.phones[BOB].streams.is_empty() && office.phones[ALICE].legs.is_empty());
    office.end();
}

#[test]
fn a_telephone_lost_in_any_other_state_leaves_nothing_behind() {
    // While it dials, calls, rings, and holds.
    for state in 0..4 {
        let mut office = office();
        match state {
            0 => office.press(ALICE, Key::OffHook),
            1 => office.press(ALICE, Key::Number("1002".to_owned())),
            2 => office.press(BOB, Key::Number("1001".to_owned())),
            _ => {
                office.connect(ALICE, "1002", BOB);
                office.press(ALICE, Key::Hold);
            }
        }
        office.lose(ALICE);
        office.lose(ANNE);
        match state {
            2 => assert_eq!(office.leg(BOB).tone, Some(Tone::Reorder)),
            _ => assert!(office.phones[BOB].legs.is_empty()),
        }
        office.end();
    }
}

#[test]
fn ids_of_others_are_ignored() {
    let mut office = office();
    office.begin(ALICE, "1002", BOB);
    let (_, stream) = office.unanswered[0].clone();
    office.answer(Owner::Device(DAVE.into()), stream, Ok(address(stream)));
    office.answer(Owner::Resource, stream, Ok(address(stream)));
    let leg = *office.phones[ALICE].legs.keys().next().unwrap();
    office.press_for(DAVE, None, Some(leg), Key::EndCall);
    office.press_for(ALICE, Some(7), None, Key::NewCall);
    assert_eq!(office.switchboard.counters().ignored, 4);
    assert_eq!(office.leg(ALICE).state, Some(CallState::Connected));
    assert!(office.phones[DAVE].legs.is_empty());
    office.end();
}

#[test]
fn digits_reach_the_other_side() {
    let mut office = office();
    office.connect(ALICE, "1002", BOB);
    office.press(ALICE, Key::Digit('5'));
    office.press(BOB, Key::Digit('#'));
    assert_eq!(office.leg(BOB).sounds, [Tone::Dtmf('5')]);
    assert_eq!(office.leg(ALICE).sounds, [Tone::Dtmf('#')]);
    // In a conference everybody hears them but the one who presses.
    office.press(ALICE, Key::Conference);
    office.dial(ALICE, "1004");
    office.press(DAVE, Key::Answer);
    office.press(ALICE, Key::Conference);
    office.open_all();
    office.press(DAVE, Key::Digit('1'));
    assert_eq!(office.leg(BOB).sounds, [Tone::Dtmf('5'), Tone::Dtmf('1')]);
    assert_eq!(office.leg(ALICE).sounds, [Tone::Dtmf('#'), Tone::Dtmf('1')]);
    assert!(office.leg(DAVE).sounds.is_empty());
    // Nobody hears those pressed while the other is on hold.
    office.end();
    office.connect(ALICE, "1002", BOB);
    office.press(ALICE, Key::Hold);
    let ignored = office.switchboard.counters().ignored;
    office.press(BOB, Key::Digit('7'));
    assert_eq!(office.switchboard.counters().ignored, ignored + 1);
    office.end();
}

// R: GEN-18
#[test]
fn wideband_gives_way_to_encryption() {
    let settings = || {
        let regions = Regions { default: 256, ..Regions::default() };
        Settings { regions, ..Settings::default() }
    };
    let wide = |security, encrypts_wideband, number: &str| {
        let codecs = vec![Codec::WIDEBAND, Codec::G711_ULAW];
        Profile { codecs, encrypts_wideband, ..profile(security, None, &[number]) }
    };
    for (a, b, both, expected) in [
        (Encrypted, Encrypted, false, Codec::G711_ULAW),
        (Encrypted, Encrypted, true, Codec::WIDEBAND),
        (Encrypted, Authenticated, false, Codec::WIDEBAND),
        (Encrypted, NonSecure, false, Codec::WIDEBAND),
    ] {
        let mut office = office_with(settings());
        office.arrive(ALICE, wide(a, true, "1001"));
        office.arrive(BOB, wide(b, both, "1002"));
        office.connect(ALICE, "1002", BOB);
        let stream = office.phones[ALICE].streams.values().next().unwrap();
        assert_eq!(stream.transmit.as_ref().unwrap().1, expected);
        office.end();
    }
}
