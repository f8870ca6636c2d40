//! How fast the relay is on AF_XDP, against the least that could be done on the same path.
//!
//! One veth pair between two namespaces. At its near end the kernel makes packets and counts what
//! returns; at its far end is what is measured, on a processor of its own: an XDP program that only
//! turns frames round, our AF_XDP port with nothing behind it, and our port with the relay, for RTP
//! and for SRTP under new keys. All of them on the same interface, so that every frame takes the
//! same way there and back.
//!
//! Each round measures all of them one after the other, three times: with more than they can take
//! (throughput), with as much as they take without loss (found by halving), and with half of what
//! the bare port takes (latency).

pub(crate) mod bench;
pub(crate) mod subject;

use std::time::Duration;

use anyhow::{Context, Result};

use crate::report::{Better, Report, Row};
use bench::Bench;
use subject::Subject;

/// What is measured, in this order.
const SUBJECTS: [Subject; 4] = [Subject::Bounce, Subject::Port, Subject::Rtp, Subject::Srtp];

/// Rounds; promises are judged by their median.
const ROUNDS: usize = 5;

/// How long one measurement takes.
const DURATION: Duration = Duration::from_millis(250);

/// Halvings of the interval in which the rate without loss lies.
const HALVINGS: usize = 5;

/// Losing one packet in so many is "without loss": a virtual machine is stopped now and then.
const LOSS_TOLERATED: f64 = 1e-4;

/// Promises, against the bare port.
const RTP_TARGET: f64 = 0.80;
const SRTP_TARGET: f64 = 0.50;

/// What one round found of one subject.
struct Found {
    /// Packets per second that came through when more were sent.
    throughput: f64,
    /// Packets per second of which none is lost.
    lossless: f64,
    /// What a packet costs the worker; `None` without one.
    nanoseconds: Option<f64>,
    /// Latencies in nanoseconds.
    p50: f64,
    p99: f64,
    path: Option<String>,
}

/// Measures, and compares with the bare port.
pub fn run() -> Result<Report> {
    let mut bench = Bench::new()?;
    let mut rounds = Vec::new();
    for number in 1..=ROUNDS {
        eprintln!("round {number} of {ROUNDS}");
        rounds.push(round(&mut bench)?);
    }
    let mut report = Report::new("relay");
    for subject in SUBJECTS {
        report.rows.extend(rows(subject, &rounds));
    }
    Ok(report)
}

/// Measures all subjects once.
fn round(bench: &mut Bench) -> Result<Vec<Found>> {
    let latency_rate = bench.measure(Subject::Port, None, DURATION)?.rate() / 2.0;
    SUBJECTS.into_iter().map(|subject| measure(bench, subject, latency_rate)).collect()
}

fn measure(bench: &mut Bench, subject: Subject, latency_rate: f64) -> Result<Found> {
    let flooded = bench.measure(subject, None, DURATION)?;
    let throughput = flooded.rate();
    let timed = bench.measure(subject, Some(latency_rate), DURATION)?;
    let quantile = |share| timed.latencies.quantile(share).context("no packet was timed");
    let work = flooded.work.as_ref();
    Ok(Found {
        throughput,
        lossless: lossless(bench, subject, throughput)?,
        nanoseconds: work.map(|work| work.busy.as_nanos() as f64 / work.frames.max(1) as f64),
        p50: quantile(0.5)? as f64,
        p99: quantile(0.99)? as f64,
        path: work.map(|work| format!("{}: {}", work.path.kind, work.path.reason)),
    })
}

/// The highest rate at which nothing is lost.
fn lossless(bench: &mut Bench, subject: Subject, throughput: f64) -> Result<f64> {
    let (mut low, mut high) = (0.0, throughput * 1.1);
    for _ in 0..HALVINGS {
        let rate = (low + high) / 2.0;
        let measured = bench.measure(subject, Some(rate), DURATION)?;
        if measured.loss() <= LOSS_TOLERATED { low = measured.rate() } else { high = rate }
    }
    Ok(low)
}

/// The rows of a subject. `rounds` are those of all subjects.
fn rows(subject: Subject, rounds: &[Vec<Found>]) -> Vec<Row> {
    let position = |subject| SUBJECTS.iter().position(|other| *other == subject);
    let of = |subject| {
        let at = position(subject).expect("all are listed");
        rounds.iter().map(move |round| &round[at])
    };
    let path = of(subject).next().and_then(|found| found.path.clone());
    let row = |what: &str, unit, better, figure: &dyn Fn(&Found) -> f64| {
        let name = format!("{}: {what}", subject.name());
        let ours = of(subject).map(figure).collect();
        let row = match subject {
            Subject::Rtp | Subject::Srtp => {
                let bare = of(Subject::Port).map(figure).collect();
                Row::compared(name, unit, better, ours, (Subject::Port.name(), bare))
            }
            _ => Row::informing(name, unit, ours),
        };
        match &path {
            Some(path) => row.by_path(path),
            None => row,
        }
    };
    let promised = |row: Row| match subject {
        Subject::Rtp => row.promised(RTP_TARGET),
        Subject::Srtp => row.promised(SRTP_TARGET),
        _ => row,
    };
    let mut rows = vec![
        promised(row("throughput", "Mpps", Better::Higher, &|found| found.throughput / 1e6)),
        row("without loss", "Mpps", Better::Higher, &|found| found.lossless / 1e6),
        row("latency p50", "µs", Better::Lower, &|found| found.p50 / 1e3),
        row("latency p99", "µs", Better::Lower, &|found| found.p99 / 1e3),
    ];
    if of(subject).all(|found| found.nanoseconds.is_some()) {
        let nanoseconds = |found: &Found| found.nanoseconds.unwrap_or_default();
        rows.push(row("worker, per packet", "ns", Better::Lower, &nanoseconds));
    }
    rows
}
