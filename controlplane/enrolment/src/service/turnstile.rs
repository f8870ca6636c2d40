//! Who may have a certificate issued: few at a time, the others wait.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use capf::server::{Issuance, Issue};

use crate::desk::Desk;

/// Phones that may wait; more are told to come back.
const QUEUE: usize = 1024;
/// When.
const BUSY: Duration = Duration::from_secs(60);

/// Lets so many through as there are processors, but one.
pub(super) struct Turnstile {
    most: usize,
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Default)]
struct State {
    inside: usize,
    waiting: usize,
}

/// Somebody inside, until dropped.
struct Pass<'a>(&'a Turnstile);

impl Turnstile {
    pub(super) fn new() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let most = processors.saturating_sub(1).max(1);
        Self { most, state: Mutex::default(), left: Condvar::new() }
    }

    /// Has a certificate issued in this thread, unless it is not its turn within `patience`.
    pub(super) fn issue(&self, desk: &Desk, issue: &Issue, patience: Duration) -> Issuance {
        match self.enter(patience) {
            Some(_pass) => desk.issue(issue, SystemTime::now()),
            None => Issuance::Pending(BUSY),
        }
    }

    fn enter(&self, patience: Duration) -> Option<Pass<'_>> {
        let mut state = self.lock();
        if state.inside >= self.most {
            if state.waiting >= QUEUE {
                return None;
            }
            state.waiting += 1;
            let full = |state: &mut State| state.inside >= self.most;
            let waited = self.left.wait_timeout_while(state, patience, full);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
            if state.inside >= self.most {
                return None;
            }
        }
        state.inside += 1;
        Some(Pass(self))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each of its holders leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.lock().inside -= 1;
        self.0.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_inside_and_who_waits_too_long_is_told_so() {
        let turnstile = Turnstile { most: 1, state: Mutex::default(), left: Condvar::new() };
        let first = turnstile.enter(Duration::ZERO).expect("nobody is inside");
        assert!(turnstile.enter(Duration::from_millis(1)).is_none());
        thread::scope(|scope| {
            let second = scope.spawn(|| turnstile.enter(Duration::from_secs(60)).is_some());
            drop(first);
            assert!(second.join().unwrap());
        });
        assert_eq!(turnstile.lock().inside, 0);
        turnstile.lock().waiting = QUEUE;
        let _inside = turnstile.enter(Duration::ZERO).expect("nobody is inside again");
        assert!(turnstile.enter(Duration::from_secs(60)).is_none());
    }
}
