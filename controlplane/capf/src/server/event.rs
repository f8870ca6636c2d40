//! What a session says in the trace. Never a password or a key.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::{Ended, Failure, ShownCertificate};
use crate::DeviceName;
use crate::codec::{CertificateType, KeySpec, Message, SessionId};

/// A line of the trace.
#[derive(Debug)]
pub struct Trace {
    /// The session.
    pub session: SessionId,
    /// The device, as soon as the phone has said who it is. That it told the truth is shown by
    /// [`Event::Authenticated`] only.
    pub device: Option<DeviceName>,
    /// What happened.
    pub event: Event,
}

/// How loudly something is to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// For those who look for a fault.
    Detail,
    /// For the log.
    Notice,
    /// Somebody should look.
    Alarm,
}

/// What happened in a session.
#[derive(Debug)]
pub enum Event {
    /// A connection.
    Started(IpAddr),
    /// A message came.
    Received(Message),
    /// A message goes.
    Sent(Message),
    /// The phone is who it says it is; how it showed that.
    Authenticated(String),
    /// The phone showed its other certificate, for want of the preferred one.
    FellBack {
        /// The preferred one.
        preferred: CertificateType,
        /// What it showed.
        shown: CertificateType,
    },
    /// It made a key that is what was asked for.
    KeyMade(KeySpec),
    /// A certificate that it showed, and how it describes itself.
    Shown(CertificateType, String),
    /// A certificate goes to the phone.
    Issued {
        /// Serial number, in hex.
        serial: String,
        /// Who issued it.
        issuer: String,
    },
    /// It has to come back.
    NotNow(Duration),
    /// The session is over.
    Ended(Ended),
}

impl Event {
    /// How loudly it is to be said.
    pub fn level(&self) -> Level {
        match self {
            Self::Ended(Ended::Refused(refusal)) => refusal.level(),
            Self::Ended(Ended::Failed(Failure::NotIssued(_))) => Level::Alarm,
            Self::Started(_) | Self::Received(_) | Self::Sent(_) => Level::Detail,
            _ => Level::Notice,
        }
    }

    pub(super) fn shown(shown: &ShownCertificate) -> Self {
        let text = match &shown.certificate {
            Ok(certificate) => format!(
                "{}, issued by {}, serial {}, SHA-256 {}",
                certificate.subject(),
                certificate.issuer(),
                pki::certificate::hex(certificate.serial()),
                certificate.fingerprint(),
            ),
            Err(fault) => format!("cannot be decoded: {fault}"),
        };
        Self::Shown(shown.kind, text)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started(from) => write!(f, "connection from {from}"),
            Self::Received(message) => write!(f, "< {message}"),
            Self::Sent(message) => write!(f, "> {message}"),
            Self::Authenticated(means) => write!(f, "authenticated {means}"),
            Self::FellBack { preferred, shown } => {
                write!(f, "it has no {preferred} and shows its {shown}")
            }
            Self::KeyMade(key) => write!(f, "made a key: {key}"),
            Self::Shown(kind, text) => write!(f, "its {kind}: {text}"),
            Self::Issued { serial, issuer } => {
                write!(f, "certificate {serial} issued by {issuer}")
            }
            Self::NotNow(delay) => write!(f, "not now: again in {} s", delay.as_secs()),
            Self::Ended(ended) => write!(f, "ended: {ended}"),
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session {}", self.session)?;
        if let Some(device) = &self.device {
            write!(f, " {device}")?;
        }
        write!(f, " {}", self.event)
    }
}
