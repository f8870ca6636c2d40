use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Longest line either side takes, newline included.
pub const MAX_LINE: usize = 32 << 20;

/// A request as it travels.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Tag of the language that texts come back in.
    pub language: String,
    /// [`crate::Request::NAME`].
    pub request: String,
    /// The request itself.
    #[serde(default)]
    pub with: Json,
}

/// An answer as it travels.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// [`crate::Request::Answer`].
    Ok(Json),
    /// Nothing was done.
    Failed(Failure),
}

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{text}")]
pub struct Failure {
    /// What kind of failure, for exit codes.
    pub kind: FailureKind,
    /// What to tell, in the caller's language.
    pub text: String,
}

/// Kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// It was tried and did not work.
    Failed,
    /// The request makes no sense: an unknown name, a value out of range.
    Usage,
    /// Policy forbids it.
    Refused,
    /// There is no such thing.
    Unknown,
    /// It is there already, or something else needs it.
    Conflict,
    /// Somebody changed it in the meantime.
    Changed,
}
