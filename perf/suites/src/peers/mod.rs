//! The relay beside what users could pick, and beside what the path could carry at most.
//!
//! One veth pair, as in the suite `relay`, whose yardsticks and subjects are used here: packets are
//! made and counted on one processor, whatever is measured has the other one. Of XDP programs that is
//! the thread of the kernel that receives for the interface; of the relay on AF_XDP and of rtpengine
//! it is the process, and the kernel receives beside the generator.
//!
//! Each round measures everything one after the other, so that a slow moment of the machine hits all
//! of it, and promises are judged by the median of the rounds' ratios. Programs in XDP and on AF_XDP
//! are offered as much as the generator makes. rtpengine is not: it gives a stream up for good after
//! it has found its queue full a few times, so it is offered twice what it takes, from a fresh start in
//! each round, for so short a time that queues do not overflow.

mod ng;
mod rtpengine;

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::relay::bench::{Bench, FAR, FLOWS, LOCAL, Load, Measured, NEAR_MAC, PEER, PREPARED};
use crate::relay::subject::Subject;
use crate::report::{Better, Report, Row};
use rtpengine::{Arriving, Rtpengine};

const ROUNDS: usize = 5;

/// How long one measurement takes.
const DURATION: Duration = Duration::from_millis(200);

/// What is measured with the usual number of flows, in this order.
const SUBJECTS: [Subject; 8] = [
    Subject::Drop,
    Subject::Bounce,
    Subject::Redirect,
    Subject::Fast,
    Subject::Port,
    Subject::Rtp,
    Subject::Opened,
    Subject::Srtp,
];

/// What is measured with other numbers of flows too, and with which.
const SCALED: [Subject; 4] = [Subject::Fast, Subject::Rtp, Subject::Opened, Subject::Srtp];
const FLOW_COUNTS: [u16; 3] = [1, 100, 10_000];

/// Packets per second that rtpengine is offered to see how many it takes.
const OFFERED_TO_PEER: f64 = 300e3;

/// Part of a rate that is surely carried.
const SAFE: f64 = 0.7;

/// What one round found.
struct Round {
    /// Packets per second, by [`SUBJECTS`].
    rates: [f64; SUBJECTS.len()],
    /// The same by [`FLOW_COUNTS`] and [`SCALED`].
    scaled: [[f64; SCALED.len()]; FLOW_COUNTS.len()],
    /// The kernel's time for a packet in nanoseconds: bare redirect, fast tier. They say more than the
    /// rates where the generator is slower than either.
    kernel: [f64; 2],
    /// The worker's time for a packet in nanoseconds: bare port, RTP to RTP, SRTP to SRTP.
    worker: [f64; 3],
    peer: Option<PeerRound>,
    overload: Overload,
}

/// What one round found of rtpengine, and of ours at its rate.
struct PeerRound {
    /// Packets per second and nanoseconds of processor time for a packet: RTP, SRTP.
    rtp: (f64, f64),
    srtp: (f64, f64),
    /// Latencies in nanoseconds, p50 and p99, at half of its rate: rtpengine, our SRTP relay, our
    /// fast tier.
    latencies: [[f64; 2]; 3],
}

/// The SRTP relay under three times what it can carry, and the same relay before and after that:
/// packets a second, and the shares of packets that it carried.
struct Overload {
    most: f64,
    under: f64,
    before: f64,
    after: f64,
}

/// Measures, and compares.
pub fn run() -> Result<Report> {
    let mut bench = Bench::new()?;
    let far = bench.far().link(FAR);
    far.address(&format!("{}/24", LOCAL.ip()))?;
    let mac = NEAR_MAC.map(|octet| format!("{octet:02x}")).join(":");
    far.neighbour(IpAddr::V4(*PEER.ip()), &mac)?;
    if !Rtpengine::is_here() {
        eprintln!("rtpengine is not installed: its rows are missing; `cargo xtask setup` has it");
    }
    let mut rounds = Vec::new();
    for number in 1..=ROUNDS {
        eprintln!("round {number} of {ROUNDS}");
        rounds.push(round(&mut bench)?);
    }
    Ok(report(&rounds))
}

