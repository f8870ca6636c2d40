//! Signing files on one core, against bare OpenSSL.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use provisioning::signing::FileSigner;
use rustix::time::{ClockId, clock_gettime};
use tlv::FileKind;

use super::site::Site;
use crate::report::{Better, Report, Row};

const ROUNDS: usize = 5;
const TURN: Duration = Duration::from_secs(1);

/// A signed configuration from the XML to the file that is served.
pub(super) fn measure(site: &Site, report: &mut Report) -> Result<()> {
    let signer = FileSigner::new(Arc::clone(&site.identity))?;
    // Both on one core, in turn: a process inherits where its parent's thread may run.
    let (ours, openssl) = std::thread::scope(|scope| {
        let rounds = || -> Result<(Vec<f64>, Vec<f64>)> {
            if let Some(core) =
                core_affinity::get_core_ids().and_then(|cores| cores.last().copied())
            {
                core_affinity::set_for_current(core);
            }
            let round = |_| Ok((our_rate(&signer)?, openssl_rate()?));
            (0..ROUNDS).map(round).collect()
        };
        scope.spawn(rounds).join().expect("measuring does not panic")
    })?;
    let name = "signed files, RSA 2048, one core";
    let row = Row::compared(name, "files/s", Better::Higher, ours, ("openssl speed", openssl));
    report.rows.push(row.promised(0.9));
    Ok(())
}

fn our_rate(signer: &FileSigner) -> Result<f64> {
    let payload = vec![b'x'; 2_000];
    let (start, mut files) = (cpu_time(), 0u32);
    while cpu_time() - start < TURN {
        let name = format!("SEP{files:012X}.cnf.xml.sgn");
        signer.sign(FileKind::Provisioning, &name, &payload, SystemTime::UNIX_EPOCH)?;
        files += 1;
    }
    Ok(f64::from(files) / (cpu_time() - start).as_secs_f64())
}

/// What this thread has had of its core, as `openssl speed` counts too.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn openssl_rate() -> Result<f64> {
    let speed = Command::new("openssl")
        .args(["speed", "-mr", "-seconds", "1", "rsa2048"])
        .output()
        .context("cannot run openssl")?;
    ensure!(speed.status.success(), "openssl speed failed");
    // +F2:INDEX:BITS:SIGNATURES A SECOND:VERIFICATIONS A SECOND, of OpenSSL 3
    let text = String::from_utf8_lossy(&speed.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("+F2:"));
    let rate = line.and_then(|line| line.split(':').nth(2)?.parse().ok());
    rate.with_context(|| format!("openssl speed said {text:?}"))
}
