//! `cargo xtask lab`: builds the product and runs a scenario in the veth laboratory.

use anyhow::{Context, Result};
use clap::Parser;

use crate::setup::{self, Use};
use crate::shell;

/// Arguments of `lab`.
#[derive(Parser)]
#[command(after_help = "\
The laboratory is made of network namespaces named rf-lab-*, joined by veth pairs, and needs root.
Everything it makes is removed at the end, also after a failure or Ctrl-C; with --keep it stays for
a look (`ip netns exec rf-lab-gw …`) until the next run removes it.
Logs of every program are in target/lab/, the report in target/lab/report.json.")]
pub struct Args {
    /// Which scenario; `--list` names them [default: secure-call]
    scenario: Option<String>,
    /// Leave the namespaces standing at the end
    #[arg(long)]
    keep: bool,
    /// Print the report as JSON on standard output
    #[arg(long)]
    json: bool,
    /// Only list the scenarios
    #[arg(long)]
    list: bool,
}

/// The programs the scenarios run, each its package's only binary, and a plugin.
const PROGRAMS: &[&str] = &[
    "ringfence-datad",
    "ringfence-charon-plugin",
    "ringfence-controld",
    "ringfence-legacytls",
    "ringfence-cli",
    "ringfence-phone",
    "ringfence-lab",
];

/// Builds, then runs the scenario.
pub fn run(args: &Args) -> Result<()> {
    if !args.list {
        setup::ensure(&[Use::Build, Use::Lab, Use::Ebpf])?;
    }
    let mut build = shell::cargo();
    build.args(["build", "--release", "--locked"]);
    let programs = if args.list { &["ringfence-lab"] } else { PROGRAMS };
    for program in programs {
        build.args(["--package", program]);
    }
    shell::run(&mut build)?;

    let program = shell::target_dir().join("release/ringfence-lab");
    let mut lab = if args.list { Some(shell::command(&program)) } else { shell::as_root(&program) }
        .context(
            "the laboratory makes network namespaces, which only root may. Run:\n  \
             sudo -E cargo xtask lab",
        )?;
    lab.arg("--target-dir").arg(shell::target_dir());
    lab.args(&args.scenario);
    for (given, option) in [(args.keep, "--keep"), (args.json, "--json"), (args.list, "--list")] {
        if given {
            lab.arg(option);
        }
    }
    shell::run_for_output(&mut lab)
}
