//! The one thread that owns the exchange, its phones' sockets and their calls.
//!
//! Nothing here waits for anybody: handshakes are shaken in [`reception`](crate::reception), who
//! may register is decided at the [`desk`](crate::desk), what is kept is written by the
//! [`ledger`](crate::ledger). What they have to say comes as [`News`].

mod doors;
mod echoes;
mod effects;
mod look;
mod tap;
mod traffic;
pub(crate) mod wire;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use callmanager::exchange::{ConnectionId, Effect, Exchange};
use callmanager::security::Security;
use callmanager::station::Now;
use callmanager::switchboard::{
    DeviceName, Event, Forwards, LinkId, MediaRefused, RelayRefused, RelayedBy, StreamId,
};
use capture::Tap;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Poll, Token, Waker};
use rustls::ServerConnection;
use sccp::{Stream, Version};
use zeroize::Zeroizing;

use crate::alarms::Alarms;
use crate::census::{Census, Limits};
use crate::desk::{Decision, Question};
use crate::handle::Counts;
use crate::ladder::Ladders;
use crate::ledger::Ledger;
use crate::proof::Proof;
use crate::reception::Reception;
use crate::roster::Plan;
use crate::service::{Gateways, Relays, Resources};
use crate::trace::Trace;
use echoes::Echoes;
use wire::Wire;

/// News that may wait; whoever has more waits himself.
const QUEUE: usize = 4096;
/// News that are read before the sockets have their turn.
const TURN: usize = 256;
/// Read at once.
const BUFFER: usize = 16 * 1024;

/// What others tell the operator.
pub(crate) enum News {
    /// Hands were shaken with a phone.
    Shaken(Box<Shaken>),
    /// The cell shook hands with a phone.
    FromCell {
        /// What it says in clear.
        stream: UnixStream,
        /// From where.
        peer: SocketAddr,
        /// What TLS proved.
        proof: Proof,
    },
    /// A connection did not come to be, or is somebody else's now.
    Gone(ConnectionId),
    /// Who may register.
    Decided(ConnectionId, Box<Decision>),
    /// A media resource opened a port, or cannot.
    Opened(StreamId, Result<SocketAddr, MediaRefused>),
    /// A relay lets a stream pass, or none can be had.
    Relayed(LinkId, Result<RelayedBy, RelayRefused>),
    /// A relay has lost a stream.
    RelayLost(LinkId),
    /// Something happened at a port of a gateway.
    Port(Box<Event>),
    /// What an administrator has changed.
    Plan(Box<Plan>),
    /// Somebody looks or orders.
    Ask(Box<dyn FnOnce(&mut Operator) + Send>),
    /// It is over.
    Stop,
}

/// A phone that hands were shaken with.
pub(crate) struct Shaken {
    pub(crate) connection: ConnectionId,
    pub(crate) tls: ServerConnection,
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) proof: Proof,
}

/// Where news are handed in.
#[derive(Clone)]
pub(crate) struct Mail {
    sender: Sender<News>,
    waker: Arc<Waker>,
}

impl Mail {
    /// Hands news in, and waits when there are too many. Whether anybody is there to read them.
    pub(crate) fn post(&self, news: News) -> bool {
        match self.sender.try_send(news) {
            Ok(()) => {}
            Err(TrySendError::Full(news)) => {
                // It was woken for those that wait.
                if self.sender.send(news).is_err() {
                    return false;
                }
            }
            Err(TrySendError::Disconnected(_)) => return false,
        }
        self.waker.wake().is_ok()
    }
}

/// A connection.
struct Line {
    wire: Wire,
    peer: SocketAddr,
    /// Our end of it; `None` where the cell has it.
    local: Option<SocketAddr>,
    proof: Option<Arc<Proof>>,
    /// Who has registered on it, how secure that is, and since when.
    device: Option<(DeviceName, Security, SystemTime)>,
    /// What it says, for those who look for a fault.
    heard: Stream,
    version: Version,
    /// It was told farewell; until then it may read it.
    closing: Option<Instant>,
}

/// The listening sockets.
pub(crate) struct Doors {
    pub(crate) plain: TcpListener,
    pub(crate) secure: TcpListener,
}

