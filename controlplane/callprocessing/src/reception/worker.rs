//! A thread that shakes hands.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Read};
use std::net::{self, SocketAddr};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use callmanager::exchange::ConnectionId;
use legacytls::hello::{self, MAX_HELLO, Peeked};
use legacytls::link::Reason;
use messages::signalling;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustls::ServerConnection;

use super::{Hosts, Task};
use crate::alarms::Known;
use crate::operator::{Mail, News, Shaken};

/// Wakes a worker for tasks.
pub(super) const TASKS: Token = Token(usize::MAX);

/// How long shaking hands may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

pub(super) struct Worker {
    poll: Poll,
    tasks: Receiver<Task>,
    hosts: Hosts,
    mail: Mail,
    guests: HashMap<ConnectionId, Guest>,
    /// Whose patience ends when.
    deadlines: BTreeSet<(Instant, ConnectionId)>,
    buffer: Vec<u8>,
}

/// A phone that hands are shaken with.
struct Guest {
    stream: TcpStream,
    peer: SocketAddr,
    /// Once its first message was read.
    tls: Option<Box<ServerConnection>>,
    until: Instant,
}

/// What is to be done with a guest next.
enum Next {
    /// Wait for its bytes.
    Wait,
    /// Hands were shaken.
    Shaken,
    /// It is for the cell.
    HandIn,
    /// It is refused; the reason if it is worth telling.
    Refuse(Reason, String),
}

impl Worker {
    pub(super) fn new(poll: Poll, tasks: Receiver<Task>, hosts: Hosts, mail: Mail) -> Self {
        Self {
            poll,
            tasks,
            hosts,
            mail,
            guests: HashMap::new(),
            deadlines: BTreeSet::new(),
            buffer: vec![0; MAX_HELLO],
        }
    }

    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(256);
        loop {
            let first = self.deadlines.first().map(|(due, _)| *due);
            let patience = first.map(|due| due.saturating_duration_since(Instant::now()));
            match self.poll.poll(&mut events, patience) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return,
                Ok(()) => {}
            }
            for event in &events {
                if event.token() != TASKS {
                    self.advance(ConnectionId(event.token().0 as u64));
                }
            }
            while let Ok(task) = self.tasks.try_recv() {
                match task {
                    Task::Take(connection, stream, peer) => self.receive(connection, stream, peer),
                    // Its seat is somebody else's already.
                    Task::Cut(connection) => drop(self.dismiss(connection)),
                    Task::Stop => return,
                }
            }
            let now = Instant::now();
            while let Some((_, late)) =
                self.deadlines.first().copied().filter(|(due, _)| *due <= now)
            {
                self.end(late, Next::Refuse(Reason::Timeout, String::new()));
            }
        }
    }

    fn receive(&mut self, connection: ConnectionId, stream: TcpStream, peer: SocketAddr) {
        let until = Instant::now() + HANDSHAKE;
        let mut guest = Guest { stream, peer, tls: None, until };
        let token = Token(connection.0 as usize);
        let both = Interest::READABLE | Interest::WRITABLE;
        if self.poll.registry().register(&mut guest.stream, token, both).is_err() {
            let _ = self.mail.post(News::Gone(connection));
            return;
        }
        self.guests.insert(connection, guest);
        self.deadlines.insert((until, connection));
        self.advance(connection);
    }

    fn advance(&mut self, connection: ConnectionId) {
        let Some(guest) = self.guests.get_mut(&connection) else { return };
        let next = match guest.tls {
            Some(_) => guest.shake_hands(),
            None => guest.look(&self.hosts, &mut self.buffer),
        };
        if !matches!(next, Next::Wait) {
            self.end(connection, next);
        }
    }

    /// Takes a guest off the books.
    fn dismiss(&mut self, connection: ConnectionId) -> Option<Guest> {
        let mut guest = self.guests.remove(&connection)?;
        self.deadlines.remove(&(guest.until, connection));
        // One that was never watched is not, either.
        let _ = self.poll.registry().deregister(&mut guest.stream);
        Some(guest)
    }

    fn end(&mut self, connection: ConnectionId, next: Next) {
        let Some(guest) = self.dismiss(connection) else { return };
        let peer = guest.peer;
        match next {
            Next::Wait => {}
            Next::Shaken => return self.introduce(connection, guest),
            Next::HandIn => self.hand_in(guest),
            Next::Refuse(reason, detail) => {
                self.hosts.alarms.not_let_in(peer.ip(), reason, &detail);
            }
        }
        let _ = self.mail.post(News::Gone(connection));
    }

    /// Hands were shaken: does the certificate hold today? Nobody asked if an earlier session was
    /// taken up again.
    fn introduce(&mut self, connection: ConnectionId, guest: Guest) {
        let Guest { stream, peer, tls, .. } = guest;
        let Some(tls) = tls else { return };
        match super::tls::identify(&tls, &self.hosts.trust) {
            Ok(proof) => {
                let shaken = Shaken { connection, tls: *tls, stream, peer, proof };
                let _ = self.mail.post(News::Shaken(Box::new(shaken)));
            }
            Err(reason) => {
                self.hosts.alarms.not_let_in(peer.ip(), reason, "");
                let _ = self.mail.post(News::Gone(connection));
            }
        }
    }

    /// The cell has seats of its own.
    fn hand_in(&self, guest: Guest) {
        let stream = net::TcpStream::from(guest.stream);
        let handed = match &self.hosts.cell {
            Some(cell) => cell.hand_in(&stream),
            None => Err(io::Error::other("there is none")),
        };
        if let Err(error) = handed {
            self.hosts.alarms.raise(&Known {
                message: &signalling::CELL_AWAY,
                values: vec![("peer", guest.peer.ip().to_string()), ("why", error.to_string())],
            });
        }
    }
}

