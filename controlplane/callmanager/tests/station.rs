//! Telephones that register and call over SCCP, message by message.

mod exchange;

use std::net::IpAddr;
use std::time::Duration;

use exchange::{Exchange, equipment, press, register};
use proptest::prelude::*;
use ringfence_callmanager::security::Security::{self, Authenticated, Encrypted, NonSecure};
use ringfence_callmanager::station::{Close, Output, Station};
use sccp::codes::{ButtonType, CallStatus, Key, MediaStatus, ResetKind, SecurityStatus, Tone};
use sccp::phone::*;
use sccp::server::*;
use sccp::{
    Address, CallRef, LineInstance, Message, Number, Port, Secrecy, Session, Text, Version,
};

const A: &str = "SEP000000000001";
const B: &str = "SEP000000000002";

fn names(messages: &[Message]) -> Vec<String> {
    messages.iter().map(|message| message.id().to_string()).collect()
}

fn two(a: Security, b: Security) -> Exchange {
    let mut exchange = Exchange::default();
    exchange.register(A, equipment(a, "1001"));
    exchange.register(B, equipment(b, "1002"));
    exchange
}

#[test]
fn a_telephone_registers_in_any_order_of_its_questions() {
    let mut exchange = Exchange::default();
    exchange.connect(A, equipment(NonSecure, "1001"));
    let alarm = Alarm { text: Text::from("25: Name=A\x1b Last=Initialized"), ..Alarm::default() };
    exchange.say(A, alarm);
    exchange.say(A, register(A, 11));
    let said = exchange.heard(A);
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
        exchange.say(A, question);
        assert_eq!(names(&exchange.heard(A)), expected);
    }
    assert_eq!(exchange.switchboard.counters().devices.non_secure, 0);
    exchange.say(A, exchange::capabilities());
    exchange.say(A, ButtonTemplateReq);
    // It can be called from here on.
    assert_eq!(exchange.switchboard.counters().devices.non_secure, 1);
    exchange.say(A, TimeDateReq);
    let said = exchange.heard(A);
    assert_eq!(names(&said), ["ButtonTemplate", "DefineTimeDate", "SetLamp"]);
    let Message::ButtonTemplate(template) = &said[0] else { panic!() };
    let kinds: Vec<_> = template.buttons.entries.iter().map(|button| button.kind).collect();
    assert_eq!(kinds, [ButtonType::LINE, ButtonType::SPEED_DIAL]);
    assert_eq!(exchange.alarms, ["25: Name=A Last=Initialized"]);
}

// R: MED-02, MED-03, GEN-10
#[test]
fn a_call_goes_up_the_ladder_with_keys_crosswise() {
    let mut exchange = two(Encrypted, Encrypted);
    exchange.say(A, OffHook::default());
    let said = exchange.heard(A);
    let Some(Message::CallState(state)) = said.iter().find(|m| matches!(m, Message::CallState(_)))
    else {
        panic!("{said:?}")
    };
    assert_eq!(state.state, CallStatus::OFF_HOOK);
    let call = state.call;
    for digit in "1002".chars() {
        let button = Key::of(digit).unwrap();
        exchange.say(A, KeypadButton { button, line: LineInstance(1), call });
    }
    let rings = exchange.heard(B);
    for expected in ["SetRinger", "SetLamp", "CallState", "SelectSoftKeys", "CallInfo"] {
        assert!(names(&rings).iter().any(|name| name == expected), "{expected}: {rings:?}");
    }
    assert!(names(&exchange.heard(A)).iter().any(|name| name == "DialedNumber"));

    let answer = exchange.soft_key(B, 11);
    exchange.say(B, answer);
    let opens: Vec<_> = [A, B].map(|name| exchange.opened(name)).into();
    for open in &opens {
        assert_eq!((open.ms_per_packet, open.conference), (20, opens[0].conference));
    }
    let [k2, k1] = [&opens[0], &opens[1]].map(|open| open.encryption.keying().unwrap().unwrap());
    assert_ne!(k1, k2);
    exchange.acknowledge(A, &opens[0], [10, 0, 0, 1]);
    exchange.acknowledge(B, &opens[1], [10, 0, 0, 1]);
    let said = [A, B].map(|name| exchange.heard(name));
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

    exchange.say(A, OnHook { line: LineInstance(1), call });
    for name in [A, B] {
        let said = names(&exchange.heard(name));
        let place = |wanted: &str| said.iter().position(|name| name == wanted);
        for before in ["CloseReceiveChannel", "StopMediaTransmission", "ConnectionStatisticsReq"] {
            assert!(place(before).unwrap() < place("CallState").unwrap(), "{said:?}");
        }
        assert!(place("DefineTimeDate").is_some());
    }
    assert!(exchange.switchboard.is_idle());
}

