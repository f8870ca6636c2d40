use std::net::SocketAddr;
use std::time::{Duration, Instant};

use port::PortId;
use srtp::Suite;

use crate::command::{LegId, LegStats, Mode, RelayId};
use crate::{Engine, Tier};

/// What an operator sees of a leg. Never keys.
#[derive(Clone, Debug)]
pub struct LegReport {
    /// Its number.
    pub leg: LegId,
    /// Its relay.
    pub relay: RelayId,
    /// The port it uses.
    pub port: PortId,
    /// Our RTP address.
    pub local: SocketAddr,
    /// Where the peer's RTP is, signalled or learned.
    pub remote: Option<SocketAddr>,
    /// What flows.
    pub mode: Mode,
    /// Suite of what arrives; `None` in clear.
    pub receive: Option<Suite>,
    /// Suite of what leaves; `None` in clear.
    pub send: Option<Suite>,
    /// What passed.
    pub stats: LegStats,
    /// How long the peer has been silent.
    pub silent: Duration,
    /// Where packets of the peer are handled.
    pub tier: Tier,
}

/// Where a report goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportCursor(usize);

impl Engine {
    /// Appends up to `limit` legs to `legs` and says where to go on; `None` after the last. Short
    /// pages keep the packet path waiting for microseconds only.
    pub fn report(
        &mut self,
        now: Instant,
        from: ReportCursor,
        limit: usize,
        legs: &mut Vec<LegReport>,
    ) -> Option<ReportCursor> {
        let end = self.legs.len().min(from.0.saturating_add(limit));
        for slot in from.0..end {
            self.take_counts(now, slot as u32);
        }
        let slots = self.legs.get(from.0..end).unwrap_or_default();
        legs.extend(slots.iter().flatten().map(|leg| LegReport {
            leg: leg.id,
            relay: leg.relay,
            port: leg.port,
            local: leg.local,
            remote: leg.rtp_peer.map(|peer| peer.address),
            mode: leg.mode,
            receive: leg.receive.map(|secured| secured.suite),
            send: leg.send.map(|secured| secured.suite),
            stats: leg.stats(),
            silent: now.saturating_duration_since(leg.heard),
            tier: leg.standing.tier(),
        }));
        (end < self.legs.len()).then_some(ReportCursor(end))
    }
}
