//! What of this machine keeps media slow, why, and its cure.
//!
//! ```text
//! Machine ─▶ Snapshot ─▶ examine ─▶ Finding, some with Remedies ─▶ Machine
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`machine`] | the files and programs of a machine: this one, or a recorded one |
//! | [`snapshot`] | what matters of it, read once |
//! | [`finding`] | what was found, in both languages |
//! | `card`, `host` | the rules: network cards, and everything else |
//! | `drivers` | what drivers are known for, where the kernel does not tell |
//!
//! Invariants:
//! - [`examine`] is a function of the snapshot; taking one changes nothing.
//! - A finding says what is, why it matters and what to do. What could not be read is said to be
//!   unknown, not guessed.
//! - Only [`Remedy::apply`] changes the machine, and nothing that it does outlives a restart.
//!
//! This crate must not know who asks, nor whether the daemons run.

#![forbid(unsafe_code)]

mod card;
mod cores;
mod drivers;
pub mod finding;
mod host;
pub mod machine;
pub mod snapshot;

pub use cores::CoreSet;
pub use finding::{Finding, State};
pub use machine::{Machine, Remedy, ThisMachine};
pub use snapshot::{Scope, Snapshot};

/// Looks at everything: the host first, then card by card.
pub fn examine(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    host::look(snapshot, &mut findings);
    for card in &snapshot.cards {
        card::look(card, snapshot, &mut findings);
    }
    findings
}
