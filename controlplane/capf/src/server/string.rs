//! Authentication strings, and how often they may be guessed.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::DeviceName;
use crate::codec::Password;

/// An authentication string: four to ten digits. `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthenticationString(Zeroizing<String>);

/// Why text is no authentication string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StringFault {
    /// Something other than digits.
    #[error("it contains something other than digits")]
    NotDigits,
    /// Fewer than four digits, or more than ten.
    #[error("it has {0} digits: four to ten are allowed")]
    Length(usize),
}

impl AuthenticationString {
    /// Fewest digits.
    pub const MIN: usize = 4;
    /// Most digits.
    pub const MAX: usize = 10;

    /// Reads a string that somebody typed.
    pub fn parse(text: &str) -> Result<Self, StringFault> {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(StringFault::NotDigits);
        }
        if !(Self::MIN..=Self::MAX).contains(&text.len()) {
            return Err(StringFault::Length(text.len()));
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// Makes a string of `length` digits out of random bytes; each digit is equally likely.
    pub fn generate(length: usize, mut random: impl FnMut() -> u8) -> Result<Self, StringFault> {
        if !(Self::MIN..=Self::MAX).contains(&length) {
            return Err(StringFault::Length(length));
        }
        let mut digits = Zeroizing::new(String::with_capacity(length));
        while digits.len() < length {
            // 250 is the last multiple of ten in a byte.
            match random() {
                byte @ 0..250 => digits.push(char::from(b'0' + byte % 10)),
                _ => continue,
            }
        }
        Ok(Self(digits))
    }

    /// The digits, for the store and for those who may see them.
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AuthenticationString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthenticationString(hidden)")
    }
}

/// A string that a phone gave and that is to be compared.
#[derive(Clone, Debug)]
pub struct StringClaim {
    /// The device it is given for.
    pub device: DeviceName,
    /// The address it came from.
    pub from: IpAddr,
    password: Password,
}

impl StringClaim {
    pub(super) fn new(device: DeviceName, from: IpAddr, password: Password) -> Self {
        Self { device, from, password }
    }
}

/// Proof that a phone gave the authentication string of its device. Only [`Lockout::check`] makes
/// one.
#[derive(Debug)]
pub struct MatchedString {
    device: DeviceName,
}

impl MatchedString {
    /// Whose string it was.
    pub fn device(&self) -> &DeviceName {
        &self.device
    }
}

/// Why a string is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StringRefusal {
    /// The phone gave no string. It has not guessed, so this does not count.
    #[error("it gave no authentication string")]
    Missing,
    /// No string is set, or it was used.
    #[error("no authentication string is valid for it")]
    NoneValid,
    /// A wrong one.
    #[error("wrong authentication string, {failures} in a row")]
    Wrong {
        /// So many in a row, this one among them.
        failures: u32,
    },
    /// The last wrong one: from now on none is accepted.
    #[error("wrong authentication string, {failures} in a row: locked")]
    NowLocked {
        /// So many in a row.
        failures: u32,
    },
    /// Right or wrong, it came too early.
    #[error("its authentication string is locked for {} more seconds", .remaining.as_secs())]
    Locked {
        /// Time left.
        remaining: Duration,
    },
}

/// Where a string comes from, as seen by who counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The address at which the device is known to be: it is registered from there, or enrolled
    /// from there before.
    Home,
    /// Any other.
    Elsewhere,
}

/// After how many wrong strings how long none is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockoutRule {
    /// Wrong strings in a row.
    pub failures: u32,
    /// At least.
    pub lasts: Duration,
}

impl Default for LockoutRule {
    fn default() -> Self {
        Self { failures: 10, lasts: Duration::from_secs(10 * 60) }
    }
}

/// The wrong strings of one device. It is a value to be stored beside the device, in the same
/// transaction in which a string is checked: then a restart forgets nothing, and two sessions
/// cannot guess for the price of one.
///
/// All places but the device's own share one count, so that many addresses give nobody more
/// guesses; the device's own place has a count of its own, so that strangers cannot lock it out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lockout {
    home: Count,
    elsewhere: Count,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Count {
    failures: u32,
    locked_until: Option<SystemTime>,
}

impl Lockout {
    /// Compares a claim with the device's string, counting it if it is wrong. `expected` is `None`
    /// where no string is set or it was used.
    ///
    /// Store the changed value before the answer is given to the session.
    pub fn check(
        &mut self,
        now: SystemTime,
        rule: LockoutRule,
        claim: &StringClaim,
        place: Place,
        expected: Option<&AuthenticationString>,
    ) -> Result<MatchedString, StringRefusal> {
        if claim.password.is_null() {
            return Err(StringRefusal::Missing);
        }
        let count = self.count(place);
        if let Some(remaining) = count.remaining(now, rule) {
            return Err(StringRefusal::Locked { remaining });
        }
        let expected = expected.ok_or(StringRefusal::NoneValid)?;
        if claim.password.is(expected.digits()) {
            *count = Count::default();
            return Ok(MatchedString { device: claim.device.clone() });
        }
        count.failures += 1;
        let failures = count.failures;
        if failures < rule.failures {
            return Err(StringRefusal::Wrong { failures });
        }
        count.locked_until = Some(now + rule.lasts);
        Err(StringRefusal::NowLocked { failures })
    }

    /// How long no string is accepted from `place`; `None` if one is.
    pub fn remaining(&self, now: SystemTime, rule: LockoutRule, place: Place) -> Option<Duration> {
        let count = match place {
            Place::Home => &self.home,
            Place::Elsewhere => &self.elsewhere,
        };
        count.clone().remaining(now, rule)
    }

    /// Whether there is nothing to remember.
    pub fn is_clear(&self) -> bool {
        *self == Self::default()
    }

    fn count(&mut self, place: Place) -> &mut Count {
        match place {
            Place::Home => &mut self.home,
            Place::Elsewhere => &mut self.elsewhere,
        }
    }
}

impl Count {
    /// Time left of a lock. One that is over starts a new row; a clock that was set back does not
    /// make one longer than the rule.
    fn remaining(&mut self, now: SystemTime, rule: LockoutRule) -> Option<Duration> {
        let until = self.locked_until?;
        match until.duration_since(now) {
            Ok(left) if !left.is_zero() => Some(left.min(rule.lasts)),
            _ => {
                *self = Self::default();
                None
            }
        }
    }
}
