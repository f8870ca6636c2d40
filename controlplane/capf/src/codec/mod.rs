//! Messages and their bytes.
//!
//! [`Decoder`] puts [`Frame`]s together from the pieces in which TLS delivers them;
//! [`Message::read`] makes a typed message of one; [`Message::to_bytes`] is the inverse. Elements
//! that a command is not known to have never hurt: they are carried in [`Message::others`] and
//! written again, and nobody interprets them. The bodies of STATUS, ABORT, SIGN_CERT, ENCRYPT and
//! DECRYPT are known to nobody outside of the vendor: those messages are [`Body::Opaque`] as a whole.
//!
//! `Display` of a message is a line for a trace: passwords, keys and signatures are named and
//! measured, never shown.

mod code;
mod element;
mod error;
mod frame;
mod key;
mod message;
mod show;
mod value;

pub use code::{AuthType, CertificateType, Command, Digest, Reason, Tag};
pub use element::Element;
pub use error::{DecodeError, EncodeError};
pub use frame::{Decoder, Frame, HEADER, MAX_BODY, PROTOCOL_ID, SessionId};
pub use key::{Curve, KeySpec};
pub use message::{AuthRes, Body, KeyAnswer, Message, VERSION};
pub use value::{CertificateEntry, Password, RetryDelay, Signed, Sudi, Text};
