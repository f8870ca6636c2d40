//! Counter mode with one block a register.

use std::arch::x86_64::*;
use std::array;

use zeroize::Zeroize;

use super::super::cpu::AesNi;
use super::block::{load, load_number, store};
use super::{Block, check_counter, check_rounds};

/// Registers in flight: enough to hide the latency of a round, few enough to stay in the sixteen there are.
const MOST: usize = 8;

#[inline]
pub(super) fn apply(_: AesNi, round_keys: &[Block], iv: u128, data: &mut [u8]) {
    check_rounds(round_keys);
    check_counter(iv, data);
    // SAFETY: the token proves the features.
    unsafe { encrypt(round_keys, iv, data) }
}

#[target_feature(enable = "aes,ssse3,sse4.1")]
fn encrypt(round_keys: &[Block], iv: u128, data: &mut [u8]) {
    let mut counter = load_number(iv);
    let (blocks, rest) = data.as_chunks_mut::<16>();
    let (eights, blocks) = blocks.as_chunks_mut::<MOST>();
    for eight in eights {
        encrypt_blocks(round_keys, &mut counter, eight);
    }
    let (twos, ones) = blocks.as_chunks_mut::<2>();
    for two in twos {
        encrypt_blocks(round_keys, &mut counter, two);
    }
    for one in ones {
        encrypt_blocks(round_keys, &mut counter, array::from_mut(one));
    }
    if !rest.is_empty() {
        let mut last = [0; 16];
        last[..rest.len()].copy_from_slice(rest);
        encrypt_blocks(round_keys, &mut counter, array::from_mut(&mut last));
        rest.copy_from_slice(&last[..rest.len()]);
        last.zeroize();
    }
}

/// The rounds are a loop here: unrolled, the compiler takes one block after the other to save registers.
#[inline]
#[target_feature(enable = "aes,ssse3,sse4.1")]
fn encrypt_blocks<const N: usize>(
    round_keys: &[Block],
    counter: &mut __m128i,
    data: &mut [Block; N],
) {
    let [first, middle @ .., last] = round_keys else {
        return;
    };
    let mut blocks = [load(first); N];
    let big_endian = _mm_set_epi64x(0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f);
    for block in &mut blocks {
        *block = _mm_xor_si128(_mm_shuffle_epi8(*counter, big_endian), *block);
        *counter = _mm_add_epi16(*counter, _mm_set_epi64x(0, 1));
    }
    for key in middle {
        let key = load(key);
        for block in &mut blocks {
            *block = _mm_aesenc_si128(*block, key);
        }
    }
    let key = load(last);
    for (text, block) in data.iter_mut().zip(blocks) {
        *text = store(_mm_xor_si128(load(text), _mm_aesenclast_si128(block, key)));
    }
}