/// Whom the operator works with.
pub(crate) struct Colleagues {
    pub(crate) reception: Reception,
    pub(crate) desk: Sender<Question>,
    pub(crate) ledger: Ledger,
    pub(crate) resources: Box<dyn Resources>,
    pub(crate) relays: Box<dyn Relays>,
    pub(crate) gateways: Box<dyn Gateways>,
    pub(crate) alarms: Arc<Alarms>,
    pub(crate) trace: Arc<Trace>,
    pub(crate) tap: Arc<dyn Tap>,
}

pub(crate) struct Operator {
    poll: Poll,
    news: Receiver<News>,
    doors: Doors,
    exchange: Exchange,
    with: Colleagues,
    census: Census,
    lines: HashMap<ConnectionId, Line>,
    last: u64,
    /// Whose farewells end when.
    closing: BTreeSet<(Instant, ConnectionId)>,
    /// Who has more to read.
    busy: VecDeque<ConnectionId>,
    /// Who has something to be written.
    dirty: Vec<ConnectionId>,
    /// What the exchange wants and was not carried out yet.
    effects: Vec<Effect>,
    ladders: Ladders,
    counts: Counts,
    /// `None` if a line is no more.
    forwarding: Echoes<Option<Forwards>>,
    waiting: Echoes<bool>,
    /// When connections are accepted again, after there were no descriptors.
    again: Option<Instant>,
    buffer: Zeroizing<Vec<u8>>,
    stopped: bool,
}

const MAIL: Token = Token(0);
const PLAIN: Token = Token(1);
const SECURE: Token = Token(2);
/// What is added to a connection's number.
const FIRST_LINE: u64 = 16;

/// How news reach the operator, before he is there.
pub(crate) struct Letterbox {
    poll: Poll,
    news: Receiver<News>,
    mail: Mail,
}

impl Letterbox {
    pub(crate) fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), MAIL)?);
        let (sender, news) = bounded(QUEUE);
        Ok(Self { poll, news, mail: Mail { sender, waker } })
    }

    pub(crate) fn mail(&self) -> Mail {
        self.mail.clone()
    }
}

impl Operator {
    pub(crate) fn new(
        letterbox: Letterbox,
        mut doors: Doors,
        exchange: Exchange,
        limits: Limits,
        with: Colleagues,
    ) -> io::Result<Self> {
        let Letterbox { poll, news, .. } = letterbox;
        doors.open(&poll)?;
        Ok(Self {
            poll,
            news,
            doors,
            exchange,
            with,
            census: Census::new(limits),
            lines: HashMap::new(),
            last: 0,
            closing: BTreeSet::new(),
            busy: VecDeque::new(),
            dirty: Vec::new(),
            effects: Vec::new(),
            ladders: Ladders::default(),
            counts: Counts::default(),
            forwarding: Echoes::default(),
            waiting: Echoes::default(),
            again: None,
            buffer: Zeroizing::new(vec![0; BUFFER]),
            stopped: false,
        })
    }

