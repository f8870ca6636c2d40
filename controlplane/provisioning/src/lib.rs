//! Files for phones: configuration built from the store, static files, and in mixed mode the
//! signed form of each.
//!
//! | module | holds |
//! |---|---|
//! | [`configuration`] | `SEP<MAC>.cnf.xml` and `XMLDefault.cnf.xml`, from what the store says |
//! | [`signing`] | the signed form of a file |
//! | [`Provisioning`] | the file for each name, for TFTP and HTTP |
//!
//! Invariants:
//! - What is signed is byte for byte what the plain name gives.
//! - In non-secure mode nothing is signed, and a configuration says non-secure whatever the
//!   device is set to.
//!
//! This crate must not know how files travel.

#![forbid(unsafe_code)]

pub mod configuration;
pub mod signing;
mod snapshot;
mod source;
mod time_zone;

pub use snapshot::{Snapshot, Snapshots};
pub use source::Provisioning;
