//! The blocks of messages, padding included, in registers.

use std::arch::x86_64::*;

use super::super::MacJob;
use super::super::padding::BLOCK;

/// Messages side by side, and what they have in common.
#[derive(Clone, Copy)]
pub(super) struct Messages<'a, const N: usize> {
    pub(super) jobs: [&'a MacJob<'a>; N],
    /// Whether all are equally long. Then every one has the same bytes in the same places of a block.
    pub(super) alike: bool,
}

impl<'a, const N: usize> Messages<'a, N> {
    #[inline(always)]
    pub(super) fn new(jobs: &[&'a MacJob<'a>; N]) -> Self {
        let shape = |job: &MacJob<'_>| (job.message.len(), job.suffix.is_some());
        Self { jobs: *jobs, alike: jobs.iter().all(|job| shape(job) == shape(jobs[0])) }
    }

    /// How to load block `index`.
    #[inline(always)]
    pub(super) fn block(&self, index: usize) -> Block {
        if self.alike { Block::Alike(Shape::of(self.jobs[0], index)) } else { Block::Each(index) }
    }
}

/// A block of several messages.
pub(super) enum Block {
    /// Of this shape in all of them.
    Alike(Shape),
    /// The block of this number.
    Each(usize),
}

/// What is where in a block: bytes of the message, of the suffix, the end mark, the message's length.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    length: usize,
    start: usize,
    message: u64,
    suffix: u64,
    /// How far the suffix must be turned so that its bytes fall into place.
    turn: u32,
    end_mark: u64,
    /// In the last block, else zero.
    final_length: u64,
}

impl Shape {
    /// The shape of block `index` of a message.
    #[inline]
    fn of(job: &MacJob<'_>, index: usize) -> Self {
        let start = BLOCK * index;
        // Where the message ends, which may be some bytes before this block, or behind it.
        let end = job.message.len() as isize - start as isize;
        let from_end = |bytes: u64| match u32::try_from(end) {
            Ok(after) => bytes.checked_shl(after).unwrap_or(0),
            Err(_) => bytes.checked_shr(end.unsigned_abs() as u32).unwrap_or(0),
        };
        let suffix_bytes = if job.suffix.is_some() { 0b1111 } else { 0 };
        let last = index + 1 == job.block_count();
        Self {
            length: job.message.len(),
            start,
            message: match u32::try_from(end) {
                Ok(after) => 1u64.checked_shl(after).map_or(u64::MAX, |bit| bit - 1),
                Err(_) => 0,
            },
            suffix: from_end(suffix_bytes),
            turn: 8 * (end & 3) as u32,
            end_mark: from_end(suffix_bytes + 1),
            final_length: if last { u64::from_ne_bytes(job.final_length()) } else { 0 },
        }
    }

    /// The block of that shape of a message.
    ///
    /// # Panics
    /// If the message has another length than the one that the shape is of.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn load(&self, job: &MacJob<'_>) -> __m512i {
        assert_eq!(job.message.len(), self.length, "messages of one shape are equally long");
        let address = job.message.as_ptr().wrapping_add(self.start);
        // SAFETY: bit `i` of the mask is set only if `start + i` is less than the message's length, so the load stays
        // within the message.
        let message = unsafe { _mm512_maskz_loadu_epi8(self.message, address.cast()) };
        let suffix = u32::from_ne_bytes(job.suffix.unwrap_or_default()).rotate_left(self.turn);
        let suffix = _mm512_mask_mov_epi8(message, self.suffix, _mm512_set1_epi32(suffix as i32));
        let end_mark = _mm512_maskz_set1_epi8(self.end_mark, -0x80);
        let length = _mm512_maskz_set1_epi64(0b1000_0000, self.final_length as i64);
        _mm512_or_si512(suffix, _mm512_or_si512(end_mark, length))
    }
}

/// Block `index` of a message of any shape.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn load(job: &MacJob<'_>, index: usize) -> __m512i {
    match job.message.as_chunks::<BLOCK>().0.get(index) {
        // SAFETY: a block is as long as a register, and the load needs no alignment.
        Some(block) => unsafe { _mm512_loadu_si512(block.as_ptr().cast()) },
        None => Shape::of(job, index).load(job),
    }
}
