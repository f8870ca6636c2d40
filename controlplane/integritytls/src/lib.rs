//! TLS 1.3 with authentication and integrity only (RFC 9150), as a cipher suite for rustls.
//!
//! A telephone in authenticated mode shows who it is and signs what it says, and everybody may
//! listen. Old ones do that by TLS 1.0 with `NULL-SHA`; this is the same with the handshake of today:
//! ephemeral keys, certificates both ways, HMAC with SHA-256 over each record.
//!
//! | module | holds |
//! |---|---|
//! | `keys` | the two keys of a direction, out of its traffic secret |
//! | `record` | records: content, type, tag |
//! | `suite` | what rustls is given |
//!
//! Invariants:
//! - The suite is in a provider only if somebody asks for it, by [`offer`] or [`prefer`].
//! - [`encrypts`] is true of no connection that uses it: a call on it is never shown a lock.
//! - A record whose tag is wrong, or that comes at another place than it was sent, is not read.
//!
//! `TLS_SHA384_SHA384` is not here: rustls hands a record layer at most 32 octets of key, and it
//! would need 48. Nothing is weaker for that: SHA-256 gives all the integrity there is to have.
//!
//! Its peers: OpenSSL from 3.4 on, where it was built for it, talks with it. wolfSSL 5.5 does not: it
//! uses IVs of 12 octets where RFC 9150 §6 says 32.
//!
//! This crate must not know certificates, telephones or sockets.

#![forbid(unsafe_code)]

mod keys;
mod record;
mod suite;

pub use suite::{TLS_SHA256_SHA256, TLS13_SHA256_SHA256, encrypts, offer, prefer};
