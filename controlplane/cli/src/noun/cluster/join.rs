//! `ringfence cluster join`: a machine becomes a subscriber, step by step.
//!
//! It asks the publisher's CTL Provider, as an administrator, to let its database in; then it
//! fetches a copy. Whatever interrupts it, the same command begins anew.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use cluster::provider::api;
use console::Status;
use database::{Fault, Instance, Keeper, Member, Settings, Standing};
use lang::{Language, Say, Text};
use privilege::users::{self, User};
use serde::Deserialize;
use store::Store;

use crate::daemon::Daemon;
use crate::failure::{Failure, Result};
use crate::noun::ctl::session::Client;
use crate::output::{self, Format};
use crate::{Outcome, Style};

/// How long the publisher may take to let a new node in.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is asked.
const PAUSE: Duration = Duration::from_millis(500);

#[derive(clap::Args)]
pub struct Join {
    #[command(flatten)]
    client: Client,
    /// Configuration file of ringfence-controld.
    #[arg(long, value_name = "FILE", default_value = "/etc/ringfence/ringfence.toml")]
    config: PathBuf,
    /// Throw away the cluster's data that this machine has.
    #[arg(long)]
    discard: bool,
}

/// What of the daemon's settings matters here.
#[derive(Deserialize)]
struct File {
    controld: Controld,
}

#[derive(Deserialize)]
struct Controld {
    node: Option<String>,
    user: Option<String>,
    database: Option<Settings>,
}

impl Join {
    /// Does it.
    pub fn run(self, daemon: &Daemon, style: Style) -> Result {
        let language = style.language;
        if daemon.ask_plainly(style, &Status {}).is_ok() {
            return Err(Failure::refused(STOP_IT.get(language)));
        }
        let machine = Machine::of(&self.config, language)?;
        if !self.discard {
            machine.has_nothing_to_lose(language)?;
        }
        let certificate = machine.identity(language)?;
        let mut databases = Vec::new();
        self.client.session(style, |session| {
            let node = machine.instance.node();
            let joined = session.cluster.publisher().join_database(node, certificate.der());
            databases = session.done(joined)?;
            Ok(Outcome::Done)
        })?;
        let members: Vec<Member> = databases.into_iter().map(member).collect();
        let Some(publisher) = members.first() else {
            return Err(Failure::failed(NO_PUBLISHER.get(language)));
        };
        machine.follow(publisher, &members, language)?;
        match style.format {
            Format::Json => output::json(&serde_json::json!({
                "node": machine.instance.node(),
                "follows": publisher.name,
            }))?,
            Format::Table => {
                println!("{}", JOINED.fill(language, &[("publisher", &publisher.name)]));
            }
        }
        Ok(Outcome::Done)
    }
}

fn member(database: api::Database) -> Member {
    Member {
        name: database.node,
        address: database.address,
        certificate: pki::export::pem_of("CERTIFICATE", &database.certificate.0),
    }
}

/// This machine, and whom its daemon runs as.
struct Machine {
    instance: Instance,
    user: User,
}

impl Machine {
    fn of(config: &Path, language: Language) -> std::result::Result<Self, Failure> {
        let file: File =
            settings::load(config).map_err(|error| Failure::usage(error.to_string()))?;
        let Controld { node, user, database } = file.controld;
        let database = database.ok_or_else(|| Failure::usage(NO_DATABASE.get(language)))?;
        let host = || rustix::system::uname().nodename().to_string_lossy().into_owned();
        let own = users::name_of(rustix::process::geteuid());
        let user = privilege::unprivileged(&user.unwrap_or(own), "[controld] user")
            .map_err(|error| Failure::usage(format!("{error:#}")))?;
        Ok(Self { instance: Instance::new(database, node.unwrap_or_else(host)), user })
    }

    /// Does something as the daemon's user, to whom everything belongs.
    fn as_user<T: Send>(
        &self,
        language: Language,
        work: impl FnOnce(&Instance) -> std::result::Result<T, Fault> + Send,
    ) -> std::result::Result<T, Failure> {
        let directory = &self.instance.settings().directory;
        let (uid, gid) = (self.user.uid.as_raw(), self.user.gid.as_raw());
        if rustix::process::geteuid().is_root() {
            std::fs::create_dir_all(directory)
                .and_then(|()| chown(directory, Some(uid), Some(gid)))
                .map_err(|error| Failure::failed(format!("{}: {error}", directory.display())))?;
        }
        let done = privilege::as_user(&self.user, || work(&self.instance));
        let done = done.map_err(|error| Failure::failed(format!("{error:#}")))?;
        done.map_err(|fault| Failure::failed(fault.say(language)))
    }

    /// What is here is a copy, was replaced, or is empty.
    fn has_nothing_to_lose(&self, language: Language) -> std::result::Result<(), Failure> {
        let cluster = self.as_user(language, |instance| {
            if !instance.exists()? || instance.yielded()?.is_some() {
                return Ok(None);
            }
            let keeper = Keeper::start(instance.clone())?;
            match keeper.standing() {
                Standing::Subscriber(_) | Standing::Yielded(_) => Ok(None),
                Standing::Publisher | Standing::Waiting(_) => {
                    let store = Store::open(&instance.url())?;
                    Ok(store.read(|view| view.cluster())?.map(|cluster| cluster.name))
                }
            }
        })?;
        match cluster {
            None => Ok(()),
            Some(name) => Err(Failure::refused(HAS_DATA.fill(language, &[("cluster", &name)]))),
        }
    }

    fn identity(&self, language: Language) -> std::result::Result<pki::Certificate, Failure> {
        self.as_user(language, |instance| instance.identity(SystemTime::now()))
    }

    /// Fetches the copy, as soon as the publisher's database lets this one in.
    fn follow(
        &self,
        publisher: &Member,
        members: &[Member],
        language: Language,
    ) -> std::result::Result<(), Failure> {
        self.as_user(language, |instance| {
            let deadline = Instant::now() + PATIENCE;
            loop {
                match instance.follow(publisher, members) {
                    Err(Fault::Program { .. }) if Instant::now() < deadline => thread::sleep(PAUSE),
                    done => return done,
                }
            }
        })
    }
}

const STOP_IT: Text = Text::new(
    "ringfence-controld runs on this machine: stop it first, and start it again afterwards.",
    "このマシンで ringfence-controld が動作しています。先に停止し、終了後に再び起動してください。",
);
const NO_DATABASE: Text = Text::new(
    "The section [controld.database] is missing in the configuration file: `directory` and `address` of this node's own PostgreSQL.",
    "設定ファイルに [controld.database] セクションがありません。このノードの PostgreSQL の `directory` と `address` を設定してください。",
);
const HAS_DATA: Text = Text::new(
    "This machine has the data of the cluster {cluster}, and may be its publisher. Its data is thrown away with --discard only.",
    "このマシンにはクラスタ {cluster} のデータがあり、パブリッシャである可能性があります。データは --discard を指定した場合に限り破棄されます。",
);
const NO_PUBLISHER: Text = Text::new(
    "The publisher names no database.",
    "パブリッシャからデータベースの情報が得られませんでした。",
);
const JOINED: Text = Text::new(
    "This node has a copy of the database of {publisher} and follows it. Start ringfence-controld; in a secure cluster `ringfence ctl update` follows.",
    "このノードは {publisher} のデータベースの複製を取得し、追従します。ringfence-controld を起動してください。セキュアなクラスタでは、続けて `ringfence ctl update` を実行してください。",
);
