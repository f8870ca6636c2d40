//! Telephones of the estate, and what their users do with them.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::crew::Crew;
use crate::net::Namespace;
use crate::scenario::cluster::{Branch, Site};

/// A telephone of the play.
#[derive(Clone, Debug)]
pub struct Phone {
    pub device: Cow<'static, str>,
    pub model: &'static str,
    pub mode: Mode,
    /// The number on its line; a shared line, if others have it too.
    pub number: Cow<'static, str>,
    /// Where it stands.
    pub place: Place,
}

/// The security mode that a telephone is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    NonSecure,
    Authenticated,
    Encrypted,
}

/// Where telephones stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Centre,
    Branch,
}

impl Phone {
    /// One whose name and number are known beforehand.
    pub const fn known(
        device: &'static str,
        model: &'static str,
        mode: Mode,
        number: &'static str,
        place: Place,
    ) -> Self {
        Self { device: Cow::Borrowed(device), model, mode, number: Cow::Borrowed(number), place }
    }

    /// What it says in calls: everybody has a voice of his own.
    pub fn voice(&self) -> String {
        let digits = self.device.trim_start_matches("SEP");
        format!("voice:{}", u64::from_str_radix(digits, 16).unwrap_or_default())
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NonSecure => "non-secure",
            Self::Authenticated => "authenticated",
            Self::Encrypted => "encrypted",
        })
    }
}

/// All of them, in the two places where they stand.
pub struct Phones {
    centre: Crew,
    /// `None` where there is no branch.
    branch: Option<Crew>,
}

/// How long a start with files and certificates may take on a busy machine.
const START: &str = "120s";
/// How long it may take until something is seen or heard.
const PATIENCE: &str = "30";

impl Phones {
    /// Connects them; they are switched off.
    pub fn new(
        phones: &[&Phone],
        (site, branch): (&Site, Option<&Branch>),
        programs: &Path,
        logs: &Path,
    ) -> Result<Self> {
        let crew = |name: &str, namespace: &Namespace| {
            let mut command =
                namespace.command(&programs.join("ringfence-phone").display().to_string());
            command.args(["crew", "--control", "--patience", PATIENCE, "--keylog"]);
            command.arg(keys_of(logs, name));
            Crew::start(name, command, logs)
        };
        let [centre, away] = CREWS;
        let mut all = Self {
            centre: crew(centre, &site.phones)?,
            branch: branch.map(|branch| crew(away, &branch.phones)).transpose()?,
        };
        let flash = site.state.path().join("flash");
        for phone in phones {
            let Phone { device, model, .. } = phone;
            let flash = flash.join(&**device);
            let (flash, voice) = (flash.display(), phone.voice());
            let tftp = site.file_servers.iter().map(|server| format!("tftp={server} "));
            let tftp: String = tftp.collect();
            all.crew(phone)?.command(&format!(
                "phone {device} device={device} model={model} {tftp}flash={flash} says={voice}"
            ))?;
        }
        Ok(all)
    }

    /// Switches them on, all at once, and waits until each has registered.
    pub fn start(&mut self, phones: &[&Phone]) -> Result<()> {
        phones.iter().try_for_each(|phone| self.does(phone, "starts"))?;
        self.registered(phones)
    }

    /// Waits until each has registered.
    pub fn registered(&mut self, phones: &[&Phone]) -> Result<()> {
        phones
            .iter()
            .try_for_each(|phone| self.expect(phone, &format!("registered within {START}")))
    }

    /// A user does something.
    pub fn does(&mut self, phone: &Phone, what: &str) -> Result<()> {
        self.crew(phone)?.command(&format!("{} {what}", phone.device)).map(drop)
    }

    /// Waits until something is true of a telephone.
    pub fn expect(&mut self, phone: &Phone, what: &str) -> Result<()> {
        self.crew(phone)?.command(&format!("expect {} {what}", phone.device)).map(drop)
    }

    /// Everything that a telephone shows.
    pub fn look(&mut self, phone: &Phone) -> Result<Value> {
        self.crew(phone)?.command(&format!("show {}", phone.device))
    }

    /// Lets time pass while calls go on.
    pub fn pass(&mut self, place: Place, time: &str) -> Result<()> {
        self.crew_at(place)?.command(&format!("sleep {time}")).map(drop)
    }

    /// One calls another, who answers; done when both are connected.
    pub fn call(&mut self, from: &Phone, to: &Phone) -> Result<()> {
        self.does(from, &format!("dials {}", to.number))?;
        self.answer(from, to)
    }

    /// Answers, and waits until both ends are connected.
    pub fn answer(&mut self, from: &Phone, to: &Phone) -> Result<()> {
        self.does(to, "answers")?;
        self.expect(to, "connected")?;
        self.expect(from, "connected")
    }

    /// Both show this icon, their media is protected as it says, and each hears the other.
    pub fn speak(&mut self, both: [&Phone; 2], icon: &str) -> Result<()> {
        for phone in both {
            self.shows(phone, icon)?;
        }
        let [one, other] = both;
        self.expect(one, &format!("hears {}", other.voice()))?;
        self.expect(other, &format!("hears {}", one.voice()))
    }

    /// One shows this icon, with media protected as it says.
    pub fn shows(&mut self, phone: &Phone, icon: &str) -> Result<()> {
        self.expect(phone, &format!("icon {icon}"))?;
        self.expect(phone, if icon == "lock" { "encrypted" } else { "plain" })
    }

    /// They hang up, and have no call any more.
    pub fn hang_up(&mut self, phones: &[&Phone]) -> Result<()> {
        for phone in phones {
            let shown = self.look(phone)?;
            let calls = shown["calls"].as_array().with_context(|| format!("no calls: {shown}"))?;
            if !calls.is_empty() {
                self.does(phone, "hangs up")?;
            }
        }
        phones.iter().try_for_each(|phone| self.expect(phone, "idle"))
    }

    /// All leave their servers.
    pub fn go_home(self) -> Result<()> {
        self.centre.go_home()?;
        self.branch.map_or(Ok(()), Crew::go_home)
    }

    fn crew(&mut self, phone: &Phone) -> Result<&mut Crew> {
        self.crew_at(phone.place)
    }

    fn crew_at(&mut self, place: Place) -> Result<&mut Crew> {
        match place {
            Place::Centre => Ok(&mut self.centre),
            Place::Branch => self.branch.as_mut().context("there is no branch"),
        }
    }
}

/// The two processes, by name.
const CREWS: [&str; 2] = ["phones-centre", "phones-branch"];

/// Files with the secrets of the telephones' TLS sessions.
pub fn key_logs(logs: &Path) -> [PathBuf; 2] {
    CREWS.map(|name| keys_of(logs, name))
}

fn keys_of(logs: &Path, name: &str) -> PathBuf {
    logs.join(format!("{name}.keys"))
}
