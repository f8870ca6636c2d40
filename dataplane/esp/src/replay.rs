//! Which packets have come already (RFC 4303 §3.4.3), and the half of an extended sequence number
//! that does not travel (appendix A2).

use crate::DropReason;

/// Packets a replay window has at least.
pub const MIN_WINDOW: u16 = 64;
/// Packets a replay window has at most.
pub const MAX_WINDOW: u16 = 4096;

/// The numbers that have come, back to a window's width before the highest one.
///
/// A ring of words, one more than the window is wide, so that the window never reaches into the
/// word that is being filled anew (RFC 6479).
#[derive(Clone, Debug)]
pub(crate) struct Window {
    words: Box<[u64]>,
    highest: u64,
}

impl Window {
    /// An empty window of `packets`, a multiple of 64.
    pub(crate) fn new(packets: u16) -> Self {
        Self { words: vec![0; usize::from(packets) / 64 + 1].into(), highest: 0 }
    }

    /// The highest number that has come; 0 when none has.
    pub(crate) fn highest(&self) -> u64 {
        self.highest
    }

    fn packets(&self) -> u64 {
        (self.words.len() as u64 - 1) * 64
    }

    /// The number of a packet whose low half is `low`, if it lies within the window or ahead of it
    /// by less than 2^32. None if it would lie before the association's start.
    pub(crate) fn infer(&self, low: u32) -> Option<u64> {
        let (high, top) = (self.highest >> 32, self.highest as u32);
        let bottom = top.wrapping_sub(self.packets() as u32 - 1);
        let within_one_block = u64::from(top) >= self.packets() - 1;
        let high = match (within_one_block, low >= bottom) {
            (true, true) | (false, false) => high,
            (true, false) => high + 1,
            (false, true) => high.checked_sub(1)?,
        };
        Some(high << 32 | u64::from(low))
    }

    /// Refuses a number that has come, or that may have. Changes nothing.
    #[inline]
    pub(crate) fn check(&self, number: u64) -> Result<(), DropReason> {
        if number == 0 || number + self.packets() <= self.highest {
            return Err(DropReason::TooOld);
        }
        if number <= self.highest && self.words[self.word(number)] >> (number % 64) & 1 == 1 {
            return Err(DropReason::Replayed);
        }
        Ok(())
    }

    /// Marks a number that [`Window::check`] lets pass; its packet is authentic.
    #[inline]
    pub(crate) fn commit(&mut self, number: u64) {
        if number > self.highest {
            let words = number / 64 - self.highest / 64;
            let first = self.highest / 64 + 1;
            for word in first..first + words.min(self.words.len() as u64) {
                let at = (word % self.words.len() as u64) as usize;
                self.words[at] = 0;
            }
            self.highest = number;
        }
        let at = self.word(number);
        self.words[at] |= 1 << (number % 64);
    }

    fn word(&self, number: u64) -> usize {
        (number / 64 % self.words.len() as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn at(packets: u16, highest: u64) -> Window {
        let mut window = Window::new(packets);
        window.commit(highest);
        window
    }

    #[test]
    fn the_unsent_half_is_inferred() {
        let cases = [
            (0x1_0000_0005, 0xffff_fff0, Some(0)),
            (0x1_0000_0005, 0x0000_0006, Some(1)),
            (0x0_ffff_fffe, 0xffff_ffc0, Some(0)),
            (0x0_ffff_fffe, 0x0000_0003, Some(1)),
            (0x2_0000_0040, 0x0000_0001, Some(2)),
            (0x2_0000_0040, 0x0000_0000, Some(3)),
            (0x0_0000_0005, 0xffff_ffff, None),
        ];
        for (highest, low, high) in cases {
            let expected = high.map(|high: u64| high << 32 | u64::from(low));
            assert_eq!(at(64, highest).infer(low), expected, "{highest:x} {low:x}");
        }
    }

    proptest! {
        #[test]
        fn numbers_in_and_ahead_of_the_window_are_inferred(
            highest in 4096u64..1 << 40,
            packets in (1u16..=64).prop_map(|words| words * 64),
            ahead in 0u64..1 << 20,
            behind in 0u64..4096,
        ) {
            let window = at(packets, highest);
            for number in [highest + ahead, highest - behind % u64::from(packets)] {
                prop_assert_eq!(window.infer(number as u32), Some(number));
            }
        }

        /// Agrees with a set of everything that ever came.
        #[test]
        fn a_window_is_a_set(
            packets in (1u16..=64).prop_map(|words| words * 64),
            start in prop_oneof![Just(1u64), Just((1 << 32) - 500)],
            steps in proptest::collection::vec((0u64..3, 0u64..5000, any::<bool>()), 1..400),
        ) {
            let mut window = Window::new(packets);
            let (mut seen, mut highest) = (HashSet::new(), 0);
            let mut number = start;
            for (small, large, jump) in steps {
                number += if jump { large } else { small };
                for candidate in [number, number.saturating_sub(large), highest] {
                    let expected = if candidate == 0 || candidate + u64::from(packets) <= highest {
                        Err(DropReason::TooOld)
                    } else if seen.contains(&candidate) {
                        Err(DropReason::Replayed)
                    } else {
                        Ok(())
                    };
                    prop_assert_eq!(window.check(candidate), expected, "{} of {}", candidate, highest);
                    if expected.is_ok() {
                        window.commit(candidate);
                        seen.insert(candidate);
                        highest = highest.max(candidate);
                    }
                }
            }
            prop_assert_eq!(window.highest(), highest);
        }
    }
}
