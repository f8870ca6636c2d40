//! Shared lines: what the other telephones of a line show, and how they take calls over.

use super::Switchboard;
use super::action::Order;
use super::id::{CallId, DeviceName, LegId};
use super::leg::{Leg, LegState};

impl Switchboard {
    /// The party of whose line a remote leg is.
    pub(super) fn owner(&self, remote: LegId) -> Option<LegId> {
        let remote = &self.legs[&remote];
        let parties = &self.calls[&remote.call].parties;
        let same = |party: &Leg| !party.routed && party.party.number == remote.party.number;
        parties.iter().copied().find(|party| same(&self.legs[party]))
    }

    /// Hides the calls of a device, or shows them again.
    pub(super) fn toggle_privacy(&mut self, device: &DeviceName) {
        let Some(found) = self.devices.get_mut(device) else { return };
        let private = !found.profile.private;
        found.profile.private = private;
        for leg in self.legs_of(device) {
            self.touch(self.legs[&leg].call);
        }
        self.tell(device, Order::Privacy(private));
    }

    /// Whether another telephone that is there has the line of a leg.
    pub(super) fn is_shared(&self, leg: &Leg) -> bool {
        !leg.routed && self.directory.appearances(&leg.party.number).len() > 1
    }

    pub(super) fn is_private(&self, device: &DeviceName) -> bool {
        self.devices.get(device).is_some_and(|device| device.profile.private)
    }

    /// One leg takes the place of another of the same line, which shows what goes on from now on.
    pub(super) fn take_over(&mut self, old: LegId, new: LegId) {
        self.unwire(old);
        let owner = self.legs.get_mut(&old).expect("the caller looked");
        owner.state = LegState::Remote;
        owner.consult = None;
        let (call, outbound, device) = (owner.call, owner.outbound, owner.device.clone());
        self.forget_consult(&device, old);
        let heir = self.legs.get_mut(&new).expect("the caller looked");
        heir.state = LegState::Connected;
        heir.outbound = outbound;
        let found = self.calls.get_mut(&call).expect("legs are in calls");
        found.remotes.retain(|remote| *remote != new);
        found.remotes.push(old);
        for party in found.parties.iter_mut().filter(|party| **party == old) {
            *party = new;
        }
        self.touch(call);
    }

    /// Makes the remote legs of a call what they should be: one for each telephone that has the
    /// line of a party and is not in the call itself.
    pub(super) fn mirror(&mut self, call: CallId) {
        for remote in self.calls[&call].remotes.clone() {
            if !self.owner(remote).is_some_and(|owner| self.is_shown(owner)) {
                self.dismiss(remote);
            }
        }
        for party in self.calls[&call].parties.clone() {
            if self.is_shown(party) {
                self.mirror_party(call, party);
            }
        }
    }

    /// Whether a party's line is in use, so that others show it.
    fn is_shown(&self, party: LegId) -> bool {
        !self.legs[&party].routed
            && matches!(
                self.legs[&party].state,
                LegState::Calling | LegState::Connected | LegState::Held
            )
    }

    fn mirror_party(&mut self, call: CallId, party: LegId) {
        let number = &self.legs[&party].party.number;
        let appearances = self.directory.appearances(number);
        if appearances.len() < 2 {
            return;
        }
        let found = &self.calls[&call];
        let there: Vec<_> = found.legs().map(|leg| &self.legs[&leg]).collect();
        let missing = |device: &DeviceName| {
            there.iter().all(|leg| leg.device != *device || leg.party.number != *number)
        };
        let missing: Vec<_> =
            appearances.iter().filter(|(device, _)| missing(device)).cloned().collect();
        for (device, line) in missing {
            if let Some(leg) = self.new_leg(&device, line, call, LegState::Remote) {
                self.calls.get_mut(&call).expect("the caller looked").remotes.push(leg);
            }
        }
    }
}
