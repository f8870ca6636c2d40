//! How many may be connected.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::accounts::guard::network;

/// Connections at a time.
const ALL: usize = 1024;
/// Connections of one address at a time: a browser opens six.
const PER_ADDRESS: usize = 64;

/// Places for connections.
#[derive(Clone, Default)]
pub struct Places(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One place, free again when it is dropped.
pub struct Place {
    places: Places,
    address: IpAddr,
}

impl Places {
    /// A place for a connection of this address, if there is one.
    pub fn take(&self, address: IpAddr) -> Option<Place> {
        let address = network(address);
        let mut taken = self.lock();
        let all: usize = taken.values().sum();
        let own = taken.get(&address).copied().unwrap_or_default();
        if all >= ALL || own >= PER_ADDRESS {
            return None;
        }
        taken.insert(address, own + 1);
        Some(Place { places: self.clone(), address })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_leaves_room_for_others() {
        let places = Places::default();
        let greedy = IpAddr::from([192, 0, 2, 1]);
        let held: Vec<_> = (0..PER_ADDRESS).map(|_| places.take(greedy).unwrap()).collect();
        assert!(places.take(greedy).is_none());
        assert!(places.take([192, 0, 2, 2].into()).is_some());
        drop(held);
        assert!(places.take(greedy).is_some());
    }
}
