//! A telephone's connection to a server: TCP, or TLS in the old way or in today's.
//!
//! | way | who speaks it | with what |
//! |---|---|---|
//! | [`Way::Plain`] | non-secure phones | TCP |
//! | [`Way::Legacy`] | phones of the 79xx family | TLS 1.0, RSA key exchange, NULL-SHA or AES128-SHA |
//! | [`Way::Modern`] | phones of our days | TLS 1.3, resumed where the server offers it; RFC 9150 in authenticated mode |
//!
//! Invariants:
//! - A server is spoken to only if it has shown, byte for byte, a certificate that is known as its
//!   own, and has proved that it holds the key.
//! - What is said over a suite that does not encrypt is [`Secrecy::Exposed`].

mod identity;
mod keylog;
mod legacy;
mod modern;

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use openssl::ssl::{HandshakeError, MidHandshakeSslStream, SslStream};
use rustix::net::sockopt::set_ip_tos;
use rustls::ClientConnection;
use sccp::Secrecy;

pub use identity::{IdentityError, TlsIdentity};
pub use keylog::KeyLog;
pub use legacy::{Legacy, Manner as LegacyManner};
pub use modern::{Manner as ModernManner, Modern};

use crate::dial::dial;
use crate::station::Outage;

/// How a telephone speaks to its servers.
#[derive(Clone, Debug)]
pub enum Way {
    /// TCP.
    Plain,
    /// TLS as phones of the 79xx family speak it.
    Legacy(Arc<Legacy>),
    /// TLS as it is spoken today.
    Modern(Arc<Modern>),
}

/// TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up: {0}")]
pub struct TlsError(pub(crate) String);

/// A server, as a telephone knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where it is.
    pub address: SocketAddr,
    /// The certificates (DER) that the CTL has for it, or, for an SRST gateway, the configuration;
    /// without any there is no TLS to it.
    pub certificates: Vec<Vec<u8>>,
    /// Whether phones of all modes speak to it over TCP: an SRST gateway that is not secure.
    pub without_tls: bool,
}

impl Server {
    /// A server that is known by these certificates.
    pub fn new(address: SocketAddr, certificates: Vec<Vec<u8>>) -> Self {
        Self { address, certificates, without_tls: false }
    }

    /// An SRST gateway that is not secure.
    pub fn without_tls(address: SocketAddr) -> Self {
        Self { address, certificates: Vec::new(), without_tls: true }
    }
}

/// A connection that does not block.
#[derive(Debug)]
pub struct Connection {
    stage: Stage,
    unsent: Vec<u8>,
    server: Arc<Server>,
}

#[derive(Debug)]
enum Stage {
    Connecting(TcpStream, Way),
    Plain(TcpStream),
    Shaking(MidHandshakeSslStream<TcpStream>),
    Legacy(SslStream<TcpStream>),
    Modern { stream: TcpStream, tls: Box<ClientConnection>, told: bool },
    Over,
}

/// What happens on a connection.
#[derive(Debug, PartialEq, Eq)]
pub enum News<'a> {
    /// It is ready to speak.
    Connected(Secrecy),
    /// These bytes came.
    Bytes(&'a [u8]),
    /// It is over, or never came to be.
    Closed(Outage),
}

/// Class selector 3: signalling.
const SIGNALLING: u8 = 0x60;

impl Connection {
    /// Begins to connect; [`Connection::handle_ready`] is to be called when the token is ready.
    pub fn open(
        registry: &Registry,
        token: Token,
        way: &Way,
        server: Arc<Server>,
        source: Option<IpAddr>,
    ) -> io::Result<Self> {
        let mut stream = dial(server.address, source)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        // Neither is worth failing for.
        let _ = stream.set_nodelay(true);
        let _ = set_ip_tos(&stream, SIGNALLING);
        let way = if server.without_tls { &Way::Plain } else { way };
        Ok(Self { stage: Stage::Connecting(stream, way.clone()), unsent: Vec::new(), server })
    }

    /// The telephone's own address.
    pub fn local_address(&self) -> Option<IpAddr> {
        let stream = match &self.stage {
            Stage::Connecting(stream, _) | Stage::Plain(stream) => stream,
            Stage::Shaking(middle) => middle.get_ref(),
            Stage::Legacy(stream) => stream.get_ref(),
            Stage::Modern { stream, .. } => stream,
            Stage::Over => return None,
        };
        stream.local_addr().ok().map(|address| address.ip())
    }

    /// The socket can do something.
    pub fn handle_ready(&mut self, buffer: &mut [u8], mut tell: impl FnMut(News<'_>)) {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Connecting(stream, way) => self.connecting(stream, way, buffer, &mut tell),
            Stage::Shaking(middle) => self.shaken(middle.handshake(), buffer, &mut tell),
            ready => {
                self.stage = ready;
                self.speak(buffer, &mut tell);
            }
        }
    }

    /// Keeps bytes for [`Connection::flush`].
    pub fn queue(&mut self, bytes: &[u8]) {
        self.unsent.extend_from_slice(bytes);
    }

