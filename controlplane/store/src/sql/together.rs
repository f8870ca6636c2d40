//! Changes of several threads that come at the same time are committed together: a commit waits for
//! the disk, and thousands of phones may want one each.
//!
//! ```text
//!  thread 1:  begin ─ change ─┐                                    ┌─▶ done
//!  thread 2:            (waits) savepoint ─ change ─┐              ├─▶ done
//!  thread 3:                      (waits) savepoint ─ change ─ commit ─▶ done
//! ```
//!
//! Nobody hears of success before the commit. A change that fails leaves no trace, and the others
//! stand.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::{Access, Backend, Sql};
use crate::{Error, Result};

/// Most changes that are committed together, so that the first does not wait for ever.
const MOST: usize = 64;

/// The connection that changes are made on.
pub(crate) struct Writer {
    line: Mutex<Line>,
    /// Threads that want to make a change and have not begun: who leaves lets them commit.
    coming: AtomicUsize,
}

struct Line {
    backend: Box<dyn Backend>,
    open: Option<Arc<Batch>>,
    /// Changes in the open batch.
    made: usize,
}

/// Changes that are committed together.
#[derive(Default)]
struct Batch {
    outcome: Mutex<Option<Result<()>>>,
    decided: Condvar,
}

/// A thread at the connection. When it leaves, it commits, unless another one comes.
struct Turn<'a> {
    coming: &'a AtomicUsize,
    line: MutexGuard<'a, Line>,
}

impl Writer {
    pub(crate) fn new(backend: Box<dyn Backend>) -> Self {
        let line = Mutex::new(Line { backend, open: None, made: 0 });
        Self { line, coming: AtomicUsize::new(0) }
    }

    /// Makes a change, and returns when it lasts.
    pub(crate) fn transaction<T>(&self, work: impl FnOnce(&mut dyn Sql) -> Result<T>) -> Result<T> {
        self.coming.fetch_add(1, Ordering::SeqCst);
        // A panic in a change rolled that back: the connection is sound.
        let line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        self.coming.fetch_sub(1, Ordering::SeqCst);
        let mut turn = Turn { coming: &self.coming, line };
        let value = turn.line.make(work);
        let batch = turn.line.open.clone();
        drop(turn);
        // A failure that came of what others have changed before holds only if their changes do.
        if let Some(batch) = batch {
            batch.wait()?;
        }
        value
    }
}

impl Line {
    fn make<T>(&mut self, work: impl FnOnce(&mut dyn Sql) -> Result<T>) -> Result<T> {
        let later = self.open.is_some();
        match later {
            true => self.backend.batch("SAVEPOINT change")?,
            false => self.backend.begin(Access::Write)?,
        }
        let mut undone = Undone { line: self, later, stands: false };
        let value = work(&mut *undone.line.backend)?;
        if later {
            undone.line.backend.batch("RELEASE SAVEPOINT change")?;
        }
        undone.stands = true;
        undone.line.open.get_or_insert_default();
        undone.line.made += 1;
        Ok(value)
    }

    fn commit(&mut self) {
        if self.open.is_some() {
            let outcome = self.backend.commit();
            self.decide(outcome);
        }
    }

    fn decide(&mut self, outcome: Result<()>) {
        self.backend.roll_back();
        self.made = 0;
        if let Some(batch) = self.open.take() {
            batch.decide(outcome);
        }
    }
}

/// A change under way: unless it stands in the end, it leaves no trace, also after a panic.
struct Undone<'a> {
    line: &'a mut Line,
    /// Whether there are changes before it that are to stay.
    later: bool,
    stands: bool,
}

impl Drop for Undone<'_> {
    fn drop(&mut self) {
        if self.stands {
            return;
        }
        if !self.later {
            return self.line.backend.roll_back();
        }
        let back = "ROLLBACK TO SAVEPOINT change; RELEASE SAVEPOINT change";
        if let Err(error) = self.line.backend.batch(back) {
            // The database gave everything up, or is gone.
            self.line.decide(Err(error));
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.coming.load(Ordering::SeqCst) == 0 || self.line.made >= MOST {
            self.line.commit();
        }
    }
}

