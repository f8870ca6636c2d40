//! Backups of a node: one encrypted, signed archive each.
//!
//! ```text
//!  database ── copy of one moment ─┐
//!  certificates, what phones hold, ├─ tar ─ zstd ─ age ─┐
//!  CAPF's reports                  │                     ├─ header ‖ body ‖ signature ─▶ shelf
//!  private keys ─ tar ─ age ───────┘                     │
//!  header (cluster, node, versions) ────────────────────┘
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`lock`] | passphrases and keys that archives are encrypted under |
//! | [`header`] | what an archive says of itself in clear |
//! | [`archive`] | its form: writing, verifying, opening |
//! | [`home`] | the directories of a node that belong into it |
//! | [`create`](fn@create) | making one while everything runs |
//! | [`restore`] | checking all of it first, then taking it back, whatever kills us in between |
//! | [`shelf`] | where archives are kept: a directory, an object store; which may go |
//!
//! Invariants:
//! - An archive is whole, or is recognised as none: its end is written last, and signed.
//! - Nothing of the running system changes before all of an archive was decrypted and checked; the
//!   database changes in one transaction; what is interrupted goes on at the next start.
//! - Private keys leave the node only under a lock of their own.
//! - Of the archives on a shelf the newest is never removed.
//!
//! This crate must not know what the files mean, nor who asks.

#![forbid(unsafe_code)]

pub mod archive;
mod create;
mod fault;
pub mod header;
pub mod home;
pub mod lock;
pub mod restore;
pub mod shelf;

pub use create::{Making, create};
pub use fault::Fault;
pub use header::Header;
pub use home::{Home, Room};
pub use lock::{Lock, Unlock};

/// How far something is: what is being done, and how many rows or files of it are done.
pub type Progress<'a> = &'a mut dyn FnMut(Stage, u64);

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Rows of the database are copied.
    Database,
    /// Files are encrypted.
    Encrypting,
    /// The archive goes to the shelf, or comes from there.
    Carrying,
    /// The archive is decrypted and checked.
    Checking,
    /// The running system takes it over.
    Restoring,
}
