//! What telephones show of their legs: worked out anew after each event, and told where it differs
//! from what was told before. So no change of a call can be forgotten on any display.

use super::Switchboard;
use super::action::{CallInfo, CallState, Change, KeySet, Order, Party, Prompt, Tone};
use super::barge::Barge;
use super::id::{CallId, LegId};
use super::leg::{ConsultPurpose, Failure, Leg, LegState};
use super::stream::Port;
use crate::security::Security;

/// What a telephone shows of a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    state: CallState,
    keys: KeySet,
    prompt: Option<Prompt>,
    tone: Option<Tone>,
    info: Option<CallInfo>,
}

impl Switchboard {
    /// Tells everybody in a call what has changed for him.
    pub(super) fn show(&mut self, call: CallId) {
        let status = self.status(call);
        let legs: Vec<_> = self.calls[&call].legs().collect();
        for leg in legs {
            self.show_leg(leg, status);
        }
        let found = self.calls.get_mut(&call).expect("the caller has it");
        if found.answered.is_some() && status.is_some() {
            found.status = status;
        }
    }

    fn show_leg(&mut self, id: LegId, status: Option<Security>) {
        let leg = &self.legs[&id];
        if leg.preserved {
            return;
        }
        let new = self.view(id, leg, status);
        let leg = self.legs.get_mut(&id).expect("it was there above");
        let old = leg.shown.replace(new.clone());
        let old = old.as_ref();
        let differs = |same: bool| old.is_none() || !same;
        let state = differs(old.is_some_and(|old| old.state == new.state));
        let mut changes = Vec::new();
        if old.map_or(new.tone.is_some(), |old| old.tone != new.tone) {
            changes.push(Change::Tone(new.tone));
        }
        if state {
            changes.push(Change::State(new.state));
        }
        if state || differs(old.is_some_and(|old| old.keys == new.keys)) {
            changes.push(Change::Keys(new.keys));
        }
        if state || differs(old.is_some_and(|old| old.prompt == new.prompt)) {
            changes.push(Change::Prompt(new.prompt));
        }
        if let Some(info) = new.info
            && old.is_none_or(|old| old.info.as_ref() != Some(&info))
        {
            changes.push(Change::Info(info));
        }
        for change in changes {
            self.change(id, change);
        }
    }

    fn view(&self, id: LegId, leg: &Leg, status: Option<Security>) -> View {
        let call = &self.calls[&leg.call];
        let info = |status| Some(self.info(id, leg, status));
        let (state, keys, prompt, tone, info) = match &leg.state {
            LegState::Collecting(collecting) => {
                let first = collecting.digits.is_empty();
                let keys = match (first, leg.consult) {
                    (false, _) => KeySet::Digits,
                    (true, Some(_)) => KeySet::OffHookFeature,
                    (true, None) => KeySet::OffHook,
                };
                let tone = first.then_some(Tone::Dial);
                (CallState::OffHook, keys, Prompt::EnterNumber, tone, None)
            }
            LegState::Calling => {
                let keys = match leg.consult {
                    Some(consult) if consult.purpose == ConsultPurpose::Transfer => {
                        KeySet::ConnectedTransfer
                    }
                    _ => KeySet::RingOut,
                };
                let tone = Some(Tone::Alerting);
                (CallState::RingOut, keys, Prompt::RingOut, tone, info(None))
            }
            LegState::Ringing => {
                let prompt = Prompt::From(self.other(id, leg));
                (CallState::RingIn, KeySet::RingIn, prompt, None, info(None))
            }
            LegState::Connected => {
                let keys = match leg.consult.map(|consult| consult.purpose) {
                    _ if self.is_preserved(leg.call) => KeySet::RingOut,
                    Some(ConsultPurpose::Transfer) => KeySet::ConnectedTransfer,
                    Some(ConsultPurpose::Conference) => KeySet::ConnectedConference,
                    None if self.is_shared(leg) => KeySet::ConnectedShared,
                    None => KeySet::Connected,
                };
                let hidden = self.is_shared(leg) && self.is_private(&leg.device);
                let prompt = if hidden { Prompt::Private } else { Prompt::Connected };
                let waits = |peer: LegId| self.legs[&peer].state == LegState::Held;
                let tone =
                    (call.no_music && call.peer(id).is_some_and(waits)).then_some(Tone::Hold);
                let shown = self.status_for(id, leg.call, status);
                (CallState::Connected, keys, prompt, tone, info(shown))
            }
            LegState::Held => (CallState::Hold, KeySet::OnHold, Prompt::Hold, None, info(status)),
            LegState::Failed { failure, howls } => {
                let (state, prompt, tone) = match failure {
                    Failure::Busy => (CallState::Busy, Prompt::Busy, Tone::Busy),
                    Failure::NoSuchNumber => {
                        (CallState::InvalidNumber, Prompt::UnknownNumber, Tone::NoSuchNumber)
                    }
                    Failure::Congestion => {
                        (CallState::Congestion, Prompt::TemporaryFailure, Tone::Reorder)
                    }
                };
                let tone = if *howls { Tone::Howler } else { tone };
                (state, KeySet::RingOut, prompt, Some(tone), None)
            }
            LegState::Remote => {
                let owner = self.owner(id).map(|owner| (owner, &self.legs[&owner]));
                let held = owner.is_some_and(|(_, owner)| owner.state == LegState::Held);
                let private = owner.is_none_or(|(_, owner)| self.is_private(&owner.device));
                let info = owner
                    .filter(|_| !private)
                    .map(|(id, owner)| self.info(id, owner, self.status_for(id, leg.call, status)));
                let (state, keys) = match (private, held) {
                    (true, _) => (CallState::InUsePrivately, KeySet::OnHook),
                    (false, true) => (CallState::Hold, KeySet::Stealable),
                    (false, false) => (CallState::InUseRemote, KeySet::InUseRemote),
                };
                (state, keys, Prompt::InUseRemote, None, info)
            }
        };
        View { state, keys, prompt: Some(prompt), tone, info }
    }

