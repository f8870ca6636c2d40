//! Threads that ask the file source, so that building and signing a file delays no packet.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use mio::Waker;

use crate::{FileRequest, FileSource, Refusal, Served, TransferId};

type Question = (TransferId, FileRequest);
type Answer = (TransferId, Result<Served, Refusal>);

/// The asking side. Its threads end when it is dropped.
pub(super) struct Lookups {
    questions: Sender<Question>,
    answers: Receiver<Answer>,
}

impl Lookups {
    /// Starts `threads` threads that wake `waker` after each answer.
    pub fn start(
        threads: usize,
        source: &Arc<dyn FileSource>,
        waker: &Arc<Waker>,
    ) -> io::Result<Self> {
        let (questions, asked) = channel();
        let (answer, answers) = channel();
        let asked = Arc::new(Mutex::new(asked));
        for _ in 0..threads.max(1) {
            let (asked, answer) = (Arc::clone(&asked), answer.clone());
            let (source, waker) = (Arc::clone(source), Arc::clone(waker));
            let thread = std::thread::Builder::new().name("tftp-lookup".to_owned());
            thread.spawn(move || work(&asked, &answer, &*source, &waker))?;
        }
        Ok(Self { questions, answers })
    }

    /// Asks for a file. There are never more questions than transfers.
    pub fn ask(&self, id: TransferId, request: FileRequest) {
        self.questions.send((id, request)).expect("the threads live as long as this sender");
    }

    /// The next answer that is there.
    pub fn poll(&self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }
}

fn work(
    asked: &Mutex<Receiver<Question>>,
    answer: &Sender<Answer>,
    source: &dyn FileSource,
    waker: &Waker,
) {
    loop {
        let question = asked.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((id, request)) = question else { return };
        if answer.send((id, source.open(&request))).is_err() {
            return;
        }
        // Fails only when the worker is gone, and then the next send does too.
        let _ = waker.wake();
    }
}
