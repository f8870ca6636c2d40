//! Streams through relays: opened on the best relay that takes them, watched, closed.

use std::time::{Duration, Instant};

use callmanager::switchboard::{
    CallId, LinkId, RelayRefused, RelayedBy, RelayedEnd, RelayedLink, StreamId,
};
use mgcp::event::ConnectionRef;
use mgcp::{Command, ConnectionId, EndpointName, RequestId, Response, ReturnCode, Verb};

use crate::agent::{Agent, Asked};
use crate::report::{EndStatistics, RelayAlarm, Report};
use crate::session::{self, Connection};

/// A stream.
#[derive(Debug)]
pub(crate) enum Stream {
    /// A relay has been told.
    Opening(Box<Opening>),
    Open(Box<Open>),
}

#[derive(Debug)]
pub(crate) struct Opening {
    /// With the keys: they end with it.
    order: RelayedLink,
    /// Relays that were told, the present one last.
    tried: Vec<usize>,
    relay: usize,
    /// Tells this attempt from others.
    attempt: u64,
    /// When waiting for this relay ends.
    patience: Instant,
    /// When something is to be done next: to give up, or to try again.
    deadline: Instant,
    /// The relay is just starting, and is told again at the deadline.
    again: bool,
    /// The endpoint's local name and the first connection, once it is made.
    first: Option<(Box<str>, Connection)>,
    /// Why the last one did not take it.
    refused: RelayRefused,
}

#[derive(Debug)]
pub(crate) struct Open {
    call: CallId,
    ends: [OpenEnd; 2],
    relay: usize,
    attempt: u64,
    endpoint: Box<str>,
    /// It was reported lost.
    lost: bool,
    /// The relay knows nothing of it any more.
    gone: bool,
}

#[derive(Debug)]
struct OpenEnd {
    stream: StreamId,
    connection: ConnectionId,
    /// Whether its device should send.
    sends: bool,
    /// It was reported that it does not.
    silent: bool,
}

/// A stream whose end the relay has yet to confirm.
#[derive(Debug)]
pub(crate) struct Closing {
    call: CallId,
    relay: String,
    streams: [StreamId; 2],
    ends: [Option<EndStatistics>; 2],
    unanswered: usize,
}

impl Agent {
    pub(crate) fn open(&mut self, now: Instant, order: RelayedLink) {
        let link = order.link;
        self.close(now, link);
        let opening = Box::new(Opening {
            order,
            tried: Vec::new(),
            relay: 0,
            attempt: 0,
            patience: now,
            deadline: now,
            again: false,
            first: None,
            refused: RelayRefused::NoneInService,
        });
        self.try_next(now, link, opening);
    }

    /// Tries the best relay that was not tried yet.
    fn try_next(&mut self, now: Instant, link: LinkId, mut opening: Box<Opening>) {
        let encrypted = opening.order.ends.iter().any(|end| end.keys.is_some());
        let Some(relay) = self.choose(&opening.tried, encrypted) else {
            self.counters.refused += 1;
            let result = Err(opening.refused);
            return self.reports.push_back(Report::Opened { link, result });
        };
        self.counters.failed_over += u64::from(!opening.tried.is_empty());
        opening.tried.push(relay);
        opening.relay = relay;
        opening.patience = now + self.config.patience;
        self.try_relay(now, link, opening);
    }

    fn try_relay(&mut self, now: Instant, link: LinkId, mut opening: Box<Opening>) {
        let relay = opening.relay;
        let attempt = self.names.next_attempt();
        let call = self.names.call(attempt);
        let plain = self.relays[relay].plain.as_deref();
        let endpoint = self.relays[relay].endpoint(plain.unwrap_or("pr/$"));
        let mut command = session::create(endpoint, call, &opening.order, 0);
        if plain.is_none() {
            session::request_events(&mut command, request_id(link), self.config.silence);
        }
        opening.attempt = attempt;
        opening.again = false;
        let patience = opening.patience;
        self.wait(link, opening, patience);
        self.ask(now, relay, command, Asked::First { link, attempt });
    }

    /// Lets a stream that is being opened wait.
    fn wait(&mut self, link: LinkId, mut opening: Box<Opening>, deadline: Instant) {
        opening.deadline = deadline;
        self.relays[opening.relay].streams += 1;
        self.deadlines.insert((deadline, link));
        self.streams.insert(link, Stream::Opening(opening));
    }

    /// A stream that is being opened, in this attempt.
    fn opening(&mut self, link: LinkId, attempt: u64) -> Option<&mut Opening> {
        match self.streams.get_mut(&link)? {
            Stream::Opening(opening) if !opening.again && opening.attempt == attempt => {
                Some(opening)
            }
            _ => None,
        }
    }

