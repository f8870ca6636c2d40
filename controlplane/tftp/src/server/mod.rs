//! The servers: threads, sockets, and nothing else.

mod http;
mod lookup;
mod udp;

use std::io;
use std::net::{TcpListener, ToSocketAddrs, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::{Poll, Token, Waker};
use rustix::net::sockopt;

use crate::{Config, Counters, FileSource, Observer, RateLimit};

/// What every server needs to know.
#[derive(Clone)]
pub struct Service {
    /// Where files come from.
    pub source: Arc<dyn FileSource>,
    /// Who is told of every request.
    pub observer: Arc<dyn Observer>,
}

/// Limits of the HTTP server.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Most connections at once; more are closed at once.
    pub max_connections: usize,
    /// How long a connection may be silent or blocked.
    pub idle: Duration,
    /// Requests per source.
    pub rate: RateLimit,
    /// Sources that are told apart for `rate`.
    pub max_sources: usize,
}

impl Default for HttpConfig {
    fn default() -> Self {
        let Config { rate, max_sources, .. } = Config::default();
        Self { max_connections: 1024, idle: Duration::from_secs(15), rate, max_sources }
    }
}

/// A running server. It stops when dropped: files under way are cut, phones ask again.
pub struct Server {
    stop: Arc<AtomicBool>,
    wakers: Vec<Arc<Waker>>,
    threads: Vec<JoinHandle<()>>,
    counters: Vec<Arc<Mutex<Counters>>>,
}

/// Wakes a worker: it should stop, or files were found.
const WAKE: Token = Token(usize::MAX);

impl Server {
    /// Serves TFTP on sockets of [`request_socket`], each by one thread for packets and
    /// `lookups` threads that ask the source. Limits hold for each socket. Bind to single
    /// addresses on a machine with several, since answers leave from the address bound to.
    pub fn tftp(
        config: &Config,
        sockets: &[UdpSocket],
        lookups: usize,
        service: &Service,
    ) -> io::Result<Self> {
        let mut server = Self::empty();
        for socket in sockets {
            let counters = Arc::<Mutex<Counters>>::default();
            server.counters.push(Arc::clone(&counters));
            let socket = socket.try_clone()?;
            let worker =
                udp::Worker::new(config.clone(), socket, lookups, service.clone(), counters)?;
            server.spawn("tftp", worker.waker(), |stop| worker.run(stop))?;
        }
        Ok(server)
    }

    /// Serves HTTP on listeners that are bound already, each by one thread.
    pub fn http(
        config: &HttpConfig,
        listeners: &[TcpListener],
        service: &Service,
    ) -> io::Result<Self> {
        let mut server = Self::empty();
        for listener in listeners {
            let worker = http::Worker::new(config.clone(), listener.try_clone()?, service.clone())?;
            server.spawn("http-files", worker.waker(), |stop| worker.run(stop))?;
        }
        Ok(server)
    }

    /// What the TFTP workers counted so far, together.
    pub fn counters(&self) -> Counters {
        self.counters.iter().fold(Counters::default(), |sum, counters| {
            sum + *counters.lock().unwrap_or_else(PoisonError::into_inner)
        })
    }

    fn empty() -> Self {
        Self { stop: Arc::default(), wakers: vec![], threads: vec![], counters: vec![] }
    }

    fn spawn(
        &mut self,
        name: &str,
        waker: Arc<Waker>,
        work: impl FnOnce(&AtomicBool) + Send + 'static,
    ) -> io::Result<()> {
        let stop = Arc::clone(&self.stop);
        let thread = std::thread::Builder::new().name(name.to_owned());
        self.wakers.push(waker);
        self.threads.push(thread.spawn(move || work(&stop))?);
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for waker in &self.wakers {
            // Fails only for a worker that is gone already.
            let _ = waker.wake();
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Binds a socket for [`Server::tftp`], with room for what comes when all phones start at once.
pub fn request_socket(address: impl ToSocketAddrs) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    make_room(&socket);
    Ok(socket)
}

/// Some ten thousand requests that wait to be read, as the kernel counts their bytes.
const BACKLOG: usize = 4 << 20;

/// Gives a socket for [`Server::tftp`] that somebody else bound the room of [`request_socket`].
///
/// After a power failure all phones ask within one moment, and the usual room is for three hundred.
/// More than the system's limit (`net.core.rmem_max`) takes CAP_NET_ADMIN; without, the limit it is.
pub fn make_room(socket: &UdpSocket) {
    if sockopt::set_socket_recv_buffer_size_force(socket, BACKLOG).is_err() {
        // What is lost for want of room is asked again.
        let _ = sockopt::set_socket_recv_buffer_size(socket, BACKLOG);
    }
}

/// A poll can have one waker only.
fn waker(poll: &Poll) -> io::Result<Arc<Waker>> {
    Waker::new(poll.registry(), WAKE).map(Arc::new)
}