impl Batch {
    fn decide(&self, outcome: Result<()>) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        self.decided.notify_all();
    }

    fn wait(&self) -> Result<()> {
        let outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        let decided = self.decided.wait_while(outcome, |outcome| outcome.is_none());
        let outcome = decided.unwrap_or_else(PoisonError::into_inner);
        outcome.clone().unwrap_or_else(|| Err(Error::Database("nobody committed".into())))
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::super::{Row, Value};
    use super::*;

    /// A database that only writes down what it is told.
    struct Recorder(Arc<Mutex<Vec<String>>>, bool);

    impl Recorder {
        fn note(&self, what: &str) {
            self.0.lock().unwrap().push(what.to_owned());
        }
    }

    impl Backend for Recorder {
        fn begin(&mut self, _: Access) -> Result<()> {
            self.note("begin");
            Ok(())
        }

        fn commit(&mut self) -> Result<()> {
            self.note("commit");
            if self.1 { Err(Error::Database("full".into())) } else { Ok(()) }
        }

        fn roll_back(&mut self) {
            self.note("end");
        }
    }

    impl Sql for Recorder {
        fn execute(&mut self, sql: &str, _: &[Value]) -> Result<u64> {
            self.note(sql);
            Ok(1)
        }

        fn query(&mut self, _: &str, _: &[Value]) -> Result<Vec<Row>> {
            Ok(Vec::new())
        }

        fn batch(&mut self, sql: &str) -> Result<()> {
            self.note(sql.split(' ').next().unwrap());
            Ok(())
        }

        fn replica(&mut self) -> Result<Option<crate::Replica>> {
            Ok(None)
        }

        fn has_table(&mut self, _: &str) -> Result<bool> {
            Ok(true)
        }
    }

    /// Makes changes that all come while the first is made, one after the other: what was done, and
    /// what came of each.
    fn together(full: bool, changes: &[fn() -> Result<()>]) -> (String, Vec<Option<Result<()>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let writer = Writer::new(Box::new(Recorder(Arc::clone(&told), full)));
        let outcomes = thread::scope(|scope| {
            let begun: Vec<_> = (0..)
                .zip(changes)
                .map(|(number, change)| {
                    let (writer, all) = (&writer, changes.len() - 1);
                    let changing = scope.spawn(move || {
                        writer.transaction(|sql| {
                            sql.execute(&number.to_string(), &[])?;
                            while number == 0 && writer.coming.load(Ordering::SeqCst) < all {
                                thread::yield_now();
                            }
                            change()
                        })
                    });
                    // The first is there before the others.
                    while told.lock().unwrap().is_empty() {
                        thread::yield_now();
                    }
                    changing
                })
                .collect();
            begun.into_iter().map(|changing| changing.join().ok()).collect()
        });
        let mut told = told.lock().unwrap().clone();
        told.retain(|what| what.parse::<u8>().is_err());
        (told.join(" "), outcomes)
    }

    fn good() -> Result<()> {
        Ok(())
    }

    fn bad() -> Result<()> {
        Err(Error::ReadOnly)
    }

    fn ugly() -> Result<()> {
        panic!("a bug of the caller")
    }

    #[test]
    fn what_comes_together_is_committed_together() {
        let (told, outcomes) = together(false, &[good, good, good]);
        assert_eq!(told, "begin SAVEPOINT RELEASE SAVEPOINT RELEASE commit end");
        assert_eq!(outcomes, [Some(Ok(())), Some(Ok(())), Some(Ok(()))]);
        let (told, outcomes) = together(false, &[good]);
        assert_eq!((&*told, outcomes), ("begin commit end", vec![Some(Ok(()))]));
    }

    #[test]
    fn each_falls_by_itself() {
        let failed = Some(Err(Error::ReadOnly));
        let (told, outcomes) = together(false, &[good, bad]);
        assert_eq!(told, "begin SAVEPOINT ROLLBACK commit end");
        assert_eq!(outcomes, [Some(Ok(())), failed.clone()]);
        let (told, outcomes) = together(false, &[bad, good]);
        assert_eq!(told, "begin end begin commit end");
        assert_eq!(outcomes, [failed, Some(Ok(()))]);
        let (told, outcomes) = together(false, &[good, ugly]);
        assert_eq!(told, "begin SAVEPOINT ROLLBACK commit end");
        assert_eq!(outcomes, [Some(Ok(())), None]);
    }

    #[test]
    fn nobody_hears_of_success_if_the_commit_fails() {
        let (_, outcomes) = together(true, &[good, good, bad]);
        let full = Some(Err(Error::Database("full".into())));
        assert_eq!(outcomes, [full.clone(), full.clone(), full]);
    }
}
