use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;
use lang::Text;
use ringfence_pktgen::export::{self, File, Traffic};
use serde_json::json;

use super::StreamArgs;
use crate::Style;

#[derive(clap::Args)]
pub struct Args {
    /// For whom.
    #[arg(value_enum)]
    format: Format,
    #[command(flatten)]
    stream: StreamArgs,
    /// Packets per second of all flows together.
    #[arg(long, value_parser = super::rate)]
    rate: f64,
    /// How long.
    #[arg(long, default_value = "10", value_parser = super::seconds)]
    seconds: Duration,
    /// What the link carries, in bits per second: Pktgen-DPDK knows rates as shares of it.
    #[arg(long, default_value = "10e9", value_parser = super::rate)]
    link: f64,
    /// Directory to write to.
    #[arg(long, default_value = ".")]
    directory: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A profile in Python for TRex, stateless
    Trex,
    /// A capture and a script in Lua for Pktgen-DPDK
    PktgenDpdk,
    /// A shell script for the kernel's pktgen
    Kernel,
}

const WRITTEN: Text = Text::new("wrote {path}", "{path} を書き出しました");
const USAGE: Text = Text::new("use it so: {usage}", "使い方: {usage}");

pub fn run(args: &Args, style: Style) -> Result<()> {
    let stream = args.stream.stream(None)?;
    let traffic = Traffic { stream, rate: args.rate, duration: args.seconds };
    let files = match args.format {
        Format::Trex => export::trex(&traffic),
        Format::PktgenDpdk => export::pktgen_dpdk(&traffic, args.link),
        Format::Kernel => export::kernel(&traffic),
    };
    for File { name, content, usage } in files {
        let path = args.directory.join(name);
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
        if style.json {
            println!("{}", json!({ "file": path, "usage": usage }));
            continue;
        }
        println!("{}", WRITTEN.fill(style.language, &[("path", &path.display())]));
        if let Some(usage) = usage {
            println!("{}", USAGE.fill(style.language, &[("usage", &usage)]));
        }
    }
    Ok(())
}
