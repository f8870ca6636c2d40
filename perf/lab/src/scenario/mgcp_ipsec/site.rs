//! The network: a call agent and a gateway with an untrusted wire between them.
//!
//! ```text
//!   ca: 10.1.0.1 ─ strongSwan, 192.0.2.1 ═══ wire, ESP in UDP ═══ 192.0.2.2, datad ─ 10.2.0.1 :gw
//! ```
//!
//! MGCP is between the inner addresses, IKE and ESP between the outer ones.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use status::{IpsecPath, IpsecState, RelayReport};

use super::tunnel::{SIDES, Tunnel, ringfence, text};
use crate::ike::{Daemon, Plane};
use crate::net::{Lab, Namespace};
use crate::program::poll;
use crate::relay::Relay;

/// The call agent as MGCP has it, and as IKE has it.
pub const AGENT: [&str; 2] = ["10.1.0.1", "192.0.2.1"];
/// The gateway.
pub const GATEWAY: [&str; 2] = ["10.2.0.1", "192.0.2.2"];
/// The ports of MGCP there.
pub const PORTS: [u16; 2] = [2727, 2427];
/// How long anything may take on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The machines.
pub struct Site {
    /// The trusted side.
    pub agent: Namespace,
    /// The gateway's.
    pub gateway: Namespace,
    programs: PathBuf,
    dir: PathBuf,
}

impl Site {
    /// Builds it. The call agent's machine knows a way to the gateway without IPsec, too: that
    /// nothing comes that way is not the network's merit.
    pub fn build(lab: &Lab, programs: &Path, dir: &Path) -> Result<Self> {
        let (agent, gateway) = (lab.namespace("ca")?, lab.namespace("gw")?);
        let (ours, theirs) = lab.veth((&agent, "wire"), (&gateway, "wire"))?;
        for (link, host, [inner, outer], [peer, via]) in
            [(ours, &agent, AGENT, GATEWAY), (theirs, &gateway, GATEWAY, AGENT)]
        {
            link.finish_packets()?;
            link.address(&format!("{outer}/24"))?;
            host.link("lo").address(&format!("{inner}/32"))?;
            host.route(peer, via.parse()?)?;
        }
        Ok(Self { agent, gateway, programs: programs.to_owned(), dir: dir.to_owned() })
    }

    /// Starts the gateway, which demands that MGCP comes protected.
    pub fn relay(&self) -> Result<Relay> {
        let ([inner, outer], [agent, _], [agent_port, port]) = (GATEWAY, AGENT, PORTS);
        let configuration = format!(
            "[datad.gateway]\n\
             name = \"gw1\"\n\
             listen = [\"{inner}:{port}\"]\n\
             call_agents = [\"{agent}\"]\n\
             notify = \"{agent}:{agent_port}\"\n\
             restart_wait_ms = 0\n\
             keys = \"require\"\n\
             [[datad.media]]\n\
             name = \"wire\"\n\
             addresses = [\"{outer}\"]\n\
             [datad.ipsec]\n\
             keys_socket = {:?}\n\
             [[datad.ipsec.peer]]\n\
             name = \"cm1\"\n\
             local = \"{inner}\"\n\
             remote = \"{agent}\"\n\
             outer = \"{outer}\"\n",
            self.keys_socket()
        );
        Relay::start(&self.gateway, &self.programs, &configuration, &self.dir)
    }

    /// Starts the trusted side's daemon, whose ESP is strongSwan's.
    pub fn agents_daemon(&self) -> Result<Daemon> {
        self.daemon(&self.agent, SIDES[0], Plane::Strongswan)
    }

    /// Starts the gateway's daemon, whose ESP is ours.
    pub fn gateways_daemon(&self) -> Result<Daemon> {
        let plugin = self.programs.join("libringfence_charon.so");
        let plane = Plane::Ours(&plugin, &self.keys_socket());
        self.daemon(&self.gateway, SIDES[1], plane)
    }

    fn daemon(&self, host: &Namespace, side: &str, plane: Plane<'_>) -> Result<Daemon> {
        Daemon::start(host, side, plane, &self.dir, self.dir.join(format!("{side}.vici")))
    }

    /// Has the product make both daemons' keys, certificates and configuration.
    pub fn configure_daemons(&self) -> Result<String> {
        Tunnel { agent: AGENT, gateway: GATEWAY }.configure(&self.programs, &self.dir)
    }

    /// What `ringfence ipsec show` says.
    pub fn show(&self, relay: &Relay) -> Result<Value> {
        ringfence(&self.programs, &["ipsec", "show", "--socket", text(&relay.socket)?])
    }

    fn keys_socket(&self) -> PathBuf {
        self.dir.join("keys.sock")
    }
}

/// What the relay reports about IPsec.
pub fn state(relay: &Relay) -> Result<(RelayReport, IpsecState)> {
    let mut report = relay.report()?;
    let state = report.ipsec_state.take().context("datad reports nothing about IPsec")?;
    Ok((report, state))
}

/// Waits until the path is, or is not, covered.
pub fn until_covered(relay: &Relay, covered: bool) -> Result<IpsecPath> {
    let path = || state(relay).ok()?.1.paths.into_iter().next();
    let found = poll(PATIENCE, || path().filter(|path| path.covered == covered));
    match found.or_else(path) {
        Some(path) => {
            ensure!(path.covered == covered, "after {PATIENCE:?} the path is {path:?}");
            Ok(path)
        }
        None => anyhow::bail!("datad reports no path"),
    }
}
