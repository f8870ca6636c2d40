//! Why there is no certificate, in words an administrator can act on.

use messages::{Explain, Message, scep};
use pki::SignError;

use crate::algorithm::{Floor, Profile};
use crate::authority::AuthorityFault;
use crate::issued::IssuedFault;
use crate::reply::{
    BagFault, EnvelopeFault, FailInfo, Malformed, Refusal, ReplyFault, SignatureFault,
};
use crate::transport::MAX_ANSWER;

/// Why an operation with a certificate authority failed.
///
/// A phone learns none of this: to it every failure is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No connection, or it broke.
    Unreachable {
        /// Host and port.
        server: String,
        /// Why.
        detail: String,
    },
    /// More than [`MAX_ANSWER`] bytes.
    TooLarge {
        /// Host and port.
        server: String,
    },
    /// An HTTP status that is none of success.
    Status {
        /// Host and port.
        server: String,
        /// The status.
        status: u16,
        /// Characters of the URL, if the request was in it.
        url: Option<usize>,
    },
    /// A page for people instead of an answer.
    NotScep {
        /// Host and port.
        server: String,
        /// How it begins.
        start: String,
    },
    /// The certificates of the authority cannot be used.
    Authority(AuthorityFault),
    /// What the authority offers is below the floor.
    Offer {
        /// The best it offers.
        offered: Profile,
        /// The floor.
        floor: Floor,
    },
    /// An answer that is not believed.
    Reply {
        /// Why.
        fault: ReplyFault,
        /// The floor at the time.
        floor: Floor,
    },
    /// The authority refused.
    Refused {
        /// Why.
        refusal: Refusal,
        /// The algorithms of the request.
        profile: Profile,
    },
    /// A certificate that is not the one asked for.
    Issued(IssuedFault),
    /// Nobody approved the request in time: seconds it waited.
    NotApproved(u64),
    /// Whoever wanted the certificate does not want it any more.
    Abandoned,
    /// A stored request belongs to another authority or proxy, or cannot be read.
    CannotResume,
    /// The proxy's key does not sign.
    Sign(SignError),
}

impl Fault {
    /// Whether the authority itself has said nothing: no connection, an error of a web server, an
    /// answer that cannot be believed. A request that waits for approval waits on.
    pub fn is_silence(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::TooLarge { .. }
            | Self::Status { .. }
            | Self::NotScep { .. }
            | Self::Reply { .. }
            | Self::Abandoned => true,
            Self::Authority(_)
            | Self::Offer { .. }
            | Self::Refused { .. }
            | Self::Issued(_)
            | Self::NotApproved(_)
            | Self::CannotResume
            | Self::Sign(_) => false,
        }
    }

    /// Whether newer certificates of the authority may help: those of its registration authority
    /// change without notice.
    pub(crate) fn wants_newer_authority(&self) -> bool {
        match self {
            Self::NotScep { .. } => true,
            Self::Refused { refusal, .. } => refusal.info == FailInfo::BadMessageCheck,
            Self::Reply { fault, .. } => matches!(
                fault,
                ReplyFault::Signature(SignatureFault::Signer)
                    | ReplyFault::Envelope(EnvelopeFault::Recipient | EnvelopeFault::Key)
            ),
            _ => false,
        }
    }

    /// Whether trying again may help.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Status { status: 500..=599, .. })
    }
}

impl From<AuthorityFault> for Fault {
    fn from(fault: AuthorityFault) -> Self {
        Self::Authority(fault)
    }
}

impl From<IssuedFault> for Fault {
    fn from(fault: IssuedFault) -> Self {
        Self::Issued(fault)
    }
}

