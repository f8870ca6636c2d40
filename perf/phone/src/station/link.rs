//! Connections to servers: which one, for how long, and back to the preferred one.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use sccp::codes::{ResetKind, UnregisterStatus};
use sccp::phone::{KeepAlive, RegisterTokenReq, Unregister};
use sccp::server::RegisterAck;
use sccp::{
    Bytes, EncodeError, LIMIT_REGISTERED, Message, Pdu, Secrecy, Session, Stream, Text, Version,
};

use super::register::Learning;
use super::{Caption, Event, Outage, Output, Registration, Station};

/// A connection, by a number that its telephone never gives again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub u32);

/// How long a telephone waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a connection, with its handshake.
    pub connect: Duration,
    /// For the answer to its registration, or to its goodbye.
    pub answer: Duration,
    /// After it has tried all its servers once; twice as long each time.
    pub rest: Duration,
    /// At most.
    pub longest_rest: Duration,
    /// Between two looks whether a server is back that it prefers.
    pub fail_back: Duration,
}

/// Signs of life without an answer after which a server is taken for dead.
const UNANSWERED: u32 = 3;
/// Between two signs of life to a server that stands by.
const STANDBY: Duration = Duration::from_secs(60);

/// An open connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) id: LinkId,
    pub(super) server: usize,
    pub(super) session: Session,
    stream: Stream,
}

/// All connections.
#[derive(Debug, Default)]
pub(super) struct Links {
    pub(super) phase: Phase,
    /// To the server that serves it, or is to.
    serving: Option<Link>,
    preferred: Preferred,
    /// Why it was away.
    pub(super) last: Outage,
    /// Servers that failed since one of them served it.
    failures: u32,
    next_id: u32,
}

/// What it is doing about being served.
#[derive(Debug, Default)]
pub(super) enum Phase {
    /// Nothing.
    #[default]
    Down,
    /// It waits before it tries all its servers once more.
    Resting(Instant),
    /// It connects.
    Connecting { id: LinkId, server: usize, by: Instant },
    /// It has said who it is.
    ExpectAck { by: Instant },
    /// It is served.
    Registered(Box<Service>),
    /// It has said goodbye, and starts anew afterwards or not.
    Leaving { by: Instant, then: Option<ResetKind>, service: Box<Service> },
    /// Its server is lost, and its user still speaks.
    Preserved { server: usize },
}

/// How it is served.
#[derive(Debug)]
pub(super) struct Service {
    interval: Duration,
    keep_alive: Instant,
    unanswered: u32,
    /// What it still wants to know.
    pub(super) learning: Option<Learning>,
    /// It is to start anew when its calls are over.
    pub(super) reset: Option<ResetKind>,
    /// The same, but its server did not let it go: not before the next sign of life.
    postponed: Option<ResetKind>,
    pub(super) date_template: String,
}

/// The way back to a server that it prefers.
#[derive(Debug, Default)]
enum Preferred {
    /// It has the best one.
    #[default]
    Served,
    /// It looks then.
    Look {
        at: Instant,
        server: usize,
    },
    Connecting {
        id: LinkId,
        server: usize,
        by: Instant,
    },
    ExpectToken {
        link: Link,
        by: Instant,
    },
    /// It may come, and does when its calls are over.
    Welcome {
        link: Link,
        keep_alive: Instant,
    },
}

impl Link {
    pub(super) fn encode(&self, message: impl Into<Message>) -> Result<Pdu, EncodeError> {
        self.session.encode(&message.into())
    }
}

impl Preferred {
    fn link(&self) -> Option<LinkId> {
        match self {
            Self::Served | Self::Look { .. } => None,
            Self::Connecting { id, .. } => Some(*id),
            Self::ExpectToken { link, .. } | Self::Welcome { link, .. } => Some(link.id),
        }
    }

    fn stream(&mut self) -> Option<&mut Stream> {
        match self {
            Self::ExpectToken { link, .. } | Self::Welcome { link, .. } => Some(&mut link.stream),
            _ => None,
        }
    }

    fn due(&self) -> Option<Instant> {
        match self {
            Self::Served => None,
            Self::Look { at, .. } => Some(*at),
            Self::Connecting { by, .. } | Self::ExpectToken { by, .. } => Some(*by),
            Self::Welcome { keep_alive, .. } => Some(*keep_alive),
        }
    }
}

impl Links {
    pub(super) fn serving(&self) -> Option<&Link> {
        self.serving.as_ref()
    }

    pub(super) fn is_serving(&self, id: LinkId) -> bool {
        self.serving.as_ref().is_some_and(|link| link.id == id)
    }

