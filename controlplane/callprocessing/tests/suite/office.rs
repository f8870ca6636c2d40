//! What administrators change while phones are there, and what they are told.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use callmanager::switchboard::MediaOrder;
use messages::Explain;
use ringfence_callprocessing::service::Resources;
use sccp::codes::{CallStatus, Tone};
use sccp::phone::{Alarm, KeepAlive, OffHook, OnHook, SoftKeyEvent};
use sccp::{CallRef, LineInstance, Message, Text};
use store::{CallEnding, SecurityMode};

use crate::phone::{M7960, M7970, Phone, connect};
use crate::site::{ALICE, BOB, CAROL, Site, await_alarm, until};

const STRANGER: &str = "SEP00000000000F";

// R: GEN-01, GEN-04
#[test]
fn strangers_are_entered_in_non_secure_mode_only_and_only_if_that_is_wanted() {
    let site = Site::new();
    let running = site.serve();
    let to = running.plain_address();
    assert_eq!(Phone::plain(to, STRANGER, M7970).refusal(), "Error DBConfig");
    site.change(|change| {
        change.set_parameter(None, "enterprise.auto-registration", "true")?;
        change.set_parameter(None, "call-manager.auto-registration-first", "5000")?;
        change.set_parameter(None, "call-manager.auto-registration-last", "5000")
    });
    let mut stranger = Phone::plain(to, STRANGER, M7970);
    stranger.register();
    let entered = site.store.read(|view| view.device(&STRANGER.parse()?)).unwrap();
    assert_eq!(entered.lines[0].as_str(), "5000");
    // It can be called.
    let mut alice = Phone::plain(to, ALICE, M7970);
    alice.register();
    alice.dial("5000");
    stranger.answer();
    // There is no other number.
    assert_eq!(Phone::plain(to, "SEP00000000000E", M7970).refusal(), "Error DBConfig");
    await_alarm(running.handle(), "NOT_ENTERED");
    // Mixed mode turns it off.
    site.change(|change| change.set_security_mode(SecurityMode::Mixed));
    assert_eq!(Phone::plain(to, "SEP00000000000D", M7970).refusal(), "Error DBConfig");
    let on = site.store.read(|view| view.auto_registration()).unwrap().on;
    assert!(!on);
    let unknown = await_alarm(running.handle(), "DEVICE_UNKNOWN");
    assert_eq!(unknown.values()[0].1, STRANGER);
}

// R: GEN-08
#[test]
fn a_phone_behind_an_address_translator_is_served_and_the_administrator_warned() {
    let site = Site::new();
    let running = site.serve();
    let mut alice = Phone::plain(running.plain_address(), ALICE, M7970).telling([10, 1, 2, 3]);
    alice.register();
    let alarm = await_alarm(running.handle(), "BEHIND_NAT");
    assert!(alarm.values().contains(&("told", "10.1.2.3".to_owned())));
    assert_eq!(running.handle().registered().len(), 1);
}

// R: ALM-02
#[test]
fn what_phones_say_of_themselves_is_shown() {
    let site = Site::new();
    let running = site.serve();
    let mut alice = Phone::plain(running.plain_address(), ALICE, M7970);
    let said = ["TFTP Not Authorized: 192.0.2.9", "File Auth Failed\u{1b}"];
    alice.say(Alarm { text: Text::from(said[0]), ..Alarm::default() });
    alice.register();
    alice.say(Alarm { text: Text::from(said[1]), ..Alarm::default() });
    alice.say(KeepAlive);
    alice.await_name("KeepAliveAck");
    let alarms = running.handle().phone_alarms();
    let texts: Vec<_> = alarms.iter().map(|alarm| &*alarm.text).collect();
    assert_eq!(texts, ["TFTP Not Authorized: 192.0.2.9", "File Auth Failed"]);
    assert_eq!((alarms[0].device.as_deref(), alarms[1].device.as_deref()), (None, Some(ALICE)));
    assert_eq!(alarms[1].peer, running.plain_address().ip());
    site.await_trace("phone alarm \"File Auth Failed\"");
}

