//! A conference: each hears what all others say.

use std::net::IpAddr;
use std::time::Instant;

use callmanager::switchboard::StreamId;

use crate::hearing::{Hearing, Played};
use crate::limiter::Limiter;
use crate::{FRAME, Frame};

/// Those in a conference.
#[derive(Debug)]
pub(crate) struct Conference {
    slot: usize,
    seats: Vec<Seat>,
}

/// One of them.
#[derive(Debug)]
struct Seat {
    stream: StreamId,
    /// Nobody is heard before it is known where he is.
    hearing: Option<Hearing>,
    limiter: Limiter,
    /// What it said last.
    said: Frame,
}

impl Conference {
    /// An empty one, played in this slot.
    pub(crate) fn new(slot: usize) -> Self {
        Self { slot, seats: Vec::new() }
    }

    pub(crate) fn slot(&self) -> usize {
        self.slot
    }

    pub(crate) fn len(&self) -> usize {
        self.seats.len()
    }

    /// Somebody comes in.
    pub(crate) fn join(&mut self, stream: StreamId) {
        let (hearing, limiter, said) = (None, Limiter::new(), [0; FRAME]);
        self.seats.push(Seat { stream, hearing, limiter, said });
    }

    /// Somebody goes.
    pub(crate) fn leave(&mut self, stream: StreamId) {
        self.seats.retain(|seat| seat.stream != stream);
    }

    /// Somebody is heard from this address on, or no longer.
    pub(crate) fn listen(&mut self, now: Instant, stream: StreamId, host: Option<IpAddr>) {
        if let Some(seat) = self.seats.iter_mut().find(|seat| seat.stream == stream) {
            seat.hearing = host.map(|host| Hearing::new(host, now));
        }
    }

    /// Somebody's speech.
    pub(crate) fn hearing(&mut self, stream: StreamId) -> Option<&mut Hearing> {
        self.seats.iter_mut().find(|seat| seat.stream == stream)?.hearing.as_mut()
    }

    /// Plays the next 20 ms: `tell` gets what each hears. Gives how many voices something was made
    /// up for.
    pub(crate) fn play(
        &mut self,
        mut tell: impl FnMut(StreamId, &Frame, Option<&mut Hearing>),
    ) -> u64 {
        let mut all = [0; FRAME];
        let mut concealed = 0;
        for Seat { hearing, said, .. } in &mut self.seats {
            match hearing {
                Some(hearing) => concealed += u64::from(hearing.play(said) == Played::Concealed),
                None => said.fill(0),
            }
            for (sum, said) in all.iter_mut().zip(said) {
                *sum += i32::from(*said);
            }
        }
        for seat in &mut self.seats {
            let others = std::array::from_fn(|n| all[n] - i32::from(seat.said[n]));
            tell(seat.stream, &seat.limiter.limit(&others), seat.hearing.as_mut());
        }
        concealed
    }
}
