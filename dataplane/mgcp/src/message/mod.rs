//! Messages: commands and responses with their typed parameters (RFC 3435 §3).

mod params;
mod parse;
mod write;

pub use params::{Extension, ParamCode, Params};

use std::fmt;
use std::str::FromStr;

use crate::value::keywords;
use crate::{EndpointName, ReturnCode, TransactionId, ValueError};

/// A message with the transaction it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// An order or a report.
    Command(TransactionId, Command),
    /// Its answer, or the acknowledgement of the answer (`000`).
    Response(TransactionId, Response),
}

/// A command, without the transaction id that sending gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// What is to be done.
    pub verb: Verb,
    /// With which endpoint.
    pub endpoint: EndpointName,
    /// The dialect.
    pub version: Version,
    /// What stands behind the version.
    pub profile: Option<Box<str>>,
    /// The parameter lines.
    pub params: Params,
    /// The remote session description.
    pub body: Option<Body>,
}

/// A response.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// How it ended.
    pub code: ReturnCode,
    /// The package that owns an 8xx code.
    pub package: Option<Box<str>>,
    /// For people.
    pub text: Option<Box<str>>,
    /// The parameter lines.
    pub params: Params,
    /// Session descriptions: the local one, behind it the remote one of an audit.
    pub bodies: Vec<Body>,
}

keywords! {
    /// The verbs of RFC 3435 §2.3.
    Verb, UNKNOWN_COMMAND, "unknown verb":
    /// EndpointConfiguration
    Epcf = "EPCF",
    /// CreateConnection
    Crcx = "CRCX",
    /// ModifyConnection
    Mdcx = "MDCX",
    /// DeleteConnection
    Dlcx = "DLCX",
    /// NotificationRequest
    Rqnt = "RQNT",
    /// Notify
    Ntfy = "NTFY",
    /// AuditEndpoint
    Auep = "AUEP",
    /// AuditConnection
    Aucx = "AUCX",
    /// RestartInProgress
    Rsip = "RSIP",
}

impl Verb {
    /// Whether it only asks.
    pub fn is_audit(self) -> bool {
        matches!(self, Self::Auep | Self::Aucx)
    }
}

/// The dialect of a command. Responses carry none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// `MGCP 0.1`: RFC 2705, as CallManager and IOS speak it.
    V0_1,
    /// `MGCP 1.0`: RFC 3435.
    V1_0,
}

impl FromStr for Version {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            "0.1" => Ok(Self::V0_1),
            "1.0" => Ok(Self::V1_0),
            _ => Err(ValueError::new(ReturnCode::WRONG_VERSION, "MGCP 0.1 or 1.0 is spoken here")),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V0_1 => "0.1",
            Self::V1_0 => "1.0",
        })
    }
}

/// A session description as it stands in a message: not empty, lines ended by CR LF, with keys
/// perhaps. [`crate::sdp::SessionDescription::parse`] reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Body(pub(crate) crate::Opaque);

impl Body {
    /// The text. Do not log it.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl Command {
    /// A command of version 1.0 without parameters.
    pub fn new(verb: Verb, endpoint: EndpointName) -> Self {
        Self {
            verb,
            endpoint,
            version: Version::V1_0,
            profile: None,
            params: Params::default(),
            body: None,
        }
    }
}

impl Response {
    /// A response without parameters, with the code's usual text.
    pub fn new(code: ReturnCode) -> Self {
        let text = code.text();
        Self {
            code,
            package: None,
            text: (!text.is_empty()).then(|| text.into()),
            params: Params::default(),
            bodies: Vec::new(),
        }
    }

    /// The answer to a command that failed for this reason.
    pub fn refusal(fault: ValueError) -> Self {
        Self { text: Some(fault.what.into()), ..Self::new(fault.code) }
    }
}

impl From<ValueError> for Response {
    fn from(fault: ValueError) -> Self {
        Self::refusal(fault)
    }
}
