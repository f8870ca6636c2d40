//! `ringfence srst`: gateways that serve phones while the centre is away.

use clap::Subcommand;
use console::{
    AcceptSrst, AddSrst, FetchSrst, FetchedSrst, ListSrst, RemoveSrst, ResetSrst, SetSrst,
    ShowSrstStatus, SrstCertificateView, SrstChanges, SrstStatusView, SrstView, WithdrawSrst,
};
use lang::{Say, Text};
use messages::srst;
use serde::Serialize;
use std::net::IpAddr;

use super::{Asking, phone};
use crate::daemon::Daemon;
use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::{Outcome, Style, ask};

pub type Args = Asking<Verb>;

#[derive(Subcommand)]
pub enum Verb {
    /// Show all SRST references, their certificates, and who depends on them.
    List,
    /// Add an SRST reference.
    Add {
        /// Its name.
        name: String,
        /// Where the gateway is.
        address: IpAddr,
        #[command(flatten)]
        changes: SrstChanges,
    },
    /// Change what is given, leave the rest. The certificate stays.
    Set {
        /// Its name.
        name: String,
        /// Where the gateway is.
        #[arg(long)]
        address: Option<IpAddr>,
        #[command(flatten)]
        changes: SrstChanges,
    },
    /// Get the certificate of a gateway, show it, and give it to phones if it is accepted.
    UpdateCertificate {
        /// The SRST reference.
        name: String,
        /// Accept the certificate with this SHA-256 fingerprint, and no other.
        #[arg(long, value_name = "SHA256")]
        accept: Option<String>,
        /// Only show it.
        #[arg(long, conflicts_with = "accept")]
        reject: bool,
        /// The gateway has no certificate any more: take it from the phones.
        #[arg(long, conflicts_with_all = ["accept", "reject"])]
        withdraw: bool,
    },
    /// Remove an SRST reference that no pool names.
    Delete {
        /// Its name.
        name: String,
    },
    /// Reset the phones that depend on an SRST reference.
    Reset {
        /// Its name.
        name: String,
        /// Do not ask, even if there are calls.
        #[arg(long)]
        yes: bool,
    },
    /// Show how centre and gateways stand to each other.
    Status,
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let daemon = args.daemon;
    match args.verb {
        Verb::List => list(&daemon.ask(style, &ListSrst {})?, style),
        Verb::Add { name, address, changes } => {
            daemon.change(style, &AddSrst { name, address, changes })
        }
        Verb::Set { name, address, changes } => {
            daemon.change(style, &SetSrst { name, address, changes })
        }
        Verb::Delete { name } => daemon.change(style, &RemoveSrst { name }),
        Verb::UpdateCertificate { name, withdraw: true, .. } => {
            daemon.change(style, &WithdrawSrst { name })
        }
        Verb::UpdateCertificate { name, accept: Some(sha256), .. } => {
            daemon.change(style, &AcceptSrst { name, sha256 })
        }
        Verb::UpdateCertificate { name, reject, .. } => update(&daemon, name, reject, style),
        Verb::Reset { name, yes } => reset(&daemon, name, yes, style),
        Verb::Status => status(&daemon.ask(style, &ShowSrstStatus {})?, style),
    }
}

/// Shows what the gateway shows, and has a person decide.
fn update(daemon: &Daemon, name: String, reject: bool, style: Style) -> Result {
    let fetched = daemon.ask(style, &FetchSrst { name })?;
    if style.format == Format::Json {
        // A program reads it, and accepts with the fingerprint.
        output::json(&fetched)?;
        return Ok(Outcome::Done);
    }
    show(&fetched, style)?;
    let FetchedSrst { name, shown, stored } = fetched;
    let text =
        |message: &messages::Message| message.text.fill(style.language, &[("reference", &name)]);
    if stored.as_ref() == Some(&shown) {
        println!("{}", text(&srst::SRST_CERTIFICATE_SAME));
        return Ok(Outcome::Done);
    }
    if !reject && ask::yes(&text(&srst::SRST_ACCEPT_CERTIFICATE), "--accept", style.language)? {
        return daemon.change(style, &AcceptSrst { name, sha256: shown.sha256 });
    }
    println!("{}", text(&srst::SRST_CERTIFICATE_REJECTED));
    Ok(Outcome::Done)
}

