//! A connection of a SIP proxy.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::TcpStream;
use ng::{Broken, Received, Speech, Stream};
use zeroize::Zeroizing;

/// One connection.
pub struct Connection {
    socket: TcpStream,
    address: SocketAddr,
    stream: Stream,
    /// What the socket has not taken yet.
    unsent: Zeroizing<Vec<u8>>,
    /// Ends once everything is sent.
    closing: bool,
    heard: Instant,
}

/// Who reads so slowly does not read at all.
const MAX_UNSENT: usize = 1 << 20;

impl Connection {
    /// A connection that was just made.
    pub fn new(socket: TcpStream, address: SocketAddr, speech: Speech) -> Self {
        Self {
            socket,
            address,
            stream: Stream::new(speech),
            unsent: Zeroizing::default(),
            closing: false,
            heard: Instant::now(),
        }
    }

    /// Where the peer is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// When something came last.
    pub fn heard(&self) -> Instant {
        self.heard
    }

    /// Reads what is there and gives the messages in it. False when the connection is over.
    pub fn read(&mut self, now: Instant, mut give: impl FnMut(Zeroizing<Vec<u8>>)) -> bool {
        let mut buffer = Zeroizing::new([0; 1 << 14]);
        loop {
            match self.socket.read(&mut *buffer) {
                Ok(0) => return false,
                Ok(_) if self.closing => {}
                Ok(len) => {
                    self.heard = now;
                    self.stream.push(&buffer[..len]);
                    self.take_messages(&mut give);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    fn take_messages(&mut self, give: &mut impl FnMut(Zeroizing<Vec<u8>>)) {
        loop {
            match self.stream.poll() {
                Ok(Some(Received::Message(message))) => give(message),
                Ok(Some(Received::Reply(reply))) => self.unsent.extend_from_slice(&reply),
                Ok(None) => return,
                Err(Broken(last_words)) => {
                    self.unsent.extend_from_slice(&last_words);
                    self.closing = true;
                    return;
                }
            }
        }
    }

    /// Queues the answer to a message.
    pub fn answer(&mut self, message: &[u8]) {
        let (bytes, stays) = self.stream.answer(message);
        self.unsent.extend_from_slice(&bytes);
        self.closing |= !stays;
    }

    /// Sends what the socket takes. False when the connection is over.
    pub fn flush(&mut self) -> bool {
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(0) => return false,
                Ok(len) => drop(self.unsent.drain(..len)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        self.unsent.len() <= MAX_UNSENT && !(self.closing && self.unsent.is_empty())
    }
}
