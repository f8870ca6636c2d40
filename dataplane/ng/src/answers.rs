//! Answers that were given, for commands that are said again: at most once is anything done.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::limits;

/// Who asks: the door that he came in through, as the owner numbers them, and his address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Asker {
    /// Which socket.
    pub door: u32,
    /// Where he is.
    pub address: SocketAddr,
}

/// Who says a command again has given up by then.
const KEPT: Duration = Duration::from_secs(10);

type Key = (Asker, Vec<u8>);

/// Commands by asker and cookie, with their answers.
#[derive(Default)]
pub(crate) struct Answers {
    /// None: it is being carried out.
    given: HashMap<Key, Option<Zeroizing<Vec<u8>>>>,
    oldest: VecDeque<(Instant, Key)>,
}

/// What is known of a command.
pub(crate) enum Known {
    New,
    UnderWay,
    Answered(Zeroizing<Vec<u8>>),
}

impl Answers {
    /// Notes a command, and says whether it was said before.
    pub(crate) fn hear(&mut self, now: Instant, asker: Asker, cookie: &[u8]) -> Known {
        let key = (asker, cookie.to_vec());
        match self.given.get(&key) {
            Some(Some(answer)) => return Known::Answered(answer.clone()),
            Some(None) => return Known::UnderWay,
            None => {}
        }
        if self.oldest.len() >= limits::ANSWERS {
            self.forget_oldest();
        }
        self.given.insert(key.clone(), None);
        self.oldest.push_back((now + KEPT, key));
        Known::New
    }

    /// Keeps an answer.
    pub(crate) fn give(&mut self, asker: Asker, cookie: &[u8], answer: &Zeroizing<Vec<u8>>) {
        if let Some(given) = self.given.get_mut(&(asker, cookie.to_vec())) {
            *given = Some(answer.clone());
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.oldest.front().map(|(until, _)| *until)
    }

    /// Forgets what is old.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while self.oldest.front().is_some_and(|(until, _)| *until <= now) {
            self.forget_oldest();
        }
        if self.oldest.is_empty() {
            self.given.shrink_to_fit();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.oldest.pop_front() {
            self.given.remove(&key);
        }
    }
}
