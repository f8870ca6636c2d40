//! A branch whose centre goes: how long until all of its telephones are served by the gateway.
//!
//! ```text
//!   centre (call processing, cell) ── phones (in this process) ── gateway (call processing, cell)
//! ```
//!
//! Each stands in a network namespace of its own. Telephones speak TLS 1.0 as those of the 79xx
//! family do. The gateway's database is made of the bundle that the centre signs for it.
//!
//! What a telephone needs to notice that its server is gone is its own affair: what is promised is
//! the time after the last of them has noticed.

mod branch;
mod storm;

use anyhow::{Result, ensure};

use crate::cpu;
use crate::report::{Better, Report, Row};
use branch::Branch;
use storm::Survived;

/// The fewest telephones that say anything.
const FEWEST: usize = 100;
/// What is promised, in seconds.
const PROMISE: &str = "what is promised";
const SECONDS: f64 = 10.0;
/// Connections without registration that the gateway bears when it is short of room.
const NARROW: usize = 64;

/// Measures everything, with so many telephones.
pub fn run(count: usize) -> Result<Report> {
    ensure!(count >= FEWEST, "it takes at least {FEWEST} telephones to measure anything");
    phone::fleet::allow_many_sockets()?;
    let _precedence = cpu::Precedence::take();
    let mut report = Report::new("failover");
    let branch = Branch::new(count)?;
    link_lost(&branch, &mut report)?;
    all_at_once(&branch, None, &mut report)?;
    all_at_once(&branch, Some(NARROW), &mut report)?;
    Ok(report)
}

/// The link goes: telephones notice one after another, by signs of life without answer.
fn link_lost(branch: &Branch, report: &mut Report) -> Result<()> {
    let survived = storm::after(branch, None, |branch| branch.cut())?;
    let phones = survived.phones;
    let name = format!("link lost: {phones} phones at the gateway, after the last has noticed");
    report.rows.push(promised(name, &survived));
    let Survived { noticed, served, .. } = survived;
    let name = "link lost: until the last phone has noticed by itself";
    report.rows.push(Row::informing(name, "s", vec![noticed.as_secs_f64()]));
    let name = "link lost: until the last phone is served";
    report.rows.push(Row::informing(name, "s", vec![served.as_secs_f64()]));
    branch.mend()
}

/// The centre dies: all notice at the same moment, and come at once.
fn all_at_once(branch: &Branch, room: Option<usize>, report: &mut Report) -> Result<()> {
    let survived = storm::after(branch, room, |branch| {
        branch.kill_centre();
        Ok(())
    })?;
    let width = match room {
        None => "all at once".to_owned(),
        Some(room) => format!("all at once, into {room} half-open connections"),
    };
    let phones = survived.phones;
    report.rows.push(promised(format!("{width}: {phones} phones at the gateway"), &survived));
    let rate = phones as f64 / survived.after_noticing().as_secs_f64().max(f64::MIN_POSITIVE);
    report.rows.push(Row::informing(format!("{width}: registrations"), "/s", vec![rate]));
    let attempts = survived.attempts as f64 / phones as f64;
    report.rows.push(Row::informing(format!("{width}: attempts of a phone"), "", vec![attempts]));
    Ok(())
}

fn promised(name: String, survived: &Survived) -> Row {
    let ours = vec![survived.after_noticing().as_secs_f64()];
    Row::compared(name, "s", Better::Lower, ours, (PROMISE, vec![SECONDS])).promised(1.0)
}
