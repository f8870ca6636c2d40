//! Calls: who is in them, and how they come and go.

use std::sync::Arc;
use std::time::Instant;

use super::Switchboard;
use super::action::{CallState, Change, KeySet, Order, Party, Redirected};
use super::barge::Barge;
use super::id::{CallId, DeviceName, LegId};
use super::leg::{Failure, Leg, LegState};
use super::record::CallEnd;
use super::stream::Link;
use super::timers::Timer;
use crate::security::Security;

/// A call.
#[derive(Debug)]
pub(super) struct Call {
    /// Those who dial, call, speak or hold: two at most without a bridge.
    pub(super) parties: Vec<LegId>,
    /// The telephones that ring.
    pub(super) ringing: Vec<LegId>,
    /// The telephones that show that another of their line is in the call.
    pub(super) remotes: Vec<LegId>,
    /// Who barged in.
    pub(super) barge: Option<Barge>,
    /// The conference bridge that all parties are on.
    pub(super) bridge: Option<Room>,
    /// The streams, as they are.
    pub(super) links: Vec<Link>,
    /// A telephone could not use its key: the call goes on without.
    pub(super) plain: bool,
    /// Music could not be played to those on hold.
    pub(super) no_music: bool,
    /// The relay that media went through last.
    pub(super) relay: Option<Arc<str>>,

    pub(super) dialled: Option<Party>,
    pub(super) redirected: Option<Redirected>,
    pub(super) calling: Party,
    pub(super) called: Option<Party>,
    pub(super) began: Instant,
    pub(super) answered: Option<Instant>,
    /// The status shown last.
    pub(super) status: Option<Security>,
    pub(super) end: CallEnd,
}

/// A conference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// Made out of calls; it ends when two are left, who go on without a bridge.
    AdHoc,
    /// Under a number that others dial.
    MeetMe(String),
}

impl Call {
    /// The other one of two.
    pub(super) fn peer(&self, id: LegId) -> Option<LegId> {
        match self.parties[..] {
            [one, other] if self.bridge.is_none() && one == id => Some(other),
            [other, one] if self.bridge.is_none() && one == id => Some(other),
            _ => None,
        }
    }

    pub(super) fn last_status(&self) -> Security {
        self.status.unwrap_or(Security::NonSecure)
    }

    pub(super) fn legs(&self) -> impl Iterator<Item = LegId> {
        let barge = self.barge.as_ref().map(|barge| barge.initiator);
        let all = self.parties.iter().chain(&self.ringing).chain(&self.remotes).copied();
        all.chain(barge)
    }

    fn forget(&mut self, id: LegId) {
        for legs in [&mut self.parties, &mut self.ringing, &mut self.remotes] {
            legs.retain(|other| *other != id);
        }
        self.barge = self.barge.take().filter(|barge| barge.initiator != id);
    }
}

impl Switchboard {
    /// A new call of nobody yet.
    pub(super) fn new_call(&mut self, calling: Party) -> CallId {
        let id = CallId(self.ids.next(|id| self.calls.contains_key(&CallId(id))));
        let call = Call {
            parties: Vec::new(),
            ringing: Vec::new(),
            remotes: Vec::new(),
            barge: None,
            bridge: None,
            links: Vec::new(),
            plain: false,
            no_music: !self.settings.music_on_hold,
            relay: None,
            dialled: None,
            redirected: None,
            calling,
            called: None,
            began: self.now,
            answered: None,
            status: None,
            end: CallEnd::HungUp,
        };
        self.calls.insert(id, call);
        self.touch(id);
        id
    }

    /// A new leg on a line of a device that is there; the caller puts it into its call.
    pub(super) fn new_leg(
        &mut self,
        device: &DeviceName,
        line: u32,
        call: CallId,
        state: LegState,
    ) -> Option<LegId> {
        let id = LegId(self.ids.next(|id| self.legs.contains_key(&LegId(id))));
        let found = self.devices.get_mut(device)?;
        let leg = Leg {
            device: device.clone(),
            line,
            party: found.line(line)?.party.clone(),
            security: found.profile.security,
            call,
            routed: false,
            outbound: matches!(state, LegState::Collecting(_)),
            state,
            consult: None,
            preserved: false,
            shown: None,
        };
        found.legs.push(id);
        self.legs.insert(id, leg);
        self.touch(call);
        Some(id)
    }

    /// Something about a call has changed: what follows from it is to be seen to.
    pub(super) fn touch(&mut self, call: CallId) {
        self.touched.insert(call);
    }

    /// Sees to everything that follows from changes, until nothing follows any more.
    pub(super) fn settle(&mut self) {
        loop {
            if let Some(id) = self.touched.pop_first() {
                self.settle_call(id);
            } else if let Some(device) = self.touched_devices.pop_first() {
                self.settle_device(&device);
            } else {
                return;
            }
        }
    }

    fn settle_call(&mut self, id: CallId) {
        if !self.calls.contains_key(&id) {
            return;
        }
        self.end_if_alone(id);
        self.mirror(id);
        self.wire(id);
        self.show(id);
        let devices = self.calls[&id].legs().map(|leg| self.legs[&leg].device.clone());
        self.touched_devices.extend(devices);
        if self.calls[&id].legs().next().is_none() {
            let call = self.calls.remove(&id).expect("it was there above");
            self.timers.stop(Timer::Call(id));
            if let Some(Room::MeetMe(number)) = &call.bridge {
                self.meet_mes.remove(number);
            }
            self.record(id, call);
        }
    }

