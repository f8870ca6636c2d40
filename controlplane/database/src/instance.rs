//! One instance of PostgreSQL in a directory:
//!
//! ```text
//!   data/           the database            data.new/    a copy being fetched: never used
//!   run/            its socket              data.ready/  a copy that is whole, on its way to data/
//!   identity.pem    key and certificate     roots.pem    certificates of all nodes
//!   follows.json    whom a copy follows     members.json the nodes
//!   yields-to       who took its place       lost.json    nodes that were given up
//! ```

use std::fs::{self, DirBuilder};
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use durable::Readers;
use pki::Certificate;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::{PostgresUrl, Server, StoreUrl};

use crate::configuration::{self, DATABASE, ROLE, SUPERUSER};
use crate::programs::{program, run};
use crate::running::Running;
use crate::{DEFAULT_PORT, Fault, Member, identity};

/// How long it may take to start: it may have to catch up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// A directory of its own.
    pub directory: PathBuf,
    /// The address at which other nodes reach it.
    pub address: IpAddr,
    /// The port there; the same on all nodes.
    #[serde(default = "default_port")]
    pub port: u16,
}

fn default_port() -> u16 {
    DEFAULT_PORT
}

/// The database of a node.
#[derive(Clone, Debug)]
pub struct Instance {
    settings: Settings,
    node: String,
}

impl Instance {
    /// Of this node, in this place. Nothing is made yet.
    pub fn new(settings: Settings, node: impl Into<String>) -> Self {
        Self { settings, node: node.into() }
    }

