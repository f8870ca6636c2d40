//! Meet-me conferences.

use super::Switchboard;
use super::action::Party;
use super::call::Room;
use super::directory::Target;
use super::id::{CallId, LegId};
use super::leg::{Failure, LegState};
use super::timers::Timer;

impl Switchboard {
    /// Opens a conference under a number.
    pub(super) fn open_meet_me(&mut self, id: LegId, number: String) {
        self.timers.stop(Timer::Leg(id));
        let free = !self.meet_mes.contains_key(&number);
        if !free || !matches!(self.directory.target(&number), Some(Target::MeetMe)) {
            return self.fail(id, Failure::NoSuchNumber);
        }
        let leg = self.legs.get_mut(&id).expect("the caller looked");
        leg.state = LegState::Connected;
        let call = leg.call;
        self.meet_mes.insert(number.clone(), call);
        let found = self.calls.get_mut(&call).expect("legs are in calls");
        found.dialled = Some(Party { number: number.clone(), name: String::new() });
        found.answered = Some(self.now);
        found.bridge = Some(Room::MeetMe(number));
        self.touch(call);
    }

    /// A call comes into a conference that somebody has opened.
    pub(super) fn join_meet_me(&mut self, call: CallId, number: &str) {
        let Some(&room) = self.meet_mes.get(number) else {
            return self.fail_caller(call, Failure::NoSuchNumber);
        };
        let waiting = self.calls[&call].parties.clone();
        if self.calls[&room].parties.len() + waiting.len() > self.settings.max_conference {
            return self.fail_caller(call, Failure::Busy);
        }
        self.calls.get_mut(&call).expect("the caller has it").answered = Some(self.now);
        for leg in waiting {
            self.move_leg(leg, room);
        }
        self.caller_is_connected(room);
    }
}
