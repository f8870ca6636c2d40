//! What is administered, object by object.

use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};

use ringfence_store::{
    Action, Administrator, AdministratorRole, ApiToken, ApiTokenSecret, Certificate,
    CertificateRole, Device, DeviceSecurityMode, EffectiveMode, Error, Hardening, Invalid, Model,
    Node, NodeRole, Password, PasswordHash, Refusal, SecurityMode, Service, SpeedDial, Trigger,
    definitions,
};

use crate::database::Database;

crate::over_both! {
    a_fresh_cluster_is_non_secure,
    mixed_mode_ends_auto_registration,
    non_secure_mode_ignores_and_keeps_device_settings,
    every_change_says_what_to_restart,
    parameters_have_ranges_defaults_and_nodes,
    a_cluster_has_one_publisher,
    activating_the_provider_resets_its_port,
    devices_are_kept_as_they_were_put,
    administrators_log_in_and_one_remains,
    tokens_belong_to_administrators,
    certificates_are_inventoried,
    ctl_versions_count_up,
}

fn publisher() -> Node {
    Node::new("cm1", IpAddr::from([192, 0, 2, 10]), NodeRole::Publisher)
}

fn subscriber() -> Node {
    Node::new("cm2", IpAddr::from([192, 0, 2, 11]), NodeRole::Subscriber)
}

fn phone() -> Device {
    Device::new("SEP0011223344AA".parse().unwrap(), Model::M7970)
}

fn set(db: &Database, name: &str, value: &str) -> Result<Vec<Action>, Error> {
    Ok(db.change(|c| c.set_parameter(None, name, value))?.actions)
}

fn get(db: &Database, name: &str) -> String {
    db.store.read(|v| v.parameter(None, name)).unwrap().value
}

const MODE: &str = "enterprise.cluster-security-mode";
const DEVICE_MODE: &str = "enterprise.device-security-mode";
const AUTO: &str = "enterprise.auto-registration";
const PORT: &str = "ctl-provider.port";

// R: GEN-01, GEN-02
fn a_fresh_cluster_is_non_secure(db: &Database) {
    let shown = |db: &Database| {
        let all = db.store.read(|v| v.parameters(None)).unwrap();
        all.iter().find(|p| p.definition.name == MODE).map(|p| p.value.clone())
    };
    assert_eq!(db.store.read(|v| v.cluster()).unwrap(), None);
    db.change(|c| c.create_cluster("lab")).unwrap();
    assert_eq!(db.store.read(|v| v.security_mode()).unwrap(), SecurityMode::NonSecure);
    assert_eq!(shown(db), None);
    assert_eq!(set(db, MODE, "1"), Err(Refusal::SecurityModeIsTheCtlClients.into()));

    db.change(|c| c.set_security_mode(SecurityMode::NonSecure)).unwrap();
    assert_eq!(shown(db).as_deref(), Some("0"));
    db.change(|c| c.set_security_mode(SecurityMode::Mixed)).unwrap();
    assert_eq!(shown(db).as_deref(), Some("1"));
    assert_eq!(db.store.read(|v| v.security_mode()).unwrap(), SecurityMode::Mixed);

    let again = db.change(|c| c.create_cluster("other"));
    assert_eq!(again.unwrap_err(), Error::Exists { object: "cluster", name: "lab".into() });
}

// R: GEN-04
fn mixed_mode_ends_auto_registration(db: &Database) {
    db.change(|c| c.create_cluster("lab")).unwrap();
    set(db, AUTO, "on").unwrap();
    assert_eq!(get(db, AUTO), "true");
    db.change(|c| c.set_security_mode(SecurityMode::Mixed)).unwrap();
    assert_eq!(get(db, AUTO), "false");
    assert_eq!(set(db, AUTO, "true"), Err(Refusal::AutoRegistrationInMixedMode.into()));
    db.change(|c| c.set_security_mode(SecurityMode::NonSecure)).unwrap();
    set(db, AUTO, "true").unwrap();
    assert_eq!(get(db, AUTO), "true");
}