impl Guest {
    /// Looks at the first message, and leaves it for whoever answers.
    fn look(&mut self, hosts: &Hosts, buffer: &mut [u8]) -> Next {
        let length = match self.stream.peek(buffer) {
            Ok(0) => return Next::Refuse(Reason::Handshake, String::new()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Next::Wait,
            Err(error) => return Next::Refuse(Reason::Handshake, error.to_string()),
        };
        match hello::peek(&buffer[..length]) {
            Peeked::Incomplete => Next::Wait,
            Peeked::Other => Next::Refuse(Reason::Handshake, "no TLS".to_owned()),
            Peeked::Hello(hello) => match &hosts.modern {
                Some(modern) if hello.is_modern() => match modern.accept() {
                    Ok(tls) => {
                        self.tls = Some(Box::new(tls));
                        self.shake_hands()
                    }
                    Err(error) => Next::Refuse(Reason::Handshake, error.to_string()),
                },
                _ => Next::HandIn,
            },
        }
    }

    fn shake_hands(&mut self) -> Next {
        let Self { stream, tls: Some(tls), .. } = self else { return Next::Wait };
        loop {
            while tls.wants_write() {
                match tls.write_tls(stream) {
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Next::Refuse(Reason::Handshake, error.to_string()),
                }
            }
            if !tls.is_handshaking() {
                return Next::Shaken;
            }
            match tls.read_tls(stream) {
                Ok(0) => return Next::Refuse(Reason::Handshake, "it broke off".to_owned()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Next::Wait,
                Err(error) => return Next::Refuse(Reason::Handshake, error.to_string()),
            }
            if let Err(error) = tls.process_new_packets() {
                // The alert says why.
                let _ = tls.write_tls(stream);
                self.drain();
                return Next::Refuse(super::tls::reason(&error), error.to_string());
            }
        }
    }

    /// Reads what is there, so that closing does not tear up the alert.
    fn drain(&mut self) {
        let mut rest = [0; 4096];
        let _ = self.stream.read(&mut rest);
    }
}
