//! Two kinds of time.

use std::time::{Duration, Instant, SystemTime};

/// A moment: by the clock that only runs forward, for timers, and by the calendar, for validity
/// of certificates, deadlines of operations and locks that outlive a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// For timers.
    pub instant: Instant,
    /// For dates.
    pub wall: SystemTime,
}

impl Now {
    /// This moment later.
    pub fn after(self, passed: Duration) -> Self {
        Self { instant: self.instant + passed, wall: self.wall + passed }
    }
}
