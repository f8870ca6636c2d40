//! `ringfence log`: what was changed, when and by whom.

use clap::Subcommand;
use console::{AuditTrail, AuditView, History, RevisionView};
use lang::Text;

use crate::daemon::Daemon;
use crate::failure::Result;
use crate::output::{self, Format};
use crate::{Outcome, Style};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    daemon: Daemon,
    /// How many, from the newest on.
    #[arg(short = 'n', long, global = true, default_value_t = 20)]
    limit: u32,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Show revisions of the database.
    Changes,
    /// Verify the whole audit log and show its end.
    Audit,
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let Args { daemon, limit, verb } = args;
    match verb {
        Verb::Changes => changes(&daemon.ask(style, &History { limit })?, style),
        Verb::Audit => audit(&daemon.ask(style, &AuditTrail { limit })?, style),
    }
}

fn changes(revisions: &[RevisionView], style: Style) -> Result {
    match style.format {
        Format::Json => output::json(&revisions)?,
        Format::Table => {
            for revision in revisions {
                let RevisionView { revision, at, who, origin, entries } = revision;
                println!("{revision}  {at}  {who} ({origin})");
                for entry in entries {
                    println!("   {} {}", entry.object, entry.subject);
                    for (field, old, new) in output::differences(&entry.old, &entry.new) {
                        println!("      {field}: {old} → {new}");
                    }
                }
            }
        }
    }
    Ok(Outcome::Done)
}

fn audit(records: &[AuditView], style: Style) -> Result {
    output::list(records, style, AUDIT, COLUMNS, |record| {
        [
            record.number.to_string(),
            record.at.clone(),
            record.who.clone(),
            record.origin.clone(),
            record.action.clone(),
            record.detail.clone(),
        ]
    })
}

const AUDIT: Text = Text::new("Audit log, verified", "監査ログ (検証済み)");
const COLUMNS: [Text; 6] = [
    Text::new("number", "番号"),
    Text::new("time", "日時"),
    Text::new("who", "実行者"),
    Text::new("from", "接続元"),
    Text::new("action", "操作"),
    Text::new("detail", "詳細"),
];
