//! Who is connected. Connections that have not finished their handshake give way.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use capf::codec::SessionId;
use capf::server::{Admission, AdmissionLimits, Profile, SessionIds, Slot};

use super::Cut;

/// Addresses that are remembered for their phones' early loads.
const MAX_LEGACY: usize = 10_000;

/// How many connections there are, and were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections at the moment.
    pub open: usize,
    /// Those of them whose handshake is not over.
    pub half_open: usize,
    /// Connections since the start.
    pub accepted: u64,
    /// Those of them that were not let in.
    pub turned_away: u64,
    /// Half-open ones that made room for others.
    pub evicted: u64,
}

/// The connections of a service.
pub(super) struct Seats {
    state: Mutex<State>,
    left: Condvar,
}

struct State {
    admission: Admission,
    ids: SessionIds,
    next: u64,
    taken: HashMap<u64, Taken>,
    /// Oldest first; some have finished since.
    half_open: VecDeque<u64>,
    /// Threads that have not ended, of evicted connections too.
    threads: usize,
    legacy: HashMap<IpAddr, ()>,
    counts: Counts,
}

struct Taken {
    slot: Slot,
    from: IpAddr,
    cut: Cut,
    half_open: bool,
}

/// A connection that was let in, until it is dropped.
pub(super) struct Seat {
    seats: Arc<Seats>,
    number: u64,
    pub(super) from: IpAddr,
    pub(super) session: SessionId,
}

impl Seats {
    pub(super) fn new(limits: AdmissionLimits, random: u32) -> Arc<Self> {
        let state = State {
            admission: Admission::new(limits),
            ids: SessionIds::after(random),
            next: 0,
            taken: HashMap::new(),
            half_open: VecDeque::new(),
            threads: 0,
            legacy: HashMap::new(),
            counts: Counts::default(),
        };
        Arc::new(Self { state: Mutex::new(state), left: Condvar::new() })
    }

    /// Lets a connection in, in the place of a half-open one if there is no other.
    pub(super) fn admit(self: &Arc<Self>, from: IpAddr, cut: Cut) -> Option<Seat> {
        let from = from.to_canonical();
        let mut state = self.lock();
        state.counts.accepted += 1;
        let slot = loop {
            use capf::server::NotAdmitted;
            let evicted = match state.admission.admit(from) {
                Ok(slot) => break slot,
                Err(NotAdmitted::Total(_)) => state.evict(None),
                Err(NotAdmitted::Address(..)) => state.evict(Some(from)),
            };
            if !evicted {
                state.counts.turned_away += 1;
                return None;
            }
        };
        state.next += 1;
        let number = state.next;
        let taken = Taken { slot, from, cut, half_open: true };
        state.taken.insert(number, taken);
        state.half_open.push_back(number);
        state.threads += 1;
        let session = state.ids.next_id();
        Some(Seat { seats: Arc::clone(self), number, from, session })
    }

    /// Closes the oldest half-open connection, if there is one.
    pub(super) fn evict_one(&self) -> bool {
        self.lock().evict(None)
    }

    pub(super) fn close_all(&self) {
        self.lock().taken.values().for_each(|taken| (taken.cut)());
    }

    pub(super) fn wait_until_empty(&self) {
        let state = self.lock();
        drop(self.left.wait_while(state, |state| state.threads > 0));
    }

    pub(super) fn counts(&self) -> Counts {
        let state = self.lock();
        let half_open = state.taken.values().filter(|taken| taken.half_open).count();
        Counts { open: state.taken.len(), half_open, ..state.counts }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each of its holders leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn evict(&mut self, from: Option<IpAddr>) -> bool {
        let taken = &self.taken;
        let still = |number: &u64| taken.get(number).is_some_and(|taken| taken.half_open);
        self.half_open.retain(still);
        let fits = |number: &u64| {
            from.is_none_or(|from| self.taken.get(number).is_some_and(|it| it.from == from))
        };
        let Some(place) = self.half_open.iter().position(fits) else { return false };
        let number = self.half_open.remove(place).expect("the place was just found");
        self.leave(number);
        self.counts.evicted += 1;
        true
    }

    fn leave(&mut self, number: u64) {
        if let Some(taken) = self.taken.remove(&number) {
            (taken.cut)();
            self.admission.release(taken.slot);
        }
    }
}

impl Seat {
    /// The handshake is over: the connection does not give way any more.
    pub(super) fn settle(&self) {
        if let Some(taken) = self.seats.lock().taken.get_mut(&self.number) {
            taken.half_open = false;
        }
    }

    /// How the first message is worded for this address.
    pub(super) fn profile(&self) -> Profile {
        match self.seats.lock().legacy.contains_key(&self.from) {
            true => Profile::Legacy,
            false => Profile::Current,
        }
    }

    /// Remembers how the next first message for this address is worded.
    pub(super) fn remember(&self, profile: Profile) {
        let mut state = self.seats.lock();
        match profile {
            Profile::Legacy if state.legacy.len() < MAX_LEGACY => {
                state.legacy.insert(self.from, ());
            }
            Profile::Legacy => {}
            Profile::Current => drop(state.legacy.remove(&self.from)),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.seats.lock();
        state.leave(self.number);
        state.threads -= 1;
        self.seats.left.notify_all();
    }
}
