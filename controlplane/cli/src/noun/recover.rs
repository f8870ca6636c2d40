//! `ringfence recover`: bringing back what was lost, step by step.
//!
//! Each step looks at how things stand and does what is missing, so that the same command goes on
//! after whatever interrupted it. Only what phones trust already signs.

use clap::Subcommand;
use console::{ResetDevices, RestartService, Status, StatusReport};
use lang::{Language, Text};
use messages::Explain;
use store::Service;

use super::backup::{self, Restoring};
use super::ctl::edit;
use super::ctl::session::{Client, Session};
use super::ctl::sign::Signing;
use crate::daemon::Daemon;
use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::token_home::TokenHome;
use crate::{Outcome, Style};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    daemon: Daemon,
    #[command(flatten)]
    client: Client,
    #[command(flatten)]
    home: TokenHome,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// The publisher was lost: restore a backup on its new machine, then sign the CTL file anew,
    /// restart and reset. Run it on the new machine.
    Publisher {
        #[command(flatten)]
        lost: Lost,
    },
    /// A subscriber was lost: its new machine is there; sign the CTL file anew, restart and reset.
    /// Run it on the publisher.
    Subscriber {
        /// Its host name.
        name: String,
        #[command(flatten)]
        signing: Signing,
        /// Reset all devices at the end, which ends calls through gateways.
        #[arg(long)]
        reset_devices: bool,
    },
    /// All nodes were lost: the publisher first, then the subscribers, one at a time. Two tokens
    /// that phones know must be there. Run it on the publisher, again after each subscriber.
    Cluster {
        #[command(flatten)]
        lost: Lost,
    },
}

#[derive(clap::Args)]
struct Lost {
    /// The backup to restore, if the database of this machine is empty.
    #[arg(long, value_name = "NAME")]
    backup: Option<String>,
    #[command(flatten)]
    restoring: Restoring,
    #[command(flatten)]
    signing: Signing,
    /// Reset all devices at the end, which ends calls through gateways.
    #[arg(long)]
    reset_devices: bool,
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let Args { daemon, client, home, verb } = args;
    let guide = Guide { daemon, client, home, style };
    match verb {
        Verb::Publisher { lost } => {
            guide.restored(&lost)?;
            guide.signed(&lost.signing, None, 1)?;
            guide.taken_over(lost.reset_devices, &[])
        }
        Verb::Subscriber { name, signing, reset_devices } => {
            guide.is_publisher()?;
            guide.signed(&signing, Some(&name), 1)?;
            guide.taken_over(reset_devices, &[])
        }
        Verb::Cluster { lost } => {
            guide.restored(&lost)?;
            let missing = guide.signed(&lost.signing, None, 2)?;
            guide.taken_over(lost.reset_devices, &missing)
        }
    }
}

/// Who leads through the steps.
struct Guide {
    daemon: Daemon,
    client: Client,
    home: TokenHome,
    style: Style,
}

impl Guide {
    /// The backup is restored, unless this machine has a cluster by now.
    fn restored(&self, lost: &Lost) -> std::result::Result<(), Failure> {
        let status = self.status()?;
        match (&status.cluster, &lost.backup) {
            (Some(cluster), _) => {
                self.tell(HAS_DATA, &[("node", &status.node), ("cluster", cluster)]);
                self.is_publisher()
            }
            (None, None) => Err(Failure::usage(NAME_A_BACKUP.get(self.language()))),
            (None, Some(name)) => {
                let ended =
                    backup::restore(&self.daemon, name.clone(), &lost.restoring, self.style)?;
                let detail = ended.backup.and_then(|backup| backup.detail);
                let detail = detail.map(|detail| backup::summary(&detail, self.style));
                self.tell(DATA_IS_BACK, &[("name", name), ("what", &detail.unwrap_or_default())]);
                self.is_publisher()
            }
        }
    }

    /// The publisher is where things are written; anywhere else nothing can be brought back.
    fn is_publisher(&self) -> std::result::Result<(), Failure> {
        let status = self.status()?;
        let nodes = self.daemon.ask(self.style, &console::ListNodes {})?;
        let publisher = nodes.first().filter(|node| node.role == store::NodeRole::Publisher);
        match publisher {
            Some(publisher) if publisher.name == status.node => Ok(()),
            Some(publisher) => Err(Failure::refused(
                NOT_HERE.fill(self.language(), &[("publisher", &publisher.name)]),
            )),
            None => Err(Failure::refused(NOT_HERE.fill(self.language(), &[("publisher", &"-")]))),
        }
    }

