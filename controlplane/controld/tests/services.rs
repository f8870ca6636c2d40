//! Services start and stop while others ask about them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use ringfence_controld::config::Config;
use ringfence_controld::phones::Phones;
use ringfence_controld::services::{Services, Sockets};
use store::{Author, Node, NodeRole, Service, Store, StoreUrl};
use tempfile::TempDir;

/// Far more than all of it takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A node on which TFTP is active.
fn site(dir: &TempDir) -> (Arc<Store>, Services) {
    let at = |name: &str| dir.path().join(name);
    let config = Config {
        node: Some("cm1".into()),
        store: StoreUrl::Sqlite(at("ringfence.db")),
        key_directory: at("keys"),
        certificate_directory: at("certs"),
        phone_directory: at("phones"),
        tftp: vec![([127, 0, 0, 1], 0).into()],
        http: Vec::new(),
        ..Config::default()
    };
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
