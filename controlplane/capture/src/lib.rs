//! Capturing encrypted calls: what was signalled, in clear; the media keys out of it; and media that
//! was recorded on the wire, opened with them.
//!
//! ```text
//! messages ─▶ Record ─┬─▶ conversation ─▶ pcapng ─▶ Wireshark
//!                     └─▶ sealed day file ─▶ Record
//! pcapng ─▶ reassembly ─▶ Record ─▶ keys ─┐
//! pcapng with SRTP ───────────────────────┴─▶ decrypt ─▶ pcapng with RTP, audio
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`record`] | a message that was captured, and how it is kept |
//! | [`device`] | which devices are captured: names of phones and of MGCP endpoints |
//! | [`pcapng`] | capture files, written and read; classic pcap, read |
//! | [`link`] | the IP packet in a frame |
//! | [`conversation`] | messages as packets that dissectors read |
//! | [`reassembly`] | packets as messages again |
//! | [`tap`] | where services hand messages in |
//! | [`sealed`] | a file of records under a key of its own |
//! | [`keys`] | the media keys in messages |
//! | [`media`] | SRTP opened, and heard |
//! | [`mod@decrypt`] | all of it, from two captures to one |
//!
//! Invariants:
//! - No input panics, and nothing is allocated by a length that only was announced.
//! - Messages and keys are erased when dropped; neither `Debug` nor any error shows them.
//! - A packet counts as opened only if its tag verified; which key fits is never guessed.
//! - A nonce is never used twice under one key, whatever a crash left of a file.
//! - What [`mod@decrypt`] writes holds no key.
//!
//! This crate must not know sockets, threads, TLS, the database, nor where files are.

#![forbid(unsafe_code)]

pub mod conversation;
pub mod decrypt;
pub mod device;
pub mod keys;
pub mod link;
pub mod media;
pub mod pcapng;
pub mod reassembly;
pub mod record;
pub mod sealed;
pub mod tap;

pub use device::Device;
pub use record::{Protocol, Record};
pub use tap::{NoTap, Tap};
