//! What a session has to say to whoever manages it.

use std::collections::VecDeque;

use crate::SessionId;

/// Something the manager of sessions should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The lifetime of the last usable master key draws to its end: time to re-key.
    SoftLimit {
        /// The session.
        session: SessionId,
    },
    /// A master key has protected all the packets it may. Without a further key in the session
    /// every packet now fails with [`Error::KeyExpired`](crate::Error::KeyExpired).
    HardLimit {
        /// The session.
        session: SessionId,
    },
    /// The first authentic packet of an SSRC.
    NewSsrc {
        /// The session.
        session: SessionId,
        /// The SSRC.
        ssrc: u32,
    },
    /// An authentic packet of one SSRC too many was dropped. Told once per session.
    SsrcLimit {
        /// The session.
        session: SessionId,
        /// The SSRC that found no place.
        ssrc: u32,
    },
}

/// A queue that never grows: strangers' packets must not make us allocate.
pub(crate) struct Events {
    queue: VecDeque<Event>,
    lost: u64,
}

const CAPACITY: usize = 256;

impl Events {
    pub(crate) fn new() -> Self {
        Self { queue: VecDeque::with_capacity(CAPACITY), lost: 0 }
    }

    pub(crate) fn push(&mut self, event: Event) {
        if self.queue.len() < CAPACITY {
            self.queue.push_back(event);
        } else {
            self.lost += 1;
        }
    }

    pub(crate) fn poll(&mut self) -> Option<Event> {
        self.queue.pop_front()
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }
}
