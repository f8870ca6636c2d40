//! What others may see of calls.

use super::id::{CallId, LegId};
use super::stream::Link;
use super::{CallView, PartyView, Switchboard};

impl Switchboard {
    /// The calls there are, for those who look after them.
    pub fn calls(&self) -> Vec<CallView> {
        self.calls.keys().filter_map(|id| self.call(*id)).collect()
    }

    /// One of them.
    pub fn call(&self, id: CallId) -> Option<CallView> {
        let call = self.calls.get(&id)?;
        Some(CallView {
            id,
            parties: call.parties.iter().map(|leg| self.party_view(*leg)).collect(),
            conference: call.bridge.is_some(),
            relay: call.relay.clone().filter(|_| call.links.iter().any(Link::is_relayed)),
            began: call.began,
            answered: call.answered,
            security: self.status(id),
        })
    }

    /// The call that a leg is in.
    pub fn call_of(&self, leg: LegId) -> Option<CallId> {
        Some(self.legs.get(&leg)?.call)
    }

    fn party_view(&self, id: LegId) -> PartyView {
        let leg = &self.legs[&id];
        PartyView { leg: id, device: leg.device.clone(), party: leg.party.clone() }
    }
}
