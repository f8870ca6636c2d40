//! The melody for systems without a music file: “Sakura, sakura”, a Japanese song of the Edo period.

use std::f64::consts::TAU;

use speech::RATE;

/// Samples of half a beat.
const HALF_BEAT: usize = RATE * 3 / 8;

/// Notes in semitones above A3, and how many half beats they last.
const NOTES: &[(i32, usize)] = &[
    // Bars of eight half beats.
    (A, 2),
    (A, 2),
    (B, 4),
    (A, 2),
    (A, 2),
    (B, 4),
    (A, 2),
    (B, 2),
    (C, 2),
    (B, 2),
    (A, 2),
    (B, 1),
    (A, 1),
    (F, 4),
    (E, 2),
    (LOW_C, 2),
    (E, 2),
    (F, 2),
    (E, 2),
    (E, 1),
    (LOW_C, 1),
    (LOW_B, 4),
    (A, 2),
    (B, 2),
    (C, 2),
    (B, 2),
    (A, 2),
    (B, 1),
    (A, 1),
    (F, 4),
    (E, 2),
    (LOW_C, 2),
    (E, 2),
    (F, 2),
    (E, 2),
    (E, 1),
    (LOW_C, 1),
    (LOW_B, 4),
    (A, 2),
    (A, 2),
    (B, 4),
    (A, 2),
    (A, 2),
    (B, 4),
    (E, 2),
    (F, 2),
    (B, 1),
    (A, 1),
    (F, 2),
    (E, 6),
];

const LOW_B: i32 = 2;
const LOW_C: i32 = 3;
const E: i32 = 7;
const F: i32 = 8;
const A: i32 = 12;
const B: i32 = 14;
const C: i32 = 15;

/// Once through the melody; its end leads into its beginning.
pub(crate) fn melody() -> Vec<i16> {
    let len: usize = NOTES.iter().map(|(_, half_beats)| half_beats * HALF_BEAT).sum();
    let mut sound = vec![0.0; len];
    let mut begin = 0;
    for &(note, half_beats) in NOTES {
        let frequency = 220.0 * 2f64.powf(f64::from(note) / 12.0);
        // A string sounds on under the next note.
        for n in 0..2 * half_beats * HALF_BEAT {
            sound[(begin + n) % len] += pluck(frequency, n);
        }
        begin += half_beats * HALF_BEAT;
    }
    sound.into_iter().map(|sample| (sample * LOUDNESS).clamp(-32e3, 32e3) as i16).collect()
}

/// So that even three strings at once stay within the scale.
const LOUDNESS: f64 = 5000.0;

/// A plucked string: the higher a partial, the softer it is and the sooner it is gone.
fn pluck(frequency: f64, n: usize) -> f64 {
    let t = n as f64 / RATE as f64;
    let attack = (t * 200.0).min(1.0);
    let partial = |k: i32| {
        let k = f64::from(k);
        (-t * (0.5 + 0.5 * k)).exp() / k * (TAU * k * frequency * t).sin()
    };
    attack * (1..=4).map(partial).sum::<f64>()
}
