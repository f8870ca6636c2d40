//! The control loop: MGCP, signals, next hops; everything that is not a packet of media.
//!
//! It owns the gateway and talks to the worker through queues. One thread, woken by what happens.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use engine::command::Event;
use gateway::Gateway;
use mio::net::UdpSocket;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook_mio::v1_0::Signals;
use tracing::{debug, info, warn};

use crate::backhaul::BackhaulLine;
use crate::flood::FloodWatch;
use crate::ipsec::Protected;
use crate::left::Left;
use crate::lines::LinesHandle;
use crate::neighbours::Neighbours;
use crate::ng::{NgDoors, NgFront};
use crate::reports::{Known, KnownNg};
use crate::unreachable;
use crate::worker::{FromWorker, Outbox, ToWorker, WorkerHandle};
use crate::xdp_features::XdpFeatures;

const WAKER: Token = Token(0);
const SIGNALS: Token = Token(1);
const NEIGHBOURS: Token = Token(2);
const ESP: Token = Token(3);
const IKE_DAEMON: Token = Token(4);
const BACKHAUL: Token = Token(5);
/// Tokens from here on are the MGCP sockets.
const MGCP: usize = 6;
/// Tokens from here on are the doors of the `ng` front.
const NG: usize = 1 << 20;

/// Datagrams taken from one socket at a time, so that a flood does not stop the rest.
const DATAGRAMS_AT_A_TIME: usize = 64;
/// Strangers' addresses must not fill memory.
const MAX_REMEMBERED: usize = 1024;
/// How long a stopping gateway waits until its call agents know.
const FAREWELL: Duration = Duration::from_millis(500);

/// The control loop.
pub struct Control {
    poll: Poll,
    gateway: Gateway,
    sockets: Vec<(SocketAddr, UdpSocket)>,
    /// Which socket a peer's last datagram came to.
    spoken_to: HashMap<SocketAddr, usize>,
    protected: Option<Protected>,
    ng: Option<NgDoors>,
    backhaul: Option<BackhaulLine>,
    neighbours: Neighbours,
    features: XdpFeatures,
    telephones: Option<LinesHandle>,
    flood: FloodWatch,
    left: Left,
    signals: Signals,
    worker: WorkerHandle,
    thread: Option<JoinHandle<io::Result<()>>>,
    from_worker: Receiver<FromWorker>,
    snapshots: Receiver<Sender<Known>>,
    /// How long calls may go on when the daemon is told to stop.
    leave: Duration,
}

/// What [`Control`] needs to be woken by others: made first, shared with them.
pub struct Wakeup {
    poll: Poll,
    /// Wakes the control loop.
    pub waker: Arc<Waker>,
}

impl Wakeup {
    /// Makes the poll and its waker.
    pub fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        Ok(Self { poll, waker })
    }
}

/// The worker's way to the control loop.
pub struct ToControl {
    /// The queue.
    pub queue: Sender<FromWorker>,
    /// Wakes the loop.
    pub waker: Arc<Waker>,
}

impl Outbox for ToControl {
    fn put(&mut self, message: FromWorker) {
        // Without a control loop the worker is about to be told to stop.
        if self.queue.send(message).is_ok() {
            let _ = self.waker.wake();
        }
    }
}

/// Who is commanded, and where.
pub struct Fronts {
    /// By MGCP.
    pub gateway: Gateway,
    /// The sockets of MGCP.
    pub sockets: Vec<std::net::UdpSocket>,
    /// MGCP behind IPsec, if there is any.
    pub protected: Option<Protected>,
    /// The TCP connection beside MGCP, if there is one.
    pub backhaul: Option<BackhaulLine>,
    /// By `ng`, if that is wanted.
    pub ng: Option<NgFront>,
}

/// What the kernel says and the worker has to know.
pub struct Kernel {
    /// Link-layer addresses.
    pub neighbours: Neighbours,
    /// What interfaces can do.
    pub features: XdpFeatures,
    /// What limits have dropped.
    pub flood: FloodWatch,
    /// What a crash has left.
    pub left: Left,
}

