//! The front: it accepts connections, and does what controld says.

use std::cell::Cell;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::io::Errno;
use rustix::net::sockopt::{set_tcp_nodelay, socket_peercred};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, acceptfrom_with, bind,
    connect, listen, socket_with,
};
use rustix::process::Uid;
use sd_notify::NotifyState;
use slab::Slab;

use super::census::Census;
use super::connection::{Arrival, Served};
use super::reporter::Reporter;
use super::worker::{self, Handle};
use super::{Config, sandbox, tls::Tls};
use crate::channel::Channel;
use crate::link::{API, FromCell, Reason, Service, ToCell};

/// Runs the cell; it returns only when it cannot go on.
pub fn run(config: &Config) -> Result<()> {
    let socket = listen_for_controld(&config.socket)
        .with_context(|| format!("cannot listen on {}: set `socket`", config.socket.display()))?;
    privilege::raise_open_files();
    let caller = sandbox::become_nobody(config)?;
    sandbox::keep_memory_private()?;
    sandbox::warm_up();
    if !sandbox::forget_files()? {
        eprintln!(
            "ringfence-legacytls: this kernel has no Landlock (CONFIG_SECURITY_LANDLOCK, lsm=): \
             files are kept away by the filter of system calls alone"
        );
    }
    let mut front = Front::new(socket, caller)?;
    sd_notify::notify(&[NotifyState::Ready]).context("cannot tell systemd")?;
    sandbox::forbid_system_calls()?;
    Err(front.run()).context("the cell cannot go on")
}

/// What accepts.
struct Front {
    poll: Poll,
    socket: OwnedFd,
    /// Who may call.
    caller: Uid,
    link: Option<Arc<Channel>>,
    services: Slab<Port>,
    workers: Vec<Handle>,
    /// Whose turn it is, counted on and on.
    next_worker: Cell<usize>,
    reporter: Arc<Reporter>,
    /// Connections that could not be accepted, for want of descriptors: to be tried again then.
    again: Option<Instant>,
}

/// A service and its socket, if it has one of its own.
struct Port {
    served: Arc<Served>,
    listener: Option<TcpListener>,
}

/// controld calls.
const SOCKET: Token = Token(0);
/// controld says something.
const LINK: Token = Token(1);
/// What is before the tokens of services.
const FIRST_SERVICE: usize = 2;
/// Connections accepted of one service before others have their turn.
const TURN: usize = 64;
/// How long to wait for descriptors.
const PAUSE: Duration = Duration::from_millis(50);

impl Front {
    fn new(socket: OwnedFd, caller: Uid) -> Result<Self> {
        let poll = Poll::new()?;
        let readable = Interest::READABLE;
        poll.registry().register(&mut SourceFd(&socket.as_raw_fd()), SOCKET, readable)?;
        let reporter = Arc::<Reporter>::default();
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let workers =
            (0..count).map(|_| worker::start(&reporter, count)).collect::<io::Result<_>>();
        Ok(Self {
            poll,
            socket,
            caller,
            link: None,
            services: Slab::new(),
            workers: workers.context("cannot start workers")?,
            next_worker: Cell::new(0),
            reporter,
            again: None,
        })
    }