fn round(bench: &mut Bench) -> Result<Round> {
    let (mut worker, mut kernel) = (Vec::new(), Vec::new());
    let mut rates = [0.0; SUBJECTS.len()];
    bench.set_flows(FLOWS);
    for (rate, subject) in rates.iter_mut().zip(SUBJECTS) {
        let measured = bench.measure(subject, None, DURATION)?;
        *rate = measured.rate();
        if matches!(subject, Subject::Redirect | Subject::Fast) {
            kernel.push(measured.kernel_per_packet());
        }
        if let (Subject::Port | Subject::Rtp | Subject::Srtp, Some(work)) =
            (subject, &measured.work)
        {
            worker.push(work.busy.as_nanos() as f64 / work.frames.max(1) as f64);
        }
    }
    let srtp = rates[SUBJECTS.len() - 1];
    let overload = overload(bench, srtp)?;
    let peer = Rtpengine::is_here().then(|| peer_round(bench)).transpose()?;
    let mut scaled = [[0.0; SCALED.len()]; FLOW_COUNTS.len()];
    for (rates, flows) in scaled.iter_mut().zip(FLOW_COUNTS) {
        bench.set_flows(flows);
        for (rate, subject) in rates.iter_mut().zip(SCALED) {
            *rate = bench.measure(subject, None, DURATION)?.rate();
        }
    }
    let kernel = kernel.try_into().ok().context("two programs were measured")?;
    let worker = worker.try_into().ok().context("three workers were measured")?;
    Ok(Round { rates, scaled, kernel, worker, peer, overload })
}

fn overload(bench: &mut Bench, estimate: f64) -> Result<Overload> {
    let mut at = |rate: f64| {
        Ok::<_, anyhow::Error>(bench.measure(Subject::Srtp, Some(rate), DURATION)?.rate())
    };
    let most = at(0.9 * estimate)?.max(at(1.1 * estimate)?).max(at(1.3 * estimate)?);
    let rates = [SAFE * most, 3.0 * most, SAFE * most];
    let enough = 0.9 * f64::from(PREPARED) / rates.iter().sum::<f64>();
    let duration = DURATION.min(Duration::from_secs_f64(enough));
    let loads = rates.map(|rate| Load { rate: Some(rate), duration });
    let [before, under, after] = bench.measure_each(Subject::Srtp, loads)?;
    let (under, carried) = (under.rate(), |measured: Measured| 100.0 * (1.0 - measured.loss()));
    Ok(Overload { most, under, before: carried(before), after: carried(after) })
}

fn peer_round(bench: &mut Bench) -> Result<PeerRound> {
    let (rtp, p) = measure_peer(bench, Arriving::Rtp, OFFERED_TO_PEER)?;
    ensure!(p.seen > 0, "nothing came through rtpengine");
    let (srtp, _) = measure_peer(bench, Arriving::Srtp, OFFERED_TO_PEER)?;
    let half = rtp.0 / 2.0;
    let (_, theirs) = measure_peer(bench, Arriving::Rtp, half)?;
    let ours = bench.measure(Subject::Srtp, Some(half), DURATION)?;
    let fast = bench.measure(Subject::Fast, Some(half), DURATION)?;
    let quantiles = |measured: &Measured| -> Result<[f64; 2]> {
        let quantile = |share| measured.latencies.quantile(share).context("no packet was timed");
        Ok([quantile(0.5)? as f64, quantile(0.99)? as f64])
    };
    let latencies = [quantiles(&theirs)?, quantiles(&ours)?, quantiles(&fast)?];
    Ok(PeerRound { rtp, srtp, latencies })
}

/// Rate and processor time for a packet.
fn measure_peer(
    bench: &mut Bench,
    arriving: Arriving,
    offered: f64,
) -> Result<((f64, f64), Measured)> {
    let rtpengine = Rtpengine::start(bench.far(), arriving, FLOWS)?;
    let count = (offered * DURATION.as_secs_f64() * 1.5) as u32;
    let key: Option<fn(u16) -> srtp::Keying> =
        (arriving == Arriving::Srtp).then_some(rtpengine::key);
    bench.prepare_foreign(&rtpengine.ports, count, key)?;
    let before = rtpengine.time()?;
    let measured = bench.measure_foreign(offered, DURATION)?;
    let time = rtpengine.time()? - before;
    let per_packet = time.as_nanos() as f64 / measured.seen.max(1) as f64;
    Ok(((measured.rate(), per_packet), measured))
}

