//! SRTP and SRTCP (RFC 3711, RFC 6188, RFC 7714), in bursts and in place.
//!
//! A [`Srtp`] holds the sessions of one worker. A session is one direction of one RTP session
//! under one [`Keying`]; inside it there is a context for each SSRC that has shown itself with an
//! authentic packet. Packets come as [`Job`]s, many at a time and of many sessions, because that is
//! what makes them cheap: the authentication of many packets runs in the lanes of one
//! vector unit.
//!
//! # The order of things
//!
//! For a packet from the peer (RFC 3711 §3.3; SRTCP §3.4): find the session and the SSRC's context,
//! estimate the index, check for replay, verify the tag, count the packet against the key's
//! lifetime, commit index and replay window, decrypt. Whatever fails ends it there; nothing has
//! changed before the tag verified. For a packet to the peer: find the context, give the packet its
//! index, refuse one that has been used (two packets under one index would tell their difference),
//! count, encrypt, authenticate. Inside a burst the result is as if packets had come one by one.
//!
//! # State
//!
//! | what | rule | RFC 3711 |
//! |---|---|---|
//! | context | one for each SSRC of a session, RTP and RTCP apart; made by the first authentic packet, kept until the session ends, though the SSRC may leave and return; as many as [`Config::max_ssrcs_per_session`] | §3.2.3 |
//! | rollover counter | begins at 0, guessed within ±1 for each packet, never reset while the context lives, not by new keys either | §3.3.1, §8.1 |
//! | SRTCP index | travels in the packet; ours counts up from 0 | §3.4 |
//! | replay window | 128 packets, up to 4,096 ([`Keying::with_window`]); what is older is refused | §3.3.2 |
//! | lifetime | SRTP and SRTCP counted apart, over all SSRCs of a session; near its end [`Event::SoftLimit`], at its end [`Event::HardLimit`] and no packet more | §9.2 |
//! | key derivation rate | session keys anew every so many packets | §4.3.1 |
//! | several master keys | told apart by their identifier; when one is spent the next one protects | §8.1.1 |
//! | re-keying | [`Srtp::rekey`]: old keys still open packets until nothing under them could be fresh | §8.1 |
//! | hand-over | [`Srtp::export`], [`Srtp::import`]: counters and windows without keys, and a margin for what came after | |
//!
//! Suites: RFC 3711 and RFC 6188 (AES in counter mode with HMAC-SHA1), RFC 7714 (AES-GCM; its tag
//! covers what HMAC's does, and the order above is the same).
//!
//! # What is not here
//!
//! - Encrypted header extensions (RFC 6904) and cryptex (RFC 9335). Both ends must agree on them, and
//!   MGCP peers have no words for that: RFC 4568 knows no such parameter, and `a=cryptex` and
//!   encrypted `a=extmap` belong to WebRTC. Header extensions pass as they are, authenticated. The
//!   payload would no longer be one piece behind the header, which the burst path lives from.
//! - FEC before or after SRTP (`FEC_ORDER`, `FEC_KEY`), and the cipher F8: refused by name.
//! - MIKEY, DTLS: whoever calls brings the master keys.
//!
//! # What this crate must not know
//!
//! Sockets, time, addresses, calls, how keys were agreed on. It does not log.
//!
//! # Invariants
//!
//! - No allocation, lock or system call per packet.
//! - A stranger's packet changes no state.
//! - Key material is erased when dropped and never printed.

#![forbid(unsafe_code)]

mod backend;
mod error;
mod event;
mod index;
mod kdf;
mod keying;
mod packet;
mod params;
mod replay;
mod session;
mod snapshot;
mod srtp;
mod suite;
#[cfg(test)]
mod vectors;

pub use error::Error;
pub use event::Event;
pub use keying::{
    KeyError, Keying, Lifetime, MAX_MASTER_KEYS, MAX_MKI_LEN, MAX_WINDOW, MIN_WINDOW, MasterKey,
};
pub use params::{ParamError, ParamPolicy, SessionParams};
pub use snapshot::{Snapshot, SnapshotError};
pub use srtp::{BackendChoice, Config, Direction, Job, MAX_TRAILER, SessionError, SessionId, Srtp};
pub use suite::Suite;
