//! Repeats the kernel's associations and policies.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Instant;

use esp::{Direction, Ipsec, SaError, SaId};

use crate::xfrm::{Message, PolicyKey, PolicyRecord, State, StateKey, Unusable};

/// Where a message comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Announced as it happened.
    Announced,
    /// The answer to a question: it was there before us.
    Found,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An association was added.
    Added(SaId),
    /// An association was removed.
    Removed,
    /// The policies changed.
    Policies,
    /// Nothing had to be done: not ours, or known.
    Nothing,
    /// An association was there before us. Nobody knows how far its numbers have come, so it is not
    /// used: have the IKE daemon make a successor (`swanctl --rekey`).
    Older(StateKey),
    /// We cannot be an end of this association.
    Unusable(StateKey, Unusable),
    /// It was not taken.
    Refused(StateKey, SaError),
}

/// The kernel's associations and policies in an [`Ipsec`].
pub struct Mirror {
    locals: Vec<IpAddr>,
    states: HashMap<StateKey, SaId>,
    policies: Vec<PolicyRecord>,
}

impl Mirror {
    /// For the end that has these addresses: the kernel does not say which way an association goes.
    pub fn new(locals: Vec<IpAddr>) -> Self {
        Self { locals, states: HashMap::new(), policies: Vec::new() }
    }

    /// Does what a message says. `iv_seed` is random and used once.
    pub fn apply(
        &mut self,
        now: Instant,
        origin: Origin,
        message: Message,
        ipsec: &mut Ipsec,
        iv_seed: [u8; 16],
    ) -> Outcome {
        match message {
            Message::State(state) => self.add(now, origin, &state, ipsec, iv_seed),
            Message::Unusable(key, why) => Outcome::Unusable(key, why),
            Message::StateGone(key) | Message::Expired { key, hard: true } => {
                self.remove(key, ipsec)
            }
            Message::NoStates => self.remove_all(ipsec),
            Message::Policy(policy) => {
                self.forget(&policy.key);
                // Of two with one priority the older counts.
                let at = self.policies.partition_point(|other| other.priority <= policy.priority);
                self.policies.insert(at, policy);
                self.write_policies(ipsec)
            }
            Message::PolicyGone(key) => {
                self.forget(&key);
                self.write_policies(ipsec)
            }
            Message::NoPolicies => {
                self.policies.clear();
                self.write_policies(ipsec)
            }
            Message::Expired { hard: false, .. }
            | Message::Done
            | Message::Error(_)
            | Message::Other => Outcome::Nothing,
        }
    }

    fn add(
        &mut self,
        now: Instant,
        origin: Origin,
        state: &State,
        ipsec: &mut Ipsec,
        iv_seed: [u8; 16],
    ) -> Outcome {
        let direction = if self.locals.contains(&state.key.destination) {
            Direction::Inbound
        } else if self.locals.contains(&state.source) {
            Direction::Outbound
        } else {
            return Outcome::Nothing;
        };
        if self.states.contains_key(&state.key) {
            // An update brings new limits of time; the numbers must go on as they are.
            return Outcome::Nothing;
        }
        if origin == Origin::Found {
            return Outcome::Older(state.key);
        }
        match ipsec.add_sa(now, state.spec(direction, iv_seed)) {
            Ok(id) => {
                self.states.insert(state.key, id);
                Outcome::Added(id)
            }
            Err(why) => Outcome::Refused(state.key, why),
        }
    }

    fn remove(&mut self, key: StateKey, ipsec: &mut Ipsec) -> Outcome {
        match self.states.remove(&key) {
            // It may have been removed by somebody else.
            Some(id) => ipsec.remove_sa(id).map_or(Outcome::Nothing, |_| Outcome::Removed),
            None => Outcome::Nothing,
        }
    }

    fn remove_all(&mut self, ipsec: &mut Ipsec) -> Outcome {
        let mut outcome = Outcome::Nothing;
        for (_, id) in self.states.drain() {
            if ipsec.remove_sa(id).is_ok() {
                outcome = Outcome::Removed;
            }
        }
        outcome
    }

    fn forget(&mut self, key: &PolicyKey) {
        self.policies.retain(|policy| policy.key != *key);
    }

    fn write_policies(&self, ipsec: &mut Ipsec) -> Outcome {
        ipsec.set_policies(self.policies.iter().filter_map(PolicyRecord::policy).collect());
        Outcome::Policies
    }
}
