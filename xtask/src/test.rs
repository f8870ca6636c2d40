//! `cargo xtask test`: what CI runs, step by step, each with its time.
//!
//! A failing step does not hide the later ones. Tests that need root, or a program as their peer, are
//! `#[ignore]`d with a reason and run in a step of their own; there is no other kind of ignored test.

use std::fmt;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Parser;

use crate::setup::{self, Use};
use crate::shell;
use crate::{instructions, requirements};

/// Arguments of `test`.
#[derive(Parser)]
#[command(after_help = "\
Tests that load XDP programs or make network namespaces need root; where neither root nor `sudo -n`
is to be had they are left out, and the end of the output says so.")]
pub struct Args {
    /// Leave out what needs root, even where root is to be had
    #[arg(long)]
    unprivileged: bool,
}

/// The variable that says what runs tests, and who runs those of root.
const RUNNER: &str = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER";
const SUDO: &str = "sudo -n -E";

/// Runs everything and sums up.
pub fn run(args: &Args) -> Result<()> {
    let mut report = Report::default();
    report.step("set-up", || setup::ensure(&[Use::Build, Use::Test]).map(|()| Outcome::Done));
    report.step("format", || {
        checked(shell::cargo().args(["fmt", "--all", "--check"]))?;
        let programs = "ebpf/programs/Cargo.toml";
        checked(shell::cargo().args(["fmt", "--manifest-path", programs, "--check"]))
    });
    report.step("requirements", || requirements::check().map(|()| Outcome::Done));

    let privileged = privileges(args);
    if privileged.is_ok() {
        report.step("set-up for eBPF and networks", || {
            setup::ensure(&[Use::Ebpf, Use::Lab]).map(|()| Outcome::Done)
        });
    }
    report.step("lints", || {
        let lints = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
        checked(shell::cargo().args(lints))
    });
    report.step("tests", || counted(&mut Runner::found().tests(Which::Ordinary)));
    report.step("examples in the documentation", || {
        counted(shell::cargo().args(["test", "--workspace", "--doc", "--locked"]))
    });
    report.step("instructions per packet", || {
        Ok(instructions::check()?.map_or(Outcome::Done, Outcome::LeftOut))
    });
    report.step("tests that need root", || match &privileged {
        Ok(Privileged::Root) => counted(&mut Runner::found().tests(Which::Privileged)),
        Ok(Privileged::Sudo) => {
            let mut tests = Runner::found().tests(Which::Privileged);
            tests.env(RUNNER, SUDO);
            counted(&mut tests)
        }
        Err(why) => Ok(Outcome::LeftOut(format!("{why:#}"))),
    });
    report.step("ports of DPDK", || match &privileged {
        Ok(Privileged::Root) => counted(&mut dpdk()),
        Ok(Privileged::Sudo) => counted(dpdk().env(RUNNER, SUDO)),
        Err(why) => Ok(Outcome::LeftOut(format!("{why:#}"))),
    });
    report.finish()
}

/// What links DPDK, which nothing else needs to be built.
fn dpdk() -> Command {
    let mut command = shell::cargo();
    command.args(["test", "--package", "ringfence-port-dpdk", "--features", "dpdk", "--locked"]);
    command.args(["--tests", "--", "--include-ignored", "--test-threads=1"]);
    command
}

/// How root's rights are to be had.
enum Privileged {
    Root,
    Sudo,
}

fn privileges(args: &Args) -> Result<Privileged> {
    if args.unprivileged {
        bail!("asked for by --unprivileged");
    }
    if shell::is_root() {
        return Ok(Privileged::Root);
    }
    shell::as_root("true")
        .map(|_| Privileged::Sudo)
        .context("they load XDP programs and make namespaces; run `sudo -E cargo xtask test`")
}

/// The program that runs tests.
#[derive(Clone, Copy)]
enum Runner {
    Nextest,
    Cargo,
}

#[derive(Clone, Copy, PartialEq)]
enum Which {
    Ordinary,
    Privileged,
}

impl Runner {
    fn found() -> Self {
        if shell::in_path("cargo-nextest") { Self::Nextest } else { Self::Cargo }
    }

    fn tests(self, which: Which) -> Command {
        let mut command = shell::cargo();
        match self {
            Self::Nextest => {
                command.args(["nextest", "run", "--no-fail-fast", "--no-tests=pass"]);
                command.args(["--workspace", "--locked"]);
                if which == Which::Privileged {
                    // One network at a time: they are few, and they measure.
                    command.args(["--run-ignored=only", "--test-threads=1"]);
                }
            }
            Self::Cargo => {
                command.args([
                    "test",
                    "--workspace",
                    // Not `--all-targets`: examples are programs, not tests; the lints build them.
                    "--lib",
                    "--bins",
                    "--tests",
                    "--locked",
                    "--no-fail-fast",
                ]);
                if which == Which::Privileged {
                    command.args(["--", "--ignored", "--test-threads=1"]);
                }
            }
        }
        command
    }
}

