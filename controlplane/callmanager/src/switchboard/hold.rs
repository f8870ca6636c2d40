//! Hold and resume, also by another telephone of a shared line.

use super::Switchboard;
use super::action::Notice;
use super::id::LegId;
use super::leg::LegState;

impl Switchboard {
    /// Holds a leg that speaks; says whether it can be held.
    pub(super) fn hold(&mut self, id: LegId) -> bool {
        let leg = &self.legs[&id];
        let call = leg.call;
        let party = self.calls[&call].parties.contains(&id);
        if leg.state != LegState::Connected || !party || self.is_preserved(call) {
            return false;
        }
        self.end_barge(call);
        self.legs.get_mut(&id).expect("looked up above").state = LegState::Held;
        self.touch(call);
        true
    }

    /// Speaks again.
    pub(super) fn resume(&mut self, id: LegId) {
        let leg = &self.legs[&id];
        let device = leg.device.clone();
        match leg.state {
            LegState::Held => self.make_room(&device),
            LegState::Remote => {
                self.make_room(&device);
                let owner = self.owner(id).filter(|owner| {
                    let owner = &self.legs[owner];
                    owner.state == LegState::Held && !self.is_private(&owner.device)
                });
                match owner {
                    Some(owner) => self.take_over(owner, id),
                    None => return self.notify(id, Notice::KeyNotActive),
                }
            }
            _ => return self.ignore(),
        }
        // Making room may have ended the call: somebody can hold himself.
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.state = LegState::Connected;
        let call = leg.call;
        self.touch(call);
    }
}
