//! `ringfence-controld`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result};
use clap::Parser;
use ringfence_controld::config::File;
use ringfence_controld::office::Office;
use ringfence_controld::privilege;
use ringfence_controld::socket::AdminSocket;
use sd_notify::NotifyState;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use store::Store;

/// The control-plane daemon of ringfence.
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

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ringfence-controld: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let config = settings::load::<File>(&args.config)?.controld;
    if args.check {
        return Ok(());
    }
    privilege::give_up(&config)?;
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot wait for signals")?;
    let store = Arc::new(Store::open(&config.store)?);
    let path = config.admin_socket.clone();
    let socket = AdminSocket::bind(&path)
        .with_context(|| format!("cannot listen on {}: set admin_socket", path.display()))?;
    let stopper = socket.stopper();
    let office = Office::new(store, config);
    thread::scope(|scope| {
        scope.spawn(|| socket.run(&office));
        sd_notify::notify(&[NotifyState::Ready])?;
        signals.forever().next();
        sd_notify::notify(&[NotifyState::Stopping])?;
        stopper.stop();
        Ok(())
    })
}
