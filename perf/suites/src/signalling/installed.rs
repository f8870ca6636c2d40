//! `ringfence-controld`, its cell and a relay, as they are installed: three processes.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use lab::program::Program;
use store::{Author, DEFAULT_POOL, MediaPolicy, Node, Pool, Service, Store, StoreUrl};

use super::process::resident;
use super::site::{NODE, Site};
use crate::cpu;

/// Far more than it takes to start.
const PATIENCE: Duration = Duration::from_secs(60);
/// Whom they run as when this is root: nobody does anything else in either name.
const USER: &str = "nobody";
const CELL_USER: &str = "daemon";
/// Each program, with its own part of the configuration.
const PROGRAMS: [&str; 3] = ["ringfence-datad", "ringfence-legacytls", "ringfence-controld"];

/// All of them, until they are dropped.
pub(super) struct Installed(Vec<Program>);

impl Installed {
    /// Starts them, and waits until phones are served.
    pub fn start(site: &Site) -> Result<Self> {
        prepare(site)?;
        let file = site.file("ringfence.toml");
        fs::write(&file, configuration(site)?).context("cannot write a configuration")?;
        if rustix::process::geteuid().is_root() {
            let mut give = Command::new("chown");
            let given = give.args(["-R", USER]).arg(site.file("")).status();
            let given = given.context("cannot run chown")?;
            ensure!(given.success(), "cannot give the site to {USER}");
        }
        let start = |name: &str| {
            let mut program = std::env::current_exe().context("no path of this program")?;
            program.set_file_name(name);
            let mut command = Command::new(program);
            command.arg("--config").arg(&file);
            Program::start(name, command, &site.file(""))
        };
        let mut all = Self(PROGRAMS.into_iter().map(start).collect::<Result<_>>()?);
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(site.secure()).is_err() {
            all.0.iter_mut().try_for_each(Program::expect_running)?;
            ensure!(Instant::now() < deadline, "nobody listens on {}", site.secure());
            thread::sleep(Duration::from_millis(20));
        }
        Ok(all)
    }

    /// Bytes of memory that they have.
    pub fn memory(&self) -> Result<f64> {
        self.0.iter().map(|program| resident(program.pid())).sum()
    }

    /// What they have had of processors.
    pub fn time(&self) -> Result<Duration> {
        self.0.iter().map(|program| cpu::time_of(program.pid())).sum()
    }
}

/// CallManager on its ports, and all media through the relay.
fn prepare(site: &Site) -> Result<()> {
    let store = Store::open(&StoreUrl::Sqlite(site.file("ringfence.db")))?;
    store.change(&Author::new("perf", "perf"), SystemTime::now(), |change| {
        let me = change.node(NODE)?;
        change.put_node(&Node { services: vec![Service::CallManager], ..me })?;
        let [clear, secure] = [site.clear, site.secure()].map(|door| door.port().to_string());
        change.set_parameter(None, "call-manager.port", &clear)?;
        change.set_parameter(None, "call-manager.secure-port", &secure)?;
        change.put_pool(&Pool { media: MediaPolicy::Always, ..Pool::new(DEFAULT_POOL) })
    })?;
    Ok(())
}

fn configuration(site: &Site) -> Result<String> {
    let at = |name: &str| site.file(name).display().to_string();
    let root = rustix::process::geteuid().is_root();
    let user = |key: &str, name: &str| match root {
        true => format!("{key} = \"{name}\"\n"),
        false => String::new(),
    };
    // Ports that were free a moment ago.
    let free = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr();
    let [tftp, agent, relay]: [SocketAddr; 3] = [free()?, free()?, free()?];
    let address = site.clear.ip();
    let controld = format!(
        "[controld]\nnode = \"{NODE}\"\n{}store = \"sqlite:{}\"\nkey_directory = \"{}\"\n\
         certificate_directory = \"{}\"\nphone_directory = \"{}\"\nadmin_socket = \"{}\"\n\
         ctl_provider = \"127.0.0.1\"\ncapf = \"127.0.0.1\"\ntftp = [\"{tftp}\"]\nhttp = []\n\
         sccp = \"{address}\"\ncall_agent = \"{agent}\"\nlegacy_tls = \"{}\"\n\
         [[controld.relay]]\nname = \"relay1\"\naddresses = [\"{relay}\"]\n",
        user("user", USER),
        at("ringfence.db"),
        at("keys"),
        at("certs"),
        at("phones"),
        at("controld.sock"),
        at("cell.sock"),
    );
    let cell = format!(
        "[legacytls]\nsocket = \"{}\"\n{}{}",
        at("cell.sock"),
        user("user", CELL_USER),
        user("controld_user", USER),
    );
    let datad = format!(
        "[datad]\nstatus_socket = \"{}\"\n[datad.gateway]\nname = \"relay1\"\n\
         listen = [\"{relay}\"]\ncall_agents = [\"127.0.0.1\"]\nnotify = \"{agent}\"\n\
         restart_wait_ms = 0\n\
         [[datad.media]]\nname = \"here\"\naddresses = [\"{address}\"]\n",
        at("datad.sock"),
    );
    Ok([controld, cell, datad].concat())
}
