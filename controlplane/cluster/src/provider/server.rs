//! The shell around a provider: sockets, TLS, a thread for each connection.

use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::Provider;
use crate::http::{self, HttpFault, Response};

/// Most connections at a time: five clients that configure, and some that only look.
const MAX_CONNECTIONS: usize = 32;
/// How long a peer may take for one request, and to take its answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running provider. Dropping it closes the port; requests under way are still answered.
pub struct Running {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

/// Serves `provider` on `listener` until the result is dropped.
pub fn start(
    provider: Arc<Provider>,
    listener: TcpListener,
    tls: Arc<ServerConfig>,
) -> io::Result<Running> {
    let address = listener.local_addr()?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&stop);
    let acceptor = thread::Builder::new().name("ctl-provider".into()).spawn(move || {
        accept(&provider, &listener, &tls, &stopping);
    })?;
    Ok(Running { address, stop, acceptor: Some(acceptor) })
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Wakes the acceptor; if nobody can connect any more it has ended already.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn accept(
    provider: &Arc<Provider>,
    listener: &TcpListener,
    tls: &Arc<ServerConfig>,
    stop: &AtomicBool,
) {
    let open = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        if stop.load(Ordering::Acquire) {
            return;
        }
        let Ok(stream) = stream else {
            // Out of descriptors: the next connection may find some again.
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        if open.load(Ordering::Acquire) >= MAX_CONNECTIONS {
            continue;
        }
        let seat = Seat::take(&open);
        let (provider, tls) = (Arc::clone(provider), Arc::clone(tls));
        // Without a thread the connection is dropped, and the seat with it.
        let _ = thread::Builder::new().name("ctl-client".into()).spawn(move || {
            let _seat = seat;
            let _ = converse(&provider, stream, tls);
        });
    }
}

/// Counts a connection for as long as it lives.
struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn take(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(open))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Answers the requests of one connection.
fn converse(provider: &Provider, stream: TcpStream, tls: Arc<ServerConfig>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let peer = stream.peer_addr()?.ip();
    let connection = ServerConnection::new(tls).map_err(io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, Hasty::new(stream)));
    loop {
        let response = match http::read_request(&mut stream) {
            Ok(Some(request)) => provider.handle(&request, peer, SystemTime::now()),
            Ok(None) | Err(HttpFault::Io(_)) => break,
            Err(fault) => {
                let status = if matches!(fault, HttpFault::TooLarge(_)) { 413 } else { 400 };
                http::write_response(stream.get_mut(), &Response { status, body: Vec::new() })?;
                break;
            }
        };
        stream.get_mut().sock.begin_anew();
        http::write_response(stream.get_mut(), &response)?;
    }
    let tls = stream.get_mut();
    tls.conn.send_close_notify();
    tls.flush()?;
    tls.sock.stream.shutdown(Shutdown::Both)
}

/// A stream whose peer has [`PATIENCE`] in all, however it spreads its bytes.
struct Hasty {
    stream: TcpStream,
    until: Instant,
}

impl Hasty {
    fn new(stream: TcpStream) -> Self {
        Self { stream, until: Instant::now() + PATIENCE }
    }

    fn begin_anew(&mut self) {
        self.until = Instant::now() + PATIENCE;
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for Hasty {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(buffer)
    }
}

impl Write for Hasty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
