//! What an administrator should know, and what phones say of themselves.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use lang::Language;
use legacytls::link::Reason;
use messages::{Explain, Message, signalling};

use crate::ledger::{Entry, Ledger};
use crate::trace::{Level, Trace};

/// Alarms that are remembered.
const REMEMBERED: usize = 256;
/// Words of phones that are remembered.
const WORDS: usize = 512;
/// Longest text of a phone.
const MAX_TEXT: usize = 200;
/// How often the same alarm is written down.
const AGAIN: Duration = Duration::from_secs(60);
/// Alarms that are written down at once, and in each second after that; strangers can cause any
/// number.
const AT_ONCE: f64 = 100.0;
const PER_SECOND: f64 = 10.0;

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    message: &'static Message,
    values: Vec<(&'static str, String)>,
    /// When it came first.
    pub first: SystemTime,
    /// When it came last.
    pub last: SystemTime,
    /// How often it came.
    pub count: u64,
}

impl Explain for Alarm {
    fn message(&self) -> &'static Message {
        self.message
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        self.values.clone()
    }
}

/// What a phone said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneAlarm {
    /// Which; `None` if it had not registered.
    pub device: Option<String>,
    /// From where.
    pub peer: IpAddr,
    /// When.
    pub at: SystemTime,
    /// What.
    pub text: String,
}

/// The alarms of a service.
pub(crate) struct Alarms {
    book: Mutex<Book>,
    trace: Arc<Trace>,
    ledger: Ledger,
}

struct Book {
    /// The latest last.
    alarms: VecDeque<Raised>,
    words: VecDeque<PhoneAlarm>,
    budget: Budget,
    /// Alarms that nobody wrote down, because there were too many.
    unsaid: u64,
}

struct Raised {
    alarm: Alarm,
    written: Instant,
}

/// Fills with time, empties with each that is taken.
struct Budget {
    level: f64,
    at: Instant,
}

impl Budget {
    fn take(&mut self, now: Instant) -> bool {
        let passed = now.duration_since(self.at).as_secs_f64();
        self.at = now;
        self.level = (self.level + passed * PER_SECOND).min(AT_ONCE);
        let enough = self.level >= 1.0;
        if enough {
            self.level -= 1.0;
        }
        enough
    }
}

impl Alarms {
    pub(crate) fn new(trace: Arc<Trace>, ledger: Ledger) -> Self {
        let budget = Budget { level: AT_ONCE, at: Instant::now() };
        let book = Book { alarms: VecDeque::new(), words: VecDeque::new(), budget, unsaid: 0 };
        Self { book: Mutex::new(book), trace, ledger }
    }

    /// Something should be known.
    pub(crate) fn raise(&self, what: &dyn Explain) {
        let (instant, at) = (Instant::now(), SystemTime::now());
        let (message, values) = (what.message(), what.values());
        let mut book = self.book();
        let same =
            |raised: &Raised| raised.alarm.message == message && raised.alarm.values == values;
        let known = book.alarms.iter().position(same).and_then(|place| book.alarms.remove(place));
        let is_new = known.is_none();
        let mut raised = known.unwrap_or(Raised {
            alarm: Alarm { message, values, first: at, last: at, count: 0 },
            written: instant,
        });
        raised.alarm.last = at;
        raised.alarm.count += 1;
        let due = is_new || instant.duration_since(raised.written) >= AGAIN;
        let write = due && book.budget.take(instant);
        if write {
            raised.written = instant;
            self.write(&raised.alarm, std::mem::take(&mut book.unsaid));
        } else if due {
            book.unsaid += 1;
        }
        book.alarms.push_back(raised);
        if book.alarms.len() > REMEMBERED {
            book.alarms.pop_front();
        }
    }

    fn write(&self, alarm: &Alarm, unsaid: u64) {
        let said = alarm.explain(Language::English);
        let before = match unsaid {
            0 => String::new(),
            unsaid => format!(" ({unsaid} others before it were not written down)"),
        };
        self.trace.note(&format!("alarm {}: {}: {}{before}", said.id, said.text, said.cause));
        let detail = format!("{}: {}", said.text, said.cause);
        self.ledger.write(Entry::Alarm { id: said.id, detail });
    }

    /// A phone says something of itself.
    pub(crate) fn phone_says(&self, device: Option<String>, peer: IpAddr, text: &str) {
        let text: String = text.chars().take(MAX_TEXT).collect();
        let mut book = self.book();
        if !book.budget.take(Instant::now()) {
            book.unsaid += 1;
            return;
        }
        self.trace.tell(Level::Alarm, || {
            format!("{peer} {}: phone alarm {text:?}", device.as_deref().unwrap_or("?"))
        });
        book.words.push_back(PhoneAlarm { device, peer, at: SystemTime::now(), text });
        if book.words.len() > WORDS {
            book.words.pop_front();
        }
    }

    /// A connection was not let in.
    pub(crate) fn not_let_in(&self, peer: IpAddr, reason: Reason, detail: &str) {
        let peer = peer.to_canonical();
        self.trace.tell(Level::Detail, || format!("{peer} not let in: {reason:?} {detail}"));
        if let Some(message) = known(reason) {
            self.raise(&Known { message, values: vec![("peer", peer.to_string())] });
        }
    }

    /// The alarms of late, the latest last.
    pub(crate) fn recent(&self) -> Vec<Alarm> {
        self.book().alarms.iter().map(|raised| raised.alarm.clone()).collect()
    }

    /// What phones said of late, the latest last.
    pub(crate) fn phones(&self) -> Vec<PhoneAlarm> {
        self.book().words.iter().cloned().collect()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Each of its holders leaves it whole.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an administrator should know of a connection that was not let in; nothing of those who
/// broke off or took too long.
fn known(reason: Reason) -> Option<&'static Message> {
    match reason {
        Reason::NoCertificate => Some(&signalling::CERTIFICATE_NOT_SHOWN),
        Reason::UnknownIssuer => Some(&signalling::CERTIFICATE_NOT_TRUSTED),
        Reason::Expired => Some(&signalling::CERTIFICATE_HAS_ENDED),
        Reason::NotYetValid => Some(&signalling::CERTIFICATE_NOT_BEGUN),
        Reason::NoDevice => Some(&signalling::CERTIFICATE_OF_NO_DEVICE),
        Reason::NothingInCommon => Some(&signalling::TLS_NOTHING_IN_COMMON),
        Reason::Downgrade => Some(&signalling::TLS_DOWNGRADE),
        Reason::Handshake | Reason::Timeout | Reason::TooMany | Reason::Crowded | Reason::Busy => {
            None
        }
    }
}

/// A message and its values.
pub(crate) struct Known {
    pub(crate) message: &'static Message,
    pub(crate) values: Vec<(&'static str, String)>,
}

impl Explain for Known {
    fn message(&self) -> &'static Message {
        self.message
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        self.values.clone()
    }
}
