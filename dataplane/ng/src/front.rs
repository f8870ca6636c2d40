//! The front's surface and its clockwork.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use engine::command::{
    Command, Event, LegId, LegStats, RelayId, Reply, RtcpPolicy, SourceRule, Token,
};
use media::{Network, Ports};
use rand::CryptoRng;
use zeroize::Zeroizing;

use crate::answers::{Answers, Asker, Known};
use crate::call::Call;
use crate::job::{Job, JobId};
use crate::limits;
use crate::message::{self, Encoding, Message};
use crate::request::{Refused, Request, Warnings};
use crate::value::{Dictionary, Value};

/// Numbers of legs, relays and tokens from here on are this front's; no other front's are.
pub const NUMBERS: u64 = 1 << 63;

/// Settings of the front.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where media come and go, as `direction` names them. The first is the default.
    pub networks: Vec<Network>,
    /// Most streams at a time: two legs each.
    pub streams: usize,
    /// Which sources of packets are believed.
    pub source: SourceRule,
    /// What happens to RTCP beside SRTP.
    pub rtcp: RtcpPolicy,
    /// A call of whose parties nothing was heard for so long is ended; zero: none is.
    pub timeout: Duration,
    /// Unix time at the start, in seconds.
    pub unix: u64,
}

/// The `ng` front; see the [crate] for what it promises.
pub struct Ng {
    pub(crate) config: Config,
    pub(crate) rng: Box<dyn CryptoRng + Send>,
    pub(crate) ports: Ports,
    pub(crate) start: Instant,
    pub(crate) calls: HashMap<u64, Call>,
    /// Their numbers by their call-ids.
    pub(crate) numbers: HashMap<Vec<u8>, u64>,
    pub(crate) counters: Counters,
    pub(crate) commands: VecDeque<(Token, Command)>,
    pub(crate) jobs: HashMap<JobId, Job>,
    pub(crate) tokens: HashMap<Token, (JobId, LegId)>,
    /// Call-ids with a job.
    pub(crate) busy: HashSet<Vec<u8>>,
    /// When calls are looked at for silence.
    pub(crate) looks: BTreeSet<(Instant, u64)>,
    /// Commands about calls with a job, in order of arrival.
    waiting: VecDeque<(Asked, Request)>,
    given: Answers,
    answers: VecDeque<(Asker, Zeroizing<Vec<u8>>)>,
    leaving: bool,
    serial: u64,
}

/// Who is to be answered, and how.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    asker: Asker,
    cookie: Vec<u8>,
    encoding: Encoding,
    pub(crate) warnings: Warnings,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages that came.
    pub messages: u64,
    /// Messages that could not be read.
    pub malformed: u64,
    /// Commands that were said again.
    pub duplicates: u64,
    /// Commands answered with an error.
    pub refused: u64,
    /// Commands answered with a warning.
    pub warned: u64,
    /// Offers that were carried out.
    pub offers: u64,
    /// Answers that were carried out.
    pub answers: u64,
    /// Calls that were made.
    pub calls_created: u64,
    /// Calls that were deleted.
    pub calls_deleted: u64,
    /// Calls that ended since nobody was heard.
    pub calls_timed_out: u64,
    /// Offers refused since there was no room for them.
    pub no_room: u64,
    /// Engine commands refused although they looked good.
    pub engine_refusals: u64,
    /// Master keys that reached the end of their lifetime.
    pub keys_exhausted: u64,
    /// Packets of calls that have ended.
    pub packets: u64,
}

impl Counters {
    /// Names and values, for metrics and reports.
    pub fn named(&self) -> [(&'static str, u64); 14] {
        [
            ("messages", self.messages),
            ("malformed", self.malformed),
            ("duplicates", self.duplicates),
            ("refused", self.refused),
            ("warned", self.warned),
            ("offers", self.offers),
            ("answers", self.answers),
            ("calls_created", self.calls_created),
            ("calls_deleted", self.calls_deleted),
            ("calls_timed_out", self.calls_timed_out),
            ("no_room", self.no_room),
            ("engine_refusals", self.engine_refusals),
            ("keys_exhausted", self.keys_exhausted),
            ("packets_of_ended_calls", self.packets),
        ]
    }
}

/// A leg and whose it is, for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Its number in the engine.
    pub leg: LegId,
    /// The call-id.
    pub call: String,
    /// The party's tag and the number of the stream, from 1.
    pub party: String,
}

