//! Tones: made, and found in audio.

use std::f64::consts::TAU;

use crate::RATE;

/// `len` samples of a tone of so many Hertz, as loud as `amplitude` (up to 32767).
pub fn sine(frequency: f64, amplitude: f64, len: usize) -> Vec<i16> {
    sine_at(RATE as u32, frequency, amplitude, len)
}

/// The same at another rate.
pub fn sine_at(rate: u32, frequency: f64, amplitude: f64, len: usize) -> Vec<i16> {
    let step = TAU * frequency / f64::from(rate);
    (0..len).map(|n| (amplitude * (step * n as f64).sin()).round() as i16).collect()
}

/// The amplitude of one frequency in telephone audio, by Goertzel's algorithm. Frequencies are
/// discerned when they are a few times `RATE / samples.len()` apart.
pub fn level(samples: &[i16], frequency: f64) -> f64 {
    let omega = TAU * frequency / RATE as f64;
    let (mut last, mut before) = (0.0, 0.0);
    for (n, &sample) in samples.iter().enumerate() {
        // A Hann window, so that a loud tone does not drown a far one.
        let window = 1.0 - (TAU * n as f64 / samples.len() as f64).cos();
        let next = f64::from(sample) * window + 2.0 * omega.cos() * last - before;
        (before, last) = (last, next);
    }
    let power = last * last + before * before - 2.0 * omega.cos() * last * before;
    2.0 * power.max(0.0).sqrt() / samples.len().max(1) as f64
}

/// How loud audio is: the root of its mean square.
pub fn loudness(samples: &[i16]) -> f64 {
    let energy: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    (energy / samples.len().max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_found_at_its_level_beside_others() {
        let [a, b] = [(440.0, 8000.0), (660.0, 800.0)].map(|(f, level)| sine(f, level, RATE));
        let both: Vec<i16> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
        assert!((level(&both, 440.0) - 8000.0).abs() < 80.0);
        assert!((level(&both, 660.0) - 800.0).abs() < 20.0);
        assert!(level(&both, 550.0) < 8.0);
        assert!(level(&[], 440.0) == 0.0 && loudness(&[]) == 0.0);
        assert!((loudness(&a) - 8000.0 / 2f64.sqrt()).abs() < 10.0);
    }
}
