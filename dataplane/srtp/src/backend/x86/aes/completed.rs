//! Key expansions kept in part.

use std::arch::x86_64::*;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::super::cpu::AesNi;
use super::Block;
use super::block::{load, store};

/// Round keys that are kept of a key of any length: all of AES-128's.
pub const KEPT: usize = 11;

/// The whole expansion of a key of 24 or 32 bytes, made from its first [`KEPT`] round keys when a packet needs it. That
/// takes some ten nanoseconds, and saves a cache line of every such key's state.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Completed {
    round_keys: [Block; 15],
    #[zeroize(skip)]
    count: usize,
}

impl Completed {
    /// Completes the expansion of a key of 192 bits.
    pub fn aes_192(kept: &[Block; KEPT]) -> Self {
        // SAFETY: `detect` proves the features.
        Self::with(kept, 13, |keys| unsafe { complete_192(keys) })
    }

    /// Completes the expansion of a key of 256 bits.
    pub fn aes_256(kept: &[Block; KEPT]) -> Self {
        // SAFETY: `detect` proves the features.
        Self::with(kept, 15, |keys| unsafe { complete_256(keys) })
    }

    fn with(kept: &[Block; KEPT], count: usize, complete: impl FnOnce(&mut [Block; 15])) -> Self {
        AesNi::detect().expect("only the AES instructions have expanded a key");
        let mut completed = Self { round_keys: [[0; 16]; 15], count };
        completed.round_keys[..KEPT].copy_from_slice(kept);
        complete(&mut completed.round_keys);
        completed
    }

    /// All round keys.
    pub fn as_slice(&self) -> &[Block] {
        &self.round_keys[..self.count]
    }
}

/// Words 44 to 51 (FIPS 197 §5.2): each is the one before it added to the one six before it, and word 48 goes through the
/// S-box first.
#[target_feature(enable = "aes,sse2")]
fn complete_192(keys: &mut [Block; 15]) {
    let words = keys.as_flattened_mut().as_chunks_mut::<4>().0;
    for index in 44..52 {
        let mut before = u32::from_ne_bytes(words[index - 1]);
        if index == 48 {
            let last = _mm_set_epi32(before as i32, 0, 0, 0);
            let rotated = _mm_aeskeygenassist_si128::<0x80>(last);
            before = _mm_cvtsi128_si32(_mm_shuffle_epi32::<0xff>(rotated)) as u32;
        }
        words[index] = (before ^ u32::from_ne_bytes(words[index - 6])).to_ne_bytes();
    }
}

/// Round keys 11 to 14, each from the two before it; the even ones rotate and have a round constant.
#[target_feature(enable = "aes,sse2")]
fn complete_256(keys: &mut [Block; 15]) {
    let even = load(&keys[10]);
    let odd = next(load(&keys[9]), _mm_shuffle_epi32::<0xaa>(_mm_aeskeygenassist_si128::<0>(even)));
    keys[11] = store(odd);
    let even = next(even, _mm_shuffle_epi32::<0xff>(_mm_aeskeygenassist_si128::<0x20>(odd)));
    keys[12] = store(even);
    let odd = next(odd, _mm_shuffle_epi32::<0xaa>(_mm_aeskeygenassist_si128::<0>(even)));
    keys[13] = store(odd);
    let even = next(even, _mm_shuffle_epi32::<0xff>(_mm_aeskeygenassist_si128::<0x40>(odd)));
    keys[14] = store(even);
}

/// Four words: each is the one before it added to its own predecessor, the first one gets `substituted`.
#[inline]
#[target_feature(enable = "sse2")]
fn next(mut words: __m128i, substituted: __m128i) -> __m128i {
    words = _mm_xor_si128(words, _mm_slli_si128::<4>(words));
    words = _mm_xor_si128(words, _mm_slli_si128::<8>(words));
    _mm_xor_si128(words, substituted)
}

#[cfg(test)]
mod tests {
    use super::super::expand_key;
    use super::*;

    #[test]
    fn completed_expansions_equal_whole_ones() {
        for seed in 0..=255u8 {
            let key: [u8; 32] = std::array::from_fn(|n| seed.wrapping_mul(n as u8 ^ 0x5b));
            let mut whole = [[0; 16]; 15];
            if !expand_key(&key, &mut whole) {
                eprintln!("no AES instructions: completion of expansions not tested");
                return;
            }
            assert_eq!(Completed::aes_256(whole.first_chunk().unwrap()).as_slice(), whole);
            let whole = &mut whole[..13];
            assert!(expand_key(&key[..24], whole));
            assert_eq!(Completed::aes_192(whole.first_chunk().unwrap()).as_slice(), whole);
        }
    }
}
