//! What a session has beside its contexts: what no packet needs to look at.

use super::context::Flags;
use crate::keying::{KeyEntry, Keying};
use crate::srtp::Direction;
use crate::suite::Suite;

pub(super) struct Slot {
    direction: Direction,
    keying: Keying,
    told_ssrc_limit: bool,
}

impl Slot {
    pub(super) fn new(direction: Direction, keying: &Keying) -> Self {
        Self { direction, keying: keying.clone(), told_ssrc_limit: false }
    }

    pub(super) fn suite(&self) -> Suite {
        self.keying.suite()
    }

    pub(super) fn key(&self) -> &KeyEntry {
        &self.keying.keys()[0]
    }

    pub(super) fn window(&self) -> u16 {
        self.keying.window()
    }

    pub(super) fn flags(&self) -> Flags {
        Flags::NONE
            .with(Flags::OUTBOUND, self.direction == Direction::Outbound)
            .with(Flags::MKI, self.keying.mki_len() != 0)
    }

    /// Takes new keys; `false` if they are the old ones.
    pub(super) fn adopt(&mut self, keying: &Keying) -> bool {
        let new = self.keying != *keying;
        self.keying = keying.clone();
        new
    }

    pub(super) fn mki(&self) -> &[u8] {
        self.key().mki.as_deref().unwrap_or(&[])
    }

    /// Whether this is the first time the limit of SSRCs is met.
    pub(super) fn tell_ssrc_limit(&mut self) -> bool {
        !std::mem::replace(&mut self.told_ssrc_limit, true)
    }
}
