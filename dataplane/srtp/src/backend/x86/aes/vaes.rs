//! Counter mode with four blocks a register.

use std::arch::x86_64::*;

use super::super::cpu::Vaes;
use super::block::load;
use super::{Block, CtrJob};

const REGISTER: usize = 64;
/// Registers in flight: enough to hide the latency of a round, and 512 bytes.
const MOST: usize = 8;

pub(super) fn apply(_: Vaes, jobs: &mut [CtrJob<'_>]) {
    for job in jobs {
        job.check();
        // SAFETY: the token proves the features.
        unsafe { apply_one(job) };
    }
}

/// Short packets do not fill the pipeline on their own, but the processor is already at the next ones meanwhile: nothing
/// here depends on the packet before.
#[inline]
#[target_feature(enable = "aes,vaes,avx512f,avx512bw,avx512vl")]
fn apply_one(job: &mut CtrJob<'_>) {
    // Blocks 0 to 3, with the block counter the right way round for additions.
    let iv = _mm512_broadcast_i32x4(load(&job.iv));
    let mut counter = _mm512_shuffle_epi8(iv, swap_counter());
    counter = _mm512_add_epi16(counter, _mm512_set_epi64(3 << 48, 0, 2 << 48, 0, 1 << 48, 0, 0, 0));

    let (long, rest) = job.data.as_chunks_mut::<{ MOST * REGISTER }>();
    for piece in long {
        encrypt::<MOST>(job.round_keys, &mut counter, piece);
    }
    match rest.len().div_ceil(REGISTER) {
        0 => {}
        1 => encrypt::<1>(job.round_keys, &mut counter, rest),
        2 => encrypt::<2>(job.round_keys, &mut counter, rest),
        3 => encrypt::<3>(job.round_keys, &mut counter, rest),
        4 => encrypt::<4>(job.round_keys, &mut counter, rest),
        5 => encrypt::<5>(job.round_keys, &mut counter, rest),
        6 => encrypt::<6>(job.round_keys, &mut counter, rest),
        7 => encrypt::<7>(job.round_keys, &mut counter, rest),
        _ => encrypt::<8>(job.round_keys, &mut counter, rest),
    }
}

/// Encrypts `data`, which takes `N` registers, the last one perhaps in part.
#[inline]
#[target_feature(enable = "aes,vaes,avx512f,avx512bw,avx512vl")]
fn encrypt<const N: usize>(round_keys: &[Block], counter: &mut __m512i, data: &mut [u8]) {
    let [first, middle @ .., last] = round_keys else {
        return;
    };
    let mut blocks = [*counter; N];
    let key = _mm512_broadcast_i32x4(load(first));
    for block in &mut blocks {
        *block = _mm512_xor_si512(_mm512_shuffle_epi8(*counter, swap_counter()), key);
        *counter = _mm512_add_epi16(*counter, _mm512_set4_epi64(4 << 48, 0, 4 << 48, 0));
    }
    for key in middle {
        let key = _mm512_broadcast_i32x4(load(key));
        for block in &mut blocks {
            *block = _mm512_aesenc_epi128(*block, key);
        }
    }
    let key = _mm512_broadcast_i32x4(load(last));
    for block in &mut blocks {
        *block = _mm512_aesenclast_epi128(*block, key);
    }

    for (piece, key_stream) in data.chunks_mut(REGISTER).zip(blocks) {
        xor_into(piece, key_stream);
    }
}

/// `piece ^= key_stream`, as far as the piece goes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn xor_into(piece: &mut [u8], key_stream: __m512i) {
    let address = piece.as_mut_ptr().cast();
    let bytes = u64::MAX >> (REGISTER - piece.len());
    // SAFETY: the mask keeps load and store within the piece.
    unsafe {
        let text = _mm512_maskz_loadu_epi8(bytes, address);
        _mm512_mask_storeu_epi8(address, bytes, _mm512_xor_si512(text, key_stream));
    }
}

/// Exchanges the last two bytes of each block.
#[inline]
#[target_feature(enable = "avx512f")]
fn swap_counter() -> __m512i {
    _mm512_broadcast_i32x4(_mm_set_epi8(14, 15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0))
}