    fn info(&self, id: LegId, leg: &Leg, security: Option<Security>) -> CallInfo {
        let call = &self.calls[&leg.call];
        let (own, other) = (leg.party.clone(), self.other(id, leg));
        let (calling, called) = if leg.outbound { (own, other) } else { (other, own) };
        CallInfo {
            outbound: leg.outbound,
            calling,
            called,
            redirected: call.redirected.clone(),
            conference: call.bridge.is_some(),
            security,
        }
    }

    /// The one at the other end, or the number that leads there.
    fn other(&self, id: LegId, leg: &Leg) -> Party {
        let call = &self.calls[&leg.call];
        let barged = call.barge.filter(|barge| barge.initiator == id).map(|barge| barge.target);
        let other = match leg.state {
            LegState::Ringing => call.parties.first().copied(),
            _ => barged.or_else(|| call.peer(id)),
        };
        match other {
            Some(other) => self.legs[&other].party.clone(),
            None => call.dialled.clone().unwrap_or_default(),
        }
    }

    /// The status of a call: that of its weakest part. `None` before it is known.
    pub(super) fn status(&self, call: CallId) -> Option<Security> {
        let found = &self.calls[&call];
        let speaks = |leg: &LegId| self.legs[leg].state == LegState::Connected;
        if found.bridge.is_some() {
            return Some(Security::NonSecure);
        }
        let [a, b] = found.parties[..] else { return None };
        match (speaks(&a), speaks(&b)) {
            (true, true) => {}
            // Music is in the way, or nothing.
            _ if found.answered.is_some() => return Some(Security::NonSecure),
            _ => return None,
        }
        let link = found.links.iter().find(|link| link.ports() == [Port::Leg(a), Port::Leg(b)])?;
        let media = match (link.is_up(), link.secure) {
            (false, _) => return None,
            (true, true) => Security::Encrypted,
            (true, false) if link.ports().into_iter().any(|port| self.is_port(port)) => {
                Security::NonSecure
            }
            (true, false) => Security::Authenticated,
        };
        let parties = [a, b].map(|leg| self.legs[&leg].security);
        Some(Security::of_call(parties.into_iter().chain([media])))
    }

    /// What a leg is shown of its call's status: after a barge not all are shown the same.
    fn status_for(&self, leg: LegId, call: CallId, status: Option<Security>) -> Option<Security> {
        let Some(Barge { initiator, target, outcome }) = self.calls[&call].barge else {
            return status;
        };
        if leg == initiator {
            let ports = [Port::Leg(target), Port::Leg(initiator)];
            let link = self.calls[&call].links.iter().find(|link| link.ports() == ports)?;
            return link.is_up().then_some(outcome.status);
        }
        status.map(|status| status.min(outcome.shown_to_parties))
    }

    pub(super) fn tell(&mut self, device: &super::DeviceName, order: Order) {
        if self.devices.contains_key(device) {
            let device = device.clone();
            self.out.push(super::Action::Telephone { device, order });
        }
    }
}
