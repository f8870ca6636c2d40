//! The gateway's surface and its clockwork.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use engine::command::{Command as EngineCommand, Event, LegId, Reply, Token};
use media::Ports;
use mgcp::transaction::{CommandKey, Indication, Transactions};
use mgcp::{Command, EndpointName, TransactionId};
use rand::{CryptoRng, Rng};

pub use mgcp::transaction::Datagram;

use crate::config::{Config, ConfigError, OnKeyExhausted};
use crate::endpoint::Endpoints;
use crate::job::{Job, JobId};
use crate::keepalive::KeepAlive;
use crate::kept::Terms;
use crate::keys::KeyRegistry;
use crate::pace::Pace;
use crate::report::{ConnectionSnapshot, Counters, Snapshot};
use crate::restart::Service;
use crate::shelf::Shelf;
use crate::voice::Lines;

/// A command that waits, and whether it came over a covered path.
pub(crate) struct Waiting {
    pub(crate) key: CommandKey,
    pub(crate) command: Command,
    pub(crate) covered: bool,
}

/// Room for so many engine commands stays; a wildcard takes more for a moment.
const AT_ONCE: usize = 64;

/// An MGCP gateway of packet relays and voice endpoints; see the [crate] for what it promises.
pub struct Gateway {
    pub(crate) config: Config,
    pub(crate) rng: Box<dyn CryptoRng + Send>,
    pub(crate) transactions: Transactions,
    pub(crate) endpoints: Endpoints,
    /// Telephone sides of the voice endpoints.
    pub(crate) lines: Lines,
    pub(crate) ports: Ports,
    pub(crate) keys: KeyRegistry,
    pub(crate) shelf: Shelf<Terms>,
    pub(crate) service: Service,
    pub(crate) keep_alive: KeepAlive,
    pub(crate) pace: Pace,
    pub(crate) counters: Counters,
    /// Commands on their way to the engine.
    pub(crate) commands: VecDeque<(Token, EngineCommand)>,
    pub(crate) jobs: HashMap<JobId, Job>,
    pub(crate) tokens: HashMap<Token, JobId>,
    /// Endpoints with a job.
    pub(crate) busy: HashMap<u32, JobId>,
    /// Commands for endpoints that are busy, in order of arrival.
    pub(crate) waiting: VecDeque<Waiting>,
    /// Whether IPsec covers the path of the command that is being dealt with.
    pub(crate) covered: bool,
    /// Notifications under way, with their endpoints.
    pub(crate) notifying: HashMap<TransactionId, u32>,
    /// Who answered last for the call agents, or where they sent us.
    pub(crate) redirected: Option<Vec<SocketAddr>>,
    /// Connections to be given up when their endpoints have no job any more.
    pub(crate) doomed: Vec<LegId>,
    serial: u64,
}

impl Gateway {
    /// A gateway without connections. Keys are drawn from `rng`, so it must be the system's, or
    /// seeded from it; a fixed seed is for tests.
    pub fn new(
        now: Instant,
        config: Config,
        mut rng: Box<dyn CryptoRng + Send>,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let endpoints = Endpoints::new(config.endpoints, &config.voice);
        Ok(Self {
            transactions: Transactions::new(config.transactions.clone(), rng.next_u64()),
            lines: Lines::new(config.voice.len()),
            ports: Ports::new(&config.networks, &mut *rng),
            keys: KeyRegistry::new(endpoints.size()),
            endpoints,
            shelf: Shelf::default(),
            service: Service::new(now, &config, &mut *rng),
            keep_alive: KeepAlive::default(),
            pace: Pace::default(),
            counters: Counters::default(),
            commands: VecDeque::new(),
            jobs: HashMap::new(),
            tokens: HashMap::new(),
            busy: HashMap::new(),
            waiting: VecDeque::new(),
            covered: false,
            notifying: HashMap::new(),
            redirected: None,
            doomed: Vec::new(),
            // Connection ids must not repeat soon after a restart either.
            serial: u64::from(rng.random::<u32>()),
            config,
            rng,
        })
    }

