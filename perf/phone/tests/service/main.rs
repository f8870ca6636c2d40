//! Telephones against the real CallManager service, with its database: two readings of the protocol
//! that know nothing of each other.

#[path = "../common/mod.rs"]
mod common;

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use callprocessing::census::Limits;
use callprocessing::service::{self, NoRelays, NoResources, Running};
use common::{Holder, holder, own_address};
use pki::issue::{Template, Usage, issued, self_signed};
use pki::node::{self, NodeName};
use pki::{Hash, Identity, KeyKind, Name, PrivateKey, Signer};
use ringfence_phone::Flash;
use ringfence_phone::connection::KeyLog;
use ringfence_phone::crew::{Crew, Settings, run};
use ringfence_phone::office::{Manners, Mute, Office, TlsStyle};
use ringfence_phone::traffic::{CallPlan, Pair, Recruit, Recruits, call, keep, register};
use store::{
    Author, Change, Device, DeviceName, DeviceSecurityMode, Line, Model, Node, NodeRole, Number,
    SecurityMode, Store, StoreUrl,
};
use tempfile::TempDir;
use tlv::{Role, VerifiedCtl};

const PATIENCE: Duration = Duration::from_secs(60);

/// A node with CallManager on it, and an authority for telephones.
struct Site {
    running: Running,
    ctl: VerifiedCtl,
    authority: Identity,
    home: TempDir,
}

impl Site {
    /// With these telephones, whose numbers count from 1001.
    fn new(phones: &[(&str, Model, DeviceSecurityMode)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        let now = SystemTime::now();
        let address = own_address();
        let name = NodeName {
            server: "cm1".into(),
            guid: "00000000-0000-0000-0000-000000000001".into(),
            addresses: vec![address],
        };
        std::fs::create_dir(at("keys")).unwrap();
        let server = node::open_or_create(&at("keys"), &name, KeyKind::Rsa2048, now).unwrap();
        let authority = authority();
        let store = Store::open(&StoreUrl::Sqlite(at("ringfence.db"))).unwrap();
        let make = |change: &mut Change<'_>| -> store::Result<()> {
            change.create_cluster("office")?;
            change.put_node(&Node::new("cm1", address, NodeRole::Publisher))?;
            change.set_security_mode(SecurityMode::Mixed)?;
            let issuer = authority.certificate();
            let role = store::CertificateRole::LscIssuer;
            change.put_certificate(&cluster::inventory::entry(role, "cm1", issuer))?;
            for (number, (name, model, mode)) in (1001..).zip(phones) {
                let mut device = Device::new(name.parse::<DeviceName>()?, *model);
                device.security_mode = *mode;
                let number: Number = number.to_string().parse()?;
                change.put_line(&Line::new(number.clone()))?;
                device.lines.push(number);
                change.put_device(&device)?;
            }
            Ok(())
        };
        store.change(&Author::new("alice", "test"), now, make).unwrap();
        let (plain, secure) = ports(address);
        let running = service::start(service::Setup {
            store: Arc::new(store),
            node: "cm1".into(),
            plain,
            secure,
            certificate: server.certificate().clone(),
            key_file: at("keys").join(node::KEY_FILE),
            cell: None,
            limits: Limits::default(),
            trace_directory: at("trace"),
            resources: Box::new(|answers| Ok(Box::new(NoResources(answers)))),
            relays: Box::new(|answers| Ok(Box::new(NoRelays(answers)))),
        });
        let token = holder("token");
        let mut record = Holder(Arc::new(server)).record(Role::CcmTftp);
        record.address = Some(address);
        let ctl = token.sign_ctl(&[token.record(Role::Sast), record]);
        Self { running: running.unwrap(), ctl, authority, home }
    }

    /// A directory with the flash of each of these.
    fn equip(&self, list: &[Recruit]) -> PathBuf {
        let directory = self.home.path().join("flash");
        for recruit in list {
            let home = directory.join(recruit.device.to_string());
            Flash::open(&home).unwrap();
            let key = PrivateKey::generate(KeyKind::Rsa2048);
            let template = template(&recruit.device.to_string(), Usage::Phone);
            let lsc = issued(&template, key.public_key(), Hash::Sha256, &self.authority).unwrap();
            key.save(&home.join("lsc.pem"), Some(&lsc)).unwrap();
            std::fs::write(home.join("CTLFile.tlv"), self.ctl.as_bytes()).unwrap();
        }
        directory
    }
}

