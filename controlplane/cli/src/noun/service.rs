//! `ringfence service`: the services of this node.

use clap::Subcommand;
use console::RestartService;
use store::Service;

use super::Asking;
use crate::Style;
use crate::failure::Result;

pub type Args = Asking<Verb>;

#[derive(Subcommand)]
pub enum Verb {
    /// Restart a service of the node whose daemon is asked, so that it sees changed parameters:
    /// tftp, ctl-provider or capf.
    Restart { service: Service },
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let Verb::Restart { service } = args.verb;
    args.daemon.change(style, &RestartService { service })
}
