//! An empty database of either kind, gone when the test ends.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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
        let server = SERVER.get_or_init(Server::start);
        let name = format!("test{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        server.client("postgres").batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        let url = server.url(&name);
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
            StoreUrl::Postgres(config) => {
                config.connect(postgres::NoTls).unwrap().batch_execute(sql).unwrap();
            }
        }
    }
}

pub fn author() -> Author {
    Author::new("alice", "test")
}

/// A PostgreSQL server of our own, on a socket in a private directory.
pub struct Server {
    pub dir: PathBuf,
    /// Stops the server and removes the directory when our end of its standard input closes, also
    /// when this process is killed.
    keeper: Option<Child>,
}

impl Server {
    pub fn start() -> Self {
        let dir = private_dir();
        run(program("initdb").arg("-D").arg(dir.join("data")).args([
            "--no-sync",
            "--auth=trust",
            "--username=ringfence",
            "--encoding=UTF8",
            "--locale=C",
        ]));
        Self::run_in(dir)
    }

    /// A streaming replica of `primary`.
    pub fn replica_of(primary: &Self) -> Self {
        let dir = private_dir();
        run(program("pg_basebackup")
            .args(["--write-recovery-conf", "--no-sync", "--checkpoint=fast", "-U", "ringfence"])
            .arg("-h")
            .arg(&primary.dir)
            .arg("-D")
            .arg(dir.join("data")));
        Self::run_in(dir)
    }

    fn run_in(dir: PathBuf) -> Self {
        let mut server = Self { dir, keeper: None };
        server.resume();
        server
    }

    pub fn resume(&mut self) {
        // The shell stays alive through the signals of a terminal, to clean up.
        const KEEPER: &str = r#"trap '' INT TERM
            "$@" >"$DIR/log" 2>&1 & server=$!
            read -r end
            kill -QUIT $server; wait $server
            [ "$end" = keep ] || rm -rf "$DIR""#;
        let postgres = find("postgres");
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(postgres).arg("-D").arg(self.dir.join("data"));
        keeper.args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60"]);
        keeper.arg("-k").arg(&self.dir).env("DIR", &self.dir).stdin(Stdio::piped());
        unprivileged(&mut keeper);
        self.keeper = Some(keeper.spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.config("postgres").connect(postgres::NoTls).is_err() {
            let log = || std::fs::read_to_string(self.dir.join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "PostgreSQL does not start:\n{}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn pause(&mut self) {
        use std::io::Write;
        let mut keeper = self.keeper.take().unwrap();
        keeper.stdin.take().unwrap().write_all(b"keep\n").unwrap();
        keeper.wait().unwrap();
    }

    pub fn url(&self, database: &str) -> StoreUrl {
        let dir = self.dir.display();
        format!("postgresql:///{database}?host={dir}&user=ringfence").parse().unwrap()
    }

    pub fn client(&self, database: &str) -> postgres::Client {
        self.config(database).connect(postgres::NoTls).unwrap()
    }

    fn config(&self, database: &str) -> postgres::Config {
        let StoreUrl::Postgres(config) = self.url(database) else { unreachable!() };
        *config
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }
}

/// PostgreSQL refuses to run as root: then it runs as this user ("nobody").
const NOBODY: u32 = 65534;

fn private_dir() -> PathBuf {
    let dir = tempfile::Builder::new().prefix("ringfence-pg-").tempdir().unwrap().keep();
    if rustix::process::geteuid().is_root() {
        chown(&dir, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    dir
}

fn unprivileged(command: &mut Command) {
    command.current_dir("/");
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
}

fn program(name: &str) -> Command {
    let mut command = Command::new(find(name));
    unprivileged(&mut command);
    command
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Debian keeps the server's programs off the path, one directory a version.
fn find(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut dirs: Vec<PathBuf> = debian.map(|version| version.path().join("bin")).collect();
    dirs.sort();
    dirs.extend(std::env::split_paths(&path));
    let found = dirs.iter().map(|dir| dir.join(program)).find(|file| Path::exists(file));
    found.unwrap_or_else(|| panic!("no {program}: install the package postgresql"))
}
