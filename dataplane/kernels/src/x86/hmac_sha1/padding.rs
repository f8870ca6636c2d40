//! A message as the blocks SHA-1 wants (FIPS 180-4 §5.1.1): the whole ones where they lie, the end in a scratch buffer.

use super::MacJob;

pub(super) const BLOCK: usize = 64;
pub(super) type Block = [u8; BLOCK];

impl MacJob<'_> {
    /// How many blocks the inner hash of this job has, not counting the key's.
    #[inline(always)]
    pub(super) fn block_count(&self) -> usize {
        (self.length() + 8) / BLOCK + 1
    }

    /// What stands at the end of the last block: the length of key block, message and suffix in bits.
    #[inline(always)]
    pub(super) fn final_length(&self) -> [u8; 8] {
        (8 * (BLOCK + self.length()) as u64).to_be_bytes()
    }

    /// Bytes of message and suffix.
    #[inline(always)]
    fn length(&self) -> usize {
        self.message.len() + self.suffix.map_or(0, |suffix| suffix.len())
    }
}

/// A message and its last blocks.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Padded<'a> {
    /// The blocks that are not plain message: its last bytes, the suffix, the end mark and the length. At most two, since
    /// 63 + 4 + 1 + 8 bytes need no more; and room in front of them, see [`Padded::set`].
    tail: [Block; 3],
    whole: &'a [Block],
    count: usize,
}

impl<'a> Padded<'a> {
    pub(super) const NONE: Self = Self { tail: [[0; BLOCK]; 3], whole: &[], count: 0 };

    /// Becomes the message of a job. Only [`Padded::NONE`] can: its blocks are zero.
    #[inline(always)]
    pub(super) fn set(&mut self, job: &MacJob<'a>) {
        let (whole, rest) = job.message.as_chunks::<BLOCK>();
        self.whole = whole;
        self.count = job.block_count();

        let bytes = self.tail.as_flattened_mut();
        let mut end = BLOCK + rest.len();
        match job.message.last_chunk::<BLOCK>() {
            // A whole block is copied faster than some number of bytes; what is too much falls into the first block.
            Some(last) => bytes[rest.len()..end].copy_from_slice(last),
            None => copy_short(rest, &mut bytes[BLOCK..end]),
        }
        if let Some(suffix) = job.suffix {
            bytes[end..end + 4].copy_from_slice(&suffix);
            end += 4;
        }
        bytes[end] = 0x80;
        if let Some(length) = self.tail[self.count - whole.len()].last_chunk_mut() {
            *length = job.final_length();
        }
    }

    #[inline(always)]
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Block `index`, or the last one if there are fewer: lanes that have ended still read something.
    #[inline(always)]
    pub(super) fn block(&self, index: usize) -> &Block {
        match self.whole.get(index) {
            Some(block) => block,
            None => &self.tail[1 + index.min(self.count - 1) - self.whole.len()],
        }
    }
}

/// A function of its own, or else the compiler makes one slow copy of this and the fast one.
#[cold]
#[inline(never)]
fn copy_short(message: &[u8], bytes: &mut [u8]) {
    bytes.copy_from_slice(message);
}
