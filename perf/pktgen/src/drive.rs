//! Source and sink on a port: the loops, and the clock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use port::{BURST, Pool, Port};

use crate::pace::Sent;
use crate::sink::Sink;
use crate::source::{Pace, Source};

/// Sends what `source` makes at a rate, for a while or until `stop`.
pub fn send(
    port: &mut dyn Port,
    pool: &mut Pool,
    source: &mut Source,
    rate: Option<f64>,
    duration: Duration,
    stop: &AtomicBool,
) -> Result<Sent> {
    let (start, lost) = (Instant::now(), port.stats().tx_lost);
    let mut pace = Pace::new(rate);
    let mut burst = Vec::with_capacity(BURST);
    let mut frames = 0;
    while start.elapsed() < duration && !stop.load(Ordering::Relaxed) {
        // What did not fit goes first: each number is sent once.
        if burst.is_empty() {
            let due = pace.due(start.elapsed());
            source.make(now(), due, pool, &mut burst)?;
        }
        let taken = port.tx(pool, &mut burst)?;
        pace.sent(taken);
        frames += taken as u64;
        if burst.is_empty() && rate.is_some() {
            std::thread::yield_now();
        }
    }
    let elapsed = start.elapsed();
    pool.give_all(&mut burst);
    let lost = port.stats().tx_lost - lost;
    Ok(Sent { frames: frames - lost.min(frames), missed: pace.missed(), elapsed })
}

/// Gives `sink` what arrives, for a while or until `stop`.
pub fn receive(
    port: &mut dyn Port,
    pool: &mut Pool,
    sink: &mut Sink,
    duration: Duration,
    stop: &AtomicBool,
) -> Result<()> {
    let start = Instant::now();
    let mut burst = Vec::with_capacity(BURST);
    while start.elapsed() < duration && !stop.load(Ordering::Relaxed) {
        if port.rx(pool, &mut burst)? == 0 {
            std::thread::yield_now();
        }
        sink.take(now(), &mut burst);
        pool.give_all(&mut burst);
    }
    Ok(())
}

/// UNIX time: the one clock that two machines have in common.
fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
