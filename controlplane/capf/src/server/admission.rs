//! How many sessions there may be, and their numbers.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::codec::SessionId;

/// Bounds on sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmissionLimits {
    /// At the same time, in all.
    pub total: usize,
    /// At the same time, from one address.
    pub per_address: usize,
}

impl Default for AdmissionLimits {
    /// Emulated phones share an address, and so do phones behind a router.
    fn default() -> Self {
        Self { total: 1000, per_address: 250 }
    }
}

/// Counts connections, from before their handshake to their end. Whoever only opens connections
/// fills his own share.
#[derive(Debug, Default)]
pub struct Admission {
    limits: AdmissionLimits,
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One admitted connection: give it back by [`Admission::release`].
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a slot that is not released is lost"]
pub struct Slot(IpAddr);

/// Why a connection is dropped before its handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// Everything is taken.
    #[error("there are {0} sessions: no more are admitted")]
    Total(usize),
    /// The address has its share.
    #[error("there are {1} sessions from {0}: no more are admitted from there")]
    Address(IpAddr, usize),
}

impl Admission {
    /// Nobody is in yet.
    pub fn new(limits: AdmissionLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Asks for a connection from `address`.
    pub fn admit(&mut self, address: IpAddr) -> Result<Slot, NotAdmitted> {
        // An IPv4 address is one address however it is written.
        let address = address.to_canonical();
        if self.total >= self.limits.total {
            return Err(NotAdmitted::Total(self.total));
        }
        let there = self.by_address.get(&address).copied().unwrap_or_default();
        if there >= self.limits.per_address {
            return Err(NotAdmitted::Address(address, there));
        }
        self.by_address.insert(address, there + 1);
        self.total += 1;
        Ok(Slot(address))
    }

    /// A connection has ended.
    pub fn release(&mut self, Slot(address): Slot) {
        self.total -= 1;
        if let Some(there) = self.by_address.get_mut(&address) {
            *there -= 1;
            if *there == 0 {
                self.by_address.remove(&address);
            }
        }
    }

    /// Connections at the moment.
    pub fn total(&self) -> usize {
        self.total
    }
}

/// Numbers sessions: from a random one upwards, never zero, none again before all others were.
#[derive(Debug)]
pub struct SessionIds(u32);

impl SessionIds {
    /// Starts behind this random number.
    pub fn after(random: u32) -> Self {
        Self(random)
    }

    /// A number for a new session.
    pub fn next_id(&mut self) -> SessionId {
        self.0 = self.0.checked_add(1).unwrap_or(1);
        SessionId(self.0)
    }
}
