//! Telephones whose centre is away go to the gateway of their configuration, and come back.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use callmanager::security::Security;
use ringfence_phone::connection::{Server, TlsIdentity};
use ringfence_phone::office::{Manners, Mute, Office, PhoneId, Setup, TlsStyle, What};
use ringfence_phone::station::{Event, Outage};
use ringfence_phone::{Model, SecurityMode};

use crate::house::{Door, House};
use crate::pki_of_site::Site;
use crate::plain::{device, everybody, office, setup, wait_registered};

/// Where nobody answers now.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn known(site: &Site) -> Vec<Vec<u8>> {
    vec![site.server.der().to_vec()]
}

/// An encrypted telephone with these servers, the last one a gateway.
fn telephone(site: &Site, servers: Vec<Server>, style: TlsStyle) -> Setup {
    let servers: Vec<_> = servers.into_iter().map(Arc::new).collect();
    let mode = SecurityMode::Encrypted;
    let identity = TlsIdentity::read(&site.identity(device(0x1001))).unwrap();
    let way = Manners { style, log: None }.way(mode, &servers, identity.as_ref()).unwrap();
    let mut profile = setup(0x1001, Model::M7970, &[]).profile;
    (profile.mode, profile.servers) = (mode, servers.len());
    profile.patience.fail_back = Duration::from_millis(200);
    profile.patience.rest = Duration::from_millis(50);
    Setup { profile, servers: servers.into(), way, source: None }
}

/// Waits until it has tried its gateway so many times, in vain.
fn refuses(office: &mut Office<Mute>, phone: PhoneId, times: usize) {
    let end = Instant::now() + Duration::from_secs(60);
    let mut refused = 0;
    while refused < times {
        assert!(Instant::now() < end, "it has refused its gateway {refused} times");
        office.turn(end).unwrap();
        while let Some(happening) = office.next_happening() {
            assert_eq!(happening.phone, phone);
            match happening.what {
                What::Event(Event::Registered(server)) => panic!("it has registered at {server}"),
                What::Event(Event::Lost(Outage::Untrusted)) => refused += 1,
                _ => {}
            }
        }
    }
}

// R: SRST-08
#[test]
fn a_telephone_goes_to_its_gateway_over_tls_and_comes_back() {
    let site = Site::new();
    for style in [TlsStyle::Legacy, TlsStyle::Modern] {
        let door = || match style {
            TlsStyle::Legacy => Door::Legacy(site.legacy("AES128-SHA")),
            TlsStyle::Modern => Door::Modern(site.modern()),
        };
        let open = |at| House::open(door(), Box::new(everybody(Security::Encrypted)), at);
        let (centre, gateway) = (nobody(), open(None));
        let servers =
            vec![Server::new(centre, known(&site)), Server::new(gateway.address, known(&site))];
        let mut office = office();
        let phone = office.add(telephone(&site, servers, style));
        office.start(phone, Outage::Initialized);
        wait_registered(&mut office, phone, 1);
        let _centre = open(Some(centre));
        wait_registered(&mut office, phone, 0);
    }
}

// R: SRST-05, SRST-08
#[test]
fn a_gateway_with_another_certificate_is_refused() {
    let (site, other) = (Site::new(), Site::new());
    for style in [TlsStyle::Legacy, TlsStyle::Modern] {
        let door = match style {
            TlsStyle::Legacy => Door::Legacy(site.legacy("AES128-SHA")),
            TlsStyle::Modern => Door::Modern(site.modern()),
        };
        let gateway = House::open(door, Box::new(everybody(Security::Encrypted)), None);
        let servers =
            vec![Server::new(nobody(), known(&site)), Server::new(gateway.address, known(&other))];
        let mut office = office();
        let phone = office.add(telephone(&site, servers, style));
        office.start(phone, Outage::Initialized);
        refuses(&mut office, phone, 3);
    }
}

// R: SRST-05
#[test]
fn a_secure_telephone_speaks_tcp_to_a_gateway_that_is_not_secure() {
    let site = Site::new();
    let roster = Box::new(everybody(Security::NonSecure));
    let gateway = House::open(Door::Plain, roster, None);
    let servers = vec![Server::new(nobody(), known(&site)), Server::without_tls(gateway.address)];
    let mut office = office();
    let phone = office.add(telephone(&site, servers, TlsStyle::Legacy));
    office.start(phone, Outage::Initialized);
    wait_registered(&mut office, phone, 1);
}
