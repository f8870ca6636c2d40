//! A connection: the handshake, then bytes both ways, then its end.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::{TcpStream, UnixStream};
use openssl::ssl::{ErrorCode, Ssl, SslRef, SslStream, SslVersion};
use zeroize::{Zeroize, Zeroizing};

use super::census::{Census, Seat};
use super::tls::{Tls, reason};
use crate::link::{Connected, Reason, Refused, Service, TlsVersion};

/// A service that is served.
pub(super) struct Served {
    pub service: Service,
    pub tls: Tls,
    pub census: Arc<Census>,
}

impl Served {
    /// A connection to it that did not come to be.
    pub(super) fn refusal(&self, peer: SocketAddr, reason: Reason, detail: String) -> Refused {
        Refused { service: self.service.name.clone(), peer, reason, detail, unsaid: 0 }
    }
}

/// A connection that has just been accepted.
pub(super) struct Arrival {
    pub stream: TcpStream,
    pub peer: SocketAddr,
    pub served: Arc<Served>,
    pub seat: Seat,
    /// Of one that was handed in.
    pub ticket: Option<u64>,
}

/// A connection in the hands of a worker.
pub(super) struct Connection {
    stream: SslStream<TcpStream>,
    pub peer: SocketAddr,
    pub served: Arc<Served>,
    pub ticket: Option<u64>,
    seat: Seat,
    phase: Phase,
    /// When its patience ends.
    pub deadline: Option<Instant>,
}

enum Phase {
    /// Both sides shake hands.
    Handshake,
    /// Bytes go both ways.
    Open(Pump),
    /// controld has closed. What was written must arrive: closing at once would tear it up if the
    /// telephone is still sending.
    Linger,
}

/// What to do with a connection next.
pub(super) enum Next {
    /// Wait for one of its sockets.
    Wait,
    /// There is more to do at once.
    GoOn,
    /// It has shaken hands: hand it over.
    HandOver(Box<Connected>),
    /// It is over; the reason if it never began.
    End(Option<(Reason, String)>),
}

/// How long the last bytes may take to arrive.
const LINGER: Duration = Duration::from_secs(5);
/// Portions moved before others have their turn.
const TURN: usize = 8;
/// Bytes moved at a time: a TLS record.
pub(super) const PORTION: usize = 16 * 1024;

impl Connection {
    /// Begins a handshake. The error is OpenSSL's want of memory.
    pub(super) fn new(arrival: Arrival, now: Instant) -> io::Result<Self> {
        let Arrival { stream, peer, served, seat, ticket } = arrival;
        let ssl = Ssl::new(&served.tls.context)?;
        let stream = SslStream::new(ssl, stream)?;
        let deadline = Some(now + served.service.limits.handshake);
        Ok(Self { stream, peer, served, ticket, seat, phase: Phase::Handshake, deadline })
    }

    pub(super) fn is_half_open(&self) -> bool {
        matches!(self.phase, Phase::Handshake)
    }

    /// The telephone's socket, to be watched.
    pub(super) fn socket(&mut self) -> &mut TcpStream {
        self.stream.get_mut()
    }

    /// The socket to controld, to be watched.
    pub(super) fn plaintext(&mut self) -> Option<&mut UnixStream> {
        match &mut self.phase {
            Phase::Open(pump) => Some(&mut pump.local),
            Phase::Handshake | Phase::Linger => None,
        }
    }

    /// Does what can be done now. The buffer is of [`PORTION`] bytes.
    pub(super) fn advance(&mut self, buffer: &mut [u8], now: Instant) -> Next {
        match &mut self.phase {
            Phase::Handshake => self.shake_hands(),
            Phase::Open(pump) => match pump.turn(&mut self.stream, buffer) {
                Turn::Wait => {
                    if pump.ended && self.deadline.is_none() {
                        self.deadline = Some(now + LINGER);
                    }
                    Next::Wait
                }
                Turn::GoOn => Next::GoOn,
                Turn::PeerClosed => {
                    // The answer to a farewell; nobody needs it.
                    let _ = self.stream.shutdown();
                    Next::End(None)
                }
                Turn::Broken => Next::End(None),
                Turn::Finished => self.linger(now),
            },
            Phase::Linger => match self.stream.get_mut().read(buffer) {
                Ok(0) => Next::End(None),
                Ok(_) => Next::GoOn,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Next::Wait,
                Err(_) => Next::End(None),
            },
        }
    }

    fn shake_hands(&mut self) -> Next {
        match self.stream.accept() {
            Ok(()) => match self.identify() {
                Ok(connected) => Next::HandOver(Box::new(connected)),
                Err(reason) => Next::End(Some((reason, String::new()))),
            },
            Err(error) => match error.code() {
                ErrorCode::WANT_READ | ErrorCode::WANT_WRITE => Next::Wait,
                _ => Next::End(Some(reason(&error, self.stream.ssl()))),
            },
        }
    }

    fn identify(&self) -> Result<Connected, Reason> {
        let ssl = self.stream.ssl();
        let client = self.served.tls.client(ssl)?;
        let cipher = ssl.current_cipher().ok_or(Reason::Handshake)?;
        Ok(Connected {
            service: self.served.service.name.clone(),
            peer: self.peer,
            local: self.stream.get_ref().local_addr().map_err(|_| Reason::Handshake)?,
            version: version(ssl).ok_or(Reason::Handshake)?,
            suite: cipher.standard_name().unwrap_or(cipher.name()).to_owned(),
            encrypted: cipher.bits().secret > 0,
            resumed: ssl.session_reused(),
            client,
        })
    }

