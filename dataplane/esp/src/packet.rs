//! A packet in a buffer, with room on both sides.

use std::ops::Range;

use crate::inbound::Opening;
use crate::outbound::Sealing;
use crate::{DropReason, Verdict};

/// Octets in front of a packet that are always enough: an outer IPv6 header, UDP, ESP, an
/// initialization vector.
pub const HEADROOM: usize = 40 + 8 + 8 + 16;
/// Octets behind a packet that are always enough without TFC padding: padding, trailer, ICV.
pub const TAILROOM: usize = 15 + 2 + 16;

/// An IP packet to work on, and what came of it.
///
/// ```text
/// |<----------------- buffer ----------------->|
/// |  headroom   |       packet      | tailroom |
///               ^ range.start       ^ range.end
/// ```
#[derive(Debug)]
pub struct Packet<'p> {
    buffer: &'p mut [u8],
    range: Range<usize>,
    /// What came of it; [`Verdict::Bypass`] before anything did.
    pub verdict: Verdict,
    /// What is still to be done with it while its burst is worked on.
    pub(crate) work: Option<Work>,
}

/// What is done with all packets of a burst at once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    Seal(Sealing),
    Open(Opening),
}

impl<'p> Packet<'p> {
    /// The packet in `range` of `buffer`.
    ///
    /// # Panics
    ///
    /// When the range does not lie in the buffer.
    pub fn new(buffer: &'p mut [u8], range: Range<usize>) -> Self {
        assert!(
            range.start <= range.end && range.end <= buffer.len(),
            "a packet outside its buffer"
        );
        Self { buffer, range, verdict: Verdict::Bypass, work: None }
    }

    /// The packet.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.range.clone()]
    }

    /// Where in its buffer the packet lies now.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[self.range.clone()]
    }

    /// Takes `by` octets off the front.
    pub(crate) fn cut_front(&mut self, by: usize) {
        self.range.start += by;
        debug_assert!(self.range.start <= self.range.end);
    }

    /// Makes the packet `len` octets long.
    pub(crate) fn set_len(&mut self, len: usize) {
        self.range.end = self.range.start + len;
        debug_assert!(self.range.end <= self.buffer.len());
    }

    /// Makes room: `front` octets before the packet, `back` behind it. Their content is arbitrary.
    pub(crate) fn grow(&mut self, front: usize, back: usize) -> Result<(), DropReason> {
        let start = self.range.start.checked_sub(front).ok_or(DropReason::NoRoom)?;
        if back > self.buffer.len() - self.range.end {
            return Err(DropReason::NoRoom);
        }
        self.range = start..self.range.end + back;
        Ok(())
    }
}
