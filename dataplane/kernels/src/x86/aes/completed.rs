//! Key expansions kept in part.

use std::arch::x86_64::*;
use std::slice;

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
    /// In registers' size, which is how fast they are erased.
    round_keys: [__m128i; 15],
    #[zeroize(skip)]
    count: usize,
}

impl Completed {
    /// Completes the expansion of a key of 192 bits.
    #[inline]
    pub fn aes_192(kept: &[Block; KEPT]) -> Self {
        // SAFETY: `detect` proves the features.
        Self::with(kept, 13, |keys| unsafe { complete_192(keys) })
    }

    /// Completes the expansion of a key of 256 bits.
    #[inline]
    pub fn aes_256(kept: &[Block; KEPT]) -> Self {
        // SAFETY: `detect` proves the features.
        Self::with(kept, 15, |keys| unsafe { complete_256(keys) })
    }

    #[inline]
    fn with(kept: &[Block; KEPT], count: usize, complete: impl FnOnce(&mut [__m128i; 15])) -> Self {
        AesNi::detect().expect("only the AES instructions have expanded a key");
        // SAFETY: SSE2 is part of x86-64.
        let mut round_keys = unsafe { [_mm_setzero_si128(); 15] };
        for (key, kept) in round_keys.iter_mut().zip(kept) {
            // SAFETY: as above.
            *key = unsafe { load(kept) };
        }
        complete(&mut round_keys);
        Self { round_keys, count }
    }

    /// All round keys.
    #[inline]
    pub fn as_slice(&self) -> &[Block] {
        // SAFETY: a register is as long as a block, without padding, and needs more alignment; `count` is at most 15.
        unsafe { slice::from_raw_parts(self.round_keys.as_ptr().cast(), self.count) }
    }
}

/// Words 44 to 51 (FIPS 197 §5.2): each is the one before it added to the one six before it, and word 48 goes through the
/// S-box first.
#[target_feature(enable = "aes,sse2")]
fn complete_192(keys: &mut [__m128i; 15]) {
    /// The number of the first word in `words`.
    const FIRST: usize = 36;
    let mut words = [0u32; 16];
    let known = [store(keys[9]), store(keys[10])];
    for (word, octets) in words.iter_mut().zip(known.as_flattened().as_chunks().0) {
        *word = u32::from_ne_bytes(*octets);
    }
    for index in 44 - FIRST..52 - FIRST {
        let mut before = words[index - 1];
        if index == 48 - FIRST {
            let last = _mm_set_epi32(before as i32, 0, 0, 0);
            let rotated = _mm_aeskeygenassist_si128::<0x80>(last);
            before = _mm_cvtsi128_si32(_mm_shuffle_epi32::<0xff>(rotated)) as u32;
        }
        words[index] = before ^ words[index - 6];
    }
    for (key, words) in keys[11..].iter_mut().zip(words[8..].as_chunks::<4>().0) {
        let [a, b, c, d] = words.map(|word| word as i32);
        *key = _mm_set_epi32(d, c, b, a);
    }
    words.zeroize();
}

/// Round keys 11 to 14, each from the two before it; the even ones rotate and have a round constant.
#[target_feature(enable = "aes,sse2")]
fn complete_256(keys: &mut [__m128i; 15]) {
    let even = keys[10];
    let odd = next(keys[9], _mm_shuffle_epi32::<0xaa>(_mm_aeskeygenassist_si128::<0>(even)));
    keys[11] = odd;
    let even = next(even, _mm_shuffle_epi32::<0xff>(_mm_aeskeygenassist_si128::<0x20>(odd)));
    keys[12] = even;
    let odd = next(odd, _mm_shuffle_epi32::<0xaa>(_mm_aeskeygenassist_si128::<0>(even)));
    keys[13] = odd;
    let even = next(even, _mm_shuffle_epi32::<0xff>(_mm_aeskeygenassist_si128::<0x40>(odd)));
    keys[14] = even;
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
