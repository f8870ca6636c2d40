//! Enrolments per second, against the bare work.

use std::ops::Range;
use std::time::Instant;

use anyhow::Result;
use store::KeySize;

use super::bare::{Bare, Took};
use super::daemon::Daemon;
use super::memory::Memory;
use super::phones::Phones;
use super::site::Site;
use crate::report::{Better, Report, Row};

const ROUNDS: usize = 5;
const SIZES: [KeySize; 2] = [KeySize::Rsa1024, KeySize::Rsa2048];
const TARGET: f64 = 0.70;
/// Whom it is compared with.
const PEER: &str = "handshake, signature and commit";

/// What all rounds took of one key size.
#[derive(Default)]
struct Rates {
    ours: Pair,
    bare: Pair,
}

/// Per second of a processor, and per second of the clock; round by round.
#[derive(Default)]
struct Pair {
    processor: Vec<f64>,
    wall: Vec<f64>,
}

/// Enrols every phone once, half of them with keys of each size.
pub(super) fn measure(
    site: &Site,
    daemon: &Daemon,
    phones: &Phones,
    report: &mut Report,
) -> Result<Memory> {
    let mut bare = Bare::new(site)?;
    let (mut rates, mut memory) = ([Rates::default(), Rates::default()], Memory::default());
    let turns = ROUNDS * SIZES.len();
    for turn in 0..turns {
        let which = turn % SIZES.len();
        let range = site.count * turn / turns..site.count * (turn + 1) / turns;
        let count = range.len();
        let took = bare.work(count.min(MOST_BARE))?;
        rates[which].bare.add(count.min(MOST_BARE), &took);
        site.order(range.clone(), SIZES[which])?;
        rates[which].ours.add(count, &enrol(daemon, phones, range)?);
        memory.look(count, daemon)?;
    }
    for (size, rates) in SIZES.iter().zip(rates) {
        let name = |per: &str| format!("enrolments with {} bits, {per}", size.bits());
        let Rates { ours, bare } = rates;
        let processor = (PEER, bare.processor);
        let per_second = name("per second of its processor");
        let row = Row::compared(per_second, "/s", Better::Higher, ours.processor, processor);
        report.rows.push(row.promised(TARGET));
        // The bare work waits for the disk and for each client; the daemon serves others meanwhile.
        let wall = (PEER, bare.wall);
        let by_clock = name("by the clock");
        report.rows.push(Row::compared(by_clock, "/s", Better::Higher, ours.wall, wall));
    }
    Ok(memory)
}

/// More say nothing new.
const MOST_BARE: usize = 500;

fn enrol(daemon: &Daemon, phones: &Phones, range: Range<usize>) -> Result<Took> {
    let (clock, before) = (Instant::now(), daemon.cpu_time()?);
    std::thread::scope(|scope| {
        scope.spawn(|| phones.enrol(range)).join().expect("enrolling does not panic")
    })?;
    Ok(Took { processor: daemon.cpu_time()? - before, wall: clock.elapsed() })
}

impl Pair {
    fn add(&mut self, count: usize, took: &Took) {
        self.processor.push(count as f64 / took.processor.as_secs_f64());
        self.wall.push(count as f64 / took.wall.as_secs_f64());
    }
}