// R: GEN-09, GEN-10
#[test]
fn no_key_is_written_where_the_other_end_is_not_encrypted() {
    for (other, expected) in [
        (Authenticated, SecurityStatus::AUTHENTICATED),
        (NonSecure, SecurityStatus::NOT_AUTHENTICATED),
    ] {
        let mut exchange = two(Encrypted, other);
        exchange.say(A, EnblocCall { called_party: Number::new("1002"), ..EnblocCall::default() });
        exchange.say(B, OffHook::default());
        for name in [A, B] {
            let open = exchange.opened(name);
            assert_eq!(open.encryption.keying(), Ok(None));
            exchange.acknowledge(name, &open, [10, 0, 0, 1]);
        }
        assert_eq!(exchange.icon(A), expected);
        assert_eq!(exchange.icon(B), expected);
    }
}

#[test]
fn keys_that_are_not_shown_do_nothing() {
    let mut exchange = two(NonSecure, NonSecure);
    for event in [0, 3, 9, 21, 33, u32::MAX] {
        exchange.say(A, press(event, CallRef(0)));
    }
    for stimulus in [ButtonType::PARK, ButtonType(0x999)] {
        exchange.say(A, Stimulus { stimulus, ..Stimulus::default() });
    }
    exchange.say(A, OffHook { line: LineInstance(7), call: CallRef(0) });
    exchange.say(A, OffHook { line: LineInstance(1), call: CallRef(4711) });
    exchange.say(A, KeypadButton { button: Key(0x11), ..KeypadButton::default() });
    let called_party = Number::new("10\u{7f}02");
    exchange.say(A, EnblocCall { called_party, ..EnblocCall::default() });
    assert!(exchange.heard(A).is_empty() && exchange.switchboard.is_idle());
    assert_eq!(exchange.station(A).violations(), 11);
    // A key that is shown with another leg is not shown with this one.
    exchange.say(A, OffHook::default());
    exchange.heard(A);
    exchange.say(A, press(2, CallRef(1)));
    assert!(exchange.heard(A).is_empty());
}

#[test]
fn speed_dials_and_line_buttons_call() {
    let mut exchange = two(NonSecure, NonSecure);
    let button = |stimulus| Stimulus { stimulus, instance: LineInstance(1), ..Default::default() };
    exchange.say(A, button(ButtonType::SPEED_DIAL));
    let rings = exchange.heard(B);
    assert!(names(&rings).iter().any(|name| name == "SetRinger"));
    exchange.say(B, button(ButtonType::LINE));
    assert!(names(&exchange.heard(B)).iter().any(|name| name == "OpenReceiveChannel"));
    exchange.say(B, button(ButtonType::HOLD));
    assert!(names(&exchange.heard(B)).iter().any(|name| name == "CloseReceiveChannel"));
    exchange.say(B, button(ButtonType::LINE));
    assert!(names(&exchange.heard(B)).iter().any(|name| name == "OpenReceiveChannel"));
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
        let mut exchange = two(NonSecure, NonSecure);
        exchange.say(A, EnblocCall { called_party: Number::new("1002"), ..EnblocCall::default() });
        exchange.say(B, OffHook::default());
        let open = exchange.opened(A);
        exchange.say(
            A,
            OpenReceiveChannelAck {
                status: MediaStatus::OK,
                address: Address::V4(address.into()),
                port: Port(port),
                party: open.party,
                call: open.call,
            },
        );
        let reorder = exchange.heard(B).into_iter().any(
            |message| matches!(message, Message::StartTone(start) if start.tone == Tone::REORDER),
        );
        assert!(reorder, "{address:?}:{port}");
    }
}

#[test]
fn whoever_is_refused_reads_why() {
    let mut exchange = Exchange::default();
    exchange.connect_stranger(A);
    exchange.say(A, register(A, 11));
    let said = exchange.heard(A);
    let Message::RegisterReject(reject) = &said[0] else { panic!("{said:?}") };
    assert_eq!(reject.text, Text::from("not configured"));
    assert_eq!(exchange.closed[A], Close::Refused);
}

#[test]
fn telephones_leave_and_are_sent_away() {
    let mut exchange = two(NonSecure, NonSecure);
    exchange.say(A, OffHook::default());
    exchange.heard(A);
    exchange.say(A, Unregister::default());
    let said = exchange.heard(A);
    assert!(matches!(&said[0], Message::UnregisterAck(ack) if ack.status.0 == 2), "{said:?}");
    exchange.say(A, OnHook::default());
    exchange.say(A, Unregister::default());
    assert_eq!(exchange.closed[A], Close::Unregistered);
    assert_eq!(exchange.switchboard.counters().devices.non_secure, 1);

    exchange.reset(B, ResetKind::RESTART);
    assert_eq!(names(&exchange.heard(B)), ["Reset"]);
    exchange.pass(Duration::from_secs(10));
    assert_eq!(exchange.closed[B], Close::Reset);
    assert_eq!(exchange.switchboard.counters().devices.non_secure, 0);
}

