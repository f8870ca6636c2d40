//! The media gateway: MGCP packet-relay endpoints `pr/<n>` over the relay engine.
//!
//! A call agent makes two connections on one endpoint; what arrives on one leaves on the other,
//! re-encrypted when their keys differ. [`Gateway`] turns its commands into engine commands and
//! the engine's replies and events into answers and notifications. It has no sockets, no threads
//! and no clock: the owner moves datagrams and commands, and passes the time in.
//!
//! Invariants:
//! - One command at a time per endpoint, in order of arrival; a wildcard command succeeds or fails
//!   as a whole. A refused command changes nothing.
//! - A connection that was asked to be SRTP is never answered as RTP, and no key serves two
//!   directions, two connections, or the same direction again after a change.
//! - Keys are in the engine's commands and in session descriptions, nowhere else: not in
//!   snapshots, audits, texts for people or `Debug`.
//! - What a call took (ports, names, keys, memory) is back when it ends, whoever ends it. Ports and
//!   names rest before they are used again.
//!
//! Packages: `R` (RFC 3660: events `ma` media start, `rto(seconds)` silence), `SRTP` (the options
//! `x+srtptx` and `x-srtp` belong to it) and our `X-RF` with the events `kn` (a master key of the
//! connection nears the end of its lifetime) and `kx` (it has reached it; nothing passes any more).
//!
//! Vendor options of `L:`: `x-net:<name>` places a connection on a media network;
//! `x+srtptx:"<suite> inline:<key>"` gives the key to send with; `x-srtp:on|off|optional` says
//! whether a connection without remote description shall offer SRTP.
//!
//! This crate must not know how packets travel, nor where its configuration was read.

#![forbid(unsafe_code)]

mod audit;
mod config;
mod create;
mod delete;
mod dispatch;
mod endpoint;
mod gateway;
mod job;
mod keys;
mod media;
mod modify;
mod notify;
mod options;
mod own;
mod pools;
mod report;
mod request;
mod restart;
mod security;

pub use config::{
    AttributeForm, CallAgent, Config, ConfigError, Network, OnKeyExhausted, Prefix, SrtpConfig,
    TransmitKey,
};
pub use gateway::{Datagram, Gateway};
pub use report::{ConnectionSnapshot, Counters, Snapshot};
