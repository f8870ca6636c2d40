//! The server without its sockets: many transfers, their timers, their limits.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Instant, SystemTime};

use crate::options::{Options, Tuning};
use crate::packet::{ErrorCode, Packet, PacketError};
use crate::send::{Sending, Step};
use crate::{
    FileName, FileRequest, NameError, Outcome, Protocol, RateLimit, Record, Refusal, Served,
    SourceLimiter,
};

/// Limits and pacing.
#[derive(Debug, Clone)]
pub struct Config {
    /// Most transfers at once; further requests are not answered, and phones ask again.
    pub max_transfers: usize,
    /// Requests per source.
    pub rate: RateLimit,
    /// Sources that are told apart for `rate`.
    pub max_sources: usize,
    /// How a transfer is paced.
    pub tuning: Tuning,
}

impl Default for Config {
    /// For an estate of some ten thousand phones. A phone that starts asks for about ten files.
    fn default() -> Self {
        Self {
            max_transfers: 4096,
            rate: RateLimit { per_second: 50.0, burst: 200.0 },
            max_sources: 16_384,
            tuning: Tuning::default(),
        }
    }
}

/// A transfer. Numbers count up from 1 and are never reused, so that what is meant for a transfer
/// that is over cannot reach another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransferId(pub u64);

/// The socket a datagram leaves from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The one requests come in on.
    Requests,
    /// The transfer's own.
    Transfer(TransferId),
}

/// What the shell has to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Send a datagram.
    Send {
        /// From which socket.
        via: Via,
        /// To whom.
        to: SocketAddr,
        /// Its bytes.
        datagram: Vec<u8>,
    },
    /// The transfer is over: close its socket.
    Closed {
        /// Which.
        id: TransferId,
        /// What the request log keeps of it.
        record: Box<Record>,
    },
}

/// What did not become a transfer, and why; what was ignored inside one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests that became transfers.
    pub accepted: u64,
    /// Requests not answered because their source asked too often.
    pub rate_limited: u64,
    /// Requests not answered because there were too many transfers.
    pub no_room: u64,
    /// Requests that are no TFTP requests.
    pub malformed: u64,
    /// Names that lead elsewhere.
    pub bad_names: u64,
    /// Write requests.
    pub writes: u64,
    /// Repeated requests for a transfer that is under way.
    pub repeated: u64,
    /// Packets for a transfer from another port or address than its peer's.
    pub foreign: u64,
}

impl std::ops::Add for Counters {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            accepted: self.accepted + other.accepted,
            rate_limited: self.rate_limited + other.rate_limited,
            no_room: self.no_room + other.no_room,
            malformed: self.malformed + other.malformed,
            bad_names: self.bad_names + other.bad_names,
            writes: self.writes + other.writes,
            repeated: self.repeated + other.repeated,
            foreign: self.foreign + other.foreign,
        }
    }
}

/// The server. Time comes in as an argument, packets go out through [`Engine::poll_output`].
#[derive(Debug)]
pub struct Engine {
    config: Config,
    limiter: SourceLimiter,
    transfers: HashMap<TransferId, Transfer>,
    last_id: u64,
    /// The newest transfer of each peer.
    by_peer: HashMap<SocketAddr, TransferId>,
    /// Transfers whose file has not been looked up yet.
    asked: VecDeque<TransferId>,
    /// Lookups under way, those of transfers that are over included.
    lookups: usize,
    deadlines: BTreeSet<(Instant, TransferId)>,
    output: VecDeque<Output>,
    counters: Counters,
}

#[derive(Debug)]
struct Transfer {
    request: FileRequest,
    options: Options,
    record: Record,
    /// `None` until its file was found.
    sending: Option<Sending>,
    started: Instant,
    /// The one before it to the same peer, which that peer may be in the midst of.
    older: Option<TransferId>,
    /// How many strangers may still be told that this is not their transfer.
    rebukes_left: u8,
}

const REBUKES: u8 = 4;

