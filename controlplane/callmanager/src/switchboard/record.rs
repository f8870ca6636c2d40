//! What remains of calls: records and counters.

use std::sync::Arc;
use std::time::Instant;

use super::Switchboard;
use super::action::Party;
use super::call::Call;
use super::id::CallId;
use crate::security::Security;

/// A call that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    /// Which.
    pub call: CallId,
    /// Who began it.
    pub calling: Party,
    /// What was dialled.
    pub dialled: String,
    /// Who answered, at last.
    pub called: Option<Party>,
    /// When it began.
    pub began: Instant,
    /// When it was answered.
    pub answered: Option<Instant>,
    /// When it ended.
    pub ended: Instant,
    /// The status it had last.
    pub security: Option<Security>,
    /// The relay that its media went through last, if it did.
    pub relay: Option<Arc<str>>,
    /// Why it ended.
    pub end: CallEnd,
}

/// Why a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// Somebody hung up.
    HungUp,
    /// The called one was busy.
    Busy,
    /// There is no such number.
    NoSuchNumber,
    /// Nobody answered, or it could not be carried on.
    Failed,
    /// It went on in another call.
    Transferred,
}

/// What a switchboard counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Devices that are there, by their security.
    pub devices: PerStatus,
    /// Calls in which people speak or hold, by the status shown last.
    pub calls_active: PerStatus,
    /// Calls that were answered and have ended, by the status they had last.
    pub calls_completed: PerStatus,
    /// Keys, acknowledgements and ids that belong to nothing: late ones, or somebody else's.
    pub ignored: u64,
}

/// A count for each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerStatus {
    /// Not secure.
    pub non_secure: u64,
    /// Authenticated, and not encrypted.
    pub authenticated: u64,
    /// Encrypted.
    pub encrypted: u64,
}

impl PerStatus {
    pub(super) fn count(&mut self, security: Security) {
        *match security {
            Security::NonSecure => &mut self.non_secure,
            Security::Authenticated => &mut self.authenticated,
            Security::Encrypted => &mut self.encrypted,
        } += 1;
    }
}

impl Switchboard {
    /// What was counted, and what there is at present.
    pub fn counters(&self) -> Counters {
        let mut counters = self.counters;
        for device in self.devices.values() {
            counters.devices.count(device.profile.security);
        }
        for call in self.calls.values().filter(|call| call.answered.is_some()) {
            counters.calls_active.count(call.last_status());
        }
        counters
    }

    /// Writes down a call that nobody is in any more.
    pub(super) fn record(&mut self, id: CallId, call: Call) {
        if call.answered.is_some() {
            self.counters.calls_completed.count(call.last_status());
        }
        // Who lifted and put down the handset again made no call.
        if let Some(dialled) = call.dialled {
            self.out.push(super::Action::Record(CallRecord {
                call: id,
                calling: call.calling,
                dialled: dialled.number,
                called: call.called,
                began: call.began,
                answered: call.answered,
                ended: self.now,
                security: call.status,
                relay: call.relay,
                end: call.end,
            }));
        }
    }
}
