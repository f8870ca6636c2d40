//! `cargo xtask fuzz`: libFuzzer over the targets of `dataplane/fuzz`, on a stable toolchain.
//!
//! rustc instruments for coverage through an LLVM pass that needs no nightly. Address sanitizing
//! does; it would find little in crates that forbid `unsafe`.

use std::fs;

use anyhow::{Context, Result, bail};
use clap::Parser;

use crate::setup::{self, Use};
use crate::shell;

/// Arguments of `fuzz`.
#[derive(Parser)]
#[command(after_help = "\
What libFuzzer finds interesting is collected in target/fuzz/corpus/TARGET; the small corpus under
dataplane/fuzz/corpus/TARGET is what `cargo xtask test` runs. A crashing input is written to
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
    build
        .args(["build", "--release", "--locked", "--package", "ringfence-fuzz"])
        .args(["--features", "libfuzzer", "--bin", "ringfence-fuzz", "--target", TRIPLE])
        .arg("--target-dir")
        .arg(&home)
        .env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\u{1f}"))
        // Link-time optimisation would run before the instrumentation.
        .env("CARGO_PROFILE_RELEASE_LTO", "off");
    shell::run(&mut build)?;

    let program = home.join(TRIPLE).join("release/ringfence-fuzz");
    let names = shell::capture(shell::command(&program).env("RINGFENCE_FUZZ", "list"))?;
    let names: Vec<_> = names.split_whitespace().collect();
    if args.list {
        names.iter().for_each(|name| println!("{name}"));
        return Ok(());
    }
    let chosen = match args.target.as_deref() {
        None => names,
        Some(target) if names.contains(&target) => vec![target],
        Some(target) => bail!("no fuzz target `{target}`; there are: {}", names.join(", ")),
    };
    for name in chosen {
        let collected = home.join("corpus").join(name);
        let artifacts = home.join("artifacts").join(name);
        for dir in [&collected, &artifacts] {
            fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        }
        let mut fuzz = shell::command(&program);
        fuzz.env("RINGFENCE_FUZZ", name)
            .arg(collected)
            .arg(shell::root().join("dataplane/fuzz/corpus").join(name))
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .arg(format!("-max_total_time={}", args.seconds))
            .args(["-print_final_stats=1", "-timeout=10", "-rss_limit_mb=2048", "-verbosity=1"]);
        shell::run(&mut fuzz).with_context(|| format!("fuzz target `{name}`"))?;
    }
    Ok(())
}
