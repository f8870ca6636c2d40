//! ESP on one core, tunnel mode: ours against strongSwan's in user space, and against the bare
//! cryptography of OpenSSL.
//!
//! Ours does everything that is done to a packet between two ports: policy, association, sequence
//! number, replay window, headers, limits, cryptography, selectors. Of strongSwan's libipsec only the
//! work on the packet itself is measured; beside that it has queues, threads, a TUN device and
//! searches for policy and association. OpenSSL is what it computes with: there a ratio of 1 says
//! that all the rest costs us nothing.

mod libipsec;
mod openssl;
mod ours;

use std::time::Duration;

use anyhow::{Result, ensure};
use esp::Suite;

use crate::cpu::thread_time;
use crate::report::{Better, Report, Row};

use self::openssl::Openssl;
use libipsec::Libipsec;
use ours::Ours;

/// How many times as fast as strongSwan's user space ours is at least.
const PROMISED: f64 = 3.0;

const ROUNDS: usize = 7;
/// How long a contender works in a round.
const TURN: Duration = Duration::from_millis(20);
/// Packets of a lap.
const LAP: usize = 1024;

/// What is done to packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Seal,
    Open,
}

/// Who is measured.
trait Contender {
    /// Puts packets in place that the work can be done to.
    fn prepare(&mut self, work: Work);

    /// Works on the packets of a lap and says how many came through. This is what is measured.
    fn process(&mut self, work: Work) -> usize;
}

/// Measures everything.
pub fn run() -> Result<Report> {
    if let Some(core) = core_affinity::get_core_ids().and_then(|cores| cores.last().copied()) {
        core_affinity::set_for_current(core);
    }
    let mut report = Report::new("esp");
    for suite in [Suite::AesGcm128, Suite::AesCbc128Sha1] {
        for len in [64, 200, 1400] {
            for work in [Work::Seal, Work::Open] {
                let mut ours = Ours::new(suite, len)?;
                let mut strongswan = Libipsec::new(suite, len)?;
                let mut bare = Openssl::new(suite, len)?;
                let mut rates = [const { Vec::new() }; 3];
                for round in 0..=ROUNDS {
                    let contenders: [&mut dyn Contender; 3] =
                        [&mut ours, &mut strongswan, &mut bare];
                    for (contender, rates) in contenders.into_iter().zip(&mut rates) {
                        let rate = turn(contender, work)?;
                        // The first round warms up.
                        if round > 0 {
                            rates.push(rate);
                        }
                    }
                }
                let [our, strongswan, bare] = rates;
                let compare = |name, peer| {
                    let what = format!("{work:?} {suite}, {len} octets");
                    Row::compared(what, "Mpps", Better::Higher, our.clone(), (name, peer))
                };
                let row = compare("strongSwan's libipsec", strongswan);
                report.rows.push(row.promised(PROMISED));
                report.rows.push(compare("bare OpenSSL", bare));
            }
        }
    }
    Ok(report)
}

/// Million packets a second.
fn turn(contender: &mut dyn Contender, work: Work) -> Result<f64> {
    let (mut packets, mut busy) = (0, Duration::ZERO);
    while busy < TURN {
        contender.prepare(work);
        let start = thread_time();
        let done = contender.process(work);
        busy += thread_time() - start;
        ensure!(done == LAP, "{done} of {LAP} packets came through");
        packets += done;
    }
    Ok(packets as f64 / busy.as_secs_f64() / 1e6)
}
