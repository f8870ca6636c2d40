//! Bounds for telephones that misbehave.

use std::time::{Duration, Instant};

use sccp::{EncodeError, StreamError};
use thiserror::Error;

/// Why a connection is closed by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Close {
    /// Its bytes are no messages.
    #[error("{0}")]
    Stream(StreamError),
    /// A header that nobody writes.
    #[error("header version {0} is not known")]
    Header(u32),
    /// It said nothing, or did not register.
    #[error("it did not register in time")]
    NotRegistered,
    /// It shows no sign of life.
    #[error("no sign of life")]
    Silent,
    /// A message that began did not end.
    #[error("a message that began did not end")]
    Unfinished,
    /// Too many messages, at all or before it registered, or too many that nobody knows.
    #[error("it sends too many messages")]
    Flood,
    /// It may not register.
    #[error("it may not register")]
    Refused,
    /// It registers as somebody else on the same connection.
    #[error("it registers as somebody else on the same connection")]
    OtherName,
    /// It has left.
    #[error("it has unregistered")]
    Unregistered,
    /// It was told to start anew.
    #[error("it was told to start anew")]
    Reset,
    /// It has registered on another connection.
    #[error("it has registered on another connection")]
    Superseded,
    /// What is to be said to it must not or cannot be said.
    #[error("{0}")]
    Unspeakable(EncodeError),
}

/// What a connection has done so far.
#[derive(Debug)]
pub(super) struct Guard {
    /// To register, or for the next sign of life.
    deadline: Instant,
    reason: Close,
    /// For the end of a message that has begun.
    unfinished: Option<Instant>,
    silence: Option<Duration>,
    first: bool,
    stranger: u32,
    unknown: Rate,
    messages: Rate,
    violations: u64,
}

/// A bucket that empties by one with each message, and fills again with time.
#[derive(Debug)]
struct Rate {
    level: f64,
    capacity: f64,
    per_second: f64,
    at: Instant,
}

impl Rate {
    fn new(now: Instant, capacity: f64, per_second: f64) -> Self {
        Self { level: capacity, capacity, per_second, at: now }
    }

    fn take(&mut self, now: Instant) -> Result<(), Close> {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.level = (self.level + passed * self.per_second).min(self.capacity) - 1.0;
        if self.level < 0.0 { Err(Close::Flood) } else { Ok(()) }
    }
}

impl Guard {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            deadline: now + FIRST_MESSAGE,
            reason: Close::NotRegistered,
            unfinished: None,
            silence: None,
            first: true,
            stranger: 0,
            unknown: Rate::new(now, 100.0, 100.0 / 60.0),
            messages: Rate::new(now, 200.0, 50.0),
            violations: 0,
        }
    }

    /// It lives.
    pub(super) fn heard(&mut self, now: Instant) {
        if let Some(silence) = self.silence {
            self.deadline = now + silence;
        } else if std::mem::take(&mut self.first) {
            self.deadline = now + REGISTER;
        }
    }

    /// It stands by, with a sign of life now and then, or is served.
    pub(super) fn expect_life(&mut self, now: Instant, interval: Duration) {
        self.silence = Some(2 * interval);
        self.deadline = now + 2 * interval;
        self.reason = Close::Silent;
    }

    pub(super) fn unfinished(&mut self, now: Instant, unfinished: bool) {
        self.unfinished = unfinished.then(|| self.unfinished.unwrap_or(now + MESSAGE));
    }

    pub(super) fn too_late(&self, now: Instant) -> Option<Close> {
        if self.unfinished.is_some_and(|due| due <= now) {
            return Some(Close::Unfinished);
        }
        (self.deadline <= now).then_some(self.reason)
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        Some(self.unfinished.map_or(self.deadline, |due| due.min(self.deadline)))
    }

    /// A message came.
    pub(super) fn count(&mut self, now: Instant, sound_header: bool) -> Result<(), Close> {
        self.violations += u64::from(!sound_header);
        self.messages.take(now)
    }

    /// A message that nobody knows.
    pub(super) fn unknown(&mut self, now: Instant) -> Result<(), Close> {
        self.violations += 1;
        self.unknown.take(now)
    }

    /// A message that is not for strangers to send.
    pub(super) fn stranger(&mut self) -> Result<(), Close> {
        self.violations += 1;
        self.stranger += 1;
        if self.stranger > STRANGER { Err(Close::Flood) } else { Ok(()) }
    }

    pub(super) fn violation(&mut self) {
        self.violations += 1;
    }

    pub(super) fn violations(&self) -> u64 {
        self.violations
    }
}

/// From connecting to the first message.
const FIRST_MESSAGE: Duration = Duration::from_secs(10);
/// From there to registration.
const REGISTER: Duration = Duration::from_secs(30);
/// From the first byte of a message to its last.
const MESSAGE: Duration = Duration::from_secs(10);
/// Messages of a stranger that are overlooked.
const STRANGER: u32 = 20;
