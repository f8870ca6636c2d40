//! What the office sees of the service, and can order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use callmanager::security::Security;
use callmanager::station::Close;
use callmanager::switchboard::PerStatus;
use crossbeam_channel::bounded;
use legacytls::link::CertificateKind;
use store::PhoneOrderKind;

use crate::alarms::Alarms;
pub use crate::alarms::{Alarm, PhoneAlarm};
pub use crate::ladder::{Direction, Ladder, Step};
pub use crate::ledger::Record;
use crate::operator::{Mail, News, Operator};

/// How long the service may take for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the office holds of a running service. What is asked of one that has ended, or that does
/// not answer in time, is empty.
#[derive(Clone)]
pub struct Handle {
    mail: Mail,
    alarms: Arc<Alarms>,
}

/// A phone that has registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Its name.
    pub device: String,
    /// How well its signalling is protected.
    pub security: Security,
    /// From where it comes.
    pub peer: SocketAddr,
    /// The TLS suite, by its name in the registry; `None` is TCP.
    pub suite: Option<String>,
    /// Whose certificate it has shown.
    pub certificate: Option<CertificateKind>,
    /// When it registered.
    pub since: SystemTime,
    /// Messages of it that were not right.
    pub violations: u64,
}

/// A call that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its number.
    pub id: u32,
    /// Who is in it.
    pub parties: Vec<Participant>,
    /// Whether they are on a conference bridge.
    pub conference: bool,
    /// The relays that its media goes through.
    pub relays: Vec<String>,
    /// When it began.
    pub began: SystemTime,
    /// When it was answered.
    pub answered: Option<SystemTime>,
    /// Its status; `None` before it is known.
    pub security: Option<Security>,
}

/// Somebody in a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// His device.
    pub device: String,
    /// His number.
    pub number: String,
    /// His name.
    pub name: String,
}

/// What the service counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Phones that are registered, by their security.
    pub registered: PerStatus,
    /// Calls in which people speak or hold, by the status shown last.
    pub calls_active: PerStatus,
    /// Calls that were answered and have ended, by the status they had last.
    pub calls_completed: PerStatus,
    /// Connections at the moment.
    pub connections: u64,
    /// Those of them that have not registered.
    pub half_open: u64,
    /// Entries that the database did not take, or too late.
    pub lost_entries: u64,
    /// What happened since the start.
    pub since_start: Counts,
}

/// What happened since the service started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections.
    pub accepted: u64,
    /// Those of them for which there was no room.
    pub turned_away: u64,
    /// Those of them that made room for others before they registered.
    pub evicted: u64,
    /// Registrations.
    pub registrations: u64,
    /// Registrations that were refused.
    pub refused: u64,
    /// Connections closed because of what came on them.
    pub misbehaved: u64,
    /// Connections closed because nothing came on them.
    pub silent: u64,
}

impl Counts {
    pub(crate) fn closed(&mut self, reason: Close) {
        match reason {
            Close::Stream(_) | Close::Header(_) | Close::Flood | Close::OtherName => {
                self.misbehaved += 1;
            }
            Close::NotRegistered | Close::Silent | Close::Unfinished => self.silent += 1,
            Close::Refused
            | Close::Unregistered
            | Close::Reset
            | Close::Superseded
            | Close::Unspeakable(_) => {}
        }
    }
}

/// Which phones are told something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All that are registered here.
    All,
    /// Those of these names that are registered here.
    Named(Vec<String>),
}

impl Handle {
    pub(crate) fn new(mail: Mail, alarms: Arc<Alarms>) -> Self {
        Self { mail, alarms }
    }

    /// The calls there are.
    pub fn calls(&self) -> Vec<Call> {
        self.ask(Operator::calls).unwrap_or_default()
    }

    /// What was said in a call, one that goes on or one of the latest.
    pub fn call(&self, id: u32) -> Option<Ladder> {
        self.ask(move |operator| operator.ladder(id)).flatten()
    }

    /// The phones that are registered, by name.
    pub fn registered(&self) -> Vec<Registered> {
        self.ask(Operator::registered).unwrap_or_default()
    }

    /// What is counted.
    pub fn counters(&self) -> Counters {
        self.ask(Operator::counters).unwrap_or_default()
    }

    /// Orders phones to do something. Returns those that are registered here.
    pub fn order(&self, which: Which, kind: PhoneOrderKind) -> Vec<String> {
        self.ask(move |operator| operator.order(&which, kind)).unwrap_or_default()
    }

    /// Alarms of late, the latest last.
    pub fn alarms(&self) -> Vec<Alarm> {
        self.alarms.recent()
    }

    /// What phones said of themselves of late, the latest last.
    pub fn phone_alarms(&self) -> Vec<PhoneAlarm> {
        self.alarms.phones()
    }

    fn ask<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut Operator) -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, answer) = bounded(1);
        let ask = News::Ask(Box::new(move |operator: &mut Operator| {
            // Who asked may have lost patience.
            let _ = sender.send(look(operator));
        }));
        self.mail.post(ask).then(|| answer.recv_timeout(PATIENCE).ok()).flatten()
    }
}
