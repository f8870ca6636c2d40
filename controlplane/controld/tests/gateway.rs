//! `ringfence-controld --role srst` as a process, with a centre in this one.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use console::{AskError, FailureKind, Request, SrstOwnView, SrstStatusView};
use lang::Language;
use pki::node::{self, NodeName};
use pki::{Certificate, Identity, KeyKind};
use srst::centre::{self, Centre};
use srst::certificate::fetch;
use srst::tls::Own;
use store::{
    Author, CertificateRole, Change, Device, Line, Model, Node, NodeRole, Pool, SecurityMode,
    SrstReference, Store, StoreUrl,
};
use tempfile::TempDir;

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(90);
const DAEMON: &str = env!("CARGO_BIN_EXE_ringfence-controld");
/// Root gives itself up for this user.
const USER: &str = "nobody";

fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ready() {
            return found;
        }
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Ports that references may have, 443 below another free one.
fn free_port() -> u16 {
    static TRIES: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % 1_000) as u16 * 16;
    let candidates = std::iter::repeat_with(|| {
        12_000 + (start + TRIES.fetch_add(1, Ordering::Relaxed)) % 18_000
    });
    let free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    candidates.take(1_000).find(|port| free(*port) && free(port + 443)).expect("a port is free")
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// A centre with one phone at a branch.
struct Office {
    dir: TempDir,
    identity: Arc<Identity>,
    store: Arc<Store>,
    at: SocketAddr,
    running: Option<Centre>,
}

impl Office {
    fn open(sccp: u16) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let name = NodeName { server: "cm1".into(), guid: "one".into(), addresses: Vec::new() };
        let identity =
            node::open_or_create(dir.path(), &name, KeyKind::Rsa2048, SystemTime::now()).unwrap();
        let url = StoreUrl::Sqlite(dir.path().join("ringfence.db"));
        let store = Arc::new(Store::open(&url).unwrap());
        let at = local(free_port());
        let office = Self { dir, identity: Arc::new(identity), store, at, running: None };
        office.change(|change| {
            change.create_cluster("office")?;
            change.put_node(&Node::new("cm1", [127, 0, 0, 1].into(), NodeRole::Publisher))?;
            change.set_security_mode(SecurityMode::Mixed)?;
            let reference = SrstReference::new("branch", [127, 0, 0, 1].into());
            change.put_srst_reference(&SrstReference { port: sccp, secure: true, ..reference })?;
            change.put_pool(&Pool { srst: Some("branch".into()), ..Pool::new("Kyoto") })?;
            change.put_line(&Line::new("1001".parse()?))?;
            change.put_device(&Device {
                pool: "Kyoto".into(),
                lines: vec!["1001".parse()?],
                ..Device::new("SEP001122334455".parse()?, Model::M7960)
            })
        });
        office
    }

    fn change(&self, make: impl FnOnce(&mut Change<'_>) -> store::Result<()>) {
        self.store.change(&Author::new("test", "test"), SystemTime::now(), make).unwrap();
    }

    fn accept(&self, certificate: &Certificate) {
        let entry = cluster::inventory::entry(CertificateRole::SrstGateway, "branch", certificate);
        self.change(|change| change.accept_srst_certificate("branch", &entry));
    }

    fn come(&mut self) {
        let listener = wait_for("its port", || TcpListener::bind(self.at).ok());
        let key = self.dir.path().join(node::KEY_FILE);
        let own = Own::new(self.identity.certificate(), None, &key);
        let (identity, store) = (Arc::clone(&self.identity), Arc::clone(&self.store));
        self.running = Some(centre::start(listener, &own, identity, store).unwrap());
    }

    fn go(&mut self) {
        self.running = None;
    }
}

/// The process of a gateway.
struct Gateway {
    dir: TempDir,
    _memory: TempDir,
    provider: SocketAddr,
    child: Option<Child>,
}

impl Gateway {
    fn of(office: &Office) -> Self {
        let (dir, memory) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir_in("/dev/shm").unwrap());
        let provider = local(free_port());
        let at = |name: &str| dir.path().join(name).display().to_string();
        let is_root = rustix::process::geteuid().is_root();
        let user = if is_root { format!("user = \"{USER}\"\n") } else { String::new() };
        let config = format!(
            "[controld]\nnode = \"gw\"\n{user}key_directory = \"{}\"\n\
             certificate_directory = \"{}\"\nphone_directory = \"{}\"\nadmin_socket = \"{}\"\n\
             sccp = \"127.0.0.1\"\n[controld.srst]\nprovider = \"{provider}\"\n\
             memory = \"{}\"\n[[controld.srst.centre]]\naddress = \"{}\"\nsha256 = \"{}\"\n",
            at("keys"),
            at("certs"),
            at("phones"),
            at("run/controld.sock"),
            memory.path().join("srst").display(),
            office.at,
            office.identity.certificate().fingerprint(),
        );
        fs::write(dir.path().join("ringfence.toml"), config).unwrap();
        for given in [dir.path(), memory.path()] {
            give(given);
        }
        Self { dir, _memory: memory, provider, child: None }
    }

    fn start(&mut self) {
        let config = self.dir.path().join("ringfence.toml");
        let mut daemon = Command::new(DAEMON);
        daemon.args(["--role", "srst", "--config"]).arg(config).stdin(Stdio::null());
        self.child = Some(daemon.spawn().unwrap());
        // Its socket is there a little before it knows what it is.
        wait_for("its socket", || match self.ask(&console::ShowSrstStatus {}) {
            Ok(SrstStatusView::Gateway(_)) => Some(()),
            _ => None,
        });
    }

    /// At once, as in a power cut.
    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("run/controld.sock")
    }

    fn ask<R: Request>(&self, request: &R) -> Result<R::Answer, AskError> {
        console::ask(&self.socket(), Language::English, request)
    }

    fn status(&self) -> SrstOwnView {
        match self.ask(&console::ShowSrstStatus {}).unwrap() {
            SrstStatusView::Gateway(own) => own,
            other => panic!("{other:?}"),
        }
    }

    fn alarms(&self) -> String {
        self.ask(&console::Status {}).unwrap().alarms.join("\n")
    }

    fn synchronised(&self) {
        wait_for("a first synchronisation", || self.status().reference);
    }

    /// The certificate that it shows.
    fn shown(&self) -> Certificate {
        wait_for("its certificate", || fetch(self.provider, SystemTime::now()).ok()).certificate
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.kill();
    }
}

