//! Servers that fail and come back.

use std::time::Duration;

use ringfence_phone::station::{Key, Outage, Registration};
use ringfence_phone::{Model, SecurityMode};
use sccp::codes::CallStatus;

use crate::site::{A, B, Site};

fn two_servers() -> Site {
    let mut site = Site::new(2);
    for number in ["1001", "1002"] {
        site.add(Model::M7970, SecurityMode::NonSecure, number);
    }
    site.start_all();
    site
}

fn served_by(site: &Site, phone: usize, server: usize) -> bool {
    site.display(phone).registration == Registration::Registered(server)
}

#[test]
fn it_goes_to_the_next_server_and_comes_back() {
    let mut site = two_servers();
    site.stop_server(0);
    assert!(served_by(&site, A, 1) && served_by(&site, B, 1));
    assert!(site.alarms.last().unwrap().ends_with("Last=CM-closed-TCP"), "{:?}", site.alarms);
    site.connect(A, B, "1002");
    site.start_server(0);
    site.pass(Duration::from_secs(300));
    // Not during a call.
    assert!(served_by(&site, A, 1));
    site.press(A, Key::OnHook);
    site.press(B, Key::OnHook);
    site.pass(Duration::from_secs(60));
    assert!(served_by(&site, A, 0) && served_by(&site, B, 0));
    assert!(site.alarms.last().unwrap().ends_with("Last=Failback"), "{:?}", site.alarms);
    site.connect(A, B, "1002");
}

#[test]
fn without_any_server_it_tries_again_and_again() {
    let mut site = two_servers();
    site.stop_server(1);
    site.stop_server(0);
    assert_eq!(site.display(A).registration, Registration::Registering);
    site.pass(Duration::from_secs(3600));
    site.start_server(1);
    site.pass(Duration::from_secs(90));
    assert!(served_by(&site, A, 1));
}

#[test]
fn a_server_without_a_sign_of_life_is_left() {
    let mut site = two_servers();
    // It holds its connections and says nothing any more.
    let frozen = site.servers[0].take();
    site.pass(Duration::from_secs(100));
    assert!(served_by(&site, A, 0));
    site.pass(Duration::from_secs(30));
    assert!(served_by(&site, A, 1));
    assert!(site.alarms.last().unwrap().ends_with("Last=KeepaliveTO"), "{:?}", site.alarms);
    drop(frozen);
}

#[test]
fn a_call_goes_on_without_its_server() {
    let mut site = two_servers();
    site.connect(A, B, "1002");
    site.stop_server(0);
    assert_eq!(site.display(A).registration, Registration::Preserved);
    assert_eq!(site.active(A).state, CallStatus::CONNECTED);
    assert_eq!(site.hears(A, B), Some(false));
    site.pass(Duration::from_secs(600));
    assert_eq!(site.hears(B, A), Some(false));
    assert!(site.with(A, |station, now| station.press(now, Key::Line(1))).is_err());
    site.press(A, Key::OnHook);
    assert!(served_by(&site, A, 1) && site.phones[A].sending.is_empty());
    site.press(B, Key::OnHook);
    assert!(served_by(&site, B, 1));
    site.connect(B, A, "1001");
}

#[test]
fn what_is_switched_off_says_nothing() {
    let mut site = two_servers();
    site.with(A, |station, _| station.power_off());
    assert_eq!(site.display(A).registration, Registration::None);
    assert!(site.phones[A].station.poll_timeout().is_none());
    site.start(A, Outage::Initialized);
    assert!(served_by(&site, A, 0));
}
