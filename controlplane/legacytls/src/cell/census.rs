//! Who has how many connections, so that nobody has too many.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::link::Limits;

/// Connections of a service, by address.
#[derive(Debug, Default)]
pub(super) struct Census {
    addresses: Mutex<HashMap<IpAddr, Count>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    /// That have shaken hands, or not.
    all: u32,
    /// That have not.
    half_open: u32,
}

/// A counted connection, for as long as it lives.
#[derive(Debug)]
pub(super) struct Seat {
    census: Arc<Census>,
    address: IpAddr,
    half_open: bool,
}

impl Census {
    /// Counts a new connection; `None` if its address has enough.
    pub(super) fn seat(self: &Arc<Self>, address: IpAddr, limits: &Limits) -> Option<Seat> {
        let mut addresses = self.addresses();
        let count = addresses.entry(address).or_default();
        if count.all >= limits.per_address || count.half_open >= limits.half_open_per_address {
            return None;
        }
        count.all += 1;
        count.half_open += 1;
        Some(Seat { census: Arc::clone(self), address, half_open: true })
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<IpAddr, Count>> {
        // Counting does not panic half way.
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// The connection has shaken hands.
    pub(super) fn opened(&mut self) {
        if std::mem::take(&mut self.half_open)
            && let Some(count) = self.census.addresses().get_mut(&self.address)
        {
            count.half_open -= 1;
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.opened();
        let mut addresses = self.census.addresses();
        if let Some(count) = addresses.get_mut(&self.address) {
            count.all -= 1;
            if count.all == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_seats_and_gets_them_back() {
        let census = Arc::new(Census::default());
        let limits = Limits { per_address: 3, half_open_per_address: 2, ..Limits::default() };
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|ip| ip.parse().unwrap());
        let mut first = census.seat(one, &limits).unwrap();
        let second = census.seat(one, &limits).unwrap();
        assert!(census.seat(one, &limits).is_none(), "two are half open");
        assert!(census.seat(other, &limits).is_some());
        first.opened();
        let third = census.seat(one, &limits).unwrap();
        assert!(census.seat(one, &limits).is_none(), "three are enough");
        drop((first, second, third));
        assert!(census.addresses().is_empty());
    }
}
