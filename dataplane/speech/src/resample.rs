//! Fewer samples a second: a windowed-sinc low-pass, one filter for each phase between the rates.

use std::f64::consts::PI;

use crate::RATE;

/// How far a filter reaches to each side, in samples of the result.
const REACH: f64 = 24.0;

/// Where the low-pass cuts, as a part of half the resulting rate.
const CUT: f64 = 0.95;

/// Telephone audio out of samples at `rate`, which is not below [`RATE`].
pub(crate) fn resample(samples: &[i16], rate: u32) -> Vec<i16> {
    let rate = rate as usize;
    if rate == RATE {
        return samples.to_vec();
    }
    let common = gcd(rate, RATE);
    let (step, phases) = (rate / common, RATE / common);
    let filters: Vec<Vec<f64>> =
        (0..phases).map(|phase| filter(phase as f64 / phases as f64, rate)).collect();
    let len = (samples.len() as u64 * phases as u64 / step as u64) as usize;
    let sample = |n: usize| {
        let at = n as u64 * step as u64;
        let filter = &filters[(at % phases as u64) as usize];
        // The filter's middle is at this sample or between it and the next.
        let first = (at / phases as u64) as i64 - (filter.len() / 2 - 1) as i64;
        let sum: f64 = filter
            .iter()
            .zip(first..)
            .filter_map(|(weight, at)| {
                Some(weight * f64::from(*samples.get(usize::try_from(at).ok()?)?))
            })
            .sum();
        sum.round().clamp(i16::MIN.into(), i16::MAX.into()) as i16
    };
    (0..len).map(sample).collect()
}

/// Weights of the samples around a place that lies `phase` of a sample after the middle one.
fn filter(phase: f64, rate: usize) -> Vec<f64> {
    let reach = REACH * rate as f64 / RATE as f64;
    let side = reach.ceil() as i64;
    let cut = CUT * RATE as f64 / rate as f64;
    let weight = |at: i64| {
        let distance = at as f64 - phase;
        let window =
            if distance.abs() < reach { 0.5 + 0.5 * (PI * distance / reach).cos() } else { 0.0 };
        window * sinc(cut * distance)
    };
    let weights: Vec<f64> = (1 - side..=side).map(weight).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
