//! `ringfence-phone`: phones on the command line.

mod capf;
mod crew;
mod fleet;
mod screen;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use ::capf::codec::Password;
use ::capf::phone::Holding;
use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use ringfence_phone::{Conclusion, Event, Flash, Identity, Model, Phone, Report};
use serde_json::json;
use tftp::{DeviceName, Tuning};

/// A Cisco IP phone: it fetches trust lists and configuration, verifies and keeps them, gets its
/// certificate, registers and calls.
#[derive(Parser)]
#[command(name = "ringfence-phone", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start once, and say how it went; exits with 1 if anything was refused or missing
    Boot(Network),
    /// Start, go to CAPF if the configuration says so, and start again with the new certificate;
    /// exits with 1 if the phone is not content in the end
    Start {
        #[command(flatten)]
        network: Network,
        /// What its user types as authentication string
        #[arg(long, value_parser = capf::typed)]
        string: Option<Password>,
        #[command(flatten)]
        habits: capf::HabitArgs,
    },
    /// Go to CAPF, alone or by the thousand; exits with 1 if anybody failed
    Capf(capf::Visit),
    /// Let phones with names register, call and listen, as a script says; exits with 1 if something
    /// was not as expected. Its long help teaches the language
    Crew(crew::CrewArgs),
    /// Look at a phone and press its buttons, on a terminal or by lines of text; exits with 1 if
    /// its screen did not show what was waited for
    Screen(screen::ScreenArgs),
    /// Let thousands of phones register, stay, and call each other, and say how fast that was; exits
    /// with 1 if one of them was not served
    Fleet(fleet::FleetArgs),
    /// Leave the factory: put a manufactured certificate into the flash, made by a maker whom only
    /// tests trust, and print the certificate of his authority
    Factory(capf::Factory),
    /// Fetch a file on demand, verify it, and write its contents to the standard output
    Get {
        #[command(flatten)]
        network: Network,
        /// The name, without .sgn
        name: String,
    },
    /// What the flash holds
    Show {
        /// The directory that is the phone's flash memory
        #[arg(long)]
        flash: PathBuf,
    },
    /// The trust list menu
    #[command(subcommand)]
    Ctl(CtlCommand),
}

#[derive(Subcommand)]
enum CtlCommand {
    /// Forget the trust lists; the next ones are taken on faith
    Erase {
        /// The directory that is the phone's flash memory
        #[arg(long)]
        flash: PathBuf,
    },
}

