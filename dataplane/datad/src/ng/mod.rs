//! The doors of the `ng` front: UDP, TCP and HTTP, all served by the control loop.

mod config;
mod connection;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use anyhow::Context;
use mio::net::{TcpListener, UdpSocket};
use mio::{Interest, Registry, Token};
use ng::{Asker, Ng, Speech};
use tracing::debug;

pub use config::NgConfig;

use crate::unreachable;
use connection::Connection;

/// The front and its doors.
pub struct NgDoors {
    /// The front itself.
    pub front: Ng,
    sockets: Vec<UdpSocket>,
    listeners: Vec<(Speech, TcpListener)>,
    /// By their doors.
    connections: HashMap<u32, Connection>,
    next_door: u32,
    admit: Vec<IpAddr>,
    /// Messages and connections of whom nobody admits.
    strangers: u64,
    first_token: usize,
}

/// Doors below this are sockets, then listeners; from here on they are connections.
const FIRST_CONNECTION: u32 = 1 << 16;
/// Of all kinds.
const MAX_CONNECTIONS: usize = 64;
/// Datagrams taken from one socket at a time, so that a flood does not stop the rest.
const DATAGRAMS_AT_A_TIME: usize = 64;

/// A front before anybody can reach it.
pub struct NgFront {
    /// The front.
    pub front: Ng,
    /// Where it will be reached.
    pub opened: Opened,
    /// Who may command.
    pub admit: Vec<IpAddr>,
}

/// Sockets that listen, opened before privileges are given up.
pub struct Opened {
    sockets: Vec<std::net::UdpSocket>,
    listeners: Vec<(Speech, std::net::TcpListener)>,
}

impl Opened {
    /// Opens all of a configuration.
    pub fn open(config: &NgConfig) -> anyhow::Result<Self> {
        let cure = "is the address ours and the port free?";
        let sockets = config.udp.iter().map(|address| {
            std::net::UdpSocket::bind(address)
                .with_context(|| format!("cannot listen for ng on {address}; {cure}"))
        });
        let tcp = config.tcp.iter().map(|address| (Speech::Tcp, address));
        let http = config.http.iter().map(|address| (Speech::Http, address));
        let listeners = tcp.chain(http).map(|(speech, address)| {
            let listener = std::net::TcpListener::bind(address)
                .with_context(|| format!("cannot listen for ng on {address}; {cure}"))?;
            anyhow::Ok((speech, listener))
        });
        Ok(Self {
            sockets: sockets.collect::<anyhow::Result<_>>()?,
            listeners: listeners.collect::<anyhow::Result<_>>()?,
        })
    }
}

impl NgDoors {
    /// The doors to a front, whose tokens begin at `first_token`.
    pub fn new(
        NgFront { front, opened, admit }: NgFront,
        registry: &Registry,
        first_token: usize,
    ) -> io::Result<Self> {
        let mut doors = Self {
            front,
            sockets: Vec::new(),
            listeners: Vec::new(),
            connections: HashMap::new(),
            next_door: FIRST_CONNECTION,
            admit,
            strangers: 0,
            first_token,
        };
        for socket in opened.sockets {
            socket.set_nonblocking(true)?;
            let mut socket = UdpSocket::from_std(socket);
            let token = doors.token(doors.sockets.len() as u32);
            registry.register(&mut socket, token, Interest::READABLE)?;
            doors.sockets.push(socket);
        }
        for (speech, listener) in opened.listeners {
            listener.set_nonblocking(true)?;
            let mut listener = TcpListener::from_std(listener);
            let token = doors.token((doors.sockets.len() + doors.listeners.len()) as u32);
            registry.register(&mut listener, token, Interest::READABLE)?;
            doors.listeners.push((speech, listener));
        }
        Ok(doors)
    }

    /// Messages and connections of whom nobody admits.
    pub fn strangers(&self) -> u64 {
        self.strangers
    }

    /// Something happens at a door.
    pub fn handle(&mut self, now: Instant, registry: &Registry, token: Token) -> io::Result<()> {
        let door = (token.0 - self.first_token) as u32;
        let index = door as usize;
        if index < self.sockets.len() {
            self.read_socket(now, registry, index)
        } else if let Some(index) = index.checked_sub(self.sockets.len())
            && index < self.listeners.len()
        {
            self.admit_connections(registry, index)
        } else {
            self.read_connection(now, door);
            Ok(())
        }
    }

    /// Lets out what the front has to say.
    pub fn pump(&mut self) {
        while let Some((Asker { door, address }, answer)) = self.front.poll_answer() {
            if let Some(socket) = self.sockets.get(door as usize) {
                let sent = match socket.send_to(&answer, address) {
                    // That was said of an earlier datagram; this one was not looked at.
                    Err(error) if unreachable::is_report(&error) => {
                        socket.send_to(&answer, address)
                    }
                    sent => sent,
                };
                // Who does not hear it asks again.
                if let Err(error) = sent {
                    debug!(%address, %error, "ng answer not sent");
                }
            } else if let Some(connection) = self.connections.get_mut(&door) {
                connection.answer(&answer);
            }
        }
        self.connections.retain(|_, connection| connection.flush());
    }

    fn token(&self, door: u32) -> Token {
        Token(self.first_token + door as usize)
    }

    fn admits(&mut self, address: SocketAddr) -> bool {
        let admitted = self.admit.contains(&address.ip().to_canonical());
        self.strangers += u64::from(!admitted);
        admitted
    }

    fn read_socket(&mut self, now: Instant, registry: &Registry, index: usize) -> io::Result<()> {
        let mut buffer = [0; 1 << 16];
        for _ in 0..DATAGRAMS_AT_A_TIME {
            match self.sockets[index].recv_from(&mut buffer) {
                Ok((len, address)) => {
                    if self.admits(address) {
                        let asker = Asker { door: index as u32, address };
                        self.front.handle_message(now, asker, &buffer[..len]);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if unreachable::is_report(&error) => {}
                Err(error) => return Err(error),
            }
        }
        // There may be more, and mio tells of changes only.
        let token = self.token(index as u32);
        registry.reregister(&mut self.sockets[index], token, Interest::READABLE)
    }

    fn admit_connections(&mut self, registry: &Registry, index: usize) -> io::Result<()> {
        loop {
            let (speech, listener) = &self.listeners[index];
            let speech = *speech;
            let (mut socket, address) = match listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // It has gone again, or there is no room for it; the next one may fare better.
                Err(error) => {
                    debug!(%error, "ng connection not accepted");
                    return Ok(());
                }
            };
            if !self.admits(address) {
                continue;
            }
            if self.connections.len() >= MAX_CONNECTIONS {
                let oldest = self.connections.iter().min_by_key(|(_, c)| c.heard());
                let oldest = oldest.map(|(door, _)| *door);
                oldest.map(|door| self.connections.remove(&door));
            }
            let door = self.next_door;
            self.next_door = door.checked_add(1).unwrap_or(FIRST_CONNECTION);
            let interest = Interest::READABLE | Interest::WRITABLE;
            registry.register(&mut socket, self.token(door), interest)?;
            self.connections.insert(door, Connection::new(socket, address, speech));
        }
    }

    fn read_connection(&mut self, now: Instant, door: u32) {
        let Some(connection) = self.connections.get_mut(&door) else { return };
        let address = connection.address();
        let mut messages = Vec::new();
        let goes_on = connection.read(now, |message| messages.push(message));
        for message in messages {
            self.front.handle_message(now, Asker { door, address }, &message);
        }
        if !goes_on {
            self.connections.remove(&door);
        }
    }
}
