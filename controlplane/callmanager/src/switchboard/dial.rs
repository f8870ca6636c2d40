//! Digits, one by one and all at once.

use super::Switchboard;
use super::action::{Change, Party, Tone};
use super::directory::Reach;
use super::id::LegId;
use super::leg::{Failure, LegState, Purpose};
use super::timers::Timer;
use crate::dialplan::MAX_DIGITS;

impl Switchboard {
    pub(super) fn digit(&mut self, id: LegId, digit: char) {
        let leg = self.legs.get_mut(&id).expect("the caller looked");
        let call = leg.call;
        match &mut leg.state {
            LegState::Collecting(collecting) if collecting.digits.len() < MAX_DIGITS => {
                collecting.digits.push(digit);
                self.touch(call);
                self.digit_came(id);
            }
            LegState::Connected => {
                let found = &self.calls[&call];
                let barged = found.barge.map(|barge| barge.initiator);
                let others = found.parties.iter().copied().chain(barged);
                let hears =
                    |other: &LegId| *other != id && self.legs[other].state == LegState::Connected;
                let others: Vec<_> = others.filter(hears).collect();
                if others.is_empty() {
                    self.ignore();
                }
                for other in others {
                    self.sound(other, Tone::Dtmf(digit));
                }
            }
            _ => self.ignore(),
        }
    }

    fn digit_came(&mut self, id: LegId) {
        let LegState::Collecting(collecting) = &self.legs[&id].state else { return };
        let digits = collecting.digits.clone();
        match self.directory.reach(&digits) {
            Reach::Complete => self.complete(id, digits),
            Reach::Incomplete | Reach::Ambiguous => self.wait_for_digit(id),
            Reach::Nowhere if digits.ends_with('#') => self.dial_what_there_is(id),
            Reach::Nowhere => self.fail(id, Failure::NoSuchNumber),
        }
    }

    pub(super) fn wait_for_digit(&mut self, id: LegId) {
        if let LegState::Collecting(collecting) = &self.legs[&id].state {
            let first = collecting.digits.is_empty();
            let wait = if first { self.settings.first_digit } else { self.settings.inter_digit };
            self.timers.start(Timer::Leg(id), self.now + wait);
        }
    }

    /// No digit comes any more, or `#` says so.
    pub(super) fn dial_what_there_is(&mut self, id: LegId) {
        let LegState::Collecting(collecting) = &self.legs[&id].state else { return };
        let digits = collecting.digits.trim_end_matches('#').to_owned();
        match self.directory.reach(&digits) {
            Reach::Complete | Reach::Ambiguous => self.complete(id, digits),
            Reach::Incomplete | Reach::Nowhere => self.fail(id, Failure::NoSuchNumber),
        }
    }

    pub(super) fn backspace(&mut self, id: LegId) {
        let leg = self.legs.get_mut(&id).expect("the caller looked");
        match &mut leg.state {
            LegState::Collecting(collecting) if !collecting.digits.is_empty() => {
                collecting.digits.pop();
                self.touched.insert(leg.call);
                self.change(id, Change::Backspace);
                self.wait_for_digit(id);
            }
            _ => self.ignore(),
        }
    }

    /// The number is whole.
    pub(super) fn complete(&mut self, id: LegId, number: String) {
        let LegState::Collecting(collecting) = &self.legs[&id].state else { return };
        if number.len() > MAX_DIGITS {
            return self.fail(id, Failure::NoSuchNumber);
        }
        match collecting.purpose {
            Purpose::Call => self.place(id, number),
            Purpose::ForwardAll => self.set_forward_all(id, number),
            Purpose::MeetMe => self.open_meet_me(id, number),
        }
    }

    fn place(&mut self, id: LegId, number: String) {
        self.timers.stop(Timer::Leg(id));
        let leg = self.legs.get_mut(&id).expect("the caller looked");
        leg.state = LegState::Calling;
        let call = leg.call;
        if let Some(device) = self.devices.get_mut(&leg.device) {
            device.last_number = Some(number.clone());
        }
        let dialled = Party { number: number.clone(), name: String::new() };
        self.calls.get_mut(&call).expect("legs are in calls").dialled = Some(dialled);
        self.change(id, Change::Dialled(number.clone()));
        self.route(call, number);
    }
}
