//! Networks that media come from and go to.

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;

use port::PortId;

/// A network that media come from and go to.
#[derive(Clone, Debug)]
pub struct Network {
    /// Its name: `x-net:` in MGCP, `direction` in ng, and in reports.
    pub name: String,
    /// The port that leads there.
    pub port: PortId,
    /// Our media addresses there.
    pub addresses: Vec<IpAddr>,
    /// Peers in these prefixes are reached through it, unless the command says otherwise.
    pub prefixes: Vec<Prefix>,
    /// RTP takes the even, RTCP the odd ones.
    pub ports: RangeInclusive<u16>,
}

/// Whether these networks can be used beside each other.
pub fn check(networks: &[Network]) -> Result<(), NetworkError> {
    if networks.is_empty() {
        return Err(NetworkError::None);
    }
    networks.iter().enumerate().try_for_each(|(index, network)| {
        let twice = networks[..index].iter().any(|other| other.name == network.name);
        if twice { Err(NetworkError::Twice(network.name.clone())) } else { network.check() }
    })
}

impl Network {
    fn check(&self) -> Result<(), NetworkError> {
        let name_fits = (1..=32).contains(&self.name.len())
            && self.name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if !name_fits {
            return Err(NetworkError::Name(self.name.clone()));
        }
        if self.addresses.is_empty() {
            return Err(NetworkError::NoAddress(self.name.clone()));
        }
        if *self.ports.start() == 0 || self.first_pair() + 1 > u32::from(*self.ports.end()) {
            return Err(NetworkError::PortRange(self.name.clone()));
        }
        Ok(())
    }

    /// The first even port.
    pub(crate) fn first_pair(&self) -> u32 {
        u32::from(*self.ports.start()).next_multiple_of(2)
    }

    /// Pairs of an even port and the odd one behind it.
    pub(crate) fn pairs(&self) -> usize {
        (u32::from(*self.ports.end()) + 1 - self.first_pair()) as usize / 2
    }

    /// Whether `address` is one of its peers'.
    pub fn leads_to(&self, address: IpAddr) -> bool {
        self.prefixes.iter().any(|prefix| prefix.contains(address))
    }
}

/// Why media networks cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Media have nowhere to go.
    #[error("no media network: define at least one")]
    None,
    /// Two networks have one name.
    #[error("two media networks are named `{0}`: rename one")]
    Twice(String),
    /// A name that `x-net:` cannot carry.
    #[error("media network `{0}`: use 1 to 32 letters, digits, `-` or `_`")]
    Name(String),
    /// A network without an address of ours.
    #[error("media network `{0}` has no address: give our address there")]
    NoAddress(String),
    /// A range without an even and an odd port.
    #[error("media network `{0}`: its port range needs an even port and the next one")]
    PortRange(String),
}

/// `10.1.0.0/16`, `2001:db8::/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

impl Prefix {
    /// Whether `address` lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.length)).unwrap_or(0);
                (ours.to_bits() ^ theirs.to_bits()) & mask == 0
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.length)).unwrap_or(0);
                (ours.to_bits() ^ theirs.to_bits()) & mask == 0
            }
            _ => false,
        }
    }
}

impl From<Prefix> for (IpAddr, u8) {
    fn from(prefix: Prefix) -> Self {
        (prefix.address, prefix.length)
    }
}

/// Not an address prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address prefix: write 10.1.0.0/16 or 2001:db8::/32")]
pub struct PrefixError(String);

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let illegal = || PrefixError(text.to_owned());
        let (address, length) = text.split_once('/').ok_or_else(illegal)?;
        let address: IpAddr = address.parse().map_err(|_| illegal())?;
        let length: u8 = length.parse().map_err(|_| illegal())?;
        let max = if address.is_ipv4() { 32 } else { 128 };
        if length > max {
            return Err(illegal());
        }
        Ok(Self { address, length })
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_contain_their_addresses() {
        let within = |prefix: &str, address: &str| {
            prefix.parse::<Prefix>().unwrap().contains(address.parse().unwrap())
        };
        assert!(within("10.1.0.0/16", "10.1.255.1") && !within("10.1.0.0/16", "10.2.0.1"));
        assert!(within("0.0.0.0/0", "192.0.2.1") && !within("0.0.0.0/0", "2001:db8::1"));
        assert!(within("2001:db8::/32", "2001:db8:1::1") && within("::/0", "2001:db8::1"));
        assert!(within("10.0.0.1/32", "10.0.0.1") && !within("10.0.0.1/32", "10.0.0.2"));
        for bad in ["10.0.0.0", "10.0.0.0/33", "x/8", "2001:db8::/129"] {
            assert!(bad.parse::<Prefix>().is_err(), "{bad}");
        }
    }

    #[test]
    fn pairs_lie_inside_their_range() {
        let network = |ports| Network {
            name: "n".into(),
            port: PortId(0),
            addresses: vec!["10.0.0.1".parse().unwrap()],
            prefixes: Vec::new(),
            ports,
        };
        assert_eq!(network(16384..=32767).pairs(), 8192);
        assert_eq!((network(5..=9).first_pair(), network(5..=9).pairs()), (6, 2));
        assert_eq!(network(65534..=65535).pairs(), 1);
        assert!(network(7..=8).check().is_err() && network(0..=9).check().is_err());
    }
}