#[test]
fn a_telephone_that_registers_again_begins_anew() {
    let mut exchange = two(NonSecure, NonSecure);
    exchange.say(A, OffHook::default());
    exchange.say(A, register(A, 11));
    assert!(exchange.switchboard.is_idle());
    assert!(names(&exchange.heard(A)).ends_with(&["RegisterAck".into(), "CapabilitiesReq".into()]));
    exchange.say(A, register(B, 11));
    assert_eq!(exchange.closed[A], Close::OtherName);
    assert!(!exchange.closed.contains_key(B));
}

#[test]
fn silence_is_noticed() {
    let mut exchange = two(NonSecure, NonSecure);
    exchange.pass(Duration::from_secs(50));
    exchange.say(A, KeepAlive);
    exchange.pass(Duration::from_secs(20));
    assert_eq!(exchange.closed.get(B), Some(&Close::Silent));
    assert!(!exchange.closed.contains_key(A));
    for (say, wait, reason) in [
        (None, 10, Close::NotRegistered),
        (Some(Message::from(Alarm::default())), 30, Close::NotRegistered),
        // It stands by.
        (Some(KeepAlive.into()), 120, Close::Silent),
    ] {
        exchange.connect_stranger("X");
        if let Some(message) = say {
            exchange.say("X", message);
        }
        exchange.pass(Duration::from_secs(wait - 1));
        assert!(!exchange.closed.contains_key("X"), "{reason:?}");
        exchange.pass(Duration::from_secs(1));
        assert_eq!(exchange.closed.remove("X"), Some(reason));
    }
    exchange.connect_stranger("X");
    exchange.bytes("X", &[4, 0, 0]);
    exchange.pass(Duration::from_secs(10));
    assert_eq!(exchange.closed["X"], Close::Unfinished);
}

#[test]
fn floods_end_the_connection_and_nobody_elses() {
    for (message, count) in [
        (Message::from(KeepAlive), 201),
        (Message::decode(sccp::MessageId(0x7777), &[], Version::V11).unwrap().message, 101),
    ] {
        let mut exchange = two(NonSecure, NonSecure);
        exchange.pass(Duration::from_secs(10));
        for _ in 0..count {
            assert!(!exchange.closed.contains_key(A));
            exchange.say(A, message.clone());
        }
        assert_eq!(exchange.closed[A], Close::Flood);
        assert!(!exchange.closed.contains_key(B));
    }
    let mut exchange = Exchange::default();
    exchange.connect_stranger(A);
    for _ in 0..21 {
        exchange.say(A, OffHook::default());
    }
    assert_eq!(exchange.closed[A], Close::Flood);
    for (bytes, sound) in [(&[3, 0, 0, 0][..], true), (&[0xff; 4], true), (&HEADER_23, false)] {
        exchange.connect_stranger(A);
        exchange.bytes(A, bytes);
        let closed = exchange.closed.remove(A).unwrap();
        assert_eq!(matches!(closed, Close::Stream(_)), sound, "{closed:?}");
    }
}

const HEADER_23: [u8; 12] = [4, 0, 0, 0, 23, 0, 0, 0, 0, 0, 0, 0];

#[test]
fn what_only_servers_say_is_counted() {
    let mut exchange = two(NonSecure, NonSecure);
    exchange.say(A, CallInfo::default());
    exchange.say(A, StartTone::default());
    assert_eq!(exchange.station(A).violations(), 2);
    assert!(exchange.heard(A).is_empty());
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
        let mut exchange = two(Encrypted, NonSecure);
        if registered {
            exchange.connect(A, equipment(Encrypted, "1001"));
            exchange.say(A, register(A, version));
        } else {
            exchange.connect_stranger(A);
        }
        for (id, body) in bodies {
            let length = u32::try_from(body.len() + 4).unwrap();
            let header = [length, 0, id].map(u32::to_le_bytes).concat();
            exchange.bytes(A, &[header, body].concat());
        }
        exchange.pass(Duration::from_secs(1000));
        prop_assert!(exchange.closed.contains_key(A));
    }
}

#[test]
fn a_station_that_was_superseded_says_nothing_of_it() {
    let mut exchange = two(NonSecure, NonSecure);
    let mut out = Vec::new();
    let mut old = exchange.take(A);
    old.superseded(&mut out);
    let closed = |output: &Output| matches!(output, Output::Close(Close::Superseded));
    assert!(out.len() == 1 && out.iter().all(closed), "{out:?}");
    let now = exchange.now;
    let session = Session { version: Version::V11, secrecy: Secrecy::Exposed };
    let bytes = session.encode(&OffHook::default().into()).unwrap();
    old.handle_bytes(now, &bytes, &mut out);
    old.lost(&mut out);
    assert_eq!((out.len(), old.next_timeout()), (1, None));
    let stranger = Station::new(now, IpAddr::from([10, 0, 0, 1]));
    assert_eq!(stranger.device(), None);
}
