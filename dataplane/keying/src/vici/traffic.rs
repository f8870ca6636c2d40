//! Traffic selectors as charon writes them: `10.1.0.1/32[udp/2427]`.

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;

use esp::AddressRange;

/// One side of the traffic that an association is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    addresses: AddressRange,
    /// None: every protocol.
    protocol: Option<u8>,
    ports: RangeInclusive<u16>,
    text: String,
}

/// Charon names ports that `/etc/services` names; these are the ones that MGCP and IKE use.
const SERVICES: &[(&str, u16)] = &[
    ("isakmp", 500),
    ("ipsec-nat-t", 4500),
    ("mgcp-gateway", 2427),
    ("mgcp-callagent", 2727),
    ("ott", 2428),
];

const PROTOCOLS: &[(&str, u8)] = &[("icmp", 1), ("tcp", 6), ("udp", 17), ("ipv6-icmp", 58)];

impl Traffic {
    /// Whether it takes in this side of a flow. A port that nobody knows is only in all ports.
    pub fn contains(&self, address: IpAddr, protocol: u8, port: Option<u16>) -> bool {
        self.addresses.contains(address)
            && self.protocol.is_none_or(|only| only == protocol)
            && match port {
                Some(port) => self.ports.contains(&port),
                None => self.ports == (0..=u16::MAX),
            }
    }
}

/// A selector that cannot be understood. It takes in nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("that is no traffic selector")]
pub struct NotTraffic;

impl FromStr for Traffic {
    type Err = NotTraffic;

    fn from_str(text: &str) -> Result<Self, NotTraffic> {
        read(text).ok_or(NotTraffic)
    }
}

fn read(text: &str) -> Option<Traffic> {
    let (addresses, upper) = match text.split_once('[') {
        Some((addresses, upper)) => (addresses, Some(upper.strip_suffix(']')?)),
        None => (text, None),
    };
    let addresses = match (addresses.split_once('/'), addresses.split_once("..")) {
        (Some((network, prefix)), _) => {
            AddressRange::network(network.parse().ok()?, prefix.parse().ok()?)?
        }
        (None, Some((first, last))) => AddressRange::new(first.parse().ok()?, last.parse().ok()?)?,
        (None, None) => AddressRange::from(addresses.parse::<IpAddr>().ok()?),
    };
    let (protocol, ports) = match upper {
        Some(upper) => match upper.split_once('/') {
            Some((protocol, ports)) => (Some(protocol), Some(ports)),
            None => (Some(upper), None),
        },
        None => (None, None),
    };
    let known =
        |name: &str| PROTOCOLS.iter().find(|(known, _)| *known == name).map(|&(_, number)| number);
    let protocol = match protocol {
        Some("0") | None => None,
        Some(name) => Some(known(name).or_else(|| name.parse().ok())?),
    };
    let ports = match ports.map(|ports| ports.split_once('-').ok_or(ports)) {
        None => 0..=u16::MAX,
        // "mgcp-gateway" has a hyphen and is no range.
        Some(Ok((first, last))) => match (first.parse(), last.parse()) {
            (Ok(first), Ok(last)) if first <= last => first..=last,
            _ => one(&format!("{first}-{last}"))?,
        },
        Some(Err(port)) => one(port)?,
    };
    Some(Traffic { addresses, protocol, ports, text: text.to_owned() })
}

fn one(port: &str) -> Option<RangeInclusive<u16>> {
    let named = SERVICES.iter().find(|(name, _)| *name == port).map(|&(_, port)| port);
    let port = named.or_else(|| port.parse().ok())?;
    Some(port..=port)
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_charon_writes_is_read() {
        let address = |text: &str| text.parse().unwrap();
        let takes = |text: &str, at: &str, protocol, port| {
            text.parse::<Traffic>().unwrap().contains(address(at), protocol, port)
        };
        for text in [
            "10.1.0.1/32[udp/2427]",
            "10.1.0.0/24[17/2427]",
            "10.1.0.0..10.1.0.9[udp]",
            "10.1.0.1/32",
            "10.1.0.1/32[udp/2000-3000]",
            "10.1.0.1/32[udp/mgcp-gateway]",
            "0.0.0.0/0",
        ] {
            assert!(takes(text, "10.1.0.1", 17, Some(2427)), "{text}");
            assert!(!takes(text, "fd00::1", 17, Some(2427)), "{text}");
        }
        assert!(takes("fd00::/64[tcp/2428]", "fd00::7", 6, Some(2428)));
        assert!(!takes("10.1.0.1/32[udp/2427]", "10.1.0.1", 17, Some(2428)));
        assert!(!takes("10.1.0.1/32[udp/2427]", "10.1.0.1", 17, None));
        assert!(!takes("10.1.0.1/32[udp/2427]", "10.1.0.1", 6, Some(2427)));
        assert!(!takes("10.1.0.1/32[udp/2427]", "10.1.0.2", 17, Some(2427)));
        assert!(takes("10.1.0.1/32[udp]", "10.1.0.1", 17, None));
    }

    #[test]
    fn what_is_not_understood_takes_in_nothing() {
        for text in [
            "dynamic",
            "",
            "10.1.0.1/33",
            "10.1.0.1/32[",
            "10.1.0.1/32[udp/",
            "10.1.0.1/32[udp/]",
            "10.1.0.1/32[udp/9-2]",
            "10.1.0.1/32[udp/OPAQUE]",
            "10.1.0.1/32[quic/9]",
            "10.1.0.9..10.1.0.1",
        ] {
            assert_eq!(text.parse::<Traffic>(), Err(NotTraffic), "{text}");
        }
    }
}
