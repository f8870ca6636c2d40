//! A call: two parties, and the streams between them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use engine::command::{LegId, LegSpec, LegStats, Mode, RelayId, RtcpPolicy};
use mgcp::sdp::Profile;
use rand::CryptoRng;

use crate::front::Config;
use crate::request::Who;
use crate::sdp::Line;
use crate::security::Security;

/// A call.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) id: Vec<u8>,
    /// Seconds of Unix time.
    pub(crate) created: u64,
    pub(crate) last_signal: u64,
    /// Who made the first offer, and the other.
    pub(crate) parties: [Party; 2],
    /// By their place in descriptions; none is refused.
    pub(crate) streams: Vec<Option<Stream>>,
    /// Nobody's media pass.
    pub(crate) blocked: bool,
    pub(crate) pulse: Pulse,
}

/// Whether media flow, as far as is known.
#[derive(Clone, Copy)]
pub(crate) struct Pulse {
    /// When that is looked at.
    pub(crate) next_look: Instant,
    /// Since when nothing came.
    pub(crate) quiet_since: Instant,
    /// What had come by then.
    pub(crate) heard: u64,
}

/// One of the two.
#[derive(Clone, Default)]
pub(crate) struct Party {
    /// None until it has answered.
    pub(crate) tag: Option<Vec<u8>>,
    pub(crate) label: Option<Vec<u8>>,
    /// Seconds of Unix time.
    pub(crate) created: u64,
    /// Its media are kept from the other.
    pub(crate) blocked: bool,
    /// DSCP of what it is sent.
    pub(crate) dscp: Option<u8>,
}

/// A stream: a relay in the engine, with a leg towards each party.
#[derive(Clone)]
pub(crate) struct Stream {
    /// `audio`, `video`.
    pub(crate) kind: String,
    pub(crate) relay: RelayId,
    pub(crate) ends: [End; 2],
}

/// The leg towards a party.
#[derive(Clone)]
pub(crate) struct End {
    pub(crate) leg: LegId,
    /// Index of its media network.
    pub(crate) network: usize,
    /// Our address there.
    pub(crate) local: SocketAddr,
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) remote_rtcp: Option<SocketAddr>,
    pub(crate) profile: Profile,
    pub(crate) security: Security,
    pub(crate) clock_hz: u32,
}

impl Call {
    /// Which party has this tag.
    pub(crate) fn party_of(&self, tag: &[u8]) -> Option<usize> {
        self.parties.iter().position(|party| party.tag.as_deref() == Some(tag))
    }

    /// Which parties a command is about; none: nobody of that name is here.
    pub(crate) fn parties_of(&self, who: &Who) -> Vec<usize> {
        let is_it = |index: &usize| {
            let party = &self.parties[*index];
            if let Some(tag) = &who.from {
                return party.tag.as_ref() == Some(tag);
            }
            if let Some(label) = &who.label {
                return party.label.as_ref() == Some(label);
            }
            who.address.is_none_or(|address| {
                let ends = self.streams.iter().flatten().map(|stream| &stream.ends[*index]);
                ends.filter_map(|end| end.remote).any(|remote| remote.ip() == address)
            })
        };
        (0..2).filter(is_it).collect()
    }

    /// Whether the tags of a command are this call's.
    pub(crate) fn has_tags(&self, who: &Who) -> bool {
        let from = who.from.as_ref().map(|tag| self.party_of(tag));
        let to = who.to.as_ref().map(|tag| self.party_of(tag));
        match (from, to) {
            (Some(None), _) => false,
            // The other one may have died before it answered.
            (Some(Some(from)), Some(None)) => self.parties[1 - from].tag.is_none(),
            (_, Some(None)) => false,
            _ => true,
        }
    }

    /// All its ends, each with its party.
    pub(crate) fn ends(&self) -> impl Iterator<Item = (usize, &End)> {
        self.streams.iter().flatten().flat_map(|stream| stream.ends.iter().enumerate())
    }

    /// How many streams it has.
    pub(crate) fn stream_count(&self) -> usize {
        self.streams.iter().flatten().count()
    }

    /// What the engine is told of an end.
    pub(crate) fn spec(
        &self,
        config: &Config,
        rng: &mut dyn CryptoRng,
        party: usize,
        end: &End,
    ) -> Box<LegSpec> {
        let (receive, send) = end.security.protections(rng);
        let heard = !(self.blocked || self.parties[party].blocked);
        Box::new(LegSpec {
            port: config.networks[end.network].port,
            local: end.local,
            remote: end.remote,
            remote_rtcp: end.remote_rtcp,
            mode: if heard { Mode::SendRecv } else { Mode::SendOnly },
            receive,
            send,
            rtcp: if end.security.is_secure() { config.rtcp } else { RtcpPolicy::Clear },
            source: config.source,
            dscp: self.parties[party].dscp,
            // Calls are looked at as wholes.
            idle_after: Duration::ZERO,
            clock_hz: end.clock_hz,
        })
    }
}

impl End {
    /// What a description for its party says of it.
    pub(crate) fn line(&self) -> Line<'_> {
        let crypto = self.security.announced();
        Line { local: self.local, profile: &self.profile, crypto }
    }
}

/// What has come from both parties.
pub(crate) fn heard<'s>(stats: impl Iterator<Item = &'s LegStats>) -> u64 {
    stats.map(|stats| stats.packets_received + stats.rtcp_received).sum()
}
