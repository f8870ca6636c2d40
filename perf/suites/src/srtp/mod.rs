//! SRTP crypto on one core: ours, backend by backend, against the peers.
//!
//! Everything a relay does with a packet between two sockets is measured: finding the SSRC's
//! context, rollover counter, replay window, authentication, encryption. Packets of many flows come
//! in a random order. intel-ipsec-mb, which has no notion of any of that, computes its keys' crypto
//! alone.

mod contender;
mod libsrtp;
mod load;
mod ours;

use std::time::Duration;

use anyhow::{Result, bail};

use crate::report::{Better, Report, Row};
use contender::Contender;
use libsrtp::Libsrtp;
use load::{Load, Operation};
use ours::Ours;
use srtp::{BackendChoice, Suite};

const ROUNDS: usize = 7;
/// How long a contender works in a round.
const TURN: Duration = Duration::from_millis(25);

/// Measures everything.
pub fn run() -> Result<Report> {
    if let Some(core) = core_affinity::get_core_ids().and_then(|cores| cores.last().copied()) {
        core_affinity::set_for_current(core);
    }
    let mut report = Report::new("srtp");
    for suite in [Suite::AesCm128HmacSha1_80, Suite::AeadAes128Gcm] {
        for flows in [1, 1_000, 10_000] {
            let load = Load { suite, payload: 160, flows, operation: Operation::Relay };
            compare(&mut report, load)?;
        }
    }
    Ok(report)
}

fn compare(report: &mut Report, load: Load) -> Result<()> {
    let mut ours = Vec::new();
    for backend in BackendChoice::ALL.into_iter().filter(|backend| backend.is_available()) {
        ours.push(Ours::new(load, backend, 64)?);
    }
    let mut peer = Libsrtp::new(load)?;
    let mut rates = vec![Vec::new(); ours.len()];
    let mut peer_rates = Vec::new();
    for _ in 0..ROUNDS {
        peer_rates.push(turn(&mut peer)?);
        for (contender, rates) in ours.iter_mut().zip(&mut rates) {
            rates.push(turn(contender)?);
        }
    }
    for (contender, rates) in ours.iter().zip(rates) {
        let name = format!("{load}, {}", contender.name());
        report.rows.push(Row::compared(
            name,
            "Mpps",
            Better::Higher,
            rates,
            ("libsrtp", peer_rates.clone()),
        ));
    }
    Ok(())
}

/// What this thread has had of its core: whoever else is on the machine does not count.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Million packets a second of one turn.
fn turn(contender: &mut dyn Contender) -> Result<f64> {
    let (mut packets, mut busy) = (0, Duration::ZERO);
    while busy < TURN {
        contender.prepare();
        let start = cpu_time();
        let done = contender.process();
        busy += cpu_time() - start;
        if done != load::LAP {
            bail!("{}: {done} of {} packets came through", contender.name(), load::LAP);
        }
        packets += done;
    }
    Ok(packets as f64 / busy.as_secs_f64() / 1e6)
}
