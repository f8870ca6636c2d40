//! An agent's socket, and how its thread waits.

use std::io;
use std::net::{SocketAddr, UdpSocket as StdSocket};
use std::sync::Arc;
use std::time::Instant;

use capture::Tap;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use zeroize::{Zeroize, Zeroizing};

use crate::agent::Datagram;
use crate::taps::Taps;

const WAKER: Token = Token(0);
const SOCKET: Token = Token(1);
/// Datagrams taken at a time, so that a flood stops nothing else.
const AT_A_TIME: usize = 64;

/// A socket that is waited for.
pub(crate) struct Wire {
    socket: UdpSocket,
    poll: Poll,
    events: Events,
    /// What comes holds keys.
    buffer: Zeroizing<Vec<u8>>,
    taps: Taps,
}

impl Wire {
    /// Around a socket, with what ends a wait; what goes over it is handed to a capture.
    pub(crate) fn new(socket: StdSocket, tap: Arc<dyn Tap>) -> io::Result<(Self, Arc<Waker>)> {
        let taps = Taps::new(tap, socket.local_addr()?);
        socket.set_nonblocking(true)?;
        let mut socket = UdpSocket::from_std(socket);
        let poll = Poll::new()?;
        poll.registry().register(&mut socket, SOCKET, Interest::READABLE)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let buffer = Zeroizing::new(vec![0; 1 << 16]);
        let events = Events::with_capacity(16);
        Ok((Self { socket, poll, events, buffer, taps }, waker))
    }

    /// Waits for datagrams, a call, or until something is due. An error is the end.
    pub(crate) fn wait(&mut self, due: Option<Instant>) -> io::Result<()> {
        let timeout = due.map(|due| due.saturating_duration_since(Instant::now()));
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// Takes what has come.
    pub(crate) fn receive(&mut self, mut take: impl FnMut(SocketAddr, &[u8])) {
        for _ in 0..AT_A_TIME {
            match self.socket.recv_from(&mut self.buffer) {
                Ok((len, from)) => {
                    self.taps.heard(from, &self.buffer[..len]);
                    take(from, &self.buffer[..len]);
                    self.buffer[..len].zeroize();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // About a datagram sent before; the transactions will see to it.
                Err(_) => {}
            }
        }
        // There may be more, and mio tells of changes only.
        let again = self.poll.registry().reregister(&mut self.socket, SOCKET, Interest::READABLE);
        debug_assert!(again.is_ok(), "a registered socket can be registered again");
    }

    /// Sends. What is lost here is sent again by the rules of transactions.
    pub(crate) fn send(&mut self, mut next: impl FnMut() -> Option<(SocketAddr, Datagram)>) {
        while let Some((to, datagram)) = next() {
            self.taps.said(to, &datagram);
            let _ = self.socket.send_to(&datagram, to);
        }
    }
}
