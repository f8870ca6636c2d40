//! Single blocks in registers.

use std::arch::x86_64::*;

use super::Block;

/// Encrypts one block. The caller has checked that there are round keys.
#[inline]
#[target_feature(enable = "aes,sse2")]
pub(in super::super) fn encrypt_block(round_keys: &[Block], block: __m128i) -> __m128i {
    let [first, middle @ .., last] = round_keys else {
        return block;
    };
    let mut block = _mm_xor_si128(block, load(first));
    for key in middle {
        block = _mm_aesenc_si128(block, load(key));
    }
    _mm_aesenclast_si128(block, load(last))
}

#[inline]
#[target_feature(enable = "sse2")]
pub(in super::super) fn load(block: &Block) -> __m128i {
    // SAFETY: a block is as long as a register, and the load needs no alignment.
    unsafe { _mm_loadu_si128(block.as_ptr().cast()) }
}

/// A number as register, its lowest bits lowest.
#[inline]
#[target_feature(enable = "sse2")]
pub(in super::super) fn load_number(number: u128) -> __m128i {
    _mm_set_epi64x((number >> 64) as i64, number as i64)
}

#[inline]
#[target_feature(enable = "sse2")]
pub(in super::super) fn store(register: __m128i) -> Block {
    let mut block = [0; 16];
    // SAFETY: a block is as long as a register, and the store needs no alignment.
    unsafe { _mm_storeu_si128(block.as_mut_ptr().cast(), register) };
    block
}
