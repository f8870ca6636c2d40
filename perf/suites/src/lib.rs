//! Benchmark suites: ours and the peers, measured in turn in one run.
//!
//! A suite is a module with a function that measures and returns a [`report::Report`]; the
//! program's table `SUITES` lists them. Core speed of a machine drifts from minute to minute, so a
//! suite compares only what it measured itself, round by round ([`report::Row::compared`]), and
//! promises ratios.

pub mod admin;
pub mod capf;
mod cpu;
pub mod esp;
pub mod failover;
pub mod mgcp;
pub mod peers;
pub mod relay;
pub mod report;
pub mod signalling;
pub mod srtp;
pub mod trust;
