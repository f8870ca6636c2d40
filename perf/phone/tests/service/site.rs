//! A node with CallManager on it, and an authority for telephones.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use callprocessing::census::Limits;
use callprocessing::service::{
    self, NoGateways, NoRelays, NoResources, Relays, Resources, Running, Start,
};
use capture::NoTap;
use pki::issue::{Template, Usage, issued, self_signed};
use pki::node::{self, NodeName};
use pki::{Hash, Identity, KeyKind, Name, PrivateKey, Signer};
use ringfence_phone::Flash;
use ringfence_phone::traffic::Recruit;
use store::{
    Author, Change, DEFAULT_POOL, Device, DeviceName, DeviceSecurityMode, Line, MediaPolicy, Model,
    Node, NodeRole, Number, Pool, SecurityMode, Store, StoreUrl,
};
use tempfile::TempDir;
use tlv::{Role, VerifiedCtl};

use crate::common::{Cluster, Holder, configuration, holder, own_address};

/// The node.
pub struct Site {
    pub running: Running,
    pub store: Arc<Store>,
    pub server: Arc<Identity>,
    pub ctl: VerifiedCtl,
    pub home: TempDir,
    authority: Identity,
}

impl Site {
    /// With these telephones, whose numbers count from 1001.
    pub fn new(phones: &[(&str, Model, DeviceSecurityMode)]) -> Self {
        let resources = Box::new(|answers| Ok(Box::new(NoResources(answers)) as _));
        let relays = Box::new(|answers| Ok(Box::new(NoRelays(answers)) as _));
        Self::with(phones, MediaPolicy::Never, resources, relays)
    }

    /// The same with music and relays, and media goes where it says.
    pub fn with(
        phones: &[(&str, Model, DeviceSecurityMode)],
        media: MediaPolicy,
        resources: Start<'_, dyn Resources>,
        relays: Start<'_, dyn Relays>,
    ) -> Self {
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
            change.put_pool(&Pool { media, ..Pool::new(DEFAULT_POOL) })?;
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
        let store = Arc::new(store);
        let (plain, secure) = ports(address);
        let running = service::start(service::Setup {
            store: Arc::clone(&store),
            node: "cm1".into(),
            plain,
            secure,
            certificate: server.certificate().clone(),
            key_file: at("keys").join(node::KEY_FILE),
            cell: None,
            limits: Limits::default(),
            trace_directory: at("trace"),
            tap: Arc::new(NoTap),
            resources,
            relays,
            gateways: Box::new(|_| Ok(Box::new(NoGateways))),
        });
        let token = holder("token");
        let server = Arc::new(server);
        let mut record = Holder(Arc::clone(&server)).record(Role::CcmTftp);
        record.address = Some(address);
        let ctl = token.sign_ctl(&[token.record(Role::Sast), record]);
        Self { running: running.unwrap(), store, server, ctl, home, authority }
    }

    /// A directory with the flash of each of these.
    pub fn equip(&self, list: &[Recruit]) -> PathBuf {
        let directory = self.home.path().join("flash");
        for recruit in list {
            self.equip_one(&directory, &recruit.device.to_string());
        }
        directory
    }

    /// The flash of a telephone, with certificate and trust list.
    pub fn equip_one(&self, directory: &Path, device: &str) -> PathBuf {
        let home = directory.join(device);
        Flash::open(&home).unwrap();
        let key = PrivateKey::generate(KeyKind::Rsa2048);
        let template = template(device, Usage::Phone);
        let lsc = issued(&template, key.public_key(), Hash::Sha256, &self.authority).unwrap();
        key.save(&home.join("lsc.pem"), Some(&lsc)).unwrap();
        std::fs::write(home.join("CTLFile.tlv"), self.ctl.as_bytes()).unwrap();
        home
    }

    /// Files of encrypted telephones, which find this node by them, and the flash of each.
    pub fn serve(&mut self, devices: &[&str]) -> (Cluster, Vec<PathBuf>) {
        let mut files = Cluster::new();
        files.node = Holder(Arc::clone(&self.server));
        let server = self.running.plain_address();
        let mut records = files.records();
        let mut callmanager = files.node.record(Role::Ccm);
        callmanager.address = Some(server.ip());
        records.push(callmanager);
        self.ctl = files.tokens[0].sign_ctl(&records);
        let flash = self.home.path().join("flash");
        let file = configuration(3, "")
            .replace("192.0.2.10", &server.ip().to_string())
            .replace("<ethernetPhonePort>2000<", &format!("<ethernetPhonePort>{}<", server.port()));
        let equip = |device: &&str| {
            files.files.put(&format!("CTL{device}.tlv"), self.ctl.as_bytes());
            files.publish_signed(&format!("{device}.cnf.xml"), file.as_bytes());
            self.equip_one(&flash, device)
        };
        let homes = devices.iter().map(equip).collect();
        (files, homes)
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
