//! The network of the relay scenarios.
//!
//! ```text
//!   a (phone)       10.1.0.2  ─┐                                     ┌─ 10.2.0.2  b (phone)
//!   ca (call agent) 10.1.0.9  ─┼─ inside ─ 10.1.0.1 gw 10.2.0.1 ─ outside
//!   x (attacker)    10.1.0.66 ─┘                                     └─ 10.2.0.66 x (attacker)
//! ```
//!
//! `inside` and `outside` are bridges in the namespace `lan`. IPv6 addresses have the same last octet: fd01::2 and so on.

use std::fs;
use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result};

use crate::net::{Lab, Namespace};

/// The machines.
pub struct Topology {
    pub phone_a: Namespace,
    pub phone_b: Namespace,
    pub call_agent: Namespace,
    pub attacker: Namespace,
    pub gateway: Namespace,
    /// Joins them; nobody lives in it.
    lan: Namespace,
}

/// Which family media and signalling use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

/// The two networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Inside = 1,
    Outside = 2,
}

/// The gateway's host number in both networks.
pub const GATEWAY: u8 = 1;
/// The telephone's.
pub const PHONE: u8 = 2;
/// The call agent's, inside.
pub const CALL_AGENT: u8 = 9;
/// The attacker's, in both networks.
pub const ATTACKER: u8 = 66;

impl Side {
    /// Its name, and that of the gateway's interface there.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Outside => "outside",
        }
    }
}

impl Family {
    /// A host's address.
    pub fn address(self, side: Side, host: u8) -> IpAddr {
        match self {
            Self::V4 => IpAddr::from([10, side as u8, 0, host]),
            Self::V6 => {
                let mut octets = [0; 16];
                (octets[0], octets[1], octets[15]) = (0xfd, side as u8, host);
                IpAddr::from(octets)
            }
        }
    }

    /// A host's socket address.
    pub fn socket(self, side: Side, host: u8, port: u16) -> SocketAddr {
        SocketAddr::new(self.address(side, host), port)
    }

    /// The network, as in `10.1.0.0/24`.
    pub fn network(self, side: Side) -> String {
        format!("{}/{}", self.address(side, 0), self.prefix())
    }

    fn prefix(self) -> u8 {
        match self {
            Self::V4 => 24,
            Self::V6 => 64,
        }
    }
}

impl Topology {
    /// Builds it.
    pub fn build(lab: &Lab) -> Result<Self> {
        let lan = lab.namespace("lan")?;
        let topology = Self {
            phone_a: lab.namespace("a")?,
            phone_b: lab.namespace("b")?,
            call_agent: lab.namespace("ca")?,
            attacker: lab.namespace("x")?,
            gateway: lab.namespace("gw")?,
            lan: lan.clone(),
        };
        for side in [Side::Inside, Side::Outside] {
            lan.bridge(side.name())?;
        }
        let hosts = [
            (&topology.phone_a, "eth0", Side::Inside, PHONE, "a"),
            (&topology.phone_b, "eth0", Side::Outside, PHONE, "b"),
            (&topology.call_agent, "eth0", Side::Inside, CALL_AGENT, "ca"),
            (&topology.attacker, "eth0", Side::Inside, ATTACKER, "x-in"),
            (&topology.attacker, "eth1", Side::Outside, ATTACKER, "x-out"),
            (&topology.gateway, "inside", Side::Inside, GATEWAY, "gw-in"),
            (&topology.gateway, "outside", Side::Outside, GATEWAY, "gw-out"),
        ];
        for (namespace, interface, side, host, port) in hosts {
            let (link, plug) = lab.veth((namespace, interface), (&lan, port))?;
            plug.join(&lan.link(side.name()))?;
            link.mac(&mac(side, host))?;
            link.finish_packets()?;
            for family in [Family::V4, Family::V6] {
                link.address(&format!("{}/{}", family.address(side, host), family.prefix()))?;
            }
        }
        topology.disguise()?;
        Ok(topology)
    }

    /// The gateway's interfaces that have an XDP program.
    pub fn interfaces_with_xdp(&self) -> Result<Vec<&'static str>> {
        let mut with = Vec::new();
        for side in [Side::Inside, Side::Outside] {
            if self.gateway.link(side.name()).show()?.contains("xdp") {
                with.push(side.name());
            }
        }
        Ok(with)
    }

    /// Lets the far ends of the gateway's links take frames that XDP programs send.
    pub fn take_xdp_frames(&self) -> Result<()> {
        ["gw-in", "gw-out"].iter().try_for_each(|port| self.lan.link(port).receive_in_bursts())
    }

    /// UDP sockets that are bound in the gateway.
    pub fn gateway_udp_sockets(&self) -> Result<usize> {
        let rows = |table| fs::read_to_string(table).map(|text| text.lines().skip(1).count());
        let tables = ["/proc/thread-self/net/udp", "/proc/thread-self/net/udp6"];
        let counts = self.gateway.enter(|| tables.map(rows))?;
        let counts = counts.into_iter().collect::<Result<Vec<_>, _>>();
        Ok(counts.context("cannot read the gateway's UDP sockets")?.into_iter().sum())
    }

    /// Lets the attacker send from the telephone's addresses, unnoticed: it has them, but never
    /// says so by ARP or neighbour discovery, and knows the gateway's MAC address by itself.
    fn disguise(&self) -> Result<()> {
        let link = self.attacker.link("eth0");
        link.silence()?;
        for family in [Family::V4, Family::V6] {
            let host = if family == Family::V4 { 32 } else { 128 };
            link.address(&format!("{}/{host}", family.address(Side::Inside, PHONE)))?;
            let gateway = family.address(Side::Inside, GATEWAY);
            link.neighbour(gateway, &mac(Side::Inside, GATEWAY))?;
        }
        Ok(())
    }
}

fn mac(side: Side, host: u8) -> String {
    format!("02:00:00:00:{:02x}:{host:02x}", side as u8)
}
