//! Which master keys are in use, so that none is used twice.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

use arrayvec::ArrayVec;
use engine::command::LegId;
use mgcp::sdp::CryptoAttribute;

/// Keys a leg has done with that are still remembered.
const RETIRED: usize = 32;

/// Fingerprints of the keys of all connections, made with a random hash key of this process.
///
/// A key has one sender and one receiver. Both may be here if they are different endpoints, which
/// talk with each other: two lines of one gateway. Within an endpoint it would come out of a relay
/// under the key that it came in with.
///
/// A fingerprint stays as long as its connection, also when the key was replaced: after a change
/// rollover counters begin anew, so an old key would repeat its key stream.
pub(crate) struct KeyRegistry {
    hasher: RandomState,
    /// As many as there are endpoints: legs are numbered so that those of one have one remainder.
    endpoints: u64,
    receivers: HashMap<u64, LegId>,
    senders: HashMap<u64, LegId>,
    /// What legs have done with, oldest first; few change their keys.
    retired: HashMap<LegId, VecDeque<Use>>,
}

/// What a key is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Receive,
    Transmit,
}

/// A key's fingerprint, and what it is for.
type Use = (Way, u64);

impl KeyRegistry {
    /// For legs of so many endpoints.
    pub(crate) fn new(endpoints: u32) -> Self {
        Self {
            hasher: RandomState::default(),
            endpoints: endpoints.into(),
            receivers: HashMap::new(),
            senders: HashMap::new(),
            retired: HashMap::new(),
        }
    }

    /// Whether `leg` may use a key where it uses `current` now: nobody does yet, or it is the same.
    pub(crate) fn is_free(
        &self,
        leg: LegId,
        way: Way,
        key: &CryptoAttribute,
        current: Option<&CryptoAttribute>,
    ) -> bool {
        let fingerprint = self.fingerprint(key);
        let (same, other) = match way {
            Way::Receive => (&self.receivers, &self.senders),
            Way::Transmit => (&self.senders, &self.receivers),
        };
        match (same.get(&fingerprint), other.get(&fingerprint)) {
            (Some(user), _) => {
                *user == leg && current.is_some_and(|now| self.fingerprint(now) == fingerprint)
            }
            (None, Some(other)) => other.0 % self.endpoints != leg.0 % self.endpoints,
            (None, None) => true,
        }
    }

    /// Notes that `leg` uses `new` from now on, and has done with what was only in `old`.
    pub(crate) fn set(&mut self, leg: LegId, old: &KeyPair<'_>, new: &KeyPair<'_>) {
        let (old, new) = (self.uses(old), self.uses(new));
        for (way, fingerprint) in &new {
            self.users(*way).insert(*fingerprint, leg);
        }
        for done in old.into_iter().filter(|old| !new.contains(old)) {
            let retired = self.retired.entry(leg).or_default();
            retired.push_back(done);
            if retired.len() > RETIRED
                && let Some(oldest) = retired.pop_front()
            {
                self.remove(oldest);
            }
        }
    }

    /// Takes back a change from `old` to `new` that did not happen.
    pub(crate) fn undo(&mut self, leg: LegId, old: &KeyPair<'_>, new: &KeyPair<'_>) {
        let (old, new) = (self.uses(old), self.uses(new));
        new.into_iter().filter(|new| !old.contains(new)).for_each(|new| self.remove(new));
        if let Some(retired) = self.retired.get_mut(&leg) {
            retired.retain(|done| !old.contains(done));
        }
    }

    /// Forgets all keys of a leg that is gone; `last` are those it used last.
    pub(crate) fn forget(&mut self, leg: LegId, last: &KeyPair<'_>) {
        let retired = self.retired.remove(&leg).unwrap_or_default();
        retired.into_iter().chain(self.uses(last)).for_each(|done| self.remove(done));
    }

    /// How many keys there are, counted once for each way.
    pub(crate) fn len(&self) -> usize {
        self.receivers.len() + self.senders.len()
    }

    fn users(&mut self, way: Way) -> &mut HashMap<u64, LegId> {
        match way {
            Way::Receive => &mut self.receivers,
            Way::Transmit => &mut self.senders,
        }
    }

    fn remove(&mut self, (way, fingerprint): Use) {
        self.users(way).remove(&fingerprint);
    }

    fn uses(&self, keys: &KeyPair<'_>) -> ArrayVec<Use, 2> {
        [(Way::Receive, keys.receive), (Way::Transmit, keys.transmit)]
            .into_iter()
            .filter_map(|(way, key)| Some((way, self.fingerprint(key?))))
            .collect()
    }

    /// Of the master key alone: another salt does not make a used key fresh.
    fn fingerprint(&self, key: &CryptoAttribute) -> u64 {
        let master = key.key.split(&key.suite).map_or(key.key.expose(), |(key, _salt)| key);
        self.hasher.hash_one(master)
    }
}

/// The keys of a leg, one for each way.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) struct KeyPair<'a> {
    pub(crate) receive: Option<&'a CryptoAttribute>,
    pub(crate) transmit: Option<&'a CryptoAttribute>,
}
