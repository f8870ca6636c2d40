//! A publisher with a database, and CAPF on it.

use std::net::{IpAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use capf::server::{AdmissionLimits, Level, Settings};
use cluster::provider::NodeFiles;
use jiff::tz::TimeZone;
use pki::capf::KEY_FILE;
use pki::issue::{Template, Usage, issued, self_signed};
use pki::{Certificate, Hash, Identity, KeyKind, Name, PrivateKey, Signer};
use ringfence_enrolment::authority;
use ringfence_enrolment::desk::Desk;
use ringfence_enrolment::issuer::{Issuer, OwnIssuer};
use ringfence_enrolment::order::{Facts, StringWish, Wish};
use ringfence_enrolment::service::{self, Entrance, ModernTls, Running, Setup};
use ringfence_enrolment::trace::Trace;
use store::{
    Author, Capf, CapfAuthMode, CapfOperation, CapfReason, CertificateRole, Change, Device,
    DeviceName, KeySize, Model, Node, NodeRole, Store, StoreUrl,
};
use tempfile::TempDir;

pub const DEVICE: &str = "SEP001122334455";
pub const YEAR: Duration = Duration::from_secs(365 * 86_400);

pub struct Site {
    pub dir: TempDir,
    pub store: Arc<Store>,
    pub files: NodeFiles,
    pub own: Certificate,
    /// Where the phone is known to be.
    pub home: Arc<Mutex<Option<IpAddr>>>,
    pub maker: Identity,
}

pub fn device() -> DeviceName {
    DEVICE.parse().unwrap()
}

pub fn author() -> Author {
    Author::new("alice", "test")
}

impl Site {
    /// One with a phone that nothing is ordered for.
    pub fn new(model: Model) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreUrl::Sqlite(dir.path().join("ringfence.db"))).unwrap();
        let maker = maker();
        store
            .change(&author(), SystemTime::now(), |change| {
                change.create_cluster("office")?;
                change.put_node(&Node::new("cm1", [127, 0, 0, 1].into(), NodeRole::Publisher))?;
                change.put_device(&Device::new(device(), model))?;
                authority::trust(change, CertificateRole::MicIssuer, maker.certificate())
            })
            .unwrap();
        let files =
            NodeFiles { keys: dir.path().join("keys"), certificates: dir.path().join("certs") };
        let own = authority::open(&files, &store, "cm1", SystemTime::now()).unwrap();
        let own = own.certificate().clone();
        Self { dir, store: Arc::new(store), files, own, home: Arc::default(), maker }
    }

    pub fn change(&self, make: impl FnOnce(&mut Change<'_>) -> store::Result<()>) {
        self.store.change(&author(), SystemTime::now(), make).unwrap();
    }

    pub fn capf(&self) -> Capf {
        self.store.read(|view| view.capf(&device())).unwrap()
    }

    pub fn order(&self, operation: CapfOperation, auth_mode: CapfAuthMode) {
        let by_string = auth_mode == CapfAuthMode::AuthenticationString;
        self.wish(&Wish {
            operation: Some(operation),
            auth_mode: Some(auth_mode),
            auth_string: by_string.then(|| StringWish::Typed("1234567".into())),
            key_size: Some(KeySize::Rsa512),
            complete_by: None,
        });
    }

    pub fn wish(&self, wish: &Wish) {
        let facts = self.store.read(|view| Facts::read(view, &device())).unwrap();
        let order = facts.order(wish, SystemTime::now(), &TimeZone::UTC).unwrap();
        self.change(|change| change.order_capf(&order.capf));
    }

    pub fn desk(&self) -> Desk {
        self.desk_with(Box::new(OwnIssuer::new(self.identity(), YEAR)))
    }

    pub fn desk_with(&self, issuer: Box<dyn Issuer>) -> Desk {
        let trace = Trace::open(&self.dir.path().join("trace"), Level::Detail).unwrap();
        let home = Arc::clone(&self.home);
        let home = Box::new(move |_: &DeviceName| *home.lock().unwrap());
        Desk::new(Arc::clone(&self.store), issuer, Arc::new(trace), home)
    }

    pub fn serve(&self) -> Running {
        self.serve_with(self.desk(), AdmissionLimits::default())
    }

    pub fn serve_with(&self, desk: Desk, limits: AdmissionLimits) -> Running {
        let identity = self.identity();
        let key = self.files.keys.join(KEY_FILE);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let terminator = Box::new(ModernTls::new(identity.certificate(), &key).unwrap());
        self.serve_at(Entrance::Here { listener, terminator }, desk, limits)
    }

    pub fn serve_at(&self, entrance: Entrance, desk: Desk, limits: AdmissionLimits) -> Running {
        let anchors = self.store.read(authority::anchors).unwrap();
        let settings = Settings { anchors, ..Settings::default() };
        service::start(Setup { entrance, desk, settings, limits }).unwrap()
    }

    pub fn identity(&self) -> Identity {
        authority::open(&self.files, &self.store, "cm1", SystemTime::now()).unwrap()
    }

    /// Waits for the note that a refused phone leaves behind its goodbye.
    pub fn wait_for(&self, reason: CapfReason) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.capf().result.is_none_or(|result| result.reason != reason) {
            assert!(Instant::now() < deadline, "{:?}", self.capf());
            std::thread::yield_now();
        }
    }

    pub fn trace(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("trace/capf.log")).unwrap()
    }

    /// A manufactured certificate for the phone of that name.
    pub fn mic(&self, subject: &str) -> (Certificate, PrivateKey) {
        let key = PrivateKey::generate(KeyKind::Rsa1024);
        let template = template(subject, Usage::Server);
        let made = issued(&template, key.public_key(), Hash::Sha256, &self.maker).unwrap();
        (made, key)
    }
}

pub fn template(subject: &str, usage: Usage) -> Template {
    Template {
        subject: Name::common(subject),
        not_before: SystemTime::now() - YEAR,
        validity: 3 * YEAR,
        usage,
        alternative_names: Vec::new(),
    }
}

fn maker() -> Identity {
    let key = PrivateKey::generate(KeyKind::Rsa1024);
    let template = template("Test Manufacturing CA", Usage::Authority);
    Identity::new(self_signed(&template, Hash::Sha256, &key).unwrap(), key).unwrap()
}
