use abi::lab::{LATENCY_BUCKETS, latency_bucket, latency_floor};

/// How long packets took: a histogram, eight steps to each doubling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latencies {
    counts: Vec<u64>,
}

impl Latencies {
    pub(crate) fn new(counts: Vec<u64>) -> Self {
        Self { counts }
    }

    /// One packet more, in nanoseconds.
    pub(crate) fn record(&mut self, latency: u64) {
        self.counts.resize(LATENCY_BUCKETS as usize, 0);
        self.counts[latency_bucket(latency) as usize] += 1;
    }

    /// How many packets were timed.
    pub fn samples(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The time in nanoseconds within which `share` of the packets came, up to an eighth too small.
    /// `None` without samples.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let rank = (self.samples() as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        let bucket = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(latency_floor(bucket as u32))
    }

    /// What has come since `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        let before = earlier.counts.iter().chain(std::iter::repeat(&0));
        Self { counts: self.counts.iter().zip(before).map(|(now, before)| now - before).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_an_eighth() {
        let mut latencies = Latencies::default();
        for ns in 1..=1000 {
            latencies.record(ns * 10);
        }
        for (share, exact) in [(0.0, 10), (0.5, 5000), (0.99, 9900), (1.0, 10_000)] {
            let found = latencies.quantile(share).unwrap();
            assert!(found <= exact && exact - found <= exact / 8, "{share}: {found}");
        }
        assert_eq!(latencies.since(&latencies).quantile(0.5), None);
    }
}
