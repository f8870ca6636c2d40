//! What the cell tells controld.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::channel::Channel;
use crate::link::{Connected, FromCell, Refused};

/// Refusals told in a second; strangers can cause any number.
const REFUSALS_A_SECOND: u32 = 20;

/// The cell's end of the link, shared by its threads.
#[derive(Debug, Default)]
pub(super) struct Reporter {
    link: Mutex<Option<Arc<Channel>>>,
    refusals: Mutex<Refusals>,
}

#[derive(Debug, Default)]
struct Refusals {
    second: Option<Instant>,
    told: u32,
    unsaid: u64,
}

impl Reporter {
    /// There is a new link, or none.
    pub(super) fn set_link(&self, link: Option<Arc<Channel>>) {
        *lock(&self.link) = link;
    }

    /// Tells of a service.
    pub(super) fn say(&self, message: &FromCell) -> io::Result<()> {
        self.send(message, None)
    }

    /// Hands a connection over. An error means that nobody has it.
    pub(super) fn connected(
        &self,
        ticket: Option<u64>,
        connected: Connected,
        plaintext: &OwnedFd,
    ) -> io::Result<()> {
        self.send(&FromCell::Connected { ticket, connected }, Some(plaintext))
    }

    /// Tells of a refusal, unless there were too many already and nobody waits for it.
    pub(super) fn refused(&self, ticket: Option<u64>, mut refused: Refused, now: Instant) {
        if ticket.is_none() {
            let Some(unsaid) = lock(&self.refusals).admit(now) else { return };
            refused.unsaid = unsaid;
        }
        // Nobody is there to be told.
        let _ = self.send(&FromCell::Refused { ticket, refused }, None);
    }

    fn send(&self, message: &FromCell, descriptor: Option<&OwnedFd>) -> io::Result<()> {
        let link = lock(&self.link).clone().ok_or(io::ErrorKind::NotConnected)?;
        let descriptors: Vec<_> = descriptor.map(AsFd::as_fd).into_iter().collect();
        link.send(message, &descriptors)
    }
}

impl Refusals {
    /// Whether one may be told, and how many before it were not.
    fn admit(&mut self, now: Instant) -> Option<u64> {
        let running = |second: Instant| now.duration_since(second) < Duration::from_secs(1);
        if !self.second.is_some_and(running) {
            self.second = Some(now);
            self.told = 0;
        }
        if self.told >= REFUSALS_A_SECOND {
            self.unsaid += 1;
            return None;
        }
        self.told += 1;
        Some(std::mem::take(&mut self.unsaid))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing under these locks panics half way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_at_a_bounded_rate_and_counted() {
        let mut refusals = Refusals::default();
        let start = Instant::now();
        let told = (0..100).filter(|_| refusals.admit(start).is_some()).count();
        assert_eq!(told, 20);
        assert_eq!(refusals.admit(start + Duration::from_secs(1)), Some(80));
        assert_eq!(refusals.admit(start + Duration::from_secs(1)), Some(0));
    }
}
