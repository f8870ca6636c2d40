use std::f64::consts::TAU;

use crate::RATE;

/// Samples in a syllable.
const SYLLABLE: usize = RATE / 8;

/// Speech-like audio: syllables of a changing pitch with formants, some hiss, and pauses. Different
/// seeds are different speakers, and no two moments of one are alike, so that audio cannot be
/// mistaken for another's or for itself at another time.
pub fn speak(seed: u64, seconds: usize) -> Vec<i16> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut samples = Vec::with_capacity(seconds * RATE);
    let mut phase = 0.0;
    while samples.len() < seconds * RATE {
        let pitch = random.between(90.0, 260.0);
        let glide = random.between(-0.3, 0.3);
        let formants = [random.between(300.0, 900.0), random.between(900.0, 2500.0)];
        let loudness =
            if random.between(0.0, 1.0) < 0.15 { 0.01 } else { random.between(0.4, 1.0) };
        for n in 0..SYLLABLE {
            let at = n as f64 / SYLLABLE as f64;
            let frequency = pitch * (1.0 + glide * at);
            phase = (phase + frequency / RATE as f64).fract();
            let tone: f64 = (1..=12)
                .map(|harmonic| f64::from(harmonic) * frequency)
                .take_while(|f| *f < 3400.0)
                .map(|f| resonance(f, formants) * (TAU * phase * (f / frequency)).sin())
                .sum();
            let envelope = (std::f64::consts::PI * at).sin() * loudness;
            let hiss = random.between(-0.02, 0.02);
            samples.push(((tone * envelope * 0.35 + hiss) * 12_000.0).clamp(-32e3, 32e3) as i16);
        }
    }
    samples.truncate(seconds * RATE);
    samples
}

/// How strongly a throat with these formants sounds at a frequency.
fn resonance(frequency: f64, formants: [f64; 2]) -> f64 {
    formants.map(|formant| 1.0 / (1.0 + ((frequency - formant) / 150.0).powi(2))).iter().sum()
}

/// xorshift64: the same audio on every run.
struct Random(u64);

impl Random {
    fn between(&mut self, low: f64, high: f64) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        low + (high - low) * (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}
