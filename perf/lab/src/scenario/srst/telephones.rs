//! Who is at the branch.

use std::borrow::Cow;

use super::mode_of;
use crate::scenario::estate::{Mode, Phone, Place};

/// Phones at the branch.
const COUNT: usize = 50;
/// The places of those that are not encrypted.
pub const AUTHENTICATED: usize = COUNT - 2;
pub const NON_SECURE: usize = COUNT - 1;

/// All phones of the branch, with lines 2001, 2002, …
pub struct Branchful(Vec<Phone>);

impl Branchful {
    pub fn new() -> Self {
        let phone = |place: usize| Phone {
            device: Cow::Owned(format!("SEP0000797{:05X}", place + 1)),
            // Both kinds, turn by turn.
            model: if place.is_multiple_of(2) { "7970" } else { "7960" },
            mode: mode_of(place),
            number: Cow::Owned((2001 + place).to_string()),
            place: Place::Branch,
        };
        Self((0..COUNT).map(phone).collect())
    }

    pub fn phones(&self) -> Vec<&Phone> {
        self.0.iter().collect()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// A, B, C and D, who call each other.
    pub fn encrypted(&self) -> [&Phone; 4] {
        [&self.0[0], &self.0[1], &self.0[2], &self.0[3]]
    }

    /// How many look at certificates, without A and B, who speak.
    pub fn secure_and_idle(&self) -> usize {
        self.0.iter().filter(|phone| phone.mode != Mode::NonSecure).count() - 2
    }
}
