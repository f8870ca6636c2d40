//! Counter mode with four blocks a register.

use std::arch::x86_64::*;

use super::super::cpu::Vaes;
use super::block::load;
use super::{Block, CtrJob, check_counter, sized};

const REGISTER: usize = 64;
/// Registers in flight: enough to hide the latency of a round, and 512 bytes.
const MOST: usize = 8;

pub(super) fn apply(_: Vaes, jobs: &mut [CtrJob<'_>]) {
    for CtrJob { round_keys, iv, data } in jobs {
        check_counter(iv, data);
        // SAFETY: the token proves the features.
        unsafe {
            match round_keys.len() {
                11 => encrypt::<11>(sized(round_keys), iv, data),
                13 => encrypt::<13>(sized(round_keys), iv, data),
                _ => encrypt::<15>(sized(round_keys), iv, data),
            }
        }
    }
}

/// Short packets do not fill the pipeline on their own, but the processor is already at the next ones meanwhile: nothing
/// here depends on the packet before. For that, the number of rounds is known when this is compiled: no branches.
#[target_feature(enable = "aes,vaes,avx512f,avx512bw,avx512vl")]
fn encrypt<const KEYS: usize>(round_keys: &[Block; KEYS], iv: &Block, data: &mut [u8]) {
    // Blocks 0 to 3, with the block counter the right way round for additions.
    let iv = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(load(iv)), swap_counter());
    let mut counter =
        _mm512_add_epi16(iv, _mm512_set_epi64(3 << 48, 0, 2 << 48, 0, 1 << 48, 0, 0, 0));

    let (long, rest) = data.as_chunks_mut::<{ MOST * REGISTER }>();
    for piece in long {
        encrypt_piece::<KEYS, MOST>(round_keys, counter, piece);
        counter = _mm512_add_epi16(counter, _mm512_set4_epi64(32 << 48, 0, 32 << 48, 0));
    }
    match rest.len().div_ceil(REGISTER) {
        0 => {}
        1 => encrypt_piece::<KEYS, 1>(round_keys, counter, rest),
        2 => encrypt_piece::<KEYS, 2>(round_keys, counter, rest),
        3 => encrypt_piece::<KEYS, 3>(round_keys, counter, rest),
        4 => encrypt_piece::<KEYS, 4>(round_keys, counter, rest),
        5 => encrypt_piece::<KEYS, 5>(round_keys, counter, rest),
        6 => encrypt_piece::<KEYS, 6>(round_keys, counter, rest),
        7 => encrypt_piece::<KEYS, 7>(round_keys, counter, rest),
        _ => encrypt_piece::<KEYS, 8>(round_keys, counter, rest),
    }
}

/// Encrypts `data`, which takes `N` registers, the last one perhaps in part.
#[inline]
#[target_feature(enable = "aes,vaes,avx512f,avx512bw,avx512vl")]
fn encrypt_piece<const KEYS: usize, const N: usize>(
    round_keys: &[Block; KEYS],
    mut counter: __m512i,
    data: &mut [u8],
) {
    let key = |round: usize| _mm512_broadcast_i32x4(load(&round_keys[round]));
    let mut blocks = [counter; N];
    for block in &mut blocks {
        *block = _mm512_xor_si512(_mm512_shuffle_epi8(counter, swap_counter()), key(0));
        counter = _mm512_add_epi16(counter, _mm512_set4_epi64(4 << 48, 0, 4 << 48, 0));
    }
    for round in 1..KEYS - 1 {
        let key = key(round);
        for block in &mut blocks {
            *block = _mm512_aesenc_epi128(*block, key);
        }
    }
    for block in &mut blocks {
        *block = _mm512_aesenclast_epi128(*block, key(KEYS - 1));
    }

    let (whole, rest) = data.as_chunks_mut::<REGISTER>();
    for (piece, key_stream) in whole.iter_mut().zip(blocks) {
        let address = piece.as_mut_ptr().cast();
        // SAFETY: the piece is as long as a register; load and store need no alignment.
        unsafe {
            let text = _mm512_loadu_si512(address);
            _mm512_storeu_si512(address, _mm512_xor_si512(text, key_stream));
        }
    }
    if !rest.is_empty() {
        let address = rest.as_mut_ptr().cast();
        let bytes = u64::MAX >> (REGISTER - rest.len());
        // SAFETY: the mask keeps load and store within the rest.
        unsafe {
            let text = _mm512_maskz_loadu_epi8(bytes, address);
            let cipher = _mm512_xor_si512(text, blocks[N - 1]);
            _mm512_mask_storeu_epi8(address, bytes, cipher);
        }
    }
}

/// Exchanges the last two bytes of each block.
#[inline]
#[target_feature(enable = "avx512f")]
fn swap_counter() -> __m512i {
    _mm512_broadcast_i32x4(_mm_set_epi8(14, 15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0))
}
