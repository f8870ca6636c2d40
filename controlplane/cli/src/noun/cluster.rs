//! `ringfence cluster`: the cluster as a whole.

use std::net::IpAddr;

use clap::Subcommand;
use console::CreateCluster;
use lang::Text;

use super::Asking;
use crate::Style;
use crate::failure::Result;
use crate::secret::PasswordSource;

pub type Args = Asking<Verb>;

#[derive(Subcommand)]
pub enum Verb {
    /// Make a new cluster with this node as its publisher.
    Init {
        /// What people call the cluster.
        name: String,
        /// Address of this node, as phones and other nodes reach it.
        #[arg(long, value_name = "IP")]
        address: IpAddr,
        /// Name of the first administrator.
        #[arg(long, value_name = "NAME", default_value = "admin")]
        administrator: String,
        #[command(flatten)]
        password: PasswordSource,
    },
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let Verb::Init { name, address, administrator, password } = args.verb;
    let prompt = PASSWORD.fill(style.language, &[("name", &administrator)]);
    let password = password.fresh(&prompt, style)?;
    args.daemon.change(style, &CreateCluster { name, address, administrator, password })
}

const PASSWORD: Text =
    Text::new("Password for the administrator {name}", "管理者 {name} のパスワード");
