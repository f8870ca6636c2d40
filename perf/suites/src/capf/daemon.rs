//! The daemon, on the processor that is measured.

use std::fs;
use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lab::program::Program;

use super::site::Site;
use crate::cpu;

/// Far more than it takes to start.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Daemon(Program);

impl Daemon {
    /// Starts it, and waits until CAPF and the provider listen.
    pub fn start(site: &Site) -> Result<Self> {
        let mut program = std::env::current_exe().context("no path of this program")?;
        program.set_file_name("ringfence-controld");
        let mut command = Command::new(program);
        command.arg("--config").arg(site.configuration());
        // A process inherits where its parent's thread may run.
        let started = thread::scope(|scope| {
            let start = || {
                cpu::bind_here(cpu::MEASURED)?;
                Program::start("controld", command, site.directory())
            };
            scope.spawn(start).join().expect("starting does not panic")
        })?;
        let mut daemon = Self(started);
        let deadline = Instant::now() + PATIENCE;
        for address in [site.capf, site.provider] {
            while TcpStream::connect(address).is_err() {
                daemon.0.expect_running()?;
                ensure!(Instant::now() < deadline, "the daemon does not listen on {address}");
                thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(daemon)
    }

    /// What it has had of its processor.
    pub fn cpu_time(&self) -> Result<Duration> {
        cpu::time_of(self.0.pid())
    }

    /// Its resident memory in MB.
    pub fn memory(&self) -> Result<f64> {
        let path = format!("/proc/{}/status", self.0.pid());
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes: Option<f64> =
            line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        Ok(kilobytes.with_context(|| format!("{path} has no VmRSS"))? / 1024.0)
    }
}
