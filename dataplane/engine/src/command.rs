//! What a gateway tells the engine, and what it hears back.
//!
//! Two legs make a relayed call: what arrives on one leaves on the other. A [`Command`] takes
//! effect between two bursts, completely or not at all, and has exactly one [`Reply`].

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use port::PortId;
use srtp::Keying;

/// Number of a leg, chosen by the gateway, never reused while the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LegId(pub u64);

/// Number of a relay: the endpoint whose legs exchange media.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelayId(pub u64);

/// Correlates a reply with its command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(pub u64);

/// An order to the engine.
#[derive(Debug)]
pub enum Command {
    /// Makes a leg; its relay comes into being with the first one.
    Open {
        /// Its number.
        leg: LegId,
        /// The relay it belongs to.
        relay: RelayId,
        /// All that is to be known of it.
        spec: Box<LegSpec>,
    },
    /// Replaces the description of a leg. Contexts whose key material is unchanged keep their
    /// rollover counters, replay windows and statistics.
    Modify {
        /// Its number.
        leg: LegId,
        /// The new description; `local` and `port` must be the old ones.
        spec: Box<LegSpec>,
    },
    /// Ends a leg and erases its keys. Answered with its statistics.
    Close {
        /// Its number.
        leg: LegId,
    },
    /// Asks for the statistics of a leg.
    Query {
        /// Its number.
        leg: LegId,
    },
}

/// Everything the engine knows of one side of a call.
#[derive(Clone, Debug)]
pub struct LegSpec {
    /// The port its packets come and go through.
    pub port: PortId,
    /// Our RTP address there (even port); RTCP is the port above.
    pub local: SocketAddr,
    /// The peer's RTP address, once it is known.
    pub remote: Option<SocketAddr>,
    /// The peer's RTCP address; `None` means the port above its RTP port.
    pub remote_rtcp: Option<SocketAddr>,
    /// What flows, RFC 3435 §2.3.5 seen from us.
    pub mode: Mode,
    /// How packets from the peer are protected.
    pub receive: Protection,
    /// How packets to the peer are protected.
    pub send: Protection,
    /// What happens to RTCP.
    pub rtcp: RtcpPolicy,
    /// Which sources are believed.
    pub source: SourceRule,
    /// DSCP of what we send; `None` copies the other leg's.
    pub dscp: Option<u8>,
    /// How long the peer may be silent before [`Event::Idle`]; zero means for ever.
    pub idle_after: Duration,
    /// Clock rate of the payload in Hz, the unit of RTP timestamps; for jitter only.
    pub clock_hz: u32,
}

/// Connection mode of a packet relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing in either direction.
    Inactive,
    /// We send to the peer and take nothing.
    SendOnly,
    /// We take from the peer and send nothing.
    RecvOnly,
    /// Both.
    SendRecv,
    /// What the peer sends returns to it, re-protected (`netwloop`, `netwtest`).
    Loop,
}

impl Mode {
    /// Whether packets go to the peer from the other leg.
    pub fn sends(self) -> bool {
        matches!(self, Self::SendOnly | Self::SendRecv)
    }

    /// Whether packets of the peer go to the other leg.
    pub fn receives(self) -> bool {
        matches!(self, Self::RecvOnly | Self::SendRecv)
    }
}

/// How packets of one direction are protected on the wire.
#[derive(Clone, Debug)]
pub enum Protection {
    /// RTP/AVP.
    Plain,
    /// RTP/SAVP with these keys.
    Srtp(Keying),
}

/// What happens to RTCP of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtcpPolicy {
    /// Dropped and counted: no key was agreed for it and it shall not travel in clear.
    Off,
    /// In clear, also beside SRTP.
    Clear,
    /// As the RTP of the leg: SRTCP beside SRTP, clear beside RTP.
    LikeRtp,
}

/// Which sources of packets are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceRule {
    /// Only the signalled address and port.
    Exact,
    /// The signalled one, and for SRTP whichever sent a packet whose tag verified; answers then go
    /// there. Plain RTP stays exact.
    LearnAuthenticated,
}

/// The answer to a [`Command`].
#[derive(Clone, Debug)]
pub enum Reply {
    /// Done.
    Done,
    /// The statistics asked for, or the last ones of a closed leg.
    Stats(LegStats),
    /// Nothing was changed.
    Refused(Refusal),
}

/// Why a command changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The leg does not exist.
    #[error("no such leg")]
    UnknownLeg,
    /// The leg exists already.
    #[error("the leg exists already")]
    LegExists,
    /// The relay has two legs.
    #[error("the relay has two legs already")]
    RelayFull,
    /// Another leg has this local address.
    #[error("the local address is in use")]
    AddressInUse,
    /// `local` or `port` of an existing leg cannot change.
    #[error("a leg cannot move to another local address or port")]
    CannotMove,
    /// The address and its family, port number or port do not fit a leg.
    #[error("the address does not fit")]
    BadAddress,
    /// As many legs as the engine was made for.
    #[error("the engine is full")]
    Full,
    /// The port could not be opened for this address.
    #[error("the port cannot receive on this address")]
    PortFailed,
}

/// What passed on a leg, for `P:` (RFC 3435 §3.2.2.7) and for operators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LegStats {
    /// RTP packets sent to the peer.
    pub packets_sent: u64,
    /// RTP payload octets sent to the peer.
    pub octets_sent: u64,
    /// RTP packets of the peer that were accepted.
    pub packets_received: u64,
    /// RTP payload octets of the peer that were accepted.
    pub octets_received: u64,
    /// Packets that never came, by sequence numbers.
    pub packets_lost: u64,
    /// Interarrival jitter, RFC 3550 §6.4.1, in microseconds.
    pub jitter_us: u64,
    /// RTCP packets sent to the peer.
    pub rtcp_sent: u64,
    /// RTCP packets of the peer that were accepted.
    pub rtcp_received: u64,
    /// Packets for this leg that were dropped, all reasons.
    pub dropped: u64,
}

/// What the engine reports by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The first accepted packet of a leg's peer.
    MediaStart(LegId),
    /// The peer was silent for the leg's `idle_after`.
    Idle(LegId),
    /// A peer's source was learned: a verified packet came from there.
    SourceLearned(LegId, SocketAddr),
    /// A master key of the leg comes to the end of its lifetime.
    KeyNearlyExhausted(LegId),
    /// A master key of the leg is spent: no packet passes under it any more.
    KeyExhausted(LegId),
    /// Packets wait for the link-layer address on the way to `ip` through `port`.
    NextHopWanted(PortId, IpAddr),
    /// No leg sends to `ip` through `port` any more.
    NextHopUnwanted(PortId, IpAddr),
}
