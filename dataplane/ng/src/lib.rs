//! rtpengine's control protocol `ng` as a front of the relay engine: a SIP proxy such as Kamailio
//! or OpenSIPS gives each session description of a call to the relay and passes on what it gets back,
//! with the relay's addresses, transports and keys in it.
//!
//! [`Ng`] turns commands into engine commands and the engine's replies into answers. It has no
//! sockets, no threads and no clock: the owner moves messages and commands, and passes the time in.
//! [`Stream`] cuts connections (TCP, HTTP) into messages.
//!
//! Invariants:
//! - A command is carried out once, however often its cookie comes; commands about one call one
//!   after the other. A refused command changes nothing.
//! - A stream that was offered as SRTP is never answered as RTP; no key of ours serves two
//!   directions, and each is fresh.
//! - Keys are in the engine's commands and in session descriptions, nowhere else.
//! - What a call took (ports, numbers, memory) is back when it ends: by `delete`, or when nothing
//!   has come from either party for the configured time.
//! - No message makes this crate allocate in proportion to a claimed length, nor panic; the limits
//!   are in [`limits`].
//!
//! # What is different from rtpengine
//!
//! - Plain RTP is believed from the signalled address only, and nobody's address is learned before
//!   a tag has verified. `strict source` and `asymmetric` are how it always is; `symmetric` changes
//!   nothing, `media handover` is refused with a warning.
//! - Streams are RTP/AVP, RTP/AVPF, RTP/SAVP and RTP/SAVPF with keys by SDES. Others (DTLS, T.38)
//!   are refused in the description with port 0, with a warning.
//! - ICE, `rtcp-mux` and BUNDLE are taken out of descriptions; nothing is transcoded or recorded.
//!   What asks for such things is passed over with a warning. `start forwarding` too only warns.
//! - All branches of a forked call have the same ports: the last answer counts.
//! - A call ends at once when it is deleted. RTCP octets are not counted.
//!
//! This crate must not know how packets travel, nor of other protocols that command a relay.

#![forbid(unsafe_code)]

pub mod bencode;
pub mod json;
pub mod limits;
pub mod message;
pub mod value;

mod answers;
mod call;
mod exchange;
mod front;
mod job;
mod options;
mod request;
mod sdp;
mod security;
mod stream;
mod tell;

pub use answers::Asker;
pub use front::{Config, Counters, Flow, NUMBERS, Ng};
pub use stream::{Broken, Received, Speech, Stream};
