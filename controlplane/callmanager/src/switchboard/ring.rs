//! From a number to the telephones that ring, and to the one that answers.

use super::Switchboard;
use super::action::{Party, Reason, Redirected};
use super::directory::Target;
use super::id::{CallId, DeviceName, LegId};
use super::leg::{Failure, LegState};
use super::timers::Timer;

/// Who could ring for a number.
enum Found {
    Telephones(Vec<(DeviceName, u32)>),
    AllBusy,
    Nobody,
}

impl Switchboard {
    /// Leads a call whose first party waits to a number, and on where that forwards.
    pub(super) fn route(&mut self, call: CallId, mut number: String) {
        for _ in 0..=self.settings.max_forwards {
            match self.directory.target(&number) {
                None => return self.fail_caller(call, Failure::NoSuchNumber),
                Some(Target::MeetMe) => return self.join_meet_me(call, &number),
                Some(Target::Ports(ports, number)) => {
                    return self.ring_port(call, &ports, number);
                }
                Some(Target::Lamp(waits)) => return self.switch_lamp(call, waits),
                Some(Target::Line) => {}
            }
            let forwards = self.directory.lines[&number].forwards.clone();
            let (next, reason, failure) = match self.find_telephones(call, &number) {
                _ if forwards.all.is_some() => {
                    (forwards.all, Reason::ForwardAll, Failure::Congestion)
                }
                Found::Telephones(found) => {
                    return self.ring(call, found, forwards.no_answer.is_some());
                }
                Found::AllBusy => (forwards.busy, Reason::Busy, Failure::Busy),
                Found::Nobody => (forwards.no_answer, Reason::NoAnswer, Failure::Congestion),
            };
            let Some(next) = next else { return self.fail_caller(call, failure) };
            self.redirect(call, &number, reason);
            number = next;
        }
        self.fail_caller(call, Failure::Congestion);
    }

    fn find_telephones(&self, call: CallId, number: &str) -> Found {
        let own = |device: &DeviceName| {
            self.calls[&call].parties.iter().any(|leg| self.legs[leg].device == *device)
        };
        let there: Vec<_> =
            self.directory.appearances(number).iter().filter(|(device, _)| !own(device)).collect();
        let free = there.iter().filter(|(device, line)| !self.is_busy(device, *line));
        let free: Vec<_> = free.copied().cloned().collect();
        let own_number = self.directory.appearances(number).iter().any(|(device, _)| own(device));
        match (free.is_empty(), there.is_empty()) {
            // Who calls his own number has it in use.
            _ if own_number => Found::AllBusy,
            (false, _) => Found::Telephones(free),
            (true, false) => Found::AllBusy,
            (true, true) => Found::Nobody,
        }
    }

    fn is_busy(&self, device: &DeviceName, line: u32) -> bool {
        let trigger = self.devices[device].line(line).map_or(0, |line| line.busy_trigger);
        let legs = self.devices[device].legs.iter().map(|id| &self.legs[id]);
        let own = |leg: &&super::leg::Leg| leg.line == line && leg.state != LegState::Remote;
        legs.filter(own).count() >= trigger
    }

    fn ring(&mut self, call: CallId, found: Vec<(DeviceName, u32)>, forwards: bool) {
        for (device, line) in found {
            if let Some(leg) = self.new_leg(&device, line, call, LegState::Ringing) {
                let party = self.legs[&leg].party.clone();
                let ringing = self.calls.get_mut(&call).expect("the caller has it");
                ringing.ringing.push(leg);
                // Whoever calls sees the name, too.
                ringing.dialled = Some(party);
            }
        }
        let wait = match forwards {
            true => self.settings.forward_no_answer,
            false => self.settings.no_answer,
        };
        self.timers.start(Timer::Call(call), self.now + wait);
        self.touch(call);
    }

    /// A telephone answers.
    pub(super) fn answer(&mut self, id: LegId) {
        let leg = &self.legs[&id];
        let (id_of_call, device) = (leg.call, leg.device.clone());
        self.make_room(&device);
        // Making room may have ended the call: somebody can call himself by transfer.
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| leg.state == LegState::Ringing) else {
            return;
        };
        leg.state = LegState::Connected;
        let party = leg.party.clone();
        self.timers.stop(Timer::Call(id_of_call));
        let call = self.calls.get_mut(&id_of_call).expect("legs are in calls");
        call.answered = call.answered.or(Some(self.now));
        call.called = Some(party);
        call.parties.push(id);
        // The other telephones of the line show that it is in use.
        for other in std::mem::take(&mut call.ringing).into_iter().filter(|other| *other != id) {
            self.legs.get_mut(&other).expect("legs are in calls").state = LegState::Remote;
            call.remotes.push(other);
        }
        self.caller_is_connected(id_of_call);
        self.touch(id_of_call);
    }

    /// Whoever waited in a call does so no more.
    pub(super) fn caller_is_connected(&mut self, call: CallId) {
        for party in &self.calls[&call].parties {
            let leg = self.legs.get_mut(party).expect("legs are in calls");
            if leg.state == LegState::Calling {
                leg.state = LegState::Connected;
            }
        }
    }

    /// No telephone was answered in time.
    pub(super) fn not_answered(&mut self, call: CallId) {
        let Some(found) = self.calls.get(&call) else { return };
        let ringing = found.ringing.clone();
        let Some(first) = ringing.first() else { return };
        let (number, routed) = (self.legs[first].party.number.clone(), self.legs[first].routed);
        for leg in ringing {
            self.dismiss(leg);
        }
        match routed {
            true => self.fail_caller(call, Failure::Congestion),
            false => self.go_on(call, &number),
        }
    }

    /// The telephones that rang do so no more, although nobody answered.
    pub(super) fn nobody_rings(&mut self, call: CallId) {
        let Some(found) = self.calls.get(&call) else { return };
        let waits = |leg: &LegId| self.legs[leg].state == LegState::Calling;
        if !found.ringing.is_empty() || !found.parties.iter().any(waits) {
            return;
        }
        let number = found.dialled.clone().unwrap_or_default().number;
        self.timers.stop(Timer::Call(call));
        self.go_on(call, &number);
    }

    fn go_on(&mut self, call: CallId, number: &str) {
        let forward =
            self.directory.lines.get(number).and_then(|line| line.forwards.no_answer.clone());
        match forward {
            Some(next) => {
                self.redirect(call, number, Reason::NoAnswer);
                self.route(call, next);
            }
            None => self.fail_caller(call, Failure::Congestion),
        }
    }

    fn redirect(&mut self, call: CallId, from: &str, reason: Reason) {
        let party = self.party_of(from);
        let call = self.calls.get_mut(&call).expect("the caller has it");
        call.redirected = Some(Redirected::on(call.redirected.take(), party, reason));
    }

    pub(super) fn party_of(&self, number: &str) -> Party {
        let appearance = self.directory.appearances(number).first();
        let line = appearance.and_then(|(device, line)| self.devices.get(device)?.line(*line));
        line.map(|line| line.party.clone())
            .unwrap_or_else(|| Party { number: number.to_owned(), name: String::new() })
    }

    /// The party that waits hears why nobody comes.
    pub(super) fn fail_caller(&mut self, call: CallId, failure: Failure) {
        for leg in self.calls[&call].parties.clone() {
            self.fail(leg, failure);
        }
    }
}
