//! The network of the scenario, and the control planes in it.
//!
//! ```text
//!   adm (CTL client)  10.3.0.9   ─┐
//!   cm1 (publisher)   10.3.0.10  ─┤
//!   cm2 (subscriber)  10.3.0.11  ─┼─ voice
//!   cm3 (another)     10.3.0.12  ─┤
//!   oth (TFTP of      10.3.0.20  ─┤
//!   another cluster)              │
//!   x (rogue TFTP)    10.3.0.66  ─┤
//!   tel (phones)      10.3.0.100 ─┘
//! ```

use std::fs;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ringfence_postgres::Server;
use tempfile::TempDir;

use crate::net::{Lab, Namespace};
use crate::program::{Program, poll};

/// How long a daemon may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(20);
/// Whom the daemons run as ("nobody").
pub const USER: (&str, u32) = ("nobody", 65534);

/// Whom the cell runs as: nobody else does.
pub(super) const CELL_USER: &str = "games";
/// Debian's libfaketime.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// The machines.
pub struct Site {
    pub admin: Namespace,
    pub phones: Namespace,
    pub rogue: Namespace,
    pub cm1: Node,
    pub cm2: Node,
    pub cm3: Node,
    pub other: Node,
    /// Where telephones get their files.
    pub file_servers: Vec<IpAddr>,
    /// Joins them; nobody lives in it.
    lan: Namespace,
    /// What the daemons keep. Not below the project: they run as nobody.
    pub state: TempDir,
    programs: PathBuf,
    logs: PathBuf,
}

/// A control plane.
pub struct Node {
    pub name: &'static str,
    pub namespace: Namespace,
    pub address: IpAddr,
    pub dir: PathBuf,
    /// How much later than elsewhere it is at its next start, in libfaketime's words.
    pub later: Option<&'static str>,
    /// Whether the TLS of old phones is served, from its first start on.
    pub serves_old_tls: bool,
    /// Whether it waits for SRST gateways, from its first start on.
    pub waits_for_gateways: bool,
    /// The voice gateways that its CallManager commands, from its first start on.
    pub gateways: Option<Commanded>,
    /// Whether it runs a PostgreSQL of its own.
    pub runs_its_database: bool,
    /// Relays that its CallManager commands, by name and address.
    pub relays: Vec<(&'static str, IpAddr)>,
    cell: Option<Program>,
    program: Option<Program>,
    database: Option<Server>,
}

/// What CallManager needs to command voice gateways.
pub struct Commanded {
    /// From where.
    pub from: SocketAddr,
    /// The socket of the IKE daemon that knows what IPsec covers.
    pub vici: PathBuf,
}

/// A machine's address.
pub fn address(host: u8) -> IpAddr {
    IpAddr::from([10, 3, 0, host])
}

const ROGUE: u8 = 66;

impl Site {
    /// Builds the network; no daemon runs yet.
    pub fn build(lab: &Lab, programs: &Path, logs: &Path) -> Result<Self> {
        let state = tempfile::Builder::new().prefix("ringfence-lab-").tempdir()?;
        fs::set_permissions(state.path(), fs::Permissions::from_mode(0o755))?;
        let lan = lab.namespace("lan")?;
        lan.bridge("voice")?;
        let machine = |name: &str, host: u8| settle(lab, &lan, name, host);
        let node = |name: &'static str, host: u8| -> Result<Node> {
            let dir = state.path().join(name);
            empty_disk(&dir)?;
            let (namespace, address) = (machine(name, host)?, address(host));
            Ok(Node {
                name,
                namespace,
                address,
                dir,
                later: None,
                serves_old_tls: false,
                waits_for_gateways: false,
                gateways: None,
                runs_its_database: false,
                relays: Vec::new(),
                cell: None,
                program: None,
                database: None,
            })
        };
        Ok(Self {
            admin: machine("adm", 9)?,
            phones: machine("tel", 100)?,
            rogue: machine("x", ROGUE)?,
            cm1: node("cm1", 10)?,
            cm2: node("cm2", 11)?,
            cm3: node("cm3", 12)?,
            other: node("oth", 20)?,
            file_servers: vec![address(10)],
            programs: programs.to_owned(),
            logs: logs.to_owned(),
            lan,
            state,
        })
    }

    /// Adds a machine to the network.
    pub fn add_machine(&self, lab: &Lab, name: &str, host: u8) -> Result<Namespace> {
        settle(lab, &self.lan, name, host)
    }

