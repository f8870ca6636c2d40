//! `ringfence-legacytls`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use ringfence_legacytls::cell::{self, Config};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The cell: ends TLS 1.0 to 1.3 for telephones, and hands their connections to
/// ringfence-controld.
///
/// It has no ports or keys of its own: ringfence-controld calls it over a Unix socket and hands
/// them in.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/ringfence/ringfence.toml")]
    config: PathBuf,
    /// Read the configuration, say what is wrong with it, and end.
    #[arg(long)]
    check: bool,
}

/// The whole file. What other daemons read in it is not looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    legacytls: Config,
    #[serde(default, rename = "controld")]
    _controld: IgnoredAny,
    #[serde(default, rename = "datad")]
    _datad: IgnoredAny,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ringfence-legacytls: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let config = settings::load::<File>(&args.config)?.legacytls;
    if args.check { Ok(()) } else { cell::run(&config) }
}
