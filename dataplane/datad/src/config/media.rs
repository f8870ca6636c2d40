//! The media side: `[[datad.media]]`.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// A network that media comes from and goes to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaConfig {
    /// Its name, as in the connection option `x-net`.
    pub name: String,
    /// The interface it is reached through; absent: UDP sockets.
    pub interface: Option<String>,
    /// VLANs that frames carry on that interface, outermost first.
    #[serde(default)]
    pub vlans: Vlans,
    /// The interface whose routes and neighbours the kernel keeps for this network, such as
    /// `eth1.100`; absent: `interface`.
    pub kernel_interface: Option<String>,
    /// How packets are moved.
    #[serde(default)]
    pub path: PathChoice,
    /// Our media addresses there, one of each family at most.
    pub addresses: Vec<IpAddr>,
    /// Peers that are in this network.
    #[serde(default)]
    pub networks: Vec<PeerNetwork>,
    /// Media ports, `"16384-32767"`.
    #[serde(default)]
    pub ports: Ports,
}

/// How packets of a network are moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathChoice {
    /// The fastest that works, saying why not a faster one.
    #[default]
    Auto,
    /// XDP in the driver, or fail.
    XdpNative,
    /// XDP behind the driver, or fail.
    XdpGeneric,
    /// UDP sockets.
    Socket,
}

/// A range of media ports with an even first and an odd last one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports(pub RangeInclusive<u16>);

impl Default for Ports {
    fn default() -> Self {
        Self(16384..=32767)
    }
}

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let range = text.split_once('-').and_then(|(first, last)| {
            Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
        });
        match range {
            Some((first, last))
                if first >= 1024u16 && first % 2 == 0 && last % 2 == 1 && first < last =>
            {
                Ok(Self(first..=last))
            }
            _ => Err(D::Error::custom(format!(
                "`{text}` is no range of media ports: write \"first-last\" with an even first port \
                 from 1024 and an odd last one, like \"16384-32767\""
            ))),
        }
    }
}

/// A network of peers, `10.1.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerNetwork(pub gateway::Prefix);

impl<'de> Deserialize<'de> for PeerNetwork {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

/// Up to two VLAN identifiers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vlans(pub Vec<u16>);

impl<'de> Deserialize<'de> for Vlans {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let vlans = Vec::<u16>::deserialize(deserializer)?;
        if vlans.len() <= 2 && vlans.iter().all(|vlan| (1..=4094).contains(vlan)) {
            Ok(Self(vlans))
        } else {
            Err(D::Error::custom("up to two VLANs from 1 to 4094, outermost first, like [100]"))
        }
    }
}

impl MediaConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        let name = &self.name;
        if self.addresses.is_empty() {
            return Err(format!("media network `{name}` has no addresses"));
        }
        let v4 = self.addresses.iter().filter(|address| address.is_ipv4()).count();
        if v4 > 1 || self.addresses.len() - v4 > 1 {
            return Err(format!("media network `{name}` has two addresses of one family"));
        }
        match (self.path, &self.interface) {
            (PathChoice::XdpNative | PathChoice::XdpGeneric, None) => {
                Err(format!("media network `{name}` wants XDP: name its `interface`"))
            }
            _ => Ok(()),
        }
    }
}
