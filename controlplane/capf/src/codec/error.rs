//! What can be wrong with bytes.

use super::{Command, Tag};

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The first byte is another protocol's.
    #[error("protocol id {0:#04x} instead of 0x55: the peer does not speak CAPF")]
    ProtocolId(u8),
    /// The header promises more than [`super::MAX_BODY`].
    #[error("a body of {0} bytes: at most 16384 are taken")]
    BodyTooLong(u16),
    /// The body ends inside an element's tag and length.
    #[error("the body ends inside the head of {0}")]
    Truncated(Tag),
    /// An element is longer than the body.
    #[error("{0} runs past the end of the body")]
    Overrun(Tag),
    /// A value whose length its tag does not allow.
    #[error("{tag} has {found} bytes")]
    Length {
        /// The element.
        tag: Tag,
        /// Bytes it has.
        found: usize,
    },
    /// An element that may occur once occurs twice.
    #[error("{0} occurs twice")]
    Duplicate(Tag),
    /// An element without which the command means nothing.
    #[error("{command} without {tag}")]
    Missing {
        /// The command.
        command: Command,
        /// What it lacks.
        tag: Tag,
    },
    /// A value that its element is not known to have.
    #[error("{tag} is {value}")]
    Value {
        /// The element.
        tag: Tag,
        /// What it says.
        value: u8,
    },
    /// Entries of a certificate list, or parts of a proof, that do not fit their element.
    #[error("the parts of {0} do not fill it")]
    Parts(Tag),
}

/// Why a message cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// It does not fit into a frame.
    #[error("{command} would have a body of {length} bytes: at most 16384 are sent")]
    TooLong {
        /// What was to be sent.
        command: Command,
        /// Bytes it would have.
        length: usize,
    },
    /// A list counts its certificates in one byte.
    #[error("{0} certificates in one message: at most 255 are sent")]
    TooManyCertificates(usize),
}
