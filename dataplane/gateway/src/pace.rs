//! How fast a call agent may command.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Instant;

/// A bucket for each call agent, filled at one pace. Nobody else gets one.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    buckets: HashMap<IpAddr, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    filled: Instant,
}

impl Pace {
    /// Whether `agent` may give one more command, of `per_second` and as many at once.
    pub(crate) fn admits(&mut self, now: Instant, agent: IpAddr, per_second: u32) -> bool {
        let most = f64::from(per_second);
        let bucket = self.buckets.entry(agent).or_insert(Bucket { left: most, filled: now });
        let elapsed = now.saturating_duration_since(bucket.filled).as_secs_f64();
        bucket.left = (bucket.left + elapsed * most).min(most);
        bucket.filled = now;
        let admitted = bucket.left >= 1.0;
        if admitted {
            bucket.left -= 1.0;
        }
        admitted
    }
}
