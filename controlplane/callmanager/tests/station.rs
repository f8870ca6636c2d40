//! Telephones that register and call over SCCP, message by message.

mod site;

use std::time::Duration;

use proptest::prelude::*;
use ringfence_callmanager::security::Security::{self, Authenticated, Encrypted, NonSecure};
use ringfence_callmanager::station::Close;
use ringfence_callmanager::switchboard::{MediaCommand, MediaOrder};
use sccp::codes::{ButtonType, CallStatus, Key, MediaStatus, ResetKind, SecurityStatus, Tone};
use sccp::phone::*;
use sccp::server::*;
use sccp::{Address, CallRef, LineInstance, Message, Number, Port, Text, Version};
use site::{Site, equipment, press, register};

const A: &str = "SEP000000000001";
const B: &str = "SEP000000000002";

fn names(messages: &[Message]) -> Vec<String> {
    messages.iter().map(|message| message.id().to_string()).collect()
}

fn two(a: Security, b: Security) -> Site {
    let mut site = Site::default();
    site.register(A, equipment(a, "1001"));
    site.register(B, equipment(b, "1002"));
    site
}

#[test]
fn a_telephone_registers_in_any_order_of_its_questions() {
    let mut site = Site::default();
    site.connect(A, equipment(NonSecure, "1001"));
    let alarm = Alarm { text: Text::from("25: Name=A\x1b Last=Initialized"), ..Alarm::default() };
    site.say(A, alarm);
    site.say(A, register(A, 11));
    let said = site.heard(A);
    assert_eq!(names(&said), ["RegisterAck", "CapabilitiesReq"]);
    let Message::RegisterAck(ack) = &said[0] else { panic!() };
    assert_eq!((ack.keep_alive_interval, ack.protocol_version), (30, 11));
    for (question, expected) in [
        (Message::from(SoftKeyTemplateReq), &["SoftKeyTemplateRes"][..]),
        (SoftKeySetReq.into(), &["SoftKeySetRes", "SelectSoftKeys"]),
        (LineStatReq { line: LineInstance(1) }.into(), &["LineStat"]),
        (LineStatReq { line: LineInstance(9) }.into(), &["LineStat"]),
        (ForwardStatReq { line: LineInstance(1) }.into(), &["ForwardStat"]),
        (SpeedDialStatReq { number: 1 }.into(), &["SpeedDialStat"]),
        (ConfigStatReq.into(), &["ConfigStat"]),
        (VersionReq.into(), &["VersionRes"]),
        (ServerReq.into(), &["ServerRes"]),
        (KeepAlive.into(), &["KeepAliveAck"]),
    ] {
        site.say(A, question);
        assert_eq!(names(&site.heard(A)), expected);
    }
    assert_eq!(site.non_secure(), 0);
    site.say(A, site::capabilities());
    site.say(A, ButtonTemplateReq);
    // It can be called from here on.
    assert_eq!(site.non_secure(), 1);
    site.say(A, TimeDateReq);
    let said = site.heard(A);
    assert_eq!(names(&said), ["ButtonTemplate", "DefineTimeDate", "SetLamp"]);
    let Message::ButtonTemplate(template) = &said[0] else { panic!() };
    let kinds: Vec<_> = template.buttons.entries.iter().map(|button| button.kind).collect();
    assert_eq!(kinds, [ButtonType::LINE, ButtonType::SPEED_DIAL]);
    assert_eq!(site.alarms, ["25: Name=A Last=Initialized"]);
}

