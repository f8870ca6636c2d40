//! Backups of this node: made by hand and by the clock, checked, restored.
//!
//! One thing is done at a time, in a thread of its own; whoever began it asks how far it is.

mod site;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use backup::archive::Archive;
use backup::restore::{self, Restoring};
use backup::shelf::{self, Kept, Shelf};
use backup::{Fault, Header, Lock, Making, Stage, Unlock};
use lang::Language;
use messages::{Explain, Message, backup as said};
use pki::node;
use store::{Author, Copied, Store};

use crate::config::Config;
use crate::services::Services;

/// How long to wait after a scheduled backup failed.
const RETRY: Duration = Duration::from_secs(15 * 60);

/// Who makes and restores backups.
#[derive(Clone)]
pub struct Archivist {
    store: Arc<Store>,
    services: Arc<Services>,
    desk: Arc<Mutex<Desk>>,
}

/// What is done and what was done.
#[derive(Default)]
struct Desk {
    work: u64,
    progress: Option<(Stage, u64)>,
    ended: Option<Result<Outcome, Fault>>,
    /// When the schedule is looked at again, and what came of it last.
    next_look: Option<SystemTime>,
    overdue: Option<Overdue>,
}

/// What came of the work.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A backup was made.
    Made(Kept),
    /// It is whole, and signed; what is in it, if it was opened.
    Verified(Box<Described>, Option<Copied>),
    /// It was restored.
    Restored(Box<Described>, Copied),
}

/// A backup that was opened.
#[derive(Clone, Debug)]
pub struct Described {
    /// The name of its file.
    pub name: String,
    /// Its head.
    pub header: Header,
    /// Whose certificate it is signed with, and the SHA-256 of that.
    pub signer: (String, String),
    /// SHA-256 of it.
    pub id: String,
    /// Its length.
    pub bytes: u64,
}

/// How far the work is.
#[derive(Clone, Debug)]
pub struct Work {
    /// Its number; 0 before the first.
    pub number: u64,
    /// What is being done.
    pub progress: Option<(Stage, u64)>,
    /// How it ended.
    pub ended: Option<Result<Outcome, Fault>>,
}

/// What to restore, and how.
pub struct Order {
    /// The name of the backup.
    pub name: String,
    /// A directory, instead of the shelf of the configuration.
    pub at: Option<String>,
    /// What opens it.
    pub unlock: Unlock,
    /// What opens its private keys; absent: those that are here stay.
    pub keys: Option<Unlock>,
    /// SHA-256 of a certificate that somebody compared.
    pub approve: Option<String>,
    /// Who restores.
    pub author: Author,
}

/// The schedule is not kept.
#[derive(Clone, Debug)]
pub struct Overdue {
    hours: u64,
    every: u64,
    detail: String,
}

impl Explain for Overdue {
    fn message(&self) -> &'static Message {
        &said::BACKUP_OVERDUE
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        let Self { hours, every, detail } = self;
        vec![("hours", hours.to_string()), ("every", every.to_string()), ("detail", detail.clone())]
    }
}

/// Finishes a restore that was interrupted, before anything is started.
pub fn finish_interrupted(config: &Config, store: &Store) -> Result<(), Fault> {
    let home = site::home(config);
    if let Some(staged) = restore::interrupted(&home)? {
        staged.apply(store, SystemTime::now(), &mut |_, _| {})?;
    }
    Ok(())
}

impl Archivist {
    /// Nothing is under way.
    pub fn new(store: Arc<Store>, services: Arc<Services>) -> Self {
        Self { store, services, desk: Arc::default() }
    }

    /// How far the work is.
    pub fn work(&self) -> Work {
        let desk = self.desk();
        Work { number: desk.work, progress: desk.progress, ended: desk.ended.clone() }
    }

    /// What is wrong with the schedule, in a language.
    pub fn alarm(&self, language: Language) -> Option<String> {
        let overdue = self.desk().overdue.clone()?;
        let told = overdue.explain(language);
        Some(format!("{told}: {}", told.cause))
    }

