//! Secure telephones.

use std::sync::Arc;

use callmanager::security::Security;
use integritytls::TLS_SHA256_SHA256;
use openssl::ssl::SslContext;
use ringfence_phone::connection::{KeyLog, Server, TlsIdentity};
use ringfence_phone::office::{Manners, Mute, Office, PhoneId, Setup, SetupError, TlsStyle, What};
use ringfence_phone::station::{Event, Icon, Outage};
use ringfence_phone::{Flash, Model, SecurityMode};
use rustls::CipherSuite;

use crate::house::{Door, House};
use crate::pki_of_site::Site;
use crate::plain::{call, device, everybody, office, setup, wait_registered};

fn secure(
    site: &Site,
    number: u16,
    mode: SecurityMode,
    house: &House,
    manners: &Manners,
    certificates: Vec<Vec<u8>>,
) -> Setup {
    let plain = setup(number, Model::M7970, &[house]);
    let servers = [Arc::new(Server::new(house.address, certificates))];
    let identity = TlsIdentity::read(&site.identity(device(number))).unwrap();
    let way = manners.way(mode, &servers, identity.as_ref()).unwrap();
    let mut profile = plain.profile;
    profile.mode = mode;
    Setup { profile, servers: servers.into(), way, source: None }
}

fn known(site: &Site) -> Vec<Vec<u8>> {
    vec![site.server.der().to_vec()]
}

fn style(style: TlsStyle) -> Manners {
    Manners { style, log: None }
}

fn legacy_house(context: SslContext, security: Security) -> House {
    House::open(Door::Legacy(context), Box::new(everybody(security)), None)
}

/// What comes of a telephone that cannot connect.
fn outage(office: &mut Office<Mute>, phone: PhoneId) -> Outage {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    office.start(phone, Outage::Initialized);
    loop {
        assert!(std::time::Instant::now() < end);
        office.turn(end).unwrap();
        while let Some(happening) = office.next_happening() {
            match happening.what {
                What::Event(Event::Lost(why)) => return why,
                What::Event(Event::Registered(_)) => panic!("it has registered"),
                _ => {}
            }
        }
    }
}

// R: AUTH-05, AUTH-07, MED-02
#[test]
fn each_mode_has_its_suite_and_each_call_its_icon() {
    let site = Site::new();
    for (mode, security, suite, icon) in [
        (SecurityMode::Authenticated, Security::Authenticated, "NULL-SHA", Icon::Shield),
        (SecurityMode::Encrypted, Security::Encrypted, "AES128-SHA", Icon::Lock),
    ] {
        let house = legacy_house(site.legacy("NULL-SHA:AES128-SHA"), security);
        let mut office = office();
        let manners = style(TlsStyle::Legacy);
        let [a, b] = [0x1001, 0x1002].map(|number| {
            let phone = office.add(secure(&site, number, mode, &house, &manners, known(&site)));
            office.start(phone, Outage::Initialized);
            wait_registered(&mut office, phone, 0);
            phone
        });
        assert_eq!(*house.suites.lock().unwrap(), [suite, suite]);
        call(&mut office, a, b, "1002");
        for phone in [a, b] {
            assert_eq!(office.station(phone).display().active().unwrap().icon(), icon);
        }
    }
}

// R: AUTH-05, AUTH-07
#[test]
fn telephones_of_our_days_have_suites_of_today() {
    let site = Site::new();
    for (mode, security, suite) in [
        (SecurityMode::Authenticated, Security::Authenticated, TLS_SHA256_SHA256),
        (SecurityMode::Encrypted, Security::Encrypted, CipherSuite::TLS13_AES_256_GCM_SHA384),
    ] {
        let house = House::open(Door::Modern(site.modern()), Box::new(everybody(security)), None);
        let mut office = office();
        let manners = style(TlsStyle::Modern);
        let phone = office.add(secure(&site, 0x1001, mode, &house, &manners, known(&site)));
        office.start(phone, Outage::Initialized);
        wait_registered(&mut office, phone, 0);
        assert_eq!(*house.suites.lock().unwrap(), [format!("{suite:?} Full")]);
    }
}

// R: AUTH-05
#[test]
fn a_telephone_of_our_days_resumes_its_session() {
    let site = Site::new();
    let config = site.modern();
    let roster = || Box::new(everybody(Security::Encrypted));
    let house = House::open(Door::Modern(Arc::clone(&config)), roster(), None);
    let address = house.address;
    let mut office = office();
    let mode = SecurityMode::Encrypted;
    let manners = style(TlsStyle::Modern);
    let phone = office.add(secure(&site, 0x1001, mode, &house, &manners, known(&site)));
    office.start(phone, Outage::Initialized);
    wait_registered(&mut office, phone, 0);
    assert_eq!(*house.suites.lock().unwrap(), ["TLS13_AES_256_GCM_SHA384 Full"]);
    drop(house);
    let house = House::open(Door::Modern(config), roster(), Some(address));
    office.start(phone, Outage::Restart);
    wait_registered(&mut office, phone, 0);
    assert_eq!(*house.suites.lock().unwrap(), ["TLS13_AES_256_GCM_SHA384 Resumed"]);
}

