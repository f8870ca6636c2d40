//! What is kept: records of calls, users' forwards, alarms in the audit log. Written in a thread of
//! its own, since databases take their time. On a subscriber whose publisher is away, they wait in
//! memory until it is back; who ends before that has lost them, and says how many.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use callmanager::security::Security;
use callmanager::station::Now;
use callmanager::switchboard::{CallEnd, CallRecord, Party};
use crossbeam_channel::{Receiver, Sender, bounded};
use store::{Author, CallEnding, CallParty, EffectiveMode, Store};

/// Entries that may wait for the database; those on top are lost, and counted.
const QUEUE: usize = 16 * 1024;

/// How long the publisher's database is left alone after it did not answer.
const PAUSE: Duration = Duration::from_secs(1);
/// How soon it is seen meanwhile that nothing more comes.
const GLANCE: Duration = Duration::from_millis(50);

/// Something to be kept.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// A call has ended.
    Record(Record),
    /// A user has changed where calls to a number go.
    Forwarded {
        /// Whose calls.
        number: String,
        /// Where all of them go.
        all: Option<String>,
    },
    /// Messages wait for a number, or no longer.
    MessageWaiting {
        /// For which.
        number: String,
        /// Whether they do.
        waits: bool,
    },
    /// Keys went to a gateway, or were held back.
    Keys {
        /// Which, where, and what protects them.
        detail: String,
    },
    /// Nothing more comes.
    End,
    /// An alarm was raised.
    Alarm {
        /// Of which message.
        id: &'static str,
        /// What it said.
        detail: String,
    },
}

/// A call that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which.
    pub call: u32,
    /// Who began it.
    pub calling: Party,
    /// What was dialled.
    pub dialled: String,
    /// Who answered, at last.
    pub called: Option<Party>,
    /// When it began.
    pub began: SystemTime,
    /// When it was answered.
    pub answered: Option<SystemTime>,
    /// When it ended.
    pub ended: SystemTime,
    /// The status it had last.
    pub security: Option<Security>,
    /// The relay that its media went through last, if it did.
    pub relay: Option<String>,
    /// Why it ended.
    pub end: CallEnd,
}

impl Record {
    /// With times that others understand.
    pub(crate) fn of(record: &CallRecord, now: Now) -> Self {
        Self {
            call: record.call.0,
            calling: record.calling.clone(),
            dialled: record.dialled.clone(),
            called: record.called.clone(),
            began: wall(now, record.began),
            answered: record.answered.map(|at| wall(now, at)),
            ended: wall(now, record.ended),
            security: record.security,
            relay: record.relay.as_deref().map(str::to_owned),
            end: record.end,
        }
    }
}

/// A moment as clocks on walls show it.
pub(crate) fn wall(now: Now, at: Instant) -> SystemTime {
    now.wall - now.instant.saturating_duration_since(at)
}

/// Where entries are handed in.
#[derive(Clone)]
pub(crate) struct Ledger {
    entries: Sender<Entry>,
    lost: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
}

impl Ledger {
    /// Keeps something; does not wait for it.
    pub(crate) fn write(&self, entry: Entry) {
        if self.entries.try_send(entry).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lets the keeper go home when everything is written.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        // He is gone already if nobody is there to hear it.
        let _ = self.entries.send(Entry::End);
    }

    /// Entries that are lost.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// Writes into `store` until [`Ledger::end`].
pub(crate) fn start(store: Arc<Store>, node: &str) -> io::Result<(Ledger, JoinHandle<()>)> {
    let (sender, entries) = bounded(QUEUE);
    let lost = Arc::<AtomicU64>::default();
    let ended = Arc::<AtomicBool>::default();
    let ledger = Ledger { entries: sender, lost: Arc::clone(&lost), ended: Arc::clone(&ended) };
    let author = Author::new("CallManager", node);
    let keeper = Keeper { store, author, entries, lost, ended };
    let thread = thread::Builder::new().name("cm-ledger".into()).spawn(move || keeper.run())?;
    Ok((ledger, thread))
}

struct Keeper {
    store: Arc<Store>,
    author: Author,
    entries: Receiver<Entry>,
    lost: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
}

impl Keeper {
    fn run(self) {
        while let Ok(entry) = self.entries.recv() {
            if matches!(entry, Entry::End) {
                return;
            }
            if self.keep_when_possible(entry).is_err() {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Keeps an entry, also if the publisher has to come back for that.
    fn keep_when_possible(&self, entry: Entry) -> store::Result<()> {
        loop {
            match self.keep(entry.clone()) {
                Err(store::Error::PublisherAway(_)) if !self.ended.load(Ordering::Acquire) => {
                    let until = Instant::now() + PAUSE;
                    while Instant::now() < until && !self.ended.load(Ordering::Acquire) {
                        thread::sleep(GLANCE);
                    }
                }
                kept => return kept,
            }
        }
    }

    fn keep(&self, entry: Entry) -> store::Result<()> {
        let now = SystemTime::now();
        match entry {
            Entry::End => Ok(()),
            Entry::Record(record) => {
                let record = self.kept(record);
                let written = self.store.change(&self.author, now, |change| {
                    change.record_calls(std::slice::from_ref(&record))
                });
                written.map(|_| ())
            }
            Entry::Forwarded { number, all } => {
                let number = number.parse()?;
                let all = all.map(|all| all.parse()).transpose()?;
                let written = self.store.change(&self.author, now, |change| {
                    change.set_forward_all(&number, all.as_ref())
                });
                written.map(|_| ())
            }
            Entry::MessageWaiting { number, waits } => {
                let number = number.parse()?;
                let written = self
                    .store
                    .change(&self.author, now, |change| change.set_message_waiting(&number, waits));
                written.map(|_| ())
            }
            Entry::Keys { detail } => self.store.audit(&self.author, now, "keys", &detail),
            Entry::Alarm { id, detail } => {
                self.store.audit(&self.author, now, "alarm", &format!("{id}: {detail}"))
            }
        }
    }

    /// A record as the database has it.
    fn kept(&self, record: Record) -> store::CallRecord {
        let party = |party: Party| CallParty { number: party.number, name: party.name };
        store::CallRecord {
            number: 0,
            node: self.author.origin.clone(),
            call: record.call,
            calling: party(record.calling),
            dialled: record.dialled,
            called: record.called.map(party),
            began: record.began,
            answered: record.answered,
            ended: record.ended,
            security: record.security.map(|security| match security {
                Security::NonSecure => EffectiveMode::NonSecure,
                Security::Authenticated => EffectiveMode::Authenticated,
                Security::Encrypted => EffectiveMode::Encrypted,
            }),
            ending: match record.end {
                CallEnd::HungUp => CallEnding::HungUp,
                CallEnd::Busy => CallEnding::Busy,
                CallEnd::NoSuchNumber => CallEnding::NoSuchNumber,
                CallEnd::Failed => CallEnding::Failed,
                CallEnd::Transferred => CallEnding::Transferred,
            },
            relay: record.relay,
        }
    }
}
