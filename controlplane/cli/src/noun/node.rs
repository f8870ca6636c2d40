//! `ringfence node`: the servers of the cluster.

use std::net::IpAddr;

use clap::Subcommand;
use console::{ActivateService, AddNode, ListNodes, RemoveNode};
use lang::Text;
use store::{Node, Service};

use super::Asking;
use crate::Style;
use crate::failure::Result;
use crate::output;

pub type Args = Asking<Verb>;

#[derive(Subcommand)]
pub enum Verb {
    /// Show all nodes, the publisher first.
    List,
    /// Add a subscriber. In a secure cluster an update of the CTL file follows.
    Add {
        /// Its host name.
        name: String,
        /// Its address.
        address: IpAddr,
    },
    /// Activate a service: call-manager, tftp, ctl-provider or capf.
    Activate {
        /// Host name of the node.
        node: String,
        service: Service,
    },
    /// Deactivate a service.
    Deactivate {
        /// Host name of the node.
        node: String,
        service: Service,
    },
    /// Remove a subscriber. In a secure cluster an update of the CTL file follows.
    Remove {
        /// Its host name.
        name: String,
    },
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let daemon = args.daemon;
    match args.verb {
        Verb::List => list(&daemon.ask(style, &ListNodes {})?, style),
        Verb::Add { name, address } => daemon.change(style, &AddNode { name, address }),
        Verb::Activate { node, service } => {
            daemon.change(style, &ActivateService { node, service, active: true })
        }
        Verb::Deactivate { node, service } => {
            daemon.change(style, &ActivateService { node, service, active: false })
        }
        Verb::Remove { name } => daemon.change(style, &RemoveNode { name }),
    }
}

fn list(nodes: &[Node], style: Style) -> Result {
    output::list(nodes, style, NODES, COLUMNS, |node| {
        let services: Vec<_> = node.services.iter().map(|service| service.as_str()).collect();
        [node.name.clone(), node.address.to_string(), node.role.to_string(), services.join(" ")]
    })
}

const NODES: Text = Text::new("Nodes", "ノード");
const COLUMNS: [Text; 4] = [
    Text::new("name", "名前"),
    Text::new("address", "アドレス"),
    Text::new("role", "役割"),
    Text::new("services", "サービス"),
];