    /// The rogue TFTP server's address.
    pub fn rogue_address(&self) -> IpAddr {
        address(ROGUE)
    }

    /// The publisher's database: PostgreSQL, open to replicas.
    pub fn start_publishers_database(&mut self) -> Result<()> {
        let listen = self.cm1.address;
        let server = self.cm1.namespace.enter(|| Server::start(Some(listen)))??;
        server.create("ringfence")?;
        self.cm1.database = Some(server);
        Ok(())
    }

    /// The subscriber's database: a replica of the publisher's.
    pub fn start_subscribers_database(&mut self) -> Result<()> {
        let primary = self.cm1.address.to_string();
        let server = self.cm2.namespace.enter(|| Server::replica(&primary))??;
        self.cm2.database = Some(server);
        Ok(())
    }

    /// Starts the daemon of a node and waits until it answers.
    pub fn start(&mut self, node: fn(&mut Self) -> &mut Node) -> Result<()> {
        let (programs, logs) = (self.programs.clone(), self.logs.clone());
        node(self).start(&programs, &logs)
    }

    /// Writes the settings of a node that does not run yet: where they are.
    pub fn configure(&mut self, node: fn(&mut Self) -> &mut Node) -> Result<PathBuf> {
        let logs = self.logs.clone();
        node(self).configure(&logs)
    }

    /// Cuts a machine off the network, or joins it again.
    pub fn plug(&self, node: &Node, on: bool) -> Result<()> {
        self.plug_machine(node.name, on)
    }

    /// The same of a machine that is no node.
    pub fn plug_machine(&self, name: &str, on: bool) -> Result<()> {
        let link = self.lan.link(name);
        if on { link.up() } else { link.down() }?;
        // Who still remembers where it was would wait for it longer.
        self.admin.link("eth0").forget_neighbours()
    }
}

/// A machine with one interface, at home in the voice network.
fn settle(lab: &Lab, lan: &Namespace, name: &str, host: u8) -> Result<Namespace> {
    let namespace = lab.namespace(name)?;
    let (link, plug) = lab.veth((&namespace, "eth0"), (lan, name))?;
    plug.join(&lan.link("voice"))?;
    link.finish_packets()?;
    link.address(&format!("{}/24", address(host)))?;
    Ok(namespace)
}

/// A directory of the daemons' user, with nothing in it.
pub fn empty_disk(dir: &Path) -> Result<()> {
    fs::create_dir(dir)?;
    Ok(chown(dir, Some(USER.1), Some(USER.1))?)
}

impl Node {
    /// Where its administrators ask.
    pub fn socket(&self) -> PathBuf {
        self.dir.join("run/controld.sock")
    }

    /// The directory that its TFTP serves.
    pub fn tftp(&self) -> PathBuf {
        self.dir.join("tftp")
    }