    /// Works until it is told to stop.
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        while !self.stopped {
            let patience = self.patience();
            match self.poll.poll(&mut events, patience) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.with.trace.note(&format!("the service cannot go on: {error}"));
                    break;
                }
                Ok(()) => {}
            }
            let settled = self.forwarding.settled(Instant::now());
            self.forward(settled);
            let settled = self.waiting.settled(Instant::now());
            self.show_waiting(settled);
            self.hear_news();
            for event in &events {
                match event.token() {
                    MAIL => {}
                    PLAIN | SECURE => self.again = Some(Instant::now()),
                    Token(token) => {
                        let connection = ConnectionId(token as u64 - FIRST_LINE);
                        self.flush(connection);
                        self.read(connection);
                    }
                }
            }
            for connection in std::mem::take(&mut self.busy) {
                self.read(connection);
            }
            self.keep_time();
            self.flush_all();
        }
        self.close_all();
    }

    fn hear_news(&mut self) {
        for _ in 0..TURN {
            let Ok(news) = self.news.try_recv() else { return };
            match news {
                News::Shaken(shaken) => self.take_shaken(*shaken),
                News::FromCell { stream, peer, proof } => self.take_from_cell(stream, peer, proof),
                News::Gone(connection) => self.census.leave(connection),
                News::Decided(connection, decision) => self.decided(connection, *decision),
                News::Opened(stream, result) => self.act(|exchange, now, effects| {
                    exchange.resource_opened(now, stream, result, effects);
                }),
                News::Relayed(link, result) => self.act(|exchange, now, effects| {
                    exchange.relay_answered(now, link, result, effects);
                }),
                News::RelayLost(link) => self.act(|exchange, now, effects| {
                    exchange.relay_lost(now, link, effects);
                }),
                News::Port(event) => self.act(|exchange, now, effects| {
                    exchange.port_says(now, *event, effects);
                }),
                News::Plan(plan) => self.take_over(*plan),
                News::Ask(ask) => ask(self),
                News::Stop => self.stopped = true,
            }
        }
        // There may be more, of which nobody tells again.
        self.again.get_or_insert_with(Instant::now);
    }

    /// Calls to lines go there from now on.
    fn forward(&mut self, lines: Vec<(String, Option<Forwards>)>) {
        let switchboard = self.exchange.switchboard_mut();
        for (number, forwards) in lines {
            match forwards {
                Some(forwards) => switchboard.set_forwards(&number, forwards),
                None => switchboard.remove_line(&number),
            }
        }
    }

    /// Messages wait for numbers, or no longer.
    fn show_waiting(&mut self, numbers: Vec<(String, bool)>) {
        for (number, waits) in numbers {
            self.act(|exchange, now, effects| {
                exchange.message_waiting(now, number, waits, effects);
            });
        }
    }

    /// What an administrator has changed holds from now on.
    fn take_over(&mut self, plan: Plan) {
        let lines = self.forwarding.sift(plan.lines, Instant::now());
        self.forward(lines);
        let waiting = self.waiting.sift(plan.waiting, Instant::now());
        self.show_waiting(waiting);
        let switchboard = self.exchange.switchboard_mut();
        if let Some(routes) = plan.routes {
            switchboard.set_routes(routes);
        }
        if let Some(settings) = plan.settings {
            switchboard.set_settings(settings);
        }
        if let Some(limits) = plan.limits {
            self.census.set_limits(limits);
        }
        if let Some(music) = plan.music {
            self.with.resources.play(music.as_deref());
        }
        if let Some(gateways) = plan.gateways {
            self.with.gateways.configure(&gateways);
        }
    }

    fn keep_time(&mut self) {
        let instant = Instant::now();
        if self.again.take_if(|again| *again <= instant).is_some() {
            self.accept();
        }
        if self.exchange.next_timeout().is_some_and(|due| due <= instant) {
            self.act(|exchange, now, effects| exchange.tick(now, effects));
        }
        while let Some((_, connection)) =
            self.closing.first().copied().filter(|(due, _)| *due <= instant)
        {
            self.forget(connection);
        }
    }

    fn patience(&self) -> Option<Duration> {
        if !self.busy.is_empty() || !self.news.is_empty() {
            return Some(Duration::ZERO);
        }
        let closing = self.closing.first().map(|(due, _)| *due);
        let due =
            [self.exchange.next_timeout(), closing, self.again].into_iter().flatten().min()?;
        Some(due.saturating_duration_since(Instant::now()))
    }

    /// Lets the exchange act, and carries out what it wants.
    fn act(&mut self, act: impl FnOnce(&mut Exchange, Now, &mut Vec<Effect>)) {
        act(&mut self.exchange, now(), &mut self.effects);
        self.carry_out();
    }

    fn next_connection(&mut self) -> ConnectionId {
        self.last += 1;
        ConnectionId(self.last)
    }
}

fn now() -> Now {
    Now { instant: Instant::now(), wall: SystemTime::now() }
}

fn token(connection: ConnectionId) -> Token {
    Token(usize::try_from(connection.0 + FIRST_LINE).expect("this machine counts in 64 bits"))
}

impl Line {
    fn new(wire: Wire, peer: SocketAddr, proof: Option<Proof>) -> Self {
        Self {
            local: wire.local(),
            wire,
            peer,
            proof: proof.map(Arc::new),
            device: None,
            heard: Stream::new(),
            version: Version::V11,
            closing: None,
        }
    }

    fn address(&self) -> IpAddr {
        self.peer.ip().to_canonical()
    }
}
