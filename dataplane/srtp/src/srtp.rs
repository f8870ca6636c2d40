//! The public face: sessions by handle, packets by burst.

use crate::backend::Portable;
#[cfg(target_arch = "x86_64")]
use crate::backend::Vector;
use crate::error::Error;
use crate::event::Event;
use crate::keying::{Keying, MAX_MKI_LEN};
use crate::session::Sessions;
use crate::snapshot::Snapshot;
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
    /// The fastest this processor can run.
    #[default]
    Best,
    /// Up to 32 packets side by side: AVX-512, VAES, VPCLMULQDQ (x86-64).
    Avx512,
    /// Four packets at a time: SHA and AES instructions (x86-64).
    ShaNi,
    /// Eight packets side by side: AVX2 and AES instructions (x86-64).
    Avx2,
    /// RustCrypto, one packet after the other, on any processor.
    Portable,
}

impl BackendChoice {
    /// The backends, fastest first.
    pub const ALL: [Self; 4] = [Self::Avx512, Self::ShaNi, Self::Avx2, Self::Portable];

    /// Its name, as [`Srtp::backend_name`] gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Avx512 => "avx512",
            Self::ShaNi => "sha-ni",
            Self::Avx2 => "avx2",
            Self::Portable => "portable",
        }
    }

    /// The choice of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Best].into_iter().chain(Self::ALL).find(|choice| choice.name() == name)
    }

    /// Whether this processor can run it.
    pub fn is_available(self) -> bool {
        Engine::make(self, &Config { max_sessions: 0, ..Config::default() }).is_some()
    }
}

/// Sizes and backend, fixed at start.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which backend computes. One that this processor cannot run is replaced by the best one.
    pub backend: BackendChoice,
    /// Sessions there may be at a time.
    pub max_sessions: usize,
    /// SSRCs one session may have at a time.
    pub max_ssrcs_per_session: usize,
    /// Lets RTCP pass whose length fields do not fill the packet exactly. Such a packet is in the
    /// examples of RFC 7714 §17, for instance.
    pub lenient_rtcp: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            backend: BackendChoice::Best,
            max_sessions: 65_536,
            max_ssrcs_per_session: 16,
            lenient_rtcp: false,
        }
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
    /// A snapshot of more SSRCs than [`Config::max_ssrcs_per_session`] allows.
    #[error("the snapshot has more SSRCs than the {0} a session may have here; raise the limit")]
    TooManySsrcs(usize),
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
    engine: Engine,
}

/// The sessions, by what their contexts hold.
enum Engine {
    #[cfg(target_arch = "x86_64")]
    Vector(Sessions<Vector>),
    Portable(Sessions<Portable>),
}

impl Engine {
    fn make(choice: BackendChoice, config: &Config) -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        let vector = match choice {
            BackendChoice::Avx512 => Vector::avx512(),
            BackendChoice::ShaNi => Vector::sha_ni(),
            BackendChoice::Avx2 => Vector::avx2(),
            BackendChoice::Best | BackendChoice::Portable => None,
        };
        #[cfg(target_arch = "x86_64")]
        if let Some(vector) = vector {
            return Some(Self::Vector(Sessions::new(vector, config)));
        }
        match choice {
            BackendChoice::Best => {
                BackendChoice::ALL.into_iter().find_map(|choice| Self::make(choice, config))
            }
            BackendChoice::Portable => Some(Self::Portable(Sessions::new(Portable, config))),
            BackendChoice::Avx512 | BackendChoice::ShaNi | BackendChoice::Avx2 => None,
        }
    }
}

/// Does the same to the sessions of whichever backend.
macro_rules! each {
    ($engine:expr, $sessions:ident => $work:expr) => {
        match $engine {
            #[cfg(target_arch = "x86_64")]
            Engine::Vector($sessions) => $work,
            Engine::Portable($sessions) => $work,
        }
    };
}

impl Srtp {
    /// Makes room for sessions, and chooses the backend.
    pub fn new(config: Config) -> Self {
        let engine = Engine::make(config.backend, &config)
            .or_else(|| Engine::make(BackendChoice::Best, &config))
            .expect("the portable backend runs everywhere");
        Self { engine }
    }

