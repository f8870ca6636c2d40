//! What an auditor finds.

use serde::{Deserialize, Serialize};

use crate::request::{Request, requests};

requests! {
    /// Looks for what makes the cluster less secure than it could be. Nothing is changed.
    AuditReport = "audit-report" -> AuditReportView {}
}

/// What was looked for, and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditReportView {
    /// When, RFC 3339, UTC.
    pub at: String,
    /// The node that looked: what is registered and counted there is seen.
    pub node: String,
    /// The cluster.
    pub cluster: Option<String>,
    /// Every check, the gravest finding first.
    pub checks: Vec<AuditCheck>,
}

/// A check and what it found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditCheck {
    /// Stable name of the check.
    pub id: String,
    /// How bad it is.
    pub severity: Severity,
    /// What was looked for, in the caller's language.
    pub title: String,
    /// What it means and what to do about it; empty where nothing was found.
    pub advice: String,
    /// What it was found in, some of it.
    pub subjects: Vec<String>,
    /// How much there is of it.
    pub count: usize,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Somebody can listen or pretend.
    High,
    /// It helps somebody who tries.
    Medium,
    /// It could be better.
    Low,
    /// Nothing was found.
    Ok,
    /// This node cannot tell.
    Unknown,
}

impl Severity {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Ok => "ok",
            Self::Unknown => "unknown",
        }
    }
}
