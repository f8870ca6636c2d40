//! Keeps up with charon, without I/O.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use thiserror::Error;

use super::association::{Connection, IkeSa, Shunt};
use super::coverage::Gap;
use super::message::{Malformed, Message};
use super::packet::{Packet, Reader};

/// After this much silence charon is asked again.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// An answer must have come after this.
const PATIENCE: Duration = Duration::from_secs(10);
/// Entries of each kind that are kept.
const MOST: usize = 4096;

const CHANGES: [&str; 5] = ["child-updown", "child-rekey", "ike-updown", "ike-rekey", "ike-update"];

/// What charon has, as of the last time it said everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// When it was said; none while nothing is known.
    pub heard: Option<Instant>,
    /// Why nothing is known.
    pub silence: String,
    /// Associations, also ones that end or begin.
    pub associations: Vec<IkeSa>,
    /// What it is configured for.
    pub connections: Vec<Connection>,
    /// Traffic that goes around associations.
    pub shunts: Vec<Shunt>,
}

impl Picture {
    /// Whether it may still be believed.
    pub(super) fn freshness(&self, now: Instant) -> Result<(), Gap> {
        match self.heard {
            None => Err(Gap::Unknown(self.silence.clone())),
            Some(heard) if now.saturating_duration_since(heard) >= ASK_EVERY + PATIENCE => {
                Err(Gap::Unknown("it has not answered for long".into()))
            }
            Some(_) => Ok(()),
        }
    }
}

/// Why a connection to charon must be given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProtocolError {
    /// A packet has nothing in it.
    #[error("an empty packet")]
    Empty,
    /// Its name is cut off, or no text.
    #[error("a packet without its name")]
    Name,
    /// Nothing known begins so.
    #[error("a packet of unknown kind {0}")]
    Kind(u8),
    /// It would be longer than packets are.
    #[error("a packet of {0} octets")]
    TooLong(usize),
    /// Its message is none.
    #[error("a packet's message cannot be read: {0}")]
    Message(#[from] Malformed),
    /// It answers nothing that was asked.
    #[error("an answer to no question")]
    Unasked,
    /// There is no such command: this is no charon, or one too old.
    #[error("the command `{0}` is not known there; strongSwan 5.9 or later is needed")]
    Command(&'static str),
    /// It did not answer in time.
    #[error("no answer came in time")]
    Silent,
}

/// What charon is asked in turn: everything it has, in three questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Register(&'static str),
    Associations,
    Connections,
    Policies,
}

impl Question {
    fn packet(self) -> Packet {
        match self {
            Self::Register(event) => Packet::Register(event.into()),
            Self::Associations | Self::Connections | Self::Policies => {
                Packet::Command(self.name().into(), Message::new())
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Register(event) => event,
            Self::Associations => "list-sas",
            Self::Connections => "list-conns",
            Self::Policies => "list-policies",
        }
    }
}

/// The client's side of a connection to charon, again and again.
///
/// Tell it [`Charon::connected`], give it what comes ([`Charon::handle_input`]), send what it says
/// ([`Charon::poll_output`]), call [`Charon::handle_timeout`] when [`Charon::poll_timeout`] says so,
/// and tell it [`Charon::disconnected`]. What is known then is in [`Charon::picture`].
#[derive(Debug, Default)]
pub struct Charon {
    reader: Reader,
    questions: VecDeque<Question>,
    /// The first question is under way since then.
    asked: Option<Instant>,
    output: VecDeque<Vec<u8>>,
    /// Something changed while we were asking: ask once more.
    stale: bool,
    /// When to ask again, if nothing happens before.
    ask_at: Option<Instant>,
    coming: Picture,
    picture: Picture,
    changed: bool,
}

impl Charon {
    /// Not connected.
    pub fn new() -> Self {
        let mut new = Self::default();
        new.picture.silence = "not connected yet".into();
        new
    }

    /// A connection is there: asks for everything.
    pub fn connected(&mut self, now: Instant) {
        let picture = std::mem::take(&mut self.picture);
        *self = Self { picture, ..Self::default() };
        let registrations = CHANGES.into_iter().chain(["list-sa", "list-conn", "list-policy"]);
        self.questions.extend(registrations.map(Question::Register));
        self.want_everything();
        self.ask(now);
    }

