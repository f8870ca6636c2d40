//! SRTP crypto on one core: ours, backend by backend, against the peers.
//!
//! Everything a relay does with a packet between two sockets is measured: finding the SSRC's
//! context, rollover counter, replay window, authentication, encryption. Packets of many flows come
//! in a random order of flows. intel-ipsec-mb has no notion of contexts and windows: it is told the
//! index of each packet, and does the crypto.
//!
//! Packets are looked at before anything is measured: each contender's come out as they should.

mod contender;
#[cfg(ipsec_mb)]
mod ipsec_mb;
mod libsrtp;
mod load;
mod ours;
mod webrtc;

use std::time::Duration;

use anyhow::{Result, bail};
use srtp::{BackendChoice, Suite};

use crate::cpu::thread_time;
use crate::report::{Better, Report, Row};
use contender::Contender;
use load::{Load, Operation};
use ours::{BURST, Ours};

const ROUNDS: usize = 7;
/// How long a contender works in a round.
const TURN: Duration = Duration::from_millis(10);

const CM: Suite = Suite::AesCm128HmacSha1_80;
const GCM: Suite = Suite::AeadAes128Gcm;

/// Measures everything.
pub fn run() -> Result<Report> {
    if let Some(core) = core_affinity::get_core_ids().and_then(|cores| cores.last().copied()) {
        core_affinity::set_for_current(core);
    }
    let mut report = Report::new("srtp");
    for suite in [CM, GCM] {
        for operation in Operation::ALL {
            for flows in [1_000, 1, 10_000] {
                compare(&mut report, Load { suite, payload: 160, flows }, operation)?;
            }
            for payload in [20, 320, 1200] {
                compare(&mut report, Load { suite, payload, flows: 1_000 }, operation)?;
            }
        }
        single_packets(&mut report, suite)?;
        scale(&mut report, suite)?;
    }
    let long_keys = Load { suite: Suite::AesCm256HmacSha1_80, payload: 160, flows: 1_000 };
    compare(&mut report, long_keys, Operation::Relay)?;
    Ok(report)
}

/// Ours with every backend against every peer.
fn compare(report: &mut Report, load: Load, operation: Operation) -> Result<()> {
    let mut group = Group::default();
    let ours: Vec<_> = BackendChoice::ALL
        .into_iter()
        .filter(|backend| backend.is_available())
        .map(|backend| Ok((backend, group.add(Ours::new(load, backend, BURST)?))))
        .collect::<Result<_>>()?;
    let mut peers = vec![group.add(libsrtp::Libsrtp::new(load)?)];
    if load.suite != Suite::AesCm256HmacSha1_80 {
        peers.push(group.add(webrtc::Webrtc::new(load)?));
        #[cfg(ipsec_mb)]
        peers.push(group.add(ipsec_mb::IpsecMb::new(load)?));
    }
    let rates = group.measure(operation)?;
    for &(backend, contender) in &ours {
        // The slower backends are for processors that cannot run the best one: one peer will do.
        let peers = if backend == ours[0].0 { &peers[..] } else { &peers[..1] };
        for &peer in peers {
            let peer_name = group.name(peer);
            let row = Row::compared(
                format!("{operation} {load}: {}", group.name(contender)),
                "Mpps",
                Better::Higher,
                rates[contender].clone(),
                (peer_name, rates[peer].clone()),
            );
            report.rows.push(match promise(load, operation, backend, peer_name) {
                Some(target) => row.promised(target),
                None => row,
            });
        }
    }
    Ok(())
}

