//! `cargo xtask`: the one door to the project, for people and CI alike.
//!
//! One file per subcommand; what they share is in [`shell`] (running programs) and [`setup`]
//! (bringing in what a machine lacks). This crate knows how to call the others' programs and
//! nothing of what they do.

mod ebpf;
mod fuzz;
mod image;
mod instructions;
mod lab;
mod perf;
mod requirements;
mod setup;
mod shell;
mod test;

use std::process::ExitCode;

use clap::Parser;

/// The one door to ringfence: sets a machine up, shows the main job, tests, measures.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = TOUR)]
enum Task {
    /// Install what this machine lacks, and say what and why
    Setup(setup::Args),
    /// Make a laboratory of network namespaces and run a scenario in it, end to end
    Lab(lab::Args),
    /// Everything CI runs: format, lints, tests, eBPF, fuzz corpora
    Test(test::Args),
    /// Measure a suite, ours and the peers in the same run
    Perf(perf::Args),
    /// Build the appliance's bootable image, and boot it
    Image(image::Args),
    /// Count the instructions SRTP takes per packet, and compare with the accepted numbers
    Instructions(instructions::Args),
    /// Show which tests prove which requirement
    Requirements(requirements::Args),
    /// Run fuzz targets with libFuzzer
    Fuzz(fuzz::Args),
}

const TOUR: &str = "\
Where to begin:
  cargo xtask lab                see media go through the relay: needs root, sets itself up
  cargo xtask test               what CI runs; without root it says which parts it left out
  cargo xtask lab --list         the scenarios there are
  cargo xtask perf relay         how fast this machine relays
  cargo xtask requirements --open   what is not proven yet

Each command calls `setup` for the things it needs itself. Results land in target/: \
lab/report.json, perf/SUITE.json, tools/, bpf/.";

fn main() -> ExitCode {
    let done = match Task::parse() {
        Task::Setup(args) => setup::run(&args),
        Task::Lab(args) => lab::run(&args),
        Task::Test(args) => test::run(&args),
        Task::Perf(args) => perf::run(&args),
        Task::Image(args) => image::run(&args),
        Task::Instructions(args) => instructions::run(&args),
        Task::Requirements(args) => requirements::run(&args),
        Task::Fuzz(args) => fuzz::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
