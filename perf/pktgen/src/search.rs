//! The fastest rate at which nothing is lost, found as RFC 2544 (§26.1) says: trial by trial, each
//! slower after loss and faster without, until the rate is known closely enough.
//!
//! Whoever has a [`Search`] does the trials.

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// Packets per second of the first trial: what the way could carry at most.
    pub most: f64,
    /// The search ends when the rate is known to this share of itself.
    pub resolution: f64,
    /// The share of packets that may be lost; RFC 2544 has 0.
    pub tolerated: f64,
}

/// How one trial went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// Packets per second that were wanted.
    pub wanted: f64,
    /// Packets per second that were really sent.
    pub offered: f64,
    /// Packets sent.
    pub sent: u64,
    /// Packets that arrived.
    pub received: u64,
}

/// The search as far as it has come.
#[derive(Clone, Debug)]
pub struct Search {
    goal: Goal,
    /// The fastest trial without loss.
    passed: f64,
    /// The slowest with loss, or what the generator makes.
    failed: f64,
    end: Option<End>,
    trials: Vec<Trial>,
}

/// Why a search is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The rate is known as closely as was wanted.
    Found,
    /// Nothing was lost at the most that was asked for.
    Most,
    /// Nothing was lost at the most that the generator made.
    Generator,
    /// Packets were lost at whatever rate.
    Nothing,
}

/// A generator that makes less than this share of what is wanted has come to its end.
const MADE: f64 = 0.95;

/// Rates below this share of the first one are not tried.
const LEAST: f64 = 1e-4;

impl Search {
    /// Nothing is known yet.
    pub fn new(goal: Goal) -> Self {
        Self { goal, passed: 0.0, failed: goal.most, end: None, trials: Vec::new() }
    }

    /// Packets per second of the next trial; `None` when the search is over.
    pub fn next_rate(&self) -> Option<f64> {
        match (self.end, self.trials.is_empty()) {
            (Some(_), _) => None,
            (None, true) => Some(self.goal.most),
            (None, false) => Some((self.passed + self.failed) / 2.0),
        }
    }

    /// Takes the outcome of the trial at [`Search::next_rate`].
    pub fn record(&mut self, trial: Trial) {
        let slow = trial.offered < MADE * trial.wanted;
        if trial.loss() > self.goal.tolerated {
            self.failed = self.failed.min(trial.offered);
        } else {
            self.passed = self.passed.max(trial.offered);
            if slow {
                self.end = Some(End::Generator);
            } else if trial.wanted >= self.goal.most {
                self.end = Some(End::Most);
            }
        }
        self.trials.push(trial);
        let known = self.failed - self.passed <= self.goal.resolution * self.failed;
        if self.end.is_none() && known {
            self.end = Some(End::Found);
        }
        if self.end.is_none() && self.failed < LEAST * self.goal.most {
            self.end = Some(End::Nothing);
        }
    }

    /// Packets per second that pass without loss, as far as is known.
    pub fn rate(&self) -> f64 {
        self.passed
    }

    /// Why the search is over, if it is.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Every trial so far, in order.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }
}

impl Trial {
    /// The share of packets that did not arrive.
    pub fn loss(&self) -> f64 {
        self.sent.saturating_sub(self.received) as f64 / self.sent.max(1) as f64
    }
}

impl End {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Most => "most-asked-for",
            Self::Generator => "most-generated",
            Self::Nothing => "loss-at-any-rate",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Something that carries so much and a generator that makes so much, for a second.
    fn trial(wanted: f64, capacity: f64, generator: f64) -> Trial {
        let offered = wanted.min(generator);
        let (sent, received) = (offered as u64, offered.min(capacity) as u64);
        Trial { wanted, offered, sent, received }
    }

    fn search(goal: Goal, capacity: f64, generator: f64) -> Search {
        let mut search = Search::new(goal);
        while let Some(rate) = search.next_rate() {
            search.record(trial(rate, capacity, generator));
            assert!(search.trials().len() < 100, "it does not end");
        }
        search
    }

    proptest! {
        #[test]
        fn the_capacity_is_found(capacity in 5e3..9e6, resolution in 0.001..0.1) {
            let goal = Goal { most: 10e6, resolution, tolerated: 0.0 };
            let found = search(goal, capacity, f64::INFINITY);
            prop_assert_eq!(found.end(), Some(End::Found));
            // A packet more in a second is not seen.
            prop_assert!(found.rate() <= capacity + 1.0);
            prop_assert!(found.rate() >= (capacity - 1.0) * (1.0 - resolution) - 1.0);
        }

        #[test]
        fn a_slow_generator_says_so(generator in 1e4..5e6) {
            let goal = Goal { most: 10e6, resolution: 0.01, tolerated: 0.0 };
            let found = search(goal, f64::INFINITY, generator);
            prop_assert_eq!(found.end(), Some(End::Generator));
            prop_assert!((found.rate() - generator).abs() < 1.0);
        }
    }

    #[test]
    fn ends_that_are_no_rate() {
        let goal = Goal { most: 1e6, resolution: 0.01, tolerated: 0.0 };
        let all = search(goal, 2e6, f64::INFINITY);
        assert_eq!((all.end(), all.rate(), all.trials().len()), (Some(End::Most), 1e6, 1));
        let none = search(goal, 0.0, f64::INFINITY);
        assert_eq!((none.end(), none.rate()), (Some(End::Nothing), 0.0));
    }

    #[test]
    fn a_little_loss_may_be_tolerated() {
        let goal = Goal { most: 1.05e6, resolution: 0.001, tolerated: 0.1 };
        assert_eq!(search(goal, 1e6, f64::INFINITY).end(), Some(End::Most));
    }
}