// R: AUTH-05, AUTH-06
#[test]
fn only_the_server_that_the_ctl_knows_is_spoken_to() {
    let (site, other) = (Site::new(), Site::new());
    let mode = SecurityMode::Encrypted;
    let doors = [
        (Door::Legacy(site.legacy("AES128-SHA")), TlsStyle::Legacy),
        (Door::Modern(site.modern()), TlsStyle::Modern),
    ];
    for (door, way) in doors {
        let house = House::open(door, Box::new(everybody(Security::Encrypted)), None);
        for certificates in [known(&other), Vec::new()] {
            let mut office = office();
            let phone = office.add(secure(&site, 0x1001, mode, &house, &style(way), certificates));
            assert_eq!(outage(&mut office, phone), Outage::Untrusted);
        }
        // Somebody whose certificate the server does not know is not let in.
        let mut office = office();
        let phone = office.add(secure(&other, 0x1001, mode, &house, &style(way), known(&site)));
        assert!(matches!(outage(&mut office, phone), Outage::Handshake | Outage::Closed));
        assert!(house.alarms.lock().unwrap().is_empty());
    }
}

// R: AUTH-06, AUTH-07
#[test]
fn without_a_certificate_or_a_common_suite_there_is_no_connection() {
    let site = Site::new();
    let house = legacy_house(site.legacy("NULL-SHA"), Security::Encrypted);
    let mode = SecurityMode::Encrypted;
    let manners = style(TlsStyle::Legacy);
    assert!(matches!(manners.way(mode, &[], None), Err(SetupError::NoCertificate(_))));
    let mut office = office();
    let phone = office.add(secure(&site, 0x1001, mode, &house, &manners, known(&site)));
    assert_eq!(outage(&mut office, phone), Outage::Handshake);
}

// R: AUTH-05
#[test]
fn it_shows_its_lsc_if_it_has_one_and_else_its_mic() {
    let site = Site::new();
    let house = legacy_house(site.legacy("AES128-SHA"), Security::Encrypted);
    let flash = Flash::open(&site.path().join("flash")).unwrap();
    let (mode, manners) = (SecurityMode::Encrypted, style(TlsStyle::Legacy));
    assert!(flash.tls_identity().unwrap().is_none());
    let mut shown = Vec::new();
    for (file, number) in [("mic.pem", 0x2001), ("lsc.pem", 0x2002)] {
        std::fs::copy(site.identity(device(number)), site.path().join("flash").join(file)).unwrap();
        let mut setup = secure(&site, 0x1001, mode, &house, &manners, known(&site));
        let identity = flash.tls_identity().unwrap();
        setup.way = manners.way(mode, &setup.servers, identity.as_ref()).unwrap();
        let mut office = office();
        let phone = office.add(setup);
        office.start(phone, Outage::Initialized);
        wait_registered(&mut office, phone, 0);
        shown.push(device(number).to_string());
    }
    let guests = house.guests.lock().unwrap();
    assert_eq!(guests.len(), 2);
    assert!(guests.iter().zip(&shown).all(|(guest, name)| guest.contains(name)), "{guests:?}");
    std::fs::write(site.path().join("flash/lsc.pem"), "rubbish").unwrap();
    assert!(flash.tls_identity().unwrap_err().to_string().contains("lsc.pem"));
}

#[test]
fn the_secrets_of_a_session_are_logged_if_somebody_wants_it() {
    let site = Site::new();
    let file = site.path().join("keys.log");
    let log = KeyLog::open(&file).unwrap();
    let mode = SecurityMode::Encrypted;
    let doors = [
        (Door::Legacy(site.legacy("AES128-SHA")), TlsStyle::Legacy, "CLIENT_RANDOM "),
        (Door::Modern(site.modern()), TlsStyle::Modern, "CLIENT_TRAFFIC_SECRET_0 "),
    ];
    for (door, style, label) in doors {
        let house = House::open(door, Box::new(everybody(Security::Encrypted)), None);
        let mut office = office();
        let manners = Manners { style, log: Some(log.clone()) };
        let phone = office.add(secure(&site, 0x1001, mode, &house, &manners, known(&site)));
        office.start(phone, Outage::Initialized);
        wait_registered(&mut office, phone, 0);
        let logged = std::fs::read_to_string(&file).unwrap();
        assert!(logged.lines().any(|line| line.starts_with(label)), "{logged}");
    }
}
