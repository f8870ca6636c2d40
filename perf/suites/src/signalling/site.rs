//! A node with telephones in its database, and their certificates.

use std::fs;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow};
use phone::connection::TlsIdentity;
use pki::issue::{Template, Usage, issued, self_signed};
use pki::node::{self, NodeName};
use pki::{Certificate, Hash, Identity, KeyKind, Name, PrivateKey, Signer, export};
use store::{
    Author, CertificateRole, Device, DeviceSecurityMode, Line, Model, Node, NodeRole, SecurityMode,
    Store, StoreUrl,
};
use tempfile::TempDir;

/// The node's name.
pub(crate) const NODE: &str = "cm1";
const GUID: &str = "00000000-0000-0000-0000-000000000001";
/// How far the secure port is from the clear one.
const SECURE: u16 = 443;

pub(crate) struct Site {
    /// How many phones there are.
    pub count: usize,
    /// Where phones without TLS would come; the secure port is 443 above.
    pub clear: SocketAddr,
    pub certificate: Certificate,
    authority: Identity,
    /// One for all: making ten thousand takes longer than anything that is measured.
    key: PrivateKey,
    home: TempDir,
}

/// Those that speak TLS 1.3, the last ones. The others need two sockets of the cell each, and a
/// process may have twenty thousand on many a machine.
pub(super) const MODERN: usize = 500;

impl Site {
    pub fn new(count: usize) -> Result<Self> {
        Self::at(count, free_ports(own_address()?)?)
    }

    /// One whose server is reached there.
    pub fn at(count: usize, clear: SocketAddr) -> Result<Self> {
        let home = tempfile::tempdir().context("no temporary directory")?;
        let now = SystemTime::now();
        let address = clear.ip();
        let name = NodeName { server: NODE.into(), guid: GUID.into(), addresses: vec![address] };
        let keys = home.path().join("keys");
        fs::create_dir(&keys)?;
        let server = node::open_or_create(&keys, &name, KeyKind::Rsa2048, now)
            .map_err(|error| anyhow!("the node's key: {error:?}"))?;
        let key = PrivateKey::generate(KeyKind::Rsa2048);
        let certificate =
            self_signed(&template("CAPF", Usage::PhoneAuthority, now), Hash::Sha256, &key)?;
        let authority = Identity::new(certificate, key).context("its key is its own")?;
        let site = Self {
            count,
            clear,
            certificate: server.certificate().clone(),
            authority,
            key: PrivateKey::generate(KeyKind::Rsa2048),
            home,
        };
        site.fill(now, address)?;
        let file = site.file("phone.pem");
        site.key.save(&file, Some(&site.issue(0, now)?))?;
        fs::write(site.file("authority.pem"), export::pem(site.authority.certificate()))?;
        Ok(site)
    }

    fn fill(&self, now: SystemTime, address: IpAddr) -> Result<()> {
        let store = Store::open(&StoreUrl::Sqlite(self.file("ringfence.db")))?;
        let issuer = self.authority.certificate();
        store.change(&Author::new("perf", "perf"), now, |change| {
            change.create_cluster("perf")?;
            let me = Node::new(NODE, address, NodeRole::Publisher);
            change.put_node(&Node { guid: GUID.parse()?, ..me })?;
            change.set_security_mode(SecurityMode::Mixed)?;
            let role = CertificateRole::LscIssuer;
            change.put_certificate(&cluster::inventory::entry(role, NODE, issuer))?;
            (0..self.count).try_for_each(|index| {
                let name = name(index).to_string().parse().expect("both write it alike");
                let number: store::Number = number(index).parse()?;
                change.put_line(&Line::new(number.clone()))?;
                change.put_device(&Device {
                    security_mode: DeviceSecurityMode::Encrypted,
                    lines: vec![number],
                    ..Device::new(name, Model::M7970)
                })
            })
        })?;
        Ok(())
    }

    /// What phones show, by their indices.
    pub fn identities(&self) -> Result<impl FnMut(usize) -> Result<TlsIdentity> + '_> {
        let first = TlsIdentity::read(&self.file("phone.pem"))?.context("it was written")?;
        Ok(move |index| {
            let certificate = self.issue(index, SystemTime::now())?;
            first.with_certificate(certificate.der()).context("all have this key")
        })
    }

    /// The node's key, which signs.
    pub fn identity(&self) -> Result<Identity> {
        node::open(&self.home.path().join("keys"), SystemTime::now())
            .map_err(|error| anyhow!("the node's key: {error:?}"))
    }

    /// The secure port.
    pub fn secure(&self) -> SocketAddr {
        SocketAddr::new(self.clear.ip(), self.clear.port() + SECURE)
    }

    /// A file or directory of it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn issue(&self, index: usize, now: SystemTime) -> Result<Certificate> {
        let template = template(&name(index).to_string(), Usage::Phone, now);
        Ok(issued(&template, self.key.public_key(), Hash::Sha256, &self.authority)?)
    }
}

/// The phone of this index.
pub(crate) fn name(index: usize) -> tftp::DeviceName {
    let [.., a, b, c] = index.to_be_bytes();
    tftp::DeviceName::from_mac([0x00, 0x11, 0x22, a, b, c])
}

/// Its number.
pub(super) fn number(index: usize) -> String {
    (10_000 + index).to_string()
}

fn template(subject: &str, usage: Usage, now: SystemTime) -> Template {
    Template {
        subject: Name::common(subject),
        not_before: now - Duration::from_secs(60),
        validity: Duration::from_secs(86_400),
        usage,
        alternative_names: vec![],
    }
}

/// One that is not the loopback, where no server sends media.
fn own_address() -> Result<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    // Nothing is sent: the kernel only chooses a source address.
    socket.connect("198.51.100.1:9").context("this suite needs a default route")?;
    Ok(socket.local_addr()?.ip())
}

/// A clear port that was free a moment ago, as was the secure one.
fn free_ports(address: IpAddr) -> Result<SocketAddr> {
    let free = |port| TcpListener::bind((address, port)).is_ok();
    let port = (20_000..30_000).find(|port| free(*port) && free(port + SECURE));
    Ok(SocketAddr::new(address, port.context("no port is free")?))
}
