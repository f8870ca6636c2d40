//! A second network, and the relay between it and the first.
//!
//! ```text
//!   voice ─ 10.3.0.1 gw 10.4.0.1 ─ branch ─ 10.4.0.100  br (phones)
//! ```
//!
//! `gw` routes signalling and files; media ends in its relay, `ringfence-datad` on XDP.

use std::net::IpAddr;
use std::path::Path;

use anyhow::Result;

use super::site::{Site, address};
use crate::net::{Lab, Namespace};
use crate::relay::Relay;

/// The gateway's host number in both networks.
const GATEWAY: u8 = 1;
/// That of the machine with the phones.
const PHONES: u8 = 100;

/// The branch and the gateway to it.
pub struct Branch {
    pub gateway: Namespace,
    pub phones: Namespace,
}

impl Branch {
    /// Where the relay waits for commands.
    pub fn relay_address() -> IpAddr {
        address(GATEWAY)
    }

    /// Where phones at the branch find the gateway.
    pub fn gateway_address() -> IpAddr {
        branch_address(GATEWAY)
    }

    /// Builds the network behind the site's, and the routes between them.
    pub fn build(lab: &Lab, site: &Site) -> Result<Self> {
        let gateway = site.add_machine(lab, "gw", GATEWAY)?;
        gateway.sysctl("net/ipv4/ip_forward", "1")?;
        let phones = lab.namespace("br")?;
        let (link, plug) = lab.veth((&phones, "eth0"), (&gateway, "eth1"))?;
        for (end, host) in [(&link, PHONES), (&plug, GATEWAY)] {
            end.finish_packets()?;
            end.address(&format!("{}/24", branch_address(host)))?;
        }
        phones.route("default", branch_address(GATEWAY))?;
        for machine in [&site.cm1.namespace, &site.phones, &site.admin] {
            machine.route("10.4.0.0/24", address(GATEWAY))?;
        }
        Ok(Self { gateway, phones })
    }

    /// Starts the relay, commanded from `call_agent`.
    pub fn start_relay(&self, programs: &Path, call_agent: IpAddr, logs: &Path) -> Result<Relay> {
        let mut configuration = format!(
            "[datad.gateway]\nname = \"relay1\"\nlisten = [\"{}:2427\"]\n\
             call_agents = [\"{call_agent}\"]\nnotify = \"{call_agent}:2727\"\n\
             restart_wait_ms = 0\n",
            Self::relay_address(),
        );
        for (name, interface, at) in
            [("voice", "eth0", address as fn(u8) -> IpAddr), ("branch", "eth1", branch_address)]
        {
            configuration += &format!(
                "\n[[datad.media]]\nname = \"{name}\"\ninterface = \"{interface}\"\n\
                 addresses = [\"{}\"]\nnetworks = [\"{}/24\"]\n",
                at(GATEWAY),
                at(0),
            );
        }
        Relay::start(&self.gateway, programs, &configuration, logs)
    }
}

/// The address of a machine at the branch.
fn branch_address(host: u8) -> IpAddr {
    IpAddr::from([10, 4, 0, host])
}