// R: GEN-05
fn non_secure_mode_ignores_and_keeps_device_settings(db: &Database) {
    use DeviceSecurityMode as Set;
    use EffectiveMode as Is;
    let of = |set: Set, cluster, default| {
        Device { security_mode: set, ..phone() }.effective_mode(cluster, default)
    };
    for set in Set::ALL {
        assert_eq!(of(*set, SecurityMode::NonSecure, Is::Encrypted), Is::NonSecure);
    }
    let mixed = SecurityMode::Mixed;
    assert_eq!(of(Set::UseSystemDefault, mixed, Is::Authenticated), Is::Authenticated);
    assert_eq!(of(Set::NonSecure, mixed, Is::Encrypted), Is::NonSecure);
    assert_eq!(of(Set::Authenticated, mixed, Is::NonSecure), Is::Authenticated);
    assert_eq!(of(Set::Encrypted, mixed, Is::NonSecure), Is::Encrypted);
    assert_eq!(Is::ALL.iter().map(|mode| mode.number()).collect::<Vec<_>>(), [1, 2, 3]);

    let device = Device { security_mode: Set::Encrypted, ..phone() };
    db.change(|c| {
        c.create_cluster("lab")?;
        c.put_device(&device)?;
        c.set_security_mode(SecurityMode::NonSecure)
    })
    .unwrap();
    let kept = db.store.read(|v| v.device(&device.name)).unwrap();
    assert_eq!(kept.security_mode, Set::Encrypted);
}

// R: GEN-20
fn every_change_says_what_to_restart(db: &Database) {
    let device = phone();
    let name = device.name.clone();
    db.change(|c| {
        c.create_cluster("lab")?;
        c.put_node(&publisher())?;
        c.put_device(&device)
    })
    .unwrap();

    let secure = Device { security_mode: DeviceSecurityMode::Encrypted, ..device };
    let done = db.change(|c| c.put_device(&secure)).unwrap();
    assert_eq!(done.actions, [Action::ResetDevice(name.clone())]);
    let hardening = Hardening { web_access: false, ..Hardening::default() };
    let done = db.change(|c| c.put_device(&Device { hardening, ..secure.clone() })).unwrap();
    assert_eq!(done.actions, [Action::ResetDevice(name.clone())]);

    let call_manager_and_devices = [Action::RestartCallManager, Action::ResetAllDevices];
    let done = db.change(|c| c.set_security_mode(SecurityMode::Mixed)).unwrap();
    assert_eq!(done.actions, call_manager_and_devices);
    let same = db.change(|c| c.set_security_mode(SecurityMode::Mixed)).unwrap();
    assert_eq!((same.revision, same.actions), (None, vec![]));
    assert_eq!(set(db, DEVICE_MODE, "Encrypted").unwrap(), call_manager_and_devices);

    let done = db.change(|c| c.put_ctl(b"file", "CN=token")).unwrap();
    let tftp_too = [Action::RestartCallManager, Action::RestartTftp, Action::ResetAllDevices];
    assert_eq!(done.actions, tftp_too);
    assert_eq!(set(db, PORT, "2555").unwrap(), [Action::RestartCtlProvider]);
    assert_eq!(set(db, "enterprise.capf-phone-port", "3805").unwrap(), [Action::RestartCapf]);
    let srst = Trigger::SrstSecurity("branch".into());
    assert_eq!(srst.actions(), [Action::ResetDependents("branch".into())]);
    assert_eq!(Trigger::VoicemailCertificate.actions(), [Action::RestartCallManager]);

    // They wait until somebody did them, and resetting all devices is resetting each.
    let due = || -> Vec<Action> {
        db.store.read(|v| v.due()).unwrap().into_iter().map(|due| due.action).collect()
    };
    assert_eq!(
        due(),
        [
            Action::RestartCtlProvider,
            Action::RestartCapf,
            Action::RestartCallManager,
            Action::RestartTftp,
            Action::ResetDevice(name),
            Action::ResetAllDevices,
        ]
    );
    assert!(Action::ResetAllDevices.resets_phones() && !Action::RestartTftp.resets_phones());
    db.change(|c| c.done(&Action::ResetAllDevices)).unwrap();
    db.change(|c| c.done(&Action::RestartCallManager)).unwrap();
    assert_eq!(due(), [Action::RestartCtlProvider, Action::RestartCapf, Action::RestartTftp]);
}

