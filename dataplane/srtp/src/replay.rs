//! Which packet indices have been seen, RFC 3711 §3.3.2.
//!
//! The narrow window of 128 packets is two words inside the context. Wider ones are rings of
//! 4,096 bits beside it.

use crate::error::Error;

/// How an index stands to the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    Fresh,
    Replayed,
    TooOld,
}

impl Age {
    /// Refuses what has been seen, or may have been.
    #[inline(always)]
    pub(crate) fn verdict(self) -> Result<(), Error> {
        match self {
            Self::Fresh => Ok(()),
            Self::Replayed => Err(Error::Replayed),
            Self::TooOld => Err(Error::TooOld),
        }
    }
}

/// The last 128 indices: bit 0 is the highest one seen, bit `n` the one `n` before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Narrow([u64; 2]);

impl Narrow {
    const BITS: u64 = 128;

    /// Not a window, but the place of a wide one.
    pub(crate) fn pointing_to(target: usize) -> Self {
        Self([target as u64, 0])
    }

    pub(crate) fn target(self) -> usize {
        self.0[0] as usize
    }

    fn bits(self) -> u128 {
        u128::from(self.0[0]) | u128::from(self.0[1]) << 64
    }

    fn store(&mut self, bits: u128) {
        self.0 = [bits as u64, (bits >> 64) as u64];
    }

    #[inline(always)]
    pub(crate) fn age(self, highest: u64, index: u64) -> Age {
        if index > highest {
            return Age::Fresh;
        }
        let behind = highest - index;
        if behind >= Self::BITS {
            Age::TooOld
        } else if self.bits() >> behind & 1 == 1 {
            Age::Replayed
        } else {
            Age::Fresh
        }
    }

    /// Marks an index if it is fresh; `highest` is the one before it came.
    #[inline(always)]
    pub(crate) fn take(&mut self, highest: u64, index: u64) -> Age {
        let age = self.age(highest, index);
        if age == Age::Fresh {
            self.mark(highest, index);
        }
        age
    }

    #[inline(always)]
    fn mark(&mut self, highest: u64, index: u64) {
        let bits = self.bits();
        if index > highest {
            let shift = index - highest;
            self.store(if shift < Self::BITS { bits << shift | 1 } else { 1 });
        } else {
            self.store(bits | 1 << (highest - index));
        }
    }
}

/// The last up to 4,096 indices: index `i` is bit `i mod 4096`.
#[derive(Clone)]
pub(crate) struct Wide {
    bits: [u64; 64],
    packets: u16,
}

impl Wide {
    const BITS: u64 = 4096;

    /// The window that ends at `highest`, where `seen` says it of the index so many before.
    pub(crate) fn build(highest: u64, packets: u16, seen: impl Fn(u64) -> bool) -> Self {
        let mut wide = Self { bits: [0; 64], packets };
        for behind in (0..u64::from(packets).min(highest + 1)).filter(|&n| seen(n)) {
            wide.set(highest - behind);
        }
        wide
    }

    /// A window whose first and only packet was `index`.
    pub(crate) fn starting_at(index: u64, packets: u16) -> Self {
        Self::build(index, packets, |behind| behind == 0)
    }

    /// The same window in the general form.
    pub(crate) fn from_narrow(narrow: Narrow, highest: u64) -> Self {
        Self::build(highest, Narrow::BITS as u16, |behind| narrow.bits() >> behind & 1 == 1)
    }

    /// The last 128 packets of the window.
    pub(crate) fn to_narrow(&self, highest: u64) -> Narrow {
        let mut narrow = Narrow::default();
        for behind in (0..Narrow::BITS.min(highest + 1)).filter(|n| self.seen(highest - n)) {
            narrow.mark(highest, highest - behind);
        }
        narrow
    }

    /// The same window over another number of packets. What the old one was too short to remember
    /// counts as seen.
    pub(crate) fn resized(&self, packets: u16, highest: u64) -> Self {
        Self::build(highest, packets, |behind| {
            behind >= u64::from(self.packets) || self.seen(highest - behind)
        })
    }

    /// Whether the index so many before `highest` counts as seen.
    pub(crate) fn seen_behind(&self, highest: u64, behind: u64) -> bool {
        behind >= u64::from(self.packets)
            || highest.checked_sub(behind).is_none_or(|index| self.seen(index))
    }

