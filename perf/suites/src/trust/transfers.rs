//! A thousand phones that fetch their files at once.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use phone::fleet::{self, Finished, Manner, Member};
use phone::{Boot, Conclusion, Identity, Installed, Model};
use provisioning::{Provisioning, Snapshots};
use tftp::server::{Server, Service, request_socket};
use tftp::{
    Config, Directory, Failure, FileSource, Location, Options, RateLimit, RequestLog, Tuning, fetch,
};

use super::site::{NODE, Site, device};
use crate::report::{Better, Report, Row};

const PHONES: usize = 1_000;
const ROUNDS: usize = 3;

pub(super) fn measure(site: &Site, report: &mut Report) -> Result<()> {
    let directory = site.directory("plain")?;
    let snapshot = Snapshots::new(Arc::clone(&site.store), NODE)?.newest();
    for number in 0..PHONES {
        let name = device(number);
        let xml = snapshot.configuration(&name.to_string()).context("every phone is known")?;
        fs::write(directory.join(format!("{name}.cnf.xml")), xml)?;
        fs::write(directory.join(format!("CTL{name}.tlv")), site.ctl.as_bytes())?;
    }

    let ours = Ours::start(Arc::new(Directory::new([directory.clone()])))?;
    let peer = Peer::start(&directory)?;
    let (mut our_times, mut peer_times) = (Times::default(), Times::default());
    let (mut our_files, mut peer_files) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let files = our_times.take(ours.address)?;
        ensure!(files == 2 * PHONES, "{files} of {} files came from our server", 2 * PHONES);
        our_files.push(files as f64);
        // Under this load it may lose phones that are out of patience.
        peer_files.push(peer_times.take(peer.address)? as f64);
    }
    let name = |what: &str| format!("{PHONES} phones, CTL and configuration, plain: {what}");
    for (what, ours, peer) in [
        ("total", our_times.totals, peer_times.totals),
        ("p99 of a phone", our_times.p99s, peer_times.p99s),
    ] {
        let row = Row::compared(name(what), "ms", Better::Lower, ours, ("tftpd-hpa", peer));
        report.rows.push(row.promised(1.0));
    }
    let files = ("tftpd-hpa", peer_files);
    let came = Row::compared(name("files that came"), "files", Better::Higher, our_files, files);
    report.rows.push(came);
    drop(ours);
    measure_mixed(site, report)
}

/// Whole starts in mixed mode: trust list, verification, configuration built and signed on demand.
fn measure_mixed(site: &Site, report: &mut Report) -> Result<()> {
    for (caching, kept) in [(true, "in memory"), (false, "on disk")] {
        site.set_caching(caching)?;
        let (mut first, mut again) = (Times::default(), Times::default());
        for round in 0..ROUNDS {
            let directory = site.directory(&format!("mixed-{round} {kept}"))?;
            let locations = vec![Location::claim(&directory, "perf")?];
            fs::write(directory.join("CTLFile.tlv"), site.ctl.as_bytes())?;
            let provisioning = Provisioning::new(
                Arc::clone(&site.store),
                NODE,
                locations,
                Arc::clone(&site.identity),
                SystemTime::now,
            )?;
            let ours = Ours::start(Arc::new(provisioning))?;
            for times in [&mut first, &mut again] {
                let finished =
                    times.add(ours.address, (0..PHONES).map(|n| boot(n, ours.address)))?;
                let verified = |one: &&Finished<Boot>| {
                    matches!(one.member.conclusion(), Some(Conclusion::Register { .. }))
                };
                let content = finished.iter().filter(verified).count();
                ensure!(content == PHONES, "{content} of {PHONES} phones verified their files");
            }
        }
        for (when, times) in [("signed on demand", first), ("signed before", again)] {
            let name = |figure: &str| {
                format!("{PHONES} phones, mixed mode, kept {kept}, {when}: {figure}")
            };
            report.rows.push(Row::informing(name("total"), "ms", times.totals));
            report.rows.push(Row::informing(name("p99 of a phone"), "ms", times.p99s));
        }
    }
    Ok(())
}

