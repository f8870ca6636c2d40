//! `cargo xtask instructions`: how many instructions SRTP takes per packet, counted by callgrind.
//!
//! A count does not know of caches and waiting, but neither of the clock and whoever else is on the
//! machine: a change of a few percent shows. Valgrind computes on a processor of its own that has
//! AVX2 and AES instructions and neither AVX-512 nor SHA, so these are the backends counted.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Parser;

use crate::setup::{self, Use};
use crate::shell;

/// Arguments of `instructions`.
#[derive(Parser)]
#[command(after_help = "\
The accepted numbers are in perf/instructions/counts.txt, with the compiler that they are of: another
compiler makes other instructions, so under another one numbers are shown and not judged.")]
pub struct Args {
    /// Make the numbers of now the accepted ones
    #[arg(long)]
    accept: bool,
}

/// What is counted: a relayed packet of 20 ms of audio.
const BACKENDS: [&str; 2] = ["portable", "avx2"];
const SUITES: [&str; 4] =
    ["AES_CM_128_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_80", "AEAD_AES_128_GCM", "AEAD_AES_256_GCM"];

/// How much more than accepted is too much.
const TOLERANCE: f64 = 0.03;

/// Counts, and accepts or judges.
pub fn run(args: &Args) -> Result<()> {
    setup::ensure(&[Use::Build, Use::Test])?;
    if args.accept {
        let counts = Counts::count()?;
        counts.show(None);
        return counts.write();
    }
    if let Some(why) = check()? {
        shell::say(&format!("not judged: {why}"));
    }
    Ok(())
}

/// Fails if there are more instructions than accepted. Where that cannot be told, says why.
pub fn check() -> Result<Option<String>> {
    if !cfg!(target_arch = "x86_64") {
        return Ok(Some("the accepted numbers are of x86-64".into()));
    }
    if !processor_has_avx2() {
        return Ok(Some("this processor has no AVX2, so valgrind has none either".into()));
    }
    let accepted = Counts::read()?;
    let counts = Counts::count()?;
    counts.show(Some(&accepted));
    if counts.rustc != accepted.rustc {
        let (ours, theirs) = (&counts.rustc, &accepted.rustc);
        return Ok(Some(format!("the accepted numbers are of {theirs}, this is {ours}")));
    }
    let grown = counts.grown_beyond(&accepted);
    if !grown.is_empty() {
        bail!(
            "more than {:.0} % above the accepted number of instructions: {}\n\
             If that is worth it: cargo xtask instructions --accept",
            100.0 * TOLERANCE,
            grown.join(", ")
        );
    }
    Ok(None)
}

/// Instructions per relayed packet, case by case, and which compiler made them.
struct Counts {
    rustc: String,
    cases: Vec<(String, u64)>,
}

impl Counts {
    fn count() -> Result<Self> {
        let mut build = shell::cargo();
        build.args(["build", "--release", "--locked", "--package", "ringfence-instructions"]);
        shell::run(&mut build)?;
        let mut cases = Vec::new();
        for backend in BACKENDS {
            for suite in SUITES {
                cases.push((format!("{backend} {suite}"), count(backend, suite)?));
            }
        }
        let rustc = shell::capture(shell::command("rustc").arg("--version"))?.trim().to_owned();
        Ok(Self { rustc, cases })
    }

    fn of(&self, name: &str) -> Option<u64> {
        self.cases.iter().find(|(case, _)| case == name).map(|(_, count)| *count)
    }

    /// The cases that take too many instructions, or that nobody has accepted.
    fn grown_beyond(&self, accepted: &Self) -> Vec<&str> {
        let grown = |(name, count): &&(String, u64)| {
            let limit = accepted.of(name).map(|before| before as f64 * (1.0 + TOLERANCE));
            limit.is_none_or(|limit| *count as f64 > limit)
        };
        self.cases.iter().filter(grown).map(|(name, _)| &**name).collect()
    }

    fn show(&self, accepted: Option<&Self>) {
        for (name, count) in &self.cases {
            let change = accepted
                .and_then(|accepted| accepted.of(name))
                .map(|before| format!("{:+.1} %", 100.0 * (*count as f64 / before as f64 - 1.0)));
            shell::say(&format!("  {name:<34} {count:>6}  {}", change.unwrap_or_default()));
        }
    }

    fn path() -> PathBuf {
        shell::root().join("perf/instructions/counts.txt")
    }

    fn read() -> Result<Self> {
        let path = Self::path();
        let text = fs::read_to_string(&path);
        text.ok().as_deref().and_then(Self::parse).with_context(|| {
            format!(
                "{} is not to be read; `cargo xtask instructions --accept` writes it",
                path.display()
            )
        })
    }

    /// A comment, the compiler's line, then a line `BACKEND SUITE COUNT` for each case.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let rustc = lines.next()?.to_owned();
        let case = |line: &str| {
            let (name, count) = line.rsplit_once(' ')?;
            Some((name.to_owned(), count.parse().ok()?))
        };
        Some(Self { rustc, cases: lines.map(case).collect::<Option<_>>()? })
    }

    fn write(&self) -> Result<()> {
        let mut text = String::from(
            "# Instructions per relayed packet; `cargo xtask instructions --accept` writes this.\n",
        );
        let _ = writeln!(text, "{}", self.rustc);
        for (name, count) in &self.cases {
            let _ = writeln!(text, "{name} {count}");
        }
        let path = Self::path();
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Runs one case under callgrind. Instructions per packet.
fn count(backend: &str, suite: &str) -> Result<u64> {
    let log = shell::target_dir().join("instructions.log");
    let mut valgrind = shell::command("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=*relay_counted*")
        .arg(format!("--log-file={}", log.display()))
        .arg(shell::target_dir().join("release/ringfence-instructions"))
        .args([backend, suite]);
    let packets: u64 = shell::capture(&mut valgrind)?.trim().parse()?;
    let log = fs::read_to_string(&log).with_context(|| format!("reading {}", log.display()))?;
    let collected = log.lines().find_map(|line| line.split_once("Collected : "));
    let collected: u64 = collected
        .and_then(|(_, count)| count.trim().parse().ok())
        .context("callgrind tells no count")?;
    Ok(collected / packets)
}

fn processor_has_avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_three_percent_more_is_too_much() {
        let accepted = Counts::parse("# words\nrustc 1\navx2 A 1000\navx2 B 1000\n").unwrap();
        let now = Counts::parse("rustc 1\navx2 A 1030\navx2 B 1031\navx2 C 1\n").unwrap();
        assert_eq!(now.grown_beyond(&accepted), ["avx2 B", "avx2 C"]);
        assert!(Counts::parse("rustc 1\navx2 A many\n").is_none());
    }
}