    /// Ends the present attempt to open a stream.
    fn take_opening(&mut self, link: LinkId) -> Option<Box<Opening>> {
        match self.streams.remove(&link)? {
            Stream::Opening(opening) => {
                self.deadlines.remove(&(opening.deadline, link));
                self.relays[opening.relay].streams -= 1;
                Some(opening)
            }
            open @ Stream::Open(_) => {
                self.streams.insert(link, open);
                None
            }
        }
    }

    /// Whether a name is that of a stream that is being opened.
    pub(crate) fn is_opening(&self, call: mgcp::CallId) -> bool {
        let attempt = self.names.attempt(call);
        self.streams.values().any(|stream| match stream {
            Stream::Opening(opening) => Some(opening.attempt) == attempt,
            Stream::Open(_) => false,
        })
    }

    /// The relay has made the first connection of a stream, or not.
    pub(crate) fn first_answered(
        &mut self,
        now: Instant,
        relay: usize,
        link: LinkId,
        attempt: u64,
        response: &Response,
    ) {
        let local = response.params.endpoints.first().map(EndpointName::local);
        let made = response.code.is_success().then(|| local.unwrap_or(ALL));
        let Some(opening) = self.opening(link, attempt) else {
            return self.too_late(now, relay, made, attempt);
        };
        let fault = match (judge(response, &opening.order.ends[0]), local) {
            (Ok(connection), Some(local)) => {
                opening.first = Some((local.into(), connection));
                return self.create_second(now, relay, link, attempt, local);
            }
            (Ok(_), None) => Fault::Unfit("it does not say which endpoint it has chosen"),
            (Err(fault), _) => fault,
        };
        if let Some(made) = made {
            self.take_back(now, relay, made, attempt);
        }
        self.not_taken(now, link, fault);
    }

    fn create_second(
        &mut self,
        now: Instant,
        relay: usize,
        link: LinkId,
        attempt: u64,
        local: &str,
    ) {
        let (endpoint, call) = (self.relays[relay].endpoint(local), self.names.call(attempt));
        let Some(opening) = self.opening(link, attempt) else { return };
        let command = session::create(endpoint, call, &opening.order, 1);
        self.endpoints.insert((relay, local.into()), link);
        self.ask(now, relay, command, Asked::Second { link, attempt, local: local.into() });
    }

    /// The relay has made the second connection, or not.
    pub(crate) fn second_answered(
        &mut self,
        now: Instant,
        relay: usize,
        link: LinkId,
        attempt: u64,
        local: &str,
        response: &Response,
    ) {
        let Some(opening) = self.opening(link, attempt) else {
            let made = response.code.is_success().then_some(local);
            return self.too_late(now, relay, made, attempt);
        };
        let second = match judge(response, &opening.order.ends[1]) {
            Ok(connection) => connection,
            Err(fault) => return self.not_taken(now, link, fault),
        };
        let mut opening = self.take_opening(link).expect("it is being opened");
        let (endpoint, first) = opening.first.take().expect("the second follows the first");
        let end = |index: usize, connection: Connection| OpenEnd {
            stream: opening.order.ends[index].stream,
            connection: connection.id,
            sends: opening.order.ends[index].sends,
            silent: false,
        };
        let (call, ends) = (opening.order.call, [end(0, first), end(1, second)]);
        let open = Open { call, ends, relay, attempt, endpoint, lost: false, gone: false };
        self.relays[relay].streams += 1;
        self.streams.insert(link, Stream::Open(Box::new(open)));
        self.counters.opened += 1;
        let addresses = [first.address, second.address];
        let relay = self.relays[relay].config.name.as_str().into();
        let result = Ok(RelayedBy { relay, addresses });
        self.reports.push_back(Report::Opened { link, result });
    }

    /// The present relay does not take a stream: another one may.
    fn not_taken(&mut self, now: Instant, link: LinkId, fault: Fault) {
        let Some(mut opening) = self.take_opening(link) else { return };
        let relay = opening.relay;
        self.give_up_first(now, &mut opening);
        opening.refused = match fault {
            Fault::Refused(code) => {
                if code == ReturnCode::NOT_READY {
                    self.not_in_service(now, relay);
                }
                RelayRefused::Code(code.value())
            }
            Fault::Unfit(what) => {
                let name = self.relays[relay].config.name.clone();
                self.alarm(RelayAlarm::Unfit { relay: name, what });
                RelayRefused::Code(ReturnCode::UNSUPPORTED.value())
            }
            Fault::NoAnswer => RelayRefused::NoAnswer,
        };
        let starting = matches!(fault, Fault::Refused(ReturnCode::RESTARTING))
            && self.relays[relay].state.takes_streams()
            && now + START < opening.patience;
        if starting {
            // It has just told us of its restart, and will soon take it.
            opening.again = true;
            return self.wait(link, opening, now + START);
        }
        self.try_next(now, link, opening);
    }

