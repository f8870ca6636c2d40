//! Phones at CAPF.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow, bail, ensure};
use capf::codec::{CertificateType, Password};
use capf::phone::Credential;
use clap::{Args, ValueEnum};
use pki::export;
use ringfence_phone::capf::{
    Caller, Enrolment, Finished, Habits, Manufacturer, Patience, Plan, Stopper, TlsManner, Trust,
    Verdict, Wallet, Workshop, run_until,
};
use ringfence_phone::{Conclusion, Flash, Model, Phone};
use serde_json::{Value, json};
use tftp::DeviceName;

/// Habits that are not the model's.
#[derive(Args)]
pub struct HabitArgs {
    /// Which TLS to speak [default: as the model, TLS 1.0]
    #[arg(long)]
    tls: Option<Tls>,
    /// Tries after the first
    #[arg(long, default_value_t = 3)]
    more_tries: u32,
    /// Seconds between two tries
    #[arg(long, default_value_t = 30.0)]
    interval: f64,
    /// The address to call from
    #[arg(long)]
    source: Option<IpAddr>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Tls {
    /// TLS 1.0, RSA key exchange
    Old,
    /// TLS 1.2 and 1.3
    Modern,
}

impl HabitArgs {
    pub fn of(&self, model: Model) -> Habits {
        let own = Habits::of(model);
        let interval = Duration::try_from_secs_f64(self.interval).unwrap_or_default();
        Habits {
            patience: Patience { more_tries: self.more_tries, interval },
            tls: match self.tls {
                None => own.tls,
                Some(Tls::Old) => TlsManner::of(Model::M7960),
                Some(Tls::Modern) => TlsManner::modern(),
            },
            source: self.source,
            ..own
        }
    }
}

/// How a phone proves itself.
#[derive(Clone, Copy, ValueEnum)]
enum Auth {
    /// By authentication string
    String,
    /// By null string
    Null,
    /// By existing certificate, the LSC first
    Lsc,
    /// By existing certificate, the MIC first
    Mic,
}

#[derive(Args)]
pub struct Visit {
    /// CAPF server, address or address:port; may be given several times
    #[arg(long, value_parser = server, required = true)]
    server: Vec<SocketAddr>,
    /// The phone's name, like SEP001122334455
    #[arg(long, value_parser = super::device, conflicts_with = "phones")]
    device: Option<DeviceName>,
    /// 7940, 7960, 7970 or 7971
    #[arg(long, default_value = "7970")]
    model: Model,
    /// How the phone proves itself
    #[arg(long, default_value = "null")]
    auth: Auth,
    /// What its user types as authentication string
    #[arg(long, value_parser = typed)]
    string: Option<Password>,
    /// Many phones: a file with lines DEVICE,MODEL,AUTH[,STRING]
    #[arg(long)]
    phones: Option<PathBuf>,
    /// The directory that is the phone's flash memory; with --phones, the one with a directory for
    /// each of them
    #[arg(long)]
    flash: PathBuf,
    /// So many phones at the same time
    #[arg(long, default_value_t = 50)]
    at_once: usize,
    /// Threads that make keys, at low priority
    #[arg(long, default_value_t = 1)]
    key_makers: usize,
    #[command(flatten)]
    habits: HabitArgs,
    /// Print every message
    #[arg(long, short)]
    verbose: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// One of many.
struct Guest {
    device: DeviceName,
    model: Model,
    credential: Credential,
    flash: PathBuf,
}

impl Visit {
    pub fn run(self) -> Result<bool> {
        let guests = self.guests()?;
        let callers = guests.iter().map(|guest| self.caller(guest));
        let callers = callers.collect::<Result<Vec<_>>>()?;
        let (workshop, stopper) = (Workshop::new(self.key_makers.max(1))?, stopper()?);
        let finished = run_until(callers, self.at_once, &workshop, &stopper, |device, notice| {
            if self.verbose {
                eprintln!("{device} {notice}");
            }
        })?;
        self.print(&finished);
        Ok(finished.iter().all(|one| one.verdict.is_good()))
    }

