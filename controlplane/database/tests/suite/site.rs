//! Nodes on addresses of this process's own.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant, SystemTime};

use ringfence_database::{Instance, Keeper, Member, Settings, Standing};
use store::{Author, Store};
use tempfile::TempDir;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A place for nodes.
pub struct Site {
    pub dir: TempDir,
    network: u8,
}

/// Sites of this process.
static SITES: AtomicU8 = AtomicU8::new(0);

impl Site {
    /// PostgreSQL does not run as root: neither does the calling thread from now on.
    pub fn new() -> Self {
        if rustix::process::geteuid().is_root() {
            privilege::become_user(&privilege::users::by_name("nobody").unwrap()).unwrap();
        }
        let dir = tempfile::Builder::new().prefix("rf-db-").tempdir().unwrap();
        Self { dir, network: SITES.fetch_add(1, Ordering::Relaxed) }
    }

    /// A node by its number, with nothing in it yet.
    pub fn node(&self, number: u8) -> Instance {
        let name = format!("cm{number}");
        // Process, site and node have addresses of their own, since all use the same port.
        let process = u8::try_from(std::process::id() % 200).unwrap();
        let address =
            Ipv4Addr::new(127, 100 + process / 2, self.network, 10 * (process % 2) + number);
        let directory = self.dir.path().join(&name);
        Instance::new(Settings { directory, address: IpAddr::V4(address), port: 5443 }, name)
    }
}

pub fn members(nodes: &[&Instance]) -> Vec<Member> {
    nodes.iter().map(|node| node.member(SystemTime::now()).unwrap()).collect()
}

/// Looks around until something is so.
pub fn until(keepers: &[&Keeper], what: &str, so: impl Fn() -> bool) {
    eventually(what, || {
        keepers.iter().for_each(|keeper| keeper.look().unwrap());
        so()
    });
}

/// Waits until something is so.
pub fn eventually(what: &str, so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

pub fn standings(keepers: &[&Keeper]) -> Vec<Standing> {
    keepers.iter().map(|keeper| keeper.standing()).collect()
}

/// Sets a parameter.
pub fn set(store: &Store, port: u16) -> store::Result<()> {
    let author = Author::new("admin", "test");
    let done = store.change(&author, SystemTime::now(), |change| {
        change.set_parameter(None, "ctl-provider.port", &port.to_string())
    });
    done.map(drop)
}

/// Waits until a store shows it.
pub fn shows(store: &Store, port: u16) {
    let deadline = Instant::now() + PATIENCE;
    let now = || store.read(|view| view.parameter(None, "ctl-provider.port")).unwrap().value;
    while now() != port.to_string() {
        assert!(Instant::now() < deadline, "it shows {} and not {port}", now());
        std::thread::yield_now();
    }
}
