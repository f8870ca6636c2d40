//! Counter mode with four blocks a register.

use std::arch::x86_64::*;

use super::super::cpu::Vaes;
use super::block::{load, load_number};
use super::{Block, check_counter, sized};

const REGISTER: usize = 64;
/// Registers in flight: enough to hide the latency of a round, and 512 bytes.
const MOST: usize = 8;

#[inline]
pub(super) fn apply(_: Vaes, round_keys: &[Block], iv: u128, data: &mut [u8]) {
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

/// The number of rounds is known when this is compiled: a packet has so few blocks that branches would cost much.
#[target_feature(enable = "aes,vaes,avx512f,avx512bw,avx512vl")]
fn encrypt<const KEYS: usize>(round_keys: &[Block; KEYS], iv: u128, data: &mut [u8]) {
    // Counter blocks 0 to 3, as numbers.
    let mut counter = _mm512_add_epi16(
        _mm512_broadcast_i32x4(load_number(iv)),
        _mm512_set_epi64(0, 3, 0, 2, 0, 1, 0, 0),
    );

    let (long, rest) = data.as_chunks_mut::<{ MOST * REGISTER }>();
    for piece in long {
        encrypt_piece::<KEYS, MOST>(round_keys, counter, piece);
        counter = _mm512_add_epi16(counter, _mm512_set4_epi64(0, 32, 0, 32));
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
        *block = _mm512_xor_si512(_mm512_shuffle_epi8(counter, big_endian()), key(0));
        counter = _mm512_add_epi16(counter, _mm512_set4_epi64(0, 4, 0, 4));
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

/// For shuffling: from numbers to blocks.
#[inline]
#[target_feature(enable = "avx512f")]
fn big_endian() -> __m512i {
    _mm512_broadcast_i32x4(_mm_set_epi64x(0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f))
}