    fn guests(&self) -> Result<Vec<Guest>> {
        let Some(list) = &self.phones else {
            let device =
                self.device.context("name a phone with --device, or many with --phones")?;
            let credential = credential(self.auth, self.string.clone())?;
            return Ok(vec![Guest {
                device,
                model: self.model,
                credential,
                flash: self.flash.clone(),
            }]);
        };
        let text = std::fs::read_to_string(list);
        let text = text.with_context(|| format!("cannot read {}", list.display()))?;
        let lines = text.lines().map(str::trim).enumerate();
        lines
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(number, line)| {
                self.guest(line).with_context(|| format!("{}:{}", list.display(), number + 1))
            })
            .collect()
    }

    fn guest(&self, line: &str) -> Result<Guest> {
        let fields: Vec<_> = line.split(',').map(str::trim).collect();
        let (device, model, auth, string) = match fields[..] {
            [device, model, auth] => (device, model, auth, None),
            [device, model, auth, string] => (device, model, auth, Some(string)),
            _ => bail!("a line is DEVICE,MODEL,AUTH[,STRING]"),
        };
        let device = super::device(device).map_err(|error| anyhow!(error))?;
        let auth = Auth::from_str(auth, true).map_err(|error| anyhow!(error))?;
        let string = string.map(typed).transpose().map_err(|error| anyhow!(error))?;
        Ok(Guest {
            device,
            model: model.parse().map_err(|error: String| anyhow!(error))?,
            credential: credential(auth, string)?,
            flash: self.flash.join(device.to_string()),
        })
    }

    fn caller(&self, guest: &Guest) -> Result<Caller<Flash>> {
        let flash = Flash::open(&guest.flash)?;
        let (installed, _) = flash.read()?;
        let wallet = flash.read_wallet()?;
        let habits = self.habits.of(guest.model);
        // What was begun goes on as it was begun.
        let pending = wallet.pending.as_ref().map(|pending| pending.credential.clone());
        let credential = pending.unwrap_or_else(|| guest.credential.clone());
        let Habits { manner, patience, tls, source } = habits;
        let servers = self.server.clone();
        let count = servers.len();
        let enrolment =
            Enrolment::start(guest.device, manner, patience, count, credential, wallet, flash);
        let trust = Trust::by(installed.ctl.as_ref());
        Ok(Caller { enrolment, servers, trust, tls, source })
    }

