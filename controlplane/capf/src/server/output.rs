//! What a session asks of the outside, and what it is answered.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pki::{Certificate, CertificateFault};
use zeroize::Zeroizing;

use super::{
    Assignment, Authenticated, CheckedKey, MatchedString, Operation, Refusal, StringClaim,
    StringRefusal, Ticket, Trace,
};
use crate::DeviceName;
use crate::codec::{CertificateType, Reason};

/// What a session wants done.
#[derive(Debug)]
pub enum Output {
    /// Write this with one TLS write: a message in two pieces stalls phones.
    Send(Zeroizing<Vec<u8>>),
    /// Question: what is to be done with this device? Answer with [`Answer::Device`].
    LookUp(DeviceName),
    /// Question: is this the device's string? Let [`super::Lockout::check`] say, and answer with
    /// [`Answer::String`].
    CheckString(StringClaim),
    /// Question: a certificate for this key. Answer with [`Answer::Certificate`].
    Issue(Box<Issue>),
    /// Question: keep this result. Answer with [`Answer::Recorded`] when it is durable.
    Record(Record),
    /// For the trace.
    Event(Trace),
    /// Close the connection: `close_notify`, and do not wait for the phone's. The last output.
    Close(Ended),
}

/// An answer to the session's question. One that is not open any more is dropped.
#[derive(Debug)]
pub enum Answer {
    /// To [`Output::LookUp`].
    Device(LookedUp),
    /// To [`Output::CheckString`].
    String(Result<MatchedString, StringRefusal>),
    /// To [`Output::Issue`].
    Certificate(Issuance),
    /// To [`Output::Record`]: kept, or why not.
    Recorded(Result<(), String>),
}

/// What is known of a device.
#[derive(Debug)]
pub enum LookedUp {
    /// Nothing. Devices are never made from what a phone says.
    Unknown,
    /// It has to wait: the store does not answer, or everybody is busy.
    NotNow(Duration),
    /// This.
    Known(Box<Assignment>),
}

/// A request for a certificate. It exists only for a device that authenticated and a key that was
/// checked.
#[derive(Debug)]
pub struct Issue {
    pub(super) authenticated: Arc<Authenticated>,
    pub(super) key: CheckedKey,
    pub(super) ticket: Ticket,
}

impl Issue {
    /// Whom the certificate is for.
    pub fn device(&self) -> &DeviceName {
        self.authenticated.device()
    }

    /// How the device showed that it is itself.
    pub fn authenticated(&self) -> &Authenticated {
        &self.authenticated
    }

    /// The key to certify.
    pub fn key(&self) -> &CheckedKey {
        &self.key
    }

    /// The operation it belongs to.
    pub fn ticket(&self) -> Ticket {
        self.ticket
    }
}

/// What came of a request for a certificate.
#[derive(Debug)]
pub enum Issuance {
    /// A certificate. It must certify the key that was asked for.
    Ready(Box<Certificate>),
    /// The authority needs more time. The phone is told to come back; hand the certificate over as
    /// [`Assignment::ready`] when it does.
    Pending(Duration),
    /// None, and why.
    Refused(String),
}

/// A result to be kept.
#[derive(Debug)]
pub struct Record {
    /// Whose.
    pub device: DeviceName,
    /// The operation it belongs to: refuse it if that is no longer the device's pending one.
    pub ticket: Ticket,
    /// What was to be done.
    pub operation: Operation,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an operation.
#[derive(Debug)]
pub enum Outcome {
    /// Success: the phone keeps this LSC. The operation is done and its string is spent.
    Installed(Box<Certificate>),
    /// Success: the phone has no LSC any more. The operation is done and its string is spent.
    Deleted,
    /// Success: these are the phone's certificates, one trace each. The operation is done and its
    /// string is spent.
    Shown(Vec<ShownCertificate>),
    /// Key generation failed so many times by now; the operation stays pending.
    AttemptFailed(u32),
    /// Failed. The operation stays pending where [`Failure::is_final`] is false.
    Failed(Failure),
}

/// A certificate that a phone showed.
#[derive(Debug)]
pub struct ShownCertificate {
    /// Which of its certificates it is said to be.
    pub kind: CertificateType,
    /// DER, as it came.
    pub der: Vec<u8>,
    /// The same decoded, or why that cannot be done. Nothing is said about its issuer.
    pub certificate: Result<Certificate, CertificateFault>,
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Its time was over.
    #[error("it was not completed in time")]
    Expired,
    /// The phone made no key in as many attempts as are allowed.
    #[error("no key after {0} attempts")]
    KeyGeneration(u32),
    /// The phone refused, with this number.
    #[error("the phone gave reason {0}")]
    Phone(Reason),
    /// The phone says that it shows its certificates, and shows none.
    #[error("the phone showed no certificate")]
    NothingShown,
    /// The issuer refused.
    #[error("no certificate: {0}")]
    NotIssued(String),
}

impl Failure {
    /// Whether the operation is over. Otherwise the phone may try again.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Expired | Self::KeyGeneration(_))
    }
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// The operation was carried out.
    Done,
    /// Nothing was to be done.
    NothingScheduled,
    /// The operation was carried out and failed, or could not be in time.
    Failed(Failure),
    /// The phone was refused.
    Refused(Refusal),
    /// The phone shall come back after this time.
    RetryLater(Duration),
    /// The phone gave up.
    AbortedByPhone,
    /// We gave up.
    AbortedHere,
    /// The phone closed the connection, or it broke; the operation stays pending.
    Lost {
        /// What was going on.
        phase: Phase,
        /// It went right after the first question or the key request, as early phones do that
        /// cannot read them: talk to it in [`super::Profile::Legacy`] the next time.
        try_legacy: bool,
    },
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::NothingScheduled => f.write_str("no pending operation"),
            Self::Failed(failure) => write!(f, "failed: {failure}"),
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
            Self::RetryLater(delay) => write!(f, "to come back in {} s", delay.as_secs()),
            Self::AbortedByPhone => f.write_str("aborted by the phone"),
            Self::AbortedHere => f.write_str("aborted here"),
            Self::Lost { phase, .. } => write!(f, "connection lost during {phase}"),
        }
    }
}

/// What a session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Waiting for AUTH_RES, or asking who that is.
    Authentication,
    /// Waiting for the phone's key.
    KeyGeneration,
    /// Waiting for the issuer.
    Issuing,
    /// Waiting for the phone to keep the certificate.
    Storing,
    /// Waiting for the phone to delete its LSC.
    Deleting,
    /// Waiting for the phone to show its certificates.
    Troubleshooting,
    /// Waiting for the result to be recorded.
    Recording,
    /// Waiting for the answer to ABORT_REQ.
    Aborting,
    /// Nothing.
    Ended,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authentication => "authentication",
            Self::KeyGeneration => "key generation",
            Self::Issuing => "issuing",
            Self::Storing => "storing",
            Self::Deleting => "deleting",
            Self::Troubleshooting => "troubleshooting",
            Self::Recording => "recording",
            Self::Aborting => "aborting",
            Self::Ended => "nothing",
        })
    }
}
