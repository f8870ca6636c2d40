//! Ethernet II with up to two VLAN tags (IEEE 802.1Q, 802.1ad).

use core::fmt;

use crate::{WireError, be16};

/// Length of an Ethernet header without tags.
pub const HEADER_LEN: usize = 14;
/// Length of one VLAN tag.
pub const TAG_LEN: usize = 4;

/// EtherType of IPv4.
pub const IPV4: u16 = 0x0800;
/// EtherType of IPv6.
pub const IPV6: u16 = 0x86dd;
/// EtherType of an IEEE 802.1Q tag.
pub const VLAN: u16 = 0x8100;
/// EtherType of an IEEE 802.1ad service tag.
pub const SERVICE_VLAN: u16 = 0x88a8;

/// A 48-bit MAC address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MacAddr(pub [u8; 6]);

/// A VLAN tag as it stands in the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VlanTag {
    /// [`VLAN`] or [`SERVICE_VLAN`].
    pub protocol: u16,
    /// Priority, drop eligibility and identifier.
    pub control: u16,
}

/// The link-layer header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// To whom.
    pub destination: MacAddr,
    /// From whom.
    pub source: MacAddr,
    /// Tags, outermost first.
    pub tags: [Option<VlanTag>; 2],
    /// What follows.
    pub ether_type: u16,
}

impl Header {
    /// Reads the header in front of `frame`.
    pub fn parse(frame: &[u8]) -> Result<Self, WireError> {
        if frame.len() < HEADER_LEN {
            return Err(WireError::Truncated);
        }
        let mut header = Self {
            destination: MacAddr::at(frame, 0),
            source: MacAddr::at(frame, 6),
            tags: [None, None],
            ether_type: be16(frame, 12),
        };
        let mut at = HEADER_LEN;
        for tag in &mut header.tags {
            if !matches!(header.ether_type, VLAN | SERVICE_VLAN) {
                break;
            }
            if frame.len() < at + TAG_LEN {
                return Err(WireError::Truncated);
            }
            *tag = Some(VlanTag { protocol: header.ether_type, control: be16(frame, at) });
            header.ether_type = be16(frame, at + 2);
            at += TAG_LEN;
        }
        Ok(header)
    }

    /// Octets the header takes.
    pub fn len(&self) -> usize {
        HEADER_LEN + TAG_LEN * self.tags.iter().flatten().count()
    }

    /// A header is never empty.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Writes the header to the front of `frame`, which has at least [`Header::len`] octets.
    pub fn emit(&self, frame: &mut [u8]) {
        frame[..6].copy_from_slice(&self.destination.0);
        frame[6..12].copy_from_slice(&self.source.0);
        let mut at = 12;
        for tag in self.tags.iter().flatten() {
            frame[at..at + 2].copy_from_slice(&tag.protocol.to_be_bytes());
            frame[at + 2..at + 4].copy_from_slice(&tag.control.to_be_bytes());
            at += TAG_LEN;
        }
        frame[at..at + 2].copy_from_slice(&self.ether_type.to_be_bytes());
    }
}

impl MacAddr {
    fn at(bytes: &[u8], at: usize) -> Self {
        let mut mac = [0; 6];
        mac.copy_from_slice(&bytes[at..at + 6]);
        Self(mac)
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(tags: [Option<VlanTag>; 2]) -> Header {
        Header {
            destination: MacAddr([2, 0, 0, 0, 0, 1]),
            source: MacAddr([2, 0, 0, 0, 0, 2]),
            tags,
            ether_type: IPV4,
        }
    }

    #[test]
    fn emit_is_the_inverse_of_parse() {
        let outer = Some(VlanTag { protocol: SERVICE_VLAN, control: 0x2064 });
        let inner = Some(VlanTag { protocol: VLAN, control: 0x00c8 });
        for tags in [[None, None], [inner, None], [outer, inner]] {
            let header = header(tags);
            let mut frame = [0xff; 22];
            header.emit(&mut frame);
            assert_eq!(Header::parse(&frame[..header.len()]), Ok(header));
            assert_eq!(Header::parse(&frame[..header.len() - 1]), Err(WireError::Truncated));
        }
    }

    #[test]
    fn a_third_tag_is_what_follows() {
        let tag = Some(VlanTag { protocol: VLAN, control: 1 });
        let triple = Header { ether_type: VLAN, ..header([tag, tag]) };
        let mut frame = [0; 22];
        triple.emit(&mut frame);
        assert_eq!(Header::parse(&frame).map(|h| h.ether_type), Ok(VLAN));
    }
}
