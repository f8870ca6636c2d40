//! The agent's surface: what comes in goes to whom it concerns.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use callmanager::switchboard::{LinkId, RelayOrder};
use mgcp::transaction::{Indication, Transactions};
use mgcp::{Command, Response, TransactionId};

pub use mgcp::transaction::Datagram;

use crate::config::{Config, ConfigError, PlainGateway};
use crate::name::CallNames;
use crate::orphan::Question;
use crate::relay::Relay;
use crate::report::{Counters, Report};
use crate::stream::{Closing, Stream};

/// A call agent without I/O; see the [crate] for what it promises.
pub struct Agent {
    pub(crate) config: Config,
    pub(crate) transactions: Transactions,
    pub(crate) names: CallNames,
    pub(crate) relays: Vec<Relay>,
    pub(crate) streams: HashMap<LinkId, Stream>,
    /// The stream of an endpoint, by relay and local name.
    pub(crate) endpoints: HashMap<(usize, Box<str>), LinkId>,
    /// When those that are being opened have waited long enough.
    pub(crate) deadlines: BTreeSet<(Instant, LinkId)>,
    pub(crate) closings: HashMap<u64, Closing>,
    /// Commands that wait for their answers, and the relay that each went to.
    asked: HashMap<TransactionId, (usize, Asked)>,
    pub(crate) reports: VecDeque<Report>,
    pub(crate) counters: Counters,
}

/// Why a command was given.
#[derive(Debug)]
pub(crate) enum Asked {
    /// To make the first connection of a stream.
    First { link: LinkId, attempt: u64 },
    /// To make the second.
    Second { link: LinkId, attempt: u64, local: Box<str> },
    /// To close one end of a stream.
    Close { closing: u64, end: usize },
    /// To delete what came too late, or was left behind.
    TakeBack,
    /// To see whether the relay is there.
    Probe,
    /// The same, and whether it has this stream.
    Check { link: LinkId },
    /// To find what an earlier run has left behind.
    Orphan(Question),
}

