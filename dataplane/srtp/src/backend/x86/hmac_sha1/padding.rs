//! A message as the blocks SHA-1 wants (FIPS 180-4 §5.1.1): the whole ones where they lie, the end in a scratch buffer.

use std::mem::MaybeUninit;

use super::MacJob;

pub(super) const BLOCK: usize = 64;
pub(super) type Block = [u8; BLOCK];

/// Room for the blocks that are not plain message: its last bytes, the suffix, the end mark and the length. At most two,
/// since 63 + 4 + 1 + 8 bytes need no more; and one in front of them for [`Tail::of`].
#[repr(align(64))]
pub(super) struct Tail(pub(super) [Block; 3]);

/// The blocks of one message.
#[derive(Clone, Copy)]
pub(super) struct Blocks<'a> {
    pub(super) whole: &'a [Block],
    tail: &'a [Block],
}

impl MacJob<'_> {
    /// How many blocks the inner hash of this job has, not counting the key's.
    #[inline(always)]
    pub(super) fn block_count(&self) -> usize {
        (self.length() + 8) / BLOCK + 1
    }

    /// Bytes of message and suffix.
    #[inline(always)]
    fn length(&self) -> usize {
        self.message.len() + self.suffix.map_or(0, |suffix| suffix.len())
    }
}

impl<'a> Blocks<'a> {
    pub(super) const NONE: Self = Self { whole: &[], tail: &[] };

    /// `tail` begins with the rest of the message, as [`Tail::of`] writes it.
    #[inline(always)]
    pub(super) fn new(job: &MacJob<'a>, Tail(tail): &'a mut Tail) -> Self {
        let (whole, partial) = job.message.as_chunks::<BLOCK>();
        let tail = &mut tail[1..1 + job.block_count() - whole.len()];
        let bytes = tail.as_flattened_mut();
        let mut end = partial.len();
        if let Some(suffix) = job.suffix {
            bytes[end..end + 4].copy_from_slice(&suffix);
            end += 4;
        }
        bytes[end] = 0x80;
        let bits = 8 * (BLOCK + job.length()) as u64;
        if let Some(length) = bytes.last_chunk_mut() {
            *length = bits.to_be_bytes();
        }
        Self { whole, tail }
    }

    #[inline(always)]
    pub(super) fn count(&self) -> usize {
        self.whole.len() + self.tail.len()
    }

    /// Block `index`, or the last one if there are fewer: lanes that have ended still read something.
    #[inline(always)]
    pub(super) fn at(&self, index: usize) -> &'a Block {
        match self.whole.get(index) {
            Some(block) => block,
            None => &self.tail[(index - self.whole.len()).min(self.tail.len() - 1)],
        }
    }
}

impl Tail {
    /// The bytes of the message after its whole blocks, at the start of the second block, and zeros.
    #[inline(always)]
    pub(super) fn of<'t>(message: &[u8], tail: &'t mut MaybeUninit<Self>) -> &'t mut Self {
        let tail = tail.write(Self([[0; BLOCK]; 3]));
        let bytes = tail.0.as_flattened_mut();
        let length = message.len() % BLOCK;
        match message.last_chunk::<BLOCK>() {
            // A whole block is copied faster than some number of bytes; what is too much falls into the first block.
            Some(last) => bytes[length..length + BLOCK].copy_from_slice(last),
            None => copy_short(message, &mut bytes[BLOCK..BLOCK + length]),
        }
        tail
    }
}

/// A function of its own, or else the compiler makes one slow copy of this and the fast one.
#[cold]
#[inline(never)]
fn copy_short(message: &[u8], bytes: &mut [u8]) {
    bytes.copy_from_slice(message);
}
