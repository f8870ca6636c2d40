//! What is played where speech is missing: the last cycle of the voice again, fading out.

/// What is remembered of what was played.
const HISTORY: usize = 256;

/// Cycles of a voice, in samples: 200 to 50 Hz.
const CYCLES: std::ops::RangeInclusive<usize> = 40..=160;

/// Over how many samples cycles are compared.
const COMPARED: usize = 80;

/// How long the voice is not softened, and until when it is gone.
const STEADY: usize = 80;
const GONE: usize = 480;

/// In how many samples what is missing turns into what is there.
const BLEND: usize = 32;

#[derive(Clone, Debug)]
pub(crate) struct Concealer {
    history: [i16; HISTORY],
    /// Where the next sample goes.
    at: usize,
    cycle: [i16; *CYCLES.end()],
    len: usize,
    /// How much was made up since the last real sample.
    made_up: usize,
    /// How many samples are left in which both are heard.
    blend: usize,
}

impl Concealer {
    pub(crate) fn new() -> Self {
        Self {
            history: [0; HISTORY],
            at: 0,
            cycle: [0; *CYCLES.end()],
            len: 1,
            made_up: 0,
            blend: 0,
        }
    }

    /// The next sample to play: the one that is there, or one that nearly nobody will notice.
    pub(crate) fn next(&mut self, sample: Option<i16>) -> i16 {
        let played = match sample {
            Some(sample) if self.blend == 0 => sample,
            Some(sample) => {
                let made_up = self.make_up();
                self.blend -= 1;
                let part = self.blend as i32;
                let sum = i32::from(sample) * (BLEND as i32 - part) + i32::from(made_up) * part;
                (sum / BLEND as i32) as i16
            }
            None => {
                if self.blend == 0 {
                    self.learn();
                }
                self.blend = BLEND;
                self.make_up()
            }
        };
        self.history[self.at] = played;
        self.at = (self.at + 1) % HISTORY;
        played
    }

    /// What comes next does not continue what came last.
    pub(crate) fn splice(&mut self) {
        self.learn();
        self.blend = BLEND;
    }

    fn make_up(&mut self) -> i16 {
        let sample = i32::from(self.cycle[self.made_up % self.len]);
        let left = GONE.saturating_sub(self.made_up.max(STEADY)) as i32;
        self.made_up = self.made_up.saturating_add(1);
        (sample * left / (GONE - STEADY) as i32) as i16
    }

    /// Finds the cycle of what was played last.
    fn learn(&mut self) {
        self.made_up = 0;
        let past: [i16; HISTORY] = std::array::from_fn(|n| self.history[(self.at + n) % HISTORY]);
        let recent = &past[HISTORY - COMPARED..];
        let likeness = |len: usize| {
            let before = &past[HISTORY - COMPARED - len..HISTORY - len];
            let (mut product, mut energy) = (0i64, 1i64);
            for (a, b) in recent.iter().zip(before) {
                product += i64::from(*a) * i64::from(*b);
                energy += i64::from(*b) * i64::from(*b);
            }
            product as f64 / (energy as f64).sqrt()
        };
        let best = CYCLES.map(|len| (likeness(len), len)).max_by(|a, b| a.0.total_cmp(&b.0));
        self.len = best.map_or(*CYCLES.end(), |(_, len)| len);
        self.cycle[..self.len].copy_from_slice(&past[HISTORY - self.len..]);
    }
}

#[cfg(test)]
mod tests {
    use speech::tone;

    use super::*;

    fn through(samples: &[i16], missing: std::ops::Range<usize>) -> Vec<i16> {
        let mut concealer = Concealer::new();
        let there = |(n, &sample)| (!missing.contains(&n)).then_some(sample);
        samples.iter().enumerate().map(|sample| concealer.next(there(sample))).collect()
    }

    #[test]
    fn a_lost_packet_of_a_steady_voice_is_hardly_heard() {
        let voice = tone::sine(125.0, 8000.0, 2000);
        let heard = through(&voice, 800..960);
        let error: Vec<i16> = voice.iter().zip(&heard).map(|(a, b)| a - b).collect();
        assert_eq!(heard[..800], voice[..800]);
        assert_eq!(heard[992..], voice[992..]);
        assert!(tone::loudness(&error[800..960]) < 0.2 * tone::loudness(&voice));
        // No click: no step is much larger than those of the voice itself.
        let step = |s: &[i16]| s.windows(2).map(|s| s[1].abs_diff(s[0])).max().unwrap();
        assert!(step(&heard) < 2 * step(&voice), "{}", step(&heard));
    }

    #[test]
    fn who_is_gone_falls_silent() {
        let voice = tone::sine(125.0, 8000.0, 2000);
        let heard = through(&voice, 800..2000);
        assert!(tone::loudness(&heard[800..900]) > 4000.0);
        assert!(heard[800 + GONE..].iter().all(|&sample| sample == 0));
    }
}