    /// The number of the daemon's user, as the kernel knows it.
    pub fn runs_as(&self) -> Result<String> {
        let program = self.program.as_ref().context("it does not run")?;
        // `ip netns exec` becomes the daemon: one process.
        let status = fs::read_to_string(format!("/proc/{}/status", program.pid()))?;
        let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
        Ok(uids.context("no Uid in /proc")?.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Writes its settings.
    fn configure(&self, logs: &Path) -> Result<PathBuf> {
        let store = match &self.database {
            Some(server) => server.url("ringfence"),
            None => format!("sqlite:{}/ringfence.db", self.dir.display()),
        };
        let dir = self.dir.display();
        let config = logs.join(format!("{}.toml", self.name));
        fs::write(
            &config,
            format!(
                "[controld]\nnode = \"{}\"\nuser = \"{}\"\nstore = \"{store}\"\n\
                 key_directory = \"{dir}/keys\"\ncertificate_directory = \"{dir}/certs\"\n\
                 phone_directory = \"{dir}/phones\"\nadmin_socket = \"{}\"\n\
                 tftp = [\"{address}:69\"]\nhttp = [\"{address}:6970\"]\n\
                 ctl_provider = \"{address}\"\ncapf = \"{address}\"\nsccp = \"{address}\"\n\
                 call_agent = \"{address}:2727\"\nmedia = \"{address}\"\n{}",
                self.name,
                USER.0,
                self.socket().display(),
                self.neighbours(),
                address = self.address,
            ),
        )?;
        Ok(config)
    }

    fn start(&mut self, programs: &Path, logs: &Path) -> Result<()> {
        let config = self.configure(logs)?;
        if self.serves_old_tls && self.cell.is_none() {
            let program = programs.join("ringfence-legacytls").display().to_string();
            let mut command = self.namespace.command(&program);
            command.arg("--config").arg(&config);
            let name = format!("legacytls-{}", self.name);
            self.cell = Some(Program::start(&name, command, logs)?);
        }
        let program = programs.join("ringfence-controld").display().to_string();
        let mut command = self.namespace.command(&program);
        if let Some(later) = self.later {
            // Only the date differs: timers run as ever. The command `faketime` would stand
            // between us and the daemon.
            command.env("LD_PRELOAD", FAKETIME).env("FAKETIME", later);
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("NO_FAKE_STAT", "1");
        }
        command.arg("--config").arg(&config);
        let mut program = Program::start(&format!("controld-{}", self.name), command, logs)?;
        let socket = self.socket();
        poll(PATIENCE, || {
            let answers = std::os::unix::net::UnixStream::connect(&socket).is_ok();
            (answers || program.expect_running().is_err()).then_some(())
        });
        program.expect_running()?;
        self.program = Some(program);
        Ok(())
    }

    /// The end of its settings: its relays, and how controld and the cell find each other.
    fn neighbours(&self) -> String {
        let relay = |(name, address): &(&str, IpAddr)| {
            format!("[[controld.relay]]\nname = \"{name}\"\naddresses = [\"{address}:2427\"]\n")
        };
        let relays: String = self.relays.iter().map(relay).collect();
        let socket = self.dir.join("legacytls.sock");
        let socket = socket.display();
        let mut own = match self.waits_for_gateways {
            true => format!("srst_gateways = \"{}:2446\"\n", self.address),
            false => String::new(),
        };
        if let Some(Commanded { from, vici }) = &self.gateways {
            own += &format!("mgcp = \"{from}\"\nvici = {vici:?}\n");
        }
        if self.runs_its_database {
            own += &format!(
                "database = {{ directory = \"{}/database\", address = \"{}\" }}\n",
                self.dir.display(),
                self.address
            );
        }
        match self.serves_old_tls {
            false => own + &relays,
            true => format!(
                "{own}legacy_tls = \"{socket}\"\n{relays}[legacytls]\nsocket = \"{socket}\"\n\
                 user = \"{CELL_USER}\"\ncontrold_user = \"{}\"\n",
                USER.0,
            ),
        }
    }

    /// Waits until its CTL Provider takes connections.
    pub fn wait_for_provider(&self) -> Result<()> {
        self.wait_for(2444).context("its CTL Provider does not listen")
    }

    /// Waits until its CAPF takes connections.
    pub fn wait_for_capf(&self) -> Result<()> {
        self.wait_for(3804).context("its CAPF does not listen")
    }

    /// Waits until its CallManager takes connections.
    pub fn wait_for_call_manager(&self) -> Result<()> {
        self.wait_for(2000).context("its CallManager does not listen")
    }

    /// Whether its CallManager takes no connections.
    pub fn serves_nobody(&self) -> Result<bool> {
        let address = (self.address, 2000).into();
        let second = Duration::from_secs(1);
        self.namespace.enter(|| TcpStream::connect_timeout(&address, second).is_err())
    }

    fn wait_for(&self, port: u16) -> Result<()> {
        let address = (self.address, port).into();
        let second = Duration::from_secs(1);
        let connects = || TcpStream::connect_timeout(&address, second).is_ok().then_some(());
        let up = poll(PATIENCE, || self.namespace.enter(connects).ok().flatten());
        up.with_context(|| format!("nobody takes connections at port {port} of {}", self.name))
    }

    /// Kills its daemon on the spot.
    pub fn kill(&mut self) {
        self.program = None;
    }

    /// The machine loses power: its daemons are gone on the spot, its disk is there.
    pub fn switch_off(&mut self) {
        (self.program, self.cell) = (None, None);
    }

    /// The machine is lost with all that it had; one with an empty disk stands in its place.
    pub fn lose(&mut self) -> Result<()> {
        (self.program, self.cell, self.database) = (None, None, None);
        fs::remove_dir_all(&self.dir)?;
        empty_disk(&self.dir)
    }

    /// Ends its daemon, and its database if it has one.
    pub fn stop(&mut self) -> Result<()> {
        if let Some(mut program) = self.program.take() {
            let status = program.stop(PATIENCE)?;
            ensure!(
                status.success(),
                "{} ended with {status}: {}",
                self.name,
                program.last_words()
            );
        }
        self.database = None;
        Ok(())
    }
}
