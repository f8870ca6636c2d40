//! SCCP, the Skinny Client Control Protocol: what telephones and CallManager say to each other.
//!
//! ```text
//!  length u32 │ header version u32 │ message id u32 │ body, length − 4 bytes
//! ```
//!
//! Everything is little-endian but IP addresses. A connection is a [`Stream`] of such messages;
//! each becomes a typed [`Message`], and a [`Session`] writes them. Layouts changed from one
//! protocol [`Version`] to the next: writers follow the version that the two sides agreed on,
//! readers also look at the length of the body, because telephones send shorter and longer bodies
//! than their version promises. What a body lacks is zero, what it has in excess is ignored.
//!
//! | module | holds |
//! |---|---|
//! | [`phone`] | messages of telephones, as tables of offset, name and type |
//! | [`server`] | messages of CallManager, the same way |
//! | [`codes`] | what the numbers mean: tones, call states, codecs, phrases |
//!
//! Invariants:
//! - No input panics, and nothing is allocated by a length or a count that only was announced.
//! - [`Session::encode`] refuses to write a media key into a session that anybody can read.
//! - Keys are erased when dropped; neither `Debug` nor `Display` prints them.
//! - `Display` of a message fits on one line and is safe to print, whatever a telephone sent.
//!
//! This crate must not know sockets, clocks, TLS, calls or devices.

#![forbid(unsafe_code)]

mod address;
mod body;
pub mod codes;
mod encryption;
mod layout;
mod list;
mod message;
mod number;
pub mod phone;
pub mod server;
mod session;
mod stream;
#[cfg(test)]
mod tests;
mod text;
mod version;

pub use address::{Address, Ip4, Port};
pub use body::Defect;
pub use encryption::{EncryptionInfo, Keying, KeyingError, MasterKey, MasterSalt};
pub use list::{Data, List, Rest, Slots, Table};
pub use message::{BodyError, Decoded, Message, MessageId, Opaque, Sender};
pub use number::{Bytes, CallRef, ConferenceId, Features, LineInstance, Number, PassThruPartyId};
pub use session::{EncodeError, Pdu, Secrecy, Session};
pub use stream::{LIMIT_BEFORE_REGISTER, LIMIT_REGISTERED, Received, Stream, StreamError};
pub use text::{Characters, Charset, Text, Unbounded};
pub use version::Version;
