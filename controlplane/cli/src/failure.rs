//! Why a command did not do what it was asked.

use std::fmt;
use std::io;
use std::process::ExitCode;

use console::{AskError, FailureKind};
use lang::Language;
use messages::{Explain, Message, input, token, trust_list};

use crate::Outcome;

/// What a noun returns.
pub type Result = std::result::Result<Outcome, Failure>;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    kind: FailureKind,
    text: String,
}

impl Failure {
    /// It was tried and did not work.
    pub fn failed(text: impl fmt::Display) -> Self {
        Self { kind: FailureKind::Failed, text: text.to_string() }
    }

    /// Policy forbids it.
    pub fn refused(text: impl fmt::Display) -> Self {
        Self { kind: FailureKind::Refused, text: text.to_string() }
    }

    /// It was asked wrongly.
    pub fn usage(text: impl fmt::Display) -> Self {
        Self { kind: FailureKind::Usage, text: text.to_string() }
    }
}

impl Failure {
    /// What a crate says of its error, with cause and cure.
    pub fn explained(error: &impl Explain, language: Language) -> Self {
        let kind = match error.message() {
            refused if POLICY.contains(&refused) => FailureKind::Refused,
            wrong if USAGE.contains(&wrong) => FailureKind::Usage,
            _ => FailureKind::Failed,
        };
        Self { kind, text: format!("{:#}", error.explain(language)) }
    }
}

/// Messages by which what was typed is refused.
static USAGE: &[&Message] = &[
    &input::INVALID_PORT_NUMBER,
    &input::INVALID_PORT_RANGE,
    &input::INVALID_GROUP_NAME,
    &input::INVALID_USER_NAME,
    &input::INVALID_IP_ADDRESS,
    &input::INVALID_HOST_NAME,
    &input::NOTHING_SELECTED,
];

/// Messages by which a sound request is refused.
static POLICY: &[&Message] = &[
    &token::TOKEN_NOT_TRUSTED,
    &token::TOKEN_PASSWORD_CHANGE,
    &token::NEW_TOKEN_CANNOT_SIGN,
    &token::TOKEN_CANNOT_SIGN,
    &token::TOKEN_ALREADY_IN_FILE,
    &trust_list::CANNOT_DELETE,
    &trust_list::TWO_TOKENS_NEEDED,
    &trust_list::CALLMANAGER_NEEDED,
    &trust_list::WOULD_STRAND_PHONES,
];

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Failed(failure) => Self { kind: failure.kind, text: failure.text },
            other => Self::failed(other),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::failed(error)
    }
}

impl From<status::AskError> for Failure {
    fn from(error: status::AskError) -> Self {
        Self::failed(error)
    }
}

impl From<Failure> for ExitCode {
    fn from(failure: Failure) -> Self {
        Self::from(match failure.kind {
            FailureKind::Failed
            | FailureKind::Unknown
            | FailureKind::Conflict
            | FailureKind::Changed => 1,
            FailureKind::Usage => 2,
            FailureKind::Refused => 3,
        })
    }
}
