//! Telephones with sockets: one of them or ten thousand, on one thread.
//!
//! An [`Office`] carries out what its [`Station`]s want, and notes what happens to them. Whoever
//! runs it calls [`Office::turn`] again and again, and in between looks at displays and presses
//! keys. It waits for nothing but the sockets of its telephones, so that thousands of them cost
//! what they say and hear.
//!
//! | file | holds |
//! |---|---|
//! | `seat` | a telephone and its connections |
//! | `setup` | how a telephone is configured: from its flash, or by hand |
//! | `media` | who plays and records for it |

mod media;
mod seat;
mod setup;

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};
use sccp::codes::ResetKind;

pub use media::{Answer, Media, Mute};
pub use setup::{Manners, Setup, SetupError, TlsStyle, servers_by};

use crate::station::{Event, NotPossible, Outage, Press, Station};
use seat::Seat;

/// A telephone of an office.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhoneId(pub usize);

/// Something that happened to a telephone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// When.
    pub at: Instant,
    /// To whom.
    pub phone: PhoneId,
    /// What.
    pub what: What,
}

/// What happens to telephones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// As its station tells it.
    Event(Event),
    /// It waits to be started again: see [`crate::station::Output::Restart`].
    Restart(ResetKind),
}

/// Telephones on one thread.
pub struct Office<M> {
    poll: Poll,
    waker: Arc<Waker>,
    seats: Vec<Seat>,
    /// When stations want to be called.
    due: BTreeSet<(Instant, usize)>,
    happenings: VecDeque<Happening>,
    media: M,
    buffer: Vec<u8>,
    events: Events,
}

/// Token of who is no telephone.
const ELSEWHERE: Token = Token(usize::MAX);
const BUFFER: usize = 16 * 1024;
const EVENTS: usize = 1024;
/// The kernel's clock is coarser than ours.
const TICK: Duration = Duration::from_millis(1);

impl<M: Media> Office<M> {
    /// An office without telephones.
    pub fn new(media: M) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), ELSEWHERE)?);
        Ok(Self {
            poll,
            waker,
            seats: Vec::new(),
            due: BTreeSet::new(),
            happenings: VecDeque::new(),
            media,
            buffer: vec![0; BUFFER],
            events: Events::with_capacity(EVENTS),
        })
    }

    /// Ends a [`Office::turn`] from another thread.
    pub fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Who plays and records.
    pub fn media(&self) -> &M {
        &self.media
    }

    /// Who plays and records, to be told something.
    pub fn media_mut(&mut self) -> &mut M {
        &mut self.media
    }

    /// A telephone more, which is switched off.
    pub fn add(&mut self, setup: Setup) -> PhoneId {
        self.seats.push(Seat::new(setup));
        PhoneId(self.seats.len() - 1)
    }

    /// Telephones that there are.
    pub fn phones(&self) -> impl Iterator<Item = PhoneId> + use<M> {
        (0..self.seats.len()).map(PhoneId)
    }

    /// A telephone, to look at. One that is not of this office is a mistake of the caller.
    pub fn station(&self, phone: PhoneId) -> &Station {
        &self.seats[phone.0].station
    }

    /// Configures a telephone anew, before it starts again.
    pub fn set_up(&mut self, phone: PhoneId, setup: Setup) {
        self.with(phone, |station, _| station.power_off());
        let seat = Seat::new(setup);
        self.seats[phone.0] = seat;
    }

    /// Switches a telephone on, or starts it anew.
    pub fn start(&mut self, phone: PhoneId, last: Outage) {
        self.with(phone, |station, now| station.start(now, last));
    }

    /// A telephone says goodbye to its server and stays away.
    pub fn stop(&mut self, phone: PhoneId) {
        self.with(phone, Station::stop);
    }

    /// Pulls the plug of a telephone.
    pub fn power_off(&mut self, phone: PhoneId) {
        self.with(phone, |station, _| station.power_off());
    }

    /// The user of a telephone does something.
    pub fn press(&mut self, phone: PhoneId, press: impl Into<Press>) -> Result<(), NotPossible> {
        let press = press.into();
        self.with(phone, |station, now| station.press(now, press))
    }

    /// What happened next.
    pub fn next_happening(&mut self) -> Option<Happening> {
        self.happenings.pop_front()
    }

    /// Waits until something happens, or until then, and carries it out.
    pub fn turn(&mut self, until: Instant) -> io::Result<()> {
        let due = self.due.first().map(|(due, _)| *due);
        let wake = due.map_or(until, |due| due.min(until));
        let wait = match wake.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Duration::ZERO,
            wait => wait + TICK,
        };
        // Lent to nobody else meanwhile, so that the seats can be.
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        match self.poll.poll(&mut events, Some(wait)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            polled => polled?,
        }
        for event in events.iter().filter(|event| event.token() != ELSEWHERE) {
            self.handle_ready(event.token());
        }
        self.events = events;
        let now = Instant::now();
        while let Some((_, phone)) = self.due.first().copied().filter(|(due, _)| *due <= now) {
            self.with(PhoneId(phone), Station::handle_timeout);
        }
        Ok(())
    }

    /// Lets a station act, and carries out what it wants.
    fn with<T>(&mut self, phone: PhoneId, act: impl FnOnce(&mut Station, Instant) -> T) -> T {
        let done = act(&mut self.seats[phone.0].station, Instant::now());
        self.drive(phone);
        done
    }

    fn handle_ready(&mut self, token: Token) {
        let (phone, slot) = seat::place(token);
        let Some(seat) = self.seats.get_mut(phone) else { return };
        seat.handle_ready(slot, &mut self.buffer);
        self.drive(PhoneId(phone));
    }

    fn drive(&mut self, phone: PhoneId) {
        let Some(seat) = self.seats.get_mut(phone.0) else { return };
        seat.drive(phone, self.poll.registry(), &mut self.media, &mut self.happenings);
        let next = seat.station.poll_timeout();
        if seat.deadline != next {
            if let Some(old) = std::mem::replace(&mut seat.deadline, next) {
                self.due.remove(&(old, phone.0));
            }
            self.due.extend(next.map(|next| (next, phone.0)));
        }
    }
}
