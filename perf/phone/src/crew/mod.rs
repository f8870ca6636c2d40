//! A crew of whole telephones with names, and what a script lets them do.
//!
//! Each starts as a telephone does: trust list and configuration by TFTP, CAPF if it is ordered,
//! registration, calls; and starts again when its server wants it. Scripts, a program that writes
//! commands into a pipe, and tests use the same [`Crew`].
//!
//! | file | holds |
//! |---|---|
//! | `command` | the language of scripts |
//! | `condition` | what a script can expect |
//! | `action` | what it can let a telephone do |
//! | `member` | a telephone, and how it starts |
//! | `background` | what takes its time: files, certificates |
//! | `voices` | media of all of them |
//! | `voicemail` | voicemail servers: what their ports do |
//! | `journal` | what happened, as JSON |
//! | `script` | commands out of a file |
//! | `desk` | one of them, for whoever looks at its screen |
//!
//! Waiting is always for something that happens, and ends with a message that says what was there
//! instead.

mod action;
mod background;
mod command;
mod condition;
mod desk;
mod journal;
mod member;
mod script;
mod voicemail;
mod voices;

use std::collections::BTreeMap;
use std::io;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use mio::Waker;
use sccp::codes::ResetKind;
use serde_json::Value;

pub use action::Action;
pub use command::{Command, SyntaxError};
pub use condition::{Condition, Heard};
pub use desk::{Desk, DeskError};
pub use member::{Home, Member, MemberError};
pub use script::{Report, Step, run};
pub use voices::Voices;

use crate::office::{Happening, Manners, Office, PhoneId, Setup, What};
use crate::station::{Event, NotPossible, Outage, Station};
use background::{Background, Done, Job};
use journal::Journal;
use voicemail::Voicemail;

/// How a crew is.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How they speak TLS, unless one of them does otherwise.
    pub manners: Manners,
    /// Where media is received.
    pub ports: RangeInclusive<u16>,
    /// How long is waited for what a command needs or expects.
    pub patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            manners: Manners::default(),
            ports: 16_384..=32_767,
            patience: Duration::from_secs(10),
        }
    }
}

/// Telephones with names.
pub struct Crew {
    office: Office<Voices>,
    settings: Settings,
    names: BTreeMap<String, PhoneId>,
    members: Vec<Member>,
    background: Background,
    journal: Journal,
    /// By their names.
    voicemail: BTreeMap<String, Voicemail>,
}

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody has this name.
    #[error("there is no phone {0}: define it with `phone {0} device=… …`")]
    Nobody(String),
    /// The name is taken.
    #[error("there is a phone {0} already")]
    Twice(String),
    /// What was expected did not happen.
    #[error("{phone}: expected {expected} within {within:?}; it {found}")]
    Expected {
        /// Of whom.
        phone: String,
        /// What.
        expected: String,
        /// For how long it was waited.
        within: Duration,
        /// What was there in the end.
        found: String,
    },
    /// The user could not do it.
    #[error("{phone} cannot do that: {why}; it {found}")]
    NotPossible {
        /// Whose.
        phone: String,
        /// Why not.
        why: NotPossible,
        /// What was there.
        found: String,
    },
    /// The telephone cannot be as it is defined.
    #[error("{phone}: {error}")]
    Member {
        /// Which.
        phone: String,
        /// Why not.
        error: MemberError,
    },
    /// The machine does not let us.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// How often media is listened to while something is expected of it.
const LISTENING: Duration = Duration::from_millis(50);

impl Crew {
    /// A crew of nobody.
    pub fn new(settings: Settings) -> io::Result<Self> {
        let office = Office::new(Voices::new(settings.ports.clone())?)?;
        let background = Background::new(office.waker());
        Ok(Self {
            office,
            settings,
            names: BTreeMap::new(),
            members: Vec::new(),
            background,
            journal: Journal::new(Instant::now()),
            voicemail: BTreeMap::new(),
        })
    }

    /// Interrupts a command that waits; it goes on waiting after others were served.
    pub fn waker(&self) -> std::sync::Arc<Waker> {
        self.office.waker()
    }

    /// A telephone more, which is switched off.
    pub fn add(&mut self, name: &str, member: Member) -> Result<PhoneId, Failure> {
        if self.names.contains_key(name) {
            return Err(Failure::Twice(name.to_owned()));
        }
        let id = self.office.add(Setup::empty(member.device(), member.model()));
        let records = match member.voicemail() {
            Some(_) => voicemail::LONGEST,
            None => Duration::ZERO,
        };
        self.office.media_mut().add(name, member.says.clone(), records);
        self.names.insert(name.to_owned(), id);
        self.journal.add(name);
        self.members.push(member);
        Ok(id)
    }

