//! Voicemail servers, their ports, and messages that wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ringfence_store::{
    Action, Author, Certificate, CertificateRole, DEFAULT_POOL, Destination, Device,
    DeviceSecurityMode, EffectiveMode, Error, Gateway, GatewayPort, Invalid, Latest, Model, Number,
    PortName, Roster, Route, SecurityMode, VoicemailPort, VoicemailServer,
};

use crate::database::{Database, NOW};

crate::over_both! {
    ports_are_given_the_mode_of_their_server,
    a_call_goes_from_port_to_port,
    ports_stay_as_they_are_set,
    numbers_are_of_a_gateway_or_of_voicemail,
    routes_lead_to_lamps,
    a_root_is_one_and_ends_with_its_server,
    messages_wait_without_revision,
}

fn server(security_mode: DeviceSecurityMode) -> VoicemailServer {
    VoicemailServer { name: "CiscoUM1".into(), security_mode }
}

fn number(digits: &str) -> Number {
    digits.parse().unwrap()
}

fn port(position: u8) -> PortName {
    PortName::new("CiscoUM1", position).unwrap()
}

/// A server with two ports, 5001 and 5002.
fn add(db: &Database, mode: DeviceSecurityMode) -> Vec<PortName> {
    let added = db.change(|change| {
        change.put_voicemail_server(&server(mode))?;
        change.add_voicemail_ports("CiscoUM1", 2, &number("5001"), DEFAULT_POOL)
    });
    added.unwrap().split().0
}

// R: VM-04, VM-05
fn ports_are_given_the_mode_of_their_server(db: &Database) {
    assert_eq!(add(db, DeviceSecurityMode::Encrypted), [port(1), port(2)]);
    let more = |count, first: &str| {
        db.change(|c| c.add_voicemail_ports("CiscoUM1", count, &number(first), DEFAULT_POOL))
    };
    more(1, "5010").unwrap();
    let ports = db.store.read(|v| v.voicemail_ports()).unwrap();
    let found: Vec<_> = ports
        .iter()
        .map(|port| (port.name.to_string(), port.number.to_string(), port.security_mode))
        .collect();
    let of = |n: u8, number: &str| {
        (format!("CiscoUM1-VI{n}"), number.to_owned(), DeviceSecurityMode::Encrypted)
    };
    assert_eq!(found, [of(1, "5001"), of(2, "5002"), of(3, "5010")]);
    // Numbers of others, and names that are none.
    let taken = more(1, "5002").unwrap_err();
    assert!(matches!(taken, Error::InUse { object: "line", .. }), "{taken:?}");
    let phone = Device {
        lines: vec![number("5001")],
        ..Device::new("SEP001122334455".parse().unwrap(), Model::M7970)
    };
    let taken = db.change(|c| c.put_device(&phone)).unwrap_err();
    assert!(matches!(taken, Error::InUse { object: "line", .. }), "{taken:?}");
    let gone = db.change(|c| c.remove_line(&number("5001"))).unwrap_err();
    assert!(matches!(gone, Error::InUse { .. }), "{gone:?}");
    let few = more(3, "9998").unwrap_err();
    assert_eq!(few, Invalid::NumbersFrom("9998".into()).into());
    for wrong in ["", "um 1", "CiscoUnity1"] {
        let server =
            VoicemailServer { name: wrong.into(), ..server(DeviceSecurityMode::NonSecure) };
        let refused = db.change(|c| c.put_voicemail_server(&server)).unwrap_err();
        assert_eq!(refused, Invalid::VoicemailServer(wrong.into()).into());
    }
    for wrong in ["CiscoUM1", "CiscoUM1-VI0", "CiscoUM1-VI01", "CiscoUM1-VI100", "-VI1"] {
        let refused = wrong.parse::<PortName>().unwrap_err();
        assert_eq!(refused, Invalid::VoicemailPort(wrong.into()).into());
    }
}

fn a_call_goes_from_port_to_port(db: &Database) {
    add(db, DeviceSecurityMode::NonSecure);
    db.change(|c| c.add_voicemail_ports("CiscoUM1", 1, &number("5010"), DEFAULT_POOL)).unwrap();
    for (from, to) in [("5001", Some("5002")), ("5002", Some("5010")), ("5010", None)] {
        let line = db.store.read(|v| v.line(&number(from))).unwrap();
        let forwards = [line.forward_busy, line.forward_no_answer];
        assert_eq!(forwards, [to.map(number), to.map(number)], "{from}");
    }
}

// R: VM-01, VM-06
fn ports_stay_as_they_are_set(db: &Database) {
    add(db, DeviceSecurityMode::NonSecure);
    db.change(|c| c.create_cluster("lab")).unwrap();
    db.change(|c| c.set_parameter(None, "enterprise.device-security-mode", "encrypted")).unwrap();
    db.change(|c| c.set_security_mode(SecurityMode::Mixed)).unwrap();
    let mode = |name: &str| {
        let roster = Latest::<Roster>::new(Arc::new(db.open_again()), "cm1").unwrap().newest();
        roster.port(name, NOW).map(|port| port.mode)
    };
    assert_eq!(mode("CiscoUM1-VI1"), Some(EffectiveMode::NonSecure));
    assert_eq!(mode("CiscoUM1-VI3"), None);
    let ports = db.store.read(|v| v.ports_of("CiscoUM1")).unwrap();
    let by_default =
        VoicemailPort { security_mode: DeviceSecurityMode::UseSystemDefault, ..ports[0].clone() };
    let done = db.change(|c| c.put_voicemail_port(&by_default)).unwrap();
    assert_eq!(done.actions, [Action::ResetVoicemailPorts("CiscoUM1".into())]);
    assert_eq!(mode("CiscoUM1-VI1"), Some(EffectiveMode::Encrypted));
    assert_eq!(mode("CiscoUM1-VI2"), Some(EffectiveMode::NonSecure));
    assert_eq!(db.change(|c| c.put_voicemail_port(&by_default)).unwrap().revision, None);
}

