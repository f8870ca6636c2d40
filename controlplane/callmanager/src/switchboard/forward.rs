//! Forwarding, as users change it.

use super::Switchboard;
use super::action::{Action, Order, Tone};
use super::id::{DeviceName, LegId};
use super::leg::{LegState, Purpose};

impl Switchboard {
    /// The key: asks for a number, or forwards no more.
    pub(super) fn forward_all(
        &mut self,
        leg: Option<LegId>,
        device: &DeviceName,
        line: Option<u32>,
    ) {
        let instance = leg.map(|leg| self.legs[&leg].line).or(line).unwrap_or(1);
        let Some(line) = self.devices[device].line(instance) else { return self.ignore() };
        let number = line.party.number.clone();
        let forwards = self.directory.lines.get(&number).map(|line| &line.forwards);
        if forwards.is_some_and(|forwards| forwards.all.is_some()) {
            return self.change_forward(&number, None);
        }
        let leg = match leg {
            Some(leg) => Some(leg),
            None => self.new_caller(device, Some(instance), Purpose::ForwardAll),
        };
        match leg.map(|leg| &mut self.legs.get_mut(&leg).expect("it is there").state) {
            Some(LegState::Collecting(collecting)) if collecting.digits.is_empty() => {
                collecting.purpose = Purpose::ForwardAll;
            }
            _ => self.ignore(),
        }
    }

    /// The number is whole.
    pub(super) fn set_forward_all(&mut self, id: LegId, to: String) {
        let number = self.legs[&id].party.number.clone();
        self.sound(id, Tone::Confirmation);
        self.dismiss(id);
        self.change_forward(&number, Some(to));
    }

    fn change_forward(&mut self, number: &str, all: Option<String>) {
        let Some(line) = self.directory.lines.get_mut(number) else { return };
        line.forwards.all.clone_from(&all);
        for (device, line) in line.appearances.clone() {
            self.tell(&device, Order::Forward { line, all: all.clone() });
        }
        self.out.push(Action::Forwarded { number: number.to_owned(), all });
    }
}