    /// Does what a command says. What it tells in answer is JSON: `null` for most.
    pub fn perform(&mut self, command: &Command) -> Result<Value, Failure> {
        match command {
            Command::Phone(name, definition) => {
                let member = definition.member(&self.settings.manners);
                let failed = |error| Failure::Member { phone: name.clone(), error };
                self.add(name, member.map_err(failed)?)?;
            }
            Command::Act(name, action) => self.act(name, action)?,
            Command::Expect(name, condition, within) => {
                self.expect(name, condition, within.unwrap_or(self.settings.patience))?;
            }
            Command::Sleep(time) => self.pass(*time)?,
            Command::Show(name) => return self.show(name),
        }
        Ok(Value::Null)
    }

    /// Waits until something is true of a telephone.
    pub fn expect(
        &mut self,
        name: &str,
        condition: &Condition,
        within: Duration,
    ) -> Result<(), Failure> {
        let (phone, end) = (self.phone(name)?, Instant::now() + within);
        loop {
            if condition.holds(self, phone) {
                return Ok(());
            }
            let now = Instant::now();
            if now >= end {
                return Err(Failure::Expected {
                    phone: name.to_owned(),
                    expected: condition.to_string(),
                    within,
                    found: self.describe(phone),
                });
            }
            // Signalling wakes; sound does not.
            let until = if condition.is_of_media() { end.min(now + LISTENING) } else { end };
            self.turn(until)?;
        }
    }

    /// Lets time pass; calls go on.
    pub fn pass(&mut self, time: Duration) -> Result<(), Failure> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.turn(end)?;
        }
        Ok(())
    }

    /// What a telephone shows, and how it hears.
    pub fn show(&self, name: &str) -> Result<Value, Failure> {
        let phone = self.phone(name)?;
        let media = self.office.media().to_json(phone);
        Ok(journal::display(self.office.station(phone), media))
    }

    /// Lets somebody hear of each happening as soon as it is noted, as a JSON object. There is no
    /// [`Crew::news`] then.
    pub fn watch(&mut self, tell: impl FnMut(Value) + Send + 'static) {
        self.journal.watch(Box::new(tell));
    }

    /// What happened since it was asked last, as JSON objects, the oldest first.
    pub fn news(&mut self) -> impl Iterator<Item = Value> {
        self.journal.drain()
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// Waits until something happens, or until then.
    pub fn turn(&mut self, until: Instant) -> Result<(), Failure> {
        self.office.turn(until)?;
        self.note();
        while let Some(done) = self.background.next_done() {
            self.done(done);
        }
        // What was just begun has its first happenings.
        self.note();
        Ok(())
    }

    pub(crate) fn phone(&self, name: &str) -> Result<PhoneId, Failure> {
        self.names.get(name).copied().ok_or_else(|| Failure::Nobody(name.to_owned()))
    }

    pub(crate) fn station(&self, phone: PhoneId) -> &Station {
        self.office.station(phone)
    }

    pub(crate) fn member(&self, phone: PhoneId) -> &Member {
        &self.members[phone.0]
    }

    /// Begins to start a telephone.
    pub(crate) fn start(&mut self, phone: PhoneId, last: Outage) {
        self.office.power_off(phone);
        let member = &mut self.members[phone.0];
        member.last = last;
        member.trouble = None;
        match member.begin() {
            member::Beginning::Job(job) => self.background.begin(phone, job),
            member::Beginning::Setup(setup) => self.switch_on(phone, *setup),
            member::Beginning::Stay(why) => self.stay(phone, why),
        }
    }

    fn switch_on(&mut self, phone: PhoneId, setup: Setup) {
        let last = self.members[phone.0].last;
        self.office.set_up(phone, setup);
        self.office.start(phone, last);
    }

    /// Writes down what happened, and does what follows from it.
    fn note(&mut self) {
        while let Some(happening) = self.office.next_happening() {
            self.journal.happening(&happening);
            let Happening { phone, what, .. } = happening;
            match what {
                What::Restart(ResetKind::RESET) => self.start(phone, Outage::Reset),
                What::Restart(_) => self.start(phone, Outage::Restart),
                What::Event(Event::Registered(_)) => {
                    if let Some(job) = self.members[phone.0].registered() {
                        self.background.begin(phone, Job::Enrol(job));
                    }
                }
                What::Event(event) => self.attend(phone, &event),
            }
        }
    }

    fn done(&mut self, done: Done) {
        let phone = done.phone;
        self.journal.notices(phone, &done.notices);
        match self.members[phone.0].finish(done.result) {
            member::Next::SwitchOn(setup) => self.switch_on(phone, *setup),
            member::Next::StartAgain => self.start(phone, Outage::Reset),
            member::Next::Stay(why) => self.stay(phone, why),
            member::Next::GoOn => {}
        }
    }

    /// A telephone does not start.
    fn stay(&mut self, phone: PhoneId, why: String) {
        self.journal.trouble(phone, &why);
        self.members[phone.0].trouble = Some(why);
    }

    /// What a telephone does, in words: for messages about what was not expected.
    fn describe(&self, phone: PhoneId) -> String {
        let member = self.member(phone);
        match &member.trouble {
            Some(why) => format!("does not start: {why}"),
            None => journal::describe(self.station(phone)),
        }
    }
}
