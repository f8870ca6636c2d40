//! What telephones show of calls.

use std::time::Duration;

use ringfence_phone::station::{Event, Icon, Key, NotPossible};
use ringfence_phone::{Model, SecurityMode};
use sccp::CallRef;
use sccp::codes::{ButtonType, CallStatus, LampMode, Phrase, RingMode, Tone};

use crate::site::{A, B, C, Site};

use SecurityMode::{Authenticated, Encrypted, NonSecure};

const NEW: Model = Model::M7970;
const OLD: Model = Model::M7960;

#[test]
fn a_call_rings_is_answered_and_ends() {
    let mut site = Site::office(&[(OLD, NonSecure), (NEW, NonSecure)]);
    site.press(A, Key::OffHook);
    let call = site.active(A);
    assert_eq!((call.state, call.tone), (CallStatus::OFF_HOOK, Some(Tone::INSIDE_DIAL)));
    assert_eq!(call.text().to_string(), "Enter Number");
    "1002".chars().for_each(|digit| site.press(A, Key::Digit(digit)));
    assert_eq!(site.active(A).state, CallStatus::RING_OUT);
    assert_eq!(site.active(A).tone, Some(Tone::ALERTING));
    assert_eq!(site.display(A).last_number, "1002");
    let rings = site.display(B).ringing().unwrap();
    assert_eq!(rings.text().to_string(), "From 1001");
    assert_eq!(rings.other().unwrap().name.to_string(), "User 1001");
    assert_eq!(site.keys(B, rings.call), ["Answer"]);
    assert_eq!(site.display(B).ring, Some(RingMode::INSIDE));
    assert_eq!(site.display(B).lines[0].lamp, LampMode::BLINK);

    site.soft(B, Phrase::ANSWER);
    assert!(site.display(B).speaker && !site.display(A).speaker);
    for phone in [A, B] {
        assert_eq!(site.active(phone).state, CallStatus::CONNECTED);
        assert_eq!(site.active(phone).tone, None);
        assert_eq!(site.icon(phone), Icon::None);
        assert_eq!(site.display(phone).lines[0].lamp, LampMode::ON);
        assert_eq!(
            site.keys(phone, site.active(phone).call),
            ["Hold", "EndCall", "Trnsfer", "Confrn"]
        );
    }
    assert_eq!((site.hears(A, B), site.hears(B, A)), (Some(false), Some(false)));
    site.press(A, Key::OnHook);
    assert!(site.is_idle() && !site.display(B).speaker);
    assert_eq!(site.display(B).lines[0].lamp, LampMode::OFF);
    assert_eq!(site.keys(B, CallRef(0)), ["Redial", "NewCall", "CFwdAll", "MeetMe"]);
}

// R: GEN-10, GEN-11
#[test]
fn the_icon_is_that_of_the_weakest() {
    for (a, b, icon) in [
        (Encrypted, Encrypted, Icon::Lock),
        (Encrypted, Authenticated, Icon::Shield),
        (Authenticated, Authenticated, Icon::Shield),
        (Encrypted, NonSecure, Icon::None),
        (Authenticated, NonSecure, Icon::None),
        (NonSecure, NonSecure, Icon::None),
    ] {
        for (first, second) in [(a, b), (b, a)] {
            let mut site = Site::office(&[(NEW, first), (OLD, second)]);
            site.connect(A, B, "1002");
            assert_eq!((site.icon(A), site.icon(B)), (icon, icon), "{first} {second}");
            let encrypted = Some(icon == Icon::Lock);
            assert_eq!((site.hears(A, B), site.hears(B, A)), (encrypted, encrypted));
        }
    }
}

// R: GEN-11
#[test]
fn the_icon_changes_with_the_call() {
    let mut site = Site::office(&[(NEW, Encrypted), (OLD, Encrypted), (NEW, NonSecure)]);
    site.connect(A, B, "1002");
    let keys = |site: &Site| site.phones[A].sending.values().next().unwrap().keying.clone();
    let first = keys(&site);
    site.soft(A, Phrase::HOLD);
    assert_eq!(site.icon(B), Icon::None);
    site.soft(A, Phrase::RESUME);
    assert_eq!((site.icon(A), site.icon(B)), (Icon::Lock, Icon::Lock));
    assert_ne!(keys(&site), first, "each opening has keys of its own");
    let icons: Vec<_> = site
        .events(B)
        .into_iter()
        .filter_map(|event| match event {
            Event::Icon { icon, .. } => Some(icon).filter(|icon| *icon != Icon::Unknown),
            _ => None,
        })
        .collect();
    assert_eq!(icons, [Icon::Lock, Icon::None, Icon::Lock]);

    site.soft(A, Phrase::TRNSFER);
    "1003".chars().for_each(|digit| site.press(A, Key::Digit(digit)));
    site.press(C, Key::OffHook);
    site.soft(A, Phrase::TRNSFER);
    assert!(site.display(A).calls.is_empty());
    assert_eq!((site.icon(B), site.icon(C)), (Icon::None, Icon::None));
    assert_eq!((site.hears(B, C), site.hears(C, B)), (Some(false), Some(false)));
    site.press(C, Key::OnHook);
    assert!(site.is_idle());
}

