//! The section `[datad.ipsec]`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use keying::feed;
use keying::manual::{Manual, Protect};
use serde::Deserialize;

use super::bypass::BypassConfig;

/// Settings of IPsec.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IpsecConfig {
    /// Associations by hand.
    #[serde(default)]
    pub manual: Vec<Manual>,
    /// Peers whose associations an IKE daemon negotiates.
    #[serde(default)]
    pub peer: Vec<Peer>,
    /// Where that daemon's plugin finds us.
    #[serde(default = "default_socket")]
    pub keys_socket: PathBuf,
    /// ESP past the kernel; absent: through its raw sockets.
    pub bypass: Option<BypassConfig>,
}

/// A peer that an IKE daemon negotiates with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Its name, for people.
    pub name: String,
    /// Our address, as MGCP has it.
    pub local: IpAddr,
    /// The peer's, as MGCP has it.
    pub remote: IpAddr,
    /// The address that ESP packets come to, where a tunnel ends; absent: `local`.
    outer: Option<IpAddr>,
    /// What is protected between the two addresses.
    #[serde(default)]
    pub protect: Protect,
}

fn default_socket() -> PathBuf {
    feed::DEFAULT_SOCKET.into()
}

impl Peer {
    /// The address that ESP packets come to.
    pub fn outer(&self) -> IpAddr {
        self.outer.unwrap_or(self.local)
    }
}

impl IpsecConfig {
    /// What single values cannot show: that the associations are of MGCP addresses, and that the
    /// network of a bypass is one of these.
    pub fn check<'n>(
        &self,
        listen: &[SocketAddr],
        mut networks: impl Iterator<Item = &'n str>,
    ) -> Result<(), String> {
        if let Some(bypass) = &self.bypass
            && !networks.any(|name| name == bypass.network)
        {
            return Err(format!(
                "datad.ipsec.bypass.network is `{}`, but no [[datad.media]] section has that name",
                bypass.network
            ));
        }
        if self.manual.is_empty() && self.peer.is_empty() {
            return Err("[datad.ipsec] is there, but neither a [[datad.ipsec.peer]] nor a \
                        [[datad.ipsec.manual]]: nothing would be protected"
                .into());
        }
        let manual = self.manual.iter().map(|one| (&one.name, one.local, one.remote, one.local));
        let peers = self.peer.iter().map(|one| (&one.name, one.local, one.remote, one.outer()));
        for (name, local, remote, outer) in manual.chain(peers) {
            if local.is_ipv4() != remote.is_ipv4() {
                return Err(format!("`{name}`: {local} and {remote} are of two families"));
            }
            if !listen.iter().any(|address| address.ip() == local) {
                return Err(format!(
                    "`{name}` begins at {local}, which is not in datad.gateway.listen"
                ));
            }
            if outer.is_unspecified() {
                return Err(format!("`{name}`: ESP needs an address of its own, not {outer}"));
            }
        }
        Ok(())
    }

    /// The addresses that ESP packets come to.
    pub fn outer_addresses(&self) -> Vec<IpAddr> {
        let manual = self.manual.iter().map(|manual| manual.local);
        manual.chain(self.peer.iter().map(Peer::outer)).collect()
    }

    /// The addresses that are behind IPsec.
    pub fn inner_addresses(&self) -> Vec<IpAddr> {
        let manual = self.manual.iter().map(|manual| manual.local);
        manual.chain(self.peer.iter().map(|peer| peer.local)).collect()
    }
}