    /// A call in which nobody is left to speak with ends.
    fn end_if_alone(&mut self, id: CallId) {
        let call = self.calls.get_mut(&id).expect("the caller looked");
        if call.bridge == Some(Room::AdHoc) && call.parties.len() == 2 {
            call.bridge = None;
        }
        let alone = match (&call.bridge, &call.parties[..]) {
            (Some(Room::MeetMe(_)), parties) => parties.is_empty(),
            (_, []) => true,
            (_, [last]) => matches!(self.legs[last].state, LegState::Connected | LegState::Held),
            // Telephones that are not there can hang up no more.
            (_, parties) => parties.iter().all(|leg| self.legs[leg].preserved),
        };
        if alone {
            let call = &self.calls[&id];
            let leaving: Vec<_> = call.parties.iter().chain(&call.ringing).copied().collect();
            for leg in leaving {
                self.dismiss(leg);
            }
        }
    }

    /// A user leaves a call.
    pub(super) fn hang_up(&mut self, id: LegId) {
        let call = self.legs[&id].call;
        if let Some(Barge { initiator, target, .. }) = self.calls[&call].barge {
            self.end_barge(call);
            if initiator == id {
                return;
            }
            if target == id {
                // Who barged in stays with the other party.
                return self.take_over(id, initiator);
            }
        }
        if self.calls[&call].ringing.contains(&id) {
            self.dismiss(id);
            return self.nobody_rings(call);
        }
        self.dismiss(id);
    }

    /// Takes a leg out of its call and ends it. Media is closed before the telephone is told.
    pub(super) fn dismiss(&mut self, id: LegId) {
        self.end_barge_of_party(id);
        self.unwire(id);
        let leg = self.legs.remove(&id).expect("the caller has it from a call");
        self.timers.stop(Timer::Leg(id));
        self.calls.get_mut(&leg.call).expect("legs are in calls").forget(id);
        self.touch(leg.call);
        if let Some(device) = self.devices.get_mut(&leg.device) {
            device.legs.retain(|other| *other != id);
            self.touched_devices.insert(leg.device.clone());
        }
        self.forget_consult(&leg.device, id);
        if !leg.preserved && leg.shown.is_some() {
            let line = leg.line;
            for change in [
                Change::Tone(None),
                Change::Prompt(None),
                Change::State(CallState::OnHook),
                Change::Keys(KeySet::OnHook),
            ] {
                self.tell(&leg.device, Order::Leg { line, leg: id, change });
            }
        }
    }

    /// A leg cannot speak, and its user hears so; if he does not listen, it ends.
    pub(super) fn fail(&mut self, id: LegId, failure: Failure) {
        let leg = self.legs.get_mut(&id).expect("the caller has it from a call");
        let call = self.calls.get_mut(&leg.call).expect("legs are in calls");
        call.end = match failure {
            Failure::Busy => CallEnd::Busy,
            Failure::NoSuchNumber => CallEnd::NoSuchNumber,
            Failure::Congestion => CallEnd::Failed,
        };
        self.touched.insert(leg.call);
        if leg.preserved || !leg.state.is_active() {
            return self.dismiss(id);
        }
        leg.state = LegState::Failed { failure, howls: false };
        self.timers.start(Timer::Leg(id), self.now + self.settings.howler);
    }

    /// Everybody in a call hears that it cannot go on.
    pub(super) fn fail_call(&mut self, id: CallId) {
        self.end_barge(id);
        for leg in self.calls[&id].parties.clone() {
            self.fail(leg, Failure::Congestion);
        }
    }

    /// Puts a leg of a call into another, without saying so to anybody.
    pub(super) fn move_leg(&mut self, id: LegId, to: CallId) {
        self.end_barge_of_party(id);
        self.unwire(id);
        let leg = self.legs.get_mut(&id).expect("the caller has it from a call");
        let from = std::mem::replace(&mut leg.call, to);
        self.calls.get_mut(&from).expect("legs are in calls").forget(id);
        self.calls.get_mut(&to).expect("the caller has it").parties.push(id);
        self.touch(from);
        self.touch(to);
    }

    /// Frees a device's handset: speech is held, everything else ends.
    pub(super) fn make_room(&mut self, device: &DeviceName) {
        if let Some(active) = self.active(device)
            && !self.hold(active)
        {
            self.hang_up(active);
        }
    }

    /// What waited for a consultation waits no more.
    pub(super) fn forget_consult(&mut self, device: &DeviceName, first: LegId) {
        for leg in self.legs_of(device) {
            let leg = self.legs.get_mut(&leg).expect("devices know their legs");
            leg.consult = leg.consult.filter(|consult| consult.first != first);
        }
    }

    /// The legs of a device, the oldest first.
    pub(super) fn legs_of(&self, device: &DeviceName) -> Vec<LegId> {
        self.devices.get(device).map(|device| device.legs.clone()).unwrap_or_default()
    }
}