impl Engine {
    /// A server without transfers.
    pub fn new(config: Config) -> Self {
        Self {
            limiter: SourceLimiter::new(config.rate, config.max_sources),
            config,
            transfers: HashMap::new(),
            last_id: 0,
            by_peer: HashMap::new(),
            asked: VecDeque::new(),
            lookups: 0,
            deadlines: BTreeSet::new(),
            output: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// What was refused so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Transfers under way.
    pub fn transfers(&self) -> usize {
        self.transfers.len()
    }

    /// True if the transfer is not over.
    pub fn is_open(&self, id: TransferId) -> bool {
        self.transfers.contains_key(&id)
    }

    /// Takes a datagram from the port that requests come in on.
    pub fn handle_request(
        &mut self,
        now: Instant,
        at: SystemTime,
        from: SocketAddr,
        datagram: &[u8],
    ) {
        if !self.limiter.allow(now, from.ip()) {
            self.counters.rate_limited += 1;
            return;
        }
        match Packet::parse(datagram) {
            Ok(Packet::Read(request)) => match FileName::parse(request.name) {
                Ok(name) => {
                    let request_of = FileRequest { name, from, protocol: Protocol::Tftp };
                    self.open(now, at, request_of, request.options);
                }
                Err(error) => self.refuse_name(from, error),
            },
            Ok(Packet::Write) => {
                self.counters.writes += 1;
                self.refuse(from, ErrorCode::AccessViolation, "this server is read-only");
            }
            // A stray packet of a transfer long over; an answer could start a loop.
            Ok(_) => self.counters.malformed += 1,
            Err(PacketError::Mode) => {
                self.counters.malformed += 1;
                self.refuse(from, ErrorCode::IllegalOperation, "only octet mode is supported");
            }
            Err(_) => self.counters.malformed += 1,
        }
    }

    /// The next request whose file has to be found; tell the answer to [`Engine::answer`], also
    /// if the transfer is over by then.
    pub fn poll_request(&mut self) -> Option<(TransferId, FileRequest)> {
        while let Some(id) = self.asked.pop_front() {
            if let Some(transfer) = self.transfers.get(&id).filter(|it| it.sending.is_none()) {
                self.lookups += 1;
                return Some((id, transfer.request.clone()));
            }
        }
        None
    }

    /// Starts the transfer of what a file source said.
    pub fn answer(&mut self, now: Instant, id: TransferId, answer: Result<Served, Refusal>) {
        self.lookups = self.lookups.saturating_sub(1);
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        transfer.record.answer(&answer);
        match answer {
            Ok(served) => {
                let mut packets = Vec::new();
                let tuning = &self.config.tuning;
                let sending =
                    Sending::start(now, served.bytes, &transfer.options, tuning, &mut packets);
                self.deadlines.insert((sending.deadline(), id));
                transfer.sending = Some(sending);
                self.send(id, packets);
            }
            Err(refusal) => {
                let (code, text) = match &refusal {
                    Refusal::NotFound => (ErrorCode::FileNotFound, "File not found"),
                    Refusal::Denied(_) => (ErrorCode::AccessViolation, "Access denied"),
                    Refusal::Failed(_) => (ErrorCode::Undefined, "Cannot be served now"),
                };
                self.send(id, vec![error(code, text)]);
                self.close(now, id, Outcome::Refused(refusal));
            }
        }
    }

    /// Takes a datagram from a transfer's own port.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        id: TransferId,
        from: SocketAddr,
        datagram: &[u8],
    ) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        if from != transfer.request.from {
            return self.rebuke(id, from);
        }
        match Packet::parse(datagram) {
            Ok(Packet::Ack { block }) => self.advance(now, id, |sending, tuning, packets| {
                sending.handle_ack(now, block, tuning, packets)
            }),
            Ok(Packet::Error { code, text }) => {
                let text = String::from_utf8_lossy(text);
                let text = text.chars().filter(|c| !c.is_control()).take(80).collect();
                self.close(now, id, Outcome::PeerError { code, text });
            }
            _ => {}
        }
    }

