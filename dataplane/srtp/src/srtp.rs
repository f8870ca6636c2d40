//! The public face: sessions by handle, packets by burst.

use crate::backend::Portable;
use crate::error::Error;
use crate::event::Event;
use crate::keying::{Keying, MAX_MKI_LEN};
use crate::session::Sessions;
use thiserror::Error;

/// Most octets protection adds behind a packet: a GCM tag, SRTCP's index word and the longest
/// master key identifier. Without an identifier it is at most 20.
pub const MAX_TRAILER: usize = 16 + 4 + MAX_MKI_LEN;

/// Which way the packets of a session go, seen from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the peer: to unprotect.
    Inbound,
    /// To the peer: to protect.
    Outbound,
}

/// Handle of a session. After [`Srtp::remove`] it is an error, never another session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionId {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// Which backend computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackendChoice {
    /// The fastest this processor has.
    #[default]
    Best,
    /// RustCrypto, one packet after the other.
    Portable,
}

/// Sizes and backend, fixed at start.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which backend computes.
    pub backend: BackendChoice,
    /// Sessions there may be at a time.
    pub max_sessions: usize,
    /// SSRCs one session may have at a time.
    pub max_ssrcs_per_session: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { backend: BackendChoice::Best, max_sessions: 65_536, max_ssrcs_per_session: 16 }
    }
}

/// Why a session was not made or not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SessionError {
    /// As many sessions as [`Config::max_sessions`] allows.
    #[error("all {0} sessions are taken; raise the limit or remove some")]
    Full(usize),
    /// The session was removed, or never was.
    #[error("no such session")]
    NoSession,
}

/// A packet to transform, and what came of it.
#[derive(Debug)]
pub struct Job<'p> {
    /// The session the packet belongs to.
    pub session: SessionId,
    /// The packet in front, free room behind it: [`MAX_TRAILER`] octets are always enough.
    pub packet: &'p mut [u8],
    /// Length of the packet: on entry before, on return after the transform. A failed job keeps
    /// its length; what its packet then holds is of no use.
    pub len: usize,
    /// What came of it. A job that has failed already is skipped.
    pub result: Result<(), Error>,
}

impl<'p> Job<'p> {
    /// A job for the first `len` octets of `packet`.
    pub fn new(session: SessionId, packet: &'p mut [u8], len: usize) -> Self {
        Self { session, packet, len, result: Ok(()) }
    }
}

/// The SRTP sessions of one worker.
///
/// Nothing is shared, locked or allocated per packet. Bursts may mix sessions, suites and SSRCs
/// at will; each packet meets the state its predecessors in the burst have left.
pub struct Srtp {
    sessions: Sessions<Portable>,
}

impl Srtp {
    /// Makes room for sessions, and chooses the backend.
    pub fn new(config: Config) -> Self {
        let sessions = match config.backend {
            BackendChoice::Best | BackendChoice::Portable => Sessions::new(Portable, &config),
        };
        Self { sessions }
    }

    /// Name of the backend that computes.
    pub fn backend_name(&self) -> &'static str {
        self.sessions.backend_name()
    }

    /// Starts a session: contexts for one direction under the same keys.
    pub fn insert(
        &mut self,
        direction: Direction,
        keying: &Keying,
    ) -> Result<SessionId, SessionError> {
        self.sessions.insert(direction, keying)
    }

    /// Gives a session new keys. Rollover counters and replay windows stay (RFC 3711 §3.3.1);
    /// with the keys it has already, nothing changes.
    pub fn rekey(&mut self, session: SessionId, keying: &Keying) -> Result<(), SessionError> {
        self.sessions.rekey(session, keying)
    }

    /// Ends a session and erases its keys. Removing what is gone is harmless.
    pub fn remove(&mut self, session: SessionId) {
        self.sessions.remove(session);
    }

    /// Asks for a session's RTP context in the processor's cache. Worth its while a burst before
    /// the packet is transformed.
    pub fn prefetch(&self, session: SessionId) {
        self.sessions.prefetch(session);
    }

    /// SRTP to RTP, RFC 3711 §3.3.
    pub fn unprotect_rtp(&mut self, jobs: &mut [Job<'_>]) {
        self.sessions.unprotect_rtp(jobs);
    }

    /// RTP to SRTP, RFC 3711 §3.3.
    pub fn protect_rtp(&mut self, jobs: &mut [Job<'_>]) {
        self.sessions.protect_rtp(jobs);
    }

    /// SRTCP to RTCP, RFC 3711 §3.4.
    pub fn unprotect_rtcp(&mut self, jobs: &mut [Job<'_>]) {
        self.sessions.unprotect_rtcp(jobs);
    }

    /// RTCP to SRTCP, RFC 3711 §3.4.
    pub fn protect_rtcp(&mut self, jobs: &mut [Job<'_>]) {
        self.sessions.protect_rtcp(jobs);
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.sessions.events.poll()
    }

    /// Events that were lost because nobody polled.
    pub fn events_lost(&self) -> u64 {
        self.sessions.events.lost()
    }
}
