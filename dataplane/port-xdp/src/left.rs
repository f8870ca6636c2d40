//! Flows that an earlier process has left in the fast tier.
//!
//! Nobody knows their calls any more, but whoever talks in them need not notice: they go on until both
//! have fallen silent. The numbers of flows, hops and budgets come in two halves, so that those of a
//! process are not those of the one before.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use abi::{MediaKey, Route};
use aya::maps::{HashMap, MapData, MapError};

use crate::flows::{Flows, silence};

/// The map of open ports.
pub(crate) type OpenMedia = HashMap<MapData, [u8; 20], [u8; Route::LEN]>;

/// The flows, by the keys of where they arrive and their numbers.
pub(crate) struct Left {
    flows: Vec<([u8; 20], u32)>,
    found: Instant,
}

impl Left {
    /// Finds them, and closes whatever else is open. Also says from where on the numbers of this
    /// process are: in the half with fewer flows, which end.
    pub(crate) fn find(open: &mut OpenMedia, half: u32) -> Result<(Self, u32), MapError> {
        let entries = open.iter().collect::<Result<Vec<_>, _>>()?;
        let numbered = entries.iter().map(|(key, route)| (*key, Route::number_in(route)));
        let (flows, rest): (Vec<_>, Vec<_>) =
            numbered.partition(|(_, number)| *number != Route::SOCKET);
        let (lower, upper): (Vec<_>, Vec<_>) =
            flows.into_iter().partition(|(_, number)| *number < half);
        let (flows, ending, first) =
            if upper.len() > lower.len() { (upper, lower, 0) } else { (lower, upper, half) };
        for (key, _) in rest.iter().chain(&ending) {
            open.remove(key)?;
        }
        let first = if flows.is_empty() { 0 } else { first };
        Ok((Self { flows, found: Instant::now() }, first))
    }

    /// Where the flows arrive.
    pub(crate) fn locals(&self) -> Vec<SocketAddr> {
        self.flows.iter().map(|(key, _)| MediaKey::from_bytes(*key).socket()).collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.flows.len()
    }

    /// Ends the flows that have been silent for so long; where they arrived.
    pub(crate) fn end_silent(
        &mut self,
        open: &mut OpenMedia,
        flows: &Flows,
        patience: Duration,
    ) -> Vec<SocketAddr> {
        let unheard = self.found.elapsed();
        let silent = |number| match flows.counters_at(number) {
            Ok(counters) => silence(&counters).unwrap_or(unheard) >= patience,
            Err(_) => true,
        };
        let ended = self.flows.extract_if(.., |(_, number)| silent(*number));
        ended
            .map(|(key, number)| {
                // Somebody may have opened the port for a flow of his own.
                if open.get(&key, 0).is_ok_and(|route| Route::number_in(&route) == number) {
                    // What is gone already need not be removed.
                    let _ = open.remove(&key);
                }
                MediaKey::from_bytes(key).socket()
            })
            .collect()
    }
}
