use std::fmt;

use crate::RATE;
use crate::tone::loudness;

/// Samples compared at a time: 50 ms, long enough to be unmistakable, short enough to find a gap.
const BLOCK: usize = RATE / 20;

/// Blocks correlate at least this much to count as the same. G.711 alone costs about 0.001.
const SAME: f64 = 0.98;

/// Root mean square under which a block is a pause, which looks like every other pause.
const QUIET: f64 = 150.0;

/// How well what was heard is what was said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// How much was said, in samples.
    pub said: usize,
    /// How much was heard.
    pub heard: usize,
    /// How much of what was heard was said, in this order.
    pub recognised: usize,
    /// The least correlation among the recognised blocks, 1 for the very same samples.
    pub correlation: f64,
}

impl Comparison {
    /// Whether the audio heard is the audio said: nearly everything said was heard, and nearly
    /// nothing else.
    pub fn is_same(&self) -> bool {
        self.recognised as f64 >= 0.95 * self.said as f64
            && self.recognised as f64 >= 0.95 * self.heard as f64
            && self.said > 0
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |samples: usize| samples as f64 / RATE as f64;
        write!(
            f,
            "{:.2} s heard of {:.2} s said, {:.2} s recognised, correlation at least {:.4}",
            seconds(self.heard),
            seconds(self.said),
            seconds(self.recognised),
            self.correlation
        )
    }
}

/// Looks for what was heard in what was said, block by block and in order. Gaps and delays are found
/// and cost what is missing; audio of somebody else, of another moment or repeated is not recognised.
pub fn compare(said: &[i16], heard: &[i16]) -> Comparison {
    let mut recognised = 0;
    let mut least = 1.0_f64;
    // Where in `said` the next block is expected; nowhere known before the first loud one.
    let mut expected: Option<usize> = None;
    // Where the last recognised block ends.
    let mut after = 0;
    // Pauses before the first recognised block or inside a gap count once they lead to one.
    for block in heard.chunks_exact(BLOCK) {
        let found = match expected {
            Some(at) if matches_at(said, at, block) => Some(at),
            _ => search(said, after, block),
        };
        match found {
            Some(at) => {
                recognised += BLOCK;
                if loudness(block) >= QUIET {
                    least = least.min(correlation(&said[at..at + BLOCK], block));
                }
                after = at + BLOCK;
                expected = Some(after);
            }
            None => expected = expected.map(|at| at + BLOCK),
        }
    }
    let correlation = if recognised == 0 { 0.0 } else { least };
    Comparison { said: said.len(), heard: heard.len(), recognised, correlation }
}

/// Whether `block` is what was said at `at`. A pause is the same as a pause.
fn matches_at(said: &[i16], at: usize, block: &[i16]) -> bool {
    let Some(there) = said.get(at..at + BLOCK) else { return false };
    match (loudness(there) < QUIET, loudness(block) < QUIET) {
        (true, true) => true,
        (false, false) => correlation(there, block) >= SAME,
        _ => false,
    }
}

/// The place from `start` on where a loud block was said.
fn search(said: &[i16], start: usize, block: &[i16]) -> Option<usize> {
    if loudness(block) < QUIET {
        return None;
    }
    let last = said.len().checked_sub(BLOCK)?;
    (start..=last).find(|at| correlation(&said[*at..*at + BLOCK], block) >= SAME)
}

/// Normalised: 1 for the same shape, whatever the volume.
fn correlation(a: &[i16], b: &[i16]) -> f64 {
    let (mut ab, mut aa, mut bb) = (0i64, 0i64, 0i64);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (i64::from(*a), i64::from(*b));
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    if aa == 0 || bb == 0 { 0.0 } else { ab as f64 / ((aa as f64).sqrt() * (bb as f64).sqrt()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speak;

    const SECONDS: usize = 3;

    /// What G.711 leaves of a sample, nearly: the upper bits of its magnitude.
    fn coded(samples: &[i16]) -> Vec<i16> {
        let coarse = |sample: &i16| {
            let magnitude = i32::from(sample.unsigned_abs()) + 132;
            let step = 1 << (magnitude.ilog2().max(7) - 4);
            let kept = (magnitude / step) * step + step / 2 - 132;
            (kept * i32::from(sample.signum())) as i16
        };
        samples.iter().map(coarse).collect()
    }

    #[test]
    fn the_same_audio_is_recognised_through_a_codec_and_a_delay() {
        let said = speak(1, SECONDS);
        let comparison = compare(&said, &said);
        assert!(comparison.is_same() && comparison.correlation > 0.9999, "{comparison}");
        let comparison = compare(&said, &coded(&said));
        assert!(comparison.is_same() && comparison.correlation < 0.9999, "{comparison}");
        // The first packet was lost and the blocks no longer line up.
        let comparison = compare(&said, &coded(&said[160..]));
        assert!(comparison.is_same(), "{comparison}");
    }

    #[test]
    fn wrong_audio_is_not_recognised() {
        let said = speak(1, SECONDS);
        let backwards: Vec<_> = said.iter().rev().copied().collect();
        let tone: Vec<_> =
            (0..said.len()).map(|n| ((n as f64 * 0.35).sin() * 9000.0) as i16).collect();
        let mut state = 1u32;
        let noise: Vec<_> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as i16
        })
        .take(said.len())
        .collect();
        let wrong = [
            ("another speaker", speak(2, SECONDS)),
            ("backwards", backwards),
            ("a tone", tone),
            ("noise, as from a wrong key", noise),
            ("silence", vec![0; said.len()]),
            ("nothing", Vec::new()),
        ];
        for (what, heard) in wrong {
            let comparison = compare(&said, &heard);
            assert!(!comparison.is_same(), "{what}: {comparison}");
            assert!(comparison.recognised < said.len() / 4, "{what}: {comparison}");
        }
    }

    #[test]
    fn a_gap_costs_what_is_missing() {
        let said = speak(3, SECONDS);
        let fifth = said.len() / 5;
        let heard = [&said[..fifth], &said[2 * fifth..]].concat();
        let comparison = compare(&said, &heard);
        assert!(!comparison.is_same(), "{comparison}");
        assert!(comparison.recognised >= 3 * fifth, "{comparison}");
        let small = [&said[..fifth], &said[fifth + 160..]].concat();
        assert!(compare(&said, &small).is_same(), "one lost packet is no other audio");
    }

    #[test]
    fn what_comes_later_than_it_began_is_recognised() {
        let said = speak(3, SECONDS);
        let fifth = said.len() / 5;
        let late = [&said[..fifth], &[0; 2 * BLOCK], &said[fifth..]].concat();
        let comparison = compare(&said, &late);
        assert!(comparison.recognised >= said.len() - 4 * BLOCK, "{comparison}");
    }

    #[test]
    fn repeated_audio_is_not_recognised_twice() {
        let said = speak(4, SECONDS);
        let heard = [&said[..], &said[..]].concat();
        let comparison = compare(&said, &heard);
        assert!(comparison.recognised <= said.len() && !comparison.is_same(), "{comparison}");
    }
}
