use serde::{Deserialize, Serialize};
use store::DeviceName;

use crate::request::{Request, requests};

requests! {
    /// Why a phone does not do what it should, as far as this node knows.
    DiagnosePhone = "diagnose-phone" -> DiagnosisView {
        /// Which phone. It need not be configured.
        name: DeviceName,
    }
}

/// What a phone did, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DiagnosisView {
    /// The phone.
    pub phone: DeviceName,
    /// Name of the node whose records these are.
    pub node: String,
    /// What happened, in order of time; what has no time comes last.
    pub timeline: Vec<EventView>,
    /// What is wrong or waited for, what to look at first first. Empty if nothing is.
    pub findings: Vec<FindingView>,
}

/// Something that happened, or is still to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventView {
    /// When, RFC 3339, UTC.
    pub at: Option<String>,
    /// At which step: `dhcp`, `tftp`, `ctl`, `capf`, `sccp`.
    pub stage: String,
    /// How it went: `ok`, `failed`, or `open` for what is not known or still to come.
    pub state: String,
    /// What it was, in the caller's language.
    pub text: String,
}

/// Something wrong, or waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindingView {
    /// Stable name.
    pub id: String,
    /// `error`, or `notice` for what is only waited for.
    pub kind: String,
    /// What it is, in the caller's language.
    pub text: String,
    /// Why it is so, in the caller's language.
    pub cause: String,
    /// What to do, in the caller's language.
    pub action: String,
}
