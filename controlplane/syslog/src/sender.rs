//! The connection to a collector.

use std::fmt;
use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::message::Message;

/// Messages that wait while the collector is away.
const WAITING: usize = 4096;
/// How long it may take to connect, and to take what is written.
const PATIENCE: Duration = Duration::from_secs(10);
/// The first pause before it is tried again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// Why there is no sender.
#[derive(Debug, thiserror::Error)]
pub enum SetUpFault {
    /// The file with the authority's certificate.
    #[error("cannot read {}: {why}; it must hold the certificate of the collector's authority, PEM", file.display())]
    Authority {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// The name of the collector.
    #[error("{0} is no collector: write HOST:PORT, such as log.example:6514")]
    Server(String),
    /// TLS.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The thread.
    #[error("cannot start the thread that sends: {0}")]
    Thread(#[from] io::Error),
}

/// Sends messages; ends when it is dropped.
pub struct Sender {
    queue: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender")
    }
}

impl Sender {
    /// Sends to `HOST:PORT`, which must show a certificate under one of those in `authority`. It
    /// connects when there is something to say.
    pub fn start(server: &str, authority: &Path) -> Result<Self, SetUpFault> {
        let wrong = || SetUpFault::Server(server.to_owned());
        let (host, port) = server.rsplit_once(':').ok_or_else(wrong)?;
        port.parse::<u16>().map_err(|_| wrong())?;
        let name = host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(name).map_err(|_| wrong())?;
        let (queue, messages) = sync_channel(WAITING);
        let collector = Collector { server: server.to_owned(), name, tls: tls(authority)? };
        thread::Builder::new().name("syslog".into()).spawn(move || collector.run(&messages))?;
        Ok(Self { queue, lost: Arc::default() })
    }

    /// Sends a message, as soon as the collector takes it. What finds no room is counted.
    pub fn send(&self, message: Message) {
        if self.queue.try_send(message).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many messages found no room.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

fn tls(authority: &Path) -> Result<Arc<ClientConfig>, SetUpFault> {
    let unreadable = |why: String| SetUpFault::Authority { file: authority.to_owned(), why };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(authority);
    for certificate in certificates.map_err(|error| unreadable(error.to_string()))? {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unreadable("no certificate is in it".to_owned()));
    }
    let crypto = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

struct Collector {
    server: String,
    name: ServerName<'static>,
    tls: Arc<ClientConfig>,
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

impl Collector {
    /// Until nobody sends any more.
    fn run(&self, messages: &Receiver<Message>) {
        let mut stream = None;
        let mut pause = PAUSES.0;
        while let Ok(message) = messages.recv() {
            let frame = message.frame();
            while let Err(error) = self.write(&mut stream, &frame) {
                stream = None;
                // Once for each time it goes away.
                if pause == PAUSES.0 {
                    eprintln!("syslog: {} does not take messages: {error}", self.server);
                }
                thread::sleep(pause);
                pause = (pause * 2).min(PAUSES.1);
            }
            pause = PAUSES.0;
        }
    }

    fn write(&self, stream: &mut Option<Stream>, frame: &[u8]) -> io::Result<()> {
        let stream = match stream {
            Some(stream) => stream,
            None => stream.insert(self.connect()?),
        };
        if has_gone(stream)? {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        stream.write_all(frame)?;
        stream.flush()
    }

    fn connect(&self) -> io::Result<Stream> {
        let mut why = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in self.server.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(mut socket) => {
                    socket.set_read_timeout(Some(PATIENCE))?;
                    socket.set_write_timeout(Some(PATIENCE))?;
                    let tls = ClientConnection::new(Arc::clone(&self.tls), self.name.clone());
                    let mut tls = tls.map_err(io::Error::other)?;
                    while tls.is_handshaking() {
                        tls.complete_io(&mut socket)?;
                    }
                    return Ok(StreamOwned::new(tls, socket));
                }
                Err(error) => why = error,
            }
        }
        Err(why)
    }
}

/// Whether the collector has hung up. It says nothing but that it goes, and how sessions are taken
/// up again: without a look its end would be seen one message too late.
fn has_gone(stream: &mut Stream) -> io::Result<bool> {
    stream.sock.set_nonblocking(true)?;
    let gone = loop {
        match stream.conn.read_tls(&mut stream.sock) {
            Ok(0) => break true,
            Ok(_) => match stream.conn.process_new_packets() {
                Ok(state) if !state.peer_has_closed() => {}
                Ok(_) | Err(_) => break true,
            },
            Err(error) => break error.kind() != io::ErrorKind::WouldBlock,
        }
    };
    stream.sock.set_nonblocking(false)?;
    Ok(gone)
}