impl Explain for Fault {
    fn message(&self) -> &'static Message {
        match self {
            Self::Unreachable { .. } => &scep::SCEP_UNREACHABLE,
            Self::TooLarge { .. } => &scep::SCEP_ANSWER_TOO_LARGE,
            Self::Status { status, url, .. } => match status {
                400 | 414 | 431 if url.is_some() => &scep::SCEP_REQUEST_TOO_LONG,
                // IIS says so of URLs that are too long: 404.15.
                404 if url.is_some_and(|length| length > SAFE_URL) => &scep::SCEP_REQUEST_TOO_LONG,
                401 | 403 => &scep::SCEP_FORBIDDEN,
                404 => &scep::SCEP_NOT_FOUND,
                _ => &scep::SCEP_STATUS,
            },
            Self::NotScep { .. } => &scep::SCEP_NOT_SCEP,
            Self::Authority(fault) => fault.message(),
            Self::Offer { .. } => &scep::SCEP_OFFER_TOO_WEAK,
            Self::Reply { fault, .. } => reply(fault),
            Self::Refused { refusal, .. } => match refusal.info {
                FailInfo::BadAlg => &scep::SCEP_BAD_ALG,
                FailInfo::BadMessageCheck => &scep::SCEP_BAD_MESSAGE_CHECK,
                FailInfo::BadRequest => &scep::SCEP_BAD_REQUEST,
                FailInfo::BadTime => &scep::SCEP_BAD_TIME,
                FailInfo::BadCertId => &scep::SCEP_BAD_CERT_ID,
                FailInfo::Unspecified(_) => &scep::SCEP_UNSPECIFIED,
            },
            Self::Issued(fault) => fault.message(),
            Self::NotApproved(_) => &scep::SCEP_WAITS_FOR_APPROVAL,
            Self::Abandoned => &scep::SCEP_ABANDONED,
            Self::CannotResume => &scep::SCEP_CANNOT_RESUME,
            Self::Sign(fault) => fault.message(),
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Unreachable { server, detail } => {
                vec![("server", server.clone()), ("detail", detail.clone())]
            }
            Self::TooLarge { server } => {
                vec![("server", server.clone()), ("limit", MAX_ANSWER.to_string())]
            }
            Self::Status { server, status, url } => vec![
                ("server", server.clone()),
                ("status", status.to_string()),
                ("length", url.unwrap_or_default().to_string()),
            ],
            Self::NotScep { server, start } => {
                vec![("server", server.clone()), ("start", start.clone())]
            }
            Self::Authority(fault) => fault.values(),
            Self::Offer { offered, floor } => {
                vec![("offered", offered.to_string()), ("floor", floor.to_string())]
            }
            Self::Reply { fault, floor } => reply_values(fault, *floor),
            Self::Refused { refusal: Refusal { info, text }, profile } => {
                let code = match info {
                    FailInfo::Unspecified(Some(code)) => code.clone(),
                    _ => "-".into(),
                };
                let text = text.clone().unwrap_or_else(|| "-".into());
                vec![("text", text), ("code", code), ("profile", profile.to_string())]
            }
            Self::Issued(fault) => fault.values(),
            Self::NotApproved(seconds) => vec![("minutes", seconds.div_ceil(60).to_string())],
            Self::Abandoned | Self::CannotResume => Vec::new(),
            Self::Sign(fault) => fault.values(),
        }
    }
}

/// A URL that every web server takes.
const SAFE_URL: usize = 2000;

fn reply(fault: &ReplyFault) -> &'static Message {
    match fault {
        ReplyFault::Malformed(_)
        | ReplyFault::Bag(_)
        | ReplyFault::Signature(SignatureFault::Malformed(_))
        | ReplyFault::Envelope(EnvelopeFault::Malformed(_)) => &scep::SCEP_ANSWER_MALFORMED,
        ReplyFault::Signature(SignatureFault::Algorithm(_))
        | ReplyFault::Envelope(EnvelopeFault::Algorithm(_)) => &scep::SCEP_ALGORITHM,
        ReplyFault::Signature(SignatureFault::BelowFloor(_))
        | ReplyFault::Envelope(EnvelopeFault::BelowFloor(_)) => &scep::SCEP_ANSWER_TOO_WEAK,
        ReplyFault::Signature(SignatureFault::Signer) => &scep::SCEP_SIGNER,
        ReplyFault::Signature(SignatureFault::Content | SignatureFault::Signature) => {
            &scep::SCEP_SIGNATURE
        }
        ReplyFault::Replay(_) => &scep::SCEP_REPLAY,
        ReplyFault::Envelope(EnvelopeFault::Recipient | EnvelopeFault::Key) => {
            &scep::SCEP_CANNOT_DECRYPT
        }
    }
}

fn reply_values(fault: &ReplyFault, floor: Floor) -> Vec<(&'static str, String)> {
    let detail = |detail: &str| vec![("detail", detail.to_owned())];
    let weak = |algorithm: String| vec![("algorithm", algorithm), ("floor", floor.to_string())];
    match fault {
        ReplyFault::Malformed(Malformed(what))
        | ReplyFault::Bag(BagFault::Malformed(Malformed(what)))
        | ReplyFault::Signature(SignatureFault::Malformed(Malformed(what)))
        | ReplyFault::Envelope(EnvelopeFault::Malformed(Malformed(what))) => detail(what),
        ReplyFault::Bag(BagFault::Certificate(fault)) => detail(&fault.to_string()),
        ReplyFault::Bag(BagFault::Empty) => detail("it holds no certificate"),
        ReplyFault::Signature(SignatureFault::Algorithm(algorithm))
        | ReplyFault::Envelope(EnvelopeFault::Algorithm(algorithm)) => {
            vec![("algorithm", algorithm.clone())]
        }
        ReplyFault::Signature(SignatureFault::BelowFloor(digest)) => weak(digest.to_string()),
        ReplyFault::Envelope(EnvelopeFault::BelowFloor(cipher)) => weak(cipher.to_string()),
        ReplyFault::Signature(SignatureFault::Content) => {
            detail("its content is not what was signed")
        }
        ReplyFault::Signature(SignatureFault::Signature) => detail("it does not verify"),
        ReplyFault::Replay(field) => vec![("field", (*field).into())],
        ReplyFault::Signature(SignatureFault::Signer)
        | ReplyFault::Envelope(EnvelopeFault::Recipient | EnvelopeFault::Key) => Vec::new(),
    }
}

crate::error_by_message!(Fault);
