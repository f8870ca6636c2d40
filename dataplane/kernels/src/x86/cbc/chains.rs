//! Encryption of several messages side by side, one block a register.
//!
//! A round waits four cycles for the one before, and two rounds begin in a cycle: eight chains keep the processor busy.

use std::arch::x86_64::*;
use std::mem;

use arrayvec::ArrayVec;

use super::super::aes::{self, Block, load, sized, store};
use super::super::cpu::AesNi;
use super::CbcJob;

const CHAINS: usize = 8;

pub(super) fn encrypt(_: AesNi, jobs: &mut [CbcJob<'_>]) {
    // SAFETY: the token proves the features.
    unsafe {
        encrypt_sized::<11>(jobs);
        encrypt_sized::<13>(jobs);
        encrypt_sized::<15>(jobs);
    }
}

pub(super) fn encrypt_block(_: AesNi, round_keys: &[Block], block: Block) -> Block {
    // SAFETY: the token proves the features.
    unsafe { store(aes::encrypt_block(round_keys, load(&block))) }
}

/// A message as far as it is not encrypted yet.
struct Chain<'a, const KEYS: usize> {
    round_keys: &'a [Block; KEYS],
    before: Block,
    rest: &'a mut [Block],
}

impl<'a, const KEYS: usize> Chain<'a, KEYS> {
    /// Of a message under a key of that length.
    fn of(job: &'a mut CbcJob<'_>) -> Option<Self> {
        if job.round_keys.len() != KEYS {
            return None;
        }
        let (before, rest) = job.text.split_first_mut()?;
        (!rest.is_empty()).then_some(Self {
            round_keys: sized(job.round_keys),
            before: *before,
            rest,
        })
    }
}

#[target_feature(enable = "aes,sse2")]
fn encrypt_sized<const KEYS: usize>(jobs: &mut [CbcJob<'_>]) {
    let mut waiting = jobs.iter_mut().filter_map(Chain::<KEYS>::of);
    let mut chains: ArrayVec<Chain<'_, KEYS>, CHAINS> = ArrayVec::new();
    loop {
        chains.extend(waiting.by_ref().take(chains.remaining_capacity()));
        match chains.len() {
            0 => return,
            8.. => advance::<KEYS, 8>(&mut chains),
            4.. => advance::<KEYS, 4>(&mut chains),
            2.. => advance::<KEYS, 2>(&mut chains),
            1 => advance::<KEYS, 1>(&mut chains),
        }
        chains.retain(|chain| !chain.rest.is_empty());
    }
}

/// Takes the first `N` chains on until one of them ends.
#[inline]
#[target_feature(enable = "aes,sse2")]
fn advance<const KEYS: usize, const N: usize>(chains: &mut [Chain<'_, KEYS>]) {
    let Some(chains) = chains.first_chunk_mut::<N>() else {
        return;
    };
    let mut steps = usize::MAX;
    let mut before = [_mm_setzero_si128(); N];
    for (before, chain) in before.iter_mut().zip(&*chains) {
        *before = load(&chain.before);
        steps = steps.min(chain.rest.len());
    }
    for step in 0..steps {
        for (block, chain) in before.iter_mut().zip(&*chains) {
            let text = _mm_xor_si128(load(&chain.rest[step]), load(&chain.round_keys[0]));
            *block = _mm_xor_si128(*block, text);
        }
        for round in 1..KEYS - 1 {
            for (block, chain) in before.iter_mut().zip(&*chains) {
                *block = _mm_aesenc_si128(*block, load(&chain.round_keys[round]));
            }
        }
        for (block, chain) in before.iter_mut().zip(&mut *chains) {
            *block = _mm_aesenclast_si128(*block, load(&chain.round_keys[KEYS - 1]));
            chain.rest[step] = store(*block);
        }
    }
    for (before, chain) in before.into_iter().zip(chains) {
        chain.before = store(before);
        chain.rest = &mut mem::take(&mut chain.rest)[steps..];
    }
}
