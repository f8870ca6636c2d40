//! Devices that come, and devices that are lost.

use super::Switchboard;
use super::device::{Device, Profile};
use super::id::{CallId, DeviceName, LegId};
use super::leg::LegState;

impl Switchboard {
    /// A device can be called from now on.
    pub(super) fn arrived(&mut self, name: &DeviceName, profile: Profile) {
        self.gone(name);
        for (instance, line) in (1..).zip(&profile.lines) {
            self.directory.add(&line.party.number, name, instance);
        }
        let numbers: Vec<_> = profile.lines.iter().map(|line| line.party.number.clone()).collect();
        self.devices.insert(name.clone(), Device::new(profile));
        self.touched_devices.insert(name.clone());
        // What goes on already on its lines is shown to it.
        for number in numbers {
            for (other, _) in self.directory.appearances(&number).to_vec() {
                for leg in self.legs_of(&other) {
                    self.touch(self.legs[&leg].call);
                }
            }
        }
    }

    /// A device has lost its connection. Those it speaks with go on hearing it until they hang up;
    /// everything else of it ends.
    pub(super) fn gone(&mut self, name: &DeviceName) {
        let legs = self.legs_of(name);
        let Some(device) = self.devices.remove(name) else { return };
        for line in &device.profile.lines {
            self.directory.remove(&line.party.number, name);
        }
        for leg in legs {
            if !self.legs.contains_key(&leg) {
                continue;
            }
            if self.can_be_preserved(leg) {
                let preserved = self.legs.get_mut(&leg).expect("looked up above");
                preserved.preserved = true;
                preserved.consult = None;
                self.touched.insert(preserved.call);
            } else {
                self.hang_up(leg);
                // A leg that would go on showing what others do cannot.
                if self.legs.contains_key(&leg) {
                    self.dismiss(leg);
                }
            }
        }
    }

    /// Whether a leg's media goes on by itself: it speaks with one other.
    fn can_be_preserved(&self, leg: LegId) -> bool {
        let call = &self.calls[&self.legs[&leg].call];
        let speaks = |leg: &LegId| self.legs[leg].state == LegState::Connected;
        call.barge.is_none()
            && call.peer(leg).is_some()
            && call.parties.iter().all(speaks)
            && self.speaks(leg)
    }

    /// Whether a party of a call has lost its connection, so that nothing about it can change.
    pub(super) fn is_preserved(&self, call: CallId) -> bool {
        self.calls[&call].parties.iter().any(|leg| self.legs[leg].preserved)
    }
}
