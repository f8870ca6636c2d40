//! The backhaul: a TCP connection to the call agent's port 2428, for the D channels of trunks and to
//! know whether the call agent lives.
//!
//! The gateway dials, names its D channels, and tells when layer 2 of each is up; messages of Q.931 go
//! through as they are. A keep-alive goes every 15 seconds; after 30 of silence the connection is given
//! up and dialled anew, more and more patiently.
//!
//! A [`Backhaul`] has neither sockets nor a clock: whoever carries it dials when it says so, and moves
//! octets. What it carries is in clear: where MGCP is protected, its TCP connection must be too.
//!
//! Cisco has not published how its messages lie in the stream. [`message`] has a layout of our own, for
//! call agents of ours; everything else here is as Cisco describes it.

pub mod message;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use message::{Kind, MOST_CONTENT, Message, MessageReader, StreamError};

/// The call agent's port.
pub const PORT: u16 = 2428;

const KEEP_ALIVE: Duration = Duration::from_secs(15);
const SILENCE: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Octets that may wait to be sent. A call agent that reads so slowly is as good as gone.
const MOST_WAITING: usize = 256 << 10;

/// What a backhaul is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The gateway's name, as behind the `@` of its endpoints.
    pub gateway: String,
    /// Interfaces with a D channel, `S0/DS1-0`; their numbers are 1 and so on. There may be none:
    /// then the connection only tells whether the call agent lives.
    pub interfaces: Vec<String>,
}

/// What happens to a connection or a D channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Dial the call agent, and say [`Backhaul::connected`] or [`Backhaul::disconnected`].
    Dial,
    /// Close the connection.
    HangUp(Ended),
    /// The call agent takes a D channel, or does not.
    Opened {
        /// Its number.
        channel: u16,
        /// Whether it does.
        taken: bool,
    },
    /// The call agent wants layer 2 of a D channel up: say [`Backhaul::establish`] when it is.
    Establish(u16),
    /// The call agent wants layer 2 of a D channel down.
    Release(u16),
    /// A message of Q.931 for the line.
    Data(u16, Vec<u8>),
}

/// Why a connection is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The call agent has said nothing for 30 seconds.
    Silence,
    /// It says what cannot be read.
    Unreadable(StreamError),
    /// It does not read what is sent.
    DoesNotRead,
}

/// How far a D channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channel {
    /// The call agent has been told of it.
    Named,
    /// It takes it; layer 2 is down.
    Down,
    /// Layer 2 is up.
    Up,
    /// It does not take it, or has closed it.
    Refused,
}

#[derive(Debug)]
enum State {
    /// Until then.
    Waits(Instant),
    Dialling,
    Connected(Connection),
}

#[derive(Debug)]
struct Connection {
    reader: MessageReader,
    heard: Instant,
    next_keep_alive: Instant,
    channels: Vec<Channel>,
}

/// The gateway's end.
#[derive(Debug)]
pub struct Backhaul {
    config: Config,
    state: State,
    pause: Duration,
    sequence: u16,
    output: Vec<u8>,
    events: VecDeque<Event>,
}

impl Backhaul {
    /// A backhaul that wants to dial at once.
    pub fn new(now: Instant, config: Config) -> Self {
        Self {
            config,
            state: State::Waits(now),
            pause: FIRST_PAUSE,
            sequence: 0,
            output: Vec::new(),
            events: VecDeque::new(),
        }
    }

