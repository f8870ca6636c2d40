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
//! - Where [`KeyPolicy::Require`] says so, no new key comes or goes over a path that IPsec does not
//!   cover for that very command.
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
//! # Where RFC 3435 leaves a choice
//!
//! - Endpoints are `pr/1` to `pr/<n>` and `mg` for the gateway itself. `pr/$` makes one that ends
//!   with its last connection and whose name then rests for T-HIST. A third connection is 540.
//! - A relay does not transcode: without `a:` it takes whatever codecs the peer offers; telephone
//!   events and comfort noise pass beside the codecs that `a:` names.
//! - RTP/SAVP without a usable crypto line is 509, or 505 if all lines are merely of unsupported
//!   suites or parameters (F8, a key derivation rate, anything unencrypted or unauthenticated).
//! - A remote description that follows an offer of ours answers it: tag and suite must be ours.
//!   Our key is renewed whenever the peer's changes, unless the call agent gives it.
//! - Until the peer's key is known an SRTP connection receives under a key that nobody has.
//! - `N:` must name one of the configured call agents, else 510: nobody else is told anything.
//! - Before a restart is acknowledged commands get 405, and the first of them hears of the restart
//!   in the same datagram. A call agent that refuses the announcement for good is served.
//! - A lost call agent ends no call. It is told `disconnected` when a timer runs out or when it
//!   commands, whichever is first.
//! - After RSIP `graceful` a CRCX on an endpoint without connections gets 501; the other side of a
//!   call that is there is still made. RSIP `forced` follows with the last call, or when time is up.
//! - A DLCX aborts CRCX and MDCX under way on what it covers (407). Load is refused with 409, but
//!   never a DLCX.
//! - A wildcard AUEP with `X-INUSE: 1` lists endpoints with connections only, ninety at a time;
//!   the answer's `X-INUSE` is the number to go on from, or 0.
//! - Audits leave crypto lines out; `X-KEYED: tx,rx` says which directions hold keys.
//!
//! This crate must not know how packets travel, nor where its configuration was read.

#![forbid(unsafe_code)]

pub mod backhaul;

mod audit;
mod config;
mod create;
mod delete;
mod dispatch;
mod endpoint;
mod gateway;
mod job;
mod keepalive;
mod kept;
mod keys;
mod media;
mod modify;
mod notify;
mod options;
mod own;
mod pace;
mod packages;
mod report;
mod request;
mod restart;
mod security;
mod shelf;
mod signals;
mod voice;

pub use ::media::{Network, Prefix};
pub use config::{
    AttributeForm, CallAgent, Config, ConfigError, KeyPolicy, OnKeyExhausted, SrtpConfig,
    TransmitKey, VoiceEndpoint, VoiceKind,
};
pub use gateway::{Datagram, Gateway};
pub use report::{ConnectionSnapshot, Counters, Snapshot};