    /// Name of the backend that computes.
    pub fn backend_name(&self) -> &'static str {
        each!(&self.engine, sessions => sessions.backend_name())
    }

    /// Starts a session: contexts for one direction under the same keys.
    pub fn insert(
        &mut self,
        direction: Direction,
        keying: &Keying,
    ) -> Result<SessionId, SessionError> {
        each!(&mut self.engine, sessions => sessions.insert(direction, keying))
    }

    #[cfg(test)]
    pub(crate) fn insert_session_keys(
        &mut self,
        direction: Direction,
        encrypt_rtcp: bool,
        keys: crate::kdf::SessionKeys,
    ) -> SessionId {
        each!(&mut self.engine, sessions => {
            sessions.insert_session_keys(direction, encrypt_rtcp, keys)
        })
    }

    /// Gives a session new keys, with nothing lost. Rollover counters and replay windows stay
    /// (RFC 3711 §3.3.1); with the keys it has already, nothing changes.
    ///
    /// Outbound, the next packet is under the first of the new keys. Inbound, packets may come
    /// under old and new keys in any order, for the peer changes when it likes: the old keys are
    /// forgotten when as many packets as the replay window is wide have come under new ones,
    /// because what was sent before them is then too old anyway.
    pub fn rekey(&mut self, session: SessionId, keying: &Keying) -> Result<(), SessionError> {
        each!(&mut self.engine, sessions => sessions.rekey(session, keying))
    }

    /// Ends a session and erases its keys. Removing what is gone is harmless.
    pub fn remove(&mut self, session: SessionId) {
        each!(&mut self.engine, sessions => sessions.remove(session));
    }

    /// What a session remembers, for [`Srtp::import`] elsewhere. It holds no key.
    pub fn export(&self, session: SessionId) -> Result<Snapshot, SessionError> {
        each!(&self.engine, sessions => sessions.export(session))
    }

    /// Starts a session that goes on where another one was.
    ///
    /// `margin` is how many packets of an SSRC that one may have transformed after the snapshot
    /// was taken. So many indices beyond the highest count as seen: inbound none of them can be
    /// replayed here, outbound none is used a second time under the same key.
    pub fn import(
        &mut self,
        direction: Direction,
        keying: &Keying,
        snapshot: &Snapshot,
        margin: u16,
    ) -> Result<SessionId, SessionError> {
        each!(&mut self.engine, sessions => sessions.import(direction, keying, snapshot, margin))
    }

    /// Asks for a session's RTP context in the processor's cache. Worth its while a burst before
    /// the packet is transformed.
    #[inline]
    pub fn prefetch(&self, session: SessionId) {
        each!(&self.engine, sessions => sessions.prefetch(session));
    }

    /// SRTP to RTP, RFC 3711 §3.3.
    pub fn unprotect_rtp(&mut self, jobs: &mut [Job<'_>]) {
        each!(&mut self.engine, sessions => sessions.unprotect_rtp(jobs));
    }

    /// RTP to SRTP, RFC 3711 §3.3.
    pub fn protect_rtp(&mut self, jobs: &mut [Job<'_>]) {
        each!(&mut self.engine, sessions => sessions.protect_rtp(jobs));
    }

    /// SRTCP to RTCP, RFC 3711 §3.4.
    pub fn unprotect_rtcp(&mut self, jobs: &mut [Job<'_>]) {
        each!(&mut self.engine, sessions => sessions.unprotect_rtcp(jobs));
    }

    /// RTCP to SRTCP, RFC 3711 §3.4.
    pub fn protect_rtcp(&mut self, jobs: &mut [Job<'_>]) {
        each!(&mut self.engine, sessions => sessions.protect_rtcp(jobs));
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        each!(&mut self.engine, sessions => sessions.events.poll())
    }

    /// Events that were lost because nobody polled.
    pub fn events_lost(&self) -> u64 {
        each!(&self.engine, sessions => sessions.events.lost())
    }
}
