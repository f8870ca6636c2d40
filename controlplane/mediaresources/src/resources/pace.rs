//! When what is played. Twenty milliseconds are divided into slots, so that not all packets of a
//! machine leave at once; every time is reckoned from the beginning, so that nothing adds up.

use std::time::{Duration, Instant};

/// Slots of a packet's time.
pub(super) const SLOTS: usize = 4;

/// How far apart they are.
const SLOT: Duration = Duration::from_millis(20 / SLOTS as u64);

/// What is overdue by this much is left out.
const OVERDUE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Pace {
    began: Instant,
    /// Slots that have passed.
    passed: u64,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { began: now, passed: 0 }
    }

    /// When there is something to do next, for slots of this load.
    pub(super) fn due(&self, load: &[usize; SLOTS]) -> Option<Instant> {
        let passed = (self.passed..).take(SLOTS).find(|n| load[slot(*n)] > 0)?;
        Some(self.at(passed))
    }

    /// The next slot of this load that is due.
    pub(super) fn next(&mut self, now: Instant, load: &[usize; SLOTS]) -> Option<usize> {
        while self.at(self.passed) <= now {
            let slot = slot(self.passed);
            self.passed += 1;
            if load[slot] > 0 {
                return Some(slot);
            }
        }
        None
    }

    /// Leaves out what is overdue. Gives how many packets of each stream those are.
    pub(super) fn skip(&mut self, now: Instant) -> u32 {
        let behind = now.saturating_duration_since(self.at(self.passed));
        if behind < OVERDUE {
            return 0;
        }
        let packets = behind.as_millis() / (SLOT * SLOTS as u32).as_millis();
        self.passed += packets as u64 * SLOTS as u64;
        packets as u32
    }

    fn at(&self, passed: u64) -> Instant {
        self.began + Duration::from_millis(passed * SLOT.as_millis() as u64)
    }
}

fn slot(passed: u64) -> usize {
    (passed % SLOTS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_adds_up_and_nothing_is_sent_in_a_burst() {
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        let mut pace = Pace::new(began);
        let load = [1, 0, 0, 2];
        assert_eq!(pace.next(at(0), &load), Some(0));
        assert_eq!(pace.due(&load), Some(at(15)));
        assert_eq!(pace.next(at(14), &load), None);
        // A little late: both are sent, and the next is due when it was.
        assert_eq!(pace.next(at(23), &load), Some(3));
        assert_eq!(pace.next(at(23), &load), Some(0));
        assert_eq!(pace.next(at(23), &load), None);
        assert_eq!((pace.skip(at(23)), pace.due(&load)), (0, Some(at(35))));
        // An hour's sleep.
        assert_eq!(pace.skip(at(3_600_030)), 180_000);
        assert_eq!(pace.due(&load), Some(at(3_600_035)));
    }
}
