//! How telephones come to be served.

use std::time::Duration;

use callmanager::station::Close;
use ringfence_phone::station::{Event, Outage, Questions, Registration};
use ringfence_phone::{Model, SecurityMode};
use sccp::CallRef;
use sccp::codes::ResetKind;

use crate::site::{A, B, Site};

const PLAIN: SecurityMode = SecurityMode::NonSecure;

#[test]
fn a_telephone_learns_what_it_has_however_it_asks() {
    for (model, questions) in [
        (Model::M7960, Questions::OneByOne),
        (Model::M7960, Questions::Together),
        (Model::M7970, Questions::OneByOne),
        (Model::M7970, Questions::Together),
    ] {
        let mut site = Site::new(1);
        site.add(model, PLAIN, "1001");
        site.phones[A].station.profile_mut().questions = questions;
        site.start(A, Outage::Initialized);
        let events = site.events(A);
        assert_eq!(events[0], Event::Connecting(0));
        assert!(events.contains(&Event::Registered(0)), "{events:?}");
        let display = site.display(A);
        assert_eq!(display.registration, Registration::Registered(0));
        assert_eq!(display.lines[0].number.to_string(), "1001");
        assert_eq!(display.speed_dials[0].label.to_string(), "Bob");
        let time = display.time.as_ref().unwrap();
        assert_eq!((time.told.year, time.template.as_str()), (1970, "M/D/Y"));
        assert_eq!(site.keys(A, CallRef(0)), ["Redial", "NewCall", "CFwdAll", "MeetMe"]);
        let device = site.phones[A].station.profile().device;
        let load = &site.phones[A].station.profile().load;
        assert_eq!(site.alarms, [format!("25: Name={device} Load={load} Last=Initialized")]);
    }
}

// R: ALM-02
#[test]
fn what_a_telephone_could_not_verify_its_administrator_hears() {
    let mut site = Site::new(1);
    site.add(Model::M7970, PLAIN, "1001");
    let alarms = ["TFTP Not Authorized: 192.0.2.69", "File Auth Failed"].map(str::to_owned);
    site.phones[A].station.profile_mut().alarms = alarms.to_vec();
    site.start(A, Outage::Initialized);
    assert_eq!(site.alarms[1..], alarms);
}

#[test]
fn whoever_is_refused_reads_why_and_tries_again() {
    let mut site = Site::new(1);
    site.add(Model::M7960, PLAIN, "1001");
    site.refuses = true;
    site.start(A, Outage::Initialized);
    let Registration::Rejected(text) = &site.display(A).registration else {
        panic!("{:?}", site.display(A))
    };
    assert_eq!(text.to_string(), "not configured");
    site.pass(Duration::from_secs(60));
    assert!(site.closed.len() > 2, "{:?}", site.closed);
    assert!(site.closed.iter().all(|reason| *reason == Close::Refused));
    site.refuses = false;
    site.pass(Duration::from_secs(120));
    assert_eq!(site.display(A).registration, Registration::Registered(0));
    assert!(site.alarms.last().unwrap().ends_with("Last=Phone-Reg-Rej"), "{:?}", site.alarms);
}

#[test]
fn signs_of_life_keep_it_registered() {
    let mut site = Site::office(&[(Model::M7960, PLAIN), (Model::M7970, PLAIN)]);
    site.pass(Duration::from_secs(3600));
    for phone in [A, B] {
        assert_eq!(site.display(phone).registration, Registration::Registered(0));
    }
    assert!(site.closed.is_empty());
}

#[test]
fn it_starts_anew_when_it_is_told_to_but_not_during_a_call() {
    for kind in [ResetKind::RESET, ResetKind::RESTART] {
        let mut site = Site::office(&[(Model::M7960, PLAIN), (Model::M7970, PLAIN)]);
        site.reset(B, kind);
        assert_eq!(site.phones[B].restarts, [kind]);
        assert_eq!(site.display(B).registration, Registration::None);
        site.start(B, Outage::Restart);
        site.connect(A, B, "1002");
        site.reset(A, kind);
        assert!(site.phones[A].restarts.is_empty());
        site.pass(Duration::from_secs(100));
        assert!(site.phones[A].restarts.is_empty());
        site.press(B, ringfence_phone::station::Key::OnHook);
        assert_eq!(site.phones[A].restarts, [kind]);
        assert!(site.closed.iter().all(|reason| *reason == Close::Unregistered));
    }
}

#[test]
fn it_leaves_with_a_goodbye() {
    let mut site = Site::office(&[(Model::M7970, PLAIN)]);
    site.with(A, |station, now| station.stop(now));
    assert_eq!(site.closed, [Close::Unregistered]);
    assert!(site.events(A).contains(&Event::Unregistered));
    site.pass(Duration::from_secs(600));
    assert_eq!(site.display(A).registration, Registration::None);
}

#[test]
fn a_server_that_does_not_let_it_go_is_asked_again() {
    let mut site = Site::new(1);
    site.add(Model::M7970, PLAIN, "1001");
    site.phones[A].equipment.keep_alive = Duration::from_secs(2);
    site.start(A, Outage::Initialized);
    // Its server thinks of a call that it knows nothing about.
    site.refuses_to_let_go = true;
    site.reset(A, ResetKind::RESTART);
    assert_eq!((site.goodbyes, site.phones[A].restarts.len()), (1, 0));
    site.pass(Duration::from_secs(5));
    assert_eq!((site.goodbyes, site.phones[A].restarts.len()), (3, 0));
    assert_eq!(site.display(A).registration, Registration::Registered(0));
    site.refuses_to_let_go = false;
    site.pass(Duration::from_secs(2));
    assert_eq!(site.phones[A].restarts, [ResetKind::RESTART]);
}
