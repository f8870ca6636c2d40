//! `ringfence doctor`: what of this machine keeps media slow.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use doctor::{Finding, Machine, Scope, Snapshot, State, ThisMachine, examine};
use lang::{Language, Say, Text};
use serde::Serialize;

use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::{Outcome, Style};

#[derive(clap::Args)]
pub struct Args {
    /// Do what can be done at run time: huge pages, interrupts, queues, governors. Needs root, and is
    /// gone with the next start.
    #[arg(long)]
    apply: bool,
    /// Interfaces to look at [default: those of [[datad.media]], or else every network card].
    #[arg(long = "interface", value_name = "NAME")]
    interfaces: Vec<String>,
    /// Configuration of ringfence-datad, which names interfaces and the worker's core.
    #[arg(long, value_name = "FILE", default_value = "/etc/ringfence/ringfence.toml")]
    config: PathBuf,
}

/// Does it. What was tried and did not work makes it a success in part.
pub fn run(args: Args, style: Style) -> Result {
    let mut scope = scope(&args.config)?;
    if !args.interfaces.is_empty() {
        scope.interfaces.clone_from(&args.interfaces);
    }
    let mut machine = ThisMachine::new();
    let snapshot = Snapshot::take(&machine, &scope);
    let missing =
        scope.interfaces.iter().find(|name| !snapshot.cards.iter().any(|card| card.name == **name));
    if let Some(name) = missing {
        let text = NO_INTERFACE.fill(style.language, &[("name", name)]);
        return Err(Failure::usage(text));
    }
    let before = examine(&snapshot);
    let (findings, tried) = match args.apply {
        true => {
            let tried = before.iter().flat_map(|finding| apply(finding, &mut machine)).collect();
            (examine(&Snapshot::take(&machine, &scope)), tried)
        }
        false => (before, Vec::new()),
    };
    let report = Report::new(&snapshot, &findings, tried, style.language);
    match style.format {
        Format::Json => output::json(&report)?,
        Format::Table => show(&report, style.language)?,
    }
    let failed = report.tried.iter().any(|one| one.error.is_some());
    Ok(if failed { Outcome::Partial } else { Outcome::Done })
}

/// Without a configuration nothing is known of the relay, which is no error.
fn scope(config: &Path) -> std::result::Result<Scope, Failure> {
    match fs::read_to_string(config) {
        Ok(text) => Scope::of_configuration(&text)
            .map_err(|error| Failure::failed(format!("{}: {error}", config.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Scope::default()),
        Err(error) => Err(Failure::failed(format!("{}: {error}", config.display()))),
    }
}

fn apply(finding: &Finding, machine: &mut dyn Machine) -> Vec<Tried> {
    let one = |remedy: &doctor::Remedy| Tried {
        check: finding.check,
        subject: finding.subject.clone(),
        command: remedy.to_string(),
        error: remedy.apply(machine).err().map(|error| error.to_string()),
    };
    finding.remedies.iter().map(one).collect()
}

/// What machines read. Its field names are an interface: add, do not rename.
#[derive(Serialize)]
struct Report {
    kernel: String,
    findings: Vec<FindingView>,
    /// What `--apply` did.
    tried: Vec<Tried>,
}

#[derive(Serialize)]
struct FindingView {
    check: &'static str,
    subject: Option<String>,
    state: &'static str,
    text: String,
    reason: String,
    cure: Option<String>,
    /// What `--apply` would do, as one would type it.
    remedies: Vec<String>,
    boot_argument: Option<String>,
}

#[derive(Serialize)]
struct Tried {
    check: &'static str,
    subject: Option<String>,
    command: String,
    error: Option<String>,
}

impl Report {
    fn new(
        machine: &Snapshot,
        findings: &[Finding],
        tried: Vec<Tried>,
        language: Language,
    ) -> Self {
        let view = |finding: &Finding| FindingView {
            check: finding.check,
            subject: finding.subject.clone(),
            state: finding.state.name(),
            text: finding.text.say(language),
            reason: finding.reason.say(language),
            cure: finding.cure.as_ref().map(|cure| cure.say(language)),
            remedies: finding.remedies.iter().map(ToString::to_string).collect(),
            boot_argument: finding.boot_argument.clone(),
        };
        let findings = findings.iter().map(view).collect();
        Self { kernel: machine.kernel.clone(), findings, tried }
    }
}

fn show(report: &Report, language: Language) -> io::Result<()> {
    let mark = |state: &str| match state {
        "weak" => "!",
        "notice" => "-",
        _ => "",
    };
    output::table(
        &HEADING.fill(language, &[("kernel", &report.kernel)]),
        COLUMNS.map(|column| column.get(language)),
        report.findings.iter().map(|finding| {
            let subject = finding.subject.clone().unwrap_or_default();
            [
                mark(finding.state).to_owned(),
                finding.check.to_owned(),
                subject,
                finding.text.clone(),
            ]
        }),
    )?;
    for one in &report.tried {
        let (text, error) = match &one.error {
            None => (DONE, ""),
            Some(error) => (FAILED, error.as_str()),
        };
        println!("{}", text.fill(language, &[("command", &one.command), ("error", &error)]));
    }
    let good = State::Good.name();
    for finding in report.findings.iter().filter(|finding| finding.state != good) {
        let subject = finding.subject.as_deref().map_or(String::new(), |name| format!("{name}: "));
        println!("\n{subject}{} ({})\n  {}", finding.text, finding.check, finding.reason);
        if let Some(cure) = &finding.cure {
            println!("  → {cure}");
        }
    }
    let curable = report.findings.iter().any(|finding| !finding.remedies.is_empty());
    if curable && report.tried.is_empty() {
        println!("\n{}", APPLY.get(language));
    }
    Ok(())
}

const NO_INTERFACE: Text = Text::new(
    "there is no interface `{name}` here; `ip link` lists those there are",
    "インターフェイス `{name}` はありません。`ip link` で確認してください",
);
const HEADING: Text = Text::new("This machine, Linux {kernel}", "この装置 (Linux {kernel})");
const COLUMNS: [Text; 4] = [
    Text::new("", ""),
    Text::new("check", "項目"),
    Text::new("card", "カード"),
    Text::new("what", "内容"),
];
const DONE: Text = Text::new("done: {command}", "実行しました: {command}");
const FAILED: Text = Text::new("failed: {command}: {error}", "失敗しました: {command}: {error}");
const APPLY: Text = Text::new(
    "`ringfence doctor --apply`, as root, does what of this can be done now.",
    "root で `ringfence doctor --apply` を実行すると、このうち今できることを行います。",
);
