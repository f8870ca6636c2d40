//! Why a session is ended with a failure. All of it is the phone's doing, or that of whoever
//! pretends to be one, unless it says otherwise.

use pki::CertificateFault;

use super::{Level, Phase, StringRefusal};
use crate::codec::{Command, DecodeError, Digest, EncodeError, KeySpec, Reason, SessionId};

/// Why the server ends a session with a failure.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// What came is no message.
    #[error("malformed message: {0}")]
    Malformed(#[from] DecodeError),
    /// It belongs to another session, or to none.
    #[error("a message of session {0}")]
    WrongSession(SessionId),
    /// A command that has no place here.
    #[error("unexpected {command} during {phase}")]
    Unexpected {
        /// What came.
        command: Command,
        /// What was going on.
        phase: Phase,
    },
    /// It speaks another version.
    #[error("{}", version(.0))]
    Version(Option<u8>),
    /// It does not say who it is, or says what no device is called.
    #[error("no usable device name")]
    DeviceName,
    /// Nobody by this name is administered here.
    #[error("unknown device")]
    UnknownDevice,
    /// Its authentication string is not accepted.
    #[error(transparent)]
    String(#[from] StringRefusal),
    /// Its certificate is not accepted.
    #[error("existing certificate: {0}")]
    Certificate(#[from] CertificateRefusal),
    /// The key it made is not accepted.
    #[error("new key: {0}")]
    Key(#[from] KeyRefusal),
    /// It made no key.
    #[error("it made no key{}", reason(.0))]
    KeyGeneration(Option<Reason>),
    /// It took too long.
    #[error("timeout during {0}")]
    TimedOut(Phase),
    /// The certificate that was issued does not fit into a message. Not the phone's fault.
    #[error(transparent)]
    TooLong(#[from] EncodeError),
    /// The result could not be recorded. Not the phone's fault.
    #[error("the result could not be recorded: {0}")]
    NotRecorded(String),
    /// Nobody answered a question in time. Not the phone's fault.
    #[error("no answer to a question about {0}")]
    NoAnswer(Phase),
}

impl Refusal {
    /// The number the phone is told.
    pub fn reason(&self) -> Reason {
        match self {
            Self::UnknownDevice => Reason::UNKNOWN_DEVICE,
            _ => Reason::INVALID,
        }
    }

    /// How loudly it is to be said.
    pub fn level(&self) -> Level {
        match self {
            Self::String(StringRefusal::NowLocked { .. } | StringRefusal::Locked { .. }) => {
                Level::Alarm
            }
            Self::Certificate(refusal) if refusal.is_forgery() => Level::Alarm,
            Self::TooLong(_) | Self::NotRecorded(_) | Self::NoAnswer(_) => Level::Alarm,
            _ => Level::Notice,
        }
    }
}

/// Why a phone's certificate does not authenticate it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CertificateRefusal {
    /// It has none, neither the preferred one nor the other.
    #[error("the phone shows none")]
    NoCertificate,
    /// It is none.
    #[error("{}", unreadable(.0))]
    Unreadable(#[from] CertificateFault),
    /// It was replaced, deleted or revoked.
    #[error("it was replaced, deleted or revoked")]
    Withdrawn,
    /// Wrong issuer, name or date.
    #[error(transparent)]
    Chain(#[from] ChainFault),
    /// SIGNED_DATA is missing.
    #[error("SIGNED_DATA is missing")]
    NoSignedData,
    /// SIGNED_DATA is wrong.
    #[error("SIGNED_DATA was not made with its key")]
    BadSignedData,
    /// SHA2_SIGNED_DATA is missing.
    #[error("SHA2_SIGNED_DATA is missing")]
    NoSha2SignedData,
    /// SHA2_SIGNED_DATA is made with the wrong hash.
    #[error("SHA2_SIGNED_DATA is made with digest {0}")]
    Digest(Digest),
    /// SHA2_SIGNED_DATA is wrong.
    #[error("SHA2_SIGNED_DATA was not made with its key")]
    BadSha2SignedData,
    /// No proof is bound to this session, and the settings ask for one.
    #[error("no proof is bound to this session")]
    NoSudi,
    /// The certificate in SUDI_DATA has the wrong issuer or name.
    #[error("SUDI_DATA: {0}")]
    SudiChain(ChainFault),
    /// A proof in SUDI_DATA is wrong, or of another session.
    #[error("SUDI_DATA was not made with its key, or not in this session")]
    BadSudi,
}

impl CertificateRefusal {
    /// Whether somebody shows what is not his, as far as that can be told.
    fn is_forgery(&self) -> bool {
        match self {
            Self::Chain(fault) | Self::SudiChain(fault) => {
                matches!(fault, ChainFault::OtherDevice(_))
            }
            Self::BadSignedData | Self::BadSha2SignedData | Self::BadSudi | Self::Withdrawn => true,
            _ => false,
        }
    }
}

/// Why a certificate does not chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// Its issuer is not trusted here.
    #[error("issued by {0}, which is not trusted here")]
    UnknownIssuer(String),
    /// It is another device's.
    #[error("it is the certificate of {0:?}")]
    OtherDevice(String),
    /// Its time has not come.
    #[error("it is not valid yet: compare the clocks")]
    NotYetValid,
    /// Its time is over.
    #[error("it has expired: use another authentication mode")]
    Expired,
}

/// Why a new key is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// It is none that can be used.
    #[error("not an RSA key or a point of a NIST curve")]
    NoKey,
    /// Not what was asked for.
    #[error("{made} instead of {asked}")]
    Other {
        /// What was asked for.
        asked: KeySpec,
        /// What came.
        made: String,
    },
    /// Its numbers cannot be a key's.
    #[error("its numbers cannot be those of a key")]
    Unsound,
}

fn version(found: &Option<u8>) -> String {
    match found {
        Some(version) => format!("it speaks version {version} of the protocol, not 3"),
        None => "it does not say which version of the protocol it speaks".to_owned(),
    }
}

fn reason(given: &Option<Reason>) -> String {
    given.map_or_else(String::new, |reason| format!(": reason {reason}"))
}

fn unreadable(fault: &CertificateFault) -> String {
    format!("it cannot be decoded: {fault}")
}
