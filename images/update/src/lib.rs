//! Updates of the appliance: a signed bundle becomes the slot that is not running.
//!
//! ```text
//! bundle:  magic ‖ length of manifest ‖ manifest (JSON) ‖ length of signature ‖ signature ‖ kernel ‖ root
//! ```
//!
//! [`bundle`] reads and writes that form; [`install`] puts one onto a disk; [`place`] is what a disk
//! must be able to do, and [`disk`] is this machine's.
//!
//! Invariants:
//! - Nothing is written before the manifest's signature was verified by the certificate that lies in
//!   the running root file system, which is itself verified block by block.
//! - The slot that runs, and its kernel, are never touched: whatever interrupts an update, the version
//!   that ran starts again.
//! - The new kernel is the last thing that is written, under its name by one rename: it starts only a
//!   slot that was read back and found whole.
//! - An older version than the one that runs is refused, and so is the same.
//!
//! This crate must not know what is in a root file system.

#![forbid(unsafe_code)]

pub mod bundle;
pub mod disk;
pub mod install;
pub mod place;
mod version;

pub use version::Version;
