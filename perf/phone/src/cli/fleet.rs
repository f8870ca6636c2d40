//! Thousands of telephones.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use ringfence_phone::connection::KeyLog;
use ringfence_phone::fleet::allow_many_sockets;
use ringfence_phone::office::{Manners, Mute, Office, PhoneId};
use ringfence_phone::traffic::{
    CallPlan, Pair, Recruit, Recruits, RegistrationReport, call, keep, register,
};
use serde_json::{Value, json};

use super::crew::Style;

#[derive(Args)]
pub struct FleetArgs {
    /// The phones: a file with lines DEVICE,MODEL,MODE[,NUMBER], where MODE is non-secure,
    /// authenticated or encrypted, and NUMBER leads to the phone
    #[arg(long)]
    phones: PathBuf,
    /// CallManager, address or address:port of the clear port; may be given several times, the
    /// preferred one first. Secure phones go to the port 443 above it
    #[arg(long, value_parser = server, required = true)]
    server: Vec<SocketAddr>,
    /// The directory with a flash directory, named like the phone, for each secure phone: its
    /// certificate and its CTL
    #[arg(long)]
    flash: Option<PathBuf>,
    /// So many phones register at the same time
    #[arg(long, default_value_t = 100)]
    at_once: usize,
    /// Seconds until all of them must have registered
    #[arg(long, default_value_t = 300.0)]
    patience: f64,
    /// Seconds that they stay registered without calls
    #[arg(long, default_value_t = 0.0)]
    keep: f64,
    /// Seconds in which they call: each phone the one behind it in the list
    #[arg(long, default_value_t = 0.0)]
    calls: f64,
    /// Calls begun in a second [default: as soon as a pair is free]
    #[arg(long)]
    per_second: Option<f64>,
    /// Pairs that call [default: all]
    #[arg(long)]
    pairs: Option<usize>,
    /// Seconds that a call lasts
    #[arg(long, default_value_t = 1.0)]
    hold: f64,
    /// The address to call from
    #[arg(long)]
    source: Option<IpAddr>,
    /// Where phones say that they receive media, which they do not [default: at their own address]
    #[arg(long)]
    media: Option<IpAddr>,
    /// Which TLS they speak
    #[arg(long, default_value = "old")]
    tls: Style,
    /// Append the secrets of TLS sessions to this file, for Wireshark
    #[arg(long)]
    keylog: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

impl FleetArgs {
    pub fn run(self) -> Result<bool> {
        let text = std::fs::read_to_string(&self.phones);
        let text = text.with_context(|| format!("cannot read {}", self.phones.display()))?;
        let list = Recruit::list(&text).with_context(|| self.phones.display().to_string())?;
        ensure!(!list.is_empty(), "{}: there are no phones", self.phones.display());
        let log = self.keylog.as_ref().map(|path| {
            KeyLog::open(path).with_context(|| format!("cannot write {}", path.display()))
        });
        let manners = Manners { style: self.tls.style(), log: log.transpose()? };
        let common = Recruits {
            servers: &self.server,
            manners: &manners,
            flash: self.flash.as_deref(),
            ctl: None,
            source: self.source,
        };
        allow_many_sockets()?;
        let before = resident()?;
        let mut office = Office::new(Mute::at(self.media))?;
        let phones: Vec<_> =
            common.setups(&list)?.into_iter().map(|setup| office.add(setup)).collect();
        let patience = seconds(self.patience)?;
        let registered = register(&mut office, &phones, self.at_once, patience)?;
        let (lost, kept) = keep(&mut office, seconds(self.keep)?)?;
        let mut report = json!({
            "registration": registered.to_json(),
            "kept": { "seconds": self.keep, "lost": lost, "registered": kept },
            "memory_bytes_per_phone": resident()?.saturating_sub(before) / phones.len(),
        });
        let mut good = registered.missing == 0 && lost == 0;
        if self.calls > 0.0 {
            let calls = call(&mut office, &self.plan(&list, &phones)?)?;
            good &= calls.failures.is_empty() && !calls.set_up.is_empty();
            report["calls"] = calls.to_json();
        }
        self.print(&registered, &report);
        Ok(good)
    }

    fn plan(&self, list: &[Recruit], phones: &[PhoneId]) -> Result<CallPlan> {
        let pairs = list.chunks_exact(2).zip(phones.chunks_exact(2));
        let pairs = pairs.filter_map(|(recruits, phones)| {
            let number = recruits[1].number.clone()?;
            Some(Pair { caller: phones[0], callee: phones[1], number })
        });
        let pairs: Vec<_> = pairs.take(self.pairs.unwrap_or(usize::MAX)).collect();
        ensure!(!pairs.is_empty(), "nobody can be called: the list has no numbers");
        Ok(CallPlan {
            pairs,
            per_second: self.per_second.filter(|rate| *rate > 0.0),
            hold: seconds(self.hold)?,
            time: seconds(self.calls)?,
            patience: Duration::from_secs(10),
        })
    }

    fn print(&self, registered: &RegistrationReport, report: &Value) {
        if self.json {
            return println!("{report}");
        }
        println!(
            "{} registered in {:.1} s: {:.0} a second",
            registered.times.len(),
            registered.took.as_secs_f64(),
            registered.per_second()
        );
        println!("{report:#}");
    }
}

/// Bytes of memory that this process has.
fn resident() -> Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
    Ok(kilobytes.context("/proc/self/status has no VmRSS")? * 1024)
}

fn seconds(seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds).with_context(|| format!("{seconds} is no time"))
}

fn server(server: &str) -> Result<SocketAddr, String> {
    let address = |server: &str| server.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 2000));
    server
        .parse()
        .or_else(|_| address(server))
        .map_err(|_| "a server is an IP address, or address:port".to_owned())
}