/// A clear port, and the secure one that telephones expect above it.
fn ports(address: IpAddr) -> (TcpListener, TcpListener) {
    loop {
        let clear = TcpListener::bind((address, 0)).unwrap();
        let port = clear.local_addr().unwrap().port();
        let above = port.checked_add(443).map(|above| SocketAddr::new(address, above));
        if let Some(Ok(secure)) = above.map(TcpListener::bind) {
            return (clear, secure);
        }
    }
}

fn template(subject: &str, usage: Usage) -> Template {
    Template {
        subject: Name::common(subject),
        not_before: SystemTime::now() - Duration::from_secs(60),
        validity: Duration::from_secs(86_400),
        usage,
        alternative_names: vec![],
    }
}

fn authority() -> Identity {
    let key = PrivateKey::generate(KeyKind::Rsa2048);
    let template = template("CAPF-test", Usage::PhoneAuthority);
    let certificate = self_signed(&template, Hash::Sha256, &key).unwrap();
    Identity::new(certificate, key).unwrap()
}

// R: GEN-03
#[test]
fn non_secure_telephones_speak_through_the_real_server() {
    let (mode, a, b) = (DeviceSecurityMode::NonSecure, "SEP000000000001", "SEP000000000002");
    let site = Site::new(&[(a, Model::M7970, mode), (b, Model::M7960, mode)]);
    let server = site.running.plain_address();
    let script = format!(
        "phone a device={a} model=7970 server={server}
         phone b device={b} model=7960 server={server}
         a registers
         b registers
         a dials 1002
         expect a tone alerting
         expect b party 1001
         b answers
         expect a icon none
         expect a hears b
         expect b hears a
         expect b plain
         b holds
         expect b held
         b resumes
         expect a hears b
         a hangs up
         expect b idle
         a presses NewCall
         expect a tone inside-dial
         a types 9
         expect a state invalid-number
         a hangs up
         expect a idle"
    );
    let ports = 25_000..=25_099;
    let settings = Settings { patience: PATIENCE, ports, ..Settings::default() };
    let report = run(&mut Crew::new(settings).unwrap(), &script, |_| {}).unwrap();
    let failed = report.steps.iter().find(|step| step.failure.is_some());
    assert!(failed.is_none(), "{failed:#?}");
}

// R: GEN-03, AUTH-05, AUTH-07, MED-01, MED-02
#[test]
fn secure_telephones_register_with_their_certificates_and_call_with_keys() {
    let mode = DeviceSecurityMode::Encrypted;
    let names: Vec<_> = (1..=6).map(|number| format!("SEP{number:012}")).collect();
    let phones: Vec<_> = names.iter().map(|name| (name.as_str(), Model::M7970, mode)).collect();
    let site = Site::new(&phones);
    let list: String = (1001..)
        .zip(&names)
        .map(|(number, name)| format!("{name},7970,encrypted,{number}\n"))
        .collect();
    let list = Recruit::list(&list).unwrap();
    let flash = site.equip(&list);
    let log = KeyLog::open(&site.home.path().join("keys.log")).unwrap();
    let manners = Manners { style: TlsStyle::Modern, log: Some(log) };
    let servers = [site.running.plain_address()];
    let common = Recruits {
        servers: &servers,
        manners: &manners,
        flash: Some(&flash),
        ctl: None,
        source: None,
    };
    let mut office = Office::new(Mute::at(None)).unwrap();
    let setups = common.setups(&list).unwrap();
    let phones: Vec<_> = setups.into_iter().map(|setup| office.add(setup)).collect();
    let report = register(&mut office, &phones, 6, PATIENCE).unwrap();
    assert_eq!((report.missing, report.failures.len()), (0, 0), "{report:?}");
    let registered = site.running.handle().registered();
    assert_eq!(registered.len(), 6);

    let pairs = phones.chunks(2).zip(list.chunks(2)).map(|(phones, recruits)| Pair {
        caller: phones[0],
        callee: phones[1],
        number: recruits[1].number.clone().unwrap(),
    });
    let plan = CallPlan {
        pairs: pairs.collect(),
        per_second: Some(10.0),
        hold: Duration::from_millis(20),
        time: Duration::from_secs(1),
        patience: PATIENCE,
    };
    let calls = call(&mut office, &plan).unwrap();
    assert!(calls.failures.is_empty() && !calls.set_up.is_empty(), "{calls:?}");
    assert_eq!(calls.encrypted, calls.attempts);
    assert_eq!(keep(&mut office, Duration::from_millis(50)).unwrap(), (0, 6));
}
