//! controld's half: it hands services to the cell, and takes connections from it.
//!
//! ```no_run
//! # use ringfence_legacytls::{client::{Cell, Event}, link::*};
//! # fn example(certificate: Der, key: std::fs::File) -> std::io::Result<()> {
//! let cell = Cell::at("/run/ringfence/legacytls.sock");
//! let service = Service {
//!     name: "capf".into(),
//!     certificate,
//!     clients: Clients::Anybody,
//!     protection: Protection::Encrypted,
//!     newest: TlsVersion::Tls13,
//!     limits: Limits::default(),
//! };
//! let listener = std::net::TcpListener::bind("0.0.0.0:3804")?;
//! let serving = cell.serve(service, listener, key);
//! while let Some(event) = serving.accept() {
//!     match event {
//!         Event::Connected(connection) => drop(connection.stream),
//!         Event::Refused(refused) => println!("{refused:?}"),
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! [`Serving::accept`] blocks, as it suits servers with threads. A server on tokio has a thread
//! forward what it gets, and takes the streams after `set_nonblocking(true)` by
//! `tokio::net::UnixStream::from_std`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, Shutdown, SocketAddrUnix, SocketFlags, SocketType, connect, shutdown,
    socket_with,
};

use crate::channel::Channel;
use crate::link::{API, Connected, FromCell, Refused, Service, ToCell};

/// The cell, as controld sees it: it calls it, and calls again whenever it went away. Dropping it
/// ends all services.
pub struct Cell {
    shared: Arc<Shared>,
    caller: Option<thread::JoinHandle<()>>,
}

/// A service in the cell, until it is dropped.
pub struct Serving {
    name: String,
    shared: Arc<Shared>,
    events: Receiver<Event>,
}

/// What happens on a service.
#[derive(Debug)]
pub enum Event {
    /// Somebody is there.
    Connected(Connection),
    /// Somebody was not let in. The cell tells of some twenty a second at most.
    Refused(Refused),
}

/// A connection that passed every check.
#[derive(Debug)]
pub struct Connection {
    /// The plaintext. One `write` becomes one TLS record where it fits (16 KB). Closing it closes
    /// the connection; when the telephone goes, or the cell, it ends.
    pub stream: UnixStream,
    /// What TLS knows.
    pub tls: Connected,
}

/// Why a connection that was handed in did not come to be.
#[derive(Debug, thiserror::Error)]
pub enum NotServed {
    /// The cell refused it.
    #[error("refused: {:?} {}", .0.reason, .0.detail)]
    Refused(Refused),
    /// The cell cannot be reached, went away, or took too long.
    #[error("the cell for old TLS does not serve: {0}")]
    Away(io::Error),
}

/// How a service is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The cell serves it.
    Serving,
    /// The cell cannot be reached, or has not answered yet. Telephones wait.
    Waiting(String),
    /// The cell cannot serve it so.
    Failed(String),
}

/// Connections and refusals that wait for [`Serving::accept`]; what comes on top is lost, and the
/// telephone tries again.
const QUEUE: usize = 1024;

struct Shared {
    path: PathBuf,
    registry: Mutex<Registry>,
    /// Told when the registry ends.
    ended: Condvar,
}

#[derive(Default)]
struct Registry {
    services: BTreeMap<String, Registered>,
    link: Option<Arc<Channel>>,
    ended: bool,
    /// Who waits for which connection.
    tickets: BTreeMap<u64, Sender<Event>>,
    next_ticket: u64,
}

struct Registered {
    service: Service,
    listener: Option<TcpListener>,
    key: File,
    state: State,
    events: Sender<Event>,
}

impl Cell {
    /// The cell that listens at `path`. It need not be there yet.
    pub fn at(path: impl AsRef<Path>) -> Self {
        let shared = Arc::new(Shared {
            path: path.as_ref().to_owned(),
            registry: Mutex::default(),
            ended: Condvar::new(),
        });
        let caller = Arc::clone(&shared);
        let caller = thread::Builder::new()
            .name("legacytls".into())
            .spawn(move || caller.keep_calling())
            .expect("a process that starts can have a thread");
        Self { shared, caller: Some(caller) }
    }

