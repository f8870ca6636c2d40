//! `ringfence service`: the services of this node.

use clap::Subcommand;
use console::RestartService;
use store::Service;

use crate::Style;
use crate::daemon::Daemon;
use crate::failure::Result;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    daemon: Daemon,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Restart a service of the node whose daemon is asked, so that it sees changed parameters:
    /// tftp, ctl-provider or capf.
    Restart { service: Service },
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let Verb::Restart { service } = args.verb;
    args.daemon.change(style, &RestartService { service })
}
