//! Services start and stop while others ask about them.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use lang::Language;
use ringfence_controld::config::Config;
use ringfence_controld::phones::Phones;
use ringfence_controld::services::{Services, Sockets};
use store::{Author, Change, Node, NodeRole, Service, Store, StoreUrl};
use tempfile::TempDir;

/// Far more than all of it takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A node on which TFTP is active.
fn site(dir: &TempDir) -> (Arc<Store>, Services) {
    site_with(dir, |_| {})
}

fn site_with(dir: &TempDir, set: impl FnOnce(&mut Config)) -> (Arc<Store>, Services) {
    let at = |name: &str| dir.path().join(name);
    let mut config = Config {
        node: Some("cm1".into()),
        store: StoreUrl::Sqlite(at("ringfence.db")),
        key_directory: at("keys"),
        certificate_directory: at("certs"),
        phone_directory: at("phones"),
        tftp: vec![([127, 0, 0, 1], 0).into()],
        http: Vec::new(),
        ..Config::default()
    };
    set(&mut config);
    let store = Arc::new(Store::open(&config.store).unwrap());
    let tftp = at("tftp").display().to_string();
    store
        .change(&Author::new("test", "test"), SystemTime::now(), |change| {
            change.create_cluster("lab")?;
            let address = "192.0.2.1".parse().unwrap();
            let mut node = Node::new("cm1", address, NodeRole::Publisher);
            node.services = vec![Service::Tftp];
            change.put_node(&node)?;
            change.set_parameter(Some("cm1"), "tftp.file-location", &tftp)
        })
        .unwrap();
    std::fs::create_dir(at("tftp")).unwrap();
    let phones = Phones::open(&config.phone_directory, Arc::clone(&store), "cm1").unwrap();
    let sockets = Sockets::open(&config).unwrap();
    let services =
        Services::new(Arc::clone(&store), config, sockets, Arc::new(phones), SystemTime::now());
    (store, services)
}

/// What administrators are told of call processing once it says this.
fn until_told(services: &Services, text: &str) {
    let telephony = services.telephony().expect("CallManager runs");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let told = telephony.problems(Language::English).join("\n");
        if told.contains(text) {
            return;
        }
        assert!(Instant::now() < deadline, "no {text:?} in {told:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A port with the one that is 443 above it free, too.
fn ports() -> [u16; 2] {
    loop {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        let secure = port.checked_add(443).filter(|secure| *secure < 49_152 && port > 1024);
        if let Some(secure) = secure
            && TcpListener::bind((Ipv4Addr::LOCALHOST, secure)).is_ok()
        {
            return [port, secure];
        }
    }
}

#[test]
fn other_music_is_played_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (store, services) = site_with(&dir, |config| {
        config.sccp = Some(Ipv4Addr::LOCALHOST.into());
        config.media = Some(Ipv4Addr::LOCALHOST.into());
    });
    let [plain, secure] = ports().map(|port| port.to_string());
    let change = |make: &dyn Fn(&mut Change<'_>) -> store::Result<()>| {
        store.change(&Author::new("test", "test"), SystemTime::now(), make).unwrap();
    };
    change(&|change| {
        change.set_parameter(None, "call-manager.port", &plain)?;
        change.set_parameter(None, "call-manager.secure-port", &secure)?;
        let cm1 = change.node("cm1")?;
        change.put_node(&Node { services: vec![Service::CallManager], ..cm1 })
    });
    services.reconcile(SystemTime::now());
    assert_eq!(services.problems(), []);
    let file = dir.path().join("music.wav").display().to_string();
    change(&|change| change.set_parameter(None, "call-manager.music-on-hold-file", &file));
    until_told(&services, "The music on hold stays as it was");
    until_told(&services, "music.wav");
}

/// A report reads the store and asks about services meanwhile; a service that starts reads the
/// store. Neither may wait for the other.
#[test]
fn reports_and_starts_do_not_wait_for_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let (store, services) = site(&dir);
    let (done, ended) = mpsc::channel();
    // Not scoped: a deadlock must fail the test, not hang it.
    thread::spawn(move || {
        let restarted = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..20 {
                    services.restart(Service::Tftp, SystemTime::now());
                }
                restarted.store(true, Ordering::Release);
            });
            while !restarted.load(Ordering::Acquire) {
                let since = store.read(|view| {
                    let nodes = view.nodes()?;
                    Ok((nodes, services.since(Service::Tftp), services.problems()))
                });
                assert_eq!(since.unwrap().2, []);
            }
        });
        assert!(services.since(Service::Tftp).is_some());
        done.send(()).unwrap();
    });
    ended.recv_timeout(PATIENCE).expect("services and reports wait for each other, or one failed");
}