impl Agent {
    /// An agent that has heard of no relay yet. `seed` must differ from run to run: the names of
    /// calls and transactions derive from it.
    pub fn new(now: Instant, config: Config, seed: u64) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            transactions: Transactions::new(config.transactions.clone(), seed),
            names: CallNames::new(&config.identity, seed),
            relays: config
                .relays
                .iter()
                .map(|relay| {
                    let is_it = |p: &&PlainGateway| p.name.eq_ignore_ascii_case(&relay.name);
                    let plain = config.plain.iter().find(is_it);
                    Relay::new(now, relay.clone(), plain.map(|plain| plain.any.clone()))
                })
                .collect(),
            config,
            streams: HashMap::new(),
            endpoints: HashMap::new(),
            deadlines: BTreeSet::new(),
            closings: HashMap::new(),
            asked: HashMap::new(),
            reports: VecDeque::new(),
            counters: Counters::default(),
        })
    }

    /// Takes an order. To open a stream is answered by [`Report::Opened`], in bounded time.
    pub fn order(&mut self, now: Instant, order: RelayOrder) {
        match order {
            RelayOrder::Open(link) => self.open(now, link),
            RelayOrder::Close { link } => self.close(now, link),
        }
        self.drain(now);
    }

    /// Takes a datagram from the socket.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        if !self.relays.iter().any(|relay| relay.has_address(from.ip())) {
            self.counters.strangers += 1;
            return;
        }
        self.transactions.handle_input(now, from, datagram);
        self.drain(now);
    }

    /// The next datagram to send. It may hold keys and erases itself.
    pub fn poll_datagram(&mut self) -> Option<(SocketAddr, Datagram)> {
        self.transactions.poll_output()
    }

    /// The next thing that came of it.
    pub fn poll_report(&mut self) -> Option<Report> {
        self.reports.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let relays = self.relays.iter().filter_map(Relay::poll_timeout).min();
        let deadline = self.deadlines.first().map(|(due, _)| *due);
        [self.transactions.poll_timeout(), relays, deadline].into_iter().flatten().min()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.transactions.handle_timeout(now);
        self.drain(now);
        self.expire(now);
        self.probe(now);
        self.drain(now);
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Whether no stream is open or being opened or closed, and no command waits for its answer
    /// but those that ask relays whether they are there.
    pub fn is_idle(&self) -> bool {
        let probes =
            |(_, asked): &(usize, Asked)| matches!(asked, Asked::Probe | Asked::Check { .. });
        self.streams.is_empty()
            && self.endpoints.is_empty()
            && self.deadlines.is_empty()
            && self.closings.is_empty()
            && self.relays.iter().all(|relay| relay.streams == 0)
            && self.asked.values().all(probes)
    }

    /// Gives a relay a command.
    pub(crate) fn ask(&mut self, now: Instant, relay: usize, command: Command, asked: Asked) {
        let addresses = &self.relays[relay].config.addresses;
        let id = self.transactions.send(now, addresses, command);
        self.asked.insert(id, (relay, asked));
    }

    /// Gives a relay commands in one datagram.
    pub(crate) fn ask_together(
        &mut self,
        now: Instant,
        relay: usize,
        commands: Vec<(Command, Asked)>,
    ) {
        if self.relays[relay].plain.is_some() {
            commands.into_iter().for_each(|(command, asked)| self.ask(now, relay, command, asked));
            return;
        }
        let (commands, asked): (Vec<_>, Vec<_>) = commands.into_iter().unzip();
        let addresses = &self.relays[relay].config.addresses;
        let ids = self.transactions.send_together(now, addresses, commands);
        self.asked.extend(ids.into_iter().zip(asked).map(|(id, asked)| (id, (relay, asked))));
    }

    fn drain(&mut self, now: Instant) {
        while let Some(indication) = self.transactions.poll_indication() {
            match indication {
                Indication::Command { key, command } => {
                    self.commanded(now, key, &command);
                }
                Indication::Response { id, response, .. } => {
                    if let Some((relay, asked)) = self.asked.remove(&id) {
                        self.alive(now, relay);
                        self.answered(now, relay, asked, &response);
                    }
                }
                Indication::Provisional { id, .. } => {
                    if let Some((relay, _)) = self.asked.get(&id) {
                        self.alive(now, *relay);
                    }
                }
                Indication::Suspect { id } => {
                    if let Some((relay, _)) = self.asked.get(&id) {
                        self.suspect(now, *relay);
                    }
                }
                Indication::Failed { id } => {
                    if let Some((relay, asked)) = self.asked.remove(&id) {
                        self.unanswered(relay);
                        self.failed(now, relay, asked);
                    }
                }
                // All our commands are answered at once.
                Indication::Abandoned { .. } => {}
            }
        }
    }

    fn answered(&mut self, now: Instant, relay: usize, asked: Asked, response: &Response) {
        match asked {
            Asked::First { link, attempt } => {
                self.first_answered(now, relay, link, attempt, response);
            }
            Asked::Second { link, attempt, local } => {
                self.second_answered(now, relay, link, attempt, &local, response);
            }
            Asked::Close { closing, end } => self.end_closed(closing, end, Some(response)),
            Asked::TakeBack => {}
            Asked::Probe => self.probe_ended(now, relay),
            Asked::Check { link } => self.checked(now, relay, link, response),
            Asked::Orphan(question) => self.orphan_answered(now, relay, question, response),
        }
    }

    /// There will be no answer. Streams have given up waiting long before.
    fn failed(&mut self, now: Instant, relay: usize, asked: Asked) {
        match asked {
            Asked::Close { closing, end } => self.end_closed(closing, end, None),
            Asked::Probe | Asked::Check { .. } => self.probe_ended(now, relay),
            Asked::Orphan(_) => self.orphan_unanswered(relay),
            Asked::First { .. } | Asked::Second { .. } | Asked::TakeBack => {}
        }
    }
}
