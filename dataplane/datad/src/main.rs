//! See the library of this crate.

mod line;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ringfence_datad::config::{File, SrtpBackend};
use tracing_subscriber::EnvFilter;

/// The media relay of ringfence: SRTP and RTP over AF_XDP, commanded by MGCP.
///
/// Stops cleanly on SIGTERM and SIGINT. Watch it with `ringfence relay show`.
#[derive(Parser)]
#[command(name = "ringfence-datad", version)]
struct Cli {
    /// Configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/ringfence/ringfence.toml")]
    config: PathBuf,
    /// Check the configuration and exit.
    #[arg(long)]
    check: bool,
    /// Who computes SRTP, whatever the configuration says: best, avx512, sha-ni, avx2 or portable.
    #[arg(long, value_name = "BACKEND", env = "RINGFENCE_SRTP_BACKEND")]
    srtp_backend: Option<SrtpBackend>,
    /// What to log: error, warn, info, debug or trace, also per module.
    #[arg(long, value_name = "FILTER", default_value = "info", env = "RINGFENCE_LOG")]
    log: String,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Use a telephone behind a voice endpoint of a running daemon. Answers in JSON.
    Line(line::Line),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(Command::Line(line)) = &cli.command {
        return line.run();
    }
    let filter = EnvFilter::try_new(&cli.log).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match start(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ringfence-datad: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(cli: &Cli) -> anyhow::Result<()> {
    let File { datad: mut config, .. } = settings::load(&cli.config)?;
    if let Some(backend) = cli.srtp_backend {
        config.srtp_backend = backend;
    }
    if cli.check {
        return config
            .check()
            .map_err(|problem| anyhow::anyhow!("{}: {problem}", cli.config.display()));
    }
    ringfence_datad::run(&config)
}
