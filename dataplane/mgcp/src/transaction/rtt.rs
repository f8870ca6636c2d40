//! How long a peer takes to answer, and the resend timers that follow from it (RFC 3435 §4.3).

use std::time::Duration;

use rand::Rng;

use super::Config;

/// `AAD` and `ADEV` of one peer. Fed only with transactions that were sent once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Estimator {
    delay: Duration,
    deviation: Duration,
}

impl Estimator {
    pub(super) fn of(sample: Duration) -> Self {
        Self { delay: sample, deviation: sample / 2 }
    }

    pub(super) fn update(&mut self, sample: Duration) {
        let error = sample.abs_diff(self.delay);
        self.delay = match sample > self.delay {
            true => self.delay + error / 8,
            false => self.delay - error / 8,
        };
        self.deviation = match error > self.deviation {
            true => self.deviation + (error - self.deviation) / 4,
            false => self.deviation - (self.deviation - error) / 4,
        };
    }
}

/// The timers of one transaction at one address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    t_delay: Duration,
    margin: Duration,
}

impl Backoff {
    pub(super) fn new(estimator: Option<Estimator>, config: &Config) -> Self {
        match estimator {
            Some(e) => Self { t_delay: e.delay, margin: e.deviation * 4 },
            None => Self { t_delay: config.initial_rto, margin: Duration::ZERO },
        }
    }

    /// Time to the first resend.
    pub(super) fn first(&self, config: &Config) -> Duration {
        (self.t_delay + self.margin).clamp(config.rto_min, config.rto_max)
    }

    /// Time to the resend after this one.
    pub(super) fn next(&mut self, config: &Config, rng: &mut impl Rng) -> Duration {
        self.t_delay = (self.t_delay * 2).min(config.rto_max * 2);
        let spread = self.t_delay.mul_f64(rng.random_range(0.5..1.0));
        (spread + self.margin).clamp(config.rto_min, config.rto_max)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn estimates_settle_on_a_steady_peer() {
        let mut estimator = Estimator::of(800 * MS);
        (0..100).for_each(|_| estimator.update(40 * MS));
        assert!((40 * MS..42 * MS).contains(&estimator.delay), "{estimator:?}");
        assert!(estimator.deviation < 2 * MS, "{estimator:?}");
        estimator.update(200 * MS);
        assert!(estimator.deviation > 35 * MS, "a late answer widens the margin: {estimator:?}");
    }

    #[test]
    fn timers_double_up_to_their_limit() {
        let config = Config::default();
        let mut backoff = Backoff::new(None, &config);
        let mut rng = SmallRng::seed_from_u64(1);
        assert_eq!(backoff.first(&config), 500 * MS);
        for step in 1..10 {
            let timer = backoff.next(&config, &mut rng);
            let doubled = 500 * MS * (1 << step);
            assert!(timer <= config.rto_max && timer >= (doubled / 2).min(config.rto_max));
            assert!(timer <= doubled);
        }
    }
}
