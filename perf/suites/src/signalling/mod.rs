//! Registration and calls: `ringfence-controld`, its cell and a relay as they are installed, and
//! telephones in this process.
//!
//! Handshakes are compared with those of OpenSSL's own programs, which both share all processors, as
//! server and telephones do. Every call is placed through the relay, by MGCP and with keys for
//! either side; telephones send no media: what is measured is signalling. As many calls are made as
//! some hundred pairs of telephones can make.

mod fleet;
mod handshakes;
mod installed;
pub(crate) mod process;
pub(crate) mod site;

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::cpu;
use crate::report::{Better, Report, Row};
use fleet::Fleet;
use installed::Installed;
use site::{MODERN, Site};

pub use process::become_other;

/// The fewest phones that say anything.
const FEWEST: usize = 1_000;
const ROUNDS: usize = 5;
/// Registrations of a round.
const ROUND: usize = 500;
/// How long all phones stay registered.
const KEEP: Duration = Duration::from_secs(120);
/// Of handshakes by OpenSSL's programs.
const REGISTRATIONS: f64 = 0.70;
/// What is promised in figures.
const PROMISE: &str = "what is promised";
const KILOBYTES: f64 = 64.0;
const CALLS: f64 = 100.0;
const SET_UP_MS: f64 = 50.0;

/// Measures everything, with so many phones.
pub fn run(count: usize) -> Result<Report> {
    ensure!(count >= FEWEST, "it takes at least {FEWEST} phones to measure anything");
    cpu::check()?;
    // The cell needs two for each phone, and has them from here.
    phone::fleet::allow_many_sockets()?;
    let _precedence = cpu::Precedence::take();
    let mut report = Report::new("signalling");
    let site = Site::new(count)?;
    let processes = Installed::start(&site)?;
    let before = memory(&processes)?;
    let mut fleet = Fleet::new(&site)?;
    registrations(&site, &mut fleet, &mut report)?;
    fleet.register_all()?;
    let kilobytes = (memory(&processes)? - before) / 1024.0 / count as f64;
    let row = Row::compared(
        format!("memory per phone in all processes, {count} registered, {MODERN} over TLS 1.3"),
        "KiB",
        Better::Lower,
        vec![kilobytes],
        (PROMISE, vec![KILOBYTES]),
    );
    report.rows.push(row.promised(1.0));
    keep(&processes, &mut fleet, &mut report)?;
    calls(&mut fleet, &mut report)?;
    Ok(report)
}

fn registrations(site: &Site, fleet: &mut Fleet, report: &mut Report) -> Result<()> {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(handshakes::per_second(site)?);
        ours.push(fleet.registrations_per_second(ROUND)?);
    }
    let peer = ("openssl s_server and s_time, handshakes", bare);
    let name = "registrations over TLS 1.0, AES128-SHA, RSA of 2048 bits";
    let row = Row::compared(name, "/s", Better::Higher, ours, peer);
    report.rows.push(row.promised(REGISTRATIONS));
    let (fresh, resumed) = fleet.modern_registrations_per_second()?;
    report.rows.push(Row::informing("registrations over TLS 1.3", "/s", fresh));
    report.rows.push(Row::informing("registrations over TLS 1.3, resumed", "/s", resumed));
    Ok(())
}

/// All stay, with a sign of life now and then.
fn keep(processes: &Installed, fleet: &mut Fleet, report: &mut Report) -> Result<()> {
    let before = [processes.time()?, cpu::time_of(std::process::id())?];
    let lost = fleet.keep(KEEP)?;
    ensure!(lost == 0, "{lost} phones lost their server while nothing happened");
    let after = [processes.time()?, cpu::time_of(std::process::id())?];
    let names = ["controld, cell and relay", "phones"];
    for ((name, before), after) in names.into_iter().zip(before).zip(after) {
        let share = (after - before).as_secs_f64() / KEEP.as_secs_f64() * 100.0;
        let name = format!("processor time of {name} while all stay registered");
        report.rows.push(Row::informing(name, "%", vec![share]));
    }
    Ok(())
}

fn calls(fleet: &mut Fleet, report: &mut Report) -> Result<()> {
    let most = fleet.calls(None)?;
    let row = Row::compared(
        format!("calls with keys and a relay, of {} pairs that speak for a second", fleet::PAIRS),
        "/s",
        Better::Higher,
        vec![most.per_second()],
        (PROMISE, vec![CALLS]),
    );
    report.rows.push(row.promised(1.0));
    let half = fleet.calls(Some(most.per_second() / 2.0))?;
    let p99 = half.set_up.percentile(0.99).as_secs_f64() * 1e3;
    let row = Row::compared(
        "from the last digit to both icons at half that load, 99 of 100",
        "ms",
        Better::Lower,
        vec![p99],
        (PROMISE, vec![SET_UP_MS]),
    );
    report.rows.push(row.promised(1.0));
    Ok(())
}

/// Of all processes, in bytes.
fn memory(processes: &Installed) -> Result<f64> {
    Ok(processes.memory()? + process::resident(std::process::id())?)
}
