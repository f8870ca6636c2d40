//! Plays a scenario in the laboratory; `cargo xtask lab` builds and calls it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use ringfence_lab::net::Lab;
use ringfence_lab::report::{Report, Style};
use ringfence_lab::scenario::{SCENARIOS, Scenario, Stage};

/// Plays a scenario in network namespaces of its own, and removes them.
#[derive(Parser)]
struct Args {
    /// Which one
    #[arg(default_value = SCENARIOS[0].name)]
    scenario: String,
    /// Leave the namespaces standing at the end
    #[arg(long)]
    keep: bool,
    /// Print the report as JSON on standard output
    #[arg(long)]
    json: bool,
    /// Only list the scenarios
    #[arg(long)]
    list: bool,
    /// Where target/ is
    #[arg(long, default_value = "target")]
    target_dir: PathBuf,
    /// What the names of the namespaces begin with
    #[arg(long, default_value = "rf-lab")]
    name: String,
    /// Where the product's programs are [default: beside this one]
    #[arg(long)]
    programs: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether every step was ok.
fn run(args: &Args) -> Result<bool> {
    if args.list {
        for Scenario { name, about, .. } in SCENARIOS {
            println!("{name:<16} {about}");
        }
        return Ok(true);
    }
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == args.scenario);
    let scenario = scenario.with_context(|| {
        let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        format!("no scenario `{}`; there are: {}", args.scenario, names.join(", "))
    })?;

    let dir = empty_dir(&args.target_dir.join("lab"))?;
    let lab = Lab::new(&args.name, args.keep)?;
    lab.remove_on_signals()?;
    let report = Report::new(scenario.name, Style::choose(args.json));
    let mut stage = Stage { lab, report, programs: programs(args)?, dir };
    // A failed step that others depend on ends the scenario; the report knows which.
    let _ = (scenario.play)(&mut stage);

    let Stage { lab, report, dir, .. } = stage;
    report.write(&dir)?;
    if args.json {
        print!("{}", report.json()?);
    } else {
        println!("{}; logs, recordings and report.json in {}", report.summary(), dir.display());
    }
    if let Some(kept) = lab.kept() {
        eprintln!("kept: {}\nlook with: ip netns exec {} bash", kept.join(" "), kept[0]);
    }
    Ok(report.ok)
}

/// The directory of logs, without those of the last run.
fn empty_dir(dir: &Path) -> Result<PathBuf> {
    let made = || {
        if fs::exists(dir)? {
            fs::remove_dir_all(dir)?;
        }
        fs::create_dir_all(dir)?;
        fs::canonicalize(dir)
    };
    made().with_context(|| format!("cannot make an empty {}", dir.display()))
}

fn programs(args: &Args) -> Result<PathBuf> {
    if let Some(programs) = &args.programs {
        return Ok(programs.clone());
    }
    let ours = std::env::current_exe().context("cannot find this program's own file")?;
    Ok(ours.parent().context("this program lies nowhere")?.to_owned())
}
