//! A node's own PostgreSQL: the original of the cluster's database on the publisher, a copy that
//! streams from it on every subscriber.
//!
//! ```text
//!   cm1  original ──WAL──▶ cm2  copy          every way between nodes: TLS 1.3, both ends proven
//!            └─────WAL──▶ cm3  copy          by certificates that the database itself lists
//! ```
//!
//! [`Instance`] makes one in a directory of its own, as the daemon's unprivileged user, apart from
//! whatever databases the machine has besides. [`Keeper`] runs it, looks at the others every few
//! seconds, and draws the consequences that [`judge`] draws: nothing in that needs a clock or a
//! network, and it is tested without.
//!
//! Invariants:
//! - There is one original. One that starts takes no changes before it has heard every other node
//!   since, unless an administrator vouches that those are lost; and one that hears of a later
//!   original takes none ever again, through restarts too, until it has been made a copy.
//! - A copy becomes the original only by an administrator's word, and only if no node is heard that
//!   is the original or has more.
//! - Whoever is killed while something is made, goes on where it stopped or begins anew: what is
//!   half made never serves.
//!
//! This crate must not know what is in the database, nor who asks.

#![forbid(unsafe_code)]

mod configuration;
mod fault;
mod identity;
mod instance;
pub mod judge;
mod keeper;
mod member;
mod programs;
mod running;

pub use fault::Fault;
pub use instance::{Instance, Settings};
pub use keeper::{Keeper, Standing};
pub use member::Member;
pub use running::Running;

/// The port that nodes reach each other's databases at, if no other is set. The same on all nodes.
pub const DEFAULT_PORT: u16 = 5443;
