//! Asking somebody else while one call waits: transfer and conference.

use super::Switchboard;
use super::action::{Notice, Reason, Redirected};
use super::call::Room;
use super::id::LegId;
use super::leg::{Consult, ConsultPurpose, LegState, Purpose};
use super::record::CallEnd;

impl Switchboard {
    /// The key of a transfer or a conference: the first time it begins, the second time it
    /// completes.
    pub(super) fn consult(&mut self, id: LegId, purpose: ConsultPurpose) {
        match self.legs[&id].consult {
            Some(consult) if consult.purpose == purpose => self.complete_consult(id, consult),
            _ => self.begin_consult(id, purpose),
        }
    }

    fn begin_consult(&mut self, first: LegId, purpose: ConsultPurpose) {
        let leg = &self.legs[&first];
        let (device, line) = (leg.device.clone(), leg.line);
        let already = self.find(&device, |leg| leg.consult.is_some()).is_some();
        if already || !matches!(leg.state, LegState::Connected | LegState::Held) {
            return self.ignore();
        }
        if leg.state == LegState::Connected && !self.hold(first) {
            return self.ignore();
        }
        if let Some(second) = self.new_caller(&device, Some(line), Purpose::Call) {
            let second = self.legs.get_mut(&second).expect("it is new");
            second.consult = Some(Consult { first, purpose });
        }
    }

    fn complete_consult(&mut self, second: LegId, Consult { first, purpose }: Consult) {
        let done = match purpose {
            ConsultPurpose::Transfer => self.transfer(first, second),
            ConsultPurpose::Conference => self.confer(first, second),
        };
        if let Err(notice) = done {
            self.notify(second, notice);
        }
    }

    /// The first call's other party takes the place of the transferring one in the second.
    fn transfer(&mut self, first: LegId, second: LegId) -> Result<(), Notice> {
        let (from, to) = (self.legs[&first].call, self.legs[&second].call);
        let other = self.calls[&from].peer(first).ok_or(Notice::CannotTransfer)?;
        let possible = from != to
            && matches!(self.legs[&second].state, LegState::Calling | LegState::Connected)
            && matches!(self.legs[&other].state, LegState::Connected | LegState::Held)
            && !self.is_preserved(from)
            && !self.is_preserved(to);
        if !possible {
            return Err(Notice::CannotTransfer);
        }
        let reason = Reason::Transfer;
        let redirected = Redirected::on(None, self.legs[&second].party.clone(), reason);
        let waits = self.legs[&second].state == LegState::Calling;
        self.move_leg(other, to);
        let moved = self.legs.get_mut(&other).expect("it was moved");
        if waits && moved.state == LegState::Connected {
            moved.state = LegState::Calling;
        }
        self.calls.get_mut(&from).expect("its leg is there").end = CallEnd::Transferred;
        self.calls.get_mut(&to).expect("its leg is there").redirected = Some(redirected);
        self.dismiss(second);
        self.dismiss(first);
        Ok(())
    }

    /// The second call's other party comes into the first.
    fn confer(&mut self, first: LegId, second: LegId) -> Result<(), Notice> {
        let (to, from) = (self.legs[&first].call, self.legs[&second].call);
        let other = self.calls[&from].peer(second).ok_or(Notice::CannotConfer)?;
        let can_join =
            |leg: &LegId| matches!(self.legs[leg].state, LegState::Connected | LegState::Held);
        let parties = &self.calls[&to].parties;
        let possible = from != to
            && can_join(&second)
            && can_join(&other)
            && parties.len() >= 2
            && parties.iter().all(can_join)
            && !self.is_preserved(from)
            && !self.is_preserved(to);
        if !possible {
            return Err(Notice::CannotConfer);
        }
        if parties.len() >= self.settings.max_conference {
            return Err(Notice::TooManyParties);
        }
        self.end_barge(to);
        self.move_leg(other, to);
        let call = self.calls.get_mut(&to).expect("its leg is there");
        call.bridge.get_or_insert(Room::AdHoc);
        self.calls.get_mut(&from).expect("its leg is there").end = CallEnd::Transferred;
        self.dismiss(second);
        self.resume(first);
        Ok(())
    }
}
