//! The data plane's own tap of one call.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use capture::pcapng::{LinkType, Writer};
use lang::Text;
use status::tap::{TapWish, tap};

use super::fetch::private;
use crate::failure::{Failure, Result};
use crate::{Outcome, Style};

/// Which call, and how much of it.
#[derive(clap::Args)]
pub struct Args {
    /// The endpoint that the call goes through, as `relay show` names it.
    #[arg(long, value_name = "NAME")]
    endpoint: String,
    /// Seconds after which it ends.
    #[arg(long, default_value = "60")]
    seconds: u32,
    /// Megabytes after which it ends.
    #[arg(long, value_name = "MB", default_value = "64")]
    max_mb: u32,
    /// Socket of ringfence-datad: its `capture_socket`.
    #[arg(long, value_name = "PATH", default_value = "/run/ringfence/tap.sock")]
    tap: PathBuf,
    /// Where to write the packets, as they are on the wire on both sides of the relay.
    #[arg(short = 'w', long, value_name = "FILE")]
    write: PathBuf,
}

/// Records it.
pub fn run(args: &Args, style: Style) -> Result {
    let wish = TapWish {
        endpoint: args.endpoint.clone(),
        seconds: args.seconds,
        octets: u64::from(args.max_mb) << 20,
    };
    let packets = tap(&args.tap, &wish)?.map_err(Failure::refused)?;
    let mut writer = Writer::new(private(&args.write)?, LinkType::RAW, "relay")?;
    let mut count = 0u64;
    for packet in packets {
        let (at, octets): (Duration, Vec<u8>) = packet?;
        writer.packet(at, &octets, None)?;
        count += 1;
    }
    writer.into_inner().flush()?;
    let values: [(&str, &dyn std::fmt::Display); 2] =
        [("count", &count), ("file", &args.write.display())];
    println!("{}", RECORDED.fill(style.language, &values));
    Ok(Outcome::Done)
}

const RECORDED: Text =
    Text::new("{count} packets in {file}.", "{count} 個のパケットを {file} に書き込みました。");