/// What is promised of relaying ordinary audio packets of a thousand flows.
fn promise(load: Load, operation: Operation, ours: BackendChoice, peer: &str) -> Option<f64> {
    if (load.payload, load.flows, operation) != (160, 1_000, Operation::Relay) {
        return None;
    }
    match (load.suite, ours, peer) {
        (CM, BackendChoice::Avx512, "libsrtp") => Some(7.0),
        (CM, BackendChoice::Avx512, "ipsec-mb") => Some(1.4),
        (CM, BackendChoice::ShaNi, "libsrtp") => Some(4.0),
        (CM, BackendChoice::Portable, "libsrtp") => Some(2.0),
        (GCM, BackendChoice::Avx512, "libsrtp") => Some(4.0),
        _ => None,
    }
}

/// A burst of one packet must not be slower than libsrtp.
fn single_packets(report: &mut Report, suite: Suite) -> Result<()> {
    let load = Load { suite, payload: 160, flows: 1_000 };
    let mut group = Group::default();
    let ours = group.add(Ours::new(load, BackendChoice::Best, 1)?);
    let peer = group.add(libsrtp::Libsrtp::new(load)?);
    let rates = group.measure(Operation::Relay)?;
    let row = Row::compared(
        format!("relay {load}, one by one: {}", group.name(ours)),
        "Mpps",
        Better::Higher,
        rates[ours].clone(),
        (group.name(peer), rates[peer].clone()),
    );
    report.rows.push(row.promised(1.0));
    Ok(())
}

/// Ten times the flows must not halve the rate.
fn scale(report: &mut Report, suite: Suite) -> Result<()> {
    let load = |flows| Load { suite, payload: 160, flows };
    let mut group = Group::default();
    let many = group.add(Ours::new(load(10_000), BackendChoice::Best, BURST)?);
    let few = group.add(Ours::new(load(1_000), BackendChoice::Best, BURST)?);
    let rates = group.measure(Operation::Relay)?;
    let row = Row::compared(
        format!("relay {} kept: {}", load(10_000), group.name(many)),
        "Mpps",
        Better::Higher,
        rates[many].clone(),
        ("itself with 1000 flows", rates[few].clone()),
    );
    report.rows.push(row.promised(0.7));
    Ok(())
}

/// Contenders that are measured in turn.
#[derive(Default)]
struct Group(Vec<Box<dyn Contender>>);

impl Group {
    fn add(&mut self, contender: impl Contender + 'static) -> usize {
        self.0.push(Box::new(contender));
        self.0.len() - 1
    }

    fn name(&self, contender: usize) -> &'static str {
        self.0[contender].name()
    }

    /// Million packets a second, contender by contender and round by round.
    fn measure(&mut self, operation: Operation) -> Result<Vec<Vec<f64>>> {
        for contender in &mut self.0 {
            check(contender.as_mut(), operation)?;
        }
        let mut rates = vec![Vec::with_capacity(ROUNDS); self.0.len()];
        for round in 0..=ROUNDS {
            for (contender, rates) in self.0.iter_mut().zip(&mut rates) {
                let rate = turn(contender.as_mut(), operation)?;
                // The first round makes contexts and warms up.
                if round > 0 {
                    rates.push(rate);
                }
            }
        }
        Ok(rates)
    }
}

/// Whoever is measured does it right: looks at the packets of one lap.
fn check(contender: &mut dyn Contender, operation: Operation) -> Result<()> {
    contender.source().fill(operation);
    let done = contender.process(operation);
    let right = done == load::LAP
        && (!contender.works_in_place() || contender.source().are_right(operation)?);
    if !right {
        bail!("{}: {operation} gives wrong packets", contender.name());
    }
    Ok(())
}

fn turn(contender: &mut dyn Contender, operation: Operation) -> Result<f64> {
    let (mut packets, mut busy) = (0, Duration::ZERO);
    while busy < TURN {
        contender.source().fill(operation);
        let start = thread_time();
        let done = contender.process(operation);
        busy += thread_time() - start;
        if done != load::LAP {
            bail!("{}: {done} of {} packets came through", contender.name(), load::LAP);
        }
        packets += done;
    }
    Ok(packets as f64 / busy.as_secs_f64() / 1e6)
}
