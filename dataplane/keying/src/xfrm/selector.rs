//! Selectors as the kernel has them: from a source to a destination.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use esp::{AddressRange, Direction, Selector};

use super::{AF_INET, AF_INET6, address, be16_at, u16_at};

pub(super) const LEN: usize = 56;

/// Traffic from somewhere to somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    source: AddressRange,
    destination: AddressRange,
    source_ports: RangeInclusive<u16>,
    destination_ports: RangeInclusive<u16>,
    protocol: Option<u8>,
}

impl Traffic {
    /// Reads a selector; None for one without family, which is for everything.
    pub(super) fn read(octets: &[u8]) -> Option<Self> {
        let family = u16_at(octets, 40)?;
        let (destination_prefix, source_prefix) = (*octets.get(42)?, *octets.get(43)?);
        let network = |at, prefix| AddressRange::network(address(octets, at, family)?, prefix);
        Some(Self {
            destination: network(0, destination_prefix)?,
            source: network(16, source_prefix)?,
            destination_ports: ports(be16_at(octets, 32)?, be16_at(octets, 34)?),
            source_ports: ports(be16_at(octets, 36)?, be16_at(octets, 38)?),
            protocol: Some(*octets.get(44)?).filter(|&protocol| protocol != 0),
        })
    }

    /// All traffic of a family.
    pub(super) fn everything(any: IpAddr) -> Option<Self> {
        let all = AddressRange::network(any, 0)?;
        Some(Self {
            source: all,
            destination: all,
            source_ports: 0..=u16::MAX,
            destination_ports: 0..=u16::MAX,
            protocol: None,
        })
    }

    /// As seen from our side.
    pub fn selector(&self, direction: Direction) -> Selector {
        let source = (self.source, self.source_ports.clone());
        let destination = (self.destination, self.destination_ports.clone());
        let (local, remote) = match direction {
            Direction::Outbound => (source, destination),
            Direction::Inbound => (destination, source),
        };
        let selector = Selector::between(local.0, remote.0).ports(local.1, remote.1);
        Selector { protocol: self.protocol, ..selector }
    }
}

/// Whether a selector is for a family at all.
pub(super) fn has_family(octets: &[u8]) -> bool {
    matches!(u16_at(octets, 40), Some(AF_INET | AF_INET6))
}

/// A port and which of its bits count, the upper ones.
fn ports(port: u16, mask: u16) -> RangeInclusive<u16> {
    port & mask..=port | !mask
}
