//! Sixteen or thirty-two messages side by side in AVX-512 registers.
//!
//! One register of sixteen lanes leaves half of the processor idle, since each round of SHA-1 waits for the one before.
//! Two registers in step take hardly longer than one.

mod message;

use std::arch::asm;
use std::arch::x86_64::*;

use super::super::cpu::Avx512;
use super::lanes::{self, Lanes};
use super::{Digest, MacJob};
use message::{Block, Messages};

/// How many of the jobs, ordered longest first, to hash side by side: 32, 16, or none if so few lanes would be at work
/// that SHA instructions are faster.
pub(super) fn lanes_worthwhile(jobs: &[MacJob<'_>], order: &[u8]) -> usize {
    // Measured: a block of 16 lanes takes as long as 9 blocks of single streams, one of 32 lanes as long as 12.
    const ENOUGH_FOR_16: usize = 9;
    const ENOUGH_FOR_32_BESIDES_16: usize = 3;

    let blocks = |index: &u8| 1 + jobs[usize::from(*index)].block_count();
    let mut lanes = order.iter().map(blocks);
    let longest = lanes.clone().next().unwrap_or(0);
    let in_16: usize = lanes.by_ref().take(16).sum();
    let in_16_more: usize = lanes.take(16).sum();
    if in_16_more >= ENOUGH_FOR_32_BESIDES_16 * longest {
        32
    } else if in_16 >= ENOUGH_FOR_16 * longest {
        16
    } else {
        0
    }
}

/// Digests the jobs named by `order`, at most 32.
pub(super) fn hmac(proof: Avx512, jobs: &[MacJob<'_>], order: &[u8], digests: &mut [Digest]) {
    // SAFETY: `proof` says that the features are there.
    unsafe {
        match order.len() {
            ..=16 => hmac_16(proof, jobs, order, digests),
            _ => hmac_32(proof, jobs, order, digests),
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn hmac_16(proof: Avx512, jobs: &[MacJob<'_>], order: &[u8], digests: &mut [Digest]) {
    lanes::hmac::<16, Words>(proof, jobs, order, digests);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn hmac_32(proof: Avx512, jobs: &[MacJob<'_>], order: &[u8], digests: &mut [Digest]) {
    lanes::hmac::<32, TwiceWords>(proof, jobs, order, digests);
}

/// One word from each of sixteen messages. Made only by functions that were given the proof.
#[derive(Clone, Copy)]
struct Words(__m512i);

/// One word from each of thirty-two messages.
#[derive(Clone, Copy)]
struct TwiceWords(Words, Words);

impl Lanes<16> for Words {
    type Proof = Avx512;

    #[inline(always)]
    fn splat(_: Avx512, word: u32) -> Self {
        // SAFETY: the argument proves AVX-512.
        Self(unsafe { _mm512_set1_epi32(word as i32) })
    }

    type Messages<'a> = Messages<'a, 16>;

    #[inline(always)]
    fn messages<'a>(jobs: &[&'a MacJob<'a>; 16]) -> Messages<'a, 16> {
        Messages::new(jobs)
    }

    #[inline(always)]
    fn alike(messages: &Messages<'_, 16>) -> bool {
        messages.alike
    }

    #[inline(always)]
    fn load_block(proof: Avx512, messages: &Messages<'_, 16>, index: usize) -> [Self; 16] {
        Self::load_rows(proof, &messages.jobs, &messages.block(index))
    }

    #[inline(always)]
    fn load_keys(proof: Avx512, jobs: &[&MacJob<'_>; 16]) -> [[Self; 5]; 2] {
        let mut rows = [Self::splat(proof, 0); 16];
        for (row, job) in rows.iter_mut().zip(jobs) {
            let words = &job.key.words;
            // SAFETY: AVX-512 is proven; the mask keeps the load within the ten words.
            *row = Self(unsafe { _mm512_maskz_loadu_epi32(0x3ff, words.as_ptr().cast()) });
        }
        let [a, b, c, d, e, f, g, h, i, j, ..] = transpose(rows);
        [[a, b, c, d, e], [f, g, h, i, j]]
    }

    #[inline(always)]
    fn store_digests(state: [Self; 5], digests: &mut [Digest; 16]) {
        // What the other eleven columns become is cut off again by the mask.
        let mut columns = [state[0]; 16];
        columns[..5].copy_from_slice(&state);
        for (row, digest) in transpose(columns).into_iter().zip(digests) {
            let address = digest.as_mut_ptr().cast();
            // SAFETY: `row` proves AVX-512; the mask keeps the store within the five words of a digest.
            unsafe { _mm512_mask_storeu_epi32(address, 0x1f, row.swap_bytes().0) };
        }
    }

    #[inline(always)]
    fn compress(proof: Avx512, state: &mut [Self; 5], words: &[Self; 16]) {
        #[inline(never)]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
        fn compress(proof: Avx512, state: &mut [Words; 5], words: &[Words; 16]) {
            lanes::compress(proof, state, words);
        }
        // SAFETY: AVX-512 is proven.
        unsafe { compress(proof, state, words) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX-512.
        Self(unsafe { _mm512_add_epi32(self.0, other.0) })
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX-512.
        Self(unsafe { _mm512_xor_si512(self.0, other.0) })
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
    fn select(self, lanes: u32, other: Self) -> Self {
        // SAFETY: `self` proves AVX-512.
        Self(unsafe { _mm512_mask_blend_epi32(lanes as u16, other.0, self.0) })
    }
}

impl Words {
    /// The words of a block from each of sixteen messages.
    #[inline(always)]
    fn load_rows(proof: Avx512, jobs: &[&MacJob<'_>; 16], block: &Block) -> [Self; 16] {
        let mut rows = [Self::splat(proof, 0); 16];
        let lanes = rows.iter_mut().zip(jobs);
        match block {
            Block::Alike(shape) => lanes.for_each(|(row, job)| {
                // SAFETY: AVX-512 is proven.
                *row = Self(unsafe { shape.load(job) }).swap_bytes();
            }),
            Block::Each(index) => lanes.for_each(|(row, job)| {
                // SAFETY: AVX-512 is proven.
                *row = Self(unsafe { message::load(job, *index) }).swap_bytes();
            }),
        }
        transpose(rows)
    }

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

impl Lanes<32> for TwiceWords {
    type Proof = Avx512;

    #[inline(always)]
    fn splat(proof: Avx512, word: u32) -> Self {
        let words = Words::splat(proof, word);
        Self(words, words)
    }

    type Messages<'a> = Messages<'a, 32>;

    #[inline(always)]
    fn messages<'a>(jobs: &[&'a MacJob<'a>; 32]) -> Messages<'a, 32> {
        Messages::new(jobs)
    }

    #[inline(always)]
    fn alike(messages: &Messages<'_, 32>) -> bool {
        messages.alike
    }

    #[inline(always)]
    fn load_block(proof: Avx512, messages: &Messages<'_, 32>, index: usize) -> [Self; 16] {
        let (first, second) = halves(&messages.jobs);
        let block = messages.block(index);
        join(Words::load_rows(proof, first, &block), Words::load_rows(proof, second, &block))
    }

    #[inline(always)]
    fn load_keys(proof: Avx512, jobs: &[&MacJob<'_>; 32]) -> [[Self; 5]; 2] {
        let (first, second) = halves(jobs);
        let [inner, outer] = Words::load_keys(proof, first);
        let [second_inner, second_outer] = Words::load_keys(proof, second);
        [join(inner, second_inner), join(outer, second_outer)]
    }

    #[inline(always)]
    fn store_digests(state: [Self; 5], digests: &mut [Digest; 32]) {
        if let ([first, second], []) = digests.as_chunks_mut() {
            Words::store_digests(state.map(|words| words.0), first);
            Words::store_digests(state.map(|words| words.1), second);
        }
    }

    #[inline(always)]
    fn compress(proof: Avx512, state: &mut [Self; 5], words: &[Self; 16]) {
        #[inline(never)]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
        fn compress(proof: Avx512, state: &mut [TwiceWords; 5], words: &[TwiceWords; 16]) {
            lanes::compress(proof, state, words);
        }
        // SAFETY: AVX-512 is proven.
        unsafe { compress(proof, state, words) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(self.0.add(other.0), self.1.add(other.1))
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        Self(self.0.xor(other.0), self.1.xor(other.1))
    }

    #[inline(always)]
    fn rotate_left<const BITS: i32>(self) -> Self {
        Self(self.0.rotate_left::<BITS>(), self.1.rotate_left::<BITS>())
    }

    #[inline(always)]
    fn choose(self, b: Self, c: Self) -> Self {
        Self(self.0.choose(b.0, c.0), self.1.choose(b.1, c.1))
    }

    #[inline(always)]
    fn parity(self, b: Self, c: Self) -> Self {
        Self(self.0.parity(b.0, c.0), self.1.parity(b.1, c.1))
    }

    #[inline(always)]
    fn majority(self, b: Self, c: Self) -> Self {
        Self(self.0.majority(b.0, c.0), self.1.majority(b.1, c.1))
    }

    #[inline(always)]
    fn select(self, lanes: u32, other: Self) -> Self {
        Self(self.0.select(lanes, other.0), self.1.select(lanes >> 16, other.1))
    }

    #[inline(always)]
    fn in_step(mut self) -> Self {
        #[inline]
        #[target_feature(enable = "avx512f")]
        fn tie(a: &mut __m512i, b: &mut __m512i) {
            // SAFETY: the assembly is a comment, but what follows from either value now seems to follow from both.
            unsafe {
                asm!(
                    "/* {0} {1} */",
                    inout(zmm_reg) * a,
                    inout(zmm_reg) * b,
                    options(pure, nomem, nostack, preserves_flags)
                );
            }
        }
        // SAFETY: `self` proves AVX-512.
        unsafe { tie(&mut self.0.0, &mut self.1.0) };
        self
    }
}

#[inline(always)]
fn halves<T>(lanes: &[T; 32]) -> (&[T; 16], &[T; 16]) {
    match lanes.as_chunks() {
        ([first, second], []) => (first, second),
        _ => unreachable!("32 is twice 16"),
    }
}

#[inline(always)]
fn join<const COUNT: usize>(first: [Words; COUNT], second: [Words; COUNT]) -> [TwiceWords; COUNT] {
    let mut both = [TwiceWords(first[0], second[0]); COUNT];
    for (index, both) in both.iter_mut().enumerate() {
        *both = TwiceWords(first[index], second[index]);
    }
    both
}
