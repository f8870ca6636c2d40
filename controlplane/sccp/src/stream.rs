//! Reading messages from a stream of bytes.

use zeroize::Zeroizing;

use crate::message::{BodyError, Decoded, Message, MessageId};
use crate::session::{BEFORE_LENGTH_COUNTS, HEADER, Pdu};
use crate::version::Version;

/// Most bytes of a message, header and all, from a telephone that did not register yet.
pub const LIMIT_BEFORE_REGISTER: usize = 1024;
/// Most bytes of a message from a telephone that is registered.
pub const LIMIT_REGISTERED: usize = 4096;

/// One direction of a connection: takes bytes as they come and gives messages. It holds one
/// unfinished message at most.
#[derive(Debug)]
pub struct Stream {
    version: Version,
    limit: usize,
    pending: Zeroizing<Vec<u8>>,
}

/// A message out of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// What its header says; nothing follows from it.
    pub header_version: u32,
    /// The message. If it is unusable the stream goes on behind it.
    pub decoded: Result<Decoded, BodyError>,
}

impl Received {
    /// Whether the header's version is one that anybody uses.
    pub fn is_header_known(&self) -> bool {
        self.header_version <= Version::MAX.number().into()
    }
}

/// Where a stream ends, because nobody knows where its next message begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// A length without room for a message id.
    #[error("a message announces a length of {0}, which none has")]
    TooShort(u32),
    /// A length above the limit.
    #[error("a message announces a length of {length}; at most {limit} bytes are accepted")]
    TooLong {
        /// As announced.
        length: u32,
        /// Of a message with its header.
        limit: usize,
    },
}

impl Stream {
    /// A stream from its beginning, in the oldest version, with the limit for strangers.
    pub fn new() -> Self {
        Self { version: Version::MIN, limit: LIMIT_BEFORE_REGISTER, pending: Zeroizing::default() }
    }

    /// Says what was agreed on: from the next message on.
    pub fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    /// Says how long messages may be, header and all: from the next message on.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Whether a message has begun and not ended: one that stays so for long is an attack.
    pub fn is_within_message(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Takes bytes off the input until a message is complete. `None`: all were taken, and more are
    /// needed. An error is final.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Received>, StreamError> {
        Ok(self.next_pdu(input)?.map(|pdu| self.decode(&pdu)))
    }

    /// What [`Stream::next_pdu`] gave, as a message.
    pub fn decode(&self, pdu: &Pdu) -> Received {
        let (header, body) = pdu.split_at(HEADER);
        let id = MessageId(u32_at(header, 8));
        Received {
            header_version: u32_at(header, 4),
            decoded: Message::decode(id, body, self.version),
        }
    }

    /// As [`Stream::next`], with the message as it came, header and all.
    pub fn next_pdu(&mut self, input: &mut &[u8]) -> Result<Option<Pdu>, StreamError> {
        if !self.take_until(LENGTH, input) {
            return Ok(None);
        }
        let total = self.total()?;
        if !self.take_until(total, input) {
            return Ok(None);
        }
        Ok(Some(std::mem::take(&mut self.pending)))
    }

    /// Takes bytes until there are `wanted`; says whether there are.
    fn take_until(&mut self, wanted: usize, input: &mut &[u8]) -> bool {
        if self.pending.len() < wanted {
            // All at once: growing would leave copies of what is secret.
            let missing = wanted - self.pending.len();
            self.pending.reserve_exact(missing);
            let (taken, rest) = input.split_at(missing.min(input.len()));
            self.pending.extend_from_slice(taken);
            *input = rest;
        }
        self.pending.len() >= wanted
    }

    /// Bytes of the message that has begun, header and all.
    fn total(&self) -> Result<usize, StreamError> {
        let length = u32_at(&self.pending, 0);
        let total = usize::try_from(length).unwrap_or(usize::MAX);
        match total.saturating_add(BEFORE_LENGTH_COUNTS) {
            ..HEADER => Err(StreamError::TooShort(length)),
            total if total > self.limit => Err(StreamError::TooLong { length, limit: self.limit }),
            total => Ok(total),
        }
    }
}

impl Default for Stream {
    fn default() -> Self {
        Self::new()
    }
}

/// Bytes of the length itself.
const LENGTH: usize = 4;

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let four = bytes[at..at + 4].try_into().expect("the slice has four bytes");
    u32::from_le_bytes(four)
}
