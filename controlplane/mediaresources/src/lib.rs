//! Media resources: music for those on hold, and conference bridges.
//!
//! ```text
//!  callmanager ─ MediaOrder ─▶ service ─▶ Resources ─┬─ Music ───────────────▶ packets
//!      ▲                      (sockets)   (no I/O)   └─ Conference ─ N-1 ────▶ packets
//!      └─ where it receives ──────┘            packets ─▶ Hearing ─┘
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`resources`] | all streams without I/O: orders and packets in, packets out |
//! | [`music`] | what those on hold hear: a file, or the built-in melody |
//! | [`service`] | sockets and the one thread around it |
//!
//! Media is plain: a call with a media resource in it is never secure (requirement GEN-09), so an
//! order with a key is refused. Nothing authenticates plain RTP. A leg is heard from the address
//! alone that its order sends to, and there from one port and one source at a time: another one is
//! believed when the first has been silent for a while. Who can send with the address of a telephone
//! can speak for it; telephones behind a translator of addresses, whose packets come from elsewhere,
//! are heard through a relay only.
//!
//! Invariants:
//! - Nobody hears himself.
//! - Ports, streams, legs of a conference and buffered speech are bounded; strangers' packets change
//!   counters and nothing else.
//! - Packets leave on a clock of their own, 20 ms apart, without drift; one that is overdue is left
//!   out rather than sent in a burst.
//! - Nothing is allocated or locked per packet.
//!
//! This crate must not know telephones, calls beyond their number, or the database.

#![forbid(unsafe_code)]

mod conference;
mod hearing;
mod limiter;
mod melody;
pub mod music;
mod packet;
mod report;
pub mod resources;
mod sender;
pub mod service;

/// Samples in a packet: 20 ms.
pub const FRAME: usize = 160;

/// Speech of one packet.
pub(crate) type Frame = [i16; FRAME];