#[test]
fn buttons_dial_answer_and_hold() {
    let mut site = Site::office(&[(OLD, NonSecure), (NEW, NonSecure)]);
    site.press(A, Key::SpeedDial(1));
    assert!(site.display(B).ringing().is_some());
    site.press(B, Key::Line(1));
    assert_eq!(site.active(A).state, CallStatus::CONNECTED);
    site.press(B, Key::Fixed(ButtonType::HOLD));
    assert_eq!(site.display(B).calls[0].state, CallStatus::HOLD);
    site.press(B, Key::Line(1));
    assert_eq!(site.active(B).state, CallStatus::CONNECTED);
    site.press(B, Key::Speaker);
    assert!(site.is_idle());
    site.press(A, Key::Number("1002".into()));
    site.press(B, Key::Speaker);
    assert_eq!(site.hears(A, B), Some(false));
    // From the speaker to the handset.
    site.press(A, Key::OffHook);
    assert_eq!(site.active(A).state, CallStatus::CONNECTED);
    site.soft(A, Phrase::END_CALL);
    assert!(site.is_idle());
}

#[test]
fn what_is_not_shown_cannot_be_pressed() {
    let mut site = Site::office(&[(OLD, NonSecure)]);
    let press = |site: &mut Site, key: Key| site.with(A, |station, now| station.press(now, key));
    for (key, expected) in [
        (Key::Soft(Phrase::HOLD), NotPossible::NotShown(Phrase::HOLD)),
        (Key::Line(2), NotPossible::NoButton),
        (Key::Line(0), NotPossible::NoButton),
        (Key::SpeedDial(9), NotPossible::NoButton),
        (Key::Digit('1'), NotPossible::NoCall),
        (Key::Digit('x'), NotPossible::NoKey('x')),
    ] {
        assert_eq!(press(&mut site, key), Err(expected));
    }
    site.stop_server(0);
    assert_eq!(press(&mut site, Key::OffHook), Err(NotPossible::NotRegistered));
}

// R: GEN-12, GEN-14, GEN-17
#[test]
fn barge_ends_as_the_models_can_do_it() {
    for (target, mode, initiator, icon) in [
        (NEW, Encrypted, Encrypted, Some(Icon::Lock)),
        (NEW, Encrypted, NonSecure, None),
        (OLD, Encrypted, Encrypted, None),
        (OLD, NonSecure, Encrypted, Some(Icon::None)),
        (NEW, Authenticated, NonSecure, Some(Icon::None)),
    ] {
        let mut site = Site::new(1);
        site.add(target, mode, "1001");
        site.add(NEW, mode, "1002");
        site.add(NEW, initiator, "1001");
        site.start_all();
        site.connect(A, B, "1002");
        let (before, at) = (site.icon(B), site.display(C).calls[0].call);
        assert_eq!(site.keys(C, at), ["NewCall", "Barge", "cBarge"]);
        site.events(C);
        site.soft(C, Phrase::BARGE);
        match icon {
            Some(icon) => {
                assert_eq!(site.icon(C), icon);
                assert_eq!(site.hears(C, A), Some(icon == Icon::Lock));
                assert_eq!(site.phones[A].sending.len(), 2);
                // A beep, and not a tone that goes on.
                assert_eq!(site.active(B).sound, Some(Tone::BARGE_IN));
                assert_eq!(site.active(B).tone, None);
                site.press(C, Key::OnHook);
            }
            None => {
                let heard = site.events(C);
                let refused = |event: &Event| {
                    matches!(event, Event::Tone { tone: Some(Tone::BUSY | Tone::REORDER), .. })
                };
                assert!(heard.iter().any(refused), "{heard:?}");
                assert_eq!(site.display(C).calls[0].state, CallStatus::IN_USE_REMOTE);
                let notice = site.display(C).calls[0].text().to_string();
                assert!(["Failed to setup Barge", "Incompatible device type"].contains(&&*notice));
                site.pass(Duration::from_secs(6));
                assert_eq!(site.display(C).calls[0].text().to_string(), "In Use Remote");
            }
        }
        assert_eq!(site.icon(B), before.min(icon.unwrap_or(before)).max(before.min(Icon::Shield)));
        site.press(A, Key::OnHook);
        assert!(site.is_idle());
    }
}
