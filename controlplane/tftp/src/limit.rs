//! How much one source may ask.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// A token bucket: `burst` requests at once, `per_second` on and on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimit {
    /// Requests a second in the long run.
    pub per_second: f64,
    /// Requests at once.
    pub burst: f64,
}

/// Counts requests against their sources: an IPv4 address, or an IPv6 /64.
///
/// Memory is bounded: sources beyond the table's size share one bucket until others fell silent.
#[derive(Debug)]
pub struct SourceLimiter {
    limit: RateLimit,
    capacity: usize,
    buckets: HashMap<IpAddr, Bucket>,
    overflow: Bucket,
    sweep_at: Option<Instant>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    /// `None` until the first request: then it is full.
    filled: Option<(f64, Instant)>,
}

impl SourceLimiter {
    /// A limiter that keeps at most `capacity` sources apart.
    pub fn new(limit: RateLimit, capacity: usize) -> Self {
        let (buckets, overflow) = (HashMap::new(), Bucket::default());
        Self { limit, capacity, buckets, overflow, sweep_at: None }
    }

    /// True if `source` may ask once more now.
    pub fn allow(&mut self, now: Instant, source: IpAddr) -> bool {
        let source = network(source);
        let limit = self.limit;
        if let Some(bucket) = self.buckets.get_mut(&source) {
            return bucket.take(now, limit);
        }
        if self.buckets.len() >= self.capacity {
            self.sweep(now);
        }
        if self.buckets.len() >= self.capacity {
            return self.overflow.take(now, limit);
        }
        self.buckets.entry(source).or_default().take(now, limit)
    }

    /// Forgets who has been silent long enough for a full bucket; at most once a second.
    fn sweep(&mut self, now: Instant) {
        if self.sweep_at.is_some_and(|at| now < at) {
            return;
        }
        self.sweep_at = Some(now + Duration::from_secs(1));
        let limit = self.limit;
        self.buckets.retain(|_, bucket| bucket.level(now, limit) < limit.burst);
    }
}

impl Bucket {
    fn level(&self, now: Instant, limit: RateLimit) -> f64 {
        self.filled.map_or(limit.burst, |(level, at)| {
            let refill = now.saturating_duration_since(at).as_secs_f64() * limit.per_second;
            (level + refill).min(limit.burst)
        })
    }

    fn take(&mut self, now: Instant, limit: RateLimit) -> bool {
        let level = self.level(now, limit);
        let allowed = level >= 1.0;
        self.filled = Some((if allowed { level - 1.0 } else { level }, now));
        allowed
    }
}

fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => {
            let prefix = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(prefix))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: RateLimit = RateLimit { per_second: 2.0, burst: 3.0 };

    fn allowed(limiter: &mut SourceLimiter, now: Instant, source: &str, tries: usize) -> usize {
        let source = source.parse().unwrap();
        (0..tries).filter(|_| limiter.allow(now, source)).count()
    }

    #[test]
    fn a_burst_then_a_rate() {
        let (mut limiter, start) = (SourceLimiter::new(LIMIT, 10), Instant::now());
        assert_eq!(allowed(&mut limiter, start, "192.0.2.1", 9), 3);
        assert_eq!(allowed(&mut limiter, start, "192.0.2.2", 9), 3);
        let later = start + Duration::from_secs(1);
        assert_eq!(allowed(&mut limiter, later, "192.0.2.1", 9), 2);
        let much_later = later + Duration::from_secs(60);
        assert_eq!(allowed(&mut limiter, much_later, "192.0.2.1", 9), 3);
    }

    #[test]
    fn one_ipv6_network_is_one_source() {
        let (mut limiter, now) = (SourceLimiter::new(LIMIT, 10), Instant::now());
        assert_eq!(allowed(&mut limiter, now, "2001:db8::1", 2), 2);
        assert_eq!(allowed(&mut limiter, now, "2001:db8::2", 9), 1);
        assert_eq!(allowed(&mut limiter, now, "2001:db8:0:1::1", 9), 3);
    }

    #[test]
    fn a_flood_of_sources_shares_one_bucket() {
        let (mut limiter, now) = (SourceLimiter::new(LIMIT, 2), Instant::now());
        allowed(&mut limiter, now, "192.0.2.1", 1);
        allowed(&mut limiter, now, "192.0.2.2", 1);
        let flood = (3..200u8).filter(|&host| limiter.allow(now, [192, 0, 2, host].into()));
        assert_eq!(flood.count(), 3);
        assert_eq!(limiter.buckets.len(), 2);
        // those it knew keep their own
        assert_eq!(allowed(&mut limiter, now, "192.0.2.1", 9), 2);
        // and when they were silent, others take their places
        let later = now + Duration::from_secs(5);
        assert_eq!(allowed(&mut limiter, later, "192.0.2.9", 9), 3);
    }
}