    /// The connection is gone: nothing is known any more.
    pub fn disconnected(&mut self, why: &str) {
        *self = Self::default();
        self.picture.silence = why.into();
        self.changed = true;
    }

    /// Takes octets from charon. After an error the connection must be closed.
    pub fn handle_input(&mut self, now: Instant, octets: &[u8]) -> Result<(), ProtocolError> {
        self.reader.push(octets);
        while let Some(packet) = self.reader.next_packet()? {
            self.handle_packet(now, packet)?;
        }
        Ok(())
    }

    /// The next octets for charon.
    pub fn poll_output(&mut self) -> Option<Vec<u8>> {
        self.output.pop_front()
    }

    /// When [`Charon::handle_timeout`] wants to be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.asked.map(|asked| asked + PATIENCE).or(self.ask_at)
    }

    /// Asks again, or gives up waiting. After an error the connection must be closed.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), ProtocolError> {
        if self.asked.is_some_and(|asked| now >= asked + PATIENCE) {
            return Err(ProtocolError::Silent);
        }
        if self.ask_at.is_some_and(|at| now >= at) {
            self.ask_at = None;
            self.want_everything();
            self.ask(now);
        }
        Ok(())
    }

    /// What is known.
    pub fn picture(&self) -> &Picture {
        &self.picture
    }

    /// Whether the picture is another one since this was asked last.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    fn handle_packet(&mut self, now: Instant, packet: Packet) -> Result<(), ProtocolError> {
        match packet {
            Packet::Event(name, message) => self.handle_event(now, &name, &message),
            Packet::Confirmed | Packet::EventUnknown => match self.questions.front() {
                // Without an event of that name there is still the clock.
                Some(Question::Register(_)) => self.answered(now),
                _ => return Err(ProtocolError::Unasked),
            },
            Packet::Response(_) => match self.questions.front() {
                Some(Question::Register(_)) | None => return Err(ProtocolError::Unasked),
                Some(_) => self.answered(now),
            },
            Packet::CommandUnknown => {
                let question = self.questions.front().ok_or(ProtocolError::Unasked)?;
                return Err(ProtocolError::Command(question.name()));
            }
            Packet::Command(..) | Packet::Register(_) | Packet::Unregister(_) => {
                return Err(ProtocolError::Unasked);
            }
        }
        Ok(())
    }

    fn handle_event(&mut self, now: Instant, name: &str, message: &Message) {
        let coming = &mut self.coming;
        match name {
            "list-sa" => {
                let read = |(name, section)| IkeSa::read(now, name, section);
                extend(&mut coming.associations, message.sections().filter_map(read));
            }
            "list-conn" => {
                let read = |(name, section)| Connection::read(name, section);
                extend(&mut coming.connections, message.sections().map(read));
            }
            "list-policy" => {
                let read = |(name, section)| Shunt::read(name, section);
                extend(&mut coming.shunts, message.sections().filter_map(read));
            }
            _ if self.asked.is_some() => self.stale = true,
            _ => {
                self.want_everything();
                self.ask(now);
            }
        }
    }

    fn want_everything(&mut self) {
        self.stale = false;
        self.coming = Picture::default();
        self.questions.extend([Question::Associations, Question::Connections, Question::Policies]);
    }

    /// Asks the first question.
    fn ask(&mut self, now: Instant) {
        if let Some(question) = self.questions.front() {
            self.output.push_back(question.packet().to_bytes());
            self.asked = Some(now);
        }
    }

    fn answered(&mut self, now: Instant) {
        self.questions.pop_front();
        self.asked = None;
        if !self.questions.is_empty() {
            return self.ask(now);
        }
        self.picture = std::mem::take(&mut self.coming);
        self.picture.heard = Some(now);
        self.changed = true;
        if self.stale {
            self.want_everything();
            self.ask(now);
        } else {
            self.ask_at = Some(now + ASK_EVERY);
        }
    }
}

fn extend<T>(list: &mut Vec<T>, more: impl Iterator<Item = T>) {
    let room = MOST.saturating_sub(list.len());
    list.extend(more.take(room));
}