    /// When [`Engine::handle_timeout`] wants to be called, at the latest.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|&(deadline, _)| deadline)
    }

    /// Repeats what was not acknowledged in time.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(&(deadline, id)) = self.deadlines.first() {
            if deadline > now {
                return;
            }
            self.advance(now, id, |sending, tuning, packets| {
                sending.handle_timeout(now, tuning, packets)
            });
        }
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.output.pop_front()
    }

    fn open(&mut self, now: Instant, at: SystemTime, request: FileRequest, options: Options) {
        let from = request.from;
        let mut older = None;
        if let Some(&id) = self.by_peer.get(&from) {
            let transfer = &self.transfers[&id];
            let begun = transfer.sending.as_ref().is_some_and(Sending::is_confirmed);
            match (transfer.request.name == request.name, begun) {
                (true, false) => {
                    self.counters.repeated += 1;
                    return;
                }
                // A repetition that came late, or a phone that was started anew: the one goes on
                // with the first transfer and ends the second, the other the reverse.
                (true, true) => {
                    if let Some(oldest) = transfer.older {
                        self.close(now, oldest, Outcome::Abandoned);
                    }
                    older = Some(id);
                }
                (false, _) => self.close(now, id, Outcome::Abandoned),
            }
        }
        if self.transfers.len().max(self.lookups) >= self.config.max_transfers {
            self.counters.no_room += 1;
            return;
        }
        self.counters.accepted += 1;
        let record = Record::new(at, &request);
        let (sending, started, rebukes_left) = (None, now, REBUKES);
        let transfer = Transfer { request, options, record, sending, started, older, rebukes_left };
        self.last_id += 1;
        let id = TransferId(self.last_id);
        self.transfers.insert(id, transfer);
        self.by_peer.insert(from, id);
        self.asked.push_back(id);
    }

    /// Lets a transfer take a step, keeps its timer, and closes it if that was the last one.
    fn advance(
        &mut self,
        now: Instant,
        id: TransferId,
        step: impl FnOnce(&mut Sending, &Tuning, &mut Vec<Vec<u8>>) -> Step,
    ) {
        let Some(sending) = self.transfers.get_mut(&id).and_then(|it| it.sending.as_mut()) else {
            return;
        };
        let mut packets = Vec::new();
        self.deadlines.remove(&(sending.deadline(), id));
        let step = step(sending, &self.config.tuning, &mut packets);
        self.deadlines.insert((sending.deadline(), id));
        self.send(id, packets);
        match step {
            Step::Going => {}
            Step::Done => self.close(now, id, Outcome::Completed),
            Step::GivenUp => self.close(now, id, Outcome::TimedOut),
        }
    }

    fn send(&mut self, id: TransferId, packets: Vec<Vec<u8>>) {
        let to = self.transfers[&id].request.from;
        let via = Via::Transfer(id);
        let send = |datagram| Output::Send { via, to, datagram };
        self.output.extend(packets.into_iter().map(send));
    }

    fn close(&mut self, now: Instant, id: TransferId, outcome: Outcome) {
        let Some(transfer) = self.transfers.remove(&id) else { return };
        let Transfer { request, mut record, sending, started, older, .. } = transfer;
        if self.by_peer.get(&request.from) == Some(&id) {
            match older.filter(|older| self.transfers.contains_key(older)) {
                Some(older) => self.by_peer.insert(request.from, older),
                None => self.by_peer.remove(&request.from),
            };
        }
        if let Some(sending) = sending {
            self.deadlines.remove(&(sending.deadline(), id));
        }
        record.took = now.saturating_duration_since(started);
        record.outcome = outcome;
        self.output.push_back(Output::Closed { id, record: Box::new(record) });
    }

    /// Tells a stranger that this is not its transfer (RFC 1350 section 4), a few times only.
    fn rebuke(&mut self, id: TransferId, stranger: SocketAddr) {
        self.counters.foreign += 1;
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        if transfer.rebukes_left > 0 {
            transfer.rebukes_left -= 1;
            let datagram = error(ErrorCode::UnknownTransferId, "Unknown transfer ID");
            self.output.push_back(Output::Send { via: Via::Transfer(id), to: stranger, datagram });
        }
    }

    fn refuse_name(&mut self, from: SocketAddr, error: NameError) {
        self.counters.bad_names += 1;
        self.refuse(from, ErrorCode::AccessViolation, &error.to_string());
    }

    fn refuse(&mut self, to: SocketAddr, code: ErrorCode, text: &str) {
        let datagram = error(code, text);
        self.output.push_back(Output::Send { via: Via::Requests, to, datagram });
    }
}

fn error(code: ErrorCode, text: &str) -> Vec<u8> {
    Packet::Error { code, text: text.as_bytes() }.to_bytes()
}
