//! The CAPF service: certificates for phones, from an administrator's order to the inventory.
//!
//! | module | holds |
//! |---|---|
//! | [`authority`] | CAPF's own certificate, its renewal, and whose certificates phones may show |
//! | [`order`] | what administrators order, and the rules of it |
//! | [`issuer`] | who signs: CAPF itself, or somebody else behind the same trait |
//! | [`desk`] | the answers to a session's questions, out of the store |
//! | [`service`] | sockets, TLS and threads around the sessions of `capf` |
//! | [`trace`] | what happened, for those who look for a fault |
//! | [`import`] | the data of CAPF 1.0 |
//!
//! ```text
//!  order ─▶ store ─▶ desk ◀─ questions ─ capf::Session ◀─ service ◀─ TLS ◀─ phone
//!                     │                        │
//!                     ▼                        ▼
//!                 inventory                 issuer (threads of low priority)
//! ```
//!
//! Phones of the 79xx family speak TLS 1.0 with RSA key exchange. They come in through the cell of
//! `legacytls` ([`service::Entrance::Cell`]); [`service::ModernTls`] serves phones and emulators
//! with TLS 1.2 or 1.3 only.
//!
//! Invariants:
//! - A certificate is in the inventory when the phone said that it has stored it, not before.
//! - Whatever strangers send makes a bounded number of revisions, threads and files.
//! - Signing happens in threads that yield to everything else.
//! - No authentication string is in a trace, an audit record or an error.
//!
//! This crate must not know the protocol's bytes, nor how administrators ask.

#![forbid(unsafe_code)]

pub mod authority;
pub mod desk;
pub mod import;
pub mod issuer;
pub mod order;
pub mod service;
pub mod trace;
