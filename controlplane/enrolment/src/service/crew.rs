//! Threads that serve one phone after the other, and yield to everything else.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How much they yield. There may be hundreds of them at work, and all of them together are to
/// leave most of a processor to a single thread that wants it.
const NICE: i32 = 19;
/// Stack of a thread: much less than the default, for there may be thousands.
const STACK: usize = 512 << 10;
/// How long a thread without work stays.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to be done for one phone.
pub(super) type Work = Box<dyn FnOnce() + Send>;

/// The threads: as many as there was work at the same time a while ago.
#[derive(Default)]
pub(super) struct Crew {
    state: Mutex<State>,
    called: Condvar,
}

#[derive(Default)]
struct State {
    /// For threads that wait.
    work: VecDeque<Work>,
    waiting: usize,
    dismissed: bool,
}

impl Crew {
    /// Has something done, by a thread that waits or by another one. The error is that no thread
    /// can be made; the work is dropped then.
    pub(super) fn take_on(self: &Arc<Self>, work: Work) -> io::Result<()> {
        let mut state = self.lock();
        if state.waiting > state.work.len() {
            state.work.push_back(work);
            drop(state);
            self.called.notify_one();
            return Ok(());
        }
        drop(state);
        let crew = Arc::clone(self);
        let thread = thread::Builder::new().name("capf-phone".into()).stack_size(STACK);
        thread.spawn(move || crew.serve(work)).map(drop)
    }

    /// Sends threads home that have nothing to do.
    pub(super) fn dismiss(&self) {
        self.lock().dismissed = true;
        self.called.notify_all();
    }

    fn serve(&self, first: Work) {
        // Being nicer needs no privilege; if it fails all the same, nothing but speed changes.
        let _ = rustix::process::nice(NICE);
        first();
        while let Some(next) = self.wait() {
            next();
        }
    }

    fn wait(&self) -> Option<Work> {
        let mut state = self.lock();
        state.waiting += 1;
        let idle = |state: &mut State| state.work.is_empty() && !state.dismissed;
        let waited = self.called.wait_timeout_while(state, PATIENCE, idle);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.waiting -= 1;
        state.work.pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each of its holders leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_thread_that_waits_takes_on_what_comes() {
        let crew = Arc::new(Crew::default());
        let (tell, told) = channel();
        let mut threads = Vec::new();
        for _ in 0..2 {
            let tell = tell.clone();
            crew.take_on(Box::new(move || tell.send(thread::current().id()).unwrap())).unwrap();
            threads.push(told.recv().unwrap());
            while crew.lock().waiting == 0 {
                thread::yield_now();
            }
        }
        assert_eq!(threads[0], threads[1]);
        crew.dismiss();
        while crew.lock().waiting > 0 {
            thread::yield_now();
        }
    }

    #[test]
    fn work_at_the_same_time_has_threads_of_its_own() {
        let crew = Arc::new(Crew::default());
        let both = Arc::new(std::sync::Barrier::new(3));
        for _ in 0..2 {
            let both = Arc::clone(&both);
            let wait = move || {
                both.wait();
            };
            crew.take_on(Box::new(wait)).unwrap();
        }
        both.wait();
        crew.dismiss();
    }
}
