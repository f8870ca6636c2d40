//! What a run proved, step by step, for people and for programs.

use std::fmt;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;

/// The report of a scenario, printed while it grows.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The scenario's name.
    pub scenario: String,
    /// Whether all steps were.
    pub ok: bool,
    /// In order.
    pub steps: Vec<Step>,
    #[serde(skip)]
    style: Style,
}

/// One thing that was to be shown.
#[derive(Debug, Serialize)]
pub struct Step {
    /// What was to be shown.
    pub name: String,
    /// Whether it was.
    pub ok: bool,
    /// What was seen, or why it failed.
    pub detail: String,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// How steps are printed while they happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A table for people, on standard output.
    Table,
    /// One plain line a step, on standard output.
    Lines,
    /// Plain lines on standard error: standard output is for JSON.
    Aside,
}

/// A step failed; the report has it. What depends on the step cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed;

impl Style {
    /// A table on a terminal, plain lines in a pipe, aside for JSON.
    pub fn choose(json: bool) -> Self {
        match json {
            true => Self::Aside,
            false if io::stdout().is_terminal() => Self::Table,
            false => Self::Lines,
        }
    }
}

impl Report {
    /// An empty report.
    pub fn new(scenario: &str, style: Style) -> Self {
        Self { scenario: scenario.to_owned(), ok: true, steps: Vec::new(), style }
    }

    /// Takes a step: `show` returns what later steps need, and what was seen.
    pub fn step<T, D: fmt::Display>(
        &mut self,
        name: &str,
        show: impl FnOnce() -> Result<(T, D)>,
    ) -> Result<T, Failed> {
        let start = Instant::now();
        let (result, detail) = match show() {
            Ok((value, detail)) => (Ok(value), detail.to_string()),
            Err(error) => (Err(Failed), format!("{error:#}")),
        };
        let ms = start.elapsed().as_millis() as u64;
        let step = Step { name: name.to_owned(), ok: result.is_ok(), detail, ms };
        self.print(&step);
        self.ok &= step.ok;
        self.steps.push(step);
        result
    }

    /// Writes `report.json` into `dir`.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let path = dir.join("report.json");
        fs::write(&path, self.json()?).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The report for programs.
    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// The last line for people.
    pub fn summary(&self) -> String {
        let failed = self.steps.iter().filter(|step| !step.ok).count();
        let ms: u64 = self.steps.iter().map(|step| step.ms).sum();
        let word = if self.ok { "ok" } else { "FAILED" };
        format!(
            "{word}: scenario {}, {} steps, {failed} failed, {:.1} s",
            self.scenario,
            self.steps.len(),
            ms as f64 / 1000.0
        )
    }

    fn print(&self, step: &Step) {
        let Step { name, detail, ms, .. } = step;
        let word = if step.ok { "ok" } else { "FAILED" };
        match self.style {
            Style::Table => {
                let colour = if step.ok { "\u{1b}[32m" } else { "\u{1b}[31;1m" };
                println!("{colour}{word:>6}\u{1b}[0m  {name:<44} {ms:>6} ms  {detail}");
            }
            Style::Lines => println!("{word}: {name}: {detail} ({ms} ms)"),
            Style::Aside => eprintln!("{word}: {name}: {detail} ({ms} ms)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn one_failed_step_fails_the_report() {
        let mut report = Report::new("test", Style::Aside);
        assert_eq!(report.step("first", || Ok((7, "seen"))), Ok(7));
        assert!(report.ok);
        let refused = report.step("second", || Err::<((), &str), _>(anyhow!("it is so")));
        assert_eq!(refused, Err(Failed));
        assert_eq!(report.step("third", || Ok(((), "seen"))), Ok(()));
        assert!(!report.ok);

        let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
        assert_eq!(json["scenario"], "test");
        assert_eq!(json["ok"], false);
        assert_eq!(json["steps"][1]["name"], "second");
        assert_eq!(json["steps"][1]["ok"], false);
        assert_eq!(json["steps"][1]["detail"], "it is so");
        assert!(json["steps"][1]["ms"].is_u64());
        assert_eq!(json.as_object().unwrap().len(), 3);
    }
}
