//! `cargo xtask perf`: builds the benchmark suites for this machine and runs one.

use anyhow::Result;
use clap::Parser;

use crate::setup::{self, Use};
use crate::shell;

/// Arguments of `perf`.
#[derive(Parser)]
#[command(after_help = "\
Figures of a run compare only with figures of the same run: ours and the peers are measured in turn,
and `ratio` (bigger is better) is the median of the rounds' ratios. The report with raw samples is
target/perf/SUITE.json. Suites that make networks need root. `capf` enrols a thousand phones; ten
thousand with `cargo xtask perf capf -- --phones 10000`. `signalling` registers ten thousand and keeps
them for two minutes; `-- --phones 1000` is faster.")]
pub struct Args {
    /// Which suite [default: list them]
    suite: Option<String>,
    /// Print the report as JSON on standard output
    #[arg(long)]
    json: bool,
    /// Passed on to the suite
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Suites that measure a daemon as it is, and which.
const DAEMONS: &[(&str, &[&str])] = &[
    ("admin", &["ringfence-controld"]),
    ("capf", &["ringfence-controld"]),
    ("signalling", &["ringfence-controld", "ringfence-legacytls", "ringfence-datad"]),
];

/// Builds and measures.
pub fn run(args: &Args) -> Result<()> {
    if args.suite.is_some() {
        setup::ensure(&[Use::Build, Use::Perf, Use::Ebpf])?;
    }
    let mut build = shell::cargo();
    build.args(["build", "--release", "--locked", "--package", "ringfence-suites"]);
    let measured = DAEMONS.iter().filter(|(suite, _)| args.suite.as_deref() == Some(suite));
    for program in measured.flat_map(|(_, programs)| *programs) {
        build.args(["--package", program]);
    }
    shell::run(&mut build)?;

    let program = shell::target_dir().join("release/ringfence-suites");
    let mut suites = shell::as_root(&program).unwrap_or_else(|| shell::command(&program));
    suites.arg("--target-dir").arg(shell::target_dir());
    suites.args(&args.suite);
    if args.json {
        suites.arg("--json");
    }
    shell::run_for_output(suites.args(&args.rest))
}
