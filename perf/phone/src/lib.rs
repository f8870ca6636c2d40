//! A Cisco IP phone: it fetches trust lists and configuration by TFTP, verifies and keeps them,
//! gets its certificate from CAPF, registers with a CallManager by SCCP, over TCP or TLS, and calls.
//!
//! ```text
//!  Boot ──▶ capf ──▶ station ◀──▶ connection      what one phone is
//!  files    LSC      SCCP  └────▶ media
//!
//!  fleet · office · crew · traffic                one of them, or ten thousand
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`Boot`], [`Phone`] | the start: which files, in which order, and what is made of them |
//! | [`capf`] | the way to a certificate |
//! | [`station`] | a telephone at its CallManager, without sockets |
//! | [`connection`] | TCP, TLS of old, TLS of today |
//! | [`media`] | RTP and SRTP with speech that is measured |
//! | [`network`] | what hardening changes on its network side |
//! | [`screen`] | its face |
//! | [`office`] | telephones with sockets, on one thread |
//! | [`crew`] | whole telephones with names, and scripts for them |
//! | [`traffic`] | thousands that register, stay and call |
//! | [`fleet`] | thousands that start |
//!
//! Invariants:
//! - Nothing that a phone with a trust list did not verify is used or kept.
//! - A failed update changes nothing: the old list, configuration and image stay.
//! - A phone whose mode is secure speaks to nobody but the servers that its CTL knows, and the SRST
//!   gateway of its configuration: over TLS with the certificate that came with it, or, if the
//!   gateway is none for TLS, over TCP and without keys for media.
//!
//! This crate must not know the server it talks to: it shares with it only the formats.

#![forbid(unsafe_code)]

mod boot;
pub mod capf;
mod configuration;
pub mod connection;
pub mod crew;
mod dial;
mod event;
mod flash;
pub mod fleet;
mod load;
pub mod media;
mod model;
pub mod network;
pub mod office;
mod phone;
pub mod screen;
pub mod station;
pub mod traffic;

pub use boot::{Boot, Conclusion, Fallback, Identity};
pub use configuration::{CapfMode, Configuration, ConfigurationError, SecurityMode, Srst};
pub use event::Event;
pub use flash::{Flash, FlashError, Installed};
pub use model::Model;
pub use phone::{Fetched, Phone, PhoneError, Report};
