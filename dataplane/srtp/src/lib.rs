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
//! For a packet from the peer (RFC 3711 §3.3): find the session and the SSRC's context, estimate
//! the index, check for replay, verify the tag, count the packet against the key's lifetime,
//! commit index and replay window, decrypt. Whatever fails ends it there; nothing has changed
//! before the tag verified. Inside a burst the result is as if packets had come one by one.
//!
//! # What this crate must not know
//!
//! Sockets, time, addresses, calls, how keys were agreed on. It does not log.
//!
//! # Invariants
//!
//! - No allocation, lock or system call per packet.
//! - A stranger's packet changes no state.
//! - `unsafe` appears in `backend` alone.
//! - Key material is erased when dropped and never printed.

#![deny(unsafe_code)]

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
