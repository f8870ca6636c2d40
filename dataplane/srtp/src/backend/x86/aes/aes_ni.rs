//! Counter mode with one block a register.

use std::arch::x86_64::*;

use zeroize::Zeroize;

use super::super::cpu::AesNi;
use super::block::load;
use super::{Block, CtrJob};

/// Registers in flight: enough to hide the latency of a round, few enough to stay in the sixteen there are.
const MOST: usize = 8;

pub(super) fn apply(_: AesNi, jobs: &mut [CtrJob<'_>]) {
    for job in jobs {
        job.check();
        // SAFETY: the token proves the features.
        unsafe { apply_one(job) };
    }
}

#[target_feature(enable = "aes,ssse3,sse4.1")]
fn apply_one(job: &mut CtrJob<'_>) {
    let mut counter =
        Counter { iv: load(&job.iv), block: u16::from_be_bytes([job.iv[14], job.iv[15]]) };
    let (blocks, rest) = job.data.as_chunks_mut::<16>();
    let (eights, blocks) = blocks.as_chunks_mut::<MOST>();
    for eight in eights {
        encrypt(job.round_keys, &mut counter, eight);
    }
    let (twos, blocks) = blocks.as_chunks_mut::<2>();
    for two in twos {
        encrypt(job.round_keys, &mut counter, two);
    }
    let (ones, _) = blocks.as_chunks_mut::<1>();
    for one in ones {
        encrypt(job.round_keys, &mut counter, one);
    }
    if !rest.is_empty() {
        let mut last = [[0; 16]];
        last[0][..rest.len()].copy_from_slice(rest);
        encrypt(job.round_keys, &mut counter, &mut last);
        rest.copy_from_slice(&last[0][..rest.len()]);
        last.zeroize();
    }
}

/// The counter block to come.
struct Counter {
    iv: __m128i,
    block: u16,
}

impl Counter {
    #[inline]
    #[target_feature(enable = "sse2")]
    fn next(&mut self) -> __m128i {
        let block = _mm_insert_epi16::<7>(self.iv, i32::from(self.block.swap_bytes()));
        self.block = self.block.wrapping_add(1);
        block
    }
}

#[inline]
#[target_feature(enable = "aes,ssse3,sse4.1")]
fn encrypt<const N: usize>(round_keys: &[Block], counter: &mut Counter, data: &mut [Block; N]) {
    let [first, middle @ .., last] = round_keys else {
        return;
    };
    let mut blocks = [counter.iv; N];
    let key = load(first);
    for block in &mut blocks {
        *block = _mm_xor_si128(counter.next(), key);
    }
    for key in middle {
        let key = load(key);
        for block in &mut blocks {
            *block = _mm_aesenc_si128(*block, key);
        }
    }
    let key = load(last);
    for (text, block) in data.iter_mut().zip(blocks) {
        let key_stream = _mm_aesenclast_si128(block, key);
        let address = text.as_mut_ptr().cast();
        // SAFETY: a block is as long as a register; load and store need no alignment.
        unsafe { _mm_storeu_si128(address, _mm_xor_si128(load(text), key_stream)) };
    }
}