    /// The stream of bytes from the server at the other end.
    pub(super) fn stream(&mut self, id: LinkId) -> Option<&mut Stream> {
        if self.is_serving(id) {
            return self.serving.as_mut().map(|link| &mut link.stream);
        }
        if self.preferred.link() == Some(id) { self.preferred.stream() } else { None }
    }

    pub(super) fn service(&mut self) -> Option<&mut Service> {
        match &mut self.phase {
            Phase::Registered(service) => Some(service),
            _ => None,
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        let own = match &self.phase {
            Phase::Down | Phase::Preserved { .. } => None,
            Phase::Resting(until) => Some(*until),
            Phase::Connecting { by, .. } | Phase::ExpectAck { by } | Phase::Leaving { by, .. } => {
                Some(*by)
            }
            Phase::Registered(service) => Some(service.keep_alive),
        };
        own.into_iter().chain(self.preferred.due()).min()
    }

    /// Cuts all connections without a word.
    pub(super) fn cut(&mut self, outputs: &mut VecDeque<Output>) {
        let connecting = match self.phase {
            Phase::Connecting { id, .. } => Some(id),
            _ => None,
        };
        let serving = self.serving.take().map(|link| link.id);
        let open = connecting.into_iter().chain(serving).chain(self.preferred.link());
        outputs.extend(open.map(Output::Disconnect));
        self.preferred = Preferred::Served;
        self.phase = Phase::Down;
    }

    fn new_id(&mut self) -> LinkId {
        self.next_id = self.next_id.wrapping_add(1);
        LinkId(self.next_id)
    }
}

impl Station {
    /// Begins with the first server.
    pub(super) fn begin(&mut self, now: Instant, last: Outage) {
        self.links.last = last;
        self.links.failures = 0;
        self.connect(now, 0);
    }

    /// Connects to this server, or rests if all have failed since it was served last.
    fn connect_next(&mut self, now: Instant, server: usize) {
        let failures = self.links.failures;
        if failures != 0 && failures.is_multiple_of(self.profile.server_count()) {
            self.links.phase = Phase::Resting(now + self.rest());
        } else {
            self.connect(now, server);
        }
    }

    fn connect(&mut self, now: Instant, server: usize) {
        let (id, server) = (self.links.new_id(), server % self.profile.servers.max(1));
        let by = now + self.profile.patience.connect;
        self.links.phase = Phase::Connecting { id, server, by };
        if !matches!(self.display.registration, Registration::Rejected(_)) {
            self.display.registration = Registration::Registering;
        }
        self.outputs.push_back(Output::Connect(id, server));
        self.event(Event::Connecting(server));
    }

    /// Longer each time, and not the same for all telephones of an office.
    fn rest(&self) -> Duration {
        let patience = &self.profile.patience;
        let rounds = self.links.failures / self.profile.server_count();
        let rest = patience.rest.saturating_mul(1 << rounds.saturating_sub(1).min(6));
        let share = u32::from(self.profile.device.share().wrapping_mul(40_503) >> 8);
        rest.min(patience.longest_rest) * (192 + share / 2) / 256
    }

    pub(super) fn connected(&mut self, now: Instant, id: LinkId, secrecy: Secrecy) {
        let session = Session { version: self.profile.version, secrecy };
        let link = |server| Link { id, server, session, stream: Stream::new() };
        let by = now + self.profile.patience.answer;
        match (&self.links.phase, &self.links.preferred) {
            (Phase::Connecting { id: own, server, .. }, _) if *own == id => {
                self.links.serving = Some(link(*server));
                self.introduce(now);
            }
            (_, Preferred::Connecting { id: own, server, .. }) if *own == id => {
                let link = link(*server);
                let question = RegisterTokenReq {
                    device_name: Text::from(self.profile.device.to_string().as_str()),
                    device_type: self.profile.model.device_type(),
                    address: Bytes(self.profile.address.octets()),
                    ..RegisterTokenReq::default()
                };
                self.send_on(&link, question);
                self.links.preferred = Preferred::ExpectToken { link, by };
            }
            _ => {}
        }
    }

    /// Says who it is.
    fn introduce(&mut self, now: Instant) {
        self.links.phase = Phase::ExpectAck { by: now + self.profile.patience.answer };
        self.tell_outage();
        self.register();
    }

    /// A server serves it from now on.
    pub(super) fn served(&mut self, now: Instant, ack: &RegisterAck) {
        let agreed = Version::of(ack.protocol_version).agreed(self.profile.version);
        let Some(link) = &mut self.links.serving else { return };
        link.session.version = agreed;
        link.stream.set_version(agreed);
        link.stream.set_limit(LIMIT_REGISTERED);
        let server = link.server;
        let interval = Duration::from_secs(ack.keep_alive_interval.clamp(1, 3600).into());
        self.links.failures = 0;
        self.links.phase = Phase::Registered(Box::new(Service {
            interval,
            keep_alive: now + interval,
            unanswered: 0,
            learning: None,
            reset: None,
            postponed: None,
            date_template: ack.date_template.decode(self.profile.charset()),
        }));
        self.links.preferred = match server {
            0 => Preferred::Served,
            _ => Preferred::Look { at: now + self.profile.patience.fail_back, server: 0 },
        };
        self.display.registration = Registration::Registered(server);
    }

