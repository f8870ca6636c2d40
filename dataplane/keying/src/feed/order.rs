//! What daemon and data plane say to each other.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use esp::Direction;
use zeroize::Zeroizing;

use crate::xfrm::StateKey;

/// From the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// The first one; the [`VERSION`](super::VERSION) that it speaks.
    Hello(u16),
    /// There shall be an association.
    AddSa(Box<SaRecord>),
    /// The ends of an association are elsewhere now.
    MoveSa {
        /// Which.
        key: StateKey,
        /// The end that sends.
        source: IpAddr,
        /// The end that receives.
        destination: IpAddr,
        /// Their ports, if its packets travel in UDP.
        ports: Option<(u16, u16)>,
    },
    /// How much went through an association?
    QuerySa(StateKey),
    /// It is over.
    RemoveSa(StateKey),
    /// All are over.
    RemoveSas,
    /// There shall be a policy. The same one may be there several times.
    AddPolicy(PolicyRecord),
    /// Once less.
    RemovePolicy(PolicyRecord),
    /// There are none any more.
    RemovePolicies,
}

/// An association as IKE has negotiated it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaRecord {
    /// SPI and receiving end.
    pub key: StateKey,
    /// The end that sends.
    pub source: IpAddr,
    /// Which way it goes, seen from us.
    pub direction: Direction,
    /// Tunnel, or transport.
    pub tunnel: bool,
    /// Ties it to policies.
    pub request: u32,
    /// The traffic's senders.
    pub sources: Vec<Side>,
    /// The traffic's receivers.
    pub destinations: Vec<Side>,
    /// IKEv2's number of the cipher.
    pub cipher: u16,
    /// Its key; GCM's ends with the salt.
    pub cipher_key: Secret,
    /// IKEv2's number of the integrity algorithm; anything where the cipher brings it.
    pub integrity: u16,
    /// Its key.
    pub integrity_key: Secret,
    /// Whether numbers have 64 bits.
    pub extended: bool,
    /// Packets of the replay window; 0: as we like.
    pub window: u32,
    /// Octets that payloads are filled up to.
    pub padding: u32,
    /// Ports of source and destination, if its packets travel in UDP.
    pub ports: Option<(u16, u16)>,
    /// Seconds, octets and packets after which a successor is wanted; 0: never.
    pub soft: [u64; 3],
    /// The same for its end.
    pub hard: [u64; 3],
    /// Whether the outer header has the inner one's "don't fragment".
    pub copy_df: bool,
    /// Whether congestion marks pass.
    pub copy_ecn: bool,
    /// Whether the outer header has the inner one's service class.
    pub copy_dscp: bool,
}

/// One side of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// The first address.
    pub first: IpAddr,
    /// The last.
    pub last: IpAddr,
    /// The protocol in IP; 0: every one.
    pub protocol: u8,
    /// First and last port.
    pub ports: (u16, u16),
}

/// A policy: traffic that goes protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyRecord {
    /// Which way the traffic goes.
    pub direction: Direction,
    /// Its senders.
    pub source: Side,
    /// Its receivers.
    pub destination: Side,
    /// Ties it to associations.
    pub request: u32,
    /// The daemon's class of priority; the lowest is looked at first.
    pub priority: u32,
}

/// Octets of a key. Erased when dropped, never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub(super) Zeroizing<Vec<u8>>);

impl Secret {
    /// A copy of a key.
    pub fn new(octets: &[u8]) -> Self {
        Self(Zeroizing::new(octets.to_vec()))
    }

    /// The key.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// To the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// What came of the last order.
    Answer(Answer),
    /// Something happened.
    Notice(Notice),
}

/// What came of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is done.
    Done,
    /// It is not, and the reason is in our log.
    Refused,
    /// There is no such association.
    NotFound,
    /// We cannot do that.
    Unsupported,
    /// What went through an association.
    Usage {
        /// Octets in clear.
        octets: u64,
        /// Packets.
        packets: u64,
        /// Seconds since the last one.
        idle: Option<u64>,
    },
}

/// What happens to associations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A limit was reached.
    Expired {
        /// Whose.
        key: StateKey,
        /// It is dead; else it wants a successor.
        hard: bool,
    },
    /// A packet wants to leave under a policy that has no association.
    Acquire {
        /// The policy's number.
        request: u32,
    },
    /// An authentic packet came from elsewhere.
    Moved {
        /// Under which association.
        key: StateKey,
        /// From where.
        to: SocketAddr,
    },
}
