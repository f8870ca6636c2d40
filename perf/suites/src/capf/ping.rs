//! What others notice of mass enrolment: the provider, and a phone's file.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use cluster::client::{KnownServers, Server, TlsTransport, Transport};
use cluster::http::Request;
use store::KeySize;
use tftp::{Options, Tuning, fetch};

use super::phones::Phones;
use super::site::{Site, name};
use crate::cpu;
use crate::report::{Better, Report, Row};

/// Enough pings for a percentile.
const ROUNDS: usize = 3;
/// Most phones that enrol during a round.
const CROWD: usize = 1_500;
/// Pings of a round without a crowd.
const IDLE: usize = 120;
/// Between two pings: well below what one address may ask of TFTP.
const PAUSE: Duration = Duration::from_millis(25);
/// Idle against busy: busy may take twice as long.
const TARGET: f64 = 0.50;

/// One who asks, and takes so long.
type Ping<'a> = &'a (dyn Fn() -> Result<()> + Sync);

pub(super) fn measure(site: &Site, phones: &Phones, report: &mut Report) -> Result<()> {
    let server = Server::parse(&site.provider.to_string())?;
    let transport = TlsTransport::new(KnownServers::new(), |_, _| true);
    let provider = || ask(&transport, &server);
    // No phone of the crowd: of those that have enrolled, another one each time would be signed.
    let file = format!("{}.cnf.xml", name(site.count - 1));
    let tftp = || {
        let got = fetch(site.tftp, &file, Options::default(), 1 << 20, Tuning::default());
        got.map(drop).context("no file came")
    };
    let pings: [(&str, Ping<'_>, Option<f64>); 2] = [
        ("the provider's version", &provider, Some(TARGET)),
        // Whoever loads files is not in a call: this informs.
        ("a phone's configuration", &tftp, None),
    ];
    for (what, ping, target) in pings {
        let (mut busy, mut idle) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let mut left = 0..IDLE;
            idle.extend(times(ping, || left.next().is_some())?);
            busy.extend(beside_crowd(site, phones, ping)?);
        }
        let name = format!("p99 of {what} during mass enrolment");
        let (busy, idle) = (vec![p99(busy)], vec![p99(idle)]);
        let row = Row::compared(name, "ms", Better::Lower, busy, ("idle", idle));
        report.rows.push(match target {
            Some(target) => row.promised(target),
            None => row,
        });
    }
    Ok(())
}

fn beside_crowd(site: &Site, phones: &Phones, ping: Ping<'_>) -> Result<Vec<f64>> {
    let crowd = CROWD.min(site.count - 1);
    site.order(0..crowd, KeySize::Rsa1024)?;
    // What the orders changed is looked at before: enrolment is to be measured.
    ping()?;
    let enrolled = AtomicBool::new(false);
    thread::scope(|scope| {
        let crowding = scope.spawn(|| {
            let result = phones.enrol(0..crowd);
            enrolled.store(true, Ordering::Release);
            result
        });
        let times = times(ping, || !enrolled.load(Ordering::Acquire));
        crowding.join().expect("enrolling does not panic")?;
        times
    })
}

/// What pings take while something lasts, in milliseconds.
fn times(ping: Ping<'_>, mut lasts: impl FnMut() -> bool + Send) -> Result<Vec<f64>> {
    let measure = move || {
        // Phones are on this processor too, and are not to be measured.
        cpu::own(cpu::OTHERS)?;
        let mut took = Vec::new();
        while lasts() {
            let start = Instant::now();
            ping()?;
            took.push(start.elapsed().as_secs_f64() * 1e3);
            thread::sleep(PAUSE);
        }
        ensure!(!took.is_empty(), "it was over before the first ping");
        Ok(took)
    };
    thread::scope(|scope| scope.spawn(measure).join().expect("asking does not panic"))
}

fn p99(mut took: Vec<f64>) -> f64 {
    took.sort_by(f64::total_cmp);
    took[took.len() * 99 / 100]
}

fn ask(transport: &TlsTransport, server: &Server) -> Result<()> {
    let (method, path) = ("GET".to_owned(), "/v1/version".to_owned());
    let request = Request { method, path, bearer: None, body: Vec::new().into() };
    let response =
        transport.send(server, &request).map_err(|fault| anyhow::anyhow!("{fault:?}"))?;
    ensure!(response.status == 200, "the provider said {}", response.status);
    Ok(())
}