fn show(fetched: &FetchedSrst, style: Style) -> std::result::Result<(), Failure> {
    #[derive(Serialize)]
    struct Both<'a> {
        shown: &'a SrstCertificateView,
        #[serde(skip_serializing_if = "Option::is_none")]
        stored: Option<&'a SrstCertificateView>,
    }
    println!("{}", SHOWN.fill(style.language, &[("name", &fetched.name)]));
    output::fields(&Both { shown: &fetched.shown, stored: fetched.stored.as_ref() })?;
    println!();
    Ok(())
}

fn reset(daemon: &Daemon, name: String, yes: bool, style: Style) -> Result {
    if !yes {
        let would = daemon.ask(style, &ResetSrst { name: name.clone(), dry_run: true })?;
        if !phone::may_reset(&would, style)? {
            return Ok(Outcome::Done);
        }
    }
    phone::tell_reset(&daemon.ask(style, &ResetSrst { name, dry_run: false })?, style)
}

fn list(references: &[SrstView], style: Style) -> Result {
    output::list(references, style, REFERENCES, COLUMNS, |reference| {
        let certificate = reference.certificate.as_ref();
        [
            reference.name.clone(),
            format!("{}:{}", reference.address, reference.port),
            reference.provider_port.to_string(),
            if reference.secure { YES.say(style.language) } else { NO.say(style.language) },
            certificate.map_or_else(|| "-".to_owned(), |it| it.sha256[..16].to_owned()),
            certificate.map_or_else(|| "-".to_owned(), |it| it.not_after[..10].to_owned()),
            reference.pools.join(", "),
            reference.phones.to_string(),
        ]
    })
}

fn status(status: &SrstStatusView, style: Style) -> Result {
    match (style.format, status) {
        (Format::Json, _) => output::json(status)?,
        (Format::Table, SrstStatusView::Gateway(own)) => output::fields(own)?,
        (Format::Table, SrstStatusView::Centre { listens: None, .. }) => {
            println!("{}", NOBODY_WAITS.say(style.language));
        }
        (Format::Table, SrstStatusView::Centre { gateways, .. }) => output::table(
            GATEWAYS.get(style.language),
            STATUS.map(|column| column.get(style.language)),
            gateways.iter().map(|gateway| {
                let word = |it: bool| if it { YES } else { NO }.say(style.language);
                [
                    gateway.reference.clone(),
                    gateway.peer.to_string(),
                    gateway.heard.clone(),
                    word(gateway.connected),
                    word(gateway.synchronised),
                    gateway.phones.to_string(),
                    gateway.calls.to_string(),
                ]
            }),
        )?,
    }
    Ok(Outcome::Done)
}

const SHOWN: Text = Text::new(
    "The gateway of SRST reference {name} shows this certificate:",
    "SRST 参照先 {name} のゲートウェイが提示する証明書:",
);
const REFERENCES: Text = Text::new("SRST references", "SRST 参照先");
const COLUMNS: [Text; 8] = [
    Text::new("name", "名前"),
    Text::new("gateway", "ゲートウェイ"),
    Text::new("provider port", "プロバイダポート"),
    Text::new("secure", "セキュア"),
    Text::new("certificate", "証明書"),
    Text::new("until", "有効期限"),
    Text::new("pools", "プール"),
    Text::new("phones", "電話機数"),
];
const GATEWAYS: Text = Text::new("SRST gateways", "SRST ゲートウェイ");
const STATUS: [Text; 7] = [
    Text::new("reference", "参照先"),
    Text::new("from", "送信元"),
    Text::new("heard", "最終応答"),
    Text::new("connected", "接続中"),
    Text::new("synchronised", "同期済み"),
    Text::new("phones", "電話機数"),
    Text::new("calls", "通話数"),
];
const YES: Text = Text::new("yes", "はい");
const NO: Text = Text::new("no", "いいえ");
const NOBODY_WAITS: Text = Text::new(
    "This node does not wait for gateways: set srst_gateways in [controld].",
    "このノードはゲートウェイを待ち受けていません。[controld] の srst_gateways を設定してください。",
);
