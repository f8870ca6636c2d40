//! `ringfence gateway`: voice gateways that CallManager commands by MGCP.

use std::net::SocketAddr;

use clap::Subcommand;
use console::{
    AddGateway, CheckGateway, CheckItem, CheckState, GatewayChanges, GatewayView, ListGateways,
    PortChanges, RemoveGateway, RemoveGatewayPort, ResetGateway, SetGateway, SetGatewayPort,
    ShowGateway,
};
use lang::Text;

use super::Asking;
use crate::failure::Result;
use crate::output::{self, Format};
use crate::{Outcome, Style};

pub type Args = Asking<Verb>;

#[derive(Subcommand)]
pub enum Verb {
    /// Show all gateways.
    List,
    /// Show a gateway with its ports.
    Show {
        /// Its name.
        name: String,
    },
    /// Add a gateway.
    Add {
        /// What stands behind the @ in names of its endpoints: its host name with the domain.
        name: String,
        /// Where it listens for MGCP, with the port.
        #[arg(required = true)]
        addresses: Vec<SocketAddr>,
        #[command(flatten)]
        changes: GatewayChanges,
    },
    /// Change what is given, leave the rest.
    Set {
        /// Its name.
        name: String,
        #[command(flatten)]
        changes: GatewayChanges,
    },
    /// Add a voice port to a gateway, or change it.
    Port {
        /// The gateway's name.
        gateway: String,
        /// What stands before the @, such as aaln/S1/SU0/0.
        port: String,
        #[command(flatten)]
        changes: PortChanges,
    },
    /// Remove a voice port.
    RemovePort {
        /// The gateway's name.
        gateway: String,
        /// What stands before the @.
        port: String,
    },
    /// Ask a gateway anew what its ports are like.
    Reset {
        /// Its name.
        name: String,
    },
    /// Remove a gateway that no route leads to.
    Remove {
        /// Its name.
        name: String,
    },
    /// Go through the steps until a gateway is given keys, each with what proves it.
    Check {
        /// Its name.
        name: String,
    },
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let daemon = args.daemon;
    match args.verb {
        Verb::List => list(&daemon.ask(style, &ListGateways {})?, style),
        Verb::Show { name } => show(&daemon.ask(style, &ShowGateway { name })?, style),
        Verb::Add { name, addresses, changes } => {
            daemon.change(style, &AddGateway { name, addresses, changes })
        }
        Verb::Set { name, changes } => daemon.change(style, &SetGateway { name, changes }),
        Verb::Port { gateway, port, changes } => {
            daemon.change(style, &SetGatewayPort { gateway, port, changes })
        }
        Verb::RemovePort { gateway, port } => {
            daemon.change(style, &RemoveGatewayPort { gateway, port })
        }
        Verb::Reset { name } => {
            let status = daemon.ask(style, &ResetGateway { name })?;
            if style.format == Format::Json {
                output::json(&status)?;
            }
            Ok(Outcome::Done)
        }
        Verb::Remove { name } => daemon.change(style, &RemoveGateway { name }),
        Verb::Check { name } => check(&daemon.ask(style, &CheckGateway { name })?, style),
    }
}

fn list(gateways: &[GatewayView], style: Style) -> Result {
    output::list(gateways, style, GATEWAYS, COLUMNS, |GatewayView { gateway, status }| {
        let addresses: Vec<_> = gateway.addresses.iter().map(ToString::to_string).collect();
        let of_status = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        [
            gateway.name.clone(),
            addresses.join(" "),
            gateway.key_policy.to_string(),
            of_status(status.as_ref().map(|status| status.state.clone())),
            of_status(status.as_ref().and_then(|status| status.path.clone())),
            gateway.ports.len().to_string(),
        ]
    })
}

fn show(view: &GatewayView, style: Style) -> Result {
    match style.format {
        Format::Json => output::json(view)?,
        Format::Table => output::fields(view)?,
    }
    Ok(Outcome::Done)
}

fn check(steps: &[CheckItem], style: Style) -> Result {
    let done = |step: &CheckItem| step.state != CheckState::Open;
    match style.format {
        Format::Json => output::json(&steps)?,
        Format::Table => {
            for step in steps {
                println!("{} {}", if done(step) { "[x]" } else { "[ ]" }, step.text);
                println!("      {}", step.detail);
            }
        }
    }
    Ok(if steps.iter().all(done) { Outcome::Done } else { Outcome::Partial })
}

const GATEWAYS: Text = Text::new("Gateways", "ゲートウェイ");
const COLUMNS: [Text; 6] = [
    Text::new("name", "名前"),
    Text::new("address", "アドレス"),
    Text::new("key policy", "鍵ポリシー"),
    Text::new("state", "状態"),
    Text::new("path", "経路"),
    Text::new("ports", "ポート数"),
];
