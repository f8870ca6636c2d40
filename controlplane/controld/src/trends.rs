//! Phones and calls over the last day, kept in memory: a sample a minute.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use console::{SampleView, TelephonyView};

/// How far samples are from each other.
const STEP: Duration = Duration::from_secs(60);
/// Samples of a day.
const MOST: usize = 24 * 60;

/// The samples.
#[derive(Debug, Default)]
pub struct Trends(Mutex<VecDeque<(SystemTime, TelephonyView)>>);

impl Trends {
    /// Takes a sample, if it is time for one.
    pub fn note(&self, now: SystemTime, look: impl FnOnce() -> Option<TelephonyView>) {
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back begins anew.
        samples.retain(|(at, _)| *at <= now);
        let is_due = samples.back().is_none_or(|(at, _)| *at + STEP <= now);
        let Some(counts) = is_due.then(look).flatten() else { return };
        samples.push_back((now, counts));
        if samples.len() > MOST {
            samples.pop_front();
        }
    }

    /// All of them, oldest first.
    pub fn samples(&self) -> Vec<SampleView> {
        let samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let view = |(at, counts): &(SystemTime, TelephonyView)| SampleView {
            at: humantime::format_rfc3339_seconds(*at).to_string(),
            phones_registered: counts.phones_registered,
            calls_active: counts.calls_active,
        };
        samples.iter().map(view).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_kept_a_sample_a_minute() {
        let trends = Trends::default();
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        for second in 0..24 * 3600 + 300 {
            trends.note(at(second), || Some(TelephonyView::default()));
        }
        let samples = trends.samples();
        assert_eq!(samples.len(), MOST);
        assert_eq!(samples[0].at, "1970-01-01T00:05:00Z");
        assert_eq!(samples[1].at, "1970-01-01T00:06:00Z");
        trends.note(at(3600), || Some(TelephonyView::default()));
        let again = trends.samples();
        assert_eq!(again.last().unwrap().at, "1970-01-01T01:00:00Z", "the clock was set back");
        trends.note(at(7200), || None);
        assert_eq!(trends.samples().len(), again.len(), "call processing does not run");
    }
}
