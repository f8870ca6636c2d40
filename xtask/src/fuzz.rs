//! `cargo xtask fuzz`: libFuzzer over the targets of both planes, on a stable toolchain.
//!
//! rustc instruments for coverage through an LLVM pass that needs no nightly. Address sanitizing
//! does; it would find little in crates that forbid `unsafe`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Parser;

use crate::setup::{self, Use};
use crate::shell;

/// Arguments of `fuzz`.
#[derive(Parser)]
#[command(after_help = "\
What libFuzzer finds interesting is collected in target/fuzz/corpus/TARGET; the small corpus under
PLANE/fuzz/corpus/TARGET is what `cargo xtask test` runs. A crashing input is written to
target/fuzz/artifacts/TARGET; keep it in the corpus as a case of its own once it is understood.")]
pub struct Args {
    /// Which target [default: each in turn]
    target: Option<String>,
    /// How long each runs
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Only list the targets
    #[arg(long)]
    list: bool,
}

/// The crates with targets: package and program, and where they are.
const CRATES: [(&str, &str); 2] =
    [("ringfence-fuzz", "dataplane/fuzz"), ("ringfence-fuzz-control", "controlplane/fuzz")];

const TRIPLE: &str = "x86_64-unknown-linux-gnu";

const COVERAGE: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cdebug-assertions",
    "-Coverflow-checks",
    "--cfg=fuzzing",
];

/// Builds the targets and runs them.
pub fn run(args: &Args) -> Result<()> {
    setup::ensure(&[Use::Fuzz])?;
    let home = shell::target_dir().join("fuzz");
    let mut build = shell::cargo();
    build.args(["build", "--release", "--locked"]);
    for (package, _) in CRATES {
        build.args(["--package", package, "--bin", package]);
        build.args(["--features", &format!("{package}/libfuzzer")]);
    }
    build
        .args(["--target", TRIPLE])
        .arg("--target-dir")
        .arg(&home)
        .env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\u{1f}"))
        // Link-time optimisation would run before the instrumentation.
        .env("CARGO_PROFILE_RELEASE_LTO", "off");
    shell::run(&mut build)?;

    let targets = targets(&home)?;
    if args.list {
        targets.iter().for_each(|target| println!("{}", target.name));
        return Ok(());
    }
    let chosen = |target: &&Target| args.target.as_ref().is_none_or(|name| *name == target.name);
    let mut ran = false;
    for target in targets.iter().filter(chosen) {
        target
            .run(&home, args.seconds)
            .with_context(|| format!("fuzz target `{}`", target.name))?;
        ran = true;
    }
    if !ran {
        let names: Vec<_> = targets.iter().map(|target| target.name.as_str()).collect();
        bail!("no such fuzz target; there are: {}", names.join(", "));
    }
    Ok(())
}

/// A target, and the program that has it.
struct Target {
    name: String,
    program: PathBuf,
    /// What is committed of its corpus.
    corpus: PathBuf,
}

/// Asks the programs what they have.
fn targets(home: &Path) -> Result<Vec<Target>> {
    let mut targets = Vec::new();
    for (package, directory) in CRATES {
        let program = home.join(TRIPLE).join("release").join(package);
        let names = shell::capture(shell::command(&program).env("RINGFENCE_FUZZ", "list"))?;
        targets.extend(names.split_whitespace().map(|name| Target {
            name: name.to_owned(),
            program: program.clone(),
            corpus: shell::root().join(directory).join("corpus").join(name),
        }));
    }
    Ok(targets)
}

impl Target {
    fn run(&self, home: &Path, seconds: u32) -> Result<()> {
        let collected = home.join("corpus").join(&self.name);
        let artifacts = home.join("artifacts").join(&self.name);
        for dir in [&collected, &artifacts] {
            fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        }
        let mut fuzz = shell::command(&self.program);
        fuzz.env("RINGFENCE_FUZZ", &self.name)
            .arg(collected)
            .arg(&self.corpus)
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .arg(format!("-max_total_time={seconds}"))
            .args(["-print_final_stats=1", "-timeout=10", "-rss_limit_mb=2048", "-verbosity=1"]);
        shell::run(&mut fuzz)
    }
}
