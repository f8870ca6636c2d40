//! `ringfence cluster`: the cluster as a whole.

mod join;

use std::net::IpAddr;

use clap::Subcommand;
use console::{CreateCluster, PromoteNode};
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
    /// Give this machine a copy of the publisher's database, so that it serves phones also while
    /// the publisher is away. Run it on a new subscriber, or on a publisher that was replaced, while
    /// ringfence-controld does not run; as root or as its user.
    Join(Box<join::Join>),
    /// Make this node the publisher, in the place of one that is lost. It is refused while the
    /// publisher answers, and if another node has changes that are not here.
    Promote {
        /// A node that is lost or switched off, and not waited for. Can be repeated.
        #[arg(long, value_name = "NODE")]
        lost: Vec<String>,
    },
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    match args.verb {
        Verb::Init { name, address, administrator, password } => {
            let prompt = PASSWORD.fill(style.language, &[("name", &administrator)]);
            let password = password.fresh(&prompt, style)?;
            args.daemon.change(style, &CreateCluster { name, address, administrator, password })
        }
        Verb::Join(join) => join.run(&args.daemon, style),
        Verb::Promote { lost } => args.daemon.change(style, &PromoteNode { lost }),
    }
}

const PASSWORD: Text =
    Text::new("Password for the administrator {name}", "管理者 {name} のパスワード");