    fn print(&self, finished: &[Finished<Flash>]) {
        let mut verdicts: BTreeMap<String, usize> = BTreeMap::new();
        for one in finished {
            *verdicts.entry(one.verdict.to_string()).or_default() += 1;
        }
        if self.json {
            let phones: Vec<_> = finished.iter().map(to_json).collect();
            return println!("{}", json!({ "phones": phones, "verdicts": verdicts }));
        }
        for one in finished {
            let ms = one.took.as_secs_f64() * 1e3;
            println!("{} {ms:>9.1} ms  {}", one.enrolment.device(), one.verdict);
        }
        if finished.len() > 1 {
            verdicts.iter().for_each(|(verdict, count)| println!("{count:>6}  {verdict}"));
        }
    }
}

fn to_json(one: &Finished<Flash>) -> Value {
    let lsc = one.enrolment.wallet().lsc.as_ref().map(|lsc| &lsc.certificate);
    json!({
        "device": one.enrolment.device().as_str(),
        "verdict": one.verdict.to_string(),
        "changed": one.verdict == Verdict::Updated,
        "ms": one.took.as_secs_f64() * 1e3,
        "lsc": lsc.map(|lsc| json!({
            "serial": pki::certificate::hex(lsc.serial()),
            "issuer": lsc.issuer().to_string(),
            "key": lsc.public_key().describe(),
        })),
    })
}

/// Starts one phone, CAPF included.
pub fn start(
    phone: &Phone,
    typed: Option<&Password>,
    habits: &Habits,
    as_json: bool,
) -> Result<bool> {
    let mut notices = Vec::new();
    let started = phone.start(typed, habits, &stopper()?, |notice| {
        if !as_json {
            println!("      {notice}");
        }
        notices.push(notice.to_string());
    })?;
    let last = started.again.as_ref().unwrap_or(&started.boot);
    let plan = match &started.plan {
        Plan::Nothing => "nothing",
        Plan::AwaitString => "await the authentication string",
        Plan::NoServer => "no CAPF server",
        Plan::Enrol(..) => "enrol",
    };
    let verdict = started.verdict.as_ref().map(ToString::to_string);
    if as_json {
        let mut report = super::to_json(last);
        report["capf"] = json!({ "plan": plan, "verdict": verdict, "notices": notices });
        println!("{report}");
    } else {
        super::print(last);
        println!("CAPF: {}", verdict.as_deref().unwrap_or(plan));
    }
    let well = started.verdict.as_ref().is_none_or(Verdict::is_good);
    let quiet = !last.events.iter().any(ringfence_phone::Event::is_alarm);
    Ok(well && quiet && matches!(last.conclusion, Conclusion::Register { .. }))
}

#[derive(Args)]
pub struct Factory {
    /// The file with the maker's key and certificate; made if there is none
    #[arg(long)]
    maker: PathBuf,
    /// The phone's name, like SEP001122334455; none: only the maker is founded
    #[arg(long, value_parser = super::device, requires = "flash")]
    device: Option<DeviceName>,
    /// 7970 or 7971: the others leave the factory without a certificate
    #[arg(long, default_value = "7970")]
    model: Model,
    /// The directory that is the phone's flash memory
    #[arg(long)]
    flash: Option<PathBuf>,
}

impl Factory {
    pub fn run(self) -> Result<bool> {
        let now = SystemTime::now();
        let maker = Manufacturer::open(&self.maker, now)
            .map_err(|cause| anyhow!("{}: {cause}", self.maker.display()))?;
        if let (Some(device), Some(flash)) = (self.device, &self.flash) {
            equip(&maker, self.model, device, flash, now)?;
        }
        print!("{}", export::pem(maker.certificate()));
        Ok(true)
    }
}

fn equip(
    maker: &Manufacturer,
    model: Model,
    device: DeviceName,
    flash: &Path,
    now: SystemTime,
) -> Result<()> {
    let mic = maker.equip(model, device, now).map_err(|error| anyhow!("{error}"))?;
    ensure!(mic.is_some(), "a {model} leaves the factory without a certificate");
    let flash = Flash::open(flash)?;
    let before = flash.read_wallet()?;
    flash.write_wallet(&before, &Wallet { mic, ..before.clone() })?;
    Ok(())
}

/// Ctrl-C is the Stop key.
fn stopper() -> io::Result<Stopper> {
    let stopper = Stopper::default();
    signal_hook::flag::register(signal_hook::consts::SIGINT, stopper.flag())?;
    Ok(stopper)
}

fn credential(auth: Auth, string: Option<Password>) -> Result<Credential> {
    Ok(match auth {
        Auth::String => Credential::String(string.context("--auth string needs a string")?),
        Auth::Null => Credential::NullString,
        Auth::Lsc => Credential::Existing(CertificateType::LSC),
        Auth::Mic => Credential::Existing(CertificateType::MIC),
    })
}

pub fn typed(digits: &str) -> Result<Password, String> {
    Password::new(digits).ok_or_else(|| "a string has at most 63 characters".to_owned())
}

fn server(server: &str) -> Result<SocketAddr, String> {
    let address = |server: &str| server.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 3804));
    server
        .parse()
        .or_else(|_| address(server))
        .map_err(|_| "a server is an IP address, or address:port".to_owned())
}