impl Ng {
    /// A front without calls. Keys are drawn from `rng`, so it must be the system's, or seeded from
    /// it; a fixed seed is for tests.
    pub fn new(now: Instant, config: Config, ports: Ports, rng: Box<dyn CryptoRng + Send>) -> Self {
        Self {
            config,
            rng,
            ports,
            start: now,
            calls: HashMap::new(),
            numbers: HashMap::new(),
            counters: Counters::default(),
            commands: VecDeque::new(),
            jobs: HashMap::new(),
            tokens: HashMap::new(),
            busy: HashSet::new(),
            looks: BTreeSet::new(),
            waiting: VecDeque::new(),
            given: Answers::default(),
            answers: VecDeque::new(),
            leaving: false,
            serial: NUMBERS,
        }
    }

    /// Takes a message.
    pub fn handle_message(&mut self, now: Instant, asker: Asker, bytes: &[u8]) {
        self.counters.messages += 1;
        let Some(message) = Message::parse(bytes) else {
            self.counters.malformed += 1;
            return;
        };
        match self.given.hear(now, asker, &message.cookie) {
            Known::New => {}
            Known::UnderWay => {
                self.counters.duplicates += 1;
                return;
            }
            Known::Answered(answer) => {
                self.counters.duplicates += 1;
                self.answers.push_back((asker, answer));
                return;
            }
        }
        let Message { cookie, encoding, dictionary } = message;
        let mut asked = Asked { asker, cookie, encoding, warnings: Warnings::default() };
        match dictionary {
            Ok(said) => match Request::parse(&said, &mut asked.warnings) {
                Ok(request) => self.accept(now, asked, request),
                Err(refused) => self.refuse(&asked, &refused),
            },
            Err(malformed) => {
                self.counters.malformed += 1;
                self.refuse(&asked, &Refused(format!("the message is {malformed}")));
            }
        }
    }

    /// The next answer to send. It may hold keys and erases itself.
    pub fn poll_answer(&mut self) -> Option<(Asker, Zeroizing<Vec<u8>>)> {
        self.answers.pop_front()
    }

    /// The next command for the engine.
    pub fn poll_command(&mut self) -> Option<(Token, Command)> {
        self.commands.pop_front()
    }

    /// What the engine replied to a command.
    pub fn handle_reply(&mut self, now: Instant, token: Token, reply: Reply) {
        self.take_reply(now, token, reply);
    }

    /// What the engine reports by itself.
    pub fn handle_event(&mut self, event: Event) {
        if let Event::KeyExhausted(_) = event {
            self.counters.keys_exhausted += 1;
        }
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let look = self.looks.first().map(|(at, _)| *at);
        look.into_iter().chain(self.given.poll_timeout()).min()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.given.handle_timeout(now);
        while let Some(&(at, number)) = self.looks.first().filter(|(at, _)| *at <= now) {
            self.looks.remove(&(at, number));
            self.look(now, number);
        }
    }

    /// Takes no new calls from now on.
    pub fn leave(&mut self) {
        self.leaving = true;
    }

    /// Whether there is no call.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.jobs.is_empty()
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The legs of all calls, for operators.
    pub fn flows(&self) -> Vec<Flow> {
        let mut flows: Vec<Flow> = Vec::new();
        for call in self.calls.values() {
            for (number, stream) in (1..).zip(&call.streams) {
                let ends = stream.iter().flat_map(|stream| stream.ends.iter().enumerate());
                flows.extend(ends.map(|(party, end)| {
                    let tag = call.parties[party].tag.as_deref().unwrap_or(b"?");
                    Flow {
                        leg: end.leg,
                        call: String::from_utf8_lossy(&call.id).into_owned(),
                        party: format!("{} {number}", String::from_utf8_lossy(tag)),
                    }
                }));
            }
        }
        flows.sort_by_key(|flow| flow.leg);
        flows
    }

