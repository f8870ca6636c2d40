//! What users change here, and what comes back of it: forwards, messages that wait.
//!
//! It goes into the database and comes back from there with everything that others have changed. What
//! comes back first may be older than what was done here since: it waits until nothing was done for a
//! while.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// So long after a user's change the database is believed again. Writing and reading take less.
const SETTLES: Duration = Duration::from_secs(5);

/// What was changed here of numbers, and what the database says of them.
pub(super) struct Echoes<T> {
    changed: HashMap<String, Instant>,
    waiting: HashMap<String, T>,
}

impl<T> Default for Echoes<T> {
    fn default() -> Self {
        Self { changed: HashMap::new(), waiting: HashMap::new() }
    }
}

impl<T> Echoes<T> {
    /// Something about a number was changed here.
    pub(super) fn changed(&mut self, number: &str, now: Instant) {
        self.changed.insert(number.to_owned(), now);
    }

    /// Of what the database says, what holds at once.
    pub(super) fn sift(&mut self, said: Vec<(String, T)>, now: Instant) -> Vec<(String, T)> {
        self.changed.retain(|_, at| now.saturating_duration_since(*at) < SETTLES);
        let (fresh, settled): (Vec<_>, Vec<_>) =
            said.into_iter().partition(|(number, _)| self.changed.contains_key(number));
        self.waiting.extend(fresh);
        settled
    }

    /// What has waited long enough.
    pub(super) fn settled(&mut self, now: Instant) -> Vec<(String, T)> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let waiting = self.waiting.drain().collect();
        self.sift(waiting, now)
    }
}

#[cfg(test)]
mod tests {
    use callmanager::switchboard::Forwards;

    use super::*;

    fn to(number: &str) -> Option<Forwards> {
        Some(Forwards { all: Some(number.to_owned()), ..Forwards::default() })
    }

    #[test]
    fn what_a_user_has_just_done_is_not_undone_by_its_echo() {
        let (mut forwarding, start) = (Echoes::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        forwarding.changed("1001", at(0));
        forwarding.changed("1001", at(1));
        let echo = vec![("1001".to_owned(), to("2000")), ("1002".to_owned(), to("2000"))];
        assert_eq!(forwarding.sift(echo, at(1)), [("1002".to_owned(), to("2000"))]);
        assert!(forwarding.settled(at(2)).is_empty());
        // The second one comes back too; nobody has changed it since.
        let second = vec![("1001".to_owned(), Some(Forwards::default()))];
        assert!(forwarding.sift(second.clone(), at(2)).is_empty());
        assert_eq!(forwarding.settled(at(7)), second);
        assert!(forwarding.settled(at(8)).is_empty());
        // An administrator's change holds at once.
        let his = vec![("1001".to_owned(), to("3000"))];
        assert_eq!(forwarding.sift(his.clone(), at(9)), his);
    }
}
