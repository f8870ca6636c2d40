//! A node with something to back up.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pki::node::NodeName;
use pki::{Identity, KeyKind};
use ringfence_backup::archive::Archive;
use ringfence_backup::restore::{self, Restored, Restoring};
use ringfence_backup::{Fault, Header, Home, Lock, Making, Room, Unlock, create};
use store::{Author, Node, NodeRole, Store, StoreUrl};

/// When all tests take place.
pub fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

pub const PASSPHRASE: &str = "four words from a book";

/// A node's directories and database.
pub struct Site {
    pub dir: PathBuf,
    pub home: Home,
    pub store: Store,
}

impl Site {
    /// A node as it is after installation.
    pub fn fresh(dir: &Path) -> Self {
        let url = StoreUrl::Sqlite(dir.join("ringfence.db"));
        Self::with_store(dir, &url)
    }

    pub fn with_store(dir: &Path, url: &StoreUrl) -> Self {
        let room = |name| Room { name, directory: dir.join(name) };
        let home = Home {
            state: dir.join("backup"),
            rooms: vec![room("certificates"), room("phones")],
            keys: dir.join("keys"),
            pairs: vec![("certificates", "CAPF.cer", "CAPF.key")],
        };
        fs::create_dir_all(&home.state).unwrap();
        Self { dir: dir.to_owned(), home, store: Store::open(url).unwrap() }
    }

    /// A publisher with a cluster.
    pub fn publisher(dir: &Path) -> Self {
        let site = Self::fresh(dir);
        site.change(|c| {
            c.create_cluster("office")?;
            c.put_node(&Node::new("cm1", "192.0.2.1".parse().unwrap(), NodeRole::Publisher))
        });
        site.identity();
        for (name, content) in [
            ("certificates/CAPF.cer", "certificate of CAPF"),
            ("keys/CAPF.key", "key of CAPF"),
            ("phones/phones.json", "[]"),
            ("phones/phones.json.partial", "torn"),
        ] {
            let path = dir.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        site
    }

    pub fn change(&self, make: impl FnOnce(&mut store::Change<'_>) -> store::Result<()>) {
        self.store.change(&author(), now(), make).unwrap();
    }

    pub fn identity(&self) -> Identity {
        fs::create_dir_all(&self.home.keys).unwrap();
        let guid = "7a4f1d0e-0b5c-4c7e-9d55-3f1f0e7b9c11".into();
        let name = NodeName { server: "cm1".into(), guid, addresses: Vec::new() };
        pki::node::open_or_create(&self.home.keys, &name, KeyKind::EcP256, now()).unwrap()
    }

    /// Makes an archive.
    pub fn back_up(&self, lock: &Lock, keys: Option<&Lock>) -> Result<(PathBuf, Header), Fault> {
        let making = Making {
            store: &self.store,
            home: &self.home,
            node: "cm1",
            release: "0.1.0",
            lock,
            keys,
            signer: &self.identity(),
            reports: vec![("capf.csv".into(), b"device,status\n".to_vec())],
            sequence: 1,
            now: now(),
        };
        create(&making, &mut |_, _| {})
    }

    /// Restores one that somebody compared.
    pub fn restore(
        &self,
        archive: &Path,
        unlock: &Unlock,
        keys: Option<&Unlock>,
    ) -> Result<Restored, Fault> {
        let archive = Archive::open(archive)?;
        let trusted = [archive.signer.fingerprint()];
        let author = author();
        let restoring = Restoring {
            archive: &archive,
            unlock,
            keys,
            node: "cm1",
            trusted: &trusted,
            author: &author,
        };
        let staged = restore::stage(&restoring, &self.home, &self.store, &mut |_, _| {})?;
        staged.apply(&self.store, now(), &mut |_, _| {})
    }

    pub fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.dir.join(name)).ok()
    }

    pub fn port(&self) -> String {
        self.store.read(|v| v.parameter(None, "ctl-provider.port")).unwrap().value
    }
}

pub fn author() -> Author {
    Author::new("alice", "test")
}

pub fn passphrase() -> (Lock, Unlock) {
    (Lock::passphrase(PASSPHRASE).unwrap(), Unlock::passphrase(PASSPHRASE))
}

/// Keys are quicker than passphrases.
pub fn keys() -> (Lock, Unlock) {
    let (file, recipient) = ringfence_backup::lock::keygen();
    (Lock::recipients([&*recipient]).unwrap(), Unlock::identities(&file).unwrap())
}