    /// Sends what the kernel takes.
    pub fn flush(&mut self) -> Result<(), Outage> {
        while !self.unsent.is_empty() {
            let wrote = match &mut self.stage {
                Stage::Plain(stream) => stream.write(&self.unsent),
                Stage::Legacy(stream) => stream.write(&self.unsent),
                Stage::Modern { tls, .. } => tls.writer().write(&self.unsent),
                Stage::Connecting(..) | Stage::Shaking(_) => return Ok(()),
                Stage::Over => return Err(Outage::Aborted),
            };
            match wrote {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Outage::Aborted),
            }
        }
        if self.unsent.is_empty() {
            self.unsent = Vec::new();
        }
        match &mut self.stage {
            Stage::Modern { stream, tls, .. } => write_tls(tls, stream),
            _ => Ok(()),
        }
    }

    /// Says goodbye. Whether the server still hears it does not matter.
    pub fn close(mut self) {
        let _ = self.flush();
        match &mut self.stage {
            Stage::Legacy(stream) => drop(stream.shutdown()),
            Stage::Modern { stream, tls, .. } => {
                tls.send_close_notify();
                let _ = write_tls(tls, stream);
            }
            _ => {}
        }
    }

    fn connecting(
        &mut self,
        stream: TcpStream,
        way: Way,
        buffer: &mut [u8],
        tell: &mut impl FnMut(News<'_>),
    ) {
        match (stream.take_error(), stream.peer_addr()) {
            (Ok(None), Ok(_)) => {}
            (Ok(None), Err(error)) if error.kind() == io::ErrorKind::NotConnected => {
                self.stage = Stage::Connecting(stream, way);
                return;
            }
            _ => return tell(News::Closed(Outage::Unreachable)),
        }
        match way {
            Way::Plain => {
                self.stage = Stage::Plain(stream);
                tell(News::Connected(Secrecy::Exposed));
                self.speak(buffer, tell);
            }
            // Nothing is said to somebody whom nothing vouches for.
            _ if self.server.certificates.is_empty() => tell(News::Closed(Outage::Untrusted)),
            Way::Legacy(legacy) => match legacy.ssl() {
                Ok(ssl) => self.shaken(ssl.connect(stream), buffer, tell),
                Err(_) => tell(News::Closed(Outage::Handshake)),
            },
            Way::Modern(modern) => match modern.connection(&self.server) {
                Ok(tls) => {
                    self.stage = Stage::Modern { stream, tls: Box::new(tls), told: false };
                    self.speak(buffer, tell);
                }
                Err(_) => tell(News::Closed(Outage::Handshake)),
            },
        }
    }

    fn shaken(
        &mut self,
        shaken: Result<SslStream<TcpStream>, HandshakeError<TcpStream>>,
        buffer: &mut [u8],
        tell: &mut impl FnMut(News<'_>),
    ) {
        match shaken {
            Err(HandshakeError::WouldBlock(middle)) => self.stage = Stage::Shaking(middle),
            Err(_) => tell(News::Closed(Outage::Handshake)),
            Ok(stream) => {
                let shown = stream.ssl().peer_certificate().and_then(|it| it.to_der().ok());
                if shown.is_none_or(|shown| !self.server.certificates.contains(&shown)) {
                    return tell(News::Closed(Outage::Untrusted));
                }
                let secrecy = legacy::secrecy(stream.ssl());
                self.stage = Stage::Legacy(stream);
                tell(News::Connected(secrecy));
                self.speak(buffer, tell);
            }
        }
    }

    /// Writes what waits, and reads what there is.
    fn speak(&mut self, buffer: &mut [u8], tell: &mut impl FnMut(News<'_>)) {
        if let Err(why) = self.flush() {
            return self.over(why, tell);
        }
        loop {
            let read = match &mut self.stage {
                Stage::Plain(stream) => stream.read(buffer),
                Stage::Legacy(stream) => stream.read(buffer),
                Stage::Modern { stream, tls, told } => match modern::read(tls, stream, buffer) {
                    Err(why) => return self.over(why, tell),
                    Ok(read) => {
                        if !tls.is_handshaking() && !std::mem::replace(told, true) {
                            if !modern::is_shown_by(tls, &self.server) {
                                return self.over(Outage::Untrusted, tell);
                            }
                            tell(News::Connected(modern::secrecy(tls)));
                        }
                        read
                    }
                },
                _ => return,
            };
            match read {
                Ok(0) => return self.over(Outage::Closed, tell),
                Ok(count) => tell(News::Bytes(&buffer[..count])),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return self.over(Outage::Aborted, tell),
            }
        }
    }

    fn over(&mut self, why: Outage, tell: &mut impl FnMut(News<'_>)) {
        self.stage = Stage::Over;
        tell(News::Closed(why));
    }
}

fn write_tls(tls: &mut ClientConnection, stream: &mut TcpStream) -> Result<(), Outage> {
    while tls.wants_write() {
        match tls.write_tls(stream) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(Outage::Aborted),
        }
    }
    Ok(())
}
