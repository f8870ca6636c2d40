//! Frames: a header of eight bytes and a body. TLS delivers them in pieces of any size.
//!
//! ```text
//!  0         1         2                 6             8
//!  | 0x55    | command | session id      | body length | body …
//! ```

use std::fmt;

use zeroize::Zeroize;

use super::{Command, DecodeError};

/// The first byte of every frame.
pub const PROTOCOL_ID: u8 = 0x55;
/// Bytes before the body.
pub const HEADER: usize = 8;
/// Most bytes of a body that are taken or sent. A real message has two or three thousand.
pub const MAX_BODY: usize = 16 * 1024;

/// The number of a session: chosen by the server, repeated by the phone in every message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u32);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// A frame whose body was not looked at. It may hold a password: it is wiped when dropped, and
/// `Debug` says only how long it is.
pub struct Frame {
    /// What it is.
    pub command: Command,
    /// The session it belongs to.
    pub session: SessionId,
    /// Its elements, undecoded.
    pub body: Vec<u8>,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} session {} [{} bytes]", self.command, self.session, self.body.len())
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.body.zeroize();
    }
}

/// Puts frames together from pieces. Holds one frame at most, and refuses a header that promises
/// too much before anything is kept of its body.
#[derive(Default)]
pub struct Decoder {
    header: [u8; HEADER],
    filled: usize,
    body: Option<Frame>,
}

impl Decoder {
    /// Takes from the front of `input` what the next frame lacks, and gives the frame when it is
    /// whole; call again while `input` is not empty. `None` means that more has to come.
    ///
    /// After an error the stream has no meaning any more.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, DecodeError> {
        if self.body.is_none() {
            self.fill_header(input);
            if self.filled > 0 && self.header[0] != PROTOCOL_ID {
                return Err(DecodeError::ProtocolId(self.header[0]));
            }
            if self.filled < HEADER {
                return Ok(None);
            }
        }
        let [_, command, a, b, c, d, high, low] = self.header;
        let length = u16::from_be_bytes([high, low]);
        let wanted = usize::from(length);
        if wanted > MAX_BODY {
            return Err(DecodeError::BodyTooLong(length));
        }
        let mut frame = self.body.take().unwrap_or_else(|| Frame {
            command: Command(command),
            session: SessionId(u32::from_be_bytes([a, b, c, d])),
            body: Vec::with_capacity(wanted),
        });
        let lacking = wanted - frame.body.len();
        let (part, rest) = input.split_at(lacking.min(input.len()));
        frame.body.extend_from_slice(part);
        *input = rest;
        if frame.body.len() < wanted {
            self.body = Some(frame);
            return Ok(None);
        }
        self.filled = 0;
        Ok(Some(frame))
    }

    /// Whether something of a frame has come that is not whole yet.
    pub fn is_amid_frame(&self) -> bool {
        self.filled > 0
    }

    fn fill_header(&mut self, input: &mut &[u8]) {
        let taken = (HEADER - self.filled).min(input.len());
        let (part, rest) = input.split_at(taken);
        self.header[self.filled..self.filled + taken].copy_from_slice(part);
        self.filled += taken;
        *input = rest;
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decoder({} header bytes, {:?})", self.filled, self.body)
    }
}
