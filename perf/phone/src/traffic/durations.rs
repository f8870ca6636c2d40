//! How long things took.

use std::time::Duration;

use serde_json::{Value, json};

/// Many durations, of which percentiles are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations(Vec<Duration>);

impl Durations {
    /// One more.
    pub fn push(&mut self, duration: Duration) {
        self.0.push(duration);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The least that `share` of them (0 to 1) do not exceed; zero if there are none.
    pub fn percentile(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (share.clamp(0.0, 1.0) * sorted.len() as f64).ceil() as usize;
        sorted.get(place.max(1) - 1).copied().unwrap_or_default()
    }

    /// Percentiles in milliseconds.
    pub fn to_json(&self) -> Value {
        let ms = |share| (self.percentile(share).as_secs_f64() * 1e6).round() / 1e3;
        json!({ "p50": ms(0.5), "p90": ms(0.9), "p99": ms(0.99), "max": ms(1.0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_among_what_was_measured() {
        let mut durations = Durations::default();
        assert_eq!(durations.percentile(0.5), Duration::ZERO);
        for ms in (1..=200).rev() {
            durations.push(Duration::from_millis(ms));
        }
        for (share, ms) in [(0.0, 1), (0.5, 100), (0.99, 198), (1.0, 200)] {
            assert_eq!(durations.percentile(share), Duration::from_millis(ms), "{share}");
        }
        assert_eq!(durations.len(), 200);
    }
}
