//! What is to be done with a device.

use std::time::SystemTime;

use pki::Certificate;
use serde::{Deserialize, Serialize};

use crate::codec::{AuthType, CertificateType, KeySpec};

/// What the store knows of a device when its phone calls.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The operation's number. It comes back with every [`super::Record`], so that a record of an
    /// operation that was changed or finished meanwhile can be refused.
    pub ticket: Ticket,
    /// What shall be done.
    pub operation: Operation,
    /// How the phone has to authenticate.
    pub mode: AuthMode,
    /// Operation Completes By; an operation is not carried out from this moment on.
    pub complete_by: Option<SystemTime>,
    /// How often key generation has failed for this operation.
    pub failed_attempts: u32,
    /// Which dialect the phone speaks.
    pub profile: Profile,
    /// A certificate issued for this operation after an earlier session had ended. It is delivered
    /// without asking for another key.
    pub ready: Option<Certificate>,
    /// Certificates of the device that were replaced, deleted or revoked. They prove nothing any
    /// more: proofs made with them may have been recorded.
    pub withdrawn: Vec<Fingerprint>,
}

/// The number of one operation of one device; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ticket(pub u64);

/// SHA-256 of a certificate in lower-case hex: [`Certificate::fingerprint`].
pub type Fingerprint = String;

/// Certificate Operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// No Pending Operation.
    None,
    /// Install/Upgrade: a fresh key of this kind, and a certificate for it.
    Install(KeySpec),
    /// Delete the LSC. A MIC is never deleted.
    Delete,
    /// Show LSC and MIC.
    Troubleshoot,
}

/// Authentication Mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthMode {
    /// By Authentication String.
    String,
    /// By Null String: no security.
    NullString,
    /// By Existing Certificate (precedence to LSC).
    ExistingLsc,
    /// By Existing Certificate (precedence to MIC).
    ExistingMic,
}

impl AuthMode {
    /// The number in `capfAuthMode` of a configuration file.
    pub fn auth_type(self) -> AuthType {
        match self {
            Self::String => AuthType::STRING,
            Self::NullString => AuthType::NULL_STRING,
            Self::ExistingLsc => AuthType::LSC_FIRST,
            Self::ExistingMic => AuthType::MIC_FIRST,
        }
    }

    /// The certificate that goes first, in the modes that ask for one.
    pub fn precedence(self) -> Option<CertificateType> {
        match self {
            Self::String | Self::NullString => None,
            Self::ExistingLsc => Some(CertificateType::LSC),
            Self::ExistingMic => Some(CertificateType::MIC),
        }
    }
}

/// Which dialect a phone speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Profile {
    /// AUTH_REQ with VERSION and AUTH_TYPE, KEY_GEN_REQ with KEY_TYPE.
    #[default]
    Current,
    /// Early loads of 7940, 7960 and 7970: AUTH_REQ with VERSION only, KEY_GEN_REQ with KEY_SIZE
    /// only, no VERSION and no SHA2_SIGNED_DATA from the phone.
    Legacy,
}
