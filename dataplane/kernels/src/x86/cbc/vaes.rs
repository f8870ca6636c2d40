//! Decryption with four blocks a register.

use std::arch::x86_64::*;

use super::super::aes::{Block, load, sized};
use super::super::cpu::Vaes;
use super::CbcJob;

/// Blocks of a register.
const BLOCKS: usize = 4;
/// Registers in flight: enough to hide the latency of a round.
const MOST: usize = 8;

pub(super) fn decrypt(_: Vaes, job: &mut CbcJob<'_>) {
    // SAFETY: the token proves the features.
    unsafe {
        match job.round_keys.len() {
            11 => decrypt_text::<11>(sized(job.round_keys), job.text),
            13 => decrypt_text::<13>(sized(job.round_keys), job.text),
            _ => decrypt_text::<15>(sized(job.round_keys), job.text),
        }
    }
}

/// From the end, so that what a block is added to has not been decrypted yet.
#[target_feature(enable = "aes,vaes,avx512f,avx512bw,avx512vl")]
fn decrypt_text<const KEYS: usize>(round_keys: &[Block; KEYS], mut text: &mut [Block]) {
    loop {
        let blocks = text.len().saturating_sub(1);
        let registers = match blocks.div_ceil(BLOCKS) {
            0 => return,
            1 => decrypt_piece::<KEYS, 1>(round_keys, text),
            2 => decrypt_piece::<KEYS, 2>(round_keys, text),
            3 => decrypt_piece::<KEYS, 3>(round_keys, text),
            4 => decrypt_piece::<KEYS, 4>(round_keys, text),
            5 => decrypt_piece::<KEYS, 5>(round_keys, text),
            6 => decrypt_piece::<KEYS, 6>(round_keys, text),
            7 => decrypt_piece::<KEYS, 7>(round_keys, text),
            _ => decrypt_piece::<KEYS, MOST>(round_keys, text),
        };
        let left = text.len() - (BLOCKS * registers).min(blocks);
        text = &mut text[..left];
    }
}

/// Decrypts as many blocks from the end as go into `N` registers, and says how many registers that were. The first block
/// of the text is only added to others.
#[inline]
#[target_feature(enable = "aes,vaes,avx512f,avx512bw,avx512vl")]
fn decrypt_piece<const KEYS: usize, const N: usize>(
    round_keys: &[Block; KEYS],
    text: &mut [Block],
) -> usize {
    let key = |round: usize| _mm512_broadcast_i32x4(load(&round_keys[round]));
    let mut blocks = [_mm512_setzero_si512(); N];
    let mut before = blocks;
    let first = key(0);
    for number in 0..N {
        let (at, filled) = place(text, number);
        let address = text.as_ptr().wrapping_add(at);
        // SAFETY: `place` gives a block that is not the first one, and a mask that ends where the text ends; what is one
        // block further in front is as long.
        unsafe {
            blocks[number] = _mm512_maskz_loadu_epi64(filled, address.cast());
            before[number] = _mm512_maskz_loadu_epi64(filled, address.wrapping_sub(1).cast());
        }
        blocks[number] = _mm512_xor_si512(blocks[number], first);
    }
    for round in 1..KEYS - 1 {
        let key = key(round);
        for block in &mut blocks {
            *block = _mm512_aesdec_epi128(*block, key);
        }
    }
    let last = key(KEYS - 1);
    for number in 0..N {
        let (at, filled) = place(text, number);
        let clear = _mm512_aesdeclast_epi128(blocks[number], last);
        let clear = _mm512_xor_si512(clear, before[number]);
        let address = text.as_mut_ptr().wrapping_add(at);
        // SAFETY: as above.
        unsafe { _mm512_mask_storeu_epi64(address.cast(), filled, clear) };
    }
    N
}

/// Where the register of that number begins, counted from the end of the text, and which of its halves of blocks there
/// are. The register that holds the first blocks may be filled in part.
#[inline]
fn place(text: &[Block], number: usize) -> (usize, u8) {
    let behind = BLOCKS * (number + 1);
    // The first block belongs to no register.
    let blocks = text.len() - 1;
    let missing = behind.saturating_sub(blocks).min(BLOCKS);
    let at = 1 + blocks - (behind - missing).min(blocks);
    (at, u8::MAX.checked_shr(2 * missing as u32).unwrap_or(0))
}
