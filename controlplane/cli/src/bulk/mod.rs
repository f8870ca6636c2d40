//! One order for each row of a CSV file, and a journal beside the file, so that a run that was
//! interrupted goes on where it stopped.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use console::sheet::Row;
use console::{AskError, Request};
use durable::Readers;
use lang::{Say, Text};
use pki::Hash;
use pki::certificate::hex;
use serde::{Deserialize, Serialize};

use crate::daemon::Daemon;
use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::{Outcome, Style};

/// Longest file: 10,000 phones have less than 2 MB.
const MAX_BYTES: u64 = 64 << 20;
/// Rows between two writings of the journal.
const STRIDE: usize = 50;

/// Rows of a file that are done.
#[derive(Serialize, Deserialize)]
struct Journal {
    /// Of the file: another content is another task.
    sha256: String,
    lines: BTreeSet<u64>,
    #[serde(skip)]
    path: PathBuf,
}

#[derive(Serialize)]
struct Report {
    rows: usize,
    done: usize,
    /// By an earlier run.
    done_before: usize,
    failed: Vec<FailedRow>,
}

#[derive(Serialize)]
struct FailedRow {
    line: u64,
    device: String,
    text: String,
}

/// Reads the rows of a file, and asks for each of them what `request` makes of it. `fault` tells
/// why an answer is none.
pub fn run<T, R: Request>(
    daemon: &Daemon,
    file: &Path,
    read: impl FnOnce(&[u8]) -> std::result::Result<Vec<Row<T>>, String>,
    request: impl Fn(T) -> R,
    fault: impl Fn(R::Answer) -> Option<String>,
    dry_run: bool,
    style: Style,
) -> Result {
    let content = content(file)?;
    let rows =
        read(&content).map_err(|detail| Failure::usage(format!("{}: {detail}", file.display())))?;
    let mut journal = Journal::open(file, &content);
    let before = journal.lines.len();
    let open: Vec<_> = rows.into_iter().filter(|row| !journal.lines.contains(&row.line)).collect();
    let rows = before + open.len();
    let mut failed = Vec::new();
    let mut done = 0;
    for (number, Row { line, device, order }) in open.into_iter().enumerate() {
        let asked = order.map(|order| daemon.ask_plainly(style, &request(order)));
        match asked {
            Ok(Ok(answer)) => match fault(answer) {
                None => {
                    done += 1;
                    journal.lines.insert(line);
                }
                Some(text) => failed.push(FailedRow { line, device, text }),
            },
            Ok(Err(AskError::Failed(failure))) => {
                failed.push(FailedRow { line, device, text: failure.text });
            }
            // Without the daemon every other row fails too: the next run goes on here.
            Ok(Err(gone)) => {
                journal.write(dry_run)?;
                return Err(gone.into());
            }
            Err(text) => failed.push(FailedRow { line, device, text }),
        }
        if number % STRIDE == STRIDE - 1 {
            journal.write(dry_run)?;
        }
        progress(before + number + 1, rows, style);
    }
    match failed.is_empty() {
        true => drop(durable::remove(&journal.path)?),
        false => journal.write(dry_run)?,
    }
    let outcome = if failed.is_empty() { Outcome::Done } else { Outcome::Partial };
    tell(&Report { rows, done, done_before: before, failed }, dry_run, style)?;
    Ok(outcome)
}

fn content(file: &Path) -> std::result::Result<Vec<u8>, Failure> {
    let told =
        |error: &dyn std::fmt::Display| Failure::failed(format!("{}: {error}", file.display()));
    let content = durable::read(file, MAX_BYTES).map_err(|error| told(&error))?;
    content.ok_or_else(|| told(&std::io::Error::from(std::io::ErrorKind::NotFound)))
}

impl Journal {
    fn open(file: &Path, content: &[u8]) -> Self {
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(".progress");
        let path = file.with_file_name(name);
        let sha256 = hex(&Hash::Sha256.of(content));
        let known = durable::read(&path, MAX_BYTES).ok().flatten();
        let known = known.and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        match known.filter(|known| known.sha256 == sha256) {
            Some(known) => Self { path, ..known },
            None => Self { sha256, lines: BTreeSet::new(), path },
        }
    }

    fn write(&self, dry_run: bool) -> std::io::Result<()> {
        if dry_run {
            return Ok(());
        }
        durable::replace(&self.path, &serde_json::to_vec(self)?, Readers::Owner)
    }
}

fn progress(done: usize, rows: usize, style: Style) {
    let mut screen = std::io::stderr().lock();
    if screen.is_terminal() && style.format == Format::Table {
        // Nothing depends on whether it is seen.
        let _ = write!(screen, "\r{done}/{rows}");
        let _ = if done == rows { writeln!(screen) } else { screen.flush() };
    }
}

fn tell(report: &Report, dry_run: bool, style: Style) -> std::io::Result<()> {
    if style.format == Format::Json {
        return output::json(report);
    }
    let summary = match (dry_run, report.failed.is_empty()) {
        (true, _) => WOULD,
        (false, true) => ALL_DONE,
        (false, false) => SUMMARY,
    };
    let values: [(&str, &dyn std::fmt::Display); 4] = [
        ("done", &report.done),
        ("rows", &report.rows),
        ("before", &report.done_before),
        ("failed", &report.failed.len()),
    ];
    println!("{}", summary.fill(style.language, &values));
    output::table(
        &FAILED.say(style.language),
        COLUMNS.map(|column| column.get(style.language)),
        report.failed.iter().map(|row| {
            let text = row.text.lines().next().unwrap_or_default();
            [row.line.to_string(), row.device.clone(), text.to_owned()]
        }),
    )
}

const ALL_DONE: Text = Text::new(
    "{rows} rows: {done} done, {before} done before.",
    "{rows} 行: 完了 {done} 件、前回完了 {before} 件。",
);
const SUMMARY: Text = Text::new(
    "{rows} rows: {done} done, {before} done before, {failed} failed. Correct those and run it again.",
    "{rows} 行: 完了 {done} 件、前回完了 {before} 件、失敗 {failed} 件。失敗した行を修正して再実行してください。",
);
const WOULD: Text = Text::new(
    "{rows} rows: {done} could be done, {before} were done before, {failed} would fail.",
    "{rows} 行: 実行可能 {done} 件、前回完了 {before} 件、失敗の見込み {failed} 件。",
);
const FAILED: Text = Text::new("Failed", "失敗");
const COLUMNS: [Text; 3] =
    [Text::new("line", "行"), Text::new("device", "デバイス"), Text::new("because", "理由")];
