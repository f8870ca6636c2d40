//! What a gateway tells a line, and what it hears back.
//!
//! The gateway knows hook, signals and events by their MGCP names; the line knows what they sound
//! like. Media travel as RTP packets between the addresses of [`addresses`], inside the process:
//! no kernel ever sees them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use speech::g711::Law;

/// A line, by its place among the voice endpoints of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LineId(pub u32);

/// One of the connections that a line can have at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub u8);

/// Connections of a line: a call, and another that waits or is joined.
pub const SLOTS: usize = 2;

/// An order to a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// A connection is there, or has changed.
    Connect {
        /// Which one.
        slot: Slot,
        /// What it carries.
        connection: Connection,
    },
    /// A connection is gone.
    Disconnect {
        /// Which one.
        slot: Slot,
    },
    /// A signal begins. A brief one ends by itself.
    Start {
        /// Which signal.
        signal: SignalName,
        /// What stands in its parentheses.
        params: Option<Box<str>>,
        /// Towards the other end of this connection, not towards the telephone.
        on: Option<Slot>,
    },
    /// A signal ends.
    Stop {
        /// Which signal.
        signal: SignalName,
        /// As it was begun.
        on: Option<Slot>,
    },
}

/// A connection, as the telephone side sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// How samples become octets.
    pub law: Law,
    /// What RTP calls that here.
    pub payload_type: u8,
    /// What RTP calls telephone events here (RFC 4733); none if they were not negotiated.
    pub events: Option<u8>,
    /// Milliseconds of audio in a packet.
    pub packet_ms: u32,
    /// What is heard where.
    pub mixing: Mixing,
    /// Audio goes out through it.
    pub sends: bool,
    /// It must not look like the stream before: its keys are new, or gone.
    pub fresh: bool,
}

/// What is heard where (RFC 3435 §2.3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mixing {
    /// The telephone hears the connection, the connection hears the telephone.
    Ordinary,
    /// And connections of this kind hear each other.
    Conference,
    /// The telephone hears itself.
    Loopback,
    /// As loopback: what a continuity test wants to hear comes back.
    ContinuityTest,
}

/// A signal: `L/dl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SignalName {
    /// Its package.
    pub package: &'static str,
    /// Its name there.
    pub id: &'static str,
}

impl fmt::Display for SignalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.package, self.id)
    }
}

/// What a line reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The receiver is lifted, or the trunk is seized.
    OffHook,
    /// It is put back, or the trunk is released.
    OnHook,
    /// The hook was pressed for a moment.
    Flash,
    /// A digit was heard: `0` to `9`, `*`, `#`, `A` to `D`.
    Digit(char),
    /// A fax machine calls.
    Fax,
    /// A modem answers.
    Modem,
    /// An announcement has come to its end.
    Ended(SignalName),
    /// A signal cannot be made.
    Failed(SignalName),
}

/// Where the media of a connection meet: the relay's address, and the line's.
pub fn addresses(line: LineId, slot: Slot) -> (SocketAddr, SocketAddr) {
    let number = line.0 * SLOTS as u32 + u32::from(slot.0);
    let (host, place) = (number / PLACES, number % PLACES);
    let at = |network: u8| {
        let [.., high, low] = host.to_be_bytes();
        SocketAddr::new(Ipv4Addr::new(127, network, high, low).into(), 2 * (place as u16 + 1))
    };
    (at(RELAYS), at(LINES))
}

/// The connection whose relay has this address.
pub fn of_address(relay: SocketAddr) -> Option<(LineId, Slot)> {
    let IpAddr::V4(ip) = relay.ip() else { return None };
    let [127, RELAYS, high, low] = ip.octets() else { return None };
    let place = (relay.port() / 2).checked_sub(1).filter(|_| relay.port().is_multiple_of(2))?;
    let number = u32::from_be_bytes([0, 0, high, low]) * PLACES + u32::from(place);
    let (line, slot) = (number / SLOTS as u32, number % SLOTS as u32);
    (u32::from(place) < PLACES).then_some((LineId(line), Slot(slot as u8)))
}

/// Networks that are only names.
const RELAYS: u8 = 127;
const LINES: u8 = 126;
/// Connections of an address. A relay engine wants many ports of few addresses.
const PLACES: u32 = 32_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_tell_their_connections() {
        for (line, slot) in [(0, 0), (1, 1), (15_999, 1), (16_000, 0), (70_000, 0)] {
            let (relay, telephone) = addresses(LineId(line), Slot(slot));
            assert_eq!(of_address(relay), Some((LineId(line), Slot(slot))));
            assert_eq!(of_address(telephone), None);
            assert!(relay.port().is_multiple_of(2), "RTP");
        }
        for other in ["127.127.0.0:3", "127.127.0.0:64002", "127.0.0.1:2", "[::1]:2"] {
            assert_eq!(of_address(other.parse().unwrap()), None, "{other}");
        }
    }
}
