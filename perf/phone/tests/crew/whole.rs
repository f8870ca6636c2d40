//! A telephone from its first file to its calls, and again.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use callmanager::security::Security;
use pki::issue::{Template, Usage, self_signed};
use pki::{Hash, Identity, KeyKind, Name, PrivateKey};
use ringfence_phone::crew::{Command, Crew, Settings};
use sccp::codes::ResetKind;
use tlv::Role;

use crate::common::{Cluster, DEVICE, Holder, configuration};
use crate::house::{Door, House, equipment, legacy};

/// A cluster whose server speaks TLS, and a telephone with an LSC.
struct Site {
    cluster: Cluster,
    house: House,
    crew: Crew,
    _home: tempfile::TempDir,
}

fn certificate(subject: &str, usage: Usage, key: &PrivateKey) -> pki::Certificate {
    let template = Template {
        subject: Name::common(subject),
        not_before: SystemTime::now(),
        validity: Duration::from_secs(86_400),
        usage,
        alternative_names: vec![],
    };
    self_signed(&template, Hash::Sha256, key).unwrap()
}

impl Site {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let key = PrivateKey::generate(KeyKind::Rsa1024);
        let server = certificate("cm1", Usage::Server, &key);
        let file = home.path().join("server.pem");
        key.save(&file, Some(&server)).unwrap();
        let mut cluster = Cluster::new();
        cluster.node = Holder(Arc::new(Identity::new(server.clone(), key).unwrap()));
        cluster.publish_ctl(&cluster.tokens[0], &cluster.records());

        let door = Door::Legacy(legacy(&file, "AES128-SHA").build());
        let roster =
            |_: &callmanager::station::Application| Some(equipment(Security::Encrypted, "1001"));
        let house = House::open(door, Box::new(roster), None);

        let flash = home.path().join("flash");
        std::fs::create_dir(&flash).unwrap();
        let key = PrivateKey::generate(KeyKind::Rsa1024);
        key.save(&flash.join("lsc.pem"), Some(&certificate(DEVICE, Usage::Phone, &key))).unwrap();
        let crew = Crew::new(Settings {
            patience: Duration::from_secs(30),
            ports: 23_000..=23_099,
            ..Settings::default()
        });
        let mut site = Self { cluster, house, crew: crew.unwrap(), _home: home };
        site.publish("a");
        let tftp = site.cluster.address;
        let flash = flash.display();
        site.perform(&format!("phone a device={DEVICE} model=7960 tftp={tftp} flash={flash}"));
        site
    }

    /// The configuration file; each load is another file.
    fn publish(&self, load: &str) {
        let port = self.house.address.port() - 443;
        let file = configuration(3, load)
            .replace("192.0.2.10", &Ipv4Addr::LOCALHOST.to_string())
            .replace("<ethernetPhonePort>2000<", &format!("<ethernetPhonePort>{port}<"));
        self.cluster.publish_signed(&format!("{DEVICE}.cnf.xml"), file.as_bytes());
    }

    fn perform(&mut self, line: &str) {
        let command = Command::parse(line).unwrap().unwrap();
        self.crew.perform(&command).unwrap_or_else(|failure| panic!("{line}: {failure}"));
    }

    fn alarms(&self) -> Vec<String> {
        self.house.alarms.lock().unwrap().clone()
    }
}

// R: AUTH-05, AUTH-06
#[test]
fn it_fetches_its_files_registers_by_tls_and_starts_anew_when_it_is_told_to() {
    let mut site = Site::new();
    site.perform("a registers");
    assert_eq!(*site.house.suites.lock().unwrap(), ["AES128-SHA"]);
    for (kind, last) in [(ResetKind::RESET, "Reset-Reset"), (ResetKind::RESTART, "Reset-Restart")] {
        site.house.reset(DEVICE, kind);
        site.perform("expect a not registered");
        site.perform("expect a registered");
        assert!(site.alarms().last().unwrap().ends_with(&format!("Last={last}")));
    }
}

// R: ALM-02
#[test]
fn what_it_cannot_trust_its_callmanager_hears_of() {
    let mut site = Site::new();
    site.perform("a registers");
    site.cluster.files.tamper(&format!("{DEVICE}.cnf.xml.sgn"));
    site.perform("a registers");
    // An alarm goes out with the registration; the next message shows that it has come.
    site.perform("a leaves");
    site.perform("expect a not registered");
    assert!(site.alarms().contains(&"File Auth Failed".to_owned()), "{:?}", site.alarms());

    site.publish("b");
    let mut records = site.cluster.records();
    let elsewhere = std::mem::replace(&mut records[2].role, Role::Ccm);
    assert_eq!(elsewhere, Role::CcmTftp);
    site.cluster.publish_ctl(&site.cluster.tokens[0], &records);
    site.perform("a registers");
    site.perform("a leaves");
    site.perform("expect a not registered");
    let expected = "TFTP Not Authorized: 127.0.0.1".to_owned();
    assert!(site.alarms().contains(&expected), "{:?}", site.alarms());
}

// R: AUTH-06
#[test]
fn it_does_not_speak_to_a_server_that_its_ctl_does_not_know() {
    let mut site = Site::new();
    let mut records = site.cluster.records();
    // The certificate of somebody else.
    records[2].certificate = site.cluster.image.record(Role::CcmTftp).certificate;
    site.cluster.publish_ctl(&site.cluster.tokens[0], &records);
    site.perform("a starts");
    site.perform("sleep 1s");
    site.perform("expect a not registered");
    assert!(site.alarms().is_empty());
}