    pub(crate) fn packets(&self) -> u16 {
        self.packets
    }

    pub(crate) fn age(&self, highest: u64, index: u64) -> Age {
        if index > highest {
            Age::Fresh
        } else if highest - index >= u64::from(self.packets) {
            Age::TooOld
        } else if self.seen(index) {
            Age::Replayed
        } else {
            Age::Fresh
        }
    }

    /// Marks an index if it is fresh; `highest` is the one before it came.
    pub(crate) fn take(&mut self, highest: u64, index: u64) -> Age {
        let age = self.age(highest, index);
        if age == Age::Fresh {
            self.mark(highest, index);
        }
        age
    }

    fn mark(&mut self, highest: u64, index: u64) {
        if index > highest {
            self.forget(highest + 1, index);
        }
        self.set(index);
    }

    fn set(&mut self, index: u64) {
        self.bits[Self::word(index)] |= 1 << (index % 64);
    }

    fn seen(&self, index: u64) -> bool {
        self.bits[Self::word(index)] >> (index % 64) & 1 == 1
    }

    /// Clears what the ring still holds of the indices 4,096 before `first..=last`.
    fn forget(&mut self, first: u64, last: u64) {
        if last - first >= Self::BITS {
            self.bits = [0; 64];
            return;
        }
        let mut index = first;
        while index <= last {
            let end = (index | 63).min(last);
            let mask = (u64::MAX >> (63 - (end - index))) << (index % 64);
            self.bits[Self::word(index)] &= !mask;
            index = end + 1;
        }
    }

    fn word(index: u64) -> usize {
        (index / 64 % 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What both windows must agree with: a set of everything ever marked.
    struct Model {
        packets: u64,
        highest: u64,
        seen: std::collections::HashSet<u64>,
    }

    impl Model {
        fn age(&self, index: u64) -> Age {
            if index + self.packets <= self.highest {
                Age::TooOld
            } else if self.seen.contains(&index) {
                Age::Replayed
            } else {
                Age::Fresh
            }
        }
    }

    fn agree(packets: u16, indices: impl IntoIterator<Item = u64>) {
        let mut indices = indices.into_iter();
        let first = indices.next().unwrap();
        let mut model =
            Model { packets: packets.into(), highest: first, seen: [first].into_iter().collect() };
        let mut narrow = Narrow::default();
        let mut wide = Wide::starting_at(first, packets);
        narrow.mark(first, first);
        for index in indices {
            let expected = model.age(index);
            assert_eq!(wide.age(model.highest, index), expected, "wide {packets}: {index}");
            if packets == 128 {
                assert_eq!(narrow.age(model.highest, index), expected, "narrow: {index}");
            }
            assert_eq!(wide.take(model.highest, index), expected);
            if packets == 128 {
                assert_eq!(narrow.take(model.highest, index), expected);
            }
            if expected == Age::Fresh {
                model.highest = model.highest.max(index);
                model.seen.insert(index);
            }
            for again in [index, model.highest] {
                assert_ne!(wide.age(model.highest, again), Age::Fresh, "{again} seen twice");
            }
        }
    }

    const SIZES: [u16; 4] = [128, 192, 1024, 4096];

    #[test]
    fn in_order_and_each_refused_again() {
        for packets in SIZES {
            agree(packets, (0..10_000).flat_map(|n| [n, n, n / 2]));
        }
    }

    #[test]
    fn reversed() {
        for packets in SIZES {
            agree(packets, [20_000].into_iter().chain((10_000..20_001).rev()));
        }
    }

    #[test]
    fn shuffled_with_large_gaps() {
        for packets in SIZES {
            let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
            let mut index = 0u64;
            agree(
                packets,
                (0..50_000).map(move |_| {
                    seed ^= seed << 13;
                    seed ^= seed >> 7;
                    seed ^= seed << 17;
                    index += seed % 5;
                    if seed.is_multiple_of(997) {
                        index += seed >> 40 & 0x3fff;
                    }
                    index.saturating_sub(seed >> 32 & 0x1ff)
                }),
            );
        }
    }
}
