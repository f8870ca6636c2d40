use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use abi::Reception;
use port::PortId;
use srtp::{SessionId, Suite};

use crate::Channel;
use crate::command::{LegId, LegSpec, LegStats, Mode, RelayId, RtcpPolicy, SourceRule};
use crate::hops::HopId;
use crate::tier::Standing;

/// One side of a call, as the packet path needs it. The keys themselves are with [`srtp::Srtp`].
pub(crate) struct Leg {
    pub(crate) id: LegId,
    pub(crate) relay: RelayId,
    pub(crate) port: PortId,
    pub(crate) local: SocketAddr,
    pub(crate) mode: Mode,
    pub(crate) rtcp: RtcpPolicy,
    pub(crate) source: SourceRule,
    pub(crate) dscp: Option<u8>,
    idle_after_ms: u32,
    pub(crate) clock_hz: u32,
    /// Keys for what arrives and for what leaves; `None` in clear.
    pub(crate) receive: Option<Secured>,
    pub(crate) send: Option<Secured>,
    /// Where the call agent says the peer is.
    signalled: [Option<Signalled>; 2],
    /// Where the peer is, signalled or learned.
    pub(crate) rtp_peer: Option<Peer>,
    pub(crate) rtcp_peer: Option<Peer>,
    /// The slot of the call's other side.
    pub(crate) other: Option<u32>,
    pub(crate) tally: Tally,
    pub(crate) reception: Reception,
    /// When the peer was last heard; at first, when the leg was made.
    pub(crate) heard: Instant,
    pub(crate) started: bool,
    pub(crate) idle_reported: bool,
    /// Where packets of the peer are handled.
    pub(crate) standing: Standing,
}

/// What passed on a leg, as [`LegStats`] tells it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) packets_sent: u64,
    pub(crate) octets_sent: u64,
    pub(crate) packets_received: u64,
    pub(crate) octets_received: u64,
    pub(crate) rtcp_sent: u64,
    pub(crate) rtcp_received: u64,
    pub(crate) dropped: u64,
}

/// An address in few octets, for comparing only.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Signalled {
    ip: [u8; 16],
    is_v4: bool,
    port: NonZeroU16,
}

impl Signalled {
    /// Nobody is reached at port 0.
    fn new(address: SocketAddr) -> Option<Self> {
        let port = NonZeroU16::new(address.port())?;
        let ip = match address.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            IpAddr::V6(ip) => ip.octets(),
        };
        Some(Self { ip, is_v4: address.is_ipv4(), port })
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Secured {
    pub(crate) session: SessionId,
    pub(crate) suite: Suite,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// `None` on ports where the kernel keeps the link layer.
    pub(crate) hop: Option<HopId>,
}

impl Leg {
    pub(crate) fn new(now: Instant, id: LegId, relay: RelayId, spec: &LegSpec) -> Self {
        Self {
            id,
            relay,
            port: spec.port,
            local: spec.local,
            mode: spec.mode,
            rtcp: spec.rtcp,
            source: spec.source,
            dscp: spec.dscp,
            idle_after_ms: millis(spec.idle_after),
            clock_hz: spec.clock_hz,
            receive: None,
            send: None,
            signalled: [None; 2],
            rtp_peer: None,
            rtcp_peer: None,
            other: None,
            tally: Tally::default(),
            reception: Reception::default(),
            heard: now,
            started: false,
            idle_reported: false,
            standing: Standing::default(),
        }
    }

    pub(crate) fn update(&mut self, now: Instant, spec: &LegSpec) {
        if !self.mode.receives() && spec.mode.receives() {
            // Silence that was asked for does not count.
            self.heard = now;
            self.idle_reported = false;
        }
        self.mode = spec.mode;
        self.rtcp = spec.rtcp;
        self.source = spec.source;
        self.dscp = spec.dscp;
        self.idle_after_ms = millis(spec.idle_after);
        self.clock_hz = spec.clock_hz;
    }

    pub(crate) fn peer(&self, channel: Channel) -> Option<&Peer> {
        match channel {
            Channel::Rtp => self.rtp_peer.as_ref(),
            Channel::Rtcp => self.rtcp_peer.as_ref(),
        }
    }

    pub(crate) fn peer_mut(&mut self, channel: Channel) -> &mut Option<Peer> {
        match channel {
            Channel::Rtp => &mut self.rtp_peer,
            Channel::Rtcp => &mut self.rtcp_peer,
        }
    }

    /// Notes where the call agent says the peer is. `false` if it has said so before.
    pub(crate) fn signal(&mut self, channel: Channel, address: Option<SocketAddr>) -> bool {
        let signalled = address.and_then(Signalled::new);
        std::mem::replace(&mut self.signalled[channel as usize], signalled) != signalled
    }

    /// The keys that packets from the peer must be under; `None` in clear.
    pub(crate) fn receive_session(&self, channel: Channel) -> Option<SessionId> {
        self.session(self.receive, channel)
    }

    /// The keys for packets to the peer; `None` in clear.
    pub(crate) fn send_session(&self, channel: Channel) -> Option<SessionId> {
        self.session(self.send, channel)
    }

    fn session(&self, secured: Option<Secured>, channel: Channel) -> Option<SessionId> {
        match channel {
            Channel::Rtcp if self.rtcp == RtcpPolicy::Clear => None,
            _ => secured.map(|secured| secured.session),
        }
    }

    /// Our address for a channel.
    pub(crate) fn local(&self, channel: Channel) -> SocketAddr {
        match channel {
            Channel::Rtp => self.local,
            Channel::Rtcp => above(self.local),
        }
    }

    pub(crate) fn stats(&self) -> LegStats {
        let Tally { packets_sent, octets_sent, packets_received, octets_received, .. } = self.tally;
        let Tally { rtcp_sent, rtcp_received, dropped, .. } = self.tally;
        let elsewhere = self.standing.reception();
        let jitter = if elsewhere == Reception::default() { self.reception } else { elsewhere };
        LegStats {
            packets_sent,
            octets_sent,
            packets_received,
            octets_received,
            packets_lost: u64::from(self.reception.lost()) + u64::from(elsewhere.lost()),
            jitter_us: jitter.jitter_us(self.clock_hz),
            rtcp_sent,
            rtcp_received,
            dropped,
        }
    }

    /// Whether the peer has been silent for too long, as far as is known, and nobody was told.
    pub(crate) fn seems_idle(&self, now: Instant) -> bool {
        let idle_after = Duration::from_millis(self.idle_after_ms.into());
        !idle_after.is_zero()
            && self.mode.receives()
            && !self.idle_reported
            && now.saturating_duration_since(self.heard) >= idle_after
    }
}

/// As good as for ever where it does not fit.
fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// The address with the next higher port, where RTCP lives.
pub(crate) fn above(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port().saturating_add(1))
}
