//! Forwards that users set here, and what comes back of them.
//!
//! A user's forward goes into the database and comes back from there with everything that others have
//! changed. What comes back first may be older than what he has done since: it waits until he has been
//! done for a while.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use callmanager::switchboard::Forwards;

/// So long after a user's change the database is believed again. Writing and reading take less.
const SETTLES: Duration = Duration::from_secs(5);

/// What is known of lines; `None` if a line is no more.
pub(super) type Lines = Vec<(String, Option<Forwards>)>;

#[derive(Default)]
pub(super) struct Forwarding {
    changed: HashMap<String, Instant>,
    waiting: HashMap<String, Option<Forwards>>,
}

impl Forwarding {
    /// A user has changed where calls to a number go.
    pub(super) fn changed(&mut self, number: &str, now: Instant) {
        self.changed.insert(number.to_owned(), now);
    }

    /// Of what the database says, what holds at once.
    pub(super) fn sift(&mut self, lines: Lines, now: Instant) -> Lines {
        self.changed.retain(|_, at| now.saturating_duration_since(*at) < SETTLES);
        let (fresh, settled): (Lines, Lines) =
            lines.into_iter().partition(|(number, _)| self.changed.contains_key(number));
        self.waiting.extend(fresh);
        settled
    }

    /// What has waited long enough.
    pub(super) fn settled(&mut self, now: Instant) -> Lines {
        if self.waiting.is_empty() {
            return Lines::new();
        }
        let waiting = self.waiting.drain().collect();
        self.sift(waiting, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(number: &str) -> Option<Forwards> {
        Some(Forwards { all: Some(number.to_owned()), ..Forwards::default() })
    }

    #[test]
    fn what_a_user_has_just_done_is_not_undone_by_its_echo() {
        let (mut forwarding, start) = (Forwarding::default(), Instant::now());
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
