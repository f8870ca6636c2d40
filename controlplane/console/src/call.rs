//! Calls: those that go on, and what remains of others.

use serde::{Deserialize, Serialize};
use store::{CallEnding, CallParty, EffectiveMode};

use crate::request::{Request, requests};

requests! {
    /// The calls of this node.
    ListCalls = "list-calls" -> Vec<CallView> {}

    /// What was said in a call, one that goes on or one of the latest.
    ShowCall = "show-call" -> LadderView {
        /// Its number.
        id: u32,
    }

    /// Records of calls that have ended, newest first.
    ListCallRecords = "list-call-records" -> Vec<CallRecordView> {
        /// How many.
        limit: u32,
        /// Only those before this record.
        before: Option<u64>,
        /// Only those from or to this number.
        number: Option<String>,
    }
}

/// A call that goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallView {
    /// Its number.
    pub id: u32,
    /// Who is in it.
    pub parties: Vec<CallPartyView>,
    /// `calling`, `connected` or `conference`.
    pub state: String,
    /// Its status, as telephones show it; absent before it is known.
    pub security: Option<EffectiveMode>,
    /// When it began, RFC 3339, UTC.
    pub began: String,
    /// When it was answered.
    pub answered: Option<String>,
    /// Gateways that its media goes through; none: from telephone to telephone.
    pub relays: Vec<String>,
}

/// Somebody in a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallPartyView {
    /// The device.
    pub device: String,
    /// The number.
    pub number: String,
    /// The name.
    pub name: String,
}

/// What was said in a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LadderView {
    /// Its number.
    pub id: u32,
    /// What was said, in order.
    pub steps: Vec<LadderStep>,
    /// Messages that were not remembered, because there were too many.
    pub unsaid: u64,
    /// How secure it was, from when on.
    pub security: Vec<LadderSecurity>,
    /// When it ended; absent while it goes on.
    pub ended: Option<String>,
    /// What remains of it, if somebody was called.
    pub record: Option<CallRecordView>,
}

/// A message between a telephone and the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LadderStep {
    /// When, RFC 3339, UTC.
    pub at: String,
    /// Which telephone.
    pub device: String,
    /// Whether the telephone said it, or the server.
    pub from_phone: bool,
    /// What, without keys.
    pub message: String,
}

/// A status of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LadderSecurity {
    /// From when on, RFC 3339, UTC.
    pub at: String,
    /// Which; absent: not known.
    pub security: Option<EffectiveMode>,
}

/// A call that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallRecordView {
    /// Number of the record; absent before it is written down.
    pub number: Option<u64>,
    /// The node that served it.
    pub node: String,
    /// Number of the call there.
    pub call: u32,
    /// Who began it.
    pub calling: CallParty,
    /// What was dialled.
    pub dialled: String,
    /// Who answered.
    pub called: Option<CallParty>,
    /// When it began, RFC 3339, UTC.
    pub began: String,
    /// When it was answered.
    pub answered: Option<String>,
    /// When it ended.
    pub ended: String,
    /// The status shown last.
    pub security: Option<EffectiveMode>,
    /// How it ended.
    pub ending: CallEnding,
    /// The gateway that its media went through.
    pub relay: Option<String>,
}

/// What call processing counts on this node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TelephonyView {
    /// Phones that are registered.
    pub phones_registered: PerStatusView,
    /// Calls in which people speak or hold.
    pub calls_active: PerStatusView,
    /// Calls that were answered and have ended.
    pub calls_completed: PerStatusView,
}

/// A count for each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PerStatusView {
    /// Not secure.
    pub non_secure: u64,
    /// Authenticated, and not encrypted.
    pub authenticated: u64,
    /// Encrypted.
    pub encrypted: u64,
}
