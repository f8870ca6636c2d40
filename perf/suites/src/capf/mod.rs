//! Enrolment: the daemon as it is, with SQLite, against the least that an enrolment takes.
//!
//! The daemon and the bare work run on one processor in turn, phones on another; phones have their
//! keys already. The bare work of an enrolment is a handshake of the same TLS, one signature with
//! CAPF's key, and one commit of the same kind of database on the same disk. Both are counted in
//! two ways: by the time they had of their processor, which says what an enrolment costs and is what
//! is promised, and by the clock, which sees waits for the disk too.

mod bare;
pub(crate) mod daemon;
mod memory;
mod phones;
mod ping;
mod rates;
pub(crate) mod site;

use anyhow::{Result, ensure};

use crate::cpu;
use crate::report::Report;
use daemon::Daemon;
use phones::Phones;
use site::Site;

/// The fewest phones that say anything.
const FEWEST: usize = 200;

/// Measures everything, with so many phones.
pub fn run(count: usize) -> Result<Report> {
    ensure!(count >= FEWEST, "it takes at least {FEWEST} phones to measure anything");
    cpu::check()?;
    let _precedence = cpu::Precedence::take();
    let mut report = Report::new("capf");
    let site = Site::new(count)?;
    let daemon = Daemon::start(&site)?;
    let phones = Phones::of(&site)?;
    let memory = rates::measure(&site, &daemon, &phones, &mut report)?;
    memory.tell(&mut report);
    ping::measure(&site, &phones, &mut report)?;
    Ok(report)
}
