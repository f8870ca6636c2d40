//! The stream of what is captured in real time.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use lang::Text;
use recorder::client;
use recorder::live::Wish;

use super::tool;
use crate::failure::{Failure, Result};
use crate::{Outcome, Style};

/// Where from, and what.
#[derive(clap::Args)]
pub struct Args {
    /// The node where the devices register, with the port that `capture show` tells there.
    #[arg(long, value_name = "HOST:PORT")]
    server: String,
    /// SHA-256 of its certificate, as `status` and `capture show` tell it there.
    #[arg(long, value_name = "HEX")]
    server_sha256: String,
    /// Only this device; may be given several times [default: all that are captured in real time].
    #[arg(long, value_name = "NAME")]
    device: Vec<String>,
    /// Directory of the tool's key and certificate [default: that of `capture certificate`].
    #[arg(long, value_name = "DIR")]
    identity: Option<PathBuf>,
}

/// Streams it until either side ends it.
pub fn run(args: &Args, style: Style) -> Result {
    let mut out = io::stdout().lock();
    if out.is_terminal() {
        return Err(Failure::usage(TERMINAL.get(style.language)));
    }
    let own = tool::own(&super::identity(args.identity.as_ref())?, style)?;
    let wish = Wish { devices: args.device.clone() };
    client::stream(&args.server, &args.server_sha256, &own, &wish, &mut out)
        .map_err(Failure::failed)?;
    Ok(Outcome::Done)
}

const TERMINAL: Text = Text::new(
    "the stream is not for reading on a terminal: pass it on, as in `ringfence capture live … | wireshark -k -i -`",
    "ストリームは端末には表示できません。`ringfence capture live … | wireshark -k -i -` のようにパイプに渡してください",
);
