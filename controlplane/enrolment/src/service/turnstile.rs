//! Threads that issue certificates while nothing else wants the processor.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use capf::server::{Issuance, Issue};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::yield_to_others;
use crate::desk::Desk;

/// Requests that may wait; more are told to come back.
const QUEUE: usize = 1024;
/// When.
const BUSY: Duration = Duration::from_secs(60);
/// How much they yield: beside one call that wants the processor they get a tenth of it, and on a
/// busy machine still enough for phones that wait.
const NICE: i32 = 10;

/// The threads; they end with the last handle.
pub(super) struct Workers(Sender<Job>);

struct Job {
    issue: Box<Issue>,
    answer: Sender<Issuance>,
}

impl Workers {
    /// Starts as many as there are processors, but one.
    pub(super) fn start(desk: &Arc<Desk>) -> io::Result<Self> {
        let (sender, receiver) = bounded::<Job>(QUEUE);
        let processors = thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..processors.saturating_sub(1).max(1) {
            let (desk, jobs) = (Arc::clone(desk), receiver.clone());
            thread::Builder::new().name("capf-issuer".into()).spawn(move || work(&desk, &jobs))?;
        }
        Ok(Self(sender))
    }

    /// Has a certificate issued, and waits for it.
    pub(super) fn issue(&self, issue: Box<Issue>, patience: Duration) -> Issuance {
        let (answer, wait) = bounded(1);
        if self.0.try_send(Job { issue, answer }).is_err() {
            return Issuance::Pending(BUSY);
        }
        match wait.recv_timeout(patience) {
            Ok(issuance) => issuance,
            Err(RecvTimeoutError::Timeout) => Issuance::Pending(BUSY),
            Err(RecvTimeoutError::Disconnected) => {
                Issuance::Refused("the thread that issues has ended".into())
            }
        }
    }
}

fn work(desk: &Desk, jobs: &Receiver<Job>) {
    yield_to_others(NICE);
    for Job { issue, answer } in jobs {
        let issuance = desk.issue(&issue, SystemTime::now());
        // Who waits for it may have given up.
        let _ = answer.send(issuance);
    }
}