    /// Whether the call agent answers.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Connected(_))
    }

    /// The call agent has taken the connection.
    pub fn connected(&mut self, now: Instant) {
        self.output.clear();
        self.state = State::Connected(Connection {
            reader: MessageReader::default(),
            heard: now,
            next_keep_alive: now + KEEP_ALIVE,
            channels: vec![Channel::Named; self.config.interfaces.len()],
        });
        for (index, interface) in self.config.interfaces.clone().into_iter().enumerate() {
            let content = [self.config.gateway.as_bytes(), &[0], interface.as_bytes()].concat();
            self.say(Kind::Open, index as u16 + 1, content);
        }
    }

    /// It has not, or it has closed it.
    pub fn disconnected(&mut self, now: Instant) {
        if !matches!(self.state, State::Waits(_)) {
            self.state = State::Waits(now + self.pause);
            self.pause = (2 * self.pause).min(LONGEST_PAUSE);
            self.output.clear();
        }
    }

    /// Takes octets that came.
    pub fn input(&mut self, now: Instant, octets: &[u8]) {
        let State::Connected(connection) = &mut self.state else { return };
        connection.heard = now;
        connection.reader.push(octets);
        loop {
            let State::Connected(connection) = &mut self.state else { return };
            match connection.reader.next_message() {
                Ok(Some(message)) => self.hear(message),
                Ok(None) => return,
                Err(error) => return self.end(now, Ended::Unreadable(error)),
            }
        }
    }

    /// Octets to send, from the front; tell with [`Backhaul::sent`] how many have left.
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// So many octets have left.
    pub fn sent(&mut self, octets: usize) {
        self.output.drain(..octets);
    }

    /// What happens next, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Backhaul::handle_timeout`] wants to be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Waits(until) => Some(*until),
            State::Dialling => None,
            State::Connected(connection) => {
                Some(connection.next_keep_alive.min(connection.heard + SILENCE))
            }
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        match &mut self.state {
            State::Waits(until) if *until <= now => {
                self.state = State::Dialling;
                self.events.push_back(Event::Dial);
            }
            State::Waits(_) | State::Dialling => {}
            State::Connected(connection) if connection.heard + SILENCE <= now => {
                self.end(now, Ended::Silence);
            }
            State::Connected(_) if self.output.len() > MOST_WAITING => {
                self.end(now, Ended::DoesNotRead);
            }
            State::Connected(connection) if connection.next_keep_alive <= now => {
                connection.next_keep_alive = now + KEEP_ALIVE;
                self.say(Kind::KeepAlive, 0, Vec::new());
            }
            State::Connected(_) => {}
        }
    }

    /// Layer 2 of a D channel is up. False if the call agent has not taken the channel.
    pub fn establish(&mut self, channel: u16) -> bool {
        self.step(channel, &[Channel::Down, Channel::Up], Channel::Up, Kind::EstablishIndication)
    }

    /// Layer 2 of a D channel is down. False if the call agent has not taken the channel.
    pub fn release(&mut self, channel: u16) -> bool {
        self.step(channel, &[Channel::Down, Channel::Up], Channel::Down, Kind::ReleaseIndication)
    }

    /// Sends a message of Q.931 from the line. False if layer 2 is not up, or it is too long.
    pub fn data(&mut self, channel: u16, message: Vec<u8>) -> bool {
        let carried = self.channel(channel).copied() == Some(Channel::Up)
            && message.len() <= MOST_CONTENT
            && self.output.len() <= MOST_WAITING;
        if carried {
            self.say(Kind::DataIndication, channel, message);
        }
        carried
    }

    fn step(&mut self, channel: u16, from: &[Channel], to: Channel, kind: Kind) -> bool {
        let Some(state) = self.channel(channel).filter(|state| from.contains(state)) else {
            return false;
        };
        *state = to;
        self.say(kind, channel, Vec::new());
        true
    }

    fn hear(&mut self, message: Message) {
        let Message { kind, channel, content, .. } = message;
        match kind {
            Kind::KeepAlive => self.say(Kind::KeepAliveAck, 0, Vec::new()),
            Kind::OpenAck => {
                let taken = content == [0];
                if let Some(state) = self.channel(channel).filter(|state| **state == Channel::Named)
                {
                    *state = if taken { Channel::Down } else { Channel::Refused };
                    self.pause = FIRST_PAUSE;
                    self.events.push_back(Event::Opened { channel, taken });
                }
            }
            Kind::Close => {
                if let Some(state) = self.channel(channel) {
                    *state = Channel::Refused;
                    self.events.push_back(Event::Release(channel));
                }
            }
            Kind::EstablishRequest if self.has(channel, &[Channel::Down, Channel::Up]) => {
                self.events.push_back(Event::Establish(channel));
            }
            Kind::ReleaseRequest if self.has(channel, &[Channel::Up]) => {
                self.events.push_back(Event::Release(channel));
            }
            Kind::DataRequest if self.has(channel, &[Channel::Up]) => {
                self.events.push_back(Event::Data(channel, content));
            }
            Kind::KeepAliveAck => self.pause = FIRST_PAUSE,
            // Out of turn, or nothing that a call agent says.
            _ => {}
        }
    }

    fn has(&mut self, channel: u16, states: &[Channel]) -> bool {
        self.channel(channel).is_some_and(|state| states.contains(state))
    }

    fn channel(&mut self, number: u16) -> Option<&mut Channel> {
        let State::Connected(connection) = &mut self.state else { return None };
        connection.channels.get_mut(usize::from(number).checked_sub(1)?)
    }

    fn say(&mut self, kind: Kind, channel: u16, content: Vec<u8>) {
        self.sequence = self.sequence.wrapping_add(1);
        let sequence = self.sequence;
        Message { kind, channel, sequence, content }.write(&mut self.output);
    }

    fn end(&mut self, now: Instant, why: Ended) {
        self.events.push_back(Event::HangUp(why));
        self.disconnected(now);
    }
}