    pub(super) fn session_said(&mut self, now: Instant, message: Message) {
        match message {
            Message::RegisterAck(ack) if matches!(self.links.phase, Phase::ExpectAck { .. }) => {
                self.welcomed(now, &ack);
            }
            Message::RegisterReject(reject) => {
                let text = Caption::new(&reject.text, self.profile.charset());
                self.event(Event::Rejected(text.clone()));
                self.hang_up();
                self.lose(now, Outage::Rejected);
                self.display.registration = Registration::Rejected(text);
            }
            Message::KeepAliveAck(_) => {
                if let Some(service) = self.links.service() {
                    service.unanswered = 0;
                }
            }
            Message::Reset(reset) => {
                let known = [ResetKind::RESET, ResetKind::RESTART, ResetKind::APPLY_CONFIGURATION];
                if known.contains(&reset.kind)
                    && let Some(service) = self.links.service()
                {
                    service.reset = Some(reset.kind);
                    self.event(Event::Reset(reset.kind));
                }
            }
            Message::UnregisterAck(ack) => self.may_leave(now, ack.status),
            _ => {}
        }
    }

    /// Says goodbye; when it is gone it starts anew, or does not.
    pub(super) fn leave(&mut self, now: Instant, then: Option<ResetKind>) {
        match std::mem::take(&mut self.links.phase) {
            Phase::Registered(service) => {
                self.send(Unregister::default());
                let by = now + self.profile.patience.answer;
                self.links.phase = Phase::Leaving { by, then, service };
            }
            other => {
                self.links.phase = other;
                self.left(then);
            }
        }
    }

    fn may_leave(&mut self, now: Instant, status: UnregisterStatus) {
        match std::mem::take(&mut self.links.phase) {
            // It stays, and tries again later.
            Phase::Leaving { then, mut service, .. } if status == UnregisterStatus::CALL_ACTIVE => {
                service.postponed = then.or(service.reset.take());
                service.reset = None;
                service.keep_alive = service.keep_alive.min(now + service.interval);
                self.links.phase = Phase::Registered(service);
            }
            Phase::Leaving { then, .. } => self.left(then),
            other => self.links.phase = other,
        }
    }

    fn left(&mut self, then: Option<ResetKind>) {
        self.power_off();
        self.event(Event::Unregistered);
        if let Some(kind) = then {
            self.outputs.push_back(Output::Restart(kind));
        }
    }

    pub(super) fn closed(&mut self, now: Instant, id: LinkId, why: Outage) {
        if self.links.is_serving(id) {
            match std::mem::take(&mut self.links.phase) {
                Phase::Leaving { then, .. } => {
                    self.links.serving = None;
                    self.left(then);
                }
                _ => self.lose(now, why),
            }
        } else if let Phase::Connecting { id: own, server, .. } = self.links.phase
            && own == id
        {
            self.event(Event::Lost(why));
            self.failed(now, server, why);
        } else if self.links.preferred.link() == Some(id) {
            self.look_later(now);
        }
    }

    /// Its server is gone; a call that goes on without it is left alone.
    fn lose(&mut self, now: Instant, why: Outage) {
        self.event(Event::Lost(why));
        let server = self.links.serving.take().map_or(0, |link| link.server);
        if let Some(id) = self.links.preferred.link() {
            self.outputs.push_back(Output::Disconnect(id));
        }
        self.links.preferred = Preferred::Served;
        if self.streams.speaks() {
            self.links.last = why;
            self.display.registration = Registration::Preserved;
            self.links.phase = Phase::Preserved { server };
            return;
        }
        self.failed(now, server, why);
    }

    /// The user ends a call that went on without a server.
    pub(super) fn end_preserved(&mut self, now: Instant) {
        if let Phase::Preserved { server } = self.links.phase {
            let why = self.links.last;
            self.failed(now, server, why);
        }
    }

    fn failed(&mut self, now: Instant, server: usize, why: Outage) {
        self.links.last = why;
        let served = matches!(
            self.display.registration,
            Registration::Registered(_) | Registration::Preserved
        );
        self.end_calls();
        self.display.clear();
        self.display.registration = Registration::Registering;
        // A server that has served it is no reason to rest.
        self.links.failures = if served { 0 } else { self.links.failures + 1 };
        self.connect_next(now, server + 1);
    }

