//! A cluster in mixed mode with ten thousand phones.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, Result};
use pki::issue::{Template, Usage, self_signed};
use pki::node::{self, NodeName};
use pki::{Hash, Identity, KeyKind, Name, PrivateKey, Signer};
use store::{
    Author, Device, DeviceSecurityMode, Model, Node, NodeRole, SecurityMode, Service, Store,
    StoreUrl,
};
use tempfile::TempDir;
use tftp::DeviceName;
use tlv::{
    CtlFile, DigestAlgorithm, PublicKey, Record, Role, Serial, SignatureModulus, SignerId, Signing,
    Text, VerifiedCtl,
};

/// Phones in the database.
pub(super) const DEVICES: usize = 10_000;
/// The node's name.
pub(super) const NODE: &str = "cm1";

pub(super) struct Site {
    pub store: Arc<Store>,
    /// The node's key, RSA with 2048 bits.
    pub identity: Arc<Identity>,
    pub ctl: VerifiedCtl,
    home: TempDir,
}

impl Site {
    pub fn new() -> Result<Self> {
        let home = tempfile::tempdir().context("no temporary directory")?;
        let store = Store::open(&StoreUrl::Sqlite(home.path().join("ringfence.db")))?;
        let mut me = Node::new(NODE, IpAddr::V4(Ipv4Addr::LOCALHOST), NodeRole::Publisher);
        me.services = [Service::CallManager, Service::Tftp].into_iter().collect();
        store.change(&Author::new("perf", "perf"), SystemTime::now(), |change| {
            change.create_cluster("perf")?;
            change.put_node(&me)?;
            for number in 0..DEVICES {
                let name = device(number).to_string().parse().expect("both write it alike");
                let security_mode = DeviceSecurityMode::Encrypted;
                change.put_device(&Device { security_mode, ..Device::new(name, Model::M7970) })?;
            }
            change.set_security_mode(SecurityMode::Mixed)
        })?;

        let name = NodeName {
            server: NODE.into(),
            guid: me.guid.to_string(),
            addresses: vec![me.address],
        };
        let keys = home.path().join("keys");
        std::fs::create_dir_all(&keys)?;
        let identity = node::open_or_create(&keys, &name, KeyKind::Rsa2048, SystemTime::now())
            .map_err(|fault| anyhow::anyhow!("{fault:?}"))?;
        let ctl = trust_list(&identity)?;
        Ok(Self { store: Arc::new(store), identity: Arc::new(identity), ctl, home })
    }

    /// Whether signed files stay in memory.
    pub fn set_caching(&self, caching: bool) -> Result<()> {
        self.store.change(&Author::new("perf", "perf"), SystemTime::now(), |change| {
            change.set_parameter(None, "tftp.caching", &caching.to_string())
        })?;
        Ok(())
    }

    /// A directory of its own.
    pub fn directory(&self, name: &str) -> Result<PathBuf> {
        let directory = self.home.path().join(name);
        std::fs::create_dir_all(&directory)?;
        Ok(directory)
    }
}

/// The phone of this number.
pub(super) fn device(number: usize) -> DeviceName {
    let [.., a, b, c] = number.to_be_bytes();
    DeviceName::from_mac([0x00, 0x11, 0x22, a, b, c])
}

/// Two tokens and the node.
fn trust_list(node: &Identity) -> Result<VerifiedCtl> {
    let tokens = [token("token-1")?, token("token-2")?];
    let records = [
        record(&tokens[0], Role::Sast)?,
        record(&tokens[1], Role::Sast)?,
        record(node, Role::CcmTftp)?,
    ];
    let signing = Signing {
        signer: signer_id(&tokens[0])?,
        digest: DigestAlgorithm::Sha1,
        modulus: SignatureModulus::Bits1024,
        timestamp: 1_700_000_000,
        signer_version: None,
    };
    let unsigned = CtlFile::unsigned(signing, &records)?;
    let signature = tokens[0].sign(Hash::LegacySha1, unsigned.to_be_signed())?;
    Ok(unsigned.attach(&signature)?)
}

fn token(name: &str) -> Result<Identity> {
    let key = PrivateKey::generate(KeyKind::Rsa1024);
    let template = Template {
        subject: Name::common(name),
        not_before: SystemTime::now(),
        validity: std::time::Duration::from_secs(86_400),
        usage: Usage::Signing,
        alternative_names: Vec::new(),
    };
    let certificate = self_signed(&template, Hash::Sha256, &key)?;
    Identity::new(certificate, key).context("a self-signed certificate is of its own key")
}

fn signer_id(holder: &Identity) -> Result<SignerId> {
    let certificate = holder.certificate();
    Ok(SignerId {
        name: Text::new(certificate.subject().trust_list_form())?,
        serial: Serial::new(certificate.serial())?,
        issuer: Text::new(certificate.issuer().trust_list_form())?,
    })
}

fn record(holder: &Identity, role: Role) -> Result<Record> {
    let SignerId { name, serial, issuer } = signer_id(holder)?;
    let certificate = holder.certificate();
    Ok(Record {
        dns_name: Some(Text::new(if role == Role::Sast { "" } else { NODE })?),
        subject: Some(name),
        issuer: Some(issuer),
        serial: Some(serial),
        public_key: Some(PublicKey::new(certificate.public_key().trust_list_form())?),
        certificate: Some(certificate.der().to_vec()),
        address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        ..Record::bare(role)
    })
}
