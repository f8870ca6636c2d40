//! Protocol versions.

use std::fmt;

/// A version of the protocol: what a side can do at most, or what the two agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(u8);

impl Version {
    /// Telephones that do not say their version.
    pub const MIN: Self = Self(3);
    /// The last that 7940 and 7960 know; every layout below 15 fits in it.
    pub const V11: Self = Self(11);
    /// The newest whose layouts are known.
    pub const MAX: Self = Self(22);

    /// The version that a number on the wire stands for: what is too old or too new is taken for
    /// the oldest or the newest known.
    pub const fn of(number: u8) -> Self {
        match number {
            0..3 => Self::MIN,
            3..=22 => Self(number),
            _ => Self::MAX,
        }
    }

    /// The number on the wire.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// What two sides speak to each other.
    pub fn agreed(self, other: Self) -> Self {
        self.min(other)
    }

    /// What stands in the header of messages: old sides send 0.
    pub fn in_header(self) -> u32 {
        if self < Self(15) { 0 } else { self.0.into() }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