/// The ends of the queues that lead to the control loop, and the worker behind them.
pub struct Lines {
    /// What the worker tells.
    pub from_worker: Receiver<FromWorker>,
    /// Who wants to know what the gateway has.
    pub snapshots: Receiver<Sender<Known>>,
    /// The telephones behind voice endpoints, if there are any.
    pub telephones: Option<LinesHandle>,
    /// The worker.
    pub worker: WorkerHandle,
    /// Its thread.
    pub thread: JoinHandle<io::Result<()>>,
}

impl Control {
    /// Puts the loop together.
    pub fn new(
        wakeup: Wakeup,
        Fronts { gateway, sockets, mut protected, backhaul, ng }: Fronts,
        Kernel { neighbours, features, flood, left }: Kernel,
        lines: Lines,
        leave: Duration,
    ) -> io::Result<Self> {
        let poll = wakeup.poll;
        let registry = poll.registry();
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        registry.register(&mut signals, SIGNALS, Interest::READABLE)?;
        registry.register(&mut SourceFd(&neighbours.fd()), NEIGHBOURS, Interest::READABLE)?;
        if let Some(protected) = &mut protected {
            protected.register(registry, ESP, IKE_DAEMON)?;
        }
        let ng = ng.map(|front| NgDoors::new(front, registry, NG)).transpose()?;
        let mut registered = Vec::new();
        for (index, socket) in sockets.into_iter().enumerate() {
            socket.set_nonblocking(true)?;
            let address = socket.local_addr()?;
            unreachable::keep_reports(&socket, address)?;
            let mut socket = UdpSocket::from_std(socket);
            registry.register(&mut socket, Token(MGCP + index), Interest::READABLE)?;
            registered.push((address, socket));
        }
        Ok(Self {
            poll,
            gateway,
            sockets: registered,
            spoken_to: HashMap::new(),
            protected,
            ng,
            backhaul,
            neighbours,
            features,
            telephones: lines.telephones,
            flood,
            left,
            signals,
            worker: lines.worker,
            thread: Some(lines.thread),
            from_worker: lines.from_worker,
            snapshots: lines.snapshots,
            leave,
        })
    }

