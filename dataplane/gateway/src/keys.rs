//! Which master keys are in use, so that none is used twice.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use engine::command::LegId;
use mgcp::sdp::CryptoAttribute;

/// Keys a leg has done with that are still remembered.
const RETIRED: usize = 32;

/// Which way a key is used, seen from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    Receive,
    Transmit,
}

/// Fingerprints of the keys of all connections, made with a random hash key of this process.
///
/// A fingerprint stays as long as its connection, also when the key was replaced: after a change
/// rollover counters begin anew, so an old key would repeat its key stream.
#[derive(Default)]
pub(crate) struct KeyRegistry {
    hasher: RandomState,
    used: HashMap<u64, Use>,
    by_leg: HashMap<LegId, Vec<u64>>,
}

struct Use {
    leg: LegId,
    way: Way,
    current: bool,
}

impl KeyRegistry {
    /// Whether `leg` may use the key this way: nobody does yet, or it does so now.
    pub(crate) fn is_free(&self, leg: LegId, way: Way, key: &CryptoAttribute) -> bool {
        match self.used.get(&fingerprint(&self.hasher, key)) {
            Some(used) => used.leg == leg && used.way == way && used.current,
            None => true,
        }
    }

    /// Notes what `leg` uses from now on; its other keys are done with.
    pub(crate) fn set(&mut self, leg: LegId, keys: &KeyPair<'_>) {
        let fingerprints = self.by_leg.entry(leg).or_default();
        for known in fingerprints.iter() {
            if let Some(used) = self.used.get_mut(known) {
                used.current = false;
            }
        }
        for (way, key) in [(Way::Receive, keys.receive), (Way::Transmit, keys.transmit)] {
            let Some(key) = key else { continue };
            let fingerprint = fingerprint(&self.hasher, key);
            fingerprints.retain(|known| *known != fingerprint);
            fingerprints.push(fingerprint);
            self.used.insert(fingerprint, Use { leg, way, current: true });
        }
        while fingerprints.len() > RETIRED {
            self.used.remove(&fingerprints.remove(0));
        }
    }

    /// Takes back a change from `old` to `new` that did not happen.
    pub(crate) fn undo(&mut self, leg: LegId, new: &KeyPair<'_>, old: &KeyPair<'_>) {
        for key in [new.receive, new.transmit].into_iter().flatten() {
            let fingerprint = fingerprint(&self.hasher, key);
            self.used.remove(&fingerprint);
            if let Some(fingerprints) = self.by_leg.get_mut(&leg) {
                fingerprints.retain(|known| *known != fingerprint);
            }
        }
        self.set(leg, old);
    }

    /// Forgets all keys of a leg that is gone.
    pub(crate) fn forget(&mut self, leg: LegId) {
        for fingerprint in self.by_leg.remove(&leg).unwrap_or_default() {
            self.used.remove(&fingerprint);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.used.len()
    }
}

/// The keys of a leg, one for each way.
#[derive(Clone, Copy, Default)]
pub(crate) struct KeyPair<'a> {
    pub(crate) receive: Option<&'a CryptoAttribute>,
    pub(crate) transmit: Option<&'a CryptoAttribute>,
}

/// Of the master key alone: another salt does not make a used key fresh.
fn fingerprint(hasher: &RandomState, key: &CryptoAttribute) -> u64 {
    hasher.hash_one(key.key.split(&key.suite).map_or(key.key.expose(), |(key, _salt)| key))
}
