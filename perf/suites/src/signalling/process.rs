//! Call processing, and the cell, as processes made of this program.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use callprocessing::census::Limits;
use callprocessing::service::{self, NoGateways, NoRelays, NoResources, Setup};
use capture::NoTap;
use legacytls::cell;
use legacytls::client::Cell;
use pki::Certificate;
use pki::node::{CERTIFICATE_FILE, KEY_FILE};
use store::{Store, StoreUrl};

use super::site::NODE;

/// Says, in the environment, what this process is to be.
const BECOMES: &str = "RINGFENCE_SUITE_BECOMES";
const CELL: &str = "cell";
const SERVER: &str = "server";
/// The site's directory, its clear port, and its secure one.
const HOME: &str = "RINGFENCE_SUITE_HOME";
const PORTS: [&str; 2] = ["RINGFENCE_SUITE_CLEAR", "RINGFENCE_SUITE_SECURE"];
/// Connections without registration that the server bears; absent: as many as usual.
const HALF_OPEN: &str = "RINGFENCE_SUITE_HALF_OPEN";
/// What a process says when it serves.
const READY: &str = "ready";

/// Becomes what the environment says; `None` if it says nothing.
pub fn become_other() -> Option<Result<bool>> {
    let home = PathBuf::from(env::var_os(HOME)?);
    Some(match env::var(BECOMES).ok()?.as_str() {
        CELL => become_cell(home.join("cell.sock")),
        _ => become_server(home),
    })
    .map(|became| became.map(|()| true))
}

fn become_cell(socket: PathBuf) -> Result<()> {
    let root = rustix::process::geteuid().is_root();
    let user = |name: &str| root.then(|| name.to_owned());
    let config = cell::Config { socket, user: user("nobody"), controld_user: user("root") };
    cell::run(&config).map_err(|error| anyhow!("the cell: {error}"))
}

fn become_server(home: PathBuf) -> Result<()> {
    let [plain, secure] = PORTS.map(|port| -> Result<TcpListener> {
        let address: SocketAddr = env::var(port)?.parse()?;
        Ok(TcpListener::bind(address)?)
    });
    let cell = Cell::at(home.join("cell.sock"));
    let certificate = fs::read(home.join("keys").join(CERTIFICATE_FILE))?;
    let running = service::start(Setup {
        store: Arc::new(Store::open(&StoreUrl::Sqlite(home.join("ringfence.db")))?),
        node: NODE.into(),
        plain: plain?,
        secure: secure?,
        certificate: Certificate::parse(&certificate).map_err(|fault| anyhow!("{fault:?}"))?,
        key_file: home.join("keys").join(KEY_FILE),
        cell: Some(&cell),
        limits: limits()?,
        trace_directory: home.join("trace"),
        tap: Arc::new(NoTap),
        resources: Box::new(|answers| Ok(Box::new(NoResources(answers)))),
        relays: Box::new(|answers| Ok(Box::new(NoRelays(answers)))),
        gateways: Box::new(|_| Ok(Box::new(NoGateways))),
    })
    .map_err(|fault| anyhow!(fault))?;
    println!("{READY}");
    // Until whoever started it goes.
    io::stdin().read_to_end(&mut Vec::new())?;
    drop(running);
    Ok(())
}

fn limits() -> Result<Limits> {
    let usual = Limits::default();
    Ok(match env::var(HALF_OPEN) {
        Err(_) => usual,
        Ok(most) => {
            let most = most.parse()?;
            Limits { half_open: most, half_open_per_address: most, ..usual }
        }
    })
}

/// Where call processing runs.
pub(crate) struct Place<'a> {
    /// A directory with its database and `keys`.
    pub home: PathBuf,
    pub clear: SocketAddr,
    pub secure: SocketAddr,
    /// Its network; absent: this process's.
    pub namespace: Option<&'a str>,
    /// Connections without registration that it bears; absent: as many as usual.
    pub half_open: Option<usize>,
}

impl Place<'_> {
    fn command(&self, what: &str) -> Result<Command> {
        let program = env::current_exe().context("no path of this program")?;
        let mut command = match self.namespace {
            None => Command::new(program),
            Some(name) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", name]).arg(program);
                command
            }
        };
        command.env(BECOMES, what).env(HOME, &self.home);
        for (name, address) in PORTS.iter().zip([self.clear, self.secure]) {
            command.env(name, address.to_string());
        }
        if let Some(most) = self.half_open {
            command.env(HALF_OPEN, most.to_string());
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Ok(command)
    }
}

/// Both, until they are dropped.
pub(crate) struct Processes {
    server: Child,
    cell: Child,
}

impl Processes {
    pub fn start(place: &Place<'_>) -> Result<Self> {
        let start = |what| -> Result<Child> { Ok(place.command(what)?.spawn()?) };
        let mut all = Self { cell: start(CELL)?, server: start(SERVER)? };
        let mut said = String::new();
        let out = all.server.stdout.take().context("its output is a pipe")?;
        BufReader::new(out).read_line(&mut said)?;
        ensure!(said.trim() == READY, "call processing does not start: it says {said:?}");
        Ok(all)
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for child in [&mut self.server, &mut self.cell] {
            // One that has ended already needs no end.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Bytes of memory that a process has.
pub(super) fn resident(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes: Option<f64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    Ok(kilobytes.with_context(|| format!("{path} has no VmRSS"))? * 1024.0)
}
