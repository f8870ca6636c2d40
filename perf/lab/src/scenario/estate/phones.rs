//! Telephones of the estate, and what their users do with them.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::crew::{Crew, Handset, Mark};
use crate::program::poll;
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

impl Mode {
    /// The icon of a call that is as secure as that.
    pub fn icon(self) -> &'static str {
        match self {
            Self::NonSecure => "none",
            Self::Authenticated => "shield",
            Self::Encrypted => "lock",
        }
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
    pub centre: Crew,
    pub branch: Crew,
}

/// How long a speech is, in seconds.
pub const SPEECH: usize = 3;
/// How long it may take until it was heard, beyond the speech itself.
const HEARING: Duration = Duration::from_secs(30);

impl Phones {
    /// Switches them on; they start with TFTP.
    pub fn start(
        phones: &[&Phone],
        (site, branch): (&Site, &Branch),
        programs: &Path,
        logs: &Path,
    ) -> Result<Self> {
        let crew = |name: &str, place: Place| {
            let namespace = match place {
                Place::Centre => &site.phones,
                Place::Branch => &branch.phones,
            };
            let program = programs.join("ringfence-phone").display().to_string();
            let there = phones.iter().filter(|phone| phone.place == place);
            let list: String =
                there.map(|phone| format!("{},{}\n", phone.device, phone.model)).collect();
            let file = logs.join(format!("{name}.list"));
            std::fs::write(&file, list)?;
            let mut command = namespace.command(&program);
            command.args(["crew", "--interval", "1", "--tftp", &site.cm1.address.to_string()]);
            command.arg("--flash").arg(site.state.path().join("flash"));
            command.arg("--phones").arg(file);
            command.arg("--keylog").arg(logs.join(format!("{name}.keys")));
            Crew::start(name, command, logs)
        };
        Ok(Self {
            centre: crew("phones-centre", Place::Centre)?,
            branch: crew("phones-branch", Place::Branch)?,
        })
    }

    /// A telephone.
    pub fn of<'p>(&'p self, phone: &'p Phone) -> Handset<'p> {
        self.crew(phone).handset(&phone.device)
    }

    /// Now, in the story of a telephone.
    pub fn now(&self, phone: &Phone) -> Mark {
        self.crew(phone).mark()
    }

    fn crew(&self, phone: &Phone) -> &Crew {
        match phone.place {
            Place::Centre => &self.centre,
            Place::Branch => &self.branch,
        }
    }

    /// Waits until it has registered: what it told of that.
    pub fn registered(&self, phone: &Phone, since: Mark) -> Result<Value> {
        self.of(phone).wait(since, "registration", |event| event["event"] == "registered")
    }

    /// One calls another, who answers; done when both are connected.
    pub fn call(&self, from: &Phone, to: &Phone) -> Result<()> {
        self.dial(from, &to.number, to)?;
        self.answer(from, to)
    }

    /// Dials until it rings there.
    pub fn dial(&self, from: &Phone, number: &str, rings: &Phone) -> Result<()> {
        let since = self.now(rings);
        self.of(from).order(&format!("dial {number}"))?;
        self.of(rings).wait(since, "ring", |event| event["event"] == "ring").map(drop)
    }

    /// Answers, and waits until both ends are connected.
    pub fn answer(&self, from: &Phone, to: &Phone) -> Result<()> {
        let since = (self.now(from), self.now(to));
        self.of(to).order("answer")?;
        self.in_state(from, since.0, "connected")?;
        self.in_state(to, since.1, "connected")
    }

    /// Presses a soft key.
    pub fn key(&self, phone: &Phone, key: &str) -> Result<()> {
        self.of(phone).order(&format!("key {key}")).map(drop)
    }

    /// Waits until one of its calls is in this state.
    pub fn in_state(&self, phone: &Phone, since: Mark, state: &str) -> Result<()> {
        let wanted = |event: &Value| event["event"] == "state" && event["state"] == state;
        self.of(phone).wait(since, state, wanted).map(drop)
    }

    /// Waits until it shows this icon with a call.
    pub fn comes_to_show(&self, phone: &Phone, since: Mark, icon: &str) -> Result<()> {
        let wanted = |event: &Value| event["event"] == "call-info" && event["icon"] == icon;
        self.of(phone).wait(since, icon, wanted).map(drop)
    }

    /// All that can be seen of it.
    pub fn look(&self, phone: &Phone) -> Result<Value> {
        self.of(phone).order("show")
    }

    /// Its one connected call, as it is now.
    pub fn active(&self, phone: &Phone) -> Result<Value> {
        let shown = self.look(phone)?;
        let calls = shown["calls"].as_array().context("it shows no calls")?;
        let mut active = calls.iter().filter(|call| call["state"] == "connected");
        let call =
            active.next().with_context(|| format!("{} speaks not: {shown}", phone.device))?;
        ensure!(active.next().is_none(), "{} has two: {shown}", phone.device);
        Ok(call.clone())
    }

    /// One speaks, the other must recognise it; in both directions at once.
    pub fn converse(&self, a: &Phone, b: &Phone, seed: u64) -> Result<String> {
        self.speak(a, seed)?;
        self.speak(b, seed + 1)?;
        let (by_b, by_a) = (self.hears(b, seed)?, self.hears(a, seed + 1)?);
        Ok(format!("{by_b:.1} and {by_a:.1} s of {SPEECH} recognised"))
    }

    /// Begins to speak.
    pub fn speak(&self, phone: &Phone, seed: u64) -> Result<()> {
        self.of(phone).order(&format!("speak {seed} {SPEECH}")).map(drop)
    }

    /// Recognises a speech: how much of it, in seconds.
    pub fn hears(&self, phone: &Phone, seed: u64) -> Result<f64> {
        let limit = HEARING.as_secs();
        let heard = self
            .of(phone)
            .order_within(&format!("listen-for {seed} {SPEECH} {limit}"), 2 * HEARING)?;
        heard["recognised"].as_f64().context("it does not say how much")
    }

    /// Hears this, whatever its words.
    pub fn hears_any(&self, phone: &Phone, what: &str) -> Result<()> {
        let limit = HEARING.as_secs();
        self.of(phone).order_within(&format!("listen-for {what} {limit}"), 2 * HEARING).map(drop)
    }

    /// Waits until its one connected call is as wanted.
    pub fn settles(&self, phone: &Phone, wanted: impl Fn(&Value) -> bool) -> Result<()> {
        let mut last = Value::Null;
        let settled = poll(HEARING, || {
            last = self.active(phone).ok()?;
            wanted(&last).then_some(())
        });
        settled.with_context(|| format!("{} stays otherwise: {last}", phone.device))
    }

    /// Whether the media of a call is encrypted; `None` where nothing is sent and received, or
    /// where directions differ.
    pub fn encrypts(call: &Value) -> Option<bool> {
        let media = &call["media"];
        let receives = media["receive"]["encrypted"].as_bool();
        let sends = media["transmit"]["encrypted"].as_bool();
        match (receives, sends) {
            (Some(one), Some(other)) => (one == other).then_some(one),
            (one, other) => one.or(other),
        }
    }

    /// They hang up, and have no call any more.
    pub fn hang_up(&self, phones: &[&Phone]) -> Result<()> {
        for phone in phones {
            self.of(phone).order("on-hook")?;
        }
        for phone in phones {
            let idle = || {
                let shown = self.look(phone).ok()?;
                shown["calls"].as_array().is_some_and(Vec::is_empty).then_some(())
            };
            poll(HEARING, idle).with_context(|| format!("{} keeps a call", phone.device))?;
        }
        Ok(())
    }
}