    /// What an attempt has made so far is not wanted any more.
    fn give_up_first(&mut self, now: Instant, opening: &mut Opening) {
        if let Some((local, _)) = opening.first.take() {
            let link = opening.order.link;
            self.forget_endpoint(opening.relay, &local, link);
            self.take_back(now, opening.relay, &local, opening.attempt);
        }
    }

    /// An endpoint is not this stream's any more. After a restart it may be another's.
    fn forget_endpoint(&mut self, relay: usize, local: &str, link: LinkId) {
        let key = (relay, Box::from(local));
        if self.endpoints.get(&key) == Some(&link) {
            self.endpoints.remove(&key);
        }
    }

    fn too_late(&mut self, now: Instant, relay: usize, made: Option<&str>, attempt: u64) {
        if let Some(local) = made {
            self.counters.late += 1;
            self.take_back(now, relay, local, attempt);
        }
    }

    /// Deletes whatever an attempt has made.
    pub(crate) fn take_back(&mut self, now: Instant, relay: usize, local: &str, attempt: u64) {
        if self.relays[relay].state.hears() {
            let command = self.delete(relay, local, attempt);
            self.ask(now, relay, command, Asked::TakeBack);
        }
    }

    fn delete(&self, relay: usize, local: &str, attempt: u64) -> Command {
        let mut command = Command::new(Verb::Dlcx, self.relays[relay].endpoint(local));
        command.params.call = Some(self.names.call(attempt));
        command
    }

    /// Gives up waiting for relays that take too long.
    pub(crate) fn expire(&mut self, now: Instant) {
        while let Some((_, link)) = self.deadlines.first().copied().filter(|(due, _)| *due <= now) {
            self.deadlines.pop_first();
            match self.streams.get(&link) {
                Some(Stream::Opening(opening)) if opening.again => {
                    let Some(opening) = self.take_opening(link) else { continue };
                    self.try_relay(now, link, opening);
                }
                Some(Stream::Opening(opening)) => {
                    let relay = opening.relay;
                    self.suspect(now, relay);
                    self.not_taken(now, link, Fault::NoAnswer);
                }
                Some(Stream::Open(_)) | None => {}
            }
        }
    }

    pub(crate) fn close(&mut self, now: Instant, link: LinkId) {
        if let Some(mut opening) = self.take_opening(link) {
            // The first connection, if it is still being made, comes too late.
            return self.give_up_first(now, &mut opening);
        }
        let Some(Stream::Open(open)) = self.streams.remove(&link) else { return };
        let Open { call, ends, relay, attempt, endpoint, gone, .. } = *open;
        self.forget_endpoint(relay, &endpoint, link);
        self.relays[relay].streams -= 1;
        let name = self.relays[relay].config.name.clone();
        if gone || !self.relays[relay].state.hears() {
            let ends = [None; 2];
            return self.reports.push_back(Report::Closed { call, relay: name, ends });
        }
        let closing = self.names.next_attempt();
        let commands = [0, 1].map(|end| {
            let mut command = self.delete(relay, &endpoint, attempt);
            command.params.connections = vec![ends[end].connection];
            (command, Asked::Close { closing, end })
        });
        let streams = ends.each_ref().map(|end| end.stream);
        let entry = Closing { call, relay: name, streams, ends: [None; 2], unanswered: 2 };
        self.closings.insert(closing, entry);
        self.ask_together(now, relay, commands.into());
    }

    /// A relay has closed one end of a stream, or will not answer.
    pub(crate) fn end_closed(&mut self, closing: u64, end: usize, response: Option<&Response>) {
        let Some(entry) = self.closings.get_mut(&closing) else { return };
        let stream = entry.streams[end];
        entry.ends[end] = response.and_then(|response| statistics(stream, response));
        entry.unanswered -= 1;
        if entry.unanswered == 0
            && let Some(Closing { call, relay, ends, .. }) = self.closings.remove(&closing)
        {
            self.reports.push_back(Report::Closed { call, relay, ends });
        }
    }

    /// Reports open streams lost; whoever has ordered them closes them. Says how many.
    pub(crate) fn lose_open(&mut self, which: impl Fn(LinkId, usize, &str) -> bool) -> usize {
        let mut lost: Vec<LinkId> = Vec::new();
        for (link, stream) in &mut self.streams {
            if let Stream::Open(open) = stream
                && !open.lost
                && which(*link, open.relay, &open.endpoint)
            {
                open.lost = true;
                lost.push(*link);
            }
        }
        // In the order in which they were opened, for those who watch.
        lost.sort();
        self.counters.lost += lost.len() as u64;
        self.reports.extend(lost.iter().map(|link| Report::Lost { link: *link }));
        lost.len()
    }

