//! What happens when nothing happens.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::Switchboard;
use super::event::RelayRefused;
use super::id::{CallId, LegId, LinkId, StreamId};
use super::leg::{Failure, LegState};
use super::stream::OpenError;

/// Who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// For a digit, or before it howls.
    Leg(LegId),
    /// For somebody to answer.
    Call(CallId),
    /// For a port.
    Stream(StreamId),
    /// For a relay.
    Relay(LinkId),
}

#[derive(Debug, Default)]
pub(super) struct Timers {
    due: BTreeSet<(Instant, Timer)>,
    set: BTreeMap<Timer, Instant>,
}

impl Timers {
    pub(super) fn start(&mut self, timer: Timer, due: Instant) {
        self.stop(timer);
        self.due.insert((due, timer));
        self.set.insert(timer, due);
    }

    pub(super) fn stop(&mut self, timer: Timer) {
        if let Some(due) = self.set.remove(&timer) {
            self.due.remove(&(due, timer));
        }
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    fn expired(&mut self, now: Instant) -> Option<Timer> {
        let (_, timer) = *self.due.first().filter(|(due, _)| *due <= now)?;
        self.stop(timer);
        Some(timer)
    }
}

impl Switchboard {
    pub(super) fn expire(&mut self) {
        while let Some(timer) = self.timers.expired(self.now) {
            match timer {
                Timer::Leg(id) => self.thought_too_long(id),
                Timer::Call(id) => self.not_answered(id),
                Timer::Stream(id) => self.not_opened(id, OpenError::NoAnswer),
                Timer::Relay(id) => self.relay_opened(id, Err(RelayRefused::NoAnswer)),
            }
            self.settle();
        }
    }

    /// No digit came, or a failure has been heard for long.
    fn thought_too_long(&mut self, id: LegId) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        match &mut leg.state {
            LegState::Collecting(collecting) if collecting.digits.is_empty() => {
                self.fail(id, Failure::Congestion);
            }
            LegState::Collecting(_) => self.dial_what_there_is(id),
            LegState::Failed { howls, .. } => {
                *howls = true;
                let call = leg.call;
                self.touch(call);
            }
            _ => {}
        }
    }
}
