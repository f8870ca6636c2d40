//! Eight messages side by side in AVX2 registers.

use std::arch::x86_64::*;

use super::super::cpu::Avx2;
use super::lanes::{self, Lanes};
use super::padding::Padded;
use super::{Digest, MacJob};

pub(super) const LANES: usize = 8;

/// Digests the jobs named by `order`, at most eight.
pub(super) fn hmac(proof: Avx2, jobs: &[MacJob<'_>], order: &[u8], digests: &mut [Digest]) {
    // SAFETY: `proof` says that the features are there.
    unsafe { hmac_lanes(proof, jobs, order, digests) }
}

#[target_feature(enable = "avx2")]
fn hmac_lanes(proof: Avx2, jobs: &[MacJob<'_>], order: &[u8], digests: &mut [Digest]) {
    lanes::hmac::<LANES, Words>(proof, jobs, order, digests);
}

/// One word from each of eight messages. Made only by functions that were given the proof.
#[derive(Clone, Copy)]
struct Words(__m256i);

impl Lanes<LANES> for Words {
    type Proof = Avx2;

    #[inline(always)]
    fn splat(_: Avx2, word: u32) -> Self {
        // SAFETY: the argument proves AVX2.
        Self(unsafe { _mm256_set1_epi32(word as i32) })
    }

    type Messages<'a> = [Padded<'a>; LANES];

    #[inline(always)]
    fn messages<'a>(jobs: &[&'a MacJob<'a>; LANES]) -> [Padded<'a>; LANES] {
        let mut messages = [Padded::NONE; LANES];
        for (message, job) in messages.iter_mut().zip(jobs) {
            message.set(job);
        }
        messages
    }

    #[inline(always)]
    fn load_block(proof: Avx2, messages: &[Padded<'_>; LANES], index: usize) -> [Self; 16] {
        let mut words = [Self::splat(proof, 0); 16];
        for half in 0..2 {
            let mut rows = [Self::splat(proof, 0); LANES];
            for (row, message) in rows.iter_mut().zip(messages) {
                let address = message.block(index).as_chunks::<32>().0[half].as_ptr();
                // SAFETY: AVX2 is proven; half a block is as long as a register, and the load needs no alignment.
                *row = Self(unsafe { _mm256_loadu_si256(address.cast()) }).swap_bytes();
            }
            words[8 * half..][..8].copy_from_slice(&transpose(rows));
        }
        words
    }

    #[inline(always)]
    fn load_keys(proof: Avx2, jobs: &[&MacJob<'_>; LANES]) -> [[Self; 5]; 2] {
        let mut states = [[Self::splat(proof, 0); 5]; 2];
        for (index, word) in states.as_flattened_mut().iter_mut().enumerate() {
            let mut lanes = [0; LANES];
            for (lane, job) in lanes.iter_mut().zip(jobs) {
                *lane = job.key.words[index];
            }
            *word = Self::from_words(proof, &lanes);
        }
        states
    }

    #[inline(always)]
    fn store_digests(state: [Self; 5], digests: &mut [Digest; LANES]) {
        for (index, word) in state.into_iter().enumerate() {
            for (lane, value) in word.swap_bytes().to_words().into_iter().enumerate() {
                digests[lane][4 * index..][..4].copy_from_slice(&value.to_ne_bytes());
            }
        }
    }

    #[inline(always)]
    fn compress(proof: Avx2, state: &mut [Self; 5], words: &[Self; 16]) {
        #[inline(never)]
        #[target_feature(enable = "avx2")]
        fn compress(proof: Avx2, state: &mut [Words; 5], words: &[Words; 16]) {
            lanes::compress(proof, state, words);
        }
        // SAFETY: AVX2 is proven.
        unsafe { compress(proof, state, words) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX2.
        Self(unsafe { _mm256_add_epi32(self.0, other.0) })
    }

    #[inline(always)]
    fn rotate_left<const BITS: i32>(self) -> Self {
        // SAFETY: `self` proves AVX2.
        Self(unsafe {
            let left = _mm256_sll_epi32(self.0, _mm_cvtsi32_si128(BITS));
            let right = _mm256_srl_epi32(self.0, _mm_cvtsi32_si128(32 - BITS));
            _mm256_or_si256(left, right)
        })
    }

    #[inline(always)]
    fn choose(self, b: Self, c: Self) -> Self {
        c.xor(self.and(b.xor(c)))
    }

    #[inline(always)]
    fn parity(self, b: Self, c: Self) -> Self {
        self.xor(b).xor(c)
    }

    #[inline(always)]
    fn majority(self, b: Self, c: Self) -> Self {
        // The two terms never have a one in common, so the sum is an `or`.
        self.and(b).add(c.and(self.xor(b)))
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX2.
        Self(unsafe { _mm256_xor_si256(self.0, other.0) })
    }

    #[inline(always)]
    fn select(self, lanes: u32, other: Self) -> Self {
        // SAFETY: `self` proves AVX2.
        Self(unsafe {
            let bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let set = _mm256_and_si256(_mm256_set1_epi32(lanes as i32), bit);
            _mm256_blendv_epi8(other.0, self.0, _mm256_cmpeq_epi32(set, bit))
        })
    }
}

impl Words {
    #[inline(always)]
    fn from_words(_: Avx2, words: &[u32; LANES]) -> Self {
        // SAFETY: the argument proves AVX2; the array is as long as a register, and the load needs no alignment.
        Self(unsafe { _mm256_loadu_si256(words.as_ptr().cast()) })
    }

    #[inline(always)]
    fn to_words(self) -> [u32; LANES] {
        let mut words = [0; LANES];
        // SAFETY: `self` proves AVX2; the array is as long as a register, and the store needs no alignment.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), self.0) };
        words
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX2.
        Self(unsafe { _mm256_and_si256(self.0, other.0) })
    }

    /// Between SHA-1's big-endian words and the processor's.
    #[inline(always)]
    fn swap_bytes(self) -> Self {
        // SAFETY: `self` proves AVX2.
        Self(unsafe {
            let order = _mm_set_epi32(0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203);
            _mm256_shuffle_epi8(self.0, _mm256_broadcastsi128_si256(order))
        })
    }
}

/// Word `i` of row `j` becomes word `j` of row `i`: pairs of words, of double words, then of 128-bit halves.
#[inline(always)]
fn transpose(mut rows: [Words; 8]) -> [Words; 8] {
    let mut other = rows;
    for i in (0..8).step_by(2) {
        // SAFETY: `rows` proves AVX2.
        unsafe {
            other[i].0 = _mm256_unpacklo_epi32(rows[i].0, rows[i + 1].0);
            other[i + 1].0 = _mm256_unpackhi_epi32(rows[i].0, rows[i + 1].0);
        }
    }
    for i in (0..8).step_by(4) {
        // SAFETY: `rows` proves AVX2.
        unsafe {
            rows[i].0 = _mm256_unpacklo_epi64(other[i].0, other[i + 2].0);
            rows[i + 1].0 = _mm256_unpackhi_epi64(other[i].0, other[i + 2].0);
            rows[i + 2].0 = _mm256_unpacklo_epi64(other[i + 1].0, other[i + 3].0);
            rows[i + 3].0 = _mm256_unpackhi_epi64(other[i + 1].0, other[i + 3].0);
        }
    }
    for i in 0..4 {
        // SAFETY: `rows` proves AVX2.
        unsafe {
            other[i].0 = _mm256_permute2x128_si256::<0x20>(rows[i].0, rows[4 + i].0);
            other[4 + i].0 = _mm256_permute2x128_si256::<0x31>(rows[i].0, rows[4 + i].0);
        }
    }
    other
}
