//! A PostgreSQL server of one's own: on a socket in a private directory, with replicas, gone
//! without trace when it is dropped, also when the process that owns it is killed.
//!
//! Authentication is `trust`: for tests and the laboratory only.

#![forbid(unsafe_code)]

use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use postgres::NoTls;

/// The superuser of every server.
pub const USER: &str = "ringfence";
/// PostgreSQL refuses to run as root: then it runs as this user ("nobody").
const NOBODY: u32 = 65534;
/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server, or a paused one.
pub struct Server {
    dir: PathBuf,
    listen: Option<IpAddr>,
    /// Stops the server and removes the directory when our end of its standard input closes.
    keeper: Option<Child>,
}

impl Server {
    /// Makes an empty server on a socket, and on a TCP address if one is given. It runs in the
    /// network namespace of the calling thread.
    pub fn start(listen: Option<IpAddr>) -> Result<Self> {
        let dir = private_dir()?;
        let mut init = program("initdb")?;
        init.arg("-D").arg(dir.join("data")).arg(format!("--username={USER}"));
        init.args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        run(init)?;
        let rules = dir.join("data/pg_hba.conf");
        let mut rules = fs::File::options().append(true).open(rules)?;
        // Replicas come over TCP.
        writeln!(rules, "host all,replication all samenet trust")?;
        Self::resumed(dir, listen)
    }

    /// Makes a streaming replica of the server behind `primary`: the directory of its socket, or
    /// its address.
    pub fn replica(primary: &str) -> Result<Self> {
        let dir = private_dir()?;
        let mut copy = program("pg_basebackup")?;
        copy.args(["--write-recovery-conf", "--no-sync", "--checkpoint=fast", "-U", USER]);
        copy.args(["-h", primary, "-D"]).arg(dir.join("data"));
        run(copy)?;
        Self::resumed(dir, None)
    }

    /// Makes an empty server on a socket and a TCP address, where it speaks nothing but TLS with
    /// this certificate and key (PEM).
    pub fn start_with_tls(listen: IpAddr, certificate: &[u8], key: &[u8]) -> Result<Self> {
        let mut server = Self::start(None)?;
        server.pause()?;
        for (name, content) in [("server.crt", certificate), ("server.key", key)] {
            let file = server.dir.join("data").join(name);
            fs::write(&file, content)?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
            give_away(&file)?;
        }
        fs::write(
            server.dir.join("data/pg_hba.conf"),
            "local all all trust\nhostssl all all samenet trust\n",
        )?;
        let mut settings =
            fs::File::options().append(true).open(server.dir.join("data/postgresql.conf"))?;
        writeln!(settings, "ssl = on")?;
        server.listen = Some(listen);
        server.resume()?;
        Ok(server)
    }

    fn resumed(dir: PathBuf, listen: Option<IpAddr>) -> Result<Self> {
        let mut server = Self { dir, listen, keeper: None };
        server.resume()?;
        Ok(server)
    }

    /// Starts it again after [`Server::pause`].
    pub fn resume(&mut self) -> Result<()> {
        // The shell stays alive through the signals of a terminal, to clean up.
        const KEEPER: &str = r#"trap '' INT TERM
            "$@" >"$DIR/log" 2>&1 & server=$!
            read -r end
            kill -QUIT $server; wait $server
            [ "$end" = keep ] || rm -rf "$DIR""#;
        let listen = self.listen.map(|address| address.to_string()).unwrap_or_default();
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(find("postgres")?).arg("-D");
        keeper.arg(self.dir.join("data")).arg("-k").arg(&self.dir);
        keeper.args(["-c", "fsync=off", "-c", "max_connections=120"]);
        keeper.arg("-c").arg(format!("listen_addresses={listen}"));
        keeper.env("DIR", &self.dir).stdin(Stdio::piped());
        unprivileged(&mut keeper);
        self.keeper = Some(keeper.spawn().context("cannot start PostgreSQL")?);
        let deadline = Instant::now() + PATIENCE;
        while self.connect("postgres").is_err() {
            let log = || fs::read_to_string(self.dir.join("log")).unwrap_or_default();
            ensure!(Instant::now() < deadline, "PostgreSQL does not start:\n{}", log());
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Stops it and keeps its data.
    pub fn pause(&mut self) -> Result<()> {
        let Some(mut keeper) = self.keeper.take() else { return Ok(()) };
        if let Some(mut input) = keeper.stdin.take() {
            input.write_all(b"keep\n")?;
        }
        keeper.wait()?;
        Ok(())
    }

    /// The directory of its socket.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The URL of one of its databases.
    pub fn url(&self, database: &str) -> String {
        format!("postgresql:///{database}?host={}&user={USER}", self.dir.display())
    }

    /// Makes a database.
    pub fn create(&self, database: &str) -> Result<()> {
        self.connect("postgres")?.batch_execute(&format!("CREATE DATABASE {database}"))?;
        Ok(())
    }

    /// A connection to a database.
    pub fn connect(&self, database: &str) -> Result<postgres::Client> {
        let config: postgres::Config = self.url(database).parse()?;
        Ok(config.connect(NoTls)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        match self.keeper.take() {
            Some(mut keeper) => {
                drop(keeper.stdin.take());
                let _ = keeper.wait();
            }
            // Paused: nobody else removes it.
            None => drop(fs::remove_dir_all(&self.dir)),
        }
    }
}

fn private_dir() -> Result<PathBuf> {
    let dir = tempfile::Builder::new().prefix("ringfence-pg-").tempdir()?.keep();
    give_away(&dir)?;
    Ok(dir)
}

/// Gives a file to the user that the server runs as.
fn give_away(path: &Path) -> Result<()> {
    if rustix::process::geteuid().is_root() {
        chown(path, Some(NOBODY), Some(NOBODY))?;
    }
    Ok(())
}

fn unprivileged(command: &mut Command) {
    command.current_dir("/");
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
}

fn program(name: &str) -> Result<Command> {
    let mut command = Command::new(find(name)?);
    unprivileged(&mut command);
    Ok(command)
}

fn run(mut command: Command) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {words}");
    Ok(())
}

/// Debian keeps the server's programs off the path, one directory a version.
fn find(program: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut dirs: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    dirs.sort();
    dirs.reverse();
    dirs.extend(std::env::split_paths(&path));
    let found = dirs.iter().map(|dir| dir.join(program)).find(|file| file.exists());
    found.with_context(|| {
        format!("there is no {program}: install the package postgresql (`cargo xtask setup`)")
    })
}