/// What became of a step that did not fail.
enum Outcome {
    Done,
    Counted(Counts),
    LeftOut(String),
}

/// Tests that a runner reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
}

/// The steps so far.
#[derive(Default)]
struct Report {
    rows: Vec<(&'static str, Duration, Result<Outcome>)>,
}

impl Report {
    fn step(&mut self, name: &'static str, run: impl FnOnce() -> Result<Outcome>) {
        shell::say(&format!("\n== {name}"));
        let start = Instant::now();
        let result = run();
        if let Err(error) = &result {
            shell::say(&format!("{error:#}"));
        }
        self.rows.push((name, start.elapsed(), result));
    }

    fn finish(self) -> Result<()> {
        println!();
        let mut sum = Counts::default();
        let mut left_out = 0;
        for (name, took, result) in &self.rows {
            let (word, more) = match result {
                Ok(Outcome::Done) => ("ok", String::new()),
                Ok(Outcome::Counted(counts)) => {
                    sum.passed += counts.passed;
                    sum.failed += counts.failed;
                    (if counts.failed == 0 { "ok" } else { "FAILED" }, counts.to_string())
                }
                Ok(Outcome::LeftOut(why)) => {
                    left_out += 1;
                    ("LEFT OUT", why.clone())
                }
                Err(error) => {
                    sum.failed += 1;
                    ("FAILED", format!("{error:#}"))
                }
            };
            println!("{word:>8}  {name:<30} {:>7.1} s  {more}", took.as_secs_f64());
        }
        if left_out > 0 {
            println!("{left_out} step left out: its tests have proven nothing in this run");
        }
        println!("{sum}");
        if sum.failed > 0 {
            bail!("the tests failed");
        }
        Ok(())
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

fn checked(command: &mut Command) -> Result<Outcome> {
    shell::run(command).map(|()| Outcome::Done)
}

/// Runs a test runner, shows what it prints and counts what it reports.
fn counted(command: &mut Command) -> Result<Outcome> {
    shell::say(&format!("$ {}", shell::describe(command)));
    if io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let (reader, writer) = io::pipe().context("cannot make a pipe")?;
    let mut child = command
        .stdout(writer.try_clone().context("cannot share a pipe")?)
        .stderr(writer)
        .spawn()
        .with_context(|| format!("cannot start `{}`", shell::describe(command)))?;
    // The command holds the writing end too: without this the reader would never see the end.
    *command = shell::command("true");

    let mut counts = Counts::default();
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.context("cannot read what the tests print")?;
        let mut out = io::stdout().lock();
        out.write_all(&line).and_then(|()| out.write_all(b"\n")).context("cannot print")?;
        counts.add(&String::from_utf8_lossy(&line));
    }
    let status = child.wait().context("cannot wait for the tests")?;
    if !status.success() && counts.failed == 0 {
        bail!("the test runner failed ({status}) before or beside its tests");
    }
    Ok(Outcome::Counted(counts))
}

impl Counts {
    /// Adds what a runner's line of results says, cargo's (`test result: …`) or nextest's
    /// (`Summary …`). Other lines add nothing.
    fn add(&mut self, line: &str) {
        let line = without_colours(line);
        let line = line.trim_start();
        if !line.starts_with("test result: ") && !line.starts_with("Summary ") {
            return;
        }
        let words: Vec<_> =
            line.split([' ', ',', ';', '(']).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            if let Ok(number) = pair[0].parse::<u64>() {
                match pair[1] {
                    "passed" => self.passed += number,
                    "failed" | "timed" => self.failed += number,
                    _ => {}
                }
            }
        }
    }
}

fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            chars.find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(line: &str) -> Counts {
        let mut counts = Counts::default();
        counts.add(line);
        counts
    }

    #[test]
    fn both_runners_results_are_counted() {
        let cargo =
            "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out";
        assert_eq!(counts(cargo), Counts { passed: 12, failed: 3 });
        let nextest =
            "     Summary [   0.013s] 5 tests run: 3 passed (1 slow), 2 failed, 7 skipped";
        assert_eq!(counts(nextest), Counts { passed: 3, failed: 2 });
        let coloured = "\u{1b}[32;1m     Summary\u{1b}[0m [   2s] \u{1b}[1m5\u{1b}[0m tests run: \u{1b}[1m5\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m skipped";
        assert_eq!(counts(coloured), Counts { passed: 5, failed: 0 });
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(counts("        PASS [   0.004s] a::b 5 passed"), Counts::default());
        assert_eq!(counts("12 failed"), Counts::default());
    }
}
