//! Voicemail ports: whom a call is for, and the lamps of mailboxes.

mod site;

use ringfence_callmanager::security::Security::{Encrypted, NonSecure};
use ringfence_callmanager::station::Equipment;
use ringfence_callmanager::switchboard::{Destination, Forwards};
use sccp::codes::{ButtonType, LampMode, RedirectReason};
use sccp::phone::*;
use sccp::server::CallInfo;
use sccp::{CallRef, Charset, LineInstance, Message, Number};
use site::{Site, equipment};

const A: &str = "SEP000000000001";
const B: &str = "SEP000000000002";
const PORT: &str = "CiscoUM1-VI1";
const NEXT: &str = "CiscoUM1-VI2";

fn port(number: &str) -> Equipment {
    let mut port = Equipment { voicemail: true, ..equipment(Encrypted, number) };
    port.lines[0].0.busy_trigger = 1;
    port
}

/// Two telephones and two ports, of which the first is called before the second.
fn site() -> Site {
    let mut site = Site::default();
    let messages = Some("5001".to_owned());
    site.register(A, Equipment { messages, ..equipment(Encrypted, "1001") });
    site.register(B, equipment(Encrypted, "1002"));
    site.register(PORT, port("5001"));
    site.register(NEXT, port("5002"));
    site.forward("1002", Forwards { all: Some("5001".to_owned()), ..Forwards::default() });
    site.forward("5001", Forwards { busy: Some("5002".to_owned()), ..Forwards::default() });
    site.route("1999", Destination::MessageWaiting(true));
    site.route("1998", Destination::MessageWaiting(false));
    site
}

fn dial(site: &mut Site, name: &str, number: &str) {
    let line = LineBehindNumber(LineInstance(1));
    site.say(name, EnblocCall { called_party: Number::new(number), line });
}

fn switch(site: &mut Site, name: &str, mailbox: &str, number: &str) {
    let (calling_party, line) = (Number::new(mailbox), LineInstance(1));
    let calling_party_voice_mailbox = calling_party.clone();
    site.say(name, OffHookWithCgpn { calling_party, calling_party_voice_mailbox, line });
    dial(site, name, number);
}

/// The lamps for messages that a telephone was told of since it was asked last.
fn lamps(site: &mut Site, name: &str) -> Vec<(u32, bool)> {
    let said = site.heard(name).into_iter();
    let lamps = said.filter_map(|message| match message {
        Message::SetLamp(lamp) if lamp.stimulus == ButtonType::VOICEMAIL => Some(lamp),
        _ => None,
    });
    lamps.map(|lamp| (lamp.instance.0, lamp.mode == LampMode::ON)).collect()
}

fn info(site: &mut Site, name: &str) -> CallInfo {
    let said = site.heard(name);
    let info = said.iter().rev().find_map(|message| match message {
        Message::CallInfo(info) => Some(info.clone()),
        _ => None,
    });
    info.unwrap_or_else(|| panic!("{name}: {said:?}"))
}

// R: VM-01
#[test]
fn a_port_is_told_whose_mailbox_a_call_is_for() {
    let mut site = site();
    let text = |text: &sccp::Text<24>| text.decode(Charset::Latin1);
    dial(&mut site, B, "5001");
    let own = info(&mut site, PORT);
    assert_eq!(text(&own.calling_party_voice_mailbox), "1002");
    // The first port rings already: the call goes on to the next one, and is for B still.
    dial(&mut site, A, "1002");
    let forwarded = info(&mut site, NEXT);
    assert_eq!(text(&forwarded.original_called_voice_mailbox), "1002");
    assert_eq!(text(&forwarded.original_called_party), "1002");
    assert_eq!(forwarded.original_redirect_reason, RedirectReason::FORWARD_ALL);
    assert_eq!(text(&forwarded.last_redirecting_voice_mailbox), "5001");
    assert_eq!(forwarded.last_redirecting_reason, RedirectReason::BUSY);
    assert_eq!(text(&forwarded.calling_party_voice_mailbox), "1001");
}

// R: VM-01
#[test]
fn ports_switch_the_lamps_of_mailboxes_and_nobody_else_does() {
    let mut site = site();
    switch(&mut site, PORT, "1002", "1999");
    assert_eq!(lamps(&mut site, B), [(1, true), (0, true)]);
    assert_eq!(lamps(&mut site, A), []);
    assert_eq!(site.waiting, [("1002".to_owned(), true)]);
    // It comes back, and is told again.
    site.lose(B);
    site.connect(B, equipment(NonSecure, "1002"));
    site.say(B, site::register(B, 11));
    site.say(B, site::capabilities());
    site.say(B, TimeDateReq);
    let told = lamps(&mut site, B);
    assert_eq!(told.iter().rfind(|(line, _)| *line == 0), Some(&(0, true)), "{told:?}");
    switch(&mut site, NEXT, "1002", "1998");
    assert_eq!(lamps(&mut site, B), [(1, false), (0, false)]);
    // A telephone cannot do it for others.
    let before = site.violations(A);
    switch(&mut site, A, "1002", "1999");
    assert_eq!(site.violations(A), before + 1);
    assert_eq!(lamps(&mut site, B), []);
    // What it dialled was its own.
    assert_eq!(lamps(&mut site, A), [(1, true), (0, true)]);
    // Nobody has this number.
    switch(&mut site, PORT, "4711", "1999");
    assert_eq!(site.waiting.len(), 3);
    site.say(PORT, OnHook { line: LineInstance(1), call: CallRef(0) });
    assert!(site.is_idle());
    // Another node says so.
    site.message_waiting("1002", true);
    assert_eq!(lamps(&mut site, B), [(1, true), (0, true)]);
    assert_eq!(site.waiting.len(), 3);
}

#[test]
fn the_key_for_messages_dials_voicemail() {
    let mut site = site();
    let stimulus = ButtonType::VOICEMAIL;
    site.say(A, Stimulus { stimulus, ..Stimulus::default() });
    let asked = info(&mut site, PORT);
    assert_eq!(asked.calling_party.decode(Charset::Latin1), "1001");
    let before = site.violations(B);
    site.say(B, Stimulus { stimulus, ..Stimulus::default() });
    assert_eq!(site.violations(B), before + 1, "it was told no number");
}
