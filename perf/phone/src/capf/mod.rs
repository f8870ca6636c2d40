//! The phone at CAPF: how it gets its locally significant certificate (LSC), shows and loses it.
//!
//! | file | holds |
//! |---|---|
//! | `plan.rs` | whether, when and how the phone goes there, by its configuration |
//! | `wallet.rs` | its certificates and keys, and what it has in hand when its power fails |
//! | `ladder.rs` | how often it tries, and how long it waits |
//! | `enrolment.rs` | all of that in one machine without sockets |
//! | `fleet.rs` | the machine of one phone or of thousands, over TLS |
//! | `start.rs` | one phone with its flash: from its configuration to its certificate |
//! | `workshop.rs` | keys, made at low priority |
//! | `tls.rs` | which TLS it offers |
//! | `manufacturer.rs` | manufactured certificates, for tests |
//!
//! Invariants:
//! - Key and certificate are replaced together or not at all, whenever the power fails.
//! - A private key leaves the phone into its flash only.

mod enrolment;
mod fleet;
mod ladder;
mod manufacturer;
mod plan;
mod start;
mod tls;
mod wallet;
mod workshop;

pub use enrolment::{Enrolment, Notice, Output, Verdict};
pub use fleet::{Caller, Finished, Stopper, Trust, run, run_until};
pub use ladder::{Attempt, Ladder, Next, Patience};
pub use manufacturer::Manufacturer;
pub use plan::{Order, Plan, plan};
pub(crate) use start::resolve;
pub use start::{Habits, Started};
pub use tls::TlsManner;
pub use wallet::{Memory, Pending, Ram, Wallet};
pub use workshop::{Job, Workshop};