#[derive(Args)]
struct Network {
    /// The phone's name, like SEP001122334455
    #[arg(long, value_parser = device)]
    device: DeviceName,
    /// 7940, 7960, 7970 or 7971
    #[arg(long, default_value = "7970")]
    model: Model,
    /// TFTP server, address or address:port; may be given twice
    #[arg(long, value_parser = server, required = true)]
    tftp: Vec<SocketAddr>,
    /// The directory that is the phone's flash memory
    #[arg(long)]
    flash: PathBuf,
    /// Public key that verifies firmware: a file with PKCS#1 DER
    #[arg(long)]
    image_key: Option<PathBuf>,
    /// The phone holds a certificate of its own [default: as its model leaves the factory]
    #[arg(long)]
    certificate: Option<bool>,
    /// Seconds before a question is repeated for the first time
    #[arg(long, default_value_t = 1.0)]
    patience: f64,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether the phone is content.
fn run(command: Command) -> Result<bool> {
    match command {
        Command::Boot(network) => {
            let report = network.phone()?.boot()?;
            if network.json {
                println!("{}", to_json(&report))
            } else {
                print(&report)
            }
            let content = matches!(report.conclusion, Conclusion::Register { .. });
            Ok(content && !report.events.iter().any(Event::is_alarm))
        }
        Command::Start { network, string, habits } => {
            let habits = habits.of(network.model);
            capf::start(&network.phone()?, string.as_ref(), &habits, network.json)
        }
        Command::Capf(visit) => visit.run(),
        Command::Crew(crew) => crew.run(),
        Command::Screen(screen) => screen.run(),
        Command::Fleet(fleet) => fleet.run(),
        Command::Factory(factory) => factory.run(),
        Command::Get { network, name } => {
            let (file, events) = network.phone()?.get(&name)?;
            events.iter().for_each(|event| eprintln!("{event}"));
            let Some(file) = file else { return Ok(false) };
            std::io::Write::write_all(&mut std::io::stdout(), &file)?;
            Ok(true)
        }
        Command::Show { flash } => {
            let flash = Flash::open(&flash)?;
            let (installed, damage) = flash.read()?;
            let list = |md5: Option<[u8; 16]>| md5.map_or("not installed".into(), |md5| hex(&md5));
            println!("CTL file  {}", list(installed.ctl.as_ref().map(|ctl| ctl.md5())));
            println!("ITL file  {}", list(installed.itl.as_ref().map(|itl| itl.md5())));
            println!("Load      {}", installed.load);
            let wallet = flash.read_wallet()?;
            let holding = |holding: Option<&Holding>| match holding {
                None => "not installed".to_owned(),
                Some(it) => {
                    format!("{}, issued by {}", it.certificate.subject(), it.certificate.issuer())
                }
            };
            println!("LSC       {}", holding(wallet.lsc.as_ref()));
            println!("MIC       {}", holding(wallet.mic.as_ref()));
            println!("CAPF      {}", if wallet.pending.is_some() { "pending" } else { "nothing" });
            damage.iter().for_each(|event| println!("{event}"));
            Ok(damage.is_empty())
        }
        Command::Ctl(CtlCommand::Erase { flash }) => {
            Flash::open(&flash)?.erase_lists()?;
            Ok(true)
        }
    }
}

impl Network {
    fn phone(&self) -> Result<Phone> {
        let image_key = match &self.image_key {
            None => None,
            Some(path) => {
                let key = std::fs::read(path);
                let key = key.with_context(|| format!("cannot read {}", path.display()))?;
                Some(tlv::PublicKey::new(key).context("the image key")?)
            }
        };
        if !(0.01..=60.0).contains(&self.patience) {
            bail!("--patience is between 0.01 and 60 seconds");
        }
        let model = self.model;
        let has_certificate =
            self.certificate.unwrap_or_else(|| model.has_manufactured_certificate());
        Ok(Phone {
            identity: Identity { device: self.device, model, has_certificate, image_key },
            flash: Flash::open(&self.flash)?,
            servers: self.tftp.clone(),
            tuning: Tuning { timeout: Duration::from_secs_f64(self.patience), ..Tuning::default() },
        })
    }
}

fn print(report: &Report) {
    for file in &report.files {
        let size = file.size.map_or("-".to_owned(), |size| size.to_string());
        println!("{:>8} {:>8.1} ms  {}", size, file.took.as_secs_f64() * 1e3, file.name);
    }
    for event in &report.events {
        println!("{} {event}", if event.is_alarm() { "ALARM" } else { "     " });
    }
    match &report.conclusion {
        Conclusion::Stay(why) => println!("stays unregistered: {why}"),
        Conclusion::Register { mode, call_managers, srst } => {
            let servers: Vec<_> =
                call_managers.iter().map(|(server, port)| format!("{server}:{port}")).collect();
            println!("registers {mode} with {}", servers.join(", "));
            if let Some(srst) = srst {
                let way = if srst.certificate.is_some() { "TLS" } else { "TCP" };
                println!("if none answers, with {}:{} over {way}", srst.address, srst.port);
            }
        }
    }
}

fn to_json(report: &Report) -> serde_json::Value {
    let (mode, call_managers, srst, stays) = match &report.conclusion {
        Conclusion::Stay(why) => (None, vec![], None, Some(why)),
        Conclusion::Register { mode, call_managers, srst } => {
            (Some(mode.to_string()), call_managers.clone(), srst.as_ref(), None)
        }
    };
    let srst = srst.map(|srst| {
        json!({ "address": srst.address, "port": srst.port, "tls": srst.certificate.is_some() })
    });
    let files = report.files.iter().map(
        |file| json!({ "name": file.name, "size": file.size, "ms": file.took.as_secs_f64() * 1e3 }),
    );
    let events = report
        .events
        .iter()
        .map(|event| json!({ "text": event.to_string(), "alarm": event.is_alarm() }));
    json!({
        "server": report.server.to_string(),
        "files": files.collect::<Vec<_>>(),
        "events": events.collect::<Vec<_>>(),
        "ctl_md5": report.ctl_md5.map(|md5| hex(&md5)),
        "mode": mode,
        "call_managers": call_managers,
        "srst": srst,
        "stays": stays,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn device(name: &str) -> Result<DeviceName, String> {
    DeviceName::parse(name).ok_or_else(|| "a name is SEP and twelve hexadecimal digits".to_owned())
}

fn server(server: &str) -> Result<SocketAddr, String> {
    let address = |server: &str| server.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 69));
    server
        .parse()
        .or_else(|_| address(server))
        .map_err(|_| "a server is an IP address, or address:port".to_owned())
}
