//! What was heard: all of it up to a limit, in the order in which it was said, and the last second.

use speech::RATE;

/// Silence that a gap may leave; a longer one is another piece of speech.
const LONGEST_GAP: i64 = 10 * RATE as i64;

/// How much the ear remembers.
const REMEMBERED: usize = RATE;

/// Audio by its timestamps.
#[derive(Debug, Default)]
pub(super) struct Recording {
    samples: Vec<i16>,
    limit: usize,
    /// A timestamp, and where its sample is.
    origin: Option<(u32, usize)>,
}

impl Recording {
    /// One of at most so many samples.
    pub(super) fn new(limit: usize) -> Self {
        Self { samples: Vec::new(), limit, origin: None }
    }

    /// Writes down what was said at `timestamp` of a clock with `clock_rate` ticks a second.
    pub(super) fn write(&mut self, timestamp: u32, clock_rate: u32, samples: &[i16]) {
        let at = self.place(timestamp, clock_rate);
        let end = (at + samples.len()).min(self.limit);
        if at >= end {
            return;
        }
        if self.samples.len() < end {
            self.samples.resize(end, 0);
        }
        self.samples[at..end].copy_from_slice(&samples[..end - at]);
    }

    /// What comes next is another piece of speech, with timestamps of its own.
    pub(super) fn restart(&mut self) {
        self.origin = None;
    }

    pub(super) fn samples(&self) -> &[i16] {
        &self.samples
    }

    fn place(&mut self, timestamp: u32, clock_rate: u32) -> usize {
        let len = self.samples.len();
        if let Some((origin, at)) = self.origin {
            let ticks = i64::from(timestamp.wrapping_sub(origin) as i32);
            let place = at as i64 + ticks * RATE as i64 / i64::from(clock_rate);
            if (0..=len as i64 + LONGEST_GAP).contains(&place) {
                return place as usize;
            }
        }
        self.origin = Some((timestamp, len));
        len
    }
}

/// The last second, as it came.
#[derive(Debug, Default)]
pub(super) struct Ear {
    samples: Vec<i16>,
    /// Where the next sample goes, once the second is full.
    next: usize,
}

impl Ear {
    pub(super) fn hear(&mut self, samples: &[i16]) {
        for &sample in samples {
            if self.samples.len() < REMEMBERED {
                self.samples.push(sample);
            } else {
                self.samples[self.next] = sample;
                self.next = (self.next + 1) % REMEMBERED;
            }
        }
    }

    /// The last second, oldest first.
    pub(super) fn remembered(&self) -> Vec<i16> {
        let (newer, older) = self.samples.split_at(self.next);
        [older, newer].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_its_place_whenever_it_comes() {
        let mut recording = Recording::new(100);
        recording.write(u32::MAX - 1, 8000, &[1, 2]);
        recording.write(4, 8000, &[7, 8]);
        recording.write(0, 8000, &[3, 4]);
        assert_eq!(recording.samples(), [1, 2, 3, 4, 0, 0, 7, 8]);
        recording.restart();
        recording.write(99_999, 16_000, &[9]);
        recording.write(100_003, 16_000, &[10]);
        assert_eq!(recording.samples()[8..], [9, 0, 10]);
        // Timestamps that jump leave no gap of hours.
        recording.write(3_000_000_000, 16_000, &[11]);
        assert_eq!(recording.samples()[10..], [10, 11]);
        recording.write(3_000_000_002, 16_000, &[5; 200]);
        assert_eq!(recording.samples().len(), 100);
    }

    #[test]
    fn the_ear_remembers_a_second() {
        let mut ear = Ear::default();
        ear.hear(&[1, 2, 3]);
        assert_eq!(ear.remembered(), [1, 2, 3]);
        ear.hear(&[4; RATE - 1]);
        let remembered = ear.remembered();
        assert_eq!((remembered.len(), &remembered[..2]), (RATE, &[3, 4][..]));
    }
}
