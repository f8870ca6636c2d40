//! What carries the backhaul: a TCP socket, or one behind IPsec where policy demands that.
//!
//! The trunks of voice endpoints are emulated, and nobody at them speaks Q.931: layer 2 of their D
//! channels is up when the call agent wants it, and what it says there is counted.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use gateway::backhaul::{Backhaul, Config, Event};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use serde::Deserialize;
use stack::{TcpId, TcpState};
use tracing::{debug, info, warn};

use crate::ipsec::Protected;

/// The section `[datad.gateway.backhaul]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackhaulConfig {
    /// Where the call agent takes connections, usually port 2428.
    pub agent: SocketAddr,
    /// Interfaces with a D channel, like `S0/DS1-0`.
    #[serde(default)]
    pub interfaces: Vec<String>,
}

/// The backhaul, and what carries it.
pub struct BackhaulLine {
    session: Backhaul,
    agent: SocketAddr,
    ours: IpAddr,
    carrier: Option<Carrier>,
}

enum Carrier {
    Socket(TcpStream),
    Protected(TcpId),
}

/// What a carrier is worth after it has moved octets.
#[derive(PartialEq, Eq)]
enum Line {
    Holds,
    Broken,
}

/// Octets moved at a time.
const PIECE: usize = 4096;

impl BackhaulLine {
    /// From our address of the agent's family. It dials when it is first asked to work.
    pub fn new(now: Instant, config: &BackhaulConfig, name: &str, listen: &[SocketAddr]) -> Self {
        let of_family = |ours: &&SocketAddr| ours.is_ipv4() == config.agent.is_ipv4();
        let ours = listen.iter().find(of_family).map_or(config.agent.ip(), |ours| ours.ip());
        let interfaces = config.interfaces.clone();
        let session = Backhaul::new(now, Config { gateway: name.to_owned(), interfaces });
        Self { session, agent: config.agent, ours, carrier: None }
    }

    /// When [`BackhaulLine::work`] wants to be called next, if nothing comes before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.session.poll_timeout()
    }

    /// Does what is due, and moves octets both ways.
    pub fn work(
        &mut self,
        now: Instant,
        registry: &Registry,
        token: Token,
        mut protected: Option<&mut Protected>,
    ) {
        self.session.handle_timeout(now);
        loop {
            if self.carry(now, protected.as_deref_mut()) == Line::Broken {
                debug!(agent = %self.agent, "the backhaul's connection is gone");
                self.drop_carrier(now, protected.as_deref_mut());
                self.session.disconnected(now);
            }
            let Some(event) = self.session.poll_event() else { return };
            match event {
                Event::Dial => match self.dial(now, registry, token, protected.as_deref_mut()) {
                    Ok(carrier) => self.carrier = Some(carrier),
                    Err(error) => {
                        debug!(agent = %self.agent, %error, "the backhaul cannot be dialled");
                        self.session.disconnected(now);
                    }
                },
                Event::HangUp(why) => {
                    warn!(agent = %self.agent, ?why, "the backhaul is given up");
                    self.drop_carrier(now, protected.as_deref_mut());
                }
                Event::Opened { channel, taken } => {
                    info!(agent = %self.agent, channel, taken, "a D channel is named to the call agent");
                }
                Event::Establish(channel) => {
                    self.session.establish(channel);
                }
                Event::Release(channel) => {
                    self.session.release(channel);
                }
                Event::Data(channel, message) => {
                    debug!(channel, octets = message.len(), "nobody at the trunk speaks Q.931");
                }
            }
        }
    }

    fn dial(
        &self,
        now: Instant,
        registry: &Registry,
        token: Token,
        protected: Option<&mut Protected>,
    ) -> io::Result<Carrier> {
        if let Some(protected) = protected
            && let Some(id) = protected.connect_tcp(now, self.ours, self.agent)?
        {
            return Ok(Carrier::Protected(id));
        }
        let mut stream = TcpStream::connect(self.agent)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Carrier::Socket(stream))
    }

    fn drop_carrier(&mut self, now: Instant, protected: Option<&mut Protected>) {
        if let (Some(Carrier::Protected(id)), Some(protected)) = (self.carrier.take(), protected) {
            protected.drop_tcp(now, id);
        }
    }

    fn carry(&mut self, now: Instant, protected: Option<&mut Protected>) -> Line {
        let carried = match (&mut self.carrier, protected) {
            (None, _) => return Line::Holds,
            (Some(Carrier::Socket(stream)), _) => carry_by_socket(now, &mut self.session, stream),
            (Some(Carrier::Protected(id)), Some(protected)) => {
                Ok(carry_protected(now, &mut self.session, *id, protected))
            }
            (Some(Carrier::Protected(_)), None) => Ok(Line::Broken),
        };
        carried.unwrap_or(Line::Broken)
    }
}

fn carry_by_socket(
    now: Instant,
    session: &mut Backhaul,
    stream: &mut TcpStream,
) -> io::Result<Line> {
    if !session.is_open() {
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            Ok(_) => session.connected(now),
            Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(Line::Holds),
            Err(error) => return Err(error),
        }
    }
    let mut piece = [0; PIECE];
    while session.is_open() {
        match stream.read(&mut piece) {
            Ok(0) => return Ok(Line::Broken),
            Ok(len) => session.input(now, &piece[..len]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    while !session.output().is_empty() {
        match stream.write(session.output()) {
            Ok(len) => session.sent(len),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Line::Holds)
}

fn carry_protected(
    now: Instant,
    session: &mut Backhaul,
    id: TcpId,
    protected: &mut Protected,
) -> Line {
    let stack = protected.stack_mut();
    match stack.tcp_state(id) {
        TcpState::Opening => return Line::Holds,
        TcpState::Closed => return Line::Broken,
        TcpState::Open | TcpState::PeerDone if session.is_open() => {}
        TcpState::Open | TcpState::PeerDone => session.connected(now),
    }
    let mut piece = [0; PIECE];
    while session.is_open() {
        match stack.receive_tcp(id, &mut piece) {
            Ok(0) => break,
            Ok(len) => session.input(now, &piece[..len]),
            Err(_) => return Line::Broken,
        }
    }
    if stack.tcp_state(id) == TcpState::PeerDone {
        return Line::Broken;
    }
    while !session.output().is_empty() {
        match stack.send_tcp(id, session.output()) {
            Ok(0) => break,
            Ok(len) => session.sent(len),
            Err(_) => return Line::Broken,
        }
    }
    protected.let_out(now);
    Line::Holds
}