fn report(rounds: &[Round]) -> Report {
    let mut report = Report::new("peers");
    let all = |figure: &dyn Fn(&Round) -> f64| rounds.iter().map(figure).collect::<Vec<f64>>();
    let rate = |subject: Subject| {
        let at = SUBJECTS.iter().position(|other| *other == subject).expect("it is listed");
        all(&|round| round.rates[at] / 1e6)
    };
    let against = |subject: Subject, peer: Subject| {
        let name = format!("{}, {FLOWS} flows", subject.name());
        Row::compared(name, "Mpps", Better::Higher, rate(subject), (peer.name(), rate(peer)))
    };
    for subject in [Subject::Drop, Subject::Bounce, Subject::Redirect, Subject::Port] {
        report.rows.push(Row::informing(subject.name(), "Mpps", rate(subject)));
    }
    report.rows.extend([
        // P6.
        against(Subject::Fast, Subject::Redirect).promised(0.75),
        against(Subject::Rtp, Subject::Port),
        against(Subject::Opened, Subject::Port),
        // P8.
        against(Subject::Srtp, Subject::Port).promised(0.80),
    ]);
    for (flows_at, flows) in FLOW_COUNTS.into_iter().enumerate() {
        for (at, subject) in SCALED.into_iter().enumerate() {
            let name = format!("{}, {flows} flows", subject.name());
            let ours = all(&|round| round.scaled[flows_at][at] / 1e6);
            let usual = (name_of_usual(), rate(subject));
            report.rows.push(Row::compared(name, "Mpps", Better::Higher, ours, usual));
        }
    }
    for (at, subject) in [Subject::Port, Subject::Rtp, Subject::Srtp].into_iter().enumerate() {
        let name = format!("{}: worker, per packet", subject.name());
        report.rows.push(Row::informing(name, "ns", all(&|round| round.worker[at])));
    }
    let bare = (Subject::Redirect.name(), all(&|round| round.kernel[0]));
    let ours = all(&|round| round.kernel[1]);
    let name = format!("{}: kernel, per packet", Subject::Fast.name());
    report.rows.push(Row::compared(name, "ns", Better::Lower, ours, bare));
    // P13.
    let under = all(&|round| round.overload.under / 1e6);
    let most = all(&|round| round.overload.most / 1e6);
    let name = "relay SRTP to SRTP, three times too much";
    report.rows.push(
        Row::compared(name, "Mpps", Better::Higher, under, ("its maximum", most)).promised(0.9),
    );
    let after = all(&|round| round.overload.after);
    let before = all(&|round| round.overload.before);
    let name = "relay SRTP to SRTP, after that, of what is sent";
    report.rows.push(
        Row::compared(name, "%", Better::Higher, after, ("the same before", before)).promised(0.98),
    );
    report.rows.extend(peer_rows(rounds, rate(Subject::Fast), rate(Subject::Srtp)));
    report
}

fn name_of_usual() -> &'static str {
    "the same with 1000"
}

fn peer_rows(rounds: &[Round], fast: Vec<f64>, relay: Vec<f64>) -> Vec<Row> {
    let Some(peers) = rounds.iter().map(|round| round.peer.as_ref()).collect::<Option<Vec<_>>>()
    else {
        return Vec::new();
    };
    let all = |figure: &dyn Fn(&PeerRound) -> f64| {
        peers.iter().map(|peer| figure(peer)).collect::<Vec<f64>>()
    };
    let (rtp, srtp) = (all(&|peer| peer.rtp.0 / 1e6), all(&|peer| peer.srtp.0 / 1e6));
    let latency = |of: usize, at: usize| all(&|peer| peer.latencies[of][at] / 1e3);
    let faster = |name: &str, of: usize, at: usize| {
        let theirs = ("rtpengine", latency(0, at));
        Row::compared(name, "µs", Better::Lower, latency(of, at), theirs)
    };
    vec![
        // P7.
        Row::compared(
            "fast tier RTP to RTP beside rtpengine",
            "Mpps",
            Better::Higher,
            fast,
            ("rtpengine RTP to RTP", rtp),
        )
        .promised(12.0),
        // P9.
        Row::compared(
            "relay SRTP to SRTP beside rtpengine",
            "Mpps",
            Better::Higher,
            relay,
            ("rtpengine SRTP to RTP", srtp),
        )
        .promised(5.0),
        Row::informing("rtpengine RTP to RTP: process, per packet", "ns", all(&|peer| peer.rtp.1)),
        Row::informing(
            "rtpengine SRTP to RTP: process, per packet",
            "ns",
            all(&|peer| peer.srtp.1),
        ),
        // P12, as at most 0.8 times theirs.
        faster("relay SRTP to SRTP: p50 at half of rtpengine's rate", 1, 0).promised(1.0 / 0.8),
        faster("relay SRTP to SRTP: p99 at half of rtpengine's rate", 1, 1),
        faster("fast tier RTP to RTP: p50 at half of rtpengine's rate", 2, 0).promised(1.0 / 0.8),
        faster("fast tier RTP to RTP: p99 at half of rtpengine's rate", 2, 1),
    ]
}