    fn accept(&mut self, now: Instant, asked: Asked, request: Request) {
        let is_busy = request.call().is_some_and(|call| self.busy.contains(call));
        match is_busy {
            true if self.waiting.len() >= limits::WAITING => {
                self.refuse(&asked, &Refused::new("too many commands about calls with others"));
            }
            true => self.waiting.push_back((asked, request)),
            false => self.execute(now, asked, request),
        }
    }

    fn execute(&mut self, now: Instant, asked: Asked, request: Request) {
        match request {
            Request::Ping => self.say(&asked, Dictionary::new().with("result", "pong".into())),
            Request::Offer(_) if self.leaving && !self.knows(request.call()) => {
                self.refuse(&asked, &Refused::new("going out of service: no new calls"));
            }
            Request::Offer(session) => self.offer(now, asked, &session),
            Request::Answer(session) => self.answer(now, asked, &session),
            Request::Delete { who, fatal } => self.delete(now, asked, &who, fatal),
            Request::Query(who) => self.query(now, asked, who),
            Request::Block { who, blocked } => self.block(now, asked, &who, blocked),
            Request::Forward(who) => self.forward(asked, &who),
            Request::List { limit } => {
                let ids = self.calls.values().take(limit).map(|call| Value::text(&call.id));
                let calls = Value::List(ids.collect());
                self.succeed(&asked, Dictionary::new().with("calls", calls));
            }
            Request::Statistics => {
                let statistics = self.statistics(now);
                self.succeed(&asked, Dictionary::new().with("statistics", statistics.into()));
            }
        }
    }

    /// A call may be dealt with again.
    pub(crate) fn release(&mut self, now: Instant, id: &[u8]) {
        self.busy.remove(id);
        while !self.busy.contains(id) {
            let next = self.waiting.iter().position(|(_, waiting)| waiting.call() == Some(id));
            let Some((asked, request)) = next.and_then(|next| self.waiting.remove(next)) else {
                return;
            };
            self.execute(now, asked, request);
        }
    }

    /// Answers that it was done.
    pub(crate) fn succeed(&mut self, asked: &Asked, mut answer: Dictionary) {
        answer.push("result", "ok".into());
        if let Some(warning) = asked.warnings.text() {
            self.counters.warned += 1;
            answer.push("warning", warning.as_str().into());
        }
        self.say(asked, answer);
    }

    /// Answers that it was not done.
    pub(crate) fn refuse(&mut self, asked: &Asked, refused: &Refused) {
        self.counters.refused += 1;
        let answer = Dictionary::new().with("result", "error".into());
        self.say(asked, answer.with("error-reason", refused.0.as_str().into()));
    }

    pub(crate) fn say(&mut self, asked: &Asked, answer: Dictionary) {
        let bytes = message::write(&asked.cookie, asked.encoding, &answer);
        self.given.give(asked.asker, &asked.cookie, &bytes);
        self.answers.push_back((asked.asker, bytes));
    }

    pub(crate) fn knows(&self, call: Option<&[u8]>) -> bool {
        call.is_some_and(|call| self.numbers.contains_key(call))
    }

    /// The call of this call-id, and its number.
    pub(crate) fn find(&self, id: &[u8]) -> Option<(u64, &Call)> {
        let number = *self.numbers.get(id)?;
        Some((number, self.calls.get(&number)?))
    }

    /// Streams of all calls.
    pub(crate) fn stream_count(&self) -> usize {
        self.calls.values().map(Call::stream_count).sum()
    }

    pub(crate) fn serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub(crate) fn next_leg(&mut self) -> LegId {
        LegId(self.serial())
    }

    pub(crate) fn next_relay(&mut self) -> RelayId {
        RelayId(self.serial())
    }

    /// Unix time, in seconds.
    pub(crate) fn unix(&self, now: Instant) -> u64 {
        self.config.unix + now.saturating_duration_since(self.start).as_secs()
    }

    /// Counts what a call that has ended has moved.
    pub(crate) fn count_ended<'s>(&mut self, stats: impl Iterator<Item = &'s LegStats>) {
        self.counters.packets += crate::call::heard(stats);
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}