// R: MED-02, MED-03, GEN-10
#[test]
fn a_call_goes_up_the_ladder_with_keys_crosswise() {
    let mut site = two(Encrypted, Encrypted);
    site.say(A, OffHook::default());
    let said = site.heard(A);
    let Some(Message::CallState(state)) = said.iter().find(|m| matches!(m, Message::CallState(_)))
    else {
        panic!("{said:?}")
    };
    assert_eq!(state.state, CallStatus::OFF_HOOK);
    let call = state.call;
    for digit in "1002".chars() {
        let button = Key::of(digit).unwrap();
        site.say(A, KeypadButton { button, line: LineInstance(1), call });
    }
    let rings = site.heard(B);
    for expected in ["SetRinger", "SetLamp", "CallState", "SelectSoftKeys", "CallInfo"] {
        assert!(names(&rings).iter().any(|name| name == expected), "{expected}: {rings:?}");
    }
    assert!(names(&site.heard(A)).iter().any(|name| name == "DialedNumber"));

    let answer = site.soft_key(B, 11);
    site.say(B, answer);
    let opens: Vec<_> = [A, B].map(|name| site.opened(name)).into();
    for open in &opens {
        assert_eq!((open.ms_per_packet, open.conference), (20, opens[0].conference));
    }
    let [k2, k1] = [&opens[0], &opens[1]].map(|open| open.encryption.keying().unwrap().unwrap());
    assert_ne!(k1, k2);
    site.acknowledge(A, &opens[0], [10, 0, 0, 1]);
    site.acknowledge(B, &opens[1], [10, 0, 0, 1]);
    let said = [A, B].map(|name| site.heard(name));
    let starts = [&said[0], &said[1]].map(|said| {
        let start = said.iter().find_map(|message| match message {
            Message::StartMediaTransmission(start) => Some(start.clone()),
            _ => None,
        });
        start.unwrap_or_else(|| panic!("{said:?}"))
    });
    // A encrypts with the first set and decrypts with the second, B the reverse.
    assert_eq!(starts[0].encryption.keying().unwrap().unwrap(), k1);
    assert_eq!(starts[1].encryption.keying().unwrap().unwrap(), k2);
    // The icon follows the keys.
    for said in &said {
        let icon = said.iter().rev().find_map(|message| match message {
            Message::CallInfo(info) => Some(info.security),
            _ => None,
        });
        assert_eq!(icon, Some(SecurityStatus::ENCRYPTED), "{said:?}");
        let start = names(said).iter().position(|name| name == "StartMediaTransmission");
        assert!(start < names(said).iter().rposition(|name| name == "CallInfo"));
    }

    site.say(A, OnHook { line: LineInstance(1), call });
    for name in [A, B] {
        let said = names(&site.heard(name));
        let place = |wanted: &str| said.iter().position(|name| name == wanted);
        for before in ["CloseReceiveChannel", "StopMediaTransmission", "ConnectionStatisticsReq"] {
            assert!(place(before).unwrap() < place("CallState").unwrap(), "{said:?}");
        }
        assert!(place("DefineTimeDate").is_some());
    }
    assert!(site.is_idle());
}

// R: GEN-09, GEN-10
#[test]
fn no_key_is_written_where_the_other_end_is_not_encrypted() {
    for (other, expected) in [
        (Authenticated, SecurityStatus::AUTHENTICATED),
        (NonSecure, SecurityStatus::NOT_AUTHENTICATED),
    ] {
        let mut site = two(Encrypted, other);
        site.say(A, EnblocCall { called_party: Number::new("1002"), ..EnblocCall::default() });
        site.say(B, OffHook::default());
        for name in [A, B] {
            let open = site.opened(name);
            assert_eq!(open.encryption.keying(), Ok(None));
            site.acknowledge(name, &open, [10, 0, 0, 1]);
        }
        assert_eq!(site.icon(A), expected);
        assert_eq!(site.icon(B), expected);
    }
}

#[test]
fn keys_that_are_not_shown_do_nothing() {
    let mut site = two(NonSecure, NonSecure);
    for event in [0, 3, 9, 21, 33, u32::MAX] {
        site.say(A, press(event, CallRef(0)));
    }
    for stimulus in [ButtonType::PARK, ButtonType(0x999)] {
        site.say(A, Stimulus { stimulus, ..Stimulus::default() });
    }
    site.say(A, OffHook { line: LineInstance(7), call: CallRef(0) });
    site.say(A, OffHook { line: LineInstance(1), call: CallRef(4711) });
    site.say(A, KeypadButton { button: Key(0x11), ..KeypadButton::default() });
    let called_party = Number::new("10\u{7f}02");
    site.say(A, EnblocCall { called_party, ..EnblocCall::default() });
    assert!(site.heard(A).is_empty() && site.is_idle());
    assert_eq!(site.violations(A), 11);
    // A key that is shown with another leg is not shown with this one.
    site.say(A, OffHook::default());
    site.heard(A);
    site.say(A, press(2, CallRef(1)));
    assert!(site.heard(A).is_empty());
}

