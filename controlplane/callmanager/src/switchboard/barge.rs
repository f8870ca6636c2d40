//! Barging into a call of a shared line.

use super::Switchboard;
use super::action::{Notice, Tone};
use super::call::Room;
use super::id::{CallId, LegId};
use super::leg::LegState;
use super::stream::Port;
use crate::codec::Codec;
use crate::security::{self, BargeRefused, Barged};

/// Somebody has barged in through a telephone's built-in bridge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Barge {
    /// He.
    pub(super) initiator: LegId,
    /// Whose bridge mixes.
    pub(super) target: LegId,
    /// What it makes of the call.
    pub(super) outcome: Barged,
}

impl Switchboard {
    pub(super) fn barge(&mut self, id: LegId) {
        let Some(target) = self.target(id) else { return };
        let call = self.legs[&id].call;
        let found = &self.calls[&call];
        if found.barge.is_some() {
            return self.notify(id, Notice::AnotherBarge);
        }
        let speaks = |leg: &LegId| self.legs[leg].state == LegState::Connected;
        let both_speak = found.peer(target).is_some() && found.parties.iter().all(speaks);
        let Some(status) = self.status(call).filter(|_| both_speak) else {
            return self.notify(id, Notice::BargeFailed);
        };
        let bridge = self.devices[&self.legs[&target].device].profile.bridge;
        let codec = found.links.first().map(|link| link.codec);
        let (Some(bridge), Some(Codec::G711_ALAW | Codec::G711_ULAW)) = (bridge, codec) else {
            return self.notify(id, Notice::IncompatibleDevice);
        };
        match security::barge(status, self.legs[&id].security, bridge) {
            Ok(outcome) => self.barge_in(id, target, outcome),
            Err(BargeRefused::InitiatorNotEncrypted) => {
                self.sound(id, Tone::Busy);
                self.notify(id, Notice::BargeFailed);
            }
            Err(BargeRefused::TargetCannotMix) => {
                self.sound(id, Tone::Reorder);
                self.notify(id, Notice::IncompatibleDevice);
            }
        }
    }

    fn barge_in(&mut self, initiator: LegId, target: LegId, outcome: Barged) {
        let leg = &self.legs[&initiator];
        let (call, device) = (leg.call, leg.device.clone());
        self.make_room(&device);
        // Making room may have changed the call: the initiator can be the other party, too.
        if self.target(initiator) != Some(target)
            || self.calls[&call]
                .peer(target)
                .is_none_or(|peer| self.legs[&peer].state != LegState::Connected)
        {
            return;
        }
        self.legs.get_mut(&initiator).expect("a target has been found").state = LegState::Connected;
        let found = self.calls.get_mut(&call).expect("legs are in calls");
        found.remotes.retain(|remote| *remote != initiator);
        found.barge = Some(Barge { initiator, target, outcome });
        for party in found.parties.clone() {
            self.sound(party, Tone::BargeIn);
        }
        self.touch(call);
    }

    /// Barges in by making the call a conference: that always works, and makes it non-secure.
    pub(super) fn conference_barge(&mut self, id: LegId) {
        if self.target(id).is_none() {
            return;
        }
        let leg = &self.legs[&id];
        let (call, device) = (leg.call, leg.device.clone());
        if self.calls[&call].parties.len() >= self.settings.max_conference {
            return self.notify(id, Notice::TooManyParties);
        }
        self.make_room(&device);
        if self.target(id).is_none() {
            return;
        }
        self.end_barge(call);
        self.legs.get_mut(&id).expect("a target has been found").state = LegState::Connected;
        let found = self.calls.get_mut(&call).expect("legs are in calls");
        found.remotes.retain(|remote| *remote != id);
        found.parties.push(id);
        found.bridge.get_or_insert(Room::AdHoc);
        for party in found.parties.clone() {
            self.sound(party, Tone::BargeIn);
        }
        self.touch(call);
    }

    /// Whose call can be barged into: he speaks, and it is no secret.
    fn target(&mut self, id: LegId) -> Option<LegId> {
        let target =
            self.legs.get(&id).filter(|leg| leg.state == LegState::Remote).and_then(|leg| {
                let target = self.owner(id)?;
                let found = &self.legs[&target];
                let possible = found.state == LegState::Connected
                    && !self.is_private(&found.device)
                    && !self.is_preserved(leg.call);
                possible.then_some(target)
            });
        if target.is_none() {
            self.ignore();
        }
        target
    }

    /// Who barged in is out again, and shows that the line is in use.
    pub(super) fn end_barge(&mut self, call: CallId) {
        let found = self.calls.get_mut(&call).expect("the caller has it");
        let Some(Barge { initiator, target, .. }) = found.barge.take() else { return };
        found.remotes.push(initiator);
        self.legs.get_mut(&initiator).expect("legs are in calls").state = LegState::Remote;
        self.unlink(call, |ports| ports == &[Port::Leg(target), Port::Leg(initiator)]);
        self.touch(call);
    }

    /// A party whose part in a call changes ends what was built upon it.
    pub(super) fn end_barge_of_party(&mut self, party: LegId) {
        let call = self.legs[&party].call;
        if self.calls[&call].parties.contains(&party) {
            self.end_barge(call);
        }
    }

    /// The streams of a barge cannot be had.
    pub(super) fn barge_failed(&mut self, call: CallId) {
        if let Some(Barge { initiator, .. }) = self.calls[&call].barge {
            self.end_barge(call);
            self.notify(initiator, Notice::BargeFailed);
        }
    }
}
