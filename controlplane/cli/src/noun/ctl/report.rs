//! What came of a push, server by server.

use cluster::client::{PushReport, What};
use lang::{Say, Text};
use messages::Explain;
use serde::Serialize;
use store::{Action, RESET_ENDS_CALLS};

use crate::failure::Result;
use crate::output::{self, Format};
use crate::{Outcome, Style};

#[derive(Serialize)]
struct Shown<'a> {
    complete: bool,
    results: Vec<Row<'a>>,
    actions: &'a [Action],
}

#[derive(Serialize)]
struct Row<'a> {
    server: &'a str,
    what: &'static str,
    path: Option<&'a str>,
    ok: bool,
    message: Option<&'a str>,
    detail: Option<String>,
}

/// Tells it. What was done in part ends with 4.
pub fn tell(report: &PushReport, style: Style) -> Result {
    let results: Vec<_> = report
        .results
        .iter()
        .map(|result| Row {
            server: &result.server,
            what: match result.what {
                What::CtlFile => "ctl-file",
                What::CapfCertificate => "capf-certificate",
                What::Mode => "security-mode",
            },
            path: result.path.as_deref(),
            ok: result.fault.is_none(),
            message: result.fault.as_ref().map(|fault| fault.id.as_str()),
            detail: result.fault.as_ref().map(|fault| fault.explain(style.language).to_string()),
        })
        .collect();
    match style.format {
        Format::Json => output::json(&Shown {
            complete: report.is_complete(),
            results,
            actions: &report.actions,
        })?,
        Format::Table => {
            output::table(
                SERVERS.get(style.language),
                COLUMNS.map(|column| column.get(style.language)),
                results.iter().map(|row| {
                    [
                        row.server.to_owned(),
                        row.what.to_owned(),
                        row.path.unwrap_or_default().to_owned(),
                        row.detail.clone().unwrap_or_else(|| OK.say(style.language)),
                    ]
                }),
            )?;
            let said = report.explain(style.language);
            match report.is_complete() {
                true => println!("{said}"),
                false => println!("{said:#}"),
            }
            follow_up(report, style);
        }
    }
    Ok(if report.is_complete() { Outcome::Done } else { Outcome::Partial })
}

fn follow_up(report: &PushReport, style: Style) {
    let Some(message) = report.follow_up() else { return };
    println!("\n{}", message.explain(style.language));
    if report.actions.iter().any(Action::resets_phones) {
        println!("{}", RESET_ENDS_CALLS.say(style.language));
    }
    for action in &report.actions {
        println!("  - {}", action.say(style.language));
    }
}

const SERVERS: Text = Text::new("Servers", "サーバ");
const COLUMNS: [Text; 4] = [
    Text::new("server", "サーバ"),
    Text::new("what", "対象"),
    Text::new("path", "パス"),
    Text::new("status", "状態"),
];
const OK: Text = Text::new("ok", "成功");