    /// Takes a datagram from the signalling socket: in clear, for all that is known.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        self.hear(now, from, datagram, false);
    }

    /// Takes a datagram, every octet of which came out of a live IPsec association that encrypts.
    pub fn handle_covered_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        self.hear(now, from, datagram, true);
    }

    fn hear(&mut self, now: Instant, from: SocketAddr, datagram: &[u8], covered: bool) {
        let agents = self.config.call_agents.iter().flat_map(|agent| &agent.addresses);
        if !agents.into_iter().any(|agent| agent.ip() == from.ip()) {
            self.counters.strangers += 1;
            return;
        }
        self.transactions.handle_input(now, from, datagram);
        self.covered = covered;
        self.drain(now);
        self.covered = false;
    }

    /// The network says that `peer` cannot be reached.
    pub fn handle_unreachable(&mut self, now: Instant, peer: SocketAddr) {
        self.transactions.handle_unreachable(now, peer);
        self.drain(now);
    }

    /// The next datagram to send. It may hold keys and erases itself.
    pub fn poll_datagram(&mut self) -> Option<(SocketAddr, Datagram)> {
        self.transactions.poll_output()
    }

    /// The next command for the engine.
    pub fn poll_command(&mut self) -> Option<(Token, EngineCommand)> {
        let command = self.commands.pop_front();
        if command.is_none() {
            self.commands.shrink_to(AT_ONCE);
        }
        command
    }

    /// What the engine replied to a command.
    pub fn handle_reply(&mut self, now: Instant, token: Token, reply: Reply) {
        self.take_reply(now, token, reply);
        self.drain(now);
        if self.jobs.is_empty() {
            self.tokens.shrink_to(AT_ONCE);
            self.busy.shrink_to(AT_ONCE);
        }
    }

    /// What the engine reports by itself.
    pub fn handle_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::MediaStart(leg) => self.happened(now, leg, "R", "ma"),
            Event::Idle(leg) => self.happened(now, leg, "R", "rto"),
            Event::KeyNearlyExhausted(leg) => self.happened(now, leg, "X-RF", "kn"),
            Event::KeyExhausted(leg) => {
                self.counters.keys_exhausted += 1;
                self.happened(now, leg, "X-RF", "kx");
                if self.config.on_key_exhausted == OnKeyExhausted::Delete {
                    self.give_up_connection(now, leg);
                }
            }
            // Learning and next hops are between the engine and its owner.
            Event::SourceLearned(..) | Event::NextHopWanted(..) | Event::NextHopUnwanted(..) => {}
        }
        self.drain(now);
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let timers = [
            self.transactions.poll_timeout(),
            self.endpoints.poll_timeout(),
            self.service.poll_timeout(),
            self.lines.poll_timeout(),
            self.keep_alive.poll_timeout(),
        ];
        timers.into_iter().flatten().min()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.transactions.handle_timeout(now);
        self.endpoints.handle_timeout(now);
        self.service_timeout(now);
        self.lines_timeout(now);
        self.keep_alive(now);
        self.drain(now);
    }

    /// Ends service as soon as the last call has ended, or after `delay` as [`Self::stop`] does.
    /// The call agent is told (RSIP `graceful`), and new calls are refused.
    pub fn leave(&mut self, now: Instant, delay: Duration) {
        self.leave_service(now, delay);
        self.drain(now);
    }

    /// Whether calls are being let end after [`Self::leave`].
    pub fn is_leaving(&self) -> bool {
        self.service.is_leaving()
    }

    /// Ends service: closes every connection and tells the call agent (RSIP `forced`). Go on
    /// polling until [`Self::is_stopped`].
    pub fn stop(&mut self, now: Instant) {
        self.stop_service(now);
        self.drain(now);
    }

    /// Whether nothing is left to do after [`Self::stop`].
    pub fn is_stopped(&self) -> bool {
        self.service.is_stopped() && self.is_idle()
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        Counters { transactions: self.transactions.counters(), ..self.counters }
    }

    /// The media ports, for a front beside this one that lends from the same.
    pub fn ports(&self) -> Ports {
        self.ports.clone()
    }

    /// The state of everything, for operators.
    pub fn snapshot(&self) -> Snapshot {
        let mut connections: Vec<(u32, ConnectionSnapshot)> = Vec::new();
        for (number, endpoint) in self.endpoints.active() {
            connections.extend(endpoint.connections.iter().map(|connection| {
                let suite = connection.media.security.secured().map(|s| s.suite.name());
                let snapshot = ConnectionSnapshot {
                    endpoint: self.endpoints.local_name(number).into_owned(),
                    call: connection.call.to_string(),
                    agent: connection.agent,
                    connection: connection.id().to_string(),
                    leg: connection.leg,
                    network: self.config.networks[connection.network].name.clone(),
                    local: connection.local,
                    remote: connection.media.remote_rtp(),
                    mode: connection.media.mode,
                    receive: suite,
                    send: suite,
                };
                (number, snapshot)
            }));
        }
        connections.sort_by_key(|(number, connection)| (*number, connection.leg));
        Snapshot {
            service: self.service.name(),
            connections: connections.into_iter().map(|(_, connection)| connection).collect(),
            port_pairs: self.ports.lent(),
            keys: self.keys.len(),
            commands_open: self.jobs.len() + self.waiting.len(),
        }
    }

    pub(crate) fn drain(&mut self, now: Instant) {
        while let Some(indication) = self.transactions.poll_indication() {
            match indication {
                Indication::Command { key, command } => self.accept(now, key, command),
                Indication::Abandoned { key } => self.abandon(key),
                Indication::Response { id, from, response } => {
                    self.own_command_answered(now, id, from, &response);
                }
                Indication::Failed { id } => self.own_command_failed(now, id),
                // Addresses are given by configuration; there is nothing to resolve again.
                Indication::Suspect { .. } | Indication::Provisional { .. } => {}
            }
        }
        self.stop_if_idle(now);
    }

    /// A command was answered 406. What it began is taken back when the engine has replied.
    fn abandon(&mut self, key: CommandKey) {
        self.waiting.retain(|waiting| waiting.key != key);
        for job in self.jobs.values_mut() {
            if job.asker.as_ref().is_some_and(|asker| asker.key == key) {
                job.abandon();
            }
        }
    }

    /// A number that was not used before.
    pub(crate) fn serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// A number for a leg of this endpoint, which can be told from it.
    pub(crate) fn next_leg(&mut self, number: u32) -> LegId {
        let serial = self.serial();
        self.endpoints.leg(serial, number)
    }

    /// The name of the endpoint of this number.
    pub(crate) fn endpoint_name(&self, number: u32) -> EndpointName {
        self.name(&self.endpoints.local_name(number))
    }

    /// The name of an endpoint of ours.
    pub(crate) fn name(&self, local: &str) -> EndpointName {
        EndpointName::new(local, &self.config.domain).expect("the domain was checked")
    }
}