    /// The backups at a place, and what the place is called.
    pub fn list(&self, at: Option<&str>) -> Result<(String, Vec<Kept>), Fault> {
        let shelf = site::shelf(self.config(), at)?;
        Ok((shelf.place(), shelf.list()?))
    }

    /// Begins to make a backup; its locks are those of the configuration unless others are given.
    pub fn create(
        &self,
        lock: Option<Lock>,
        keys: Option<Lock>,
        at: Option<String>,
    ) -> Result<u64, Fault> {
        let lock = lock.map_or_else(|| site::lock(self.config()), Ok)?;
        let keys = match keys {
            Some(lock) => Some(lock),
            None => site::key_lock(self.config())?,
        };
        self.begin(move |archivist| archivist.make(&lock, keys.as_ref(), at.as_deref()))
    }

    /// Begins to check one; without anything that opens it, only whether it is whole and signed.
    pub fn verify(
        &self,
        name: String,
        at: Option<String>,
        unlock: Option<Unlock>,
    ) -> Result<u64, Fault> {
        self.begin(move |archivist| {
            let archive = archivist.fetch(&name, at.as_deref())?;
            let home = site::home(archivist.config());
            let check = |unlock: &Unlock| {
                restore::verify(&archive, unlock, &home, &mut |stage, n| archivist.tell(stage, n))
            };
            let found = unlock.as_ref().map(check).transpose()?;
            Ok(Outcome::Verified(Box::new(describe(&archive)), found))
        })
    }

    /// Begins to restore one.
    pub fn restore(&self, order: Order) -> Result<u64, Fault> {
        self.begin(move |archivist| archivist.take_back(&order))
    }

    /// Makes a backup if one is due by the schedule.
    pub fn keep_schedule(&self, now: SystemTime) {
        let Some(every) = self.config().backup.every_hours else { return };
        {
            let mut desk = self.desk();
            // A clock that went back must not stop it for years.
            let waits = |next: SystemTime| {
                next.duration_since(now).is_ok_and(|left| !left.is_zero() && left <= RETRY)
            };
            if desk.next_look.is_some_and(waits) {
                return;
            }
            desk.next_look = Some(now + RETRY);
        }
        let looked = self.look_at_schedule(every, now);
        let mut desk = self.desk();
        match looked {
            Ok(due) => desk.overdue = due,
            Err(fault) => {
                desk.overdue = Some(Overdue { hours: every, every, detail: fault.to_string() });
            }
        }
    }

    fn look_at_schedule(&self, every: u64, now: SystemTime) -> Result<Option<Overdue>, Fault> {
        let Some(cluster) = self.store.read(|view| view.cluster())? else { return Ok(None) };
        let cluster = backup::header::cluster_in_names(&cluster.name, cluster.guid.as_str());
        let (_, kept) = self.list(None)?;
        let period = Duration::from_secs(every * 3600);
        let (last, due) = shelf::is_due(&kept, &cluster, period, now);
        if due {
            let work = self.work();
            match self.create(None, None, None) {
                Ok(_) | Err(Fault::Busy) => {}
                Err(fault) => return Err(fault),
            }
            let age = last.and_then(|last| now.duration_since(last).ok()).unwrap_or_default();
            // What the last try said, if there was one and it is late by now.
            if let Some(Err(fault)) = work.ended
                && age >= period + 2 * RETRY
            {
                let hours = age.as_secs() / 3600;
                return Ok(Some(Overdue { hours, every, detail: fault.to_string() }));
            }
        }
        Ok(None)
    }

    fn begin(
        &self,
        work: impl FnOnce(&Self) -> Result<Outcome, Fault> + Send + 'static,
    ) -> Result<u64, Fault> {
        let mut desk = self.desk();
        if desk.work > 0 && desk.ended.is_none() {
            return Err(Fault::Busy);
        }
        let this = self.clone();
        let run = move || {
            let ended = work(&this);
            this.desk().ended = Some(ended);
        };
        let failed = Fault::at(Path::new("backup"));
        std::thread::Builder::new().name("backup".into()).spawn(run).map_err(failed)?;
        desk.work += 1;
        (desk.progress, desk.ended) = (None, None);
        Ok(desk.work)
    }

