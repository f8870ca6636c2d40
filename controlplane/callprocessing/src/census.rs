//! Who is connected, and who has to go when there are too many.
//!
//! Whoever has not registered holds a seat only until somebody else wants it, so half-open
//! connections keep nobody out: the oldest of the same address goes first, then the oldest of all.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use callmanager::exchange::ConnectionId;
use store::CallSettings;

/// How many connections there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In all.
    pub total: usize,
    /// Of phones that have not registered.
    pub half_open: usize,
    /// The same, of one address. Phones behind one translator share it.
    pub half_open_per_address: usize,
}

impl Limits {
    /// As an administrator has set them.
    pub fn of(settings: &CallSettings) -> Self {
        Self {
            total: settings.max_connections,
            half_open: settings.max_half_open,
            half_open_per_address: settings.max_half_open_per_address,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { total: 20_000, half_open: 8192, half_open_per_address: 2048 }
    }
}

/// The connections there are. Their numbers grow with time.
#[derive(Debug)]
pub(crate) struct Census {
    limits: Limits,
    seats: HashMap<ConnectionId, IpAddr>,
    half_open: BTreeSet<ConnectionId>,
    /// The half-open ones, by address.
    addresses: HashMap<IpAddr, BTreeSet<ConnectionId>>,
}

/// Whether a new connection is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is.
    Seated,
    /// It is, and this one has to go: [`Census::leave`] it.
    Instead(ConnectionId),
    /// All seats are taken by phones that have registered.
    Full,
}

impl Census {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            seats: HashMap::new(),
            half_open: BTreeSet::new(),
            addresses: HashMap::new(),
        }
    }

    /// Other limits hold for whoever connects from now on.
    pub(crate) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Somebody has connected.
    pub(crate) fn admit(&mut self, connection: ConnectionId, address: IpAddr) -> Admission {
        let address = address.to_canonical();
        let neighbours = self.addresses.get(&address);
        let crowded = neighbours.filter(|all| all.len() >= self.limits.half_open_per_address);
        let evicted = match crowded {
            Some(neighbours) => neighbours.first().copied(),
            None if self.half_open.len() >= self.limits.half_open => self.oldest(),
            None if self.seats.len() >= self.limits.total => match self.oldest() {
                Some(oldest) => Some(oldest),
                None => return Admission::Full,
            },
            None => None,
        };
        self.seats.insert(connection, address);
        self.half_open.insert(connection);
        self.addresses.entry(address).or_default().insert(connection);
        evicted.map_or(Admission::Seated, Admission::Instead)
    }

    /// The oldest half-open connection.
    pub(crate) fn oldest(&self) -> Option<ConnectionId> {
        self.half_open.first().copied()
    }

    /// It has registered: it does not give way any more.
    pub(crate) fn settle(&mut self, connection: ConnectionId) {
        if self.half_open.remove(&connection)
            && let Some(address) = self.seats.get(&connection)
            && let Some(neighbours) = self.addresses.get_mut(address)
        {
            neighbours.remove(&connection);
            if neighbours.is_empty() {
                self.addresses.remove(address);
            }
        }
    }

    /// It is gone.
    pub(crate) fn leave(&mut self, connection: ConnectionId) {
        self.settle(connection);
        self.seats.remove(&connection);
    }

    /// Whether it is still there.
    pub(crate) fn contains(&self, connection: ConnectionId) -> bool {
        self.seats.contains_key(&connection)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.seats.len()
    }

    /// How many of them have not registered.
    pub(crate) fn half_open(&self) -> usize {
        self.half_open.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { total: 4, half_open: 3, half_open_per_address: 2 };

    fn admit(census: &mut Census, id: u64, address: &str) -> Admission {
        let admission = census.admit(ConnectionId(id), address.parse().unwrap());
        if let Admission::Instead(other) = admission {
            census.leave(other);
        }
        admission
    }

    #[test]
    fn half_open_connections_give_way_and_registered_ones_do_not() {
        let mut census = Census::new(LIMITS);
        let instead = |id| Admission::Instead(ConnectionId(id));
        assert_eq!(admit(&mut census, 1, "192.0.2.1"), Admission::Seated);
        assert_eq!(admit(&mut census, 2, "192.0.2.1"), Admission::Seated);
        // The oldest of the same address, however it is written.
        assert_eq!(admit(&mut census, 3, "::ffff:192.0.2.1"), instead(1));
        assert_eq!(admit(&mut census, 4, "192.0.2.2"), Admission::Seated);
        // The oldest of all.
        assert_eq!(admit(&mut census, 5, "192.0.2.3"), instead(2));
        for id in [3, 4, 5] {
            census.settle(ConnectionId(id));
        }
        assert_eq!(census.half_open(), 0);
        assert_eq!(admit(&mut census, 6, "192.0.2.1"), Admission::Seated);
        assert_eq!(admit(&mut census, 7, "192.0.2.9"), instead(6));
        census.settle(ConnectionId(7));
        assert_eq!(admit(&mut census, 8, "192.0.2.1"), Admission::Full);
        assert_eq!(census.len(), 4);
        for id in 3..=7 {
            census.leave(ConnectionId(id));
        }
        assert!(census.addresses.is_empty() && census.seats.is_empty());
    }
}
