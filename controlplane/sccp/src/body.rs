//! Reading and writing the body of a message.

use std::fmt;

use zeroize::Zeroizing;

use crate::session::{EncodeError, Secrecy, Session};
use crate::version::Version;

/// A part of a body: a number, a string, a block of other fields.
pub(crate) trait Field: Default + PartialEq + fmt::Display {
    /// Takes it from the input; what the input lacks is zero.
    fn read(input: &mut Input<'_>) -> Self;

    /// Appends it to the output.
    fn write(&self, output: &mut Output);
}

/// What makes a body unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// Without its end the message means nothing.
    #[error("its body has {found} bytes, at least {minimum} are needed")]
    TooShort {
        /// Bytes that are there.
        found: usize,
        /// Bytes without which nobody can use it.
        minimum: usize,
    },
    /// A length that the body cannot have.
    #[error("it announces {announced} bytes of data where {possible} are possible")]
    DataLength {
        /// Bytes announced.
        announced: u32,
        /// The limit for this message, or what its body holds if that is less.
        possible: usize,
    },
}

/// A body to be read, from front to back.
pub(crate) struct Input<'a> {
    rest: &'a [u8],
    length: usize,
    /// Version of the session.
    pub version: Version,
    /// Whether addresses are in their long form, as the length of the body shows.
    pub wide: bool,
    /// Length of data further behind, as announced.
    pub announced: u32,
    /// A count was above its limit.
    pub excess: bool,
    /// Set by who finds one.
    pub defect: Option<Defect>,
}

impl<'a> Input<'a> {
    pub(crate) fn new(body: &'a [u8], version: Version) -> Self {
        Self {
            rest: body,
            length: body.len(),
            version,
            wide: false,
            announced: 0,
            excess: false,
            defect: None,
        }
    }

    /// Length of the whole body.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// What was not yet read.
    pub(crate) fn remaining(&self) -> &'a [u8] {
        self.rest
    }

    /// The next bytes; fewer if there are not so many.
    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// Fills `bytes`; what the body lacks stays as it is.
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        let taken = self.take(bytes.len());
        bytes[..taken.len()].copy_from_slice(taken);
    }

    /// The next bytes, with zeros for those that are not there.
    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

/// Enough for every message with keys, so that no key is left behind by growing.
const CAPACITY: usize = 256;

/// A message being written.
pub(crate) struct Output {
    bytes: Zeroizing<Vec<u8>>,
    /// Version and secrecy of the session.
    pub session: Session,
    /// Set by who finds one.
    pub defect: Option<EncodeError>,
    /// Where fields start, to be compared with the tables.
    #[cfg(test)]
    pub starts: Vec<usize>,
}

impl Output {
    pub(crate) fn new(session: Session) -> Self {
        Self {
            bytes: Zeroizing::new(Vec::with_capacity(CAPACITY)),
            session,
            defect: None,
            #[cfg(test)]
            starts: Vec::new(),
        }
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends zeros until there are `length` bytes.
    pub(crate) fn pad_to(&mut self, length: usize) {
        if self.bytes.len() < length {
            self.bytes.resize(length, 0);
        }
    }

    pub(crate) fn zeros(&mut self, count: usize) {
        self.pad_to(self.length() + count);
    }

    /// Appends zeros up to the next multiple of four.
    pub(crate) fn align(&mut self) {
        self.pad_to(self.length().next_multiple_of(4));
    }

    pub(crate) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Says that a key was written.
    pub(crate) fn holds_key(&mut self) {
        debug_assert!(self.bytes.capacity() == CAPACITY, "messages with keys are short");
        if self.session.secrecy == Secrecy::Exposed {
            self.defect = Some(EncodeError::KeyExposed);
        }
    }

    /// Notes where a field starts.
    #[cfg(test)]
    pub(crate) fn field_starts(&mut self) {
        self.starts.push(self.bytes.len());
    }

    /// Notes nothing.
    #[cfg(not(test))]
    pub(crate) fn field_starts(&mut self) {}

    pub(crate) fn finish(self) -> Result<Zeroizing<Vec<u8>>, EncodeError> {
        self.defect.map_or(Ok(self.bytes), Err)
    }

    /// Overwrites four bytes that were written before.
    pub(crate) fn set_u32(&mut self, at: usize, value: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
}
