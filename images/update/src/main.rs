//! `ringfence-update`: what runs, and what is to run.

#![forbid(unsafe_code)]

use std::fs::{self, File};
use std::io::{BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use openssl::x509::X509;
use update::disk::Disk;
use update::place::Place;
use update::{bundle, install};

/// Whose signature is believed: it lies in the root file system that runs.
const CERTIFICATE: &str = "/usr/share/ringfence/image.crt";
const OS_RELEASE: &str = "/usr/lib/os-release";
const KERNELS: &str = "/efi/EFI/Linux";

/// Updates this appliance
#[derive(Parser)]
#[command(
    name = "ringfence-update",
    version,
    after_help = "\
An update goes into the slot that is not running and is started by `systemctl reboot`. If it does not
come up healthy three times, the version that runs now is started again. A medium whose file system is
named RFUPDATE with a file ringfence.update is installed at the start, without being asked."
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what runs and what is in the slots
    Status,
    /// Say what a bundle brings, if it can be believed
    Verify {
        /// The bundle
        file: PathBuf,
    },
    /// Write a bundle into the slot that is not running
    Install {
        /// The bundle
        file: PathBuf,
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
        Command::Status => {
            let disk = disk()?;
            let running = disk.running();
            for slot in disk.slots().context("cannot read the table of partitions")? {
                let version = slot.version.map_or_else(|| "empty".to_owned(), |it| it.to_string());
                let runs = if slot.version == Some(running) { "  runs" } else { "" };
                println!("slot {}  {version}{runs}", slot.number);
            }
        }
        Command::Verify { file } => {
            let manifest = bundle::open(&mut open(file)?, &certificate()?)?;
            println!("version {}, {} MiB", manifest.version, manifest.root.size >> 20);
        }
        Command::Install { file } => {
            let mut shown = 0;
            let progress = |done: u64, all: u64| {
                let percent = done * 100 / all.max(1);
                if std::io::stderr().is_terminal() {
                    eprint!("\r{percent} %");
                } else if percent >= shown + 25 {
                    shown = percent;
                    eprintln!("{percent} %");
                }
            };
            let version =
                install::install(&mut open(file)?, &certificate()?, &mut disk()?, progress)?;
            println!("version {version} is installed; `systemctl reboot` starts it");
        }
    }
    Ok(())
}

fn disk() -> Result<Disk> {
    Disk::find(Path::new(OS_RELEASE), Path::new(KERNELS)).context("cannot find the disk that runs")
}

fn certificate() -> Result<X509> {
    let pem = fs::read(CERTIFICATE).with_context(|| format!("cannot read {CERTIFICATE}"))?;
    X509::from_pem(&pem).with_context(|| format!("{CERTIFICATE} is no certificate"))
}

fn open(file: &Path) -> Result<BufReader<File>> {
    let open = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(BufReader::with_capacity(1 << 20, open))
}
