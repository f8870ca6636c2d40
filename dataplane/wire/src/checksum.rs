//! The Internet checksum (RFC 1071) and its incremental update (RFC 1624).

/// A ones'-complement sum under way. `finish` gives the value for a checksum field.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum(u64);

impl Sum {
    /// Adds bytes; an odd last byte counts as if a zero followed.
    #[must_use]
    pub fn add_bytes(self, bytes: &[u8]) -> Self {
        // Ones'-complement sums do not care about the width of the words nor, apart from one swap
        // at the end, about their byte order: big-endian 32-bit words into 64 bits cannot overflow
        // for any packet.
        let mut sum = self.0;
        let mut words = bytes.chunks_exact(4);
        for word in &mut words {
            sum += u64::from(u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
        }
        let rest = words.remainder();
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        Self(sum + u64::from(u32::from_be_bytes(last)))
    }

    /// Adds a 16-bit field.
    #[must_use]
    pub fn add_word(self, word: u16) -> Self {
        Self(self.0 + u64::from(word))
    }

    /// Takes a 16-bit field out again: RFC 1624 equation 3.
    #[must_use]
    pub fn remove(self, word: u16) -> Self {
        self.add_word(!word)
    }

    /// The sum folded to 16 bits, not complemented.
    pub fn folded(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    /// The value for a checksum field.
    pub fn finish(self) -> u16 {
        !self.folded()
    }

    /// The value for a UDP checksum field, where zero means "none" (RFC 768).
    pub fn finish_udp(self) -> u16 {
        match self.finish() {
            0 => 0xffff,
            sum => sum,
        }
    }

    /// Continues from the value of a checksum field, for an incremental update.
    pub fn resume(field: u16) -> Self {
        Self(u64::from(!field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_1071_example() {
        let sum = Sum::default().add_bytes(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.folded(), 0xddf2);
    }

    #[test]
    fn odd_lengths_are_padded_with_zero() {
        for len in 0..64 {
            let bytes: [u8; 64] = core::array::from_fn(|i| (i * 37 + 5) as u8);
            let mut naive = 0u32;
            for pair in bytes[..len].chunks(2) {
                naive += u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |b| u32::from(*b));
            }
            while naive > 0xffff {
                naive = (naive & 0xffff) + (naive >> 16);
            }
            assert_eq!(u32::from(Sum::default().add_bytes(&bytes[..len]).folded()), naive);
        }
    }

    #[test]
    fn incremental_equals_full() {
        let mut bytes = [0x45u8, 0, 0, 0x28, 0x12, 0x34, 0x40, 0, 0x40, 0x11];
        let before = Sum::default().add_bytes(&bytes).finish();
        let old = u16::from_be_bytes([bytes[8], bytes[9]]);
        bytes[8] = 0x3f;
        let new = u16::from_be_bytes([bytes[8], bytes[9]]);
        let updated = Sum::resume(before).remove(old).add_word(new).finish();
        assert_eq!(updated, Sum::default().add_bytes(&bytes).finish());
    }
}
