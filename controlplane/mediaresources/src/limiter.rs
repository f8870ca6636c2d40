//! Loud voices together, without clipping.

use crate::{FRAME, Frame};

/// What several voices together may reach.
const CEILING: f32 = 30_000.0;

/// How far the gain comes back in a frame: from a half to one in about half a second.
const RECOVERY: f32 = 0.02;

/// Samples in which the gain changes.
const RAMP: usize = 16;

/// Turns the sum down while it is too loud, at once, and up again slowly.
#[derive(Clone, Debug)]
pub(crate) struct Limiter {
    gain: f32,
}

impl Limiter {
    pub(crate) fn new() -> Self {
        Self { gain: 1.0 }
    }

    /// Brings a sum of voices within the scale.
    pub(crate) fn limit(&mut self, sum: &[i32; FRAME]) -> Frame {
        let peak = sum.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0) as f32;
        let wanted = if peak > CEILING { CEILING / peak } else { 1.0 };
        let before = self.gain;
        self.gain = wanted.min(before + RECOVERY);
        let step = (self.gain - before) / RAMP as f32;
        std::array::from_fn(|n| {
            let gain = before + step * (n + 1).min(RAMP) as f32;
            // What peaks within the ramp is cut off: a moment, once.
            (sum[n] as f32 * gain).round() as i16
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_left_alone() {
        let sum = std::array::from_fn(|n| n as i32 * 180 - 14_000);
        assert_eq!(Limiter::new().limit(&sum).map(i32::from), sum);
    }

    #[test]
    fn what_is_too_loud_keeps_its_shape() {
        let mut limiter = Limiter::new();
        let sine = |n: usize| (100_000.0 * (n as f64 * 0.3).sin()) as i32;
        limiter.limit(&std::array::from_fn(sine));
        let sum: [i32; FRAME] = std::array::from_fn(|n| sine(n + FRAME));
        let limited = limiter.limit(&sum);
        for (out, sum) in limited.iter().zip(sum) {
            assert!((f64::from(*out) - f64::from(sum) * 0.3).abs() < 60.0, "{out} of {sum}");
        }
        // Quiet again: the gain comes back.
        let quiet = [1000; FRAME];
        assert!(limiter.limit(&quiet)[FRAME - 1] < 400);
        let later = (0..50).map(|_| limiter.limit(&quiet)).last();
        assert_eq!(later, Some([1000; FRAME]));
    }
}
