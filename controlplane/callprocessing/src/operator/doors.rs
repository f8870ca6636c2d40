//! Connections that come.

use std::io;
use std::net::{self, SocketAddr};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use callmanager::exchange::ConnectionId;
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Poll};
use rustix::net::sockopt::{set_ip_tos, set_ipv6_tclass, set_tcp_nodelay};

use super::wire::Wire;
use super::{Doors, Line, Operator, PLAIN, SECURE, Shaken, now, token};
use crate::census::Admission;
use crate::proof::Proof;

/// Connections accepted before others have their turn.
const TURN: usize = 64;
/// How long to wait for descriptors.
const PAUSE: Duration = Duration::from_millis(50);
/// DSCP CS3, as signalling is marked.
const CLASS_SELECTOR_3: u8 = 24 << 2;

impl Doors {
    pub(crate) fn of(plain: net::TcpListener, secure: net::TcpListener) -> io::Result<Self> {
        plain.set_nonblocking(true)?;
        secure.set_nonblocking(true)?;
        Ok(Self { plain: TcpListener::from_std(plain), secure: TcpListener::from_std(secure) })
    }

    /// Where phones with TLS come; 0 if the system does not say.
    pub(super) fn secure_port(&self) -> u16 {
        self.secure.local_addr().map_or(0, |address| address.port())
    }

    pub(super) fn open(&mut self, poll: &Poll) -> io::Result<()> {
        poll.registry().register(&mut self.plain, PLAIN, Interest::READABLE)?;
        poll.registry().register(&mut self.secure, SECURE, Interest::READABLE)
    }
}

impl Operator {
    /// Accepts who waits at the doors.
    pub(super) fn accept(&mut self) {
        for _ in 0..TURN {
            let plain = self.doors.plain.accept();
            let secure = self.doors.secure.accept();
            let mut nobody = true;
            for (arrived, is_secure) in [(plain, false), (secure, true)] {
                match arrived {
                    Ok((stream, peer)) => {
                        nobody = false;
                        self.welcome(stream, peer, is_secure);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) if is_of_one_connection(&error) => nobody = false,
                    Err(_) => {
                        // Out of descriptors: half-open connections give theirs back first.
                        if let Some(oldest) = self.census.oldest() {
                            self.evict(oldest);
                        }
                        self.again = Some(Instant::now() + PAUSE);
                        return;
                    }
                }
            }
            if nobody {
                return;
            }
        }
        // Nobody tells again of those that still wait.
        self.again = Some(Instant::now());
    }

    fn welcome(&mut self, stream: TcpStream, peer: SocketAddr, secure: bool) {
        mark(&stream, peer);
        let Some(connection) = self.seat(peer) else { return };
        if secure {
            self.with.reception.take(connection, stream, peer);
        } else {
            self.take(connection, Line::new(Wire::plain(stream), peer, None));
        }
    }

    /// Gives a new connection a seat, if there is one.
    fn seat(&mut self, peer: SocketAddr) -> Option<ConnectionId> {
        self.counts.accepted += 1;
        let connection = self.next_connection();
        match self.census.admit(connection, peer.ip()) {
            Admission::Seated => {}
            Admission::Instead(other) => self.evict(other),
            Admission::Full => {
                self.counts.turned_away += 1;
                return None;
            }
        }
        Some(connection)
    }

    /// A half-open connection makes room for another.
    fn evict(&mut self, connection: ConnectionId) {
        self.counts.evicted += 1;
        if self.lines.contains_key(&connection) {
            self.lose(connection);
        } else {
            self.with.reception.cut(connection);
            self.census.leave(connection);
        }
    }

    pub(super) fn take_shaken(&mut self, shaken: Shaken) {
        let Shaken { connection, tls, stream, peer, proof } = shaken;
        // It may have had to make room meanwhile.
        if self.census.contains(connection) {
            self.take(connection, Line::new(Wire::modern(tls, stream), peer, Some(proof)));
        }
    }

    pub(super) fn take_from_cell(&mut self, stream: UnixStream, peer: SocketAddr, proof: Proof) {
        let Some(connection) = self.seat(peer) else { return };
        let wire = Wire::cell(mio::net::UnixStream::from_std(stream));
        self.take(connection, Line::new(wire, peer, Some(proof)));
    }

    /// A connection whose bytes are SCCP from now on.
    fn take(&mut self, connection: ConnectionId, mut line: Line) {
        if line.wire.watch(self.poll.registry(), token(connection)).is_err() {
            return self.census.leave(connection);
        }
        self.exchange.connected(now(), connection, line.address());
        self.lines.insert(connection, line);
        // What came with the last message of the handshake, nobody tells of.
        self.read(connection);
    }
}

/// Signalling goes ahead of other traffic, and does not wait to be put together. Neither is worth
/// a connection.
fn mark(stream: &TcpStream, peer: SocketAddr) {
    let _ = set_tcp_nodelay(stream, true);
    let _ = match peer {
        SocketAddr::V4(_) => set_ip_tos(stream, CLASS_SELECTOR_3),
        SocketAddr::V6(_) => set_ipv6_tclass(stream, CLASS_SELECTOR_3.into()),
    };
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted)
}
