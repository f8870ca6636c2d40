//! MGCP (RFC 3435, and the 0.1 dialect of RFC 2705 that CallManager and IOS speak), for both ends:
//! typed messages with their parser and writer, transactions over UDP, and the SDP that media
//! gateways exchange, with security descriptions (RFC 4568 and the earlier `a=X-crypto` form).
//!
//! | Module | Holds |
//! |---|---|
//! | [`message`] | [`Message`], [`Command`], [`Response`], the parameters of a message |
//! | [`datagram`] | splitting and joining of piggybacked messages |
//! | [`name`], [`event`], [`options`], [`digitmap`], [`value`] | what parameters hold |
//! | [`sdp`] | session descriptions and crypto attributes |
//! | [`transaction`] | retransmission, at-most-once, acknowledgement, failover |
//!
//! Invariants:
//! - No I/O and no clock: bytes and the time come in as arguments, bytes and deadlines come out.
//! - No input panics or makes this crate allocate in proportion to a claimed length; the limits
//!   are in [`limits`].
//! - The parser accepts whatever the writer wrote, and reads the same message from it.
//! - Keywords and names compare without case and keep the spelling they came with.
//! - Values that may hold keys are erased on drop and never printed by `Debug`.
//!
//! This crate must not know what an endpoint is made of, nor what protects media.

#![forbid(unsafe_code)]

pub mod code;
pub mod datagram;
pub mod digitmap;
pub mod error;
pub mod event;
pub mod id;
pub mod limits;
pub mod message;
pub mod name;
pub mod options;
pub mod sdp;
pub mod secret;
mod text;
pub mod transaction;
pub mod value;

pub use code::ReturnCode;
pub use error::{ParseError, ValueError};
pub use id::{CallId, ConnectionId, RequestId, TransactionId};
pub use message::{Body, Command, Message, Params, Response, Verb, Version};
pub use name::EndpointName;
pub use secret::Opaque;
pub use value::ConnectionMode;
