//! A telephone that becomes secure, from its first start to its first registration by TLS.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callmanager::security::Security;
use capf::server::AuthMode;
use pki::issue::{Usage, self_signed};
use pki::{Hash, Identity, KeyKind, PrivateKey};
use ringfence_phone::crew::{Command, Crew, Settings};
use sccp::codes::ResetKind;
use tlv::{Record, Role};

use crate::common::{Cluster, DEVICE, Holder, configuration};
use crate::house::{Door, House, Roster, equipment, legacy};
use crate::office::{Office, template};
use crate::tls::Desk;

/// A cluster with CAPF, and a server with its two ports.
struct Site {
    cluster: Cluster,
    desk: Desk,
    clear: House,
    secure: House,
    crew: Crew,
    _home: tempfile::TempDir,
}

fn roster(security: Security) -> Box<Roster> {
    Box::new(move |_| Some(equipment(security, "1001")))
}

impl Site {
    fn new(auth: AuthMode) -> Self {
        let home = tempfile::tempdir().unwrap();
        let key = PrivateKey::generate(KeyKind::Rsa1024);
        let server = self_signed(&template("cm1", Usage::Server), Hash::Sha256, &key).unwrap();
        let file = home.path().join("server.pem");
        key.save(&file, Some(&server)).unwrap();
        let desk = Desk::open(Office::install(auth));
        let mut cluster = Cluster::new();
        cluster.node = Holder(Arc::new(Identity::new(server, key).unwrap()));
        let capf = Record { certificate: Some(desk.certificate()), ..Record::bare(Role::Capf) };
        let records = [cluster.records(), vec![capf]].concat();
        cluster.publish_ctl(&cluster.tokens[0], &records);

        // Somebody else may have the port above a free one.
        let (clear, above) = loop {
            let clear = House::open(Door::Plain, roster(Security::NonSecure), None);
            let mut above = clear.address;
            above.set_port(above.port().wrapping_add(443));
            if TcpListener::bind(above).is_ok() {
                break (clear, above);
            }
        };
        let door = Door::Legacy(legacy(&file, "AES128-SHA").build());
        let secure = House::open(door, roster(Security::Encrypted), Some(above));
        let patience = Duration::from_secs(60);
        let crew = Crew::new(Settings { patience, ports: 24_000..=24_099, ..Default::default() });
        let mut site = Self { cluster, desk, clear, secure, crew: crew.unwrap(), _home: home };
        let (tftp, flash) = (site.cluster.address, site._home.path().join("flash"));
        let flash = flash.display();
        site.perform(&format!("phone a device={DEVICE} model=7960 tftp={tftp} flash={flash}"));
        site
    }

    /// The phone's configuration, with its mode and what it has to do at CAPF.
    fn publish(&self, mode: u8, capf: u8) {
        let (address, port) = (self.desk.address.ip(), self.desk.address.port());
        let capf = format!(
            "<capfAuthMode>{capf}</capfAuthMode><capfList><capf><phonePort>{port}</phonePort>\
             <processNodeName>{address}</processNodeName></capf></capfList></device>"
        );
        let ports = format!("<ethernetPhonePort>{}<", self.clear.address.port());
        let file = configuration(mode, "")
            .replace("192.0.2.10", &self.clear.address.ip().to_string())
            .replace("<ethernetPhonePort>2000<", &ports)
            .replace("</device>", &capf);
        self.cluster.publish_signed(&format!("{DEVICE}.cnf.xml"), file.as_bytes());
    }

    fn perform(&mut self, line: &str) {
        let command = Command::parse(line).unwrap().unwrap();
        self.crew.perform(&command).unwrap_or_else(|failure| panic!("{line}: {failure}"));
    }

    /// Registrations at a port, by the reasons that the telephone gave for having been away.
    fn wait_for(&mut self, of: fn(&Self) -> &House, last: &[&str]) {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let alarms = of(self).alarms.lock().unwrap().clone();
            let found: Vec<_> =
                alarms.iter().filter_map(|alarm| Some(alarm.split_once("Last=")?.1)).collect();
            if found == last {
                return;
            }
            assert!(Instant::now() < end, "{alarms:?}");
            self.crew.pass(Duration::from_millis(20)).unwrap();
        }
    }
}

// R: CAPF-13, AUTH-06
#[test]
fn a_non_secure_phone_registers_goes_to_capf_and_comes_back_secure() {
    let mut site = Site::new(AuthMode::NullString);
    site.publish(1, 2);
    site.perform("a registers");
    site.perform("expect a lsc");
    // With another certificate it starts again, non-secure as it is configured.
    site.wait_for(|site| &site.clear, &["Initialized", "Reset-Reset"]);
    site.perform("expect a registered");
    assert_eq!(site.desk.office().installed, 1);
    // Its administrator makes it secure, and resets it.
    site.publish(3, 0);
    site.clear.reset(DEVICE, ResetKind::RESET);
    site.wait_for(|site| &site.secure, &["Reset-Reset"]);
    site.perform("expect a registered");
    assert_eq!(*site.secure.suites.lock().unwrap(), ["AES128-SHA"]);
}

// R: CAPF-13
#[test]
fn a_secure_phone_registers_only_with_what_capf_gave_it() {
    let mut site = Site::new(AuthMode::String);
    site.publish(3, 1);
    site.perform("a starts");
    site.perform("expect a stays \"it has no certificate\"");
    // What its user has to type.
    site.perform("a enters 1234567");
    site.perform("a registers");
    site.perform("expect a lsc");
    assert_eq!(site.secure.alarms.lock().unwrap().len(), 1);
    assert!(site.clear.alarms.lock().unwrap().is_empty());
}
