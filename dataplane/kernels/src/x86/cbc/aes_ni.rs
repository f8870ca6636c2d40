//! Decryption with one block a register, and the keys for it.

use std::arch::x86_64::*;

use super::super::aes::{Block, load, store};
use super::super::cpu::AesNi;
use super::CbcJob;

/// Blocks in flight.
const MOST: usize = 8;

pub(super) fn invert(_: AesNi, round_keys: &[Block], inverted: &mut [Block]) {
    // SAFETY: the token proves the features.
    unsafe { invert_all(round_keys, inverted) }
}

#[target_feature(enable = "aes,sse2")]
fn invert_all(round_keys: &[Block], inverted: &mut [Block]) {
    let last = round_keys.len() - 1;
    for (round, (inverted, key)) in inverted.iter_mut().zip(round_keys.iter().rev()).enumerate() {
        let outer = round == 0 || round == last;
        *inverted = if outer { *key } else { store(_mm_aesimc_si128(load(key))) };
    }
}

pub(super) fn decrypt(_: AesNi, job: &mut CbcJob<'_>) {
    // SAFETY: the token proves the features.
    unsafe { decrypt_text(job.round_keys, job.text) }
}

/// From the end, so that what a block is added to has not been decrypted yet.
#[target_feature(enable = "aes,sse2")]
fn decrypt_text(round_keys: &[Block], text: &mut [Block]) {
    let mut end = text.len();
    while end > MOST {
        decrypt_blocks::<MOST>(round_keys, &mut text[end - MOST - 1..end]);
        end -= MOST;
    }
    while end > 1 {
        decrypt_blocks::<1>(round_keys, &mut text[end - 2..end]);
        end -= 1;
    }
}

/// Decrypts `N` blocks behind the one that the first of them is added to.
#[inline]
#[target_feature(enable = "aes,sse2")]
fn decrypt_blocks<const N: usize>(round_keys: &[Block], text: &mut [Block]) {
    let [first, middle @ .., last] = round_keys else {
        return;
    };
    let mut blocks = [load(first); N];
    for (block, text) in blocks.iter_mut().zip(&text[1..]) {
        *block = _mm_xor_si128(*block, load(text));
    }
    for key in middle {
        let key = load(key);
        for block in &mut blocks {
            *block = _mm_aesdec_si128(*block, key);
        }
    }
    for (block, before) in blocks.iter_mut().zip(&*text) {
        *block = _mm_xor_si128(_mm_aesdeclast_si128(*block, load(last)), load(before));
    }
    for (text, block) in text[1..].iter_mut().zip(blocks) {
        *text = store(block);
    }
}