fn give(dir: &Path) {
    if rustix::process::geteuid().is_root() {
        let given = Command::new("chown").args(["-R", USER]).arg(dir).status().unwrap();
        assert!(given.success());
    }
}

// R: SRST-08
#[test]
fn a_gateway_serves_by_what_the_centre_gave_it_and_remembers_it() {
    let sccp = free_port();
    let mut office = Office::open(sccp);
    let mut gateway = Gateway::of(&office);
    office.come();
    gateway.start();
    assert_eq!((gateway.status().reference, gateway.status().phones), (None, 0));
    assert!(gateway.alarms().contains("cannot serve phones yet"), "{}", gateway.alarms());
    assert!(TcpStream::connect(local(sccp)).is_err());

    office.accept(&gateway.shown());
    gateway.synchronised();
    let own = gateway.status();
    assert_eq!((own.reference.as_deref(), own.known_phones), (Some("branch"), 1));
    assert_eq!((&*own.centre, own.synchronised_at.is_some()), ("here", true));
    for port in [sccp, sccp + 443] {
        wait_for("its ports", || TcpStream::connect(local(port)).ok());
    }
    wait_for("the centre knows", || {
        let gateways = office.running.as_ref().unwrap().gateways();
        gateways.iter().any(|it| it.reference == "branch" && it.synchronised).then_some(())
    });
    assert_eq!(gateway.alarms(), "");

    // What it knows is changed at the centre, and comes by itself.
    let add = console::AddLine { number: "1009".parse().unwrap(), changes: Default::default() };
    match gateway.ask(&add) {
        Err(AskError::Failed(failure)) => assert_eq!(failure.kind, FailureKind::Refused),
        other => panic!("{other:?}"),
    }
    office.change(|change| {
        let device = change.device(&"SEP001122334455".parse()?)?;
        change.put_device(&Device { name: "SEP001122334456".parse()?, ..device })
    });
    wait_for("the other phone", || (gateway.status().known_phones == 2).then_some(()));

    // Power fails while the centre is away.
    office.go();
    gateway.kill();
    gateway.start();
    let own = gateway.status();
    assert_eq!((own.reference.as_deref(), own.known_phones), (Some("branch"), 2));
    assert_eq!(own.synchronised_at, None);
    wait_for("its ports", || TcpStream::connect(local(sccp)).ok());
    wait_for("it misses the centre", || (gateway.status().centre == "away").then_some(()));
    assert!(gateway.alarms().contains("The centre is away since"), "{}", gateway.alarms());

    office.come();
    wait_for("the centre is here", || (gateway.status().centre == "here").then_some(()));
    wait_for("all is well", || gateway.alarms().is_empty().then_some(()));
}

// R: SRST-08
#[test]
fn a_port_that_is_taken_is_told_and_tried_again() {
    let office = Office::open(free_port());
    let mut gateway = Gateway::of(&office);
    let taken = TcpListener::bind(gateway.provider).unwrap();
    gateway.start();
    wait_for("the alarm", || {
        let alarms = gateway.alarms();
        let told = alarms.contains("cannot listen on") && alarms.contains("another program");
        told.then_some(())
    });
    drop(taken);
    assert_eq!(gateway.shown().fingerprint(), gateway.status().certificate_sha256);
    wait_for("no alarm", || (!gateway.alarms().contains("cannot listen on")).then_some(()));
}

// R: SRST-08
#[test]
fn what_is_missing_in_its_settings_is_said() {
    let check = |config: &str| {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ringfence.toml");
        fs::write(&file, config).unwrap();
        let output = Command::new(DAEMON)
            .args(["--role", "srst", "--check", "--config"])
            .arg(&file)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(check("").contains("no centre to report to"));
    let centre = "[[controld.srst.centre]]\naddress = \"192.0.2.10:2446\"\n";
    assert!(check(&format!("{centre}sha256 = \"ab\"\n")).contains("no SHA-256 fingerprint"));
    assert_eq!(check(&format!("{centre}sha256 = \"{}\"\n", "ab".repeat(32))), "");
}