    /// Runs until a signal says stop, then takes leave of the call agents and ends the worker.
    pub fn run(mut self) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(64);
        while self.turn(&mut events, None)? {}
        info!("stopping");
        let end = Instant::now() + self.leave;
        self.gateway.leave(Instant::now(), self.leave);
        self.ng.iter_mut().for_each(|ng| ng.front.leave());
        while self.is_leaving(end) && self.turn(&mut events, Some(end))? {}
        self.gateway.stop(Instant::now());
        let deadline = Instant::now() + FAREWELL;
        while Instant::now() < deadline && !self.gateway.is_stopped() {
            self.turn(&mut events, Some(deadline))?;
        }
        self.worker.send(ToWorker::Stop);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => {
                result?;
                self.left.retire();
                Ok(())
            }
            _ => anyhow::bail!("the packet worker panicked; this is a bug"),
        }
    }

    /// Whether calls are being let end, until `end` at the latest.
    fn is_leaving(&self, end: Instant) -> bool {
        let has_calls = self.ng.as_ref().is_some_and(|ng| !ng.front.is_empty());
        self.gateway.is_leaving() || (has_calls && Instant::now() < end)
    }

    /// Waits for something and deals with it. False when a signal says stop, or the worker ended.
    fn turn(&mut self, events: &mut Events, deadline: Option<Instant>) -> anyhow::Result<bool> {
        self.pump()?;
        let now = Instant::now();
        let protected = self.protected.as_mut().and_then(|ipsec| ipsec.poll_timeout(now));
        let due = [self.gateway.poll_timeout(), Some(self.neighbours.poll_timeout()), deadline];
        let due = due.into_iter().chain([
            protected,
            self.ng.as_ref().and_then(|ng| ng.front.poll_timeout()),
            self.backhaul.as_ref().and_then(BackhaulLine::poll_timeout),
            self.features.poll_timeout(),
            self.flood.poll_timeout(),
            self.left.poll_timeout(),
        ]);
        let waited_for = self.protected.as_ref().filter(|ipsec| ipsec.is_waited_for());
        let due = due.chain([waited_for.map(|_| now)]).flatten().min();
        let timeout = due.map(|due| due.saturating_duration_since(now));
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => result?,
        }
        let now = Instant::now();
        let mut goes_on = true;
        for event in events.iter() {
            match event.token() {
                WAKER | BACKHAUL => {}
                SIGNALS => goes_on &= self.signals.pending().next().is_none(),
                NEIGHBOURS => self.neighbours.handle_readable()?,
                ESP => self.read_protected(now)?,
                IKE_DAEMON => self.hear_daemon(now)?,
                token if token.0 >= NG => {
                    if let Some(ng) = &mut self.ng {
                        ng.handle(now, self.poll.registry(), token)?;
                    }
                }
                Token(socket) => self.read_socket(now, socket - MGCP)?,
            }
        }
        if self.protected.as_ref().is_some_and(Protected::is_waited_for) {
            self.read_protected(now)?;
        }
        self.hear_worker(now)?;
        self.hear_telephones(now);
        self.gateway.handle_timeout(now);
        self.ng.iter_mut().for_each(|ng| ng.front.handle_timeout(now));
        self.neighbours.handle_timeout(now)?;
        self.flood.handle_timeout(now);
        self.left.handle_timeout(now);
        for (port, exit) in self.features.changes(now) {
            self.worker.send(ToWorker::Exit(port, exit));
        }
        if let Some(ipsec) = &mut self.protected {
            ipsec.handle_timeout(now);
        }
        if let Some(backhaul) = &mut self.backhaul {
            backhaul.work(now, self.poll.registry(), BACKHAUL, self.protected.as_mut());
        }
        while let Ok(reply) = self.snapshots.try_recv() {
            // Whoever asked may have given up.
            let _ = reply.send(self.known());
        }
        let worker_lives = self.thread.as_ref().is_some_and(|thread| !thread.is_finished());
        Ok(goes_on && worker_lives)
    }

    fn known(&self) -> Known {
        let (now, ipsec) = (Instant::now(), self.protected.as_ref());
        Known {
            snapshot: self.gateway.snapshot(),
            counters: self.gateway.counters(),
            associations: ipsec.map(|ipsec| ipsec.associations(now)).unwrap_or_default(),
            ipsec: ipsec.map(|ipsec| ipsec.state(now)),
            clear: ipsec.map_or(0, Protected::clear),
            ng: self.ng.as_ref().map(|ng| KnownNg {
                flows: ng.front.flows(),
                counters: ng.front.counters(),
                strangers: ng.strangers(),
            }),
        }
    }

    /// Lets out what the gateway and the resolver have to say.
    fn pump(&mut self) -> io::Result<()> {
        while let Some((token, command)) = self.gateway.poll_command() {
            self.worker.send(ToWorker::Command(token, command));
        }
        if let Some(ng) = &mut self.ng {
            while let Some((token, command)) = ng.front.poll_command() {
                self.worker.send(ToWorker::Command(token, command));
            }
            ng.pump();
        }
        while let Some((line, order)) = self.gateway.poll_order() {
            if let Some(telephones) = &self.telephones {
                telephones.order(line, order);
            }
        }
        while let Some((to, datagram)) = self.gateway.poll_datagram() {
            self.send(to, &datagram);
        }
        while let Some((port, address, mac)) = self.neighbours.poll_answer() {
            self.worker.send(ToWorker::NextHop(port, address, mac));
        }
        Ok(())
    }

    /// Sends from the socket that the peer talks to, or one of its address family.
    fn send(&mut self, to: SocketAddr, bytes: &[u8]) {
        let of_family = |(address, _): &&(SocketAddr, UdpSocket)| address.is_ipv4() == to.is_ipv4();
        let socket = match self.spoken_to.get(&to) {
            Some(&index) => self.sockets.get(index),
            None => self.sockets.iter().find(of_family),
        };
        // What is lost here is sent again by the rules of transactions.
        let Some((ours, socket)) = socket else { return };
        let now = Instant::now();
        if let Some(ipsec) = self.protected.as_mut().filter(|ipsec| ipsec.demands(now, *ours, to)) {
            return ipsec.send(now, *ours, to, bytes);
        }
        let sent = match socket.send_to(bytes, to) {
            // That was said of an earlier datagram; this one was not looked at.
            Err(error) if unreachable::is_report(&error) => socket.send_to(bytes, to),
            sent => sent,
        };
        if let Err(error) = sent {
            debug!(%to, %error, "MGCP datagram not sent");
        }
    }

    fn read_socket(&mut self, now: Instant, index: usize) -> io::Result<()> {
        for peer in unreachable::take_reports(&self.sockets[index].1) {
            self.gateway.handle_unreachable(now, peer);
        }
        let mut buffer = [0; 1 << 16];
        for _ in 0..DATAGRAMS_AT_A_TIME {
            match self.sockets[index].1.recv_from(&mut buffer) {
                Ok((len, from)) => {
                    if self.must_be_protected(now, index, from) {
                        continue;
                    }
                    self.remember(from, index);
                    self.gateway.handle_datagram(now, from, &buffer[..len]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if unreachable::is_report(&error) => {}
                Err(error) => return Err(error),
            }
        }
        // There may be more, and mio tells of changes only.
        self.poll.registry().reregister(
            &mut self.sockets[index].1,
            Token(MGCP + index),
            Interest::READABLE,
        )
    }

    /// Whether what came to a socket should not have come in clear; then it is counted.
    fn must_be_protected(&mut self, now: Instant, index: usize, from: SocketAddr) -> bool {
        let ours = self.sockets[index].0;
        let Some(ipsec) = &mut self.protected else { return false };
        let demanded = ipsec.demands(now, ours, from);
        if demanded {
            ipsec.came_in_clear();
        }
        demanded
    }

    /// Hears what came through IPsec.
    fn read_protected(&mut self, now: Instant) -> io::Result<()> {
        let Some(ipsec) = &mut self.protected else { return Ok(()) };
        let mut heard = Vec::new();
        ipsec.read(now, self.poll.registry(), ESP, |ours, from, datagram, covered| {
            heard.push((ours, from));
            if covered {
                self.gateway.handle_covered_datagram(now, from, datagram);
            } else {
                self.gateway.handle_datagram(now, from, datagram);
            }
        })?;
        for (ours, from) in heard {
            if let Some(index) = self.sockets.iter().position(|(address, _)| *address == ours) {
                self.remember(from, index);
            }
        }
        Ok(())
    }

    /// Hears the IKE daemon about associations.
    fn hear_daemon(&mut self, now: Instant) -> io::Result<()> {
        self.protected.as_mut().map_or(Ok(()), |ipsec| ipsec.hear_daemon(now, self.poll.registry()))
    }

    /// Notes which of our addresses a peer talks to: answers must come from there.
    fn remember(&mut self, from: SocketAddr, index: usize) {
        if self.sockets.len() > 1 {
            if self.spoken_to.len() >= MAX_REMEMBERED {
                self.spoken_to.clear();
            }
            self.spoken_to.insert(from, index);
        }
    }

    fn hear_telephones(&mut self, now: Instant) {
        let Some(telephones) = &self.telephones else { return };
        for (line, event) in telephones.events.try_iter() {
            self.gateway.handle_line_event(now, line, event);
        }
    }

    fn hear_worker(&mut self, now: Instant) -> io::Result<()> {
        while let Ok(message) = self.from_worker.try_recv() {
            match message {
                FromWorker::Reply(token, reply) => match &mut self.ng {
                    Some(ng) if token.0 >= ::ng::NUMBERS => {
                        ng.front.handle_reply(now, token, reply);
                    }
                    _ => self.gateway.handle_reply(now, token, reply),
                },
                FromWorker::Event(Event::NextHopWanted(port, address)) => {
                    self.neighbours.want(port, address)?;
                }
                FromWorker::Event(Event::NextHopUnwanted(port, address)) => {
                    self.neighbours.unwant(port, address);
                }
                FromWorker::Event(event) => {
                    if let Event::KeyExhausted(leg) = event {
                        warn!(leg = leg.0, "a master key is spent: the flow is stopped");
                    }
                    self.gateway.handle_event(now, event);
                    self.ng.iter_mut().for_each(|ng| ng.front.handle_event(event));
                }
            }
        }
        Ok(())
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // Whatever ended the loop, the worker must not go on without it.
        self.worker.send(ToWorker::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
