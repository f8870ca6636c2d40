//! Phones at CAPF, by the hundred.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::net::Namespace;
use crate::program::{self, Program};
use crate::scenario::cluster::Site;

/// How long a visit of all phones may take.
pub const VISIT: Duration = Duration::from_secs(300);

/// A phone of the laboratory.
#[derive(Clone, Debug)]
pub struct Phone {
    pub name: String,
    pub model: &'static str,
}

/// How a phone proves itself: the emulator's word, and the string that its user types.
#[derive(Clone, Debug)]
pub struct Proof {
    pub auth: &'static str,
    pub string: Option<String>,
}

impl Proof {
    pub fn by(auth: &'static str) -> Self {
        Self { auth, string: None }
    }

    pub fn string(digits: &str) -> Self {
        Self { auth: "string", string: Some(digits.to_owned()) }
    }
}

/// The room where the phones stand.
pub struct Room {
    namespace: Namespace,
    program: PathBuf,
    server: String,
    /// Their flash memories.
    flash: PathBuf,
    logs: PathBuf,
}

/// What a visit came to, by phone.
#[derive(Debug)]
pub struct Visited(BTreeMap<String, Value>);

impl Room {
    pub fn new(site: &Site, programs: &std::path::Path, logs: &std::path::Path) -> Self {
        Self {
            namespace: site.phones.clone(),
            program: programs.join("ringfence-phone"),
            server: site.cm1.address.to_string(),
            flash: site.state.path().join("flash"),
            logs: logs.to_owned(),
        }
    }

    /// Where the flash memory of a phone is.
    pub fn flash(&self, phone: &Phone) -> PathBuf {
        self.flash.join(&phone.name)
    }

    /// Has the phone's maker put a certificate into it, and gives that of the maker's authority.
    pub fn equip(&self, phone: &Phone) -> Result<String> {
        let mut command = self.command("factory");
        command.arg("--maker").arg(self.flash.with_file_name("maker.pem"));
        command.args(["--device", &phone.name, "--model", phone.model]);
        command.arg("--flash").arg(self.flash(phone));
        let made = program::output(command, VISIT)?;
        ensure!(made.status.success(), "no MIC: {}", String::from_utf8_lossy(&made.stderr));
        Ok(String::from_utf8(made.stdout)?)
    }

    /// Sends phones to CAPF, all at the same time, and waits until each has come to an end.
    pub fn visit<'p>(
        &self,
        guests: impl IntoIterator<Item = (&'p Phone, Proof)>,
    ) -> Result<Visited> {
        let visited = program::output(self.to_capf("visit", guests)?, VISIT)?;
        Visited::read(&visited.stdout)
            .with_context(|| String::from_utf8_lossy(&visited.stderr).into_owned())
    }

    /// Sends them, and returns while they are there: see [`Visited::of`].
    pub fn send<'p>(
        &self,
        name: &str,
        guests: impl IntoIterator<Item = (&'p Phone, Proof)>,
    ) -> Result<Program> {
        Program::start(name, self.to_capf(name, guests)?, &self.logs)
    }

    /// Starts one phone, with TFTP and CAPF: what its report says.
    pub fn start(&self, phone: &Phone) -> Result<Value> {
        let mut command = self.command("start");
        command.args(["--json", "--device", &phone.name, "--model", phone.model]);
        command.args(["--tftp", &self.server, "--tls", "modern", "--interval", "1"]);
        command.arg("--flash").arg(self.flash(phone));
        let started = program::output(command, VISIT)?;
        let words = String::from_utf8_lossy(&started.stderr);
        serde_json::from_slice(&started.stdout)
            .with_context(|| format!("{} reports nothing: {words}", phone.name))
    }

    fn to_capf<'p>(
        &self,
        name: &str,
        guests: impl IntoIterator<Item = (&'p Phone, Proof)>,
    ) -> Result<Command> {
        let mut list = String::new();
        for (phone, proof) in guests {
            write!(list, "{},{},{}", phone.name, phone.model, proof.auth)?;
            writeln!(list, "{}", proof.string.map(|s| format!(",{s}")).unwrap_or_default())?;
        }
        fs::create_dir_all(&self.flash)?;
        let file = self.flash.with_file_name(format!("{name}.list"));
        fs::write(&file, list)?;
        let mut command = self.command("capf");
        command.args(["--json", "--server", &self.server]);
        command.args(["--interval", "1", "--more-tries", "10"]);
        command.arg("--phones").arg(file).arg("--flash").arg(&self.flash);
        Ok(command)
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = self.namespace.command(&self.program.display().to_string());
        command.arg(verb);
        command
    }
}

impl Visited {
    /// What phones that were sent by [`Room::send`] came to, in the end.
    pub fn of(mut program: Program) -> Result<Self> {
        program.wait(VISIT)?;
        Self::read(&fs::read(program.log())?).with_context(|| program.last_words())
    }

    fn read(report: &[u8]) -> Result<Self> {
        let report: Value = serde_json::from_slice(report).context("the phones report nothing")?;
        let phones = report["phones"].as_array().context("no phones in their report")?;
        let phones = phones
            .iter()
            .filter_map(|phone| Some((phone["device"].as_str()?.to_owned(), phone.clone())));
        Ok(Self(phones.collect()))
    }

    /// How many there were, if each said `verdict`.
    pub fn all(&self, verdict: &str) -> Result<usize> {
        for (name, phone) in &self.0 {
            ensure!(phone["verdict"] == verdict, "{name}: {phone}");
        }
        Ok(self.0.len())
    }

    /// What one phone said.
    pub fn verdict(&self, phone: &Phone) -> &str {
        self.0.get(&phone.name).and_then(|phone| phone["verdict"].as_str()).unwrap_or_default()
    }

    /// The key of one phone's certificate, in words; empty if it has none.
    pub fn key(&self, phone: &Phone) -> &str {
        self.0.get(&phone.name).and_then(|phone| phone["lsc"]["key"].as_str()).unwrap_or_default()
    }

    /// Who issued one phone's certificate; empty if it has none.
    pub fn issuer(&self, phone: &Phone) -> &str {
        let lsc = self.0.get(&phone.name).map(|phone| &phone["lsc"]);
        lsc.and_then(|lsc| lsc["issuer"].as_str()).unwrap_or_default()
    }
}
