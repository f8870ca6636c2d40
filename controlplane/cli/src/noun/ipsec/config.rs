//! Configuration of both ends' IKE daemons: one mirrors the other.

use std::net::IpAddr;

use clap::ValueEnum;
use lang::Text;
use serde::Serialize;

use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::{Outcome, Style};

/// A connection between a call agent and a gateway.
#[derive(clap::Args)]
pub struct Args {
    /// Name of the connection, the same at both ends.
    connection: String,
    /// Which end's configuration.
    #[arg(long, value_enum)]
    side: Side,
    /// Identity of the call agent's end, the name in its certificate.
    #[arg(long, value_name = "HOST")]
    agent: String,
    /// The call agent's address, as MGCP has it.
    #[arg(long, value_name = "ADDRESS")]
    agent_address: IpAddr,
    /// The address its IKE daemon has; with another than MGCP has there is a tunnel in UDP, else
    /// transport mode [default: the same].
    #[arg(long, value_name = "ADDRESS")]
    agent_outer: Option<IpAddr>,
    /// Identity of the gateway's end, the name in its certificate.
    #[arg(long, value_name = "HOST")]
    gateway: String,
    /// The gateway's address, as MGCP has it.
    #[arg(long, value_name = "ADDRESS")]
    gateway_address: IpAddr,
    /// The address its IKE daemon has [default: the same].
    #[arg(long, value_name = "ADDRESS")]
    gateway_outer: Option<IpAddr>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Side {
    // The trusted side.
    Agent,
    // Where ringfence-datad does ESP.
    Gateway,
}

struct End<'a> {
    identity: &'a str,
    inner: IpAddr,
    outer: IpAddr,
}

#[derive(Serialize)]
struct View {
    /// `swanctl.conf`.
    swanctl: String,
    /// What `ringfence.toml` of the gateway needs; absent at the call agent's side.
    ringfence: Option<String>,
}

/// Prints it.
pub fn run(args: &Args, style: Style) -> Result {
    let agent = End {
        identity: &args.agent,
        inner: args.agent_address,
        outer: args.agent_outer.unwrap_or(args.agent_address),
    };
    let gateway = End {
        identity: &args.gateway,
        inner: args.gateway_address,
        outer: args.gateway_outer.unwrap_or(args.gateway_address),
    };
    let names = [&args.connection, &args.agent, &args.gateway];
    if !names.into_iter().all(|name| is_plain(name)) {
        return Err(Failure::usage(NAMES.get(style.language)));
    }
    let same_family = |a: &End<'_>, b: &End<'_>| {
        a.inner.is_ipv4() == b.inner.is_ipv4() && a.outer.is_ipv4() == b.outer.is_ipv4()
    };
    if !same_family(&agent, &gateway) {
        return Err(Failure::usage(FAMILIES.get(style.language)));
    }
    let view = match args.side {
        Side::Agent => View {
            swanctl: swanctl(&args.connection, &agent, &gateway, Side::Agent),
            ringfence: None,
        },
        Side::Gateway => View {
            swanctl: swanctl(&args.connection, &gateway, &agent, Side::Gateway),
            ringfence: Some(ringfence(&args.connection, &gateway, &agent)),
        },
    };
    match style.format {
        Format::Json => output::json(&view)?,
        Format::Table => {
            for line in view.ringfence.iter().flat_map(|text| text.lines()) {
                println!("# {line}");
            }
            print!("{}", view.swanctl);
        }
    }
    Ok(Outcome::Done)
}

/// What stands in configuration without quotes.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
}

/// The gateway begins, and begins again whenever the connection is lost; the call agent's side
/// answers. So the two never negotiate the same thing at once. What could not be had then, as
/// before datad runs, is negotiated when datad has something to say: that is what `trap` is for.
fn swanctl(connection: &str, ours: &End<'_>, peer: &End<'_>, side: Side) -> String {
    let tunnel = ours.inner != ours.outer || peer.inner != peer.outer;
    let (mode, encap) = if tunnel { ("tunnel", "yes") } else { ("transport", "no") };
    let ports = |end: &End<'_>, ports: &[&str]| {
        let host = if end.inner.is_ipv4() { 32 } else { 128 };
        let one = |port: &&str| format!("{}/{host}[{port}]", end.inner);
        ports.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let mgcp = ["udp/2427", "udp/2727"];
    // The gateway opens the backhaul from any port.
    let (our_tcp, peer_tcp) = match side {
        Side::Agent => ("tcp/2428", "tcp"),
        Side::Gateway => ("tcp", "tcp/2428"),
    };
    let actions = match side {
        Side::Agent => "",
        Side::Gateway => {
            "\n        start_action = trap|start\n        close_action = start\n        \
             dpd_action = restart"
        }
    };
    let child = |name: &str, local: String, remote: String| {
        format!(
            "      {name} {{
        mode = {mode}
        local_ts = {local}
        remote_ts = {remote}
        esp_proposals = aes128gcm16, aes128-sha256
        rekey_time = 3600s
        life_time = 3960s{actions}
      }}
"
        )
    };
    format!(
        "connections {{
  {connection} {{
    version = 2
    local_addrs = {}
    remote_addrs = {}
    encap = {encap}
    keyingtries = 0
    proposals = aes128-sha256-x25519, aes128-sha256-modp2048
    dpd_delay = 10s
    local {{
      auth = pubkey
      certs = {}.pem
      id = {}
    }}
    remote {{
      auth = pubkey
      cacerts = ike-authority.pem
      id = {}
    }}
    children {{
{}{}    }}
  }}
}}
",
        ours.outer,
        peer.outer,
        ours.identity,
        ours.identity,
        peer.identity,
        child("mgcp", ports(ours, &mgcp), ports(peer, &mgcp)),
        child("backhaul", ports(ours, &[our_tcp]), ports(peer, &[peer_tcp])),
    )
}

/// The peer in the gateway's `ringfence.toml`.
fn ringfence(connection: &str, gateway: &End<'_>, agent: &End<'_>) -> String {
    format!(
        "[[datad.ipsec.peer]]\nname = \"{connection}\"\nlocal = \"{}\"\nremote = \"{}\"\nouter = \"{}\"\n",
        gateway.inner, agent.inner, gateway.outer
    )
}

const NAMES: Text = Text::new(
    "names of connections and hosts have letters, digits, dots, hyphens and underscores",
    "接続名とホスト名に使えるのは、英数字、ピリオド、ハイフン、下線です",
);
const FAMILIES: Text = Text::new(
    "both ends must have addresses of one family, IPv4 or IPv6",
    "両端のアドレスは IPv4 または IPv6 のどちらかにそろえてください",
);
