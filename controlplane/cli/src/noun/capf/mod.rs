//! `ringfence capf`: certificates for phones.

mod authority;
mod import;
pub mod phone;
mod report;

use std::path::PathBuf;

use clap::Subcommand;
use console::sheet::read_capf;
use console::{
    ActivateService, CapfService, CapfServiceView, DistrustIssuer, IssuerKind, ListNodes,
    RenewCapf, SetCapf, TrustIssuer,
};
use lang::Text;
use pki::{Certificate, export};
use store::{CapfOperation, CapfStatus, NodeRole, Service};

use crate::bulk;
use crate::daemon::Daemon;
use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::{Outcome, Style};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    daemon: Daemon,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Activate CAPF on the publisher; makes its key and certificate. Before the CTL file is
    /// created, no update of it is needed.
    Activate,
    /// Give CAPF a new key and certificate. The CTL file has to be updated afterwards; LSCs of the
    /// old one hold until it is distrusted.
    Renew,
    /// Show how CAPF stands, and whose certificates it trusts.
    Status,
    /// Show what is ordered for phones and what came of it, with their authentication strings.
    Report {
        /// Only phones with this status, such as upgrade-failed.
        #[arg(long)]
        status: Option<CapfStatus>,
        /// Only phones with this operation pending.
        #[arg(long)]
        operation: Option<CapfOperation>,
        /// Only phones whose name or description has this in it.
        #[arg(long, value_name = "TEXT")]
        find: Option<String>,
        /// Print CSV, which `capf bulk` reads.
        #[arg(long)]
        csv: bool,
    },
    /// Order for many phones what the rows of a CSV file say: device, operation, auth_mode,
    /// auth_string (`generate` makes one), key_size, complete_by. What is empty stays as it is.
    /// Run again after an interruption, it goes on where it stopped.
    Bulk {
        /// The file; its first row names the columns, in any order.
        file: PathBuf,
        /// Only tell what would come of it.
        #[arg(long)]
        dry_run: bool,
    },
    /// Take over the data of CAPF 1.0: CAPF.phone, CAPF.config and *.0 of a directory.
    #[command(name = "import-1.0")]
    Import {
        /// The directory.
        directory: PathBuf,
        /// Only tell what would come of it.
        #[arg(long)]
        dry_run: bool,
    },
    /// Trust an issuer of certificates that phones show: a manufacturer (mic), or another
    /// certification authority (lsc).
    Trust {
        kind: IssuerKind,
        /// Its certificate, DER or PEM.
        file: PathBuf,
    },
    /// End the trust in an issuer: certificates that it issued prove nothing any more.
    Distrust {
        /// SHA-256 of its certificate, as `capf status` shows it.
        fingerprint: String,
    },
    /// Ask the authority elsewhere that shall issue: its fingerprints, to compare with those it
    /// shows itself, and the best algorithms it offers.
    Authority,
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let daemon = args.daemon;
    match args.verb {
        Verb::Activate => activate(&daemon, style),
        Verb::Renew => daemon.change(style, &RenewCapf {}),
        Verb::Status => status(&daemon.ask(style, &CapfService {})?, style),
        Verb::Report { status, operation, find, csv } => {
            let filter = report::Filter { status, operation, find };
            report::run(&daemon, &filter, csv, style)
        }
        Verb::Bulk { file, dry_run } => {
            let order = |(name, changes)| SetCapf { name, changes, dry_run };
            bulk::run(&daemon, &file, read_capf, order, |_| None, dry_run, style)
        }
        Verb::Import { directory, dry_run } => import::run(&daemon, &directory, dry_run, style),
        Verb::Trust { kind, file } => {
            let content = read(&file, Certificate::MAX_SIZE as u64 * 2)?;
            let certificate = as_pem(&content);
            daemon.change(style, &TrustIssuer { kind, certificate })
        }
        Verb::Authority => authority::run(&daemon, style),
        Verb::Distrust { fingerprint } => daemon.change(style, &DistrustIssuer { fingerprint }),
    }
}