#[test]
fn calls_are_recorded_and_forwards_and_routes_hold_at_once() {
    let site = Site::new();
    let running = site.serve();
    let to = running.plain_address();
    let mut alice = Phone::plain(to, ALICE, M7970);
    let mut bob = Phone::plain(to, BOB, M7960);
    alice.register();
    bob.register();
    let leg = alice.dial("1002");
    let answered = bob.answer();
    bob.open();
    alice.open();
    bob.await_name("StartMediaTransmission");
    alice.say(OnHook { line: LineInstance(1), call: leg });
    let records = || site.store.read(|view| view.call_records(None, 10, None)).unwrap();
    until(|| !records().is_empty(), String::new);
    let record = records().remove(0);
    assert_eq!((&*record.node, &*record.dialled), ("cm1", "1002"));
    assert_eq!(record.ending, CallEnding::HungUp);
    assert!(record.answered.is_some_and(|at| record.began <= at && at <= record.ended));
    bob.say(OnHook { line: LineInstance(1), call: answered });

    // An administrator sends Bob's calls to Alice, and there they go.
    site.change(|change| {
        let mut line = change.line(&"1002".parse()?)?;
        line.forward_all = Some("1001".parse()?);
        change.put_line(&line)
    });
    // The first time was at the start.
    let told = || site.trace().matches("what was changed holds").count();
    until(|| told() >= 2, || site.trace());
    let mut carol = Phone::plain(to, CAROL, M7960);
    carol.register();
    carol.dial("1002");
    alice.answer();
    // Carol forwards her own calls: that is kept.
    carol.say(OnHook { line: LineInstance(1), call: CallRef(0) });
    let call = CallRef(0);
    carol.say(SoftKeyEvent { event: FORWARD_ALL, line: LineInstance(1), call });
    let call = carol.await_some(|message| match message {
        Message::CallState(state) if state.state == CallStatus::OFF_HOOK => Some(state.call),
        _ => None,
    });
    for digit in "1001".chars() {
        carol.press(digit, call);
    }
    let line = || site.store.read(|view| view.line(&"1003".parse()?)).unwrap();
    until(|| line().forward_all.is_some(), String::new);
    assert_eq!(line().forward_all.unwrap().as_str(), "1001");
}

#[test]
fn settings_hold_at_once() {
    let site = Site::new();
    let played = Arc::<Mutex<Vec<Option<PathBuf>>>>::default();
    let player = Player(Arc::clone(&played));
    let running = site.serve_with(|setup| setup.resources = Box::new(|_| Ok(Box::new(player))));
    let (handle, to) = (running.handle(), running.plain_address());
    let mut alice = Phone::plain(to, ALICE, M7970);
    alice.register();
    site.change(|change| {
        change.set_parameter(Some("cm1"), "call-manager.max-half-open-per-address", "16")?;
        change.set_parameter(Some("cm1"), "call-manager.first-digit-seconds", "1")?;
        change.set_parameter(None, "call-manager.music-on-hold-file", "/music.wav")
    });
    let file = || played.lock().unwrap().clone();
    until(|| file() == [Some(PathBuf::from("/music.wav"))], || format!("{:?}", file()));
    let strangers: Vec<_> = (0..40).map(|_| connect(to)).collect();
    let counters = || handle.counters();
    until(|| counters().since_start.accepted > 40, || format!("{:?}", counters()));
    assert!(counters().half_open <= 16, "{:?}", counters());
    drop(strangers);
    // Who dials nothing for a second has dialled wrongly.
    alice.say(OffHook::default());
    alice.await_some(|message| match message {
        Message::StartTone(start) if start.tone == Tone::REORDER => Some(()),
        _ => None,
    });
}

/// Says what it is to play.
struct Player(Arc<Mutex<Vec<Option<PathBuf>>>>);

impl Resources for Player {
    fn order(&mut self, _: MediaOrder) {}

    fn play(&mut self, file: Option<&Path>) {
        self.0.lock().unwrap().push(file.map(Path::to_owned));
    }
}

/// The soft key CFwdAll.
const FORWARD_ALL: u32 = 5;
