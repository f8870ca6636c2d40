//! The office's gateway, and the daemons that protect the way to it.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use super::line::Telephone;
use crate::ike::{Daemon, Plane};
use crate::net::{Lab, Namespace};
use crate::relay::Relay;
use crate::scenario::cluster::{Commanded, Site, USER, address};
use crate::scenario::mgcp_ipsec::site::{AGENT, GATEWAY};
use crate::scenario::mgcp_ipsec::tunnel::{IDENTITIES, SIDES, Tunnel, ringfence, text};

/// Its voice lines.
pub const LINES: [&str; 2] = ["aaln/S1/SU0/0", "aaln/S1/SU0/1"];
/// Its host number in the office's network.
const HOST: u8 = 30;
/// The addresses that ESP is between: CallManager's and the gateway's.
const OUTER: [&str; 2] = ["10.3.0.10", "10.3.0.30"];

/// Where everything is.
pub struct Settings {
    machine: Namespace,
    programs: PathBuf,
    /// Logs and configuration.
    dir: PathBuf,
    vici: PathBuf,
}

/// The gateway, which runs.
pub struct Gateway {
    relay: Relay,
    programs: PathBuf,
    lines: PathBuf,
}

impl Settings {
    /// Adds the gateway's machine to the office's network. Both ends know a way without IPsec, too:
    /// that no key goes by it is not the network's merit.
    pub fn build(lab: &Lab, site: &Site, programs: &Path, logs: &Path) -> Result<Self> {
        let machine = site.add_machine(lab, "vgw", HOST)?;
        let agent = &site.cm1.namespace;
        for (host, inner, peer, via) in [
            (agent, AGENT[0], GATEWAY[0], address(HOST)),
            (&machine, GATEWAY[0], AGENT[0], site.cm1.address),
        ] {
            host.link("lo").address(&format!("{inner}/32"))?;
            host.route(peer, via)?;
        }
        let dir = logs.join("office");
        fs::create_dir_all(&dir)?;
        // CallManager runs as a user who could not look into the project.
        let vici = site.state.path().join("charon.vici");
        Ok(Self { machine, programs: programs.to_owned(), dir, vici })
    }

    /// What CallManager is told of its end.
    pub fn agents_end(&self) -> Commanded {
        let from = SocketAddr::new(AGENT[0].parse().expect("an address"), 2427);
        Commanded { from, vici: self.vici.clone() }
    }

    /// Has the product make the daemons' keys, certificates and configuration.
    pub fn configure_daemons(&self) -> Result<()> {
        let tunnel = Tunnel { agent: [AGENT[0], OUTER[0]], gateway: [GATEWAY[0], OUTER[1]] };
        tunnel.configure(&self.programs, &self.dir).map(drop)
    }

    /// Starts the daemon beside CallManager, which may ask it. Its ESP is strongSwan's.
    pub fn agents_daemon(&self, site: &Site) -> Result<Daemon> {
        let (host, vici) = (&site.cm1.namespace, self.vici.clone());
        let daemon = Daemon::start(host, SIDES[0], Plane::Strongswan, &self.dir, vici)?;
        chown(&self.vici, Some(USER.1), Some(USER.1)).context("charon's socket")?;
        Ok(daemon)
    }

    /// Starts the gateway's daemon, whose ESP is ours.
    pub fn gateways_daemon(&self) -> Result<Daemon> {
        let (plugin, keys) = (self.programs.join("libringfence_charon.so"), self.keys_socket());
        let (plane, vici) = (Plane::Ours(&plugin, &keys), self.dir.join("gateway.vici"));
        Daemon::start(&self.machine, SIDES[1], plane, &self.dir, vici)
    }

    /// Starts the gateway.
    pub fn start(&self) -> Result<Gateway> {
        let lines = self.dir.join("lines.sock");
        let configuration = format!(
            "[datad.lines]\n\
             socket = {lines:?}\n\
             [datad.gateway]\n\
             name = \"{name}\"\n\
             listen = [\"{inner}:2427\"]\n\
             call_agents = [\"{agent}\"]\n\
             notify = \"{agent}:2427\"\n\
             restart_wait_ms = 0\n\
             dialect = \"0.1\"\n\
             endpoints = 1\n\
             keys = \"require\"\n\
             [[datad.gateway.endpoint]]\n\
             name = \"aaln/S1/SU0/[0-1]\"\n\
             [[datad.media]]\n\
             name = \"office\"\n\
             addresses = [\"{outer}\"]\n\
             [datad.ipsec]\n\
             keys_socket = {keys:?}\n\
             [[datad.ipsec.peer]]\n\
             name = \"cm1\"\n\
             local = \"{inner}\"\n\
             remote = \"{agent}\"\n\
             outer = \"{outer}\"\n",
            name = IDENTITIES[1],
            inner = GATEWAY[0],
            agent = AGENT[0],
            outer = OUTER[1],
            keys = self.keys_socket(),
        );
        let relay = Relay::start(&self.machine, &self.programs, &configuration, &self.dir)?;
        Ok(Gateway { relay, programs: self.programs.clone(), lines })
    }

    fn keys_socket(&self) -> PathBuf {
        self.dir.join("keys.sock")
    }
}

impl Gateway {
    /// Somebody with this voice at a telephone on a line.
    pub fn line(&self, endpoint: &str, voice: u64) -> Telephone {
        Telephone { socket: self.lines.clone(), endpoint: endpoint.to_owned(), voice }
    }

    /// What `ringfence ipsec show` says.
    pub fn ipsec(&self) -> Result<Value> {
        ringfence(&self.programs, &["ipsec", "show", "--socket", text(&self.relay.socket)?])
    }

    /// How many connections send or receive media.
    pub fn flows(&self) -> Result<usize> {
        Ok(self.relay.report()?.flows.len())
    }

    /// What each connection to the network receives and sends under.
    pub fn suites(&self) -> Result<Vec<String>> {
        let flows = self.relay.report()?.flows;
        Ok(flows.into_iter().flat_map(|flow| [flow.receive, flow.send]).collect())
    }

    /// Datagrams that were dropped, for they came in clear.
    pub fn came_in_clear(&self) -> Result<u64> {
        Ok(self.relay.report()?.mgcp.get("came_in_clear").copied().unwrap_or_default())
    }

    pub fn stop(self) -> Result<()> {
        self.relay.stop()
    }
}