    /// A relay has lost what these endpoints had. Says how many open streams that were.
    pub(crate) fn relay_forgot(
        &mut self,
        now: Instant,
        relay: usize,
        covers: impl Fn(&str) -> bool,
    ) -> usize {
        let mut interrupted = Vec::new();
        for (link, stream) in &mut self.streams {
            match stream {
                Stream::Open(open) if open.relay == relay => open.gone |= covers(&open.endpoint),
                Stream::Opening(opening) if opening.relay == relay => {
                    let made = opening.first.take_if(|(local, _)| covers(local));
                    interrupted.extend(made.map(|(local, _)| (*link, local)));
                }
                _ => {}
            }
        }
        let lost = self.lose_open(|_, other, local| other == relay && covers(local));
        for (link, local) in interrupted {
            self.forget_endpoint(relay, &local, link);
            self.not_taken(now, link, Fault::Refused(ReturnCode::RESTARTING));
        }
        lost
    }

    /// The open stream of a relay that follows another one, in a round.
    pub(crate) fn stream_after(&self, relay: usize, last: LinkId) -> Option<(LinkId, Box<str>)> {
        let open = self.streams.iter().filter_map(|(link, stream)| match stream {
            Stream::Open(open) if open.relay == relay && !open.gone => Some((*link, open)),
            _ => None,
        });
        let next = open.min_by_key(|(link, _)| (*link <= last, *link));
        next.map(|(link, open)| (link, open.endpoint.clone()))
    }

    /// A relay has said which connections a stream's endpoint has. Whether the stream is gone.
    pub(crate) fn forgotten(
        &mut self,
        relay: usize,
        link: LinkId,
        connections: &[ConnectionId],
    ) -> bool {
        let Some(Stream::Open(open)) = self.streams.get_mut(&link) else { return false };
        let there = |end: &OpenEnd| connections.contains(&end.connection);
        if open.relay != relay || open.ends.iter().all(there) {
            return false;
        }
        open.gone = open.ends.iter().all(|end| !there(end));
        self.lose_open(|other, _, _| other == link) > 0
    }

    /// A relay has observed something.
    pub(crate) fn notified(&mut self, relay: usize, command: &Command) {
        let local: Box<str> = command.endpoint.local().into();
        let Some(link) = self.endpoints.get(&(relay, local)).copied() else { return };
        let Some(Stream::Open(open)) = self.streams.get_mut(&link) else { return };
        if command.params.request_id != Some(request_id(link)) {
            return;
        }
        let mut alarms = Vec::new();
        let mut spent = false;
        for event in command.params.observed.iter().flatten() {
            spent |= event.name.is("X-RF", "kn") || event.name.is("X-RF", "kx");
            let of = |end: &&mut OpenEnd| {
                event.name.connection == Some(ConnectionRef::Id(end.connection))
            };
            if event.name.is("R", "rto")
                && let Some(end) = open.ends.iter_mut().find(of)
                && end.sends
                && !std::mem::replace(&mut end.silent, true)
            {
                alarms.push((open.call, end.stream));
            }
        }
        for (call, stream) in alarms {
            let relay = self.relays[relay].config.name.clone();
            self.alarm(RelayAlarm::Silent { relay, call, stream });
        }
        if spent {
            self.lose_open(|other, _, _| other == link);
        }
    }

    /// A relay has given up a connection: the stream is of no use any more.
    pub(crate) fn deleted_by_relay(&mut self, relay: usize, endpoint: &EndpointName) {
        self.lose_open(|_, other, local| other == relay && endpoint.covers(local));
    }
}

/// Why a relay does not take a stream.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Refused(ReturnCode),
    /// It did, but not as it was told.
    Unfit(&'static str),
    NoAnswer,
}

/// The connection that a CRCX has made.
fn judge(response: &Response, end: &RelayedEnd) -> Result<Connection, Fault> {
    match response.code.is_success() {
        true => session::read_created(response, end).map_err(Fault::Unfit),
        false => Err(Fault::Refused(response.code)),
    }
}

/// Names a stream in notifications.
fn request_id(link: LinkId) -> RequestId {
    format!("{:X}", link.0).parse().expect("1 to 8 hexadecimal digits")
}

fn statistics(stream: StreamId, response: &Response) -> Option<EndStatistics> {
    let said = response.params.statistics.as_ref()?;
    let number = |counted: Option<u32>| counted.unwrap_or(0);
    Some(EndStatistics {
        stream,
        packets_sent: number(said.packets_sent),
        octets_sent: number(said.octets_sent),
        packets_received: number(said.packets_received),
        octets_received: number(said.octets_received),
        packets_lost: number(said.packets_lost),
        jitter_ms: number(said.jitter_ms),
    })
}

/// How long a relay that has announced its restart may take until it takes commands.
const START: Duration = Duration::from_millis(50);

/// All packet relays of a gateway.
const ALL: &str = "pr/*";
