//! An office: who works there, and how they call each other.

#![allow(dead_code, reason = "not every test needs everybody")]

use std::ops::{Deref, DerefMut};

use ringfence_callmanager::security::Bridge;
use ringfence_callmanager::security::Security::{Authenticated, Encrypted, NonSecure};
use ringfence_callmanager::switchboard::{Key, Settings};
use ringfence_callmanager::testing::{World, profile};

/// 7970, encrypted, 1001.
pub const ALICE: &str = "SEP000000000001";
/// The same line on another 7970, encrypted.
pub const ANNE: &str = "SEP00000000000A";
/// 7960, encrypted, 1002.
pub const BOB: &str = "SEP000000000002";
/// 7960, authenticated, 1003.
pub const CAROL: &str = "SEP000000000003";
/// 7912, 1004.
pub const DAVE: &str = "SEP000000000004";

/// A world with people in it.
pub struct Office(World);

pub fn office() -> Office {
    office_with(Settings::default())
}

pub fn office_with(settings: Settings) -> Office {
    let mut office = World::new(settings);
    office.arrive(ALICE, profile(Encrypted, Some(Bridge::Encrypted), &["1001"]));
    office.arrive(ANNE, profile(Encrypted, Some(Bridge::Encrypted), &["1001"]));
    office.arrive(BOB, profile(Encrypted, Some(Bridge::Plain), &["1002"]));
    office.arrive(CAROL, profile(Authenticated, Some(Bridge::Plain), &["1003"]));
    office.arrive(DAVE, profile(NonSecure, None, &["1004"]));
    Office(office)
}

impl Office {
    /// One calls, the other answers; ports are not yet open.
    pub fn begin(&mut self, caller: &str, number: &str, called: &str) {
        self.press(caller, Key::Number(number.to_owned()));
        self.press(called, Key::Answer);
    }

    /// The same, and they speak.
    pub fn connect(&mut self, caller: &str, number: &str, called: &str) {
        self.begin(caller, number, called);
        self.open_all();
    }
}

impl Deref for Office {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0
    }
}

impl DerefMut for Office {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.0
    }
}
