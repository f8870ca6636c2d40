//! An empty database of either kind, gone when the test ends.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use ringfence_postgres::Server;
use ringfence_store::{Author, Changed, Store, StoreUrl};
use tempfile::TempDir;

/// When all tests take place.
pub const NOW: SystemTime = UNIX_EPOCH;

pub struct Database {
    pub store: Store,
    pub url: StoreUrl,
    _dir: Option<TempDir>,
}

impl Database {
    pub fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url: StoreUrl =
            format!("sqlite:{}/ringfence.db", dir.path().display()).parse().unwrap();
        Self { store: Store::open(&url).unwrap(), url, _dir: Some(dir) }
    }

    pub fn postgres() -> Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = SERVER.get_or_init(|| Server::start(None).unwrap());
        let name = format!("test{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        server.create(&name).unwrap();
        let url: StoreUrl = server.url(&name).parse().unwrap();
        Self { store: Store::open(&url).unwrap(), url, _dir: None }
    }

    /// A second process's view of the same database.
    pub fn open_again(&self) -> Store {
        Store::open(&self.url).unwrap()
    }

    pub fn change<T>(
        &self,
        make: impl FnOnce(&mut ringfence_store::Change<'_>) -> ringfence_store::Result<T>,
    ) -> ringfence_store::Result<Changed<T>> {
        self.store.change(&author(), NOW, make)
    }

    /// What somebody with other tools does behind the store's back.
    pub fn meddle(&self, sql: &str) {
        match &self.url {
            StoreUrl::Sqlite(path) => {
                rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
            }
            StoreUrl::Postgres(url) => {
                url.config.connect(postgres::NoTls).unwrap().batch_execute(sql).unwrap();
            }
        }
    }
}

pub fn author() -> Author {
    Author::new("alice", "test")
}