    /// Has a service served: on this socket, with the key in this file (PEM). A service of the same
    /// name is replaced; its connections stay. Without a socket it serves what is handed in by
    /// [`Serving::terminate`] and [`Serving::hand_in`].
    pub fn serve(
        &self,
        service: Service,
        listener: impl Into<Option<TcpListener>>,
        key: File,
    ) -> Serving {
        let listener = listener.into();
        let (sender, events) = bounded(QUEUE);
        let name = service.name.clone();
        let state = State::Waiting("the cell was not told yet".into());
        let mut registry = self.shared.registry();
        let registered = Registered { service, listener, key, state, events: sender };
        registry.services.insert(name.clone(), registered);
        registry.say(&name);
        Serving { name, shared: Arc::clone(&self.shared), events }
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        let mut registry = self.shared.registry();
        registry.ended = true;
        registry.services.clear();
        if let Some(link) = &registry.link {
            // Wakes the caller.
            let _ = shutdown(link.as_fd(), Shutdown::Both);
        }
        drop(registry);
        self.shared.ended.notify_all();
        if let Some(caller) = self.caller.take() {
            let _ = caller.join();
        }
    }
}

impl Serving {
    /// Waits for what happens next; `None` once the [`Cell`] was dropped or the service replaced.
    pub fn accept(&self) -> Option<Event> {
        self.events.recv().ok()
    }

    /// Waits for what happens next, but no longer than this.
    pub fn accept_within(&self, patience: Duration) -> Option<Event> {
        self.events.recv_timeout(patience).ok()
    }

    /// Hands in a connection that somebody else accepted, and waits until its hands are shaken.
    /// Whoever keeps a copy of the stream can end it by shutting it down.
    pub fn terminate(
        &self,
        stream: &TcpStream,
        patience: Duration,
    ) -> Result<Connection, NotServed> {
        let (sender, event) = bounded(1);
        let ticket = {
            let mut registry = self.shared.registry();
            let ticket = registry.next_ticket;
            registry.next_ticket += 1;
            registry.take(&self.name, stream, Some(ticket)).map_err(NotServed::Away)?;
            registry.tickets.insert(ticket, sender);
            ticket
        };
        match event.recv_timeout(patience) {
            Ok(Event::Connected(connection)) => Ok(connection),
            Ok(Event::Refused(refused)) => Err(NotServed::Refused(refused)),
            Err(RecvTimeoutError::Disconnected) => {
                Err(NotServed::Away(io::ErrorKind::ConnectionReset.into()))
            }
            Err(RecvTimeoutError::Timeout) => {
                self.shared.registry().tickets.remove(&ticket);
                Err(NotServed::Away(io::ErrorKind::TimedOut.into()))
            }
        }
    }

    /// Hands in a connection that somebody else accepted; what becomes of it is told by
    /// [`Serving::accept`], as of any other.
    pub fn hand_in(&self, stream: &TcpStream) -> io::Result<()> {
        self.shared.registry().take(&self.name, stream, None)
    }

    /// How it is doing.
    pub fn state(&self) -> State {
        let registry = self.shared.registry();
        let service = registry.services.get(&self.name);
        service.map_or(State::Failed("it has ended".into()), |service| service.state.clone())
    }

    /// Changes what it takes, for instance the issuers that are trusted. Connections that there
    /// are stay.
    pub fn change(&self, change: impl FnOnce(&mut Service)) {
        let mut registry = self.shared.registry();
        if let Some(registered) = registry.services.get_mut(&self.name) {
            change(&mut registered.service);
            registered.service.name.clone_from(&self.name);
            registry.say(&self.name);
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let mut registry = self.shared.registry();
        registry.services.remove(&self.name);
        if let Some(link) = &registry.link {
            // If it is gone, the service is gone with it.
            let _ = link.send(&ToCell::Stop { service: self.name.clone() }, &[]);
        }
    }
}

impl Registry {
    /// Says a service to the cell, if it is there.
    fn say(&mut self, name: &str) {
        let (Some(link), Some(registered)) = (&self.link, self.services.get_mut(name)) else {
            return;
        };
        let message = ToCell::Serve(registered.service.clone());
        let key = registered.key.as_fd();
        let listener = registered.listener.as_ref().map(AsFd::as_fd);
        let descriptors: Vec<_> = [key].into_iter().chain(listener).collect();
        if let Err(error) = link.send(&message, &descriptors) {
            registered.state = State::Failed(error.to_string());
        }
    }

