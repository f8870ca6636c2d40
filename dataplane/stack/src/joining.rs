//! Fragments, joined by whom they came under.

use std::collections::HashMap;
use std::time::Instant;

use esp::{DropReason, Reassembler, SaId};

/// Associations whose fragments wait at a time; those of others are dropped.
const ASSOCIATIONS: usize = 64;

/// Incomplete datagrams.
#[derive(Default)]
pub(crate) struct Joining {
    /// Of packets that are still sealed.
    pub(crate) sealed: Reassembler,
    /// Of packets that came in clear.
    clear: Reassembler,
    opened: HashMap<SaId, Reassembler>,
}

impl Joining {
    /// Takes a fragment that needs no opening any more. Gives the datagram that it completes.
    pub(crate) fn push(
        &mut self,
        now: Instant,
        protected: Option<SaId>,
        fragment: &[u8],
    ) -> Result<Option<Vec<u8>>, DropReason> {
        let Some(sa) = protected else { return self.clear.push(now, fragment) };
        if self.opened.len() == ASSOCIATIONS && !self.opened.contains_key(&sa) {
            return Err(DropReason::BadFragments);
        }
        self.opened.entry(sa).or_default().push(now, fragment)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let all = self.opened.values().chain([&self.sealed, &self.clear]);
        all.filter_map(Reassembler::poll_timeout).min()
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.sealed.handle_timeout(now);
        self.clear.handle_timeout(now);
        self.opened.retain(|_, reassembler| {
            reassembler.handle_timeout(now);
            reassembler.octets() > 0
        });
    }
}
