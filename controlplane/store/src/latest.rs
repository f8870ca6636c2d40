//! A copy of what the store says, kept until it says something else.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::{Result, Revision, Store, View};

/// How long a change that another process made may go unseen. A phone that has just been told of
/// a new mode asks for its files at once, and must not meet the old one.
const GLANCE: Duration = Duration::from_millis(2);
/// The same after the database could not be read, so that phones do not wait for it.
const GLANCE_AFTER_FAILURE: Duration = Duration::from_millis(250);

/// A copy of some of the store.
pub trait State: Clone + Send + Sync {
    /// Reads all of it, as a node sees it.
    fn read(view: &mut View<'_>, node: &str) -> Result<Self>;

    /// The revision that it is of.
    fn revision(&self) -> Revision;

    /// Whether nothing has changed since.
    fn is_current(&self, view: &mut View<'_>) -> Result<bool> {
        Ok(view.revision()? == self.revision())
    }

    /// Takes over what changed since, if that is less work than reading all of it. Whether it
    /// did; if not, it is left behind.
    fn follow(&mut self, view: &mut View<'_>) -> Result<bool>;
}

/// The newest copy there is. When the database is away, the last one serves on.
pub struct Latest<S> {
    store: Arc<Store>,
    node: String,
    kept: Mutex<Kept<S>>,
}

struct Kept<S> {
    newest: Arc<S>,
    next_look: Instant,
}

impl<S: State> Latest<S> {
    /// Reads the first one.
    pub fn new(store: Arc<Store>, node: &str) -> Result<Self> {
        let newest = Arc::new(store.read(|view| S::read(view, node))?);
        let kept = Mutex::new(Kept { newest, next_look: Instant::now() + GLANCE });
        Ok(Self { store, node: node.to_owned(), kept })
    }

    /// The newest one.
    pub fn newest(&self) -> Arc<S> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let made_here = self.store.wait(Revision(0), Duration::ZERO) > kept.newest.revision();
        if made_here || Instant::now() >= kept.next_look {
            let looked = self.look(&mut kept.newest);
            let pause = if looked.is_ok() { GLANCE } else { GLANCE_AFTER_FAILURE };
            kept.next_look = Instant::now() + pause;
        }
        Arc::clone(&kept.newest)
    }

    fn look(&self, newest: &mut Arc<S>) -> Result<()> {
        self.store.read(|view| {
            if !newest.is_current(view)? && !Arc::make_mut(newest).follow(view)? {
                *newest = Arc::new(S::read(view, &self.node)?);
            }
            Ok(())
        })
    }
}