    /// The CTL file fits the nodes and is signed after the restore. Answers with the nodes that
    /// are not there yet; with `wanted`, that one must be.
    fn signed(
        &self,
        signing: &Signing,
        wanted: Option<&str>,
        tokens: usize,
    ) -> std::result::Result<Vec<String>, Failure> {
        let mut missing = Vec::new();
        let work = |session: &Session<'_>| {
            missing = absent(session);
            if let Some(wanted) = wanted {
                check_there(session, wanted)?;
            }
            let list = session.done(session.cluster.present_for_update())?;
            let known = signing.present_known(session, &self.home, &list)?;
            if known < tokens {
                let values: [(&str, &dyn std::fmt::Display); 1] = [("count", &tokens)];
                return Err(Failure::refused(TOKENS.fill(session.style.language, &values)));
            }
            match missing.as_slice() {
                [] => edit::update(session, &self.home, &signing.with_last()),
                // The list needs the certificate of each node.
                _ => Ok(Outcome::Done),
            }
        };
        self.client.clone().after_loss().session(self.style, work)?;
        match missing.is_empty() {
            true => self.tell(SIGNED, &[]),
            false => {
                let names: Vec<_> = missing.iter().map(|(name, _)| name.as_str()).collect();
                self.tell(NEXT_NODE, &[("node", &names[0]), ("all", &names.join(", "))]);
                for (name, why) in &missing {
                    self.tell(WHY, &[("node", name), ("why", why)]);
                }
            }
        }
        Ok(missing.into_iter().map(|(name, _)| name).collect())
    }

    /// What was signed is in force here; what is left is told.
    fn taken_over(&self, reset: bool, missing: &[String]) -> Result {
        if !missing.is_empty() {
            if self.style.format == Format::Json {
                output::json(&serde_json::json!({ "missing": missing }))?;
            }
            return Ok(Outcome::Partial);
        }
        for service in [Service::Tftp, Service::CallManager] {
            self.daemon.ask(self.style, &RestartService { service })?;
        }
        let nodes = self.daemon.ask(self.style, &console::ListNodes {})?;
        let own = self.status()?.node;
        for node in nodes.iter().filter(|node| node.name != own) {
            self.tell(RESTART_THERE, &[("node", &node.name)]);
        }
        match reset {
            true => {
                self.daemon.ask(self.style, &ResetDevices { name: None })?;
                self.tell(RESET, &[]);
            }
            false => self.tell(RESET_YOURSELF, &[]),
        }
        Ok(Outcome::Done)
    }

    fn status(&self) -> std::result::Result<StatusReport, Failure> {
        self.daemon.ask(self.style, &Status {})
    }

    fn language(&self) -> Language {
        self.style.language
    }

    /// Says what was done; machines read what the steps print.
    fn tell(&self, text: Text, values: &[(&str, &dyn std::fmt::Display)]) {
        if self.style.format == Format::Table {
            println!("{}", text.fill(self.language(), values));
        }
    }
}

/// The nodes whose CTL Provider does not answer, or is not trusted, and why not.
fn absent(session: &Session<'_>) -> Vec<(String, String)> {
    let language = session.style.language;
    let nodes = session.cluster.nodes();
    let absent = nodes.filter_map(|(info, fault)| {
        let told = fault?.explain(language);
        Some((info.name.clone(), format!("{}: {}", told.text, told.cause)))
    });
    absent.collect()
}

/// The new machine of a subscriber must be installed, under the name of the old one.
fn check_there(session: &Session<'_>, name: &str) -> std::result::Result<(), Failure> {
    match session.cluster.node(name) {
        Some(Ok(_)) => Ok(()),
        Some(Err(fault)) => session.done(Err(fault.clone())),
        None => {
            let text = UNKNOWN_NODE.fill(session.style.language, &[("node", &name)]);
            Err(Failure::usage(text))
        }
    }
}

const HAS_DATA: Text = Text::new(
    "[x] {node} has the data of the cluster {cluster}.",
    "[x] {node} にはクラスタ {cluster} のデータがあります。",
);
const DATA_IS_BACK: Text = Text::new(
    "[x] The backup {name} is restored ({what}).",
    "[x] バックアップ {name} を復元しました ({what})。",
);
const NAME_A_BACKUP: Text = Text::new(
    "The database of this machine is empty: name the backup to restore with --backup (`ringfence backup list --at DIRECTORY`).",
    "このマシンのデータベースは空です。復元するバックアップを --backup で指定してください (`ringfence backup list --at DIRECTORY`)。",
);
const NOT_HERE: Text = Text::new(
    "This machine is not the publisher ({publisher}): run the command there. If it is lost, run it on the machine that takes its place, under its name.",
    "このマシンはパブリッシャ ({publisher}) ではありません。パブリッシャで実行してください。失われた場合は、同じ名前を付けた代わりのマシンで実行してください。",
);
const TOKENS: Text = Text::new(
    "{count} tokens that phones know must be there: give each with --token.",
    "電話機が信頼するトークンが {count} 個必要です。それぞれ --token で指定してください。",
);
const SIGNED: Text = Text::new(
    "[x] The CTL file fits the nodes and is signed with a token that phones trust.",
    "[x] CTL ファイルはノードの構成と一致し、電話機が信頼するトークンで署名されています。",
);
const NEXT_NODE: Text = Text::new(
    "[ ] Install {node} anew, then run this command again. Not there yet: {all}. One that is there shows a new certificate: name it with --approve. A node that stays away is removed with `ringfence node remove`.",
    "[ ] {node} を再インストールし、このコマンドをもう一度実行してください。未復旧: {all}。復旧済みのノードは新しい証明書を提示するため、--approve で指定してください。戻らないノードは `ringfence node remove` で削除します。",
);
const WHY: Text = Text::new("    {node}: {why}", "    {node}: {why}");
const RESTART_THERE: Text = Text::new(
    "[ ] On {node}: `ringfence service restart tftp`, `ringfence service restart call-manager`.",
    "[ ] {node} で実行: `ringfence service restart tftp`、`ringfence service restart call-manager`。",
);
const RESET: Text =
    Text::new("[x] All devices are told to reset.", "[x] 全デバイスにリセットを指示しました。");
const RESET_YOURSELF: Text = Text::new(
    "[ ] `ringfence device reset --all`, when calls through gateways may end.",
    "[ ] ゲートウェイ経由の通話が切断されてもよい時に `ringfence device reset --all` を実行してください。",
);
const UNKNOWN_NODE: Text = Text::new(
    "There is no node {node} in the cluster: `ringfence node list` shows those there are.",
    "クラスタにノード {node} はありません。`ringfence node list` で一覧を表示できます。",
);
