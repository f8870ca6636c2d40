//! Taking TLS off.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pki::Certificate;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Takes TLS off connections in this process.
pub trait Terminator: Send + Sync {
    /// Shakes hands, and returns what the phone says in clear. Ends by `until` at the latest.
    fn accept(&self, connection: Connection, until: Instant) -> io::Result<Box<dyn Plaintext>>;
}

/// What a phone says, in clear.
pub trait Plaintext: Send {
    /// Reads what there is; nothing for so long is [`io::ErrorKind::TimedOut`] or
    /// [`io::ErrorKind::WouldBlock`], the end of the connection is 0 bytes.
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize>;

    /// Writes a whole message with one write, in one TLS record: phones' readers stall otherwise.
    fn write(&mut self, message: &[u8]) -> io::Result<()>;

    /// Says goodbye. Does not wait for the phone's.
    fn close(&mut self);
}

/// Ends a connection, whoever waits for it.
pub(super) type Cut = Box<dyn Fn() + Send>;

/// A TCP connection that another thread can cut.
#[derive(Clone)]
pub struct Connection {
    stream: Arc<TcpStream>,
    /// When whoever reads or writes gives up.
    until: Option<Instant>,
}

impl Connection {
    /// Shares a stream.
    pub fn new(stream: TcpStream) -> Self {
        Self { stream: Arc::new(stream), until: None }
    }

    /// What ends it, whoever waits for it.
    pub(super) fn cut(&self) -> Cut {
        let stream = Arc::clone(&self.stream);
        Box::new(move || drop(stream.shutdown(Shutdown::Both)))
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        let left = |until: Instant| until.saturating_duration_since(Instant::now());
        match self.until.map(left) {
            Some(Duration::ZERO) => Err(io::ErrorKind::TimedOut.into()),
            left => Ok(left),
        }
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        (&*self.stream).read(buffer)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        (&*self.stream).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.stream).flush()
    }
}

/// TLS 1.2 and 1.3, in this process. Phones of the 79xx family speak neither: they need the cell.
pub struct ModernTls(Arc<ServerConfig>);

/// Why TLS cannot be set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFault(String);

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TLS cannot be set up: {}", self.0)
    }
}

impl std::error::Error for TlsFault {}

/// How long a phone may take to read what is written.
const WRITING: Duration = Duration::from_secs(30);

impl ModernTls {
    /// Serves with CAPF's certificate and the key in `key_file`. Asks phones for no certificate.
    pub fn new(certificate: &Certificate, key_file: &Path) -> Result<Self, TlsFault> {
        let failed = |error: &dyn fmt::Display| TlsFault(error.to_string());
        let key = PrivateKeyDer::from_pem_file(key_file)
            .map_err(|error| TlsFault(format!("{}: {error}", key_file.display())))?;
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let crypto = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| failed(&error))?;
        // A phone comes once in years: it takes no session up again.
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self(Arc::new(config)))
    }
}

impl Terminator for ModernTls {
    fn accept(&self, mut connection: Connection, until: Instant) -> io::Result<Box<dyn Plaintext>> {
        connection.stream.set_nodelay(true)?;
        connection.until = Some(until);
        let mut tls = ServerConnection::new(Arc::clone(&self.0)).map_err(io::Error::other)?;
        while tls.is_handshaking() {
            let (read, _) = tls.complete_io(&mut connection)?;
            if read == 0 && tls.is_handshaking() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(Box::new(StreamOwned::new(tls, connection)))
    }
}

impl Plaintext for StreamOwned<ServerConnection, Connection> {
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        self.sock.until = Some(Instant::now() + patience);
        Read::read(self, buffer)
    }

    fn write(&mut self, message: &[u8]) -> io::Result<()> {
        self.sock.until = Some(Instant::now() + WRITING);
        self.write_all(message)?;
        Write::flush(self)
    }

    fn close(&mut self) {
        self.conn.send_close_notify();
        self.sock.until = Some(Instant::now() + WRITING);
        let _ = Write::flush(self);
        let _ = self.sock.stream.shutdown(Shutdown::Write);
    }
}

/// What comes out of the cell: TLS was taken off there.
pub(super) struct FromCell(Arc<UnixStream>);

impl FromCell {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self(Arc::new(stream))
    }

    pub(super) fn cut(&self) -> Cut {
        let stream = Arc::clone(&self.0);
        Box::new(move || drop(stream.shutdown(Shutdown::Both)))
    }
}

impl Plaintext for FromCell {
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        self.0.set_read_timeout(Some(patience))?;
        (&*self.0).read(buffer)
    }

    fn write(&mut self, message: &[u8]) -> io::Result<()> {
        self.0.set_write_timeout(Some(WRITING))?;
        // The cell makes one record of it.
        (&*self.0).write_all(message)
    }

    fn close(&mut self) {
        let _ = self.0.shutdown(Shutdown::Write);
    }
}
