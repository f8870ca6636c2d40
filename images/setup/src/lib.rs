//! What makes a fresh appliance somebody's: answers become files and services.
//!
//! [`Seed`] (a file, or what the [`wizard`] asked) → [`plan::plan`] (pure: which files with which
//! content, which services) → [`apply::apply`] (writes them, all or none that counts; opens the
//! administrator's [`account`]).
//!
//! Invariants:
//! - Nothing is applied of answers that are not sound as a whole.
//! - A power cut leaves the appliance unset or set up: the mark of being done is written last, and
//!   everything before it is written anew until it is there.
//! - The administrator's password is in no file but the one that `ringfence cluster init` reads,
//!   which is gone afterwards; `/etc/shadow` has its hash.
//!
//! This crate must not know how the daemons work: it writes their settings and starts them.

#![forbid(unsafe_code)]

pub mod account;
pub mod apply;
pub mod plan;
pub mod seed;
pub mod wizard;

pub use seed::Seed;
