//! Why a command did not do what it was asked.

use std::fmt;
use std::io;
use std::process::ExitCode;

use console::{AskError, FailureKind};

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

    /// It was asked wrongly.
    pub fn usage(text: impl fmt::Display) -> Self {
        Self { kind: FailureKind::Usage, text: text.to_string() }
    }
}

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
            FailureKind::Failed => 1,
            FailureKind::Usage => 2,
            FailureKind::Refused => 3,
        })
    }
}
