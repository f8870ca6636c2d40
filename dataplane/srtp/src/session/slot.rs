//! What a session has beside its contexts: its master keys and what is left of them.

use std::num::NonZeroU16;

use smallvec::SmallVec;

use super::context::Flags;
use crate::kdf::SessionKeys;
use crate::keying::{KeyEntry, Keying, MAX_MASTER_KEYS, Services};
use crate::packet::Protocol;
use crate::srtp::Direction;
use crate::suite::Suite;

/// Most keys a session holds, those on their way out included.
pub(super) const MAX_KEYS: usize = 2 * MAX_MASTER_KEYS;

/// Packets before the end of a lifetime at which to ask for a new key; a quarter of the lifetime
/// if that is less.
const SOFT_LIMIT: u64 = 1 << 16;

pub(super) struct Slot {
    direction: Direction,
    window: u16,
    services: Services,
    /// The agreed keys in their order, then the retiring ones, newest first.
    keys: SmallVec<[Key; 1]>,
    told_ssrc_limit: bool,
}

/// A master key and what may still be done with it.
pub(super) struct Key {
    /// Names the key inside its session.
    pub(super) number: u8,
    pub(super) suite: Suite,
    pub(super) entry: KeyEntry,
    /// Packets between derivations of session keys; 0 if there is only the first.
    derivation_rate: u32,
    /// Packets that may still be counted, those not included that the primary contexts have
    /// credit for.
    left: [u64; 2],
    /// A key that was replaced, and how many packets must still come under its successors before
    /// it is forgotten.
    retiring: Option<NonZeroU16>,
    /// Session keys that derive from no master key.
    #[cfg(test)]
    pub(super) given: Option<SessionKeys>,
}

#[cfg(not(test))]
const _: () = assert!(size_of::<Option<Slot>>() == 112);

/// How counting a packet went.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    Fine,
    Soft,
    Last,
}

impl Slot {
    pub(super) fn new(direction: Direction, keying: &Keying) -> Self {
        let mut slot = Self {
            direction,
            window: 0,
            services: Services::ALL,
            keys: SmallVec::new(),
            told_ssrc_limit: false,
        };
        slot.adopt(keying);
        slot
    }

    /// Takes what was agreed anew. `false` if that is what there was already.
    ///
    /// Of the old keys those agreed on again keep their count; the others retire if packets may
    /// still come under them.
    pub(super) fn adopt(&mut self, keying: &Keying) -> bool {
        if self.agrees_with(keying) {
            return false;
        }
        self.window = keying.window();
        self.services = keying.services();

        let mut old = std::mem::take(&mut self.keys);
        self.keys.reserve_exact(keying.keys().len());
        for entry in keying.keys() {
            let known = old.iter().position(|key| key.is(keying, entry));
            let key = match known {
                Some(position) => old.remove(position).agreed_again(entry),
                None => Key::new(self.free_number(&old), keying, entry),
            };
            self.keys.push(key);
        }
        if self.direction == Direction::Inbound {
            for mut key in old {
                key.retiring = key.retiring.or(NonZeroU16::new(self.window));
                self.keys.push(key);
            }
            self.keys.truncate(MAX_KEYS);
        }
        true
    }

    fn agrees_with(&self, keying: &Keying) -> bool {
        let agreed = self.keys.iter().filter(|key| key.retiring.is_none());
        self.window == keying.window()
            && self.services == keying.services()
            && agreed.clone().count() == keying.keys().len()
            && agreed
                .zip(keying.keys())
                .all(|(key, entry)| key.is(keying, entry) && key.entry == *entry)
    }

    fn free_number(&self, old: &[Key]) -> u8 {
        let taken = |number| self.keys.iter().chain(old).any(|key| key.number == number);
        (0..=u8::MAX).find(|&number| !taken(number)).expect("fewer keys than numbers")
    }

    /// Counts a packet under a successor of retiring keys, and forgets those that have waited long
    /// enough: what was sent under them would now be too old. `true` if there was one.
    pub(super) fn outlive(&mut self, number: u8) -> bool {
        if self.keys.iter().any(|key| key.number == number && key.retiring.is_some()) {
            return false;
        }
        let before = self.keys.len();
        self.keys.retain(|key| match key.retiring {
            None => true,
            Some(packets) => {
                key.retiring = NonZeroU16::new(packets.get() - 1);
                key.retiring.is_some()
            }
        });
        self.keys.len() < before
    }

    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The key of that number, unless it has been forgotten.
    pub(super) fn key(&self, number: u8) -> Option<&Key> {
        self.keys.iter().find(|key| key.number == number)
    }

    pub(super) fn key_mut(&mut self, number: u8) -> Option<&mut Key> {
        self.keys.iter_mut().find(|key| key.number == number)
    }

    /// Position of a key among the agreed ones; of a retiring one, that of its first successor.
    pub(super) fn position(&self, number: u8) -> u8 {
        let agreed = self.keys.iter().filter(|key| key.retiring.is_none());
        agreed.zip(0..).find(|(key, _)| key.number == number).map_or(0, |(_, position)| position)
    }

