//! Why a phone does not do what it should.
//!
//! A phone comes up in steps: DHCP tells it a server, from which it fetches the trust list, with
//! which it verifies its configuration, which sends it to CAPF for a certificate, with which it
//! registers. Each step leaves something behind in this system. [`diagnose`] takes all that and
//! makes one time line of it, and findings with cause and cure: the guide's troubleshooting table,
//! looked up by a program.
//!
//! | module | holds |
//! |---|---|
//! | [`records`] | what is recorded of a phone |
//! | [`timeline`] | it in order of time, step by step |
//! | [`finding`] | what can be wrong |
//! | `files`, `trust`, `enrolment` | the rules, in the order of the phone's way |
//!
//! Invariants:
//! - It is a function: no clock, no files, no database.
//! - A finding rests on something recorded. What is not recorded is said to be so, not guessed.
//! - Findings come in the order of the phone's way: the first is the one to look at first.
//!
//! This crate must not know where the records come from, nor who asks.

#![forbid(unsafe_code)]

mod enrolment;
mod files;
pub mod finding;
pub mod records;
pub mod timeline;
mod trust;

pub use finding::Finding;
pub use records::Records;
pub use timeline::{Event, Stage, State};

/// What came out of it.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// What happened, step by step; within a step, in order of time.
    pub timeline: Vec<Event>,
    /// What is wrong, what to look at first first. Empty if nothing is.
    pub findings: Vec<Finding>,
}

/// Looks at everything that is recorded of a phone.
pub fn diagnose(records: &Records) -> Diagnosis {
    let mut findings = Vec::new();
    files::look(records, &mut findings);
    trust::look(records, &mut findings);
    enrolment::look(records, &mut findings);
    Diagnosis { timeline: timeline::of(records), findings }
}
