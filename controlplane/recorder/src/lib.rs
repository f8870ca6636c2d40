//! Packet capture as a service: which devices are captured, files of a day under keys of their own,
//! and a stream of what is captured, over TLS.
//!
//! ```text
//! services ─▶ wiretap ─▶ recorder ─┬─▶ shelf: mm-dd-yyyy.pkt, its key elsewhere
//!              ▲                   └─▶ live ─▶ tools
//! store ───────┴─ who is captured, until when
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`service`] | how it is started and stopped; the one thread that records |
//! | [`wiretap`] | what services hand messages to |
//! | [`shelf`] | the files of the days, and their keys |
//! | [`live`] | the stream, for tools with a certificate that is known |
//! | [`client`] | a tool's end of it |
//!
//! Invariants:
//! - Nothing is captured unless Packet Capture Enable is on and the device's time is not over.
//! - Who hands a message in never waits; what cannot be taken is lost and counted.
//! - What is captured is on disk only under the day's key, and that key is in another directory.
//! - A tool gets nothing before it has shown the key of a certificate that is known, and nothing more
//!   once its owner may not capture any more.
//!
//! This crate must not know how messages are made, nor how administrators ask.

#![forbid(unsafe_code)]

pub mod client;
pub mod live;
pub mod service;
pub mod shelf;
pub mod wiretap;

pub use service::{Active, Recorder, Seen, Setup};