fn numbers_are_of_a_gateway_or_of_voicemail(db: &Database) {
    add(db, DeviceSecurityMode::NonSecure);
    let gateway = |digits: &str| {
        let mut gateway = Gateway::new("gw1.example", vec!["192.0.2.1:2427".parse().unwrap()]);
        gateway.ports = vec![GatewayPort::new("aaln/S1/SU0/0", Some(number(digits)))];
        gateway
    };
    let user = |refused: Error| match refused {
        Error::InUse { object: "line", by, .. } => by,
        other => panic!("{other:?}"),
    };
    let refused = db.change(|c| c.put_gateway(&gateway("5002"))).unwrap_err();
    assert_eq!(user(refused), "CiscoUM1-VI2");
    db.change(|c| c.put_gateway(&gateway("5003"))).unwrap();
    let more = |c: &mut ringfence_store::Change<'_>| {
        c.add_voicemail_ports("CiscoUM1", 1, &number("5003"), DEFAULT_POOL)
    };
    assert_eq!(user(db.change(more).unwrap_err()), "aaln/S1/SU0/0@gw1.example");
}

fn routes_lead_to_lamps(db: &Database) {
    let on = Route { pattern: "1999".into(), destination: Destination::MessageWaitingOn };
    let off = Route { pattern: "1998".into(), destination: Destination::MessageWaitingOff };
    db.change(|c| c.put_route(&on)).unwrap();
    db.change(|c| c.put_route(&off)).unwrap();
    assert_eq!(db.store.read(|v| v.routes()).unwrap(), [off, on]);
}

// R: VM-02, GEN-20
fn a_root_is_one_and_ends_with_its_server(db: &Database) {
    add(db, DeviceSecurityMode::Encrypted);
    let root = |der: &[u8]| Certificate {
        role: CertificateRole::VoicemailRoot,
        owner: String::new(),
        subject: "CN=root".into(),
        issuer: "CN=root".into(),
        serial: "01".into(),
        not_before: NOW,
        not_after: NOW,
        der: der.to_vec(),
    };
    let put = |der: &[u8]| db.change(|c| c.put_voicemail_root("CiscoUM1", &root(der))).unwrap();
    assert_eq!(put(b"1").actions, [Action::RestartCallManager]);
    assert_eq!(put(b"1").revision, None);
    put(b"2");
    let roots = || {
        let mut roots = db.store.read(|v| v.certificates()).unwrap();
        roots.retain(|it| it.role == CertificateRole::VoicemailRoot);
        roots.into_iter().map(|it| (it.owner, it.der)).collect::<Vec<_>>()
    };
    assert_eq!(roots(), [("CiscoUM1".to_owned(), b"2".to_vec())]);
    db.change(|c| c.remove_voicemail_server("CiscoUM1")).unwrap();
    assert_eq!(roots(), []);
    assert_eq!(db.store.read(|v| v.voicemail_ports()).unwrap(), []);
    // The lines are there still, and are nobody's.
    db.change(|c| c.remove_line(&number("5001"))).unwrap();
}

fn messages_wait_without_revision(db: &Database) {
    add(db, DeviceSecurityMode::NonSecure);
    let latest = Latest::<Roster>::new(Arc::new(db.open_again()), "cm1").unwrap();
    // It looks every now and then for what others have changed.
    let becomes = |wanted: &[Number]| {
        let patience = Instant::now() + Duration::from_secs(30);
        while !latest.newest().waiting().iter().eq(wanted) {
            assert!(Instant::now() < patience, "{:?}", latest.newest().waiting());
            std::thread::yield_now();
        }
    };
    let author = Author::new("CallManager", "cm1");
    let set = |waits| {
        let done = db.store.change(&author, NOW, |c| c.set_message_waiting(&number("5001"), waits));
        assert_eq!(done.unwrap().revision, None);
    };
    becomes(&[]);
    set(true);
    becomes(&[number("5001")]);
    set(true);
    set(false);
    becomes(&[]);
    set(true);
    becomes(&[number("5001")]);
    let log = db.store.read(|v| v.audit(None, 10)).unwrap();
    let told = log.iter().filter(|record| record.action == "message-waiting").count();
    assert_eq!(told, 3, "{log:?}");
    assert_eq!(latest.newest().voicemail_pilot(), Some(&number("5001")));
    let unknown = db.change(|c| c.set_message_waiting(&number("4711"), true)).unwrap_err();
    assert!(matches!(unknown, Error::Unknown { object: "line", .. }));
}
