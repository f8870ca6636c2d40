//! What the phone's machine wants done, and how it ends.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::codec::{
    CertificateEntry, Command, DecodeError, EncodeError, KeySpec, Message, Reason, SessionId,
};

/// What a session wants done.
#[derive(Debug)]
pub enum Output {
    /// Write this.
    Send(Zeroizing<Vec<u8>>),
    /// Make a key pair, at low priority, and keep it until there is a certificate for it. Answer
    /// with [`Answer::Key`].
    MakeKey(KeySpec),
    /// Keep this certificate together with the key that was made for it, both or neither. Answer
    /// with [`Answer::Stored`].
    Store(CertificateEntry),
    /// Forget the locally significant certificate and its key. Answer with [`Answer::Deleted`].
    Delete,
    /// For the trace.
    Event(Event),
    /// Close the connection. The last output.
    Close(Conclusion),
}

/// What came of something. An answer to nothing is dropped.
#[derive(Debug)]
pub enum Answer {
    /// DER SubjectPublicKeyInfo of the new key; `None` if there is none.
    Key(Option<Vec<u8>>),
    /// Whether the certificate is kept now: it is for the key, and the flash took it.
    Stored(bool),
    /// Whether there was a certificate, and it is gone.
    Deleted(bool),
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// A message came.
    Received(Message),
    /// A message goes.
    Sent(Message),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Received(message) => write!(f, "< {message}"),
            Self::Sent(message) => write!(f, "> {message}"),
        }
    }
}

/// How a session ended, for the phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// The server ended it in good order, with "success" or "no action".
    Ended(Reason),
    /// The server ended it with a failure.
    Refused(Reason),
    /// The server wants to be asked again, after this time if it said one.
    RetryLater(Option<Duration>),
    /// The server gave up.
    AbortedByServer,
    /// The user pressed Stop.
    Stopped,
    /// The connection broke, or the server said nothing any more.
    Lost,
    /// The server does not follow the protocol.
    Fault(Fault),
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(reason) => write!(f, "ended: reason {reason}"),
            Self::Refused(reason) => write!(f, "refused: reason {reason}"),
            Self::RetryLater(Some(delay)) => write!(f, "again in {} s", delay.as_secs()),
            Self::RetryLater(None) => f.write_str("again later"),
            Self::AbortedByServer => f.write_str("aborted by the server"),
            Self::Stopped => f.write_str("stopped"),
            Self::Lost => f.write_str("connection lost"),
            Self::Fault(fault) => write!(f, "{fault}"),
        }
    }
}

/// What a server did wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// What came is no message.
    #[error("malformed message: {0}")]
    Malformed(#[from] DecodeError),
    /// It belongs to another session.
    #[error("a message of session {0}")]
    WrongSession(SessionId),
    /// A command that has no place here.
    #[error("unexpected {0}")]
    Unexpected(Command),
    /// It speaks another version.
    #[error("it speaks version {0} of the protocol, not 3")]
    Version(u8),
    /// The phone's own answer does not fit into a message.
    #[error(transparent)]
    TooLong(#[from] EncodeError),
    /// The phone's own key does not sign.
    #[error("the phone's key does not sign: {0}")]
    CannotSign(String),
}