    /// The other end of `local` has been handed over.
    pub(super) fn open(&mut self, local: OwnedFd) -> io::Result<()> {
        let local = StdUnixStream::from(local);
        local.set_nonblocking(true)?;
        self.phase = Phase::Open(Pump::new(UnixStream::from_std(local)));
        self.seat.opened();
        self.deadline = None;
        Ok(())
    }

    fn linger(&mut self, now: Instant) -> Next {
        // A telephone that is gone already needs no farewell.
        let _ = self.stream.shutdown();
        let _ = self.stream.get_ref().shutdown(Shutdown::Write);
        self.phase = Phase::Linger;
        self.deadline = Some(now + LINGER);
        Next::GoOn
    }
}

/// The two ways.
struct Pump {
    local: UnixStream,
    /// From the telephone, not yet taken by controld.
    up: Pending,
    /// From controld, not yet taken by the telephone.
    down: Pending,
    /// controld has closed.
    ended: bool,
}

/// How a turn of the pump ended.
enum Turn {
    /// Neither way has anything to do.
    Wait,
    /// There is more.
    GoOn,
    /// The telephone has closed.
    PeerClosed,
    /// The connection broke.
    Broken,
    /// controld has closed, and everything that it wrote is on its way.
    Finished,
}

/// How one way is doing.
enum Way {
    Moved,
    Blocked,
    Closed,
    Broken,
}

impl Pump {
    fn new(local: UnixStream) -> Self {
        Self { local, up: Pending::default(), down: Pending::default(), ended: false }
    }

    fn turn(&mut self, stream: &mut SslStream<TcpStream>, buffer: &mut [u8]) -> Turn {
        for _ in 0..TURN {
            let down = self.move_down(stream, buffer);
            if self.ended && self.down.is_empty() {
                return Turn::Finished;
            }
            let up = if self.ended { Way::Blocked } else { self.move_up(stream, buffer) };
            match (up, down) {
                (Way::Closed, _) => return Turn::PeerClosed,
                (Way::Broken, _) | (_, Way::Broken) => return Turn::Broken,
                (Way::Blocked, Way::Blocked) => return Turn::Wait,
                _ => {}
            }
        }
        Turn::GoOn
    }

    /// From the telephone to controld.
    fn move_up(&mut self, stream: &mut SslStream<TcpStream>, buffer: &mut [u8]) -> Way {
        if self.up.is_empty() {
            match stream.ssl_read(buffer) {
                Ok(length) => self.up.fill(&mut buffer[..length]),
                Err(error) => return way(error.code()),
            }
        }
        match self.up.drain(|bytes| write_all_that_fits(&mut self.local, bytes)) {
            Ok(way) => way,
            Err(_) => {
                self.ended = true;
                Way::Moved
            }
        }
    }

    /// From controld to the telephone.
    fn move_down(&mut self, stream: &mut SslStream<TcpStream>, buffer: &mut [u8]) -> Way {
        if self.down.is_empty() && !self.ended {
            match self.local.read(buffer) {
                Ok(0) => self.ended = true,
                Ok(length) => self.down.fill(&mut buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Way::Blocked,
                Err(_) => self.ended = true,
            }
        }
        let write = |bytes: &[u8]| match stream.ssl_write(bytes) {
            Ok(written) => Ok(written),
            Err(error) => match error.code() {
                ErrorCode::WANT_READ | ErrorCode::WANT_WRITE => Ok(0),
                _ => Err(io::ErrorKind::BrokenPipe.into()),
            },
        };
        self.down.drain(write).unwrap_or(Way::Broken)
    }
}

fn way(code: ErrorCode) -> Way {
    match code {
        ErrorCode::WANT_READ | ErrorCode::WANT_WRITE => Way::Blocked,
        ErrorCode::ZERO_RETURN => Way::Closed,
        _ => Way::Broken,
    }
}

fn write_all_that_fits(socket: &mut UnixStream, bytes: &[u8]) -> io::Result<usize> {
    match socket.write(bytes) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        written => written,
    }
}

/// Plaintext that one side has sent and the other not yet taken; erased when it is gone.
#[derive(Default)]
struct Pending {
    bytes: Zeroizing<Vec<u8>>,
    start: usize,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    /// Takes the bytes out of a buffer.
    fn fill(&mut self, buffer: &mut [u8]) {
        self.bytes = Zeroizing::new(buffer.to_vec());
        self.start = 0;
        buffer.zeroize();
    }

    /// Gives bytes away until all are gone or nobody takes more.
    fn drain(&mut self, mut give: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<Way> {
        while !self.is_empty() {
            match give(&self.bytes[self.start..])? {
                0 => return Ok(Way::Blocked),
                taken => self.start += taken,
            }
        }
        *self = Self::default();
        Ok(Way::Moved)
    }
}

fn version(ssl: &SslRef) -> Option<TlsVersion> {
    match ssl.version2()? {
        SslVersion::TLS1 => Some(TlsVersion::Tls10),
        SslVersion::TLS1_1 => Some(TlsVersion::Tls11),
        SslVersion::TLS1_2 => Some(TlsVersion::Tls12),
        SslVersion::TLS1_3 => Some(TlsVersion::Tls13),
        _ => None,
    }
}
