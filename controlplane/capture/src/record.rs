//! A message that was captured.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use zeroize::Zeroizing;

/// Longest message that is kept; SCCP and MGCP know none that is longer.
pub const MAX_MESSAGE: usize = 64 * 1024 - 1;

/// A message between a device and its server, in clear. It may hold media keys: it is erased when
/// dropped, and `Debug` shows its length only.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// When, since the Unix epoch.
    pub at: Duration,
    /// Whose signalling it is; empty where a file does not say.
    pub device: String,
    /// From where it came.
    pub source: SocketAddr,
    /// To where it went.
    pub destination: SocketAddr,
    /// What it is, and what carried it.
    pub protocol: Protocol,
    /// Whether the device said it, or its server.
    pub from_device: bool,
    /// The message, header and all.
    pub message: Zeroizing<Vec<u8>>,
}

/// What a message is, and what carried it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Protocol {
    /// SCCP over TCP.
    Sccp = 1,
    /// SCCP that TLS carried.
    SccpOverTls = 2,
    /// MGCP in datagrams.
    Mgcp = 3,
    /// What a gateway backhauls over TCP.
    MgcpBackhaul = 4,
}

impl Protocol {
    const ALL: [Self; 4] = [Self::Sccp, Self::SccpOverTls, Self::Mgcp, Self::MgcpBackhaul];

    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sccp => "SCCP",
            Self::SccpOverTls => "SCCP out of TLS",
            Self::Mgcp => "MGCP",
            Self::MgcpBackhaul => "MGCP backhaul",
        }
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("at", &self.at)
            .field("device", &self.device)
            .field("source", &self.source)
            .field("destination", &self.destination)
            .field("protocol", &self.protocol)
            .field("from_device", &self.from_device)
            .field("octets", &self.message.len())
            .finish()
    }
}

impl Record {
    /// The record as octets: time in nanoseconds (8), protocol (1, its highest bit from the
    /// device), both addresses (16 + 2 each; IPv4 as IPv6 has it), then device (1 + n) and message (4 + n) behind their lengths.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let device = &self.device.as_bytes()[..self.device.len().min(u8::MAX.into())];
        let message = &self.message[..self.message.len().min(MAX_MESSAGE)];
        // All at once: growing would leave copies of what is secret.
        let length = FIXED + 1 + device.len() + 4 + message.len();
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        let nanoseconds = u64::try_from(self.at.as_nanos()).unwrap_or(u64::MAX);
        bytes.extend(nanoseconds.to_be_bytes());
        bytes.push(self.protocol as u8 | if self.from_device { FROM_DEVICE } else { 0 });
        for address in [self.source, self.destination] {
            let ip = match address.ip() {
                IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                IpAddr::V6(ip) => ip,
            };
            bytes.extend(ip.octets());
            bytes.extend(address.port().to_be_bytes());
        }
        bytes.push(device.len() as u8);
        bytes.extend(device);
        bytes.extend((message.len() as u32).to_be_bytes());
        bytes.extend(message);
        bytes
    }

    /// Reads what [`Record::to_bytes`] wrote; `None` if it is something else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (fixed, rest) = bytes.split_first_chunk::<FIXED>()?;
        let (at, fixed) = fixed.split_first_chunk::<8>()?;
        let (&protocol, fixed) = fixed.split_first()?;
        let from_device = protocol & FROM_DEVICE != 0;
        let protocol = protocol & !FROM_DEVICE;
        let protocol = Protocol::ALL.into_iter().find(|known| *known as u8 == protocol)?;
        let (source, destination) = fixed.split_first_chunk::<ADDRESS>()?;
        let (&length, rest) = rest.split_first()?;
        let (device, rest) = rest.split_at_checked(length.into())?;
        let (length, message) = rest.split_first_chunk::<4>()?;
        if usize::try_from(u32::from_be_bytes(*length)).ok()? != message.len() {
            return None;
        }
        Some(Self {
            at: Duration::from_nanos(u64::from_be_bytes(*at)),
            device: String::from_utf8(device.to_vec()).ok()?,
            source: address(source),
            destination: address(destination.first_chunk()?),
            protocol,
            from_device,
            message: Zeroizing::new(message.to_vec()),
        })
    }
}

const FROM_DEVICE: u8 = 0x80;
const ADDRESS: usize = 18;
const FIXED: usize = 8 + 1 + 2 * ADDRESS;

fn address(bytes: &[u8; ADDRESS]) -> SocketAddr {
    let [ip @ .., high, low] = bytes;
    let ip = Ipv6Addr::from(*ip);
    SocketAddr::new(ip.to_canonical(), u16::from_be_bytes([*high, *low]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(message: Vec<u8>, device: String, ipv6: bool) -> Record {
        let ends = match ipv6 {
            true => ["[2001:db8::1]:2443", "[2001:db8::2]:49152"],
            false => ["192.0.2.1:2443", "192.0.2.2:49152"],
        };
        let [source, destination] = ends.map(|end| end.parse().unwrap());
        let at = Duration::from_nanos(1_790_000_000_123_456_789);
        let (protocol, message) = (Protocol::SccpOverTls, Zeroizing::new(message));
        Record { at, device, source, destination, protocol, from_device: ipv6, message }
    }

    proptest! {
        // R: CAP-04
        #[test]
        fn what_is_kept_comes_back(message: Vec<u8>, device in "[A-Z0-9]{0,40}", ipv6: bool) {
            let record = record(message, device, ipv6);
            let bytes = record.to_bytes();
            prop_assert_eq!(Record::from_bytes(&bytes), Some(record));
            for cut in [0, 10, bytes.len() - 1] {
                prop_assert_eq!(Record::from_bytes(&bytes[..cut]), None);
            }
        }

        #[test]
        fn any_octets_are_borne(bytes: Vec<u8>) {
            if let Some(record) = Record::from_bytes(&bytes) {
                prop_assert!(record.message.len() <= bytes.len());
            }
        }
    }

    #[test]
    fn messages_are_not_printed() {
        let shown = format!("{:?}", record(vec![0xab; 8], "SEP001122334455".into(), false));
        assert!(shown.contains("octets: 8") && !shown.contains("171"), "{shown}");
    }
}
