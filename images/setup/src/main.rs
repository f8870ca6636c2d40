//! `ringfence-setup`: the first boot.

#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use setup::wizard::{Terminal, ask};
use setup::{Seed, apply};

/// Sets a fresh appliance up.
#[derive(Parser)]
#[command(
    name = "ringfence-setup",
    version,
    after_help = "\
A seed file answers the questions beforehand: `/ringfence/seed.toml` on the EFI system partition (it
is removed when all is done, since it holds a password). `ringfence-setup check FILE` says what is
wrong with one, on any machine."
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what is wrong with a seed file.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Set this machine up: from the seed file, or else by questions at the console.
    FirstBoot {
        /// The seed file.
        #[arg(long, default_value = "/efi/ringfence/seed.toml")]
        seed: PathBuf,
        /// Do nothing where there is no seed file, or a wrong one.
        #[arg(long)]
        unattended: bool,
    },
}

fn main() -> ExitCode {
    match run(&Args::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<()> {
    match command {
        Command::Check { file } => {
            read(file).with_context(|| format!("{} cannot be used", file.display()))?;
            println!("{} is sound", file.display());
            Ok(())
        }
        Command::FirstBoot { seed: file, unattended } => {
            let from_file = match read(file) {
                Ok(seed) => Some(seed),
                Err(_) if !file.exists() => None,
                // What is wrong is told, and asked for instead.
                Err(error) => {
                    println!("{}: {error:#}", file.display());
                    None
                }
            };
            let Some(seed) = from_file else {
                if *unattended {
                    return Ok(());
                }
                let stdin = std::io::stdin().lock();
                return apply(&ask(&mut Terminal(stdin)).context("the console is gone")?);
            };
            apply(&seed)?;
            fs::remove_file(file).with_context(|| format!("cannot remove {}", file.display()))
        }
    }
}

fn read(file: &Path) -> Result<Seed> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Seed::parse(file, &text)?)
}

fn apply(seed: &Seed) -> Result<()> {
    println!("ringfence: setting up {}", seed.hostname.0);
    apply::apply(seed, Path::new("/"))?;
    println!(
        "ringfence: {} is set up; `ringfence status` says what is left to do",
        seed.hostname.0
    );
    Ok(())
}
