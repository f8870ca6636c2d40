//! How often a phone tries.

use std::time::{Duration, Instant};

use capf::codec::Reason;
use capf::phone::Conclusion;

/// How patient the phone is. Nobody can change it in a real one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Tries after the first.
    pub more_tries: u32,
    /// Time between two of them.
    pub interval: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { more_tries: 3, interval: Duration::from_secs(30) }
    }
}

/// The tries of one operation, over all servers of the phone's configuration.
#[derive(Debug)]
pub struct Ladder {
    patience: Patience,
    servers: usize,
    failed: u32,
    next: Next,
}

/// What the phone does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Connects to the server with this index.
    Connect(usize),
    /// Waits.
    Wait(Instant),
    /// Nothing more: it has ended, or every try has failed.
    GiveUp,
    /// Nothing more: the server has ended it in good order.
    Rest,
}

/// How a try went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// There was no connection, or no handshake.
    NoConnection,
    /// The server showed another certificate than the phone's CTL has for it.
    Untrusted,
    /// There was a session.
    Concluded(Conclusion),
}

impl Ladder {
    /// Before the first try. There must be a server.
    pub fn new(servers: usize, patience: Patience) -> Self {
        Self { patience, servers, failed: 0, next: Next::Connect(0) }
    }

    /// What is to be done now.
    pub fn next(&mut self, now: Instant) -> Next {
        if let Next::Wait(until) = self.next
            && until <= now
        {
            self.next = Next::Connect(0);
        }
        self.next
    }

    /// Until when it waits, if it does.
    pub fn due(&self) -> Option<Instant> {
        match self.next {
            Next::Wait(until) => Some(until),
            _ => None,
        }
    }

    /// Takes the result of the try that [`Next::Connect`] asked for.
    pub fn handle(&mut self, now: Instant, attempt: &Attempt) {
        let (Next::Connect(server), pause) = (self.next, self.patience.interval) else { return };
        let others = server + 1 < self.servers;
        self.next = match attempt {
            Attempt::NoConnection | Attempt::Untrusted if others => Next::Connect(server + 1),
            Attempt::NoConnection | Attempt::Concluded(Conclusion::Lost) => self.try_again(now),
            Attempt::Concluded(Conclusion::RetryLater(delay)) => {
                // Whoever says "at once" is not asked in a circle.
                Next::Wait(now + delay.unwrap_or(pause).max(Duration::from_secs(1)))
            }
            Attempt::Concluded(Conclusion::Ended(Reason::SUCCESS | Reason::NO_ACTION)) => {
                Next::Rest
            }
            Attempt::Untrusted | Attempt::Concluded(_) => Next::GiveUp,
        };
    }

    /// The user presses Stop.
    pub fn give_up(&mut self) {
        self.next = Next::GiveUp;
    }

    fn try_again(&mut self, now: Instant) -> Next {
        if self.failed >= self.patience.more_tries {
            return Next::GiveUp;
        }
        self.failed += 1;
        Next::Wait(now + self.patience.interval)
    }
}