    /// Gives a connection to the cell.
    fn take(&self, name: &str, stream: &TcpStream, ticket: Option<u64>) -> io::Result<()> {
        let not_served = |state: &State| io::Error::other(format!("{state:?}"));
        match self.services.get(name).map(|registered| &registered.state) {
            Some(State::Serving) => {}
            Some(state) => return Err(not_served(state)),
            None => return Err(io::ErrorKind::NotConnected.into()),
        }
        let link = self.link.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        link.send(&ToCell::Take { service: name.to_owned(), ticket }, &[stream.as_fd()])
    }
}

impl Shared {
    fn registry(&self) -> MutexGuard<'_, Registry> {
        // Nothing in there is left half done by a panic.
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls the cell until the end.
    fn keep_calling(&self) {
        loop {
            let gone = match self.call() {
                Ok(link) => self.listen(&link),
                Err(error) => error,
            };
            let mut registry = self.registry();
            registry.link = None;
            registry.tickets.clear();
            for registered in registry.services.values_mut() {
                registered.state = State::Waiting(format!("{}: {gone}", self.path.display()));
            }
            if registry.ended {
                return;
            }
            drop(self.ended.wait_timeout(registry, PAUSE));
        }
    }

    /// Calls once.
    fn call(&self) -> io::Result<Arc<Channel>> {
        let socket =
            socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        connect(&socket, &SocketAddrUnix::new(&*self.path)?)?;
        // Whoever is there but does not greet is stuck.
        set_socket_timeout(&socket, Timeout::Recv, Some(GREETING))?;
        let link = Arc::new(Channel::new(socket));
        match link.receive::<FromCell>()? {
            Some((FromCell::Hello { api: API }, _)) => {}
            Some((FromCell::Hello { api }, _)) => {
                return Err(io::Error::other(format!(
                    "the cell speaks version {api} of its language and controld version {API}: \
                     start the older of the two anew"
                )));
            }
            _ => return Err(io::Error::other("it does not speak like the cell")),
        }
        set_socket_timeout(&*link, Timeout::Recv, None)?;
        let mut registry = self.registry();
        if registry.ended {
            return Err(io::ErrorKind::Interrupted.into());
        }
        registry.link = Some(Arc::clone(&link));
        let names: Vec<_> = registry.services.keys().cloned().collect();
        names.iter().for_each(|name| registry.say(name));
        Ok(link)
    }

    /// Listens to the cell until it goes; says how it went.
    fn listen(&self, link: &Channel) -> io::Error {
        loop {
            match link.receive() {
                Ok(Some((message, descriptors))) => self.hear(message, descriptors),
                Ok(None) => return io::Error::other("the cell has gone"),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error,
            }
        }
    }

    fn hear(&self, message: FromCell, mut descriptors: Vec<OwnedFd>) {
        match message {
            FromCell::Hello { .. } => {}
            FromCell::Serving { service } => self.set_state(&service, State::Serving),
            FromCell::Failed { service, why } => self.set_state(&service, State::Failed(why)),
            FromCell::Refused { ticket, refused } => {
                let service = refused.service.clone();
                self.deliver(&service, ticket, Event::Refused(refused));
            }
            FromCell::Connected { ticket, connected: tls } => {
                if let Some(socket) = descriptors.pop() {
                    let service = tls.service.clone();
                    let stream = UnixStream::from(socket);
                    self.deliver(&service, ticket, Event::Connected(Connection { stream, tls }));
                }
            }
        }
    }

    fn set_state(&self, service: &str, state: State) {
        if let Some(registered) = self.registry().services.get_mut(service) {
            registered.state = state;
        }
    }

    /// Queues an event. One for whom nobody waits any more is dropped, and a connection closed by
    /// it; so is one too many.
    fn deliver(&self, service: &str, ticket: Option<u64>, event: Event) {
        let mut registry = self.registry();
        let events = match ticket {
            Some(ticket) => registry.tickets.remove(&ticket),
            None => registry.services.get(service).map(|found| found.events.clone()),
        };
        drop(registry);
        let Some(events) = events else { return };
        match events.try_send(event) {
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }
}

/// How long the cell may take for its first word.
const GREETING: Duration = Duration::from_secs(10);
/// Between two calls, when the cell does not answer.
const PAUSE: Duration = Duration::from_millis(200);
