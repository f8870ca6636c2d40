//! `ringfence audit`: what an auditor would find.

use std::io::Write;
use std::path::PathBuf;

use console::{AuditCheck, AuditReport, AuditReportView, Severity};
use durable::Readers;
use lang::{Language, Say, Text};
use maud::{DOCTYPE, html};

use crate::daemon::Daemon;
use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::{Outcome, Style};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    daemon: Daemon,
    /// Write the report as a page to this file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let report = args.daemon.ask(style, &AuditReport {})?;
    if let Some(file) = &args.html {
        durable::replace(file, page(&report, style.language).as_bytes(), Readers::Owner)?;
    }
    match style.format {
        Format::Json => output::json(&report)?,
        Format::Table => table(&report, style)?,
    }
    Ok(Outcome::Done)
}

fn table(report: &AuditReportView, style: Style) -> std::result::Result<(), Failure> {
    let language = style.language;
    output::table(
        TITLE.get(language),
        COLUMNS.map(|column| column.get(language)),
        report.checks.iter().map(|check| {
            let found = if check.count > 0 { check.count.to_string() } else { String::new() };
            [word(check.severity).say(language), check.title.clone(), found, check.id.clone()]
        }),
    )?;
    let mut out = std::io::stdout().lock();
    for check in report.checks.iter().filter(|check| !check.advice.is_empty()) {
        writeln!(out, "\n{} ({})\n  {}", check.title, check.id, check.advice)?;
        for subject in named(check) {
            writeln!(out, "  - {subject}")?;
        }
    }
    Ok(())
}

fn named(check: &AuditCheck) -> impl Iterator<Item = &String> {
    check.subjects.iter().filter(|subject| !subject.is_empty())
}

/// A page of its own: nothing of it is fetched from anywhere.
fn page(report: &AuditReportView, language: Language) -> String {
    let cluster = report.cluster.as_deref().unwrap_or_default();
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                title { (TITLE.get(language)) " · " (cluster) }
                style { "body{font:1rem/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto}" }
            }
            body {
                h1 { (TITLE.get(language)) }
                p { (cluster) " · " (report.node) " · " (report.at) }
                @for check in &report.checks {
                    h2 { (word(check.severity).get(language)) ": " (check.title) }
                    p { (check.advice) }
                    ul { @for subject in named(check) { li { (subject) } } }
                }
            }
        }
    }
    .into_string()
}

fn word(severity: Severity) -> Text {
    match severity {
        Severity::High => Text::new("high", "高"),
        Severity::Medium => Text::new("medium", "中"),
        Severity::Low => Text::new("low", "低"),
        Severity::Ok => Text::new("nothing found", "問題なし"),
        Severity::Unknown => Text::new("cannot be told here", "このノードでは不明"),
    }
}

const TITLE: Text = Text::new("Security audit", "セキュリティ監査");
const COLUMNS: [Text; 4] = [
    Text::new("severity", "重大度"),
    Text::new("check", "確認項目"),
    Text::new("found", "該当数"),
    Text::new("name", "名前"),
];
