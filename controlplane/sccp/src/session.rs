//! Writing messages.

use zeroize::Zeroizing;

use crate::body::Output;
use crate::message::Message;
use crate::server::{KeepAliveAck, RegisterAck, UnregisterAck};
use crate::version::Version;

/// A message with its header, ready to be sent with one call; erased when dropped.
pub type Pdu = Zeroizing<Vec<u8>>;

/// What decides how messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// The version that the two sides agreed on; before that, the writer's own.
    pub version: Version,
    /// Who can read what is written.
    pub secrecy: Secrecy,
}

/// Who can read a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// The two ends only: TLS with a suite that encrypts, and the telephone is who it says.
    Confidential,
    /// Anybody: TCP, or TLS with a NULL suite.
    Exposed,
}

/// Why a message must not or cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A media key, in a session that anybody can read.
    #[error("a media key must not be sent over a connection without encryption")]
    KeyExposed,
    /// An IPv6 address in a version that has no place for it.
    #[error("this version of the protocol knows IPv4 addresses only")]
    AddressFamily,
}

impl Session {
    /// Writes a message.
    pub fn encode(&self, message: &Message) -> Result<Pdu, EncodeError> {
        let mut output = Output::new(*self);
        output.zeros(HEADER);
        message.write(&mut output);
        let length = output.length() - BEFORE_LENGTH_COUNTS;
        output.set_u32(0, u32::try_from(length).expect("no message has 4 GB"));
        output.set_u32(4, self.header_version(message));
        output.set_u32(8, message.id().0);
        output.finish()
    }

    /// Servers send three answers under 0 always.
    fn header_version(&self, message: &Message) -> u32 {
        match message.id() {
            RegisterAck::ID | KeepAliveAck::ID | UnregisterAck::ID => 0,
            _ => self.version.in_header(),
        }
    }
}

/// Bytes before the body.
pub(crate) const HEADER: usize = 12;
/// Bytes before those that the length counts.
pub(crate) const BEFORE_LENGTH_COUNTS: usize = 8;