fn parameters_have_ranges_defaults_and_nodes(db: &Database) {
    db.change(|c| {
        c.put_node(&publisher())?;
        c.put_node(&subscriber())
    })
    .unwrap();
    for definition in definitions() {
        assert!(!definition.help.en.is_empty() && !definition.help.ja.is_empty());
        assert!(db.store.read(|v| v.parameter(None, definition.name)).unwrap().is_default);
    }
    for wrong in ["1025", "32768", "", "-1", "+2444", "2444 x", "99999999999999999999"] {
        let range = Invalid::Range { given: wrong.into(), min: 1026, max: 32767 };
        assert_eq!(set(db, PORT, wrong), Err(range.into()));
    }
    for right in ["1026", "32767"] {
        set(db, PORT, right).unwrap();
        assert_eq!(get(db, PORT), right);
    }
    for wrong in ["tftp", "/srv/../etc", "", "/a\0b"] {
        assert!(matches!(
            set(db, "tftp.file-location", wrong),
            Err(Error::Invalid(Invalid::Path(_)))
        ));
    }
    set(db, "tftp.alternate-file-location-1", "/srv/tftp2").unwrap();
    set(db, "tftp.alternate-file-location-1", "").unwrap();
    assert!(set(db, DEVICE_MODE, "secret").unwrap_err().to_string().contains("authenticated"));
    assert!(matches!(set(db, "tftp.colour", "red"), Err(Error::Unknown { .. })));

    let at = |node| db.store.read(|v| v.parameter(node, PORT)).unwrap().value;
    db.change(|c| c.set_parameter(Some("cm2"), PORT, "3000")).unwrap();
    assert_eq!((&*at(None), &*at(Some("cm1")), &*at(Some("cm2"))), ("32767", "32767", "3000"));
    db.change(|c| c.unset_parameter(None, PORT)).unwrap();
    db.change(|c| c.unset_parameter(Some("cm2"), PORT)).unwrap();
    assert_eq!((&*at(None), &*at(Some("cm2"))), ("2444", "2444"));
    let not_per_node = db.change(|c| c.set_parameter(Some("cm1"), DEVICE_MODE, "encrypted"));
    assert_eq!(not_per_node.unwrap_err(), Refusal::NotPerNode.into());
    let nowhere = db.change(|c| c.set_parameter(Some("cm9"), PORT, "3000"));
    assert_eq!(nowhere.unwrap_err(), Error::Unknown { object: "node", name: "cm9".into() });
}

fn a_cluster_has_one_publisher(db: &Database) {
    let (cm1, cm2) = (publisher(), subscriber());
    db.change(|c| {
        c.put_node(&cm2)?;
        c.put_node(&cm1)
    })
    .unwrap();
    assert_eq!(db.store.read(|v| v.nodes()).unwrap(), [cm1.clone(), cm2.clone()]);

    let refused = |node: &Node| db.change(|c| c.put_node(node)).unwrap_err();
    let second = Node { role: NodeRole::Publisher, ..cm2.clone() };
    assert_eq!(refused(&second), Refusal::SecondPublisher.into());
    let demoted = Node { role: NodeRole::Subscriber, ..cm1.clone() };
    assert_eq!(refused(&demoted), Refusal::PublisherStays.into());
    let capf = Node { services: vec![Service::Capf], ..cm2.clone() };
    assert_eq!(refused(&capf), Refusal::CapfOnPublisherOnly.into());
    let twin = Node::new("cm3", cm1.address, NodeRole::Subscriber);
    assert_eq!(refused(&twin), Error::Exists { object: "node", name: "cm1".into() });
    for name in ["", "a b", "höst", &"x".repeat(256)] {
        let nameless = Node { name: name.into(), ..subscriber() };
        assert_eq!(refused(&nameless), Invalid::NodeName(name.into()).into());
    }
    let unspecified = Node::new("cm3", IpAddr::from([0, 0, 0, 0]), NodeRole::Subscriber);
    assert_eq!(refused(&unspecified), Invalid::Address("0.0.0.0".into()).into());

    assert_eq!(db.change(|c| c.remove_node("cm1")).unwrap_err(), Refusal::PublisherStays.into());
    db.change(|c| c.remove_node("cm2")).unwrap();
    assert_eq!(db.store.read(|v| v.nodes()).unwrap(), [cm1]);
}

fn activating_the_provider_resets_its_port(db: &Database) {
    let on = publisher();
    let off = Node { services: vec![Service::Tftp], ..on.clone() };
    db.change(|c| c.put_node(&on)).unwrap();
    db.change(|c| c.set_parameter(Some("cm1"), PORT, "3000")).unwrap();
    let port = || db.store.read(|v| v.parameter(Some("cm1"), PORT)).unwrap().value;
    db.change(|c| c.put_node(&on)).unwrap();
    assert_eq!(port(), "3000");
    db.change(|c| c.put_node(&off)).unwrap();
    db.change(|c| c.put_node(&on)).unwrap();
    assert_eq!(port(), "2444");
}

