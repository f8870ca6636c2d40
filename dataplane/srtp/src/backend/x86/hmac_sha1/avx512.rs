//! Sixteen messages side by side in AVX-512 registers.

use std::arch::x86_64::*;

use super::super::cpu::Avx512;
use super::lanes::{self, Lanes};
use super::padding::Block;
use super::{Digest, MacJob, MacKey};

const LANES: usize = 16;

/// So many lanes must be at work on average for sixteen at once to beat two streams of the SHA instructions (measured).
const LANES_WORTHWHILE: usize = 8;

/// Whether hashing these jobs, ordered longest first, side by side is faster than pair by pair.
pub(super) fn pays(jobs: &[MacJob<'_>], order: &[u8]) -> bool {
    let blocks = |&index: &u8| 1 + jobs[usize::from(index)].block_count();
    let all: usize = order.iter().map(blocks).sum();
    all >= LANES_WORTHWHILE * order.first().map_or(0, blocks)
}

/// Digests the jobs named by `order` and returns how many those were.
pub(super) fn hmac(
    proof: Avx512,
    jobs: &[MacJob<'_>],
    order: &[u8],
    digests: &mut [Digest],
) -> usize {
    // SAFETY: `proof` says that the features are there.
    unsafe { hmac_lanes(proof, jobs, order, digests) };
    order.len()
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn hmac_lanes(proof: Avx512, jobs: &[MacJob<'_>], order: &[u8], digests: &mut [Digest]) {
    lanes::hmac::<LANES, Words>(proof, jobs, order, digests);
}

/// One word from each of sixteen messages. Made only by functions that were given the proof.
#[derive(Clone, Copy)]
struct Words(__m512i);

impl Lanes<LANES> for Words {
    type Proof = Avx512;

    #[inline(always)]
    fn splat(_: Avx512, word: u32) -> Self {
        // SAFETY: the argument proves AVX-512.
        Self(unsafe { _mm512_set1_epi32(word as i32) })
    }

    #[inline(always)]
    fn load_blocks(proof: Avx512, blocks: &[&Block; LANES]) -> [Self; 16] {
        let mut rows = [Self::splat(proof, 0); LANES];
        for (row, block) in rows.iter_mut().zip(blocks) {
            // SAFETY: AVX-512 is proven; a block is as long as a register, and the load needs no alignment.
            *row = Self(unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }).swap_bytes();
        }
        transpose(rows)
    }

    #[inline(always)]
    fn load_keys(proof: Avx512, keys: &[&MacKey; LANES]) -> [[Self; 5]; 2] {
        const _: () = assert!(size_of::<MacKey>() == 40);
        let mut rows = [Self::splat(proof, 0); LANES];
        for (row, key) in rows.iter_mut().zip(keys) {
            // SAFETY: AVX-512 is proven; the mask keeps the load within the ten words of a `MacKey`, which is `repr(C)`.
            *row = Self(unsafe { _mm512_maskz_loadu_epi32(0x3ff, (&raw const **key).cast()) });
        }
        let [a, b, c, d, e, f, g, h, i, j, ..] = transpose(rows);
        [[a, b, c, d, e], [f, g, h, i, j]]
    }

    #[inline(always)]
    fn store_digests(state: [Self; 5], digests: &mut [Digest; LANES]) {
        // Rows six to sixteen of the transpose are cut off again by the mask.
        let mut columns = [state[0]; 16];
        columns[..5].copy_from_slice(&state);
        for (row, digest) in transpose(columns).into_iter().zip(digests) {
            // SAFETY: `row` proves AVX-512; the mask keeps the store within the five words of a digest.
            unsafe {
                _mm512_mask_storeu_epi32(digest.as_mut_ptr().cast(), 0x1f, row.swap_bytes().0)
            };
        }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX-512.
        Self(unsafe { _mm512_add_epi32(self.0, other.0) })
    }

    #[inline(always)]
    fn rotate_left<const BITS: i32>(self) -> Self {
        // SAFETY: `self` proves AVX-512.
        Self(unsafe { _mm512_rol_epi32::<BITS>(self.0) })
    }

    #[inline(always)]
    fn choose(self, b: Self, c: Self) -> Self {
        self.ternary::<0xca>(b, c)
    }

    #[inline(always)]
    fn parity(self, b: Self, c: Self) -> Self {
        self.ternary::<0x96>(b, c)
    }

    #[inline(always)]
    fn majority(self, b: Self, c: Self) -> Self {
        self.ternary::<0xe8>(b, c)
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX-512.
        Self(unsafe { _mm512_xor_si512(self.0, other.0) })
    }

    #[inline(always)]
    fn select(self, lanes: u32, other: Self) -> Self {
        // SAFETY: `self` proves AVX-512.
        Self(unsafe { _mm512_mask_blend_epi32(lanes as u16, other.0, self.0) })
    }
}

impl Words {
    /// Any function of three bits; bit `4a + 2b + c` of `TABLE` is its value.
    #[inline(always)]
    fn ternary<const TABLE: i32>(self, b: Self, c: Self) -> Self {
        // SAFETY: `self` proves AVX-512.
        Self(unsafe { _mm512_ternarylogic_epi32::<TABLE>(self.0, b.0, c.0) })
    }

    /// Between SHA-1's big-endian words and the processor's.
    #[inline(always)]
    fn swap_bytes(self) -> Self {
        // SAFETY: `self` proves AVX-512.
        Self(unsafe {
            let order = _mm_set_epi32(0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203);
            _mm512_shuffle_epi8(self.0, _mm512_broadcast_i32x4(order))
        })
    }
}

/// Word `i` of row `j` becomes word `j` of row `i`: pairs of words, of double words, then of 128-bit quarters twice.
#[inline(always)]
fn transpose(mut rows: [Words; 16]) -> [Words; 16] {
    let mut other = rows;
    for i in (0..16).step_by(2) {
        // SAFETY: `rows` proves AVX-512.
        unsafe {
            other[i].0 = _mm512_unpacklo_epi32(rows[i].0, rows[i + 1].0);
            other[i + 1].0 = _mm512_unpackhi_epi32(rows[i].0, rows[i + 1].0);
        }
    }
    for i in (0..16).step_by(4) {
        // SAFETY: `rows` proves AVX-512.
        unsafe {
            rows[i].0 = _mm512_unpacklo_epi64(other[i].0, other[i + 2].0);
            rows[i + 1].0 = _mm512_unpackhi_epi64(other[i].0, other[i + 2].0);
            rows[i + 2].0 = _mm512_unpacklo_epi64(other[i + 1].0, other[i + 3].0);
            rows[i + 3].0 = _mm512_unpackhi_epi64(other[i + 1].0, other[i + 3].0);
        }
    }
    for i in 0..4 {
        // SAFETY: `rows` proves AVX-512.
        unsafe {
            other[i].0 = _mm512_shuffle_i32x4::<0x88>(rows[i].0, rows[4 + i].0);
            other[4 + i].0 = _mm512_shuffle_i32x4::<0xdd>(rows[i].0, rows[4 + i].0);
            other[8 + i].0 = _mm512_shuffle_i32x4::<0x88>(rows[8 + i].0, rows[12 + i].0);
            other[12 + i].0 = _mm512_shuffle_i32x4::<0xdd>(rows[8 + i].0, rows[12 + i].0);
        }
    }
    for i in 0..4 {
        // SAFETY: `rows` proves AVX-512.
        unsafe {
            rows[i].0 = _mm512_shuffle_i32x4::<0x88>(other[i].0, other[8 + i].0);
            rows[4 + i].0 = _mm512_shuffle_i32x4::<0x88>(other[4 + i].0, other[12 + i].0);
            rows[8 + i].0 = _mm512_shuffle_i32x4::<0xdd>(other[i].0, other[8 + i].0);
            rows[12 + i].0 = _mm512_shuffle_i32x4::<0xdd>(other[4 + i].0, other[12 + i].0);
        }
    }
    rows
}
