//! Selectors (RFC 4301 §4.4.1.1): which traffic a policy or an association is for.

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use crate::ip::{ICMP, ICMPV6};

/// Which way packets go, seen from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the peer to us.
    Inbound,
    /// From us to the peer.
    Outbound,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Inbound, Self::Outbound];
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        })
    }
}

/// Who talks to whom. Ours is the local side, whichever way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// Our side's address.
    pub local: IpAddr,
    /// The other side's.
    pub remote: IpAddr,
    /// The protocol in IP.
    pub protocol: u8,
    /// Our side's port, or ICMP type and code as one number (RFC 7296 §3.13.1). None in fragments
    /// other than the first, where nobody can see it.
    pub local_port: Option<u16>,
    /// The other side's port, or ICMP type and code.
    pub remote_port: Option<u16>,
}

impl Flow {
    /// A flow of UDP.
    pub fn udp(local: (IpAddr, u16), remote: (IpAddr, u16)) -> Self {
        Self::of(17, local, remote)
    }

    /// A flow of TCP.
    pub fn tcp(local: (IpAddr, u16), remote: (IpAddr, u16)) -> Self {
        Self::of(6, local, remote)
    }

    fn of(protocol: u8, local: (IpAddr, u16), remote: (IpAddr, u16)) -> Self {
        Self {
            local: local.0,
            remote: remote.0,
            protocol,
            local_port: Some(local.1),
            remote_port: Some(remote.1),
        }
    }
}

/// A range of addresses of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

impl AddressRange {
    /// All addresses from `first` to `last`; None if they are of two families or in the wrong
    /// order.
    pub fn new(first: IpAddr, last: IpAddr) -> Option<Self> {
        (first.is_ipv4() == last.is_ipv4() && first <= last).then_some(Self { first, last })
    }

    /// The network that `address` is in; None if the prefix is too long.
    pub fn network(address: IpAddr, prefix: u8) -> Option<Self> {
        Some(match address {
            IpAddr::V4(address) => {
                let host = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
                let bits = address.to_bits();
                (prefix <= 32).then(|| Self {
                    first: IpAddr::V4((bits & !host).into()),
                    last: IpAddr::V4((bits | host).into()),
                })?
            }
            IpAddr::V6(address) => {
                let host = u128::MAX.checked_shr(prefix.into()).unwrap_or(0);
                let bits = address.to_bits();
                (prefix <= 128).then(|| Self {
                    first: IpAddr::V6((bits & !host).into()),
                    last: IpAddr::V6((bits | host).into()),
                })?
            }
        })
    }

    /// Whether the address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.first.is_ipv4() && self.first <= address && address <= self.last
    }

    /// First and last address.
    pub fn bounds(&self) -> (IpAddr, IpAddr) {
        (self.first, self.last)
    }
}

impl From<IpAddr> for AddressRange {
    fn from(address: IpAddr) -> Self {
        Self { first: address, last: address }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            return write!(f, "{}", self.first);
        }
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// How a flow stands to a selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    No,
    /// Its ports decide, and nobody can see them.
    Perhaps,
    Yes,
}

/// Which traffic is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// Our side.
    pub local: AddressRange,
    /// The other side.
    pub remote: AddressRange,
    /// The protocol in IP; None for every one.
    pub protocol: Option<u8>,
    /// Our side's ports. For ICMP type and code as one number, and `remote_ports` is not looked at.
    pub local_ports: RangeInclusive<u16>,
    /// The other side's ports.
    pub remote_ports: RangeInclusive<u16>,
}

impl Selector {
    /// All traffic between two ranges.
    pub fn between(local: impl Into<AddressRange>, remote: impl Into<AddressRange>) -> Self {
        Self {
            local: local.into(),
            remote: remote.into(),
            protocol: None,
            local_ports: 0..=u16::MAX,
            remote_ports: 0..=u16::MAX,
        }
    }

    /// Only that of one protocol.
    #[must_use]
    pub fn protocol(mut self, protocol: u8) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// Only that from or to these ports.
    #[must_use]
    pub fn ports(mut self, local: RangeInclusive<u16>, remote: RangeInclusive<u16>) -> Self {
        (self.local_ports, self.remote_ports) = (local, remote);
        self
    }

    #[inline]
    pub(crate) fn matches(&self, flow: &Flow) -> Match {
        let ours = self.protocol.is_none_or(|protocol| protocol == flow.protocol)
            && self.local.contains(flow.local)
            && self.remote.contains(flow.remote);
        if !ours {
            return Match::No;
        }
        let icmp = matches!(flow.protocol, ICMP | ICMPV6);
        let sides = [
            within(&self.local_ports, flow.local_port),
            if icmp { Match::Yes } else { within(&self.remote_ports, flow.remote_port) },
        ];
        if sides.contains(&Match::No) {
            Match::No
        } else if sides.contains(&Match::Perhaps) {
            Match::Perhaps
        } else {
            Match::Yes
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports = |ports: &RangeInclusive<u16>| match (*ports.start(), *ports.end()) {
            (0, u16::MAX) => String::new(),
            (first, last) if first == last => format!(":{first}"),
            (first, last) => format!(":{first}-{last}"),
        };
        let (local, remote) = (ports(&self.local_ports), ports(&self.remote_ports));
        write!(f, "{}{local} <-> {}{remote}", self.local, self.remote)?;
        match self.protocol {
            Some(protocol) => write!(f, " protocol {protocol}"),
            None => Ok(()),
        }
    }
}

fn within(ports: &RangeInclusive<u16>, port: Option<u16>) -> Match {
    match port {
        _ if *ports == (0..=u16::MAX) => Match::Yes,
        Some(port) if ports.contains(&port) => Match::Yes,
        Some(_) => Match::No,
        None => Match::Perhaps,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_have_their_bounds() {
        let bounds =
            |text, prefix| AddressRange::network(ip(text), prefix).map(|range| range.to_string());
        assert_eq!(bounds("10.1.2.3", 24).unwrap(), "10.1.2.0-10.1.2.255");
        assert_eq!(bounds("10.1.2.3", 32).unwrap(), "10.1.2.3");
        assert_eq!(bounds("10.1.2.3", 0).unwrap(), "0.0.0.0-255.255.255.255");
        assert_eq!(bounds("fd00::7", 126).unwrap(), "fd00::4-fd00::7");
        assert_eq!(bounds("10.1.2.3", 33), None);
        assert_eq!(AddressRange::new(ip("10.0.0.2"), ip("10.0.0.1")), None);
        assert_eq!(AddressRange::new(ip("10.0.0.2"), ip("fd00::1")), None);
    }

    #[test]
    fn ports_nobody_sees_match_perhaps() {
        let mgcp = Selector::between(ip("10.0.0.1"), ip("10.0.0.2"))
            .protocol(17)
            .ports(2427..=2427, 0..=u16::MAX);
        let mut flow = Flow::udp((ip("10.0.0.1"), 2427), (ip("10.0.0.2"), 5000));
        assert_eq!(mgcp.matches(&flow), Match::Yes);
        flow.local_port = Some(2428);
        assert_eq!(mgcp.matches(&flow), Match::No);
        (flow.local_port, flow.remote_port) = (None, None);
        assert_eq!(mgcp.matches(&flow), Match::Perhaps);
        flow.protocol = 6;
        assert_eq!(mgcp.matches(&flow), Match::No);
    }
}