    fn run(&mut self) -> io::Error {
        let mut events = Events::with_capacity(64);
        loop {
            let patience = self.again.map(|at| at.saturating_duration_since(Instant::now()));
            match self.poll.poll(&mut events, patience) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return error,
                Ok(()) => {}
            }
            for event in &events {
                match event.token() {
                    SOCKET => self.answer_calls(),
                    LINK => self.listen(),
                    Token(service) => self.accept(service - FIRST_SERVICE),
                }
            }
            if self.again.take_if(|at| *at <= Instant::now()).is_some() {
                let keys: Vec<_> = self.services.iter().map(|(key, _)| key).collect();
                keys.into_iter().for_each(|key| self.accept(key));
            }
        }
    }

    /// The latest caller is controld; whoever was it before has gone, or should have.
    fn answer_calls(&mut self) {
        while let Ok(link) = accept_with(&self.socket, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)
        {
            if socket_peercred(&link).is_ok_and(|peer| peer.uid == self.caller) {
                self.hang_up();
                let registered = self.poll.registry().register(
                    &mut SourceFd(&link.as_raw_fd()),
                    LINK,
                    Interest::READABLE,
                );
                if registered.is_ok() {
                    let link = Arc::new(Channel::new(link));
                    self.reporter.set_link(Some(Arc::clone(&link)));
                    self.link = Some(link);
                    self.say(&FromCell::Hello { api: API });
                }
            }
        }
    }

    /// Without controld there is nothing to serve.
    fn hang_up(&mut self) {
        if let Some(link) = self.link.take() {
            self.forget(link.as_fd().as_raw_fd());
        }
        self.reporter.set_link(None);
        let ports: Vec<_> = self.services.drain().collect();
        ports.iter().filter_map(|port| port.listener.as_ref()).for_each(|socket| {
            self.forget(socket.as_raw_fd());
        });
    }

    fn forget(&self, descriptor: i32) {
        // What is not watched need not be forgotten.
        let _ = self.poll.registry().deregister(&mut SourceFd(&descriptor));
    }

    /// Hears what controld says.
    fn listen(&mut self) {
        while let Some(link) = self.link.clone() {
            match link.receive() {
                Ok(Some((ToCell::Serve(service), descriptors))) => {
                    self.serve(service, descriptors);
                }
                Ok(Some((ToCell::Take { service, ticket }, descriptors))) => {
                    self.take(&service, ticket, descriptors);
                }
                Ok(Some((ToCell::Stop { service }, _))) => drop(self.stop(&service)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(None) | Err(_) => self.hang_up(),
            }
        }
    }

    fn serve(&mut self, service: Service, descriptors: Vec<OwnedFd>) {
        let name = service.name.clone();
        let answer = match self.open(service, descriptors) {
            Ok(()) => FromCell::Serving { service: name },
            Err(why) => FromCell::Failed { service: name, why },
        };
        self.say(&answer);
    }

    fn open(&mut self, service: Service, descriptors: Vec<OwnedFd>) -> Result<(), String> {
        let mut descriptors = descriptors.into_iter();
        let key = descriptors.next().ok_or("it came without a key")?;
        let tls = Tls::new(&service, &File::from(key))?;
        let census = self.stop(&service.name);
        let listener = descriptors.next().map(TcpListener::from);
        if let Some(listener) = &listener {
            self.watch(listener).map_err(|error| format!("its socket cannot be used: {error}"))?;
        }
        let served = Arc::new(Served { service, tls, census: census.unwrap_or_default() });
        self.services.insert(Port { served, listener });
        Ok(())
    }

    /// Watches the socket of the service that comes next.
    fn watch(&self, listener: &TcpListener) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let token = Token(self.services.vacant_key() + FIRST_SERVICE);
        let descriptor = listener.as_raw_fd();
        self.poll.registry().register(&mut SourceFd(&descriptor), token, Interest::READABLE)
    }

    /// Takes a connection that controld accepted.
    fn take(&mut self, service: &str, ticket: Option<u64>, descriptors: Vec<OwnedFd>) {
        let found = self.services.iter().find(|(_, port)| port.served.service.name == service);
        let Some((_, port)) = found else { return };
        let served = Arc::clone(&port.served);
        let Some(stream) = descriptors.into_iter().next().map(TcpStream::from) else { return };
        match stream.set_nonblocking(true).and_then(|()| stream.peer_addr()) {
            Ok(peer) => self.welcome(&served, stream, peer, ticket),
            Err(error) => {
                let nobody = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
                let gone = served.refusal(nobody, Reason::Handshake, error.to_string());
                self.reporter.refused(ticket, gone, Instant::now());
            }
        }
    }

    /// Stops a service; gives back what was counted of it.
    fn stop(&mut self, name: &str) -> Option<Arc<Census>> {
        let (key, _) = self.services.iter().find(|(_, port)| port.served.service.name == name)?;
        let port = self.services.remove(key);
        if let Some(listener) = &port.listener {
            self.forget(listener.as_raw_fd());
        }
        Some(Arc::clone(&port.served.census))
    }

    fn say(&self, message: &FromCell) {
        // If controld has gone, the next call begins anew.
        let _ = self.reporter.say(message);
    }

    /// Accepts what waits at a service.
    fn accept(&mut self, key: usize) {
        let Some(port) = self.services.get(key) else { return };
        let Some(listener) = &port.listener else { return };
        let served = Arc::clone(&port.served);
        let listener = listener.as_fd();
        for _ in 0..TURN {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            match acceptfrom_with(listener, flags) {
                Ok((stream, peer)) => {
                    if let Some(peer) = peer.and_then(|peer| SocketAddr::try_from(peer).ok()) {
                        self.welcome(&served, stream.into(), peer, None);
                    }
                }
                Err(Errno::WOULDBLOCK) => return,
                Err(Errno::CONNABORTED | Errno::INTR) => {}
                Err(_) => {
                    self.again = Some(Instant::now() + PAUSE);
                    return;
                }
            }
        }
        // Nobody tells again of those that still wait.
        self.again = Some(Instant::now());
    }

    fn welcome(
        &self,
        served: &Arc<Served>,
        stream: TcpStream,
        peer: SocketAddr,
        ticket: Option<u64>,
    ) {
        let Some(seat) = served.census.seat(peer.ip(), &served.service.limits) else {
            let refused = served.refusal(peer, Reason::TooMany, String::new());
            self.reporter.refused(ticket, refused, Instant::now());
            return;
        };
        // Not worth a connection.
        let _ = set_tcp_nodelay(&stream, true);
        let stream = mio::net::TcpStream::from_std(stream);
        let arrival = Arrival { stream, peer, served: Arc::clone(served), seat, ticket };
        let turn = self.next_worker.get();
        self.next_worker.set(turn.wrapping_add(1));
        if let Err(error) = self.workers[turn % self.workers.len()].give(arrival) {
            eprintln!("ringfence-legacytls: a worker does not wake: {error}");
        }
    }
}

/// Opens the socket for controld, in place of one that a killed cell left.
fn listen_for_controld(path: &Path) -> Result<OwnedFd> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let open = || socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None);
    let address = SocketAddrUnix::new(path)?;
    ensure!(connect(open()?, &address).is_err(), "another cell listens there");
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let socket = open()?;
    bind(&socket, &address)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    listen(&socket, 8)?;
    Ok(socket)
}
