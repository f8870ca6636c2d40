//! CAPF: how phones get, replace, show and lose their locally significant certificates (LSC).
//!
//! The Certificate Authority Proxy Function listens on TCP 3804; phones connect by TLS. One
//! connection is one session: one device, one operation. This crate is both ends of it without
//! sockets, threads and clocks.
//!
//! | module | holds |
//! |---|---|
//! | [`codec`] | frames, elements, messages |
//! | [`proof`] | what a phone signs to show that it holds a certificate's key |
//! | [`server`] | the machine of the service: one [`server::Session`] per connection |
//! | [`phone`] | the machine of the phone: one [`phone::Session`] per connection |
//!
//! ```text
//!  TLS bytes ──▶ Session::handle_bytes ─┐            ┌─▶ Output::Send, Close   ──▶ TLS
//!  answers ────▶ Session::handle_answer ┼─▶ machine ─┼─▶ questions: LookUp, CheckString, Issue, Record
//!  time ───────▶ Session::handle_timeout┘            └─▶ Event                 ──▶ trace, alarms
//! ```
//!
//! Invariants:
//! - No certificate without authentication: [`server::Issue`] holds an [`server::Authenticated`],
//!   and that exists only for a string that matched, a certificate whose key was proven, or a
//!   device that an administrator set to null string.
//! - A session keeps one frame and one question at a time, whatever the peer sends.
//! - What a phone is to store is recorded after it said that it did: a session that breaks leaves
//!   the operation pending.
//! - Authentication strings and private keys are in no `Debug`, `Display` or event.
//!
//! This crate must not know the database, SCEP, TLS, files or what a phone's model is called.

#![forbid(unsafe_code)]

pub mod codec;
mod device;
mod now;
pub mod phone;
pub mod proof;
pub mod server;

pub use device::DeviceName;
pub use now::Now;
