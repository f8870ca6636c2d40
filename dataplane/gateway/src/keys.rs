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
/// A fingerprint stays as long as its connection, also when the key was replaced: after a change
/// rollover counters begin anew, so an old key would repeat its key stream.
#[derive(Default)]
pub(crate) struct KeyRegistry {
    hasher: RandomState,
    used: HashMap<u64, LegId>,
    /// What legs have done with, oldest first; few change their keys.
    retired: HashMap<LegId, VecDeque<u64>>,
}

impl KeyRegistry {
    /// Whether `leg` may use a key where it uses `current` now: nobody does yet, or it is the same.
    pub(crate) fn is_free(
        &self,
        leg: LegId,
        key: &CryptoAttribute,
        current: Option<&CryptoAttribute>,
    ) -> bool {
        let fingerprint = self.fingerprint(key);
        match self.used.get(&fingerprint) {
            Some(user) => {
                *user == leg && current.is_some_and(|now| self.fingerprint(now) == fingerprint)
            }
            None => true,
        }
    }

    /// Notes that `leg` uses `new` from now on, and has done with what was only in `old`.
    pub(crate) fn set(&mut self, leg: LegId, old: &KeyPair<'_>, new: &KeyPair<'_>) {
        let (old, new) = (self.fingerprints(old), self.fingerprints(new));
        self.used.extend(new.iter().map(|fingerprint| (*fingerprint, leg)));
        for fingerprint in old.into_iter().filter(|old| !new.contains(old)) {
            let retired = self.retired.entry(leg).or_default();
            retired.push_back(fingerprint);
            if retired.len() > RETIRED
                && let Some(oldest) = retired.pop_front()
            {
                self.used.remove(&oldest);
            }
        }
    }

    /// Takes back a change from `old` to `new` that did not happen.
    pub(crate) fn undo(&mut self, leg: LegId, old: &KeyPair<'_>, new: &KeyPair<'_>) {
        let (old, new) = (self.fingerprints(old), self.fingerprints(new));
        for fingerprint in new.iter().filter(|new| !old.contains(new)) {
            self.used.remove(fingerprint);
        }
        if let Some(retired) = self.retired.get_mut(&leg) {
            retired.retain(|fingerprint| !old.contains(fingerprint));
        }
    }

    /// Forgets all keys of a leg that is gone; `last` are those it used last.
    pub(crate) fn forget(&mut self, leg: LegId, last: &KeyPair<'_>) {
        let retired = self.retired.remove(&leg).unwrap_or_default();
        for fingerprint in retired.into_iter().chain(self.fingerprints(last)) {
            self.used.remove(&fingerprint);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.used.len()
    }

    fn fingerprints(&self, keys: &KeyPair<'_>) -> ArrayVec<u64, 2> {
        [keys.receive, keys.transmit]
            .into_iter()
            .flatten()
            .map(|key| self.fingerprint(key))
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
