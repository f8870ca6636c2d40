//! What keys do.

use super::Switchboard;
use super::action::{Change, Notice, Order, Tone};
use super::device::Meant;
use super::event::Key;
use super::id::{DeviceName, LegId};
use super::leg::{ConsultPurpose, LegState, Purpose};

impl Switchboard {
    pub(super) fn press(
        &mut self,
        device: &DeviceName,
        line: Option<u32>,
        leg: Option<LegId>,
        key: Key,
    ) {
        let Some(found) = self.devices.get_mut(device) else { return self.ignore() };
        if line.is_some_and(|line| found.line(line).is_none()) {
            return self.ignore();
        }
        match key {
            Key::OffHook => found.handset_up = true,
            Key::OnHook => found.handset_up = false,
            _ => {}
        }
        let leg = match self.meant(device, line, leg, &key) {
            Meant::Leg(leg) => Some(leg),
            Meant::New => None,
            Meant::Nobody => return self.ignore(),
        };
        match leg {
            Some(leg) => self.press_on(leg, device, line, key),
            None => self.press_without_leg(device, line, key),
        }
    }

    /// A key for a leg that there is.
    fn press_on(&mut self, leg: LegId, device: &DeviceName, line: Option<u32>, key: Key) {
        match key {
            Key::OffHook | Key::Answer => match self.legs[&leg].state {
                LegState::Ringing => self.answer(leg),
                LegState::Remote => self.begin(device, line, Purpose::Call),
                _ => self.ignore(),
            },
            Key::Line => match self.legs[&leg].state {
                LegState::Ringing => self.answer(leg),
                LegState::Held => self.resume(leg),
                _ => self.ignore(),
            },
            Key::NewCall => self.begin(device, line, Purpose::Call),
            Key::OffHookFor(_) => self.ignore(),
            Key::OnHook | Key::EndCall => match self.legs[&leg].state {
                LegState::Remote => self.ignore(),
                _ => self.hang_up(leg),
            },
            Key::Digit(digit) => self.digit(leg, digit),
            Key::Backspace => self.backspace(leg),
            Key::Number(number) => self.whole_number(leg, device, line, number),
            Key::Redial => match self.devices[device].last_number.clone() {
                Some(number) => self.whole_number(leg, device, line, number),
                None => self.ignore(),
            },
            Key::Hold if self.legs[&leg].state == LegState::Held => self.resume(leg),
            Key::Hold => {
                if !self.hold(leg) {
                    self.ignore();
                }
            }
            Key::Resume => self.resume(leg),
            Key::Transfer => self.consult(leg, ConsultPurpose::Transfer),
            Key::Conference => self.consult(leg, ConsultPurpose::Conference),
            Key::MeetMe => self.change_purpose(leg, device, line, Purpose::MeetMe),
            Key::ForwardAll => self.forward_all(Some(leg), device, line),
            Key::Barge => self.barge(leg),
            Key::ConferenceBarge => self.conference_barge(leg),
            Key::Privacy => self.toggle_privacy(device),
        }
    }

    /// A key when there is no leg for which it would make sense.
    fn press_without_leg(&mut self, device: &DeviceName, line: Option<u32>, key: Key) {
        match key {
            Key::OffHook if self.active(device).is_some() => {}
            Key::Line if self.is_active_on(device, line) => {}
            Key::OffHook | Key::NewCall | Key::Line => self.begin(device, line, Purpose::Call),
            Key::OffHookFor(number) => self.begin_for(device, line, number),
            Key::MeetMe => self.begin(device, line, Purpose::MeetMe),
            Key::ForwardAll => self.forward_all(None, device, line),
            Key::Privacy => self.toggle_privacy(device),
            Key::Number(number) => self.begin_with(device, line, number),
            Key::Redial => match self.devices[device].last_number.clone() {
                Some(number) => self.begin_with(device, line, number),
                None => self.ignore(),
            },
            // The call ended while its user reached for the key.
            Key::OnHook | Key::EndCall => {}
            _ => self.ignore(),
        }
    }

    fn is_active_on(&self, device: &DeviceName, line: Option<u32>) -> bool {
        self.active(device).is_some_and(|leg| Some(self.legs[&leg].line) == line)
    }

    /// Begins a call on a line, or the first one.
    pub(super) fn begin(&mut self, device: &DeviceName, line: Option<u32>, purpose: Purpose) {
        self.new_caller(device, line, purpose);
    }

    /// Begins a call in the name of somebody else.
    fn begin_for(&mut self, device: &DeviceName, line: Option<u32>, number: String) {
        if let Some(leg) = self.new_caller(device, line, Purpose::Call) {
            let call = self.legs[&leg].call;
            let calling = self.party_of(&number);
            self.calls.get_mut(&call).expect("legs are in calls").calling = calling;
        }
    }

    fn begin_with(&mut self, device: &DeviceName, line: Option<u32>, number: String) {
        if let Some(leg) = self.new_caller(device, line, Purpose::Call) {
            self.complete(leg, number);
        }
    }

    pub(super) fn new_caller(
        &mut self,
        device: &DeviceName,
        line: Option<u32>,
        purpose: Purpose,
    ) -> Option<LegId> {
        let line = line.unwrap_or(1);
        let calling = self.devices.get(device)?.line(line)?.party.clone();
        if self.legs_of(device).len() >= MAX_LEGS {
            self.ignore();
            return None;
        }
        self.make_room(device);
        let call = self.new_call(calling);
        let leg = self.new_leg(device, line, call, LegState::collecting(purpose))?;
        self.calls.get_mut(&call)?.parties.push(leg);
        self.wait_for_digit(leg);
        Some(leg)
    }

    /// A number at once: for a leg that waits for one, or a new call.
    fn whole_number(&mut self, leg: LegId, device: &DeviceName, line: Option<u32>, number: String) {
        match &self.legs[&leg].state {
            LegState::Collecting(collecting) if collecting.digits.is_empty() => {
                self.complete(leg, number);
            }
            _ => self.begin_with(device, line, number),
        }
    }

    /// The digits to come are for something else.
    fn change_purpose(
        &mut self,
        leg: LegId,
        device: &DeviceName,
        line: Option<u32>,
        purpose: Purpose,
    ) {
        match &mut self.legs.get_mut(&leg).expect("the caller looked").state {
            LegState::Collecting(collecting) if collecting.digits.is_empty() => {
                collecting.purpose = purpose;
            }
            _ => self.begin(device, line, purpose),
        }
    }

    /// A leg's telephone shows a text for a while.
    pub(super) fn notify(&mut self, leg: LegId, notice: Notice) {
        self.change(leg, Change::Notice(notice));
    }

    /// A leg's telephone sounds once.
    pub(super) fn sound(&mut self, leg: LegId, tone: Tone) {
        self.change(leg, Change::Sound(tone));
    }

    pub(super) fn change(&mut self, id: LegId, change: Change) {
        let leg = &self.legs[&id];
        if !leg.preserved {
            let (device, line) = (leg.device.clone(), leg.line);
            self.tell(&device, Order::Leg { line, leg: id, change });
        }
    }

    pub(super) fn ignore(&mut self) {
        self.counters.ignored += 1;
    }
}

/// Most legs of a device: no display has room for more.
const MAX_LEGS: usize = 200;
