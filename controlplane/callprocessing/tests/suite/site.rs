//! A node with a database, and CallManager on it.

use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use capture::NoTap;
use lang::Language;
use pki::node::{self, NodeName};
use pki::{Identity, KeyKind};
use ringfence_callprocessing::census::Limits;
use ringfence_callprocessing::handle::{Alarm, Handle};
use ringfence_callprocessing::service::{self, NoGateways, NoRelays, NoResources, Running, Setup};
use store::{
    Author, Change, Device, DeviceName, Line, Model, Node, NodeRole, Number, Store, StoreUrl,
};
use tempfile::TempDir;

/// Everything takes its time on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub const ALICE: &str = "SEP000000000001";
pub const BOB: &str = "SEP000000000002";
pub const CAROL: &str = "SEP000000000003";

pub struct Site {
    pub dir: TempDir,
    pub store: Arc<Store>,
    pub identity: Identity,
}

impl Site {
    /// One in non-secure mode, with Alice's 7970 (1001), Bob's 7960 (1002) and Carol's (1003).
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreUrl::Sqlite(dir.path().join("ringfence.db"))).unwrap();
        let name = NodeName {
            server: "cm1".into(),
            guid: "00000000-0000-0000-0000-000000000001".into(),
            addresses: vec![[127, 0, 0, 1].into()],
        };
        let keys = dir.path().join("keys");
        std::fs::create_dir(&keys).unwrap();
        let now = SystemTime::now();
        let identity = node::open_or_create(&keys, &name, KeyKind::Rsa2048, now).unwrap();
        let site = Self { dir, store: Arc::new(store), identity };
        site.change(|change| {
            change.create_cluster("office")?;
            change.put_node(&Node::new("cm1", [127, 0, 0, 1].into(), NodeRole::Publisher))?;
            for (name, model, number) in [
                (ALICE, Model::M7970, "1001"),
                (BOB, Model::M7960, "1002"),
                (CAROL, Model::M7960, "1003"),
            ] {
                let mut device = Device::new(name.parse::<DeviceName>()?, model);
                let number: Number = number.parse()?;
                change.put_line(&Line::new(number.clone()))?;
                device.lines.push(number);
                change.put_device(&device)?;
            }
            Ok(())
        });
        site
    }

    pub fn change(&self, make: impl FnOnce(&mut Change<'_>) -> store::Result<()>) {
        let author = Author::new("alice", "test");
        self.store.change(&author, SystemTime::now(), make).unwrap();
    }

    pub fn serve(&self) -> Running {
        self.serve_with(|_| {})
    }

    pub fn serve_with<'a>(&self, change: impl FnOnce(&mut Setup<'a>)) -> Running {
        let listener = || TcpListener::bind((address(), 0)).unwrap();
        let mut setup = Setup {
            store: Arc::clone(&self.store),
            node: "cm1".into(),
            plain: listener(),
            secure: listener(),
            certificate: self.identity.certificate().clone(),
            key_file: self.key_file(),
            cell: None,
            limits: Limits::default(),
            trace_directory: self.dir.path().join("trace"),
            tap: Arc::new(NoTap),
            resources: Box::new(|answers| Ok(Box::new(NoResources(answers)))),
            relays: Box::new(|answers| Ok(Box::new(NoRelays(answers)))),
            gateways: Box::new(|_| Ok(Box::new(NoGateways))),
        };
        change(&mut setup);
        service::start(setup).unwrap()
    }

    pub fn key_file(&self) -> PathBuf {
        self.dir.path().join("keys").join(node::KEY_FILE)
    }

    pub fn trace(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("trace/callmanager.log")).unwrap()
    }

    /// Waits until the trace says something.
    pub fn await_trace(&self, text: &str) {
        until(|| self.trace().contains(text), || self.trace());
    }
}

/// An address of this machine that media can be sent to: that is none of the loopback.
pub fn address() -> Ipv4Addr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent.
    let chosen = socket.connect("198.51.100.1:9").and_then(|()| socket.local_addr());
    match chosen.map(|address| address.ip()) {
        Ok(IpAddr::V4(address)) => address,
        other => panic!("this test needs a network interface with an IPv4 address: {other:?}"),
    }
}

/// Waits for something that comes by itself.
pub fn until(done: impl Fn() -> bool, otherwise: impl Fn() -> String) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "{}", otherwise());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for an alarm. People read it in their language.
pub fn await_alarm(handle: &Handle, id: &str) -> Alarm {
    use messages::Explain;
    let find = || handle.alarms().into_iter().find(|alarm| alarm.message().id == id);
    until(|| find().is_some(), || format!("no {id}: {:?}", handle.alarms()));
    let alarm = find().unwrap();
    let [english, japanese] = Language::ALL.map(|language| alarm.explain(language));
    assert_ne!(english.text, japanese.text);
    for said in [english, japanese] {
        let whole = format!("{said:#}");
        assert!(!whole.contains(['{', '}']), "{whole}");
        let (_, device) = &alarm.values()[0];
        assert!(device == "?" || whole.contains(device), "{whole}");
    }
    alarm
}