fn devices_are_kept_as_they_were_put(db: &Database) {
    let mut device = Device {
        description: "受付".into(),
        lines: vec!["1001".parse().unwrap(), "1002".parse().unwrap()],
        speed_dials: vec![SpeedDial { number: "911".parse().unwrap(), label: "救急".into() }],
        load_information: "P0030801SR02".into(),
        hardening: Hardening { pc_port: false, ..Hardening::default() },
        ..phone()
    };
    let made = db.change(|c| c.put_device(&device)).unwrap();
    device.revision = made.revision.unwrap();
    assert_eq!(db.store.read(|v| v.device(&device.name)).unwrap(), device);
    assert_eq!(db.change(|c| c.put_device(&device)).unwrap().revision, None);

    device.owner = "bob".into();
    device.revision = db.change(|c| c.put_device(&device)).unwrap().revision.unwrap();
    assert_eq!(db.store.read(|v| v.devices()).unwrap(), std::slice::from_ref(&device));

    for name in ["sep0011223344aa", "00:11:22:33:44:AA", "0011.2233.44aa", "SEP0011223344AA"] {
        assert_eq!(name.parse(), Ok(device.name.clone()));
    }
    for name in ["", "SEP", "SEP00112233445", "SEP0011223344AG", "SEP0011223344AA/..", "ＳＥＰ"]
    {
        assert!(name.parse::<ringfence_store::DeviceName>().is_err(), "{name}");
    }
    let plain = Device { model: Model::M7912, ..device.clone() };
    let secure = Device { security_mode: DeviceSecurityMode::Encrypted, ..plain };
    let refused = db.change(|c| c.put_device(&secure)).unwrap_err();
    assert_eq!(refused, Refusal::ModeNotSupported.into());
    let long = Device { owner: "x".repeat(129), ..device.clone() };
    let refused = db.change(|c| c.put_device(&long)).unwrap_err();
    assert_eq!(refused, Invalid::TooLong { field: "owner", max: 128 }.into());

    db.change(|c| c.remove_device(&device.name)).unwrap();
    assert!(db.store.read(|v| v.devices()).unwrap().is_empty());
    assert!(matches!(
        db.change(|c| c.remove_device(&device.name)),
        Err(Error::Unknown { object: "device", .. })
    ));
}

// R: CTL-12
fn administrators_log_in_and_one_remains(db: &Database) {
    let person = |name: &str, role| Administrator { name: name.into(), role };
    let alice = person("alice", AdministratorRole::Administrator);
    let bob = person("bob", AdministratorRole::Operator);
    let right = Password::new("correct horse");
    let hash = PasswordHash::new(&right).unwrap();
    db.change(|c| {
        c.put_administrator(&alice, &hash)?;
        c.put_administrator(&bob, &hash)
    })
    .unwrap();
    let login = |name, password| db.store.authenticate(name, &Password::new(password)).unwrap();
    assert_eq!(login("alice", "correct horse"), Some(alice.clone()));
    assert_eq!(login("bob", "correct horse"), Some(bob));
    for (name, password) in [("alice", "wrong horse"), ("alice", ""), ("eve", "correct horse")] {
        assert_eq!(login(name, password), None);
    }
    assert!(AdministratorRole::Operator.may_run_ctl_client());
    assert!(!AdministratorRole::Monitor.may_run_ctl_client());

    let demoted = person("alice", AdministratorRole::Monitor);
    for refused in [
        db.change(|c| c.put_administrator(&demoted, &hash)),
        db.change(|c| c.remove_administrator("alice")),
    ] {
        assert_eq!(refused.unwrap_err(), Refusal::LastAdministrator.into());
    }
    db.change(|c| c.remove_administrator("bob")).unwrap();
    let short = PasswordHash::new(&Password::new("1234567")).unwrap_err();
    assert_eq!(short, Invalid::PasswordTooShort { min: 8 }.into());
    let nameless =
        db.change(|c| c.put_administrator(&person("a b", AdministratorRole::Monitor), &hash));
    assert_eq!(nameless.unwrap_err(), Invalid::UserName("a b".into()).into());

    let new = PasswordHash::new(&Password::new("battery staple")).unwrap();
    db.change(|c| c.put_administrator(&alice, &new)).unwrap();
    assert_eq!(login("alice", "correct horse"), None);
    let told = format!("{:?}", db.store.read(|v| v.revisions(None, 100)).unwrap());
    assert!(told.contains("changed") && !told.contains("argon2") && !told.contains("battery"));
    assert_eq!(format!("{right:?} {hash:?}"), "Password PasswordHash");
}