#[test]
fn speed_dials_and_line_buttons_call() {
    let mut site = two(NonSecure, NonSecure);
    let button = |stimulus| Stimulus { stimulus, instance: LineInstance(1), ..Default::default() };
    site.say(A, button(ButtonType::SPEED_DIAL));
    let rings = site.heard(B);
    assert!(names(&rings).iter().any(|name| name == "SetRinger"));
    site.say(B, button(ButtonType::LINE));
    assert!(names(&site.heard(B)).iter().any(|name| name == "OpenReceiveChannel"));
    site.say(B, button(ButtonType::HOLD));
    assert!(names(&site.heard(B)).iter().any(|name| name == "CloseReceiveChannel"));
    site.say(B, button(ButtonType::LINE));
    assert!(names(&site.heard(B)).iter().any(|name| name == "OpenReceiveChannel"));
}

#[test]
fn media_goes_to_nobody_who_did_not_ask_for_it() {
    for (address, port) in [
        ([0, 0, 0, 0], 16_384),
        ([127, 0, 0, 1], 16_384),
        ([224, 0, 0, 1], 16_384),
        ([255, 255, 255, 255], 16_384),
        ([10, 0, 0, 99], 16_384),
        ([10, 0, 0, 1], 0),
        ([10, 0, 0, 1], 65_536),
    ] {
        let mut site = two(NonSecure, NonSecure);
        site.say(A, EnblocCall { called_party: Number::new("1002"), ..EnblocCall::default() });
        site.say(B, OffHook::default());
        let open = site.opened(A);
        site.say(
            A,
            OpenReceiveChannelAck {
                status: MediaStatus::OK,
                address: Address::V4(address.into()),
                port: Port(port),
                party: open.party,
                call: open.call,
            },
        );
        let reorder = site.heard(B).into_iter().any(
            |message| matches!(message, Message::StartTone(start) if start.tone == Tone::REORDER),
        );
        assert!(reorder, "{address:?}:{port}");
    }
}

#[test]
fn whoever_is_refused_reads_why() {
    let mut site = Site::default();
    site.connect_stranger(A);
    site.say(A, register(A, 11));
    let said = site.heard(A);
    let Message::RegisterReject(reject) = &said[0] else { panic!("{said:?}") };
    assert_eq!(reject.text, Text::from("not configured"));
    assert_eq!(site.closed[A], Close::Refused);
}

#[test]
fn telephones_leave_and_are_sent_away() {
    let mut site = two(NonSecure, NonSecure);
    site.say(A, OffHook::default());
    site.heard(A);
    site.say(A, Unregister::default());
    let said = site.heard(A);
    assert!(matches!(&said[0], Message::UnregisterAck(ack) if ack.status.0 == 2), "{said:?}");
    site.say(A, OnHook::default());
    site.say(A, Unregister::default());
    assert_eq!(site.closed[A], Close::Unregistered);
    assert_eq!(site.non_secure(), 1);

    site.reset(B, ResetKind::RESTART);
    assert_eq!(names(&site.heard(B)), ["Reset"]);
    site.pass(Duration::from_secs(10));
    assert_eq!(site.closed[B], Close::Reset);
    assert_eq!(site.non_secure(), 0);
}

#[test]
fn a_telephone_that_registers_again_begins_anew() {
    let mut site = two(NonSecure, NonSecure);
    site.say(A, OffHook::default());
    site.say(A, register(A, 11));
    assert!(site.is_idle());
    assert!(names(&site.heard(A)).ends_with(&["RegisterAck".into(), "CapabilitiesReq".into()]));
    site.say(A, register(B, 11));
    assert_eq!(site.closed[A], Close::OtherName);
    assert!(!site.closed.contains_key(B));
}

#[test]
fn silence_is_noticed() {
    let mut site = two(NonSecure, NonSecure);
    site.pass(Duration::from_secs(50));
    site.say(A, KeepAlive);
    site.pass(Duration::from_secs(20));
    assert_eq!(site.closed.get(B), Some(&Close::Silent));
    assert!(!site.closed.contains_key(A));
    for (say, wait, reason) in [
        (None, 10, Close::NotRegistered),
        (Some(Message::from(Alarm::default())), 30, Close::NotRegistered),
        // It stands by.
        (Some(KeepAlive.into()), 120, Close::Silent),
    ] {
        site.connect_stranger("X");
        if let Some(message) = say {
            site.say("X", message);
        }
        site.pass(Duration::from_secs(wait - 1));
        assert!(!site.closed.contains_key("X"), "{reason:?}");
        site.pass(Duration::from_secs(1));
        assert_eq!(site.closed.remove("X"), Some(reason));
    }
    site.connect_stranger("X");
    site.bytes("X", &[4, 0, 0]);
    site.pass(Duration::from_secs(10));
    assert_eq!(site.closed["X"], Close::Unfinished);
}