    fn hang_up(&mut self) {
        if let Some(link) = &self.links.serving {
            self.outputs.push_back(Output::Disconnect(link.id));
        }
    }

    pub(super) fn links_due(&mut self, now: Instant) {
        self.preferred_due(now);
        match &mut self.links.phase {
            // Another round, from the first server on.
            Phase::Resting(until) if *until <= now => self.connect(now, 0),
            Phase::Connecting { id, by, .. } if *by <= now => {
                let id = *id;
                self.outputs.push_back(Output::Disconnect(id));
                self.closed(now, id, Outage::Unreachable);
            }
            Phase::ExpectAck { by } if *by <= now => {
                self.hang_up();
                self.lose(now, Outage::NoAnswer);
            }
            Phase::Leaving { by, then, .. } if *by <= now => {
                let then = *then;
                self.left(then);
            }
            Phase::Registered(service) if service.keep_alive <= now => {
                if service.unanswered >= UNANSWERED {
                    self.hang_up();
                    return self.lose(now, Outage::KeepAlive);
                }
                service.unanswered += 1;
                service.keep_alive = now + service.interval;
                service.reset = service.reset.or(service.postponed.take());
                self.send(KeepAlive);
                self.ask_on();
            }
            _ => {}
        }
        self.settle(now);
    }

    /// Does what has waited for the end of its calls.
    pub(super) fn settle(&mut self, now: Instant) {
        if self.is_in_call() {
            return;
        }
        if let Phase::Registered(service) = &self.links.phase
            && let Some(kind) = service.reset
        {
            return self.leave(now, Some(kind));
        }
        if matches!(self.links.phase, Phase::Registered(_))
            && let Preferred::Welcome { .. } = self.links.preferred
            && let Preferred::Welcome { link, .. } = std::mem::take(&mut self.links.preferred)
        {
            self.send(Unregister::default());
            self.hang_up();
            self.display.clear();
            self.display.registration = Registration::Registering;
            self.links.last = Outage::FailBack;
            self.links.serving = Some(link);
            self.introduce(now);
        }
    }

    /// What a server says that it would like to come back to.
    pub(super) fn answer_of_preferred(&mut self, now: Instant, message: Message) {
        match message {
            Message::RegisterTokenAck(_) => {
                let preferred = std::mem::take(&mut self.links.preferred);
                self.links.preferred = match preferred {
                    Preferred::ExpectToken { link, .. } => {
                        Preferred::Welcome { link, keep_alive: now + STANDBY }
                    }
                    other => other,
                };
                self.settle(now);
            }
            Message::RegisterTokenReject(reject) => {
                self.look_later(now);
                let wait = Duration::from_secs(reject.wait_seconds.clamp(1, 3600).into());
                if let Preferred::Look { at, .. } = &mut self.links.preferred {
                    *at = now + wait;
                }
            }
            _ => {}
        }
    }

    fn preferred_due(&mut self, now: Instant) {
        if self.links.preferred.due().is_none_or(|due| due > now) {
            return;
        }
        match &mut self.links.preferred {
            Preferred::Served => {}
            Preferred::Look { server, .. } => {
                let server = *server;
                let id = self.links.new_id();
                let by = now + self.profile.patience.connect;
                self.links.preferred = Preferred::Connecting { id, server, by };
                self.outputs.push_back(Output::Connect(id, server));
            }
            Preferred::Connecting { .. } | Preferred::ExpectToken { .. } => self.look_later(now),
            Preferred::Welcome { link, keep_alive } => {
                *keep_alive = now + STANDBY;
                if let Ok(pdu) = link.encode(KeepAlive) {
                    self.outputs.push_back(Output::Send(link.id, pdu));
                }
            }
        }
    }

    /// Gives up a way back, and tries the next one after a while.
    fn look_later(&mut self, now: Instant) {
        let (id, tried) = match &self.links.preferred {
            Preferred::Served => return,
            Preferred::Look { server, .. } => (None, *server),
            Preferred::Connecting { id, server, .. } => (Some(*id), *server),
            Preferred::ExpectToken { link, .. } | Preferred::Welcome { link, .. } => {
                (Some(link.id), link.server)
            }
        };
        self.outputs.extend(id.map(Output::Disconnect));
        let best = self.links.serving.as_ref().map_or(0, |link| link.server).max(1);
        let at = now + self.profile.patience.fail_back;
        self.links.preferred = Preferred::Look { at, server: (tried + 1) % best };
    }

    fn send_on(&mut self, link: &Link, message: impl Into<Message>) {
        if let Ok(pdu) = link.encode(message) {
            self.outputs.push_back(Output::Send(link.id, pdu));
        }
    }
}