fn boot(number: usize, server: SocketAddr) -> Boot {
    let identity = Identity {
        device: device(number),
        model: Model::M7960,
        has_certificate: true,
        image_key: None,
    };
    Boot::new(identity, Installed::default(), server.ip())
}

/// Milliseconds, round by round.
#[derive(Default)]
struct Times {
    totals: Vec<f64>,
    p99s: Vec<f64>,
}

impl Times {
    /// One round of phones that want two plain files each; how many files came.
    fn take(&mut self, server: SocketAddr) -> Result<usize> {
        let finished = self.add(server, (0..PHONES).map(TwoFiles::of))?;
        Ok(finished.iter().map(|one| one.files).sum())
    }

    fn add<M: Member>(
        &mut self,
        server: SocketAddr,
        members: impl Iterator<Item = M>,
    ) -> Result<Vec<Finished<M>>> {
        let (options, tuning) = (Options::default(), Tuning::default());
        let manner = Manner { server, options, tuning, at_once: PHONES };
        let start = Instant::now();
        let finished = fleet::run(members, &manner)?;
        self.totals.push(start.elapsed().as_secs_f64() * 1e3);
        let mut took: Vec<f64> = finished.iter().map(|one| one.took.as_secs_f64() * 1e3).collect();
        took.sort_by(f64::total_cmp);
        self.p99s.push(took[took.len() * 99 / 100]);
        Ok(finished)
    }
}

/// A phone that fetches its trust list and its configuration.
struct TwoFiles {
    /// The last one first.
    names: Vec<String>,
}

impl TwoFiles {
    fn of(number: usize) -> Self {
        let name = device(number);
        Self { names: vec![format!("{name}.cnf.xml"), format!("CTL{name}.tlv")] }
    }
}

impl Member for TwoFiles {
    fn wants(&self) -> Option<String> {
        self.names.last().cloned()
    }

    fn handle(&mut self, _: Result<Vec<u8>, Failure>) {
        self.names.pop();
    }
}

/// Our server.
struct Ours {
    address: SocketAddr,
    _server: Server,
}

impl Ours {
    fn start(source: Arc<dyn FileSource>) -> Result<Self> {
        let socket = request_socket((Ipv4Addr::LOCALHOST, 0))?;
        let address = socket.local_addr()?;
        // All phones share an address here; the limit is per address.
        let rate = RateLimit { per_second: 1e9, burst: 1e9 };
        let config = Config { rate, ..Config::default() };
        let service = Service { source, observer: Arc::new(RequestLog::new(10_000)) };
        Ok(Self { address, _server: Server::tftp(&config, &[socket], 2, &service)? })
    }
}

/// tftpd-hpa.
struct Peer {
    address: SocketAddr,
    process: Child,
}

impl Peer {
    fn start(directory: &Path) -> Result<Self> {
        // A port that was free a moment ago.
        let address = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let process = Command::new("in.tftpd")
            .args(["--foreground", "--ipv4", "--secure", "--user", "root"])
            .args(["--address", &address.to_string()])
            .arg(directory)
            .stdin(Stdio::null())
            .spawn()
            .context("cannot run in.tftpd; `cargo xtask setup` installs it")?;
        let mut peer = Self { address, process };
        peer.wait()?;
        Ok(peer)
    }

    /// Asks until it answers.
    fn wait(&mut self) -> Result<()> {
        let tuning = Tuning { timeout: Duration::from_millis(50), ..Tuning::default() };
        for _ in 0..20 {
            if let Some(status) = self.process.try_wait()? {
                bail!("in.tftpd ended with {status}; it needs root");
            }
            let name = format!("CTL{}.tlv", device(0));
            if fetch(self.address, &name, Options::default(), 1 << 20, tuning.clone()).is_ok() {
                return Ok(());
            }
        }
        bail!("in.tftpd does not answer")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Fails only if it is gone.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
