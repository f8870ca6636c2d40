//! What can be administered, a file each.

pub mod admin;
pub mod audit;
pub mod backup;
pub mod call;
pub mod capf;
pub mod capture;
pub mod cluster;
pub mod ctl;
pub mod device;
pub mod diagnose;
pub mod doctor;
pub mod gateway;
pub mod ipsec;
pub mod line;
pub mod log;
pub mod node;
pub mod param;
pub mod phone;
pub mod pool;
pub mod recover;
pub mod region;
pub mod relay;
pub mod route;
pub mod service;
pub mod srst;
pub mod status;
pub mod support;
pub mod token;
pub mod voicemail;

use clap::Subcommand;

use crate::daemon::Daemon;

// A comment on these would be taken for the help of every noun.
#[derive(clap::Args)]
pub struct Asking<Verb: Subcommand> {
    #[command(flatten)]
    daemon: Daemon,
    #[command(subcommand)]
    verb: Verb,
}