fn activate(daemon: &Daemon, style: Style) -> Result {
    let nodes = daemon.ask(style, &ListNodes {})?;
    let publisher = nodes.into_iter().find(|node| node.role == NodeRole::Publisher);
    let none = || Failure::failed(NO_CLUSTER.get(style.language));
    let node = publisher.ok_or_else(none)?.name;
    daemon.change(style, &ActivateService { node, service: Service::Capf, active: true })
}

fn status(view: &CapfServiceView, style: Style) -> Result {
    if style.format == Format::Json {
        output::json(view)?;
        return Ok(Outcome::Done);
    }
    let line = |label: Text, value: &dyn std::fmt::Display| {
        println!("{}: {value}", label.get(style.language));
    };
    match &view.node {
        Some(node) => line(ACTIVE_ON, node),
        None => println!("{}", NOT_ACTIVE.get(style.language)),
    }
    line(PORT, &view.port);
    line(ISSUER, &view.issuer);
    if let Some(certificate) = &view.certificate {
        line(CERTIFICATE, certificate);
    }
    line(PENDING, &view.pending);
    for count in &view.phones {
        println!("  {}: {}", count.text, count.phones);
    }
    println!();
    output::table(
        TRUSTED.get(style.language),
        TRUSTED_COLUMNS.map(|column| column.get(style.language)),
        view.trusted.iter().map(|issuer| {
            [
                match issuer.kind {
                    IssuerKind::Lsc => "lsc".into(),
                    IssuerKind::Mic => "mic".into(),
                },
                issuer.subject.clone(),
                issuer.not_after.clone(),
                issuer.certificates.to_string(),
                issuer.fingerprint.clone(),
            ]
        }),
    )?;
    if let Some(problem) = &view.problem {
        println!("! {problem}");
    }
    Ok(Outcome::Done)
}

/// Reads a whole file of at most `limit` bytes.
pub fn read(file: &std::path::Path, limit: u64) -> std::result::Result<Vec<u8>, Failure> {
    let told =
        |error: &dyn std::fmt::Display| Failure::failed(format!("{}: {error}", file.display()));
    let content = durable::read(file, limit).map_err(|error| told(&error))?;
    content.ok_or_else(|| told(&std::io::Error::from(std::io::ErrorKind::NotFound)))
}

/// A certificate as text; what is neither PEM nor DER stays what it is, for the daemon to refuse.
pub fn as_pem(content: &[u8]) -> String {
    match Certificate::parse(content) {
        Ok(certificate) => export::pem(&certificate),
        Err(_) => String::from_utf8_lossy(content).into_owned(),
    }
}

const NO_CLUSTER: Text = Text::new(
    "There is no publisher: create the cluster with `ringfence cluster init`.",
    "パブリッシャがありません。`ringfence cluster init` でクラスタを作成してください。",
);
const ACTIVE_ON: Text = Text::new("Active on", "有効なノード");
const NOT_ACTIVE: Text = Text::new(
    "Not active: `ringfence capf activate`.",
    "有効になっていません: `ringfence capf activate`。",
);
const PORT: Text = Text::new("Port", "ポート");
const ISSUER: Text = Text::new("Certificate issuer", "証明書の発行元");
const CERTIFICATE: Text = Text::new("SHA-256 of its certificate", "証明書の SHA-256");
const PENDING: Text = Text::new("Operations pending", "保留中の操作");
const TRUSTED: Text = Text::new("Trusted issuers", "信頼する発行者");
const TRUSTED_COLUMNS: [Text; 5] = [
    Text::new("of", "種類"),
    Text::new("name", "名前"),
    Text::new("valid until", "有効期限"),
    Text::new("LSCs", "LSC 数"),
    Text::new("SHA-256", "SHA-256"),
];
