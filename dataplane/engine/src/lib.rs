//! The media relay, without I/O: frames and commands go in, frames and events come out.
//!
//! A packet's way is [`Engine::handle_burst`], in five steps over a whole burst, so that ciphers
//! see many packets at once:
//!
//! 1. *classify* (`classify.rs`): which leg is this for, and may it come from there;
//! 2. *unprotect*: verify and decrypt under the keys of the leg it arrived on;
//! 3. *accept* (`accept.rs`): count, learn the source, find the leg it leaves on;
//! 4. *protect*: encrypt under that leg's keys;
//! 5. *address* (`address.rs`): new headers.
//!
//! Invariants:
//! - Time is an argument; nothing here reads a clock, a socket or a file.
//! - Nothing is learned from a packet and no octet of it leaves before its tag verified; a packet
//!   in clear is believed only from the signalled address.
//! - Each frame that goes in comes out once, and has one [`Verdict`]; each drop has one reason.
//! - No allocation per packet. Commands take effect between bursts, wholly or not at all.
//!
//! Packets that need no cipher may leave before they reach a port, in a [`port::FastTier`]. The engine
//! decides which flows do (`tier.rs`): the first packet of a flow passes here, and so does every one
//! that is not exactly what the tier was told to expect. Whatever the tier's entry was made of
//! changes, the entry goes, and the next packet makes a new one.
//!
//! One worker owns one engine. The engine must not know of MGCP, devices or other workers.

#![forbid(unsafe_code)]

pub mod command;

mod accept;
mod address;
mod classify;
mod engine;
mod hops;
mod index;
mod leg;
mod locals;
mod report;
mod tier;
mod verdict;

pub use engine::{Config, Engine, Output, PortConfig};
pub use report::{LegReport, ReportCursor};
pub use tier::{Stay, Tier};
pub use verdict::{Channel, Counters, DropReason, Verdict};
