//! A worker: a thread with the connections that it was given.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token, Waker};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use slab::Slab;
use zeroize::Zeroizing;

use super::connection::{Arrival, Connection, Next, PORTION};
use super::reporter::Reporter;
use crate::link::{Connected, Reason};

/// A worker, as the front sees it.
pub(super) struct Handle {
    arrivals: Sender<Arrival>,
    waker: Arc<Waker>,
}

impl Handle {
    /// Gives it a connection.
    pub(super) fn give(&self, arrival: Arrival) -> io::Result<()> {
        // A worker that ended has taken the process with it.
        self.arrivals.send(arrival).map_err(io::Error::other)?;
        self.waker.wake()
    }
}

struct Worker {
    poll: Poll,
    arrivals: Receiver<Arrival>,
    reporter: Arc<Reporter>,
    /// How many workers there are.
    workers: usize,
    connections: Slab<Connection>,
    /// When whose patience ends; rows whose connection has another deadline now mean nothing.
    deadlines: BTreeSet<(Instant, usize)>,
    half_open: usize,
    /// Who has more to do.
    busy: VecDeque<usize>,
    buffer: Zeroizing<Vec<u8>>,
}

/// Wakes a worker for arrivals.
const ARRIVALS: Token = Token(usize::MAX);

/// Starts a worker, one of so many.
pub(super) fn start(reporter: &Arc<Reporter>, workers: usize) -> io::Result<Handle> {
    let poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), ARRIVALS)?);
    let (sender, arrivals) = channel();
    let mut worker = Worker {
        poll,
        arrivals,
        reporter: Arc::clone(reporter),
        workers,
        connections: Slab::new(),
        deadlines: BTreeSet::new(),
        half_open: 0,
        busy: VecDeque::new(),
        buffer: Zeroizing::new(vec![0; PORTION]),
    };
    let (started, runs) = channel();
    thread::Builder::new().name("worker".into()).spawn(move || {
        let _fatal = Fatal;
        let _ = started.send(());
        let error = worker.run();
        eprintln!("ringfence-legacytls: a worker cannot go on: {error}");
    })?;
    // What a thread does first it must not do behind the walls.
    runs.recv().map_err(io::Error::other)?;
    Ok(Handle { arrivals: sender, waker })
}

/// Ends the process when it is dropped, be it by a panic: a cell without a worker would accept
/// connections that nobody serves.
struct Fatal;

impl Drop for Fatal {
    fn drop(&mut self) {
        std::process::exit(1);
    }
}

impl Worker {
    fn run(&mut self) -> io::Error {
        let mut events = Events::with_capacity(1024);
        loop {
            match self.poll.poll(&mut events, self.patience()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return error,
                Ok(()) => {}
            }
            let now = Instant::now();
            let ready: BTreeSet<_> = events
                .iter()
                .filter(|event| event.token() != ARRIVALS)
                .map(|event| event.token().0 / 2)
                .chain(std::mem::take(&mut self.busy))
                .collect();
            ready.into_iter().for_each(|key| self.advance(key, now));
            while let Ok(arrival) = self.arrivals.try_recv() {
                self.admit(arrival, now);
            }
            self.expire(now);
        }
    }

    fn patience(&self) -> Option<Duration> {
        if !self.busy.is_empty() {
            return Some(Duration::ZERO);
        }
        let (first, _) = self.deadlines.first()?;
        Some(first.saturating_duration_since(Instant::now()))
    }

    fn admit(&mut self, arrival: Arrival, now: Instant) {
        let room = arrival.served.service.limits.half_open as usize / self.workers;
        if self.half_open > room {
            self.make_room(now);
        }
        // Out of memory: the telephone tries again.
        let Ok(mut connection) = Connection::new(arrival, now) else { return };
        let entry = self.connections.vacant_entry();
        let (key, both) = (entry.key(), Interest::READABLE | Interest::WRITABLE);
        if self.poll.registry().register(connection.socket(), Token(key * 2), both).is_err() {
            return;
        }
        self.deadlines.extend(connection.deadline.map(|deadline| (deadline, key)));
        entry.insert(connection);
        self.half_open += 1;
        self.advance(key, now);
    }

    /// Ends the oldest connection that has not shaken hands.
    fn make_room(&mut self, now: Instant) {
        let mut by_age = self.deadlines.iter().map(|(_, key)| *key);
        let oldest =
            by_age.find(|key| self.connections.get(*key).is_some_and(Connection::is_half_open));
        if let Some(key) = oldest {
            self.end(key, Some((Reason::Crowded, String::new())), now);
        }
    }

    /// Ends those whose patience is over.
    fn expire(&mut self, now: Instant) {
        while let Some(&(deadline, key)) = self.deadlines.first().filter(|row| row.0 <= now) {
            self.deadlines.remove(&(deadline, key));
            let connection = self.connections.get(key);
            let Some(connection) = connection.filter(|found| found.deadline == Some(deadline))
            else {
                continue;
            };
            let late = connection.is_half_open().then(|| (Reason::Timeout, String::new()));
            self.end(key, late, now);
        }
    }

    fn advance(&mut self, key: usize, now: Instant) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let deadline = connection.deadline;
        let next = connection.advance(&mut self.buffer, now);
        if connection.deadline != deadline {
            self.deadlines.extend(connection.deadline.map(|deadline| (deadline, key)));
        }
        match next {
            Next::Wait => {}
            Next::GoOn => self.busy.push_back(key),
            Next::HandOver(connected) => match self.hand_over(key, *connected) {
                Ok(()) => self.busy.push_back(key),
                Err(error) => self.end(key, Some((Reason::Busy, error.to_string())), now),
            },
            Next::End(reason) => self.end(key, reason, now),
        }
    }

    fn hand_over(&mut self, key: usize, connected: Connected) -> io::Result<()> {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        let connection = &mut self.connections[key];
        if let Some(deadline) = connection.deadline {
            self.deadlines.remove(&(deadline, key));
        }
        connection.open(ours)?;
        self.half_open -= 1;
        let local = connection.plaintext().expect("the connection has just been opened");
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(local, Token(key * 2 + 1), both)?;
        self.reporter.connected(connection.ticket, connected, &theirs)
    }

    fn end(&mut self, key: usize, reason: Option<(Reason, String)>, now: Instant) {
        let connection = self.connections.remove(key);
        if connection.is_half_open() {
            self.half_open -= 1;
        }
        if let Some(deadline) = connection.deadline {
            self.deadlines.remove(&(deadline, key));
        }
        if let Some((reason, detail)) = reason {
            let refused = connection.served.refusal(connection.peer, reason, detail);
            self.reporter.refused(connection.ticket, refused, now);
        }
    }
}
