//! The telephone side of voice endpoints, emulated: hook, digits, ringing, tones and audio.
//!
//! A gateway orders ([`command`]), a telephone obeys and reports; people at it do what they do
//! through [`control`]. [`Lines`] has no sockets, no threads and no clock: its owner moves orders,
//! events and packets, and passes the time in. Audio is G.711 in packets of RTP, which never leave
//! the process: the relay engine is at the other end and protects them.
//!
//! Digits, fax machines and modems are heard in the audio, as the signal processors of a gateway
//! hear them; pressing a key makes its tone. Where events of RTP were negotiated (RFC 4733), they go
//! instead of the tone, and those that come are heard as one.
//!
//! This crate must not know MGCP, nor keys.

#![forbid(unsafe_code)]

pub mod command;
pub mod control;
mod detector;
mod events;
mod lines;
mod sound;
mod stream;
mod telephone;

pub use lines::{Lines, Packet};