#[test]
fn floods_end_the_connection_and_nobody_elses() {
    for (message, count) in [
        (Message::from(KeepAlive), 201),
        (Message::decode(sccp::MessageId(0x7777), &[], Version::V11).unwrap().message, 101),
    ] {
        let mut site = two(NonSecure, NonSecure);
        site.pass(Duration::from_secs(10));
        for _ in 0..count {
            assert!(!site.closed.contains_key(A));
            site.say(A, message.clone());
        }
        assert_eq!(site.closed[A], Close::Flood);
        assert!(!site.closed.contains_key(B));
    }
    let mut site = Site::default();
    site.connect_stranger(A);
    for _ in 0..21 {
        site.say(A, OffHook::default());
    }
    assert_eq!(site.closed[A], Close::Flood);
    for (bytes, sound) in [(&[3, 0, 0, 0][..], true), (&[0xff; 4], true), (&HEADER_23, false)] {
        site.connect_stranger(A);
        site.bytes(A, bytes);
        let closed = site.closed.remove(A).unwrap();
        assert_eq!(matches!(closed, Close::Stream(_)), sound, "{closed:?}");
    }
}

const HEADER_23: [u8; 12] = [4, 0, 0, 0, 23, 0, 0, 0, 0, 0, 0, 0];

#[test]
fn what_only_servers_say_is_counted() {
    let mut site = two(NonSecure, NonSecure);
    site.say(A, CallInfo::default());
    site.say(A, StartTone::default());
    assert_eq!(site.violations(A), 2);
    assert!(site.heard(A).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Messages of any kind with any body, from a stranger and from a telephone that is served.
    #[test]
    fn no_telephone_can_break_it(
        bodies in proptest::collection::vec(
            (0u32..0x60, proptest::collection::vec(any::<u8>(), 0..40)), 0..40),
        version in 3u8..20,
        registered: bool,
    ) {
        let mut site = two(Encrypted, NonSecure);
        if registered {
            site.connect(A, equipment(Encrypted, "1001"));
            site.say(A, register(A, version));
        } else {
            site.connect_stranger(A);
        }
        for (id, body) in bodies {
            let length = u32::try_from(body.len() + 4).unwrap();
            let header = [length, 0, id].map(u32::to_le_bytes).concat();
            site.bytes(A, &[header, body].concat());
        }
        site.pass(Duration::from_secs(1000));
        prop_assert!(site.closed.contains_key(A));
    }
}

#[test]
fn a_device_is_on_one_connection_at_a_time() {
    let mut site = two(NonSecure, NonSecure);
    let call = EnblocCall { called_party: Number::new("1002"), ..EnblocCall::default() };
    site.say(A, call.clone());
    site.register(A, equipment(NonSecure, "1001"));
    assert_eq!(site.closed.remove("replaced"), Some(Close::Superseded));
    // The call of the old connection has ended, and the new one can make its own.
    assert!(site.is_idle() && site.non_secure() == 2);
    site.heard(B);
    site.say(A, call);
    assert!(names(&site.heard(B)).iter().any(|name| name == "SetRinger"));
    site.lose(A);
    assert!(site.is_idle() && site.non_secure() == 1);
    assert_eq!(site.exchange.connection(A), None);
    assert!(site.exchange.connection(B).is_some());
}

#[test]
fn music_is_asked_for_what_a_held_party_hears() {
    let mut site = two(NonSecure, NonSecure);
    site.say(A, EnblocCall { called_party: Number::new("1002"), ..EnblocCall::default() });
    site.say(B, OffHook::default());
    let early = site.opened(A);
    site.say(B, press(3, CallRef(0)));
    // An answer that comes late opens nothing.
    site.acknowledge(A, &early, [10, 0, 0, 1]);
    assert!(site.resources.is_empty());
    let open = site.opened(A);
    site.acknowledge(A, &open, [10, 0, 0, 1]);
    let sends = |order: &MediaOrder| matches!(order.command, MediaCommand::StartTransmit { .. });
    assert!(site.resources.len() == 1 && sends(&site.resources[0]), "{:?}", site.resources);
}
