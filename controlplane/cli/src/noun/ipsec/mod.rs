//! `ringfence ipsec`: what protects MGCP on its way, and how it is set up.

mod certificate;
mod config;
mod show;

use std::path::PathBuf;

use clap::Subcommand;

use crate::Style;
use crate::failure::Result;

/// What can be done about IPsec.
#[derive(Subcommand)]
pub enum Verb {
    /// Show the paths to call agents, whether they are covered, associations, policies and counters.
    Show {
        /// Socket of ringfence-datad.
        #[arg(long, value_name = "PATH", default_value = status::DEFAULT_SOCKET)]
        socket: PathBuf,
    },
    /// Print the configuration of one end's IKE daemon, swanctl.conf of strongSwan.
    Config(config::Args),
    /// Make a key and a certificate for one end's IKE daemon, signed by an authority of your own.
    Certificate(certificate::Args),
}

/// Does it.
pub fn run(verb: Verb, style: Style) -> Result {
    match verb {
        Verb::Show { socket } => show::run(&socket, style),
        Verb::Config(args) => config::run(&args, style),
        Verb::Certificate(args) => certificate::run(&args, style),
    }
}
