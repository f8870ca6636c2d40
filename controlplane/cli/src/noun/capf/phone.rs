//! `ringfence device capf`: what CAPF shall do with one phone.

use std::path::PathBuf;

use clap::Subcommand;
use console::{CapfChanges, CapfDetail, CapfDone, RevokeLsc, SetCapf, ShowCapf};
use lang::{Say, Text};
use store::{CapfAuthMode, DeviceName};

use crate::daemon::{self, Daemon};
use crate::failure::Result;
use crate::output::{self, Format};
use crate::secret::PasswordSource;
use crate::{Outcome, Style};

#[derive(Subcommand)]
pub enum Verb {
    /// Order an operation. What is not given stays; the phone does it after its next reset, or when
    /// its user types the authentication string in.
    Set {
        name: DeviceName,
        #[command(flatten)]
        changes: CapfChanges,
        /// File whose first line is the authentication string.
        #[arg(long, value_name = "FILE", conflicts_with = "generate_string")]
        string_file: Option<PathBuf>,
        /// Only tell what would come of it.
        #[arg(long)]
        dry_run: bool,
    },
    /// Show what is ordered, what came of it, and the phone's certificates.
    Show { name: DeviceName },
    /// Make an authentication string and print it.
    GenerateString { name: DeviceName },
    /// Declare the LSC that a phone has worthless, a stolen phone's say: it is cut off, and does
    /// not register with it any more.
    Revoke { name: DeviceName },
}

/// Does it.
pub fn run(daemon: &Daemon, verb: Verb, style: Style) -> Result {
    match verb {
        Verb::Set { name, mut changes, string_file, dry_run } => {
            if let Some(file) = string_file {
                changes.auth_string = Some(PasswordSource::file(file).known("")?);
            }
            let prints = changes.generate_string;
            let done = daemon.ask(style, &SetCapf { name, changes, dry_run })?;
            tell(&done, prints, style)
        }
        Verb::Show { name } => show(&daemon.ask(style, &ShowCapf { name })?, style),
        Verb::GenerateString { name } => {
            let changes = CapfChanges {
                auth_mode: Some(CapfAuthMode::AuthenticationString),
                generate_string: true,
                ..CapfChanges::default()
            };
            let done = daemon.ask(style, &SetCapf { name, changes, dry_run: false })?;
            tell(&done, true, style)
        }
        Verb::Revoke { name } => daemon.change(style, &RevokeLsc { name }),
    }
}

fn tell(done: &CapfDone, prints: bool, style: Style) -> Result {
    if style.format == Format::Json {
        output::json(done)?;
        return Ok(Outcome::Done);
    }
    daemon::tell(&done.done, style);
    if let Some(string) = done.capf.auth_string.as_ref().filter(|_| prints) {
        println!("{}", STRING.fill(style.language, &[("string", &string.expose())]));
    }
    if let Some(by) = &done.capf.complete_by {
        println!("{}", COMPLETES_BY.fill(style.language, &[("by", by)]));
    }
    Ok(Outcome::Done)
}

fn show(detail: &CapfDetail, style: Style) -> Result {
    match style.format {
        Format::Json => output::json(detail)?,
        Format::Table => {
            output::fields(&detail.capf)?;
            if let Some(more) = &detail.detail {
                println!("{more}");
            }
            println!();
            output::table(
                CERTIFICATES.get(style.language),
                COLUMNS.map(|column| column.get(style.language)),
                detail.certificates.iter().map(|certificate| {
                    [
                        certificate.kind.to_string(),
                        match (&certificate.revoked, certificate.present) {
                            (Some(_), _) => REVOKED,
                            (None, true) => PRESENT,
                            (None, false) => GONE,
                        }
                        .say(style.language),
                        certificate.serial.clone(),
                        certificate.issuer.clone(),
                        certificate.not_after.clone(),
                    ]
                }),
            )?;
            for problem in &detail.problems {
                println!("! {problem}");
            }
        }
    }
    Ok(Outcome::Done)
}

const STRING: Text = Text::new("Authentication String: {string}", "認証文字列: {string}");
const COMPLETES_BY: Text = Text::new("Operation Completes By: {by}", "操作の完了期限: {by}");
const CERTIFICATES: Text = Text::new("Certificates", "証明書");
const PRESENT: Text = Text::new("on the phone", "電話機にあり");
const REVOKED: Text = Text::new("revoked", "失効");
const GONE: Text = Text::new("replaced or deleted", "置換または削除済み");
const COLUMNS: [Text; 5] = [
    Text::new("kind", "種類"),
    Text::new("state", "状態"),
    Text::new("serial", "シリアル番号"),
    Text::new("issuer", "発行者"),
    Text::new("valid until", "有効期限"),
];