fn certificates_are_inventoried(db: &Database) {
    db.change(|c| c.put_node(&publisher())).unwrap();
    let certificate = Certificate {
        role: CertificateRole::CallManager,
        owner: "cm1".into(),
        subject: "CN=cm1".into(),
        issuer: "CN=cm1".into(),
        serial: "c0ffee01".into(),
        not_before: UNIX_EPOCH + Duration::from_millis(1_100_000_000_123),
        not_after: UNIX_EPOCH + Duration::from_secs(1_400_000_000),
        der: vec![0x30, 0x00, 0xff],
    };
    assert!(db.change(|c| c.put_certificate(&certificate)).unwrap().revision.is_some());
    assert_eq!(db.change(|c| c.put_certificate(&certificate)).unwrap().revision, None);
    assert_eq!(db.store.read(|v| v.certificates()).unwrap(), std::slice::from_ref(&certificate));

    let print = certificate.fingerprint();
    db.change(|c| c.put_certificate_copy(&print, "cm1", "/certs/ccmserver.cer")).unwrap();
    let copies = db.store.read(|v| v.certificate_copies(&print)).unwrap();
    assert_eq!(copies.len(), 1);
    assert_eq!((&*copies[0].node, &*copies[0].path), ("cm1", "/certs/ccmserver.cer"));
    let nowhere = db.change(|c| c.put_certificate_copy(&print, "cm9", "/certs/x"));
    assert!(matches!(nowhere, Err(Error::Unknown { object: "node", .. })));

    db.change(|c| c.remove_certificate(&certificate)).unwrap();
    assert!(db.store.read(|v| v.certificates()).unwrap().is_empty());
}

fn ctl_versions_count_up(db: &Database) {
    assert_eq!(db.store.read(|v| v.ctl()).unwrap(), None);
    let first = db.change(|c| c.put_ctl(b"one", "CN=token-1")).unwrap().value;
    let again = db.change(|c| c.put_ctl(b"one", "CN=token-1")).unwrap();
    assert_eq!((again.value, again.revision), (first.clone(), None));
    let second = db.change(|c| c.put_ctl(b"two", "CN=token-2")).unwrap().value;
    assert_eq!((first.number, second.number), (1, 2));
    assert_eq!(db.store.read(|v| v.ctl()).unwrap(), Some(second.clone()));
    assert_eq!(db.store.read(|v| v.ctl_versions()).unwrap(), [second, first]);

    db.change(|c| c.withdraw_ctl()).unwrap();
    assert_eq!(db.store.read(|v| v.ctl()).unwrap(), None);
    assert_eq!(db.change(|c| c.withdraw_ctl()).unwrap().revision, None);
    let third = db.change(|c| c.put_ctl(b"one", "CN=token-3")).unwrap().value;
    assert_eq!(third.number, 4);
}

fn tokens_belong_to_administrators(db: &Database) {
    let hash = PasswordHash::new(&Password::new("correct horse")).unwrap();
    let alice = Administrator { name: "alice".into(), role: AdministratorRole::Administrator };
    let bob = Administrator { name: "bob".into(), role: AdministratorRole::Operator };
    db.change(|c| {
        c.put_administrator(&alice, &hash)?;
        c.put_administrator(&bob, &hash)
    })
    .unwrap();
    let expires = Some(UNIX_EPOCH + Duration::from_secs(1_900_000_000));
    let role = AdministratorRole::Monitor;
    let token = ApiToken { name: "robot".into(), owner: "bob".into(), role, expires };
    let secret = ApiTokenSecret::random();
    db.change(|c| c.add_api_token(&token, &secret)).unwrap();
    assert!(matches!(
        db.change(|c| c.add_api_token(&token, &ApiTokenSecret::random())),
        Err(Error::Exists { object: "API token", .. })
    ));
    let orphan = ApiToken { name: "other".into(), owner: "eve".into(), ..token.clone() };
    assert!(db.change(|c| c.add_api_token(&orphan, &secret)).is_err());
    let find = |secret: &str| db.store.read(|v| v.api_token(secret)).unwrap();
    assert_eq!(find(secret.expose()), Some(token.clone()));
    assert_eq!(find(ApiTokenSecret::random().expose()), None);
    let told = format!("{secret:?} {:?}", db.store.read(|v| v.revisions(None, 100)).unwrap());
    assert!(!told.contains(&secret.expose()[3..]), "the history names no secret");

    let stamp = |name: &str| db.store.read(|v| v.account(name)).unwrap().map(|(_, stamp)| stamp);
    let before = stamp("bob").unwrap();
    let new = PasswordHash::new(&Password::new("correct horse")).unwrap();
    db.change(|c| c.put_administrator(&bob, &new)).unwrap();
    assert_ne!(stamp("bob").unwrap(), before, "even the same password is another one");
    db.change(|c| c.remove_administrator("bob")).unwrap();
    assert_eq!(stamp("bob"), None);
    assert_eq!(find(secret.expose()), None, "it goes with its owner");
    assert!(db.store.read(|v| v.api_tokens()).unwrap().is_empty());
}
