use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::change::{Author, Change, Changed, Revision};
use crate::sql::afar::{Afar, Whereabouts};
use crate::sql::postgres::Postgres;
use crate::sql::readers::Readers;
use crate::sql::sqlite::Sqlite;
use crate::sql::together::Writer;
use crate::sql::{Backend, Sql};
use crate::{Error, PostgresUrl, Result, StoreUrl, migrate};

/// The database, shared by the threads of a process.
pub struct Store {
    readers: Readers,
    writer: Writer,
    /// Newest revision made through this handle, for those who wait.
    pub(crate) newest: Mutex<Revision>,
    pub(crate) changed: Condvar,
    /// Where changes are made, if that is elsewhere.
    original: Option<Whereabouts>,
}

impl Store {
    /// Opens the database, makes it if it is a new one, and brings an older one up to date. A
    /// PostgreSQL replica is taken as it is.
    pub fn open(url: &StoreUrl) -> Result<Self> {
        let mut backend = url.connect()?;
        migrate::to_newest(&mut *backend)?;
        Self::over(url, backend, None)
    }

    /// Opens a copy of the publisher's database: looked at here, changed there. While the
    /// publisher is away nothing is changed, and nothing waits to be: [`Error::PublisherAway`].
    pub fn open_copy(copy: &StoreUrl, original: PostgresUrl) -> Result<Self> {
        let mut backend = copy.connect()?;
        migrate::check(&mut *backend)?;
        let place = Arc::new(Mutex::new(original));
        let writer = Box::new(Afar::at(Arc::clone(&place)));
        Self::over(copy, writer, Some(place))
    }

    /// The publisher's database is elsewhere from now on.
    pub fn set_original(&self, original: PostgresUrl) {
        if let Some(place) = &self.original {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = original;
        }
    }

    fn over(
        url: &StoreUrl,
        writer: Box<dyn Backend>,
        original: Option<Whereabouts>,
    ) -> Result<Self> {
        let store = Self {
            readers: Readers::new(url.clone()),
            writer: Writer::new(writer),
            newest: Mutex::new(Revision(0)),
            changed: Condvar::new(),
            original,
        };
        *store.newest.lock().unwrap_or_else(PoisonError::into_inner) =
            store.read(|view| view.revision())?;
        Ok(store)
    }

    /// Looks at one consistent state.
    pub fn read<T>(&self, look: impl FnOnce(&mut View<'_>) -> Result<T>) -> Result<T> {
        self.readers.transaction(|sql| look(&mut View { sql }))
    }

    /// Makes one revision of all that `make` does, or, if it fails, of nothing. `now` is the time
    /// of the revision. If nothing came out different, no revision is made.
    pub fn change<T>(
        &self,
        author: &Author,
        now: SystemTime,
        make: impl FnOnce(&mut Change<'_>) -> Result<T>,
    ) -> Result<Changed<T>> {
        let changed = self.writer.transaction(|sql| {
            let mut change = Change::begin(View { sql }, author, millis(now))?;
            let value = make(&mut change)?;
            change.end(value)
        })?;
        if let Some(revision) = changed.revision {
            let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
            // Of changes that were committed together, any thread may be here first.
            *newest = revision.max(*newest);
            self.changed.notify_all();
        }
        Ok(changed)
    }

    /// Tells what would come of a change. Nothing of it stays.
    pub fn try_out<T>(
        &self,
        author: &Author,
        now: SystemTime,
        make: impl FnOnce(&mut Change<'_>) -> Result<T>,
    ) -> Result<Changed<T>> {
        let mut tried = None;
        let undone = self.writer.transaction(|sql| {
            let mut change = Change::begin(View { sql }, author, millis(now))?;
            let value = make(&mut change)?;
            tried = Some(Changed { revision: None, ..change.end(value)? });
            // A transaction that fails leaves nothing behind.
            Err::<(), _>(Error::Database("only tried".into()))
        });
        match (tried, undone) {
            (Some(tried), _) => Ok(tried),
            (None, undone) => Err(undone.expect_err("what succeeds was tried")),
        }
    }

    /// Does something with all of the database at once, past the rules of a change.
    pub(crate) fn replace_all<T>(&self, work: impl FnOnce(&mut dyn Sql) -> Result<T>) -> Result<T> {
        self.writer.transaction(work)
    }

    /// Writes something to the audit log that changed nothing here: a refused login, a pushed CTL
    /// file, a signature made with a token.
    pub fn audit(
        &self,
        author: &Author,
        now: SystemTime,
        action: &str,
        detail: &str,
    ) -> Result<()> {
        self.writer
            .transaction(|sql| View { sql }.append_audit(author, millis(now), action, detail))
    }

    /// Waits until this handle made a revision after `seen`, or `patience` is over, and returns
    /// the newest one. Revisions of other processes are seen with [`View::revision`].
    pub fn wait(&self, seen: Revision, patience: Duration) -> Revision {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        *self
            .changed
            .wait_timeout_while(newest, patience, |newest| *newest <= seen)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }
}

impl StoreUrl {
    pub(crate) fn connect(&self) -> Result<Box<dyn Backend>> {
        Ok(match self {
            Self::Sqlite(path) => Box::new(Sqlite::open(path)?),
            Self::Postgres(url) => Box::new(Postgres::open(url)?),
        })
    }
}

/// One consistent state of the database, to be read.
pub struct View<'a> {
    pub(crate) sql: &'a mut dyn Sql,
}

impl<'a> Deref for Change<'a> {
    type Target = View<'a>;

    fn deref(&self) -> &View<'a> {
        &self.view
    }
}

impl DerefMut for Change<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.view
    }
}

/// Milliseconds since 1970, as all times are stored.
pub(crate) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The inverse of [`millis`].
pub(crate) fn time(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}
