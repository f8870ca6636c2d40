//! Four messages at a time through the SHA instructions, interleaved: one alone leaves two thirds of their time unused.

use std::arch::asm;
use std::arch::x86_64::*;

use super::super::cpu::ShaNi;
use super::padding::{Block, Padded};
use super::{Digest, MacJob};

/// As many as keep the SHA unit busy, since four rounds of one stream wait for the four before.
pub(super) const STREAMS: usize = 4;

/// Digests the jobs named by `order`, at most four and the longest first.
pub(super) fn hmac(_: ShaNi, jobs: &[MacJob<'_>], order: &[u8], digests: &mut [Digest]) {
    // SAFETY: the token proves the features.
    unsafe { hmac_streams(jobs, order, digests) }
}

/// A SHA-1 state as the instructions want it: `abcd` with `a` highest, and `e` in the highest word.
#[derive(Clone, Copy)]
struct State {
    abcd: __m128i,
    e: __m128i,
}

#[target_feature(enable = "sha,ssse3,sse4.1")]
fn hmac_streams(jobs: &[MacJob<'_>], order: &[u8], digests: &mut [Digest]) {
    let mut messages = [Padded::NONE; STREAMS];
    let mut inner = [State::of(&[0; 5]); STREAMS];
    let mut outer = inner;
    for (stream, &index) in order.iter().enumerate() {
        let job = &jobs[usize::from(index)];
        messages[stream].set(job);
        inner[stream] = State::of(job.key.inner());
        outer[stream] = State::of(job.key.outer());
    }

    let mut words = [[_mm_setzero_si128(); 4]; STREAMS];
    for index in 0..messages[0].count() {
        let mut alive = 0;
        while alive < order.len() && index < messages[alive].count() {
            words[alive] = load(messages[alive].block(index));
            alive += 1;
        }
        compress_first(alive, &mut inner, &mut words);
    }
    for (words, state) in words.iter_mut().zip(&inner) {
        *words = outer_block(state);
    }
    compress_first(order.len(), &mut outer, &mut words);
    for (&index, state) in order.iter().zip(&outer) {
        digests[usize::from(index)] = state.digest();
    }
}

impl State {
    #[target_feature(enable = "ssse3,sse4.1")]
    fn of(words: &[u32; 5]) -> Self {
        let [a, b, c, d, e] = words.map(|word| word as i32);
        Self { abcd: _mm_set_epi32(a, b, c, d), e: _mm_set_epi32(e, 0, 0, 0) }
    }

    #[target_feature(enable = "ssse3,sse4.1")]
    fn digest(&self) -> Digest {
        let words = [
            _mm_extract_epi32::<3>(self.abcd),
            _mm_extract_epi32::<2>(self.abcd),
            _mm_extract_epi32::<1>(self.abcd),
            _mm_extract_epi32::<0>(self.abcd),
            _mm_extract_epi32::<3>(self.e),
        ];
        let mut digest = [0; 20];
        for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(words) {
            *bytes = word.to_be_bytes();
        }
        digest
    }
}

#[target_feature(enable = "ssse3,sse4.1")]
fn load(block: &Block) -> [__m128i; 4] {
    // Words big-endian, and the first of four highest.
    let order = _mm_set_epi64x(0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f);
    let mut words = [order; 4];
    for (words, quarter) in words.iter_mut().zip(block.as_chunks::<16>().0) {
        // SAFETY: a quarter block is as long as a register, and the load needs no alignment.
        *words = _mm_shuffle_epi8(unsafe { _mm_loadu_si128(quarter.as_ptr().cast()) }, order);
    }
    words
}

/// The one block of the outer hash: the inner digest, the end mark, the length of key block and digest in bits.
#[target_feature(enable = "ssse3,sse4.1")]
fn outer_block(inner: &State) -> [__m128i; 4] {
    let end_mark = _mm_set_epi32(0, i32::MIN, 0, 0);
    [
        inner.abcd,
        _mm_blend_epi16::<0xc0>(end_mark, inner.e),
        _mm_setzero_si128(),
        _mm_set_epi32(0, 0, 0, (64 + 20) * 8),
    ]
}

#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn compress_first(count: usize, states: &mut [State], words: &mut [[__m128i; 4]]) {
    match count {
        0 => {}
        1 => compress::<1>(states, words),
        2 => compress::<2>(states, words),
        3 => compress::<3>(states, words),
        _ => compress::<4>(states, words),
    }
}

/// The SHA-1 compression function in the first `N` streams, four rounds at a time. Uses the words up.
#[inline(never)]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn compress<const N: usize>(states: &mut [State], words: &mut [[__m128i; 4]]) {
    let (Some(states), Some(w)) = (states.first_chunk_mut::<N>(), words.first_chunk_mut::<N>())
    else {
        return;
    };
    let before = *states;

    macro_rules! four_rounds {
        ($function:literal, $($i:literal)*) => {$(
            for (state, w) in states.iter_mut().zip(&mut *w) {
                let e = if $i == 0 {
                    _mm_add_epi32(state.e, w[0])
                } else {
                    _mm_sha1nexte_epu32(state.e, w[$i % 4])
                };
                state.e = state.abcd;
                state.abcd = _mm_sha1rnds4_epu32::<$function>(state.abcd, e);
                if $i < 16 {
                    let mixed = _mm_sha1msg1_epu32(w[$i % 4], w[($i + 1) % 4]);
                    let mixed = _mm_xor_si128(mixed, w[($i + 2) % 4]);
                    w[$i % 4] = _mm_sha1msg2_epu32(mixed, w[($i + 3) % 4]);
                }
            }
            in_step(states);
        )*};
    }
    four_rounds!(0, 0 1 2 3 4);
    four_rounds!(1, 5 6 7 8 9);
    four_rounds!(2, 10 11 12 13 14);
    four_rounds!(3, 15 16 17 18 19);

    for (state, before) in states.iter_mut().zip(before) {
        state.e = _mm_sha1nexte_epu32(state.e, before.e);
        state.abcd = _mm_add_epi32(state.abcd, before.abcd);
    }
}

/// No instruction, but keeps the compiler from computing one stream long before the others.
#[inline]
#[target_feature(enable = "sse2")]
fn in_step<const N: usize>(states: &mut [State; N]) {
    for stream in 1..N {
        let (before, from) = states.split_at_mut(stream);
        // SAFETY: the assembly is a comment.
        unsafe {
            asm!("/* {0} {1} */", inout(xmm_reg) before[0].abcd, inout(xmm_reg) from[0].abcd, options(pure, nomem, nostack, preserves_flags));
        }
    }
}