    fn make(&self, lock: &Lock, keys: Option<&Lock>, at: Option<&str>) -> Result<Outcome, Fault> {
        let config = self.config();
        let now = SystemTime::now();
        let shelf = site::shelf(config, at)?;
        let cluster = self.store.read(|view| view.cluster())?.ok_or(Fault::Nothing)?;
        let cluster = backup::header::cluster_in_names(&cluster.name, cluster.guid.as_str());
        let kept = shelf.list()?;
        let node = config.node_name();
        let signer = node::open(&config.key_directory, now).map_err(|fault| Fault::Failed {
            place: config.key_directory.display().to_string(),
            detail: fault.to_string(),
        })?;
        let home = site::home(config);
        let making = Making {
            store: &self.store,
            home: &home,
            node: &node,
            release: env!("CARGO_PKG_VERSION"),
            lock,
            keys,
            signer: &signer,
            reports: vec![("capf.csv".into(), site::capf_report(&self.store)?)],
            sequence: shelf::next_sequence(&kept, &cluster),
            now,
        };
        let (path, header) = backup::create(&making, &mut |stage, count| self.tell(stage, count))?;
        self.tell(Stage::Carrying, 0);
        let bytes = std::fs::metadata(&path).map_err(Fault::at(&path))?.len();
        shelf.put(&path)?;
        std::fs::remove_file(&path).map_err(Fault::at(&path))?;
        if let Some(keep) = config.backup.keep.filter(|_| at.is_none()) {
            let kept = shelf.list()?;
            for name in shelf::superfluous(&kept, &cluster, keep) {
                shelf.remove(name)?;
            }
        }
        let name = header.file_name();
        let unknown = || Fault::Unknown { name: name.clone(), shelf: shelf.place() };
        Kept::of(&name, bytes).map(Outcome::Made).ok_or_else(unknown)
    }

    fn take_back(&self, order: &Order) -> Result<Outcome, Fault> {
        let config = self.config();
        let (home, node) = (site::home(config), config.node_name());
        if self.store.read(|view| view.replica())?.is_some() {
            return Err(Fault::Replica(node));
        }
        let archive = self.fetch(&order.name, order.at.as_deref())?;
        let trusted = site::trusted(config, &self.store, order.approve.as_deref())?;
        let restoring = Restoring {
            archive: &archive,
            unlock: &order.unlock,
            keys: order.keys.as_ref(),
            node: &node,
            trusted: &trusted,
            author: &order.author,
        };
        let mut tell = |stage, count| self.tell(stage, count);
        let staged = restore::stage(&restoring, &home, &self.store, &mut tell)?;
        let restored = self
            .services
            .while_stopped(|| staged.apply(&self.store, SystemTime::now(), &mut tell))?;
        Ok(Outcome::Restored(Box::new(describe(&archive)), restored.copied))
    }

    fn fetch(&self, name: &str, at: Option<&str>) -> Result<Archive, Fault> {
        self.tell(Stage::Carrying, 0);
        let shelf: Box<dyn Shelf> = site::shelf(self.config(), at)?;
        let into = self.fetched()?;
        let archive = Archive::open(&shelf.fetch(name, &into)?)?;
        self.tell(Stage::Checking, 0);
        Ok(archive)
    }

    /// An empty directory for what comes from a shelf.
    fn fetched(&self) -> Result<PathBuf, Fault> {
        let into = self.config().backup_workshop().join("fetched");
        let empty = || match std::fs::remove_dir_all(&into) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => std::fs::create_dir_all(&into),
        };
        empty().map_err(Fault::at(&into))?;
        Ok(into)
    }

    fn tell(&self, stage: Stage, count: u64) {
        self.desk().progress = Some((stage, count));
    }

    fn config(&self) -> &Config {
        self.services.config()
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        // Each of its holders leaves it whole.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn describe(archive: &Archive) -> Described {
    Described {
        name: archive.name(),
        header: archive.header.clone(),
        signer: (archive.signer.subject().to_string(), archive.signer.fingerprint()),
        id: archive.id.clone(),
        bytes: archive.bytes,
    }
}