    /// Where it is.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The node's name.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Makes the directory, and the key if there is none: the certificate of it.
    pub fn identity(&self, now: SystemTime) -> Result<Certificate, Fault> {
        for directory in [self.settings.directory.clone(), self.file("run")] {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&directory);
            made.map_err(|error| Fault::file(&directory, error))?;
        }
        let Settings { address, .. } = self.settings;
        identity::open_or_create(&self.file("identity.pem"), &self.node, address, now)
    }

    /// This node, as others know it.
    pub fn member(&self, now: SystemTime) -> Result<Member, Fault> {
        let certificate = pki::export::pem(&self.identity(now)?);
        Ok(Member { name: self.node.clone(), address: self.settings.address, certificate })
    }

    /// Whether there is one, original or copy.
    pub fn exists(&self) -> Result<bool, Fault> {
        self.settle()?;
        Ok(self.file("data/PG_VERSION").exists())
    }

    /// Makes an original that is empty.
    pub fn found(&self, now: SystemTime) -> Result<(), Fault> {
        let me = self.member(now)?;
        let new = self.fresh()?;
        let mut init = program("initdb")?;
        init.arg("-D").arg(&new).arg(format!("--username={SUPERUSER}"));
        init.args(["--auth=reject", "--encoding=UTF8", "--locale=C", "--data-checksums"]);
        run(init)?;
        self.begin_in(&new)?;
        self.set_members(&[me])?;
        self.take_over(&new)
    }

    /// Makes roles and database in a new instance that does not run.
    fn begin_in(&self, new: &Path) -> Result<(), Fault> {
        let mut single = program("postgres")?;
        single.args(["--single", "-D"]).arg(new).arg("postgres");
        single.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let failed = |words: String| Fault::Program { program: "postgres --single".into(), words };
        let mut child = single.spawn().map_err(|error| failed(error.to_string()))?;
        let mut input = child.stdin.take().expect("it is piped");
        let told = input.write_all(configuration::beginnings().as_bytes());
        drop(input);
        let ended = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
        let words = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
        match told.is_ok() && ended.status.success() && !words.contains("ERROR") {
            true => Ok(()),
            false => Err(failed(words)),
        }
    }

    /// Becomes a copy of the database of `original`, in the place of what was here. The nodes
    /// `members` are known from now on. May be called again after whatever interrupted it.
    pub fn follow(&self, original: &Member, members: &[Member]) -> Result<(), Fault> {
        self.set_members(members)?;
        let new = self.fresh()?;
        let mut copy = program("pg_basebackup")?;
        let me = members.iter().find(|member| member.name == self.node);
        let me = me.ok_or_else(|| Fault::Database(format!("{} is no member", self.node)))?;
        copy.arg("-d").arg(configuration::connection(self, original));
        copy.arg("-D").arg(&new).arg("--slot").arg(me.slot());
        copy.args(["--checkpoint=fast", "--wal-method=stream", "--no-password"]);
        run(copy)?;
        let signal = new.join("standby.signal");
        fs::write(&signal, "").map_err(|error| Fault::file(&signal, error))?;
        self.set_followed(original)?;
        self.take_over(&new)?;
        self.set_yielded(None)
    }

    /// An empty name for what is being made; what an interruption left there is removed.
    fn fresh(&self) -> Result<PathBuf, Fault> {
        self.settle()?;
        let new = self.file("data.new");
        remove_tree(&new)?;
        Ok(new)
    }

    /// What was made is whole: it takes the place of what was there.
    fn take_over(&self, new: &Path) -> Result<(), Fault> {
        let ready = self.file("data.ready");
        fs::rename(new, &ready).map_err(|error| Fault::file(new, error))?;
        self.settle()
    }

    /// Finishes what was interrupted.
    fn settle(&self) -> Result<(), Fault> {
        let (ready, data) = (self.file("data.ready"), self.file("data"));
        if ready.exists() {
            remove_tree(&data)?;
            fs::rename(&ready, &data).map_err(|error| Fault::file(&ready, error))?;
        }
        Ok(())
    }

    /// Starts it. One that is held takes no changes. It ends with the thread that starts it, and
    /// with the process.
    pub fn start(&self, held: bool) -> Result<Running, Fault> {
        self.settle()?;
        self.configure(held)?;
        for (name, text) in
            [("pg_hba.conf", configuration::admission()), ("pg_ident.conf", configuration::names())]
        {
            self.write(name, text.as_bytes(), Readers::Owner)?;
        }
        let postgres = program("postgres")?;
        // Sent a SIGINT, PostgreSQL ends in order, without waiting for those who ask.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "INT", "--"]).arg(postgres.get_program());
        command.arg("-D").arg(self.file("data"));
        for (setting, file) in [
            ("config_file", "postgresql.conf"),
            ("hba_file", "pg_hba.conf"),
            ("ident_file", "pg_ident.conf"),
        ] {
            command.arg("-c").arg(format!("{setting}={}", self.file(file).display()));
        }
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut running = Running::spawn(&mut command)?;
            let started = self.wait(&mut running, deadline);
            match started {
                Ok(()) => return Ok(running),
                // The one before has not quite gone.
                Err(Fault::Program { words, .. })
                    if words.contains("postmaster.pid") && Instant::now() < deadline =>
                {
                    thread::sleep(GLANCE);
                }
                Err(fault) => return Err(fault),
            }
        }
    }

    fn wait(&self, running: &mut Running, deadline: Instant) -> Result<(), Fault> {
        loop {
            if let Some(fault) = running.ended() {
                return Err(fault);
            }
            match self.server() {
                Ok(_) => return Ok(()),
                Err(_) if Instant::now() < deadline => thread::sleep(GLANCE),
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Writes the settings anew; a server that runs reads them at [`Server::reload`].
    pub(crate) fn configure(&self, held: bool) -> Result<(), Fault> {
        let follows: Option<Member> = self.load("follows.json")?;
        let text = configuration::settings(self, follows.as_ref(), held);
        self.write("postgresql.conf", text.as_bytes(), Readers::Owner)
    }

    /// The server, for those who run it.
    pub(crate) fn server(&self) -> Result<Server, Fault> {
        Ok(Server::connect(&self.local(SUPERUSER, "postgres"))?)
    }

    /// What asks this instance, on this machine.
    pub fn url(&self) -> StoreUrl {
        StoreUrl::Postgres(Box::new(self.local(ROLE, DATABASE)))
    }

    fn local(&self, role: &str, database: &str) -> PostgresUrl {
        let mut url = PostgresUrl::default();
        url.config.host_path(self.file("run")).port(self.settings.port);
        url.config.user(role).dbname(database).connect_timeout(CONNECT);
        url
    }

    /// What asks these nodes, one after the other, for one that takes changes or, if `any`, for one
    /// that answers.
    pub(crate) fn url_of<'a>(
        &self,
        members: impl IntoIterator<Item = &'a Member>,
        any: bool,
    ) -> PostgresUrl {
        let mut url = PostgresUrl::default();
        for member in members {
            url.config.host(&member.address.to_string());
        }
        url.config.port(self.settings.port).user(ROLE).dbname(DATABASE);
        url.config.connect_timeout(CONNECT).tcp_user_timeout(SILENCE);
        url.config.keepalives_idle(SILENCE / 2).keepalives_interval(CONNECT);
        url.config.keepalives_retries(2);
        let identity = self.file("identity.pem");
        url.roots = Some(self.file("roots.pem"));
        url.client = Some((identity.clone(), identity));
        if any { url } else { url.for_changes() }
    }

    /// What asks for changes wherever they are taken at present.
    pub fn original_url(&self) -> Result<PostgresUrl, Fault> {
        Ok(self.url_of(&self.members()?, false))
    }

    /// The nodes of the cluster that have a database, this one too.
    pub fn members(&self) -> Result<Vec<Member>, Fault> {
        Ok(self.load("members.json")?.unwrap_or_default())
    }

    /// These are the nodes from now on. Whether that is news.
    pub(crate) fn set_members(&self, members: &[Member]) -> Result<bool, Fault> {
        let roots: String = members.iter().map(|member| member.certificate.as_str()).collect();
        let same = self.members()? == members && self.file("roots.pem").exists();
        if !same {
            self.write("roots.pem", roots.as_bytes(), Readers::Owner)?;
            self.save("members.json", members)?;
        }
        Ok(!same)
    }

    /// Whom a copy follows.
    pub(crate) fn followed(&self) -> Result<Option<Member>, Fault> {
        self.load("follows.json")
    }

    pub(crate) fn set_followed(&self, original: &Member) -> Result<(), Fault> {
        self.save("follows.json", original)
    }

    /// Who took this node's place as the original.
    pub fn yielded(&self) -> Result<Option<String>, Fault> {
        self.load("yields-to")
    }

    pub(crate) fn set_yielded(&self, to: Option<&str>) -> Result<(), Fault> {
        let file = self.file("yields-to");
        match to {
            Some(node) => self.save("yields-to", node),
            None => durable::remove(&file).map(drop).map_err(|error| Fault::file(&file, error)),
        }
    }

    /// Nodes that an administrator has given up.
    pub(crate) fn lost(&self) -> Result<Vec<String>, Fault> {
        Ok(self.load("lost.json")?.unwrap_or_default())
    }

    pub(crate) fn set_lost(&self, nodes: &[String]) -> Result<(), Fault> {
        self.save("lost.json", nodes)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.settings.directory.join(name)
    }

    fn load<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Fault> {
        let file = self.file(name);
        let text = durable::read(&file, 4 << 20).map_err(|error| Fault::file(&file, error))?;
        let parse = |text: Vec<u8>| serde_json::from_slice(&text);
        text.map(parse).transpose().map_err(|error| Fault::file(&file, error))
    }

    fn save<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<(), Fault> {
        let text = serde_json::to_vec_pretty(value).expect("our types have string keys");
        self.write(name, &text, Readers::Owner)
    }

    fn write(&self, name: &str, content: &[u8], readers: Readers) -> Result<(), Fault> {
        let file = self.file(name);
        durable::replace(&file, content, readers).map_err(|error| Fault::file(&file, error))
    }
}

/// How long a look waits for the next.
const GLANCE: Duration = Duration::from_millis(20);
/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(2);
/// How long another node may be silent before it counts as away.
const SILENCE: Duration = Duration::from_secs(6);

fn remove_tree(directory: &Path) -> Result<(), Fault> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Fault::file(directory, error))
        }
        _ => Ok(()),
    }
}
