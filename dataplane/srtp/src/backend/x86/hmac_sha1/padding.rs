//! A message as the blocks SHA-1 wants (FIPS 180-4 §5.1.1): the whole ones where they lie, the end in a scratch buffer.

use super::MacJob;

pub(super) const BLOCK: usize = 64;
pub(super) type Block = [u8; BLOCK];

/// The blocks that are not plain message: its last bytes, the suffix, the end mark and the length. At most two, since
/// 63 + 4 + 1 + 8 bytes need no more.
pub(super) type Tail = [Block; 2];

/// The blocks of one message.
#[derive(Clone, Copy)]
pub(super) struct Blocks<'a> {
    whole: &'a [Block],
    tail: &'a [Block],
}

impl MacJob<'_> {
    /// How many blocks the inner hash of this job has, not counting the key's.
    pub(super) fn block_count(&self) -> usize {
        let bytes = self.message.len() + self.suffix.map_or(0, |suffix| suffix.len());
        (bytes + 8) / BLOCK + 1
    }
}

impl<'a> Blocks<'a> {
    pub(super) const EMPTY: Self = Self { whole: &[], tail: &[] };

    pub(super) fn new(job: &MacJob<'a>, tail: &'a mut Tail) -> Self {
        let (whole, rest) = job.message.as_chunks::<BLOCK>();
        let tail_count = job.block_count() - whole.len();
        let bytes = tail[..tail_count].as_flattened_mut();
        bytes.fill(0);
        bytes[..rest.len()].copy_from_slice(rest);
        let mut end = rest.len();
        let mut length = BLOCK + job.message.len();
        if let Some(suffix) = job.suffix {
            bytes[end..end + 4].copy_from_slice(&suffix);
            end += 4;
            length += 4;
        }
        bytes[end] = 0x80;
        if let Some(bits) = bytes.last_chunk_mut() {
            *bits = (8 * length as u64).to_be_bytes();
        }
        Self { whole, tail: &tail[..tail_count] }
    }

    pub(super) fn count(&self) -> usize {
        self.whole.len() + self.tail.len()
    }

    /// Block `index`, or the last one if there are fewer: lanes that have ended still read something.
    pub(super) fn at(&self, index: usize) -> &'a Block {
        match self.whole.get(index) {
            Some(block) => block,
            None => &self.tail[(index - self.whole.len()).min(self.tail.len() - 1)],
        }
    }
}
