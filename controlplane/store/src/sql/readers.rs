//! Connections for those who only look: they wait neither for changes nor for each other.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::{Access, Backend, Sql, transaction};
use crate::{Result, StoreUrl};

/// Most connections; more looks at the same time take turns.
const MOST: usize = 8;

/// The connections, made as they are needed.
pub(crate) struct Readers {
    url: StoreUrl,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    /// The last one that was used is used next: what it remembers is warm.
    idle: Vec<Box<dyn Backend>>,
    /// Connections that are in use.
    busy: usize,
}

/// A connection in use, until dropped.
struct Reader<'a> {
    readers: &'a Readers,
    backend: Option<Box<dyn Backend>>,
}

impl Readers {
    pub(crate) fn new(url: StoreUrl) -> Self {
        Self { url, state: Mutex::default(), returned: Condvar::new() }
    }

    /// Looks at one consistent state.
    pub(crate) fn transaction<T>(&self, look: impl FnOnce(&mut dyn Sql) -> Result<T>) -> Result<T> {
        let mut reader = self.take();
        let backend = match &mut reader.backend {
            Some(backend) => backend,
            none => none.insert(self.url.connect()?),
        };
        transaction(&mut **backend, Access::Read, look)
    }

    fn take(&self) -> Reader<'_> {
        let full = |state: &mut State| state.idle.is_empty() && state.busy >= MOST;
        let state = self.returned.wait_while(self.lock(), full);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        state.busy += 1;
        Reader { readers: self, backend: state.idle.pop() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each of its holders leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        // Also after a panic: that ended its transaction, and the connection is sound.
        let mut state = self.readers.lock();
        state.busy -= 1;
        state.idle.extend(self.backend.take());
        drop(state);
        self.readers.returned.notify_one();
    }
}
