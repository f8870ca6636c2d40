//! Messages that wait: who says so, and whose lamps tell of it.

use super::Switchboard;
use super::action::{Action, Tone};
use super::id::CallId;
use super::leg::Failure;

impl Switchboard {
    /// A call has reached the number that switches lamps: that of the one in whose name it is. It
    /// has done all it was for.
    pub(super) fn switch_lamp(&mut self, call: CallId, waits: bool) {
        let found = &self.calls[&call];
        let number = found.calling.number.clone();
        // What somebody forwards there is nobody's message.
        if found.redirected.is_some() || !self.directory.lines.contains_key(&number) {
            return self.fail_caller(call, Failure::NoSuchNumber);
        }
        for leg in found.parties.clone() {
            self.sound(leg, Tone::Confirmation);
            self.dismiss(leg);
        }
        self.set_message_waiting(&number, waits);
        self.out.push(Action::MessageWaiting { number, waits });
    }

    /// Messages wait for a number from now on, or no longer.
    pub(super) fn set_message_waiting(&mut self, number: &str, waits: bool) {
        let changed = match waits {
            true => self.waiting.insert(number.to_owned()),
            false => self.waiting.remove(number),
        };
        if changed {
            let devices = self.directory.appearances(number).iter();
            self.touched_devices.extend(devices.map(|(device, _)| device.clone()));
        }
    }
}
