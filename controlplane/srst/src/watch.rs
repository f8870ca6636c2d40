//! Whether the centre is there, as a gateway sees it. Clocks that are set do not matter: what is
//! measured never jumps.

use std::time::{Duration, Instant};

/// Without an answer for so long, the centre is away.
pub const AWAY_AFTER: Duration = Duration::from_secs(8);

/// What a gateway knows of its centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Centre {
    /// Nothing was heard of it since the start, and it is not yet long ago.
    Unknown,
    /// It answers, since then without interruption.
    Here {
        /// Since when.
        since: Instant,
    },
    /// It does not answer.
    Away {
        /// Since when: the last answer, or the start.
        since: Instant,
    },
}

/// Watches the centre.
#[derive(Clone, Debug)]
pub struct Watch {
    started: Instant,
    answered: Option<Instant>,
    /// The first answer of those that came without interruption.
    here_since: Option<Instant>,
}

impl Watch {
    /// Begins to watch.
    pub fn new(now: Instant) -> Self {
        Self { started: now, answered: None, here_since: None }
    }

    /// The centre has answered.
    pub fn handle_answer(&mut self, now: Instant) {
        let interrupted = self.answered.is_none_or(|last| now >= last + AWAY_AFTER);
        if interrupted || self.here_since.is_none() {
            self.here_since = Some(now);
        }
        self.answered = Some(now);
    }

    /// How it is now.
    pub fn centre(&self, now: Instant) -> Centre {
        match (self.answered, self.here_since) {
            (Some(last), Some(since)) if now < last + AWAY_AFTER => Centre::Here { since },
            (Some(last), _) => Centre::Away { since: last },
            (None, _) if now < self.started + AWAY_AFTER => Centre::Unknown,
            (None, _) => Centre::Away { since: self.started },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    // R: SRST-08
    #[test]
    fn a_centre_is_away_when_it_has_not_answered_for_a_while() {
        let start = Instant::now();
        let mut watch = Watch::new(start);
        assert_eq!(watch.centre(start + SECOND), Centre::Unknown);
        assert_eq!(watch.centre(start + AWAY_AFTER), Centre::Away { since: start });

        let first = start + 20 * SECOND;
        for second in 0..10 {
            watch.handle_answer(first + second * SECOND);
        }
        let last = first + 9 * SECOND;
        let here = Centre::Here { since: first };
        assert_eq!(watch.centre(last + AWAY_AFTER - SECOND), here);
        assert_eq!(watch.centre(last + AWAY_AFTER), Centre::Away { since: last });

        // One answer is not the centre of before.
        let back = last + AWAY_AFTER + SECOND;
        watch.handle_answer(back);
        assert_eq!(watch.centre(back), Centre::Here { since: back });
    }
}
