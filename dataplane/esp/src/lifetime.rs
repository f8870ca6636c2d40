//! How long an association lives (RFC 4301 §4.4.2.1): by time, by octets, by packets.

use std::time::Duration;

use crate::Suite;

/// Limits. At the soft ones a successor is asked for, at the hard ones the association is dead. What
/// is absent does not end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// When to ask for a successor.
    pub soft: Limits,
    /// When to stop.
    pub hard: Limits,
}

/// Where a limit lies, in each unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Time since the association was added.
    pub time: Option<Duration>,
    /// Octets encrypted or decrypted.
    pub octets: Option<u64>,
    /// Packets sent or received.
    pub packets: Option<u64>,
}

/// Which limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKind {
    /// Time.
    Time,
    /// Octets.
    Octets,
    /// Packets.
    Packets,
}

impl Lifetime {
    /// Without limits of its own; those of the suite and of sequence numbers hold always.
    pub const UNLIMITED: Self = Self { soft: Limits::NONE, hard: Limits::NONE };

    /// With what the numbers and the cipher allow at most: without extended numbers an association
    /// ends before they wrap (RFC 4303 §3.3.3), and no CBC key encrypts more than 2^32 blocks. Half
    /// of that is the soft limit.
    #[must_use]
    pub(crate) fn within_bounds(mut self, suite: Suite, extended: bool) -> Self {
        let packets = if extended { u64::MAX - 1 } else { u32::MAX.into() };
        clip(&mut self.hard.packets, packets);
        clip(&mut self.soft.packets, packets / 2);
        if suite.is_cbc() {
            clip(&mut self.hard.octets, 16 << 32);
            clip(&mut self.soft.octets, 16 << 31);
        }
        self
    }
}

impl Default for Lifetime {
    /// A successor after an hour, 2^30 packets or one GiB; dead a tenth later, or after 2^31 packets
    /// or two GiB.
    fn default() -> Self {
        let limits = |seconds, shift: u32| Limits {
            time: Some(Duration::from_secs(seconds)),
            octets: Some(1 << (30 + shift)),
            packets: Some(1 << (30 + shift)),
        };
        Self { soft: limits(3600, 0), hard: limits(3960, 1) }
    }
}

impl Limits {
    /// None.
    pub const NONE: Self = Self { time: None, octets: None, packets: None };

    /// The limit that so much use reaches.
    #[inline]
    pub(crate) fn reached(&self, age: Duration, octets: u64, packets: u64) -> Option<LimitKind> {
        if self.packets.is_some_and(|limit| packets >= limit) {
            Some(LimitKind::Packets)
        } else if self.octets.is_some_and(|limit| octets >= limit) {
            Some(LimitKind::Octets)
        } else if self.time.is_some_and(|limit| age >= limit) {
            Some(LimitKind::Time)
        } else {
            None
        }
    }
}

fn clip(limit: &mut Option<u64>, most: u64) {
    *limit = Some(limit.map_or(most, |limit| limit.min(most)));
}