    /// Packets counted under each agreed key, given whose credit is not spent yet.
    pub(super) fn used(&self, credits: [(u8, u16); 2]) -> Vec<[u64; 2]> {
        let used = |key: &Key| {
            Protocol::BOTH.map(|protocol| {
                let (number, credit) = credits[protocol as usize];
                let credit = if number == key.number { u64::from(credit) } else { 0 };
                key.entry.lifetime.of(protocol) - key.left[protocol as usize] - credit
            })
        };
        self.keys.iter().filter(|key| key.retiring.is_none()).map(used).collect()
    }

    /// Counts what was used elsewhere, and `margin` packets more.
    pub(super) fn set_used(&mut self, used: &[[u64; 2]], margin: u16) {
        for (key, used) in self.keys.iter_mut().zip(used) {
            for (left, used) in key.left.iter_mut().zip(used) {
                *left = left.saturating_sub(used.saturating_add(margin.into()));
            }
        }
    }

    pub(super) fn window(&self) -> u16 {
        self.window
    }

    pub(super) fn services(&self) -> Services {
        self.services
    }

    /// The identifier of a session with one key.
    pub(super) fn mki(&self) -> &[u8] {
        self.keys[0].mki()
    }

    /// Packets go one by one if which keys they need is not known before they are looked at, or
    /// if not all is done to them.
    pub(super) fn flags(&self) -> Flags {
        let alone = self.keys.len() > 1
            || self.keys[0].derivation_rate != 0
            || self.services != Services::ALL;
        Flags::NONE
            .with(Flags::OUTBOUND, self.direction == Direction::Outbound)
            .with(Flags::MKI, !self.mki().is_empty())
            .with(Flags::ALONE, alone)
    }

    /// Whether this is the first time the limit of SSRCs is met.
    pub(super) fn tell_ssrc_limit(&mut self) -> bool {
        !std::mem::replace(&mut self.told_ssrc_limit, true)
    }
}

impl Key {
    fn new(number: u8, keying: &Keying, entry: &KeyEntry) -> Self {
        Self {
            number,
            suite: keying.suite(),
            entry: entry.clone(),
            derivation_rate: keying.derivation_rate(),
            left: Protocol::BOTH.map(|protocol| entry.lifetime.of(protocol)),
            retiring: None,
            #[cfg(test)]
            given: None,
        }
    }

    /// The session keys of a protocol, those of this derivation.
    pub(super) fn session_keys(&self, protocol: Protocol, derivation: u64) -> SessionKeys {
        #[cfg(test)]
        if let Some(given) = &self.given {
            return given.clone();
        }
        SessionKeys::derive(self.suite, &self.entry.master, protocol, derivation)
    }

    /// Whether the same session keys derive from that entry, whatever its identifier and lifetime
    /// are now.
    fn is(&self, keying: &Keying, entry: &KeyEntry) -> bool {
        self.suite == keying.suite()
            && self.derivation_rate == keying.derivation_rate()
            && self.entry.master == entry.master
    }

    /// Which derivation of session keys a packet belongs to, RFC 3711 §4.3.1.
    pub(super) fn derivation(&self, index: u64) -> u64 {
        index.checked_div(self.derivation_rate.into()).unwrap_or(0)
    }

    /// The same key under new terms; what was counted stays counted.
    fn agreed_again(mut self, entry: &KeyEntry) -> Self {
        for protocol in Protocol::BOTH {
            let left = &mut self.left[protocol as usize];
            *left += entry.lifetime.of(protocol);
            *left = left.saturating_sub(self.entry.lifetime.of(protocol));
        }
        self.entry = entry.clone();
        self.retiring = None;
        self
    }

    pub(super) fn mki(&self) -> &[u8] {
        self.entry.mki.as_deref().unwrap_or(&[])
    }

    /// Whether the key may not be used any more, given the credit not spent yet.
    pub(super) fn is_spent(&self, protocol: Protocol, credit: u16) -> bool {
        self.left[protocol as usize] + u64::from(credit) == 0
    }

    /// Takes back a context's credit.
    pub(super) fn refund(&mut self, protocol: Protocol, credit: u16) {
        self.left[protocol as usize] += u64::from(credit);
    }

    /// Counts one packet, taking back a context's credit first.
    pub(super) fn count(&mut self, protocol: Protocol, credit: u16) -> Count {
        let soft_limit = self.soft_limit(protocol);
        self.refund(protocol, credit);
        let left = &mut self.left[protocol as usize];
        *left -= 1;
        if *left == 0 {
            // The key is spent for the other protocol too, RFC 3711 §9.2.
            self.left = [0; 2];
            Count::Last
        } else if *left == soft_limit {
            Count::Soft
        } else {
            Count::Fine
        }
    }

    /// Gives a context credit, never beyond the point where something must be told.
    pub(super) fn grant(&mut self, protocol: Protocol) -> u16 {
        let soft_limit = self.soft_limit(protocol);
        let left = &mut self.left[protocol as usize];
        let until = if *left > soft_limit { *left - soft_limit } else { *left };
        let credit = until.min(u16::MAX.into());
        *left -= credit;
        credit as u16
    }

    fn soft_limit(&self, protocol: Protocol) -> u64 {
        (self.entry.lifetime.of(protocol) / 4).min(SOFT_LIMIT)
    }
}
