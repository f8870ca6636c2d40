//! A centre with a reference, and a gateway for it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use pki::node::{self, NodeName};
use pki::{Certificate, Identity, KeyKind};
use ringfence_srst::agent::{self, Agent, CentreAddress, News};
use ringfence_srst::centre::{self, Centre};
use ringfence_srst::link::Report;
use ringfence_srst::tls::Own;
use store::{
    Author, CertificateRole, Change, Device, DeviceName, Line, Model, Node, NodeRole, Pool,
    SecurityMode, SrstReference, Store, StoreUrl,
};
use tempfile::TempDir;

/// Longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Somebody with a key of his own.
pub struct Party {
    pub dir: TempDir,
    pub identity: Arc<Identity>,
    pub own: Own,
}

impl Party {
    pub fn new(name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let node = NodeName {
            server: name.into(),
            guid: format!("guid-of-{name}"),
            addresses: vec![LOCALHOST],
        };
        let identity =
            node::open_or_create(dir.path(), &node, KeyKind::Rsa2048, SystemTime::now()).unwrap();
        let own = Own::new(identity.certificate(), None, &dir.path().join(node::KEY_FILE));
        Self { dir, identity: Arc::new(identity), own }
    }

    pub fn fingerprint(&self) -> String {
        self.identity.certificate().fingerprint()
    }

    pub fn store(&self) -> Arc<Store> {
        Arc::new(open(&self.dir.path().join("ringfence.db")))
    }
}

pub fn open(path: &Path) -> Store {
    Store::open(&StoreUrl::Sqlite(path.to_owned())).unwrap()
}

pub fn listener() -> TcpListener {
    TcpListener::bind((LOCALHOST, 0)).unwrap()
}

pub fn change(store: &Store, make: impl FnOnce(&mut Change<'_>) -> store::Result<()>) {
    store.change(&Author::new("alice", "test"), SystemTime::now(), make).unwrap();
}

/// The store of a centre: two branches with a phone each, and a reference for one of them.
pub fn centre_store(centre: &Party, gateway: &Certificate) -> Arc<Store> {
    let store = centre.store();
    change(&store, |c| {
        c.create_cluster("lab")?;
        c.put_node(&Node::new("cm1", [192, 0, 2, 10].into(), NodeRole::Publisher))?;
        c.set_security_mode(SecurityMode::Mixed)?;
        c.add_region("Kyoto")?;
        let reference = SrstReference::new("branch", [192, 0, 2, 1].into());
        c.put_srst_reference(&SrstReference { secure: true, ..reference })?;
        c.accept_srst_certificate("branch", &entry(CertificateRole::SrstGateway, gateway))?;
        let issuer = entry(CertificateRole::LscIssuer, centre.identity.certificate());
        c.put_certificate(&issuer)?;
        c.put_pool(&Pool {
            srst: Some("branch".into()),
            region: "Kyoto".into(),
            ..Pool::new("Kyoto")
        })?;
        c.put_pool(&Pool::new("Osaka"))?;
        c.put_line(&Line { display: "Ann".into(), ..Line::new("1001".parse()?) })?;
        c.put_device(&phone(1, "Kyoto", "1001"))?;
        c.put_device(&phone(2, "Osaka", "1002"))
    });
    store
}

pub fn phone(last: u8, pool: &str, number: &str) -> Device {
    let name: DeviceName = format!("SEP0000000000{last:02X}").parse().unwrap();
    let lines = vec![number.parse().unwrap()];
    Device { pool: pool.into(), lines, ..Device::new(name, Model::M7970) }
}

pub fn entry(role: CertificateRole, certificate: &Certificate) -> store::Certificate {
    store::Certificate {
        role,
        owner: "branch".into(),
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        serial: "01".into(),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
        der: certificate.der().to_vec(),
    }
}

pub fn start_centre(party: &Party, store: Arc<Store>, at: TcpListener) -> Centre {
    centre::start(at, &party.own, Arc::clone(&party.identity), store).unwrap()
}

/// A gateway that reports, and what it hears.
pub struct Gateway {
    _agent: Agent,
    pub report: Arc<Mutex<Report>>,
    news: Receiver<News>,
}

impl Gateway {
    pub fn start(party: &Party, centres: &[(SocketAddr, String)]) -> Self {
        let centres = centres.iter().cloned();
        let centres =
            centres.map(|(address, fingerprint)| CentreAddress { address, fingerprint }).collect();
        let report = Arc::<Mutex<Report>>::default();
        let (tell, news) = channel();
        let said = Arc::clone(&report);
        let agent = agent::start(
            party.own.clone(),
            centres,
            move || said.lock().unwrap().clone(),
            move |news| drop(tell.send(news)),
        );
        Self { _agent: agent.unwrap(), report, news }
    }

    /// What it hears next that fits.
    pub fn hears<T>(&self, mut fits: impl FnMut(News) -> Option<T>) -> T {
        loop {
            let news = self.news.recv_timeout(PATIENCE).expect("nothing that fits is heard");
            if let Some(found) = fits(news) {
                return found;
            }
        }
    }
}
