//! The agent's surface: what comes in goes to whom it concerns.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use callmanager::exchange::PortOrder;
use callmanager::switchboard::{DeviceName, Event, MediaPort};
use mgcp::transaction::{CommandKey, Indication, Transactions};
use mgcp::{Command, ConnectionId, Response, ReturnCode, TransactionId, Verb};

use super::config::{Config, Plan, PlanError};
use super::gateway::Gateway;
use super::path::Paths;
use super::port::Port;
use super::report::{Counters, GatewayAlarm, GatewayView, Report};
use crate::agent::Datagram;
use crate::name::CallNames;

/// A call agent for voice gateways without I/O; see [`voice`](super) for what it promises.
pub struct Agent {
    pub(super) config: Config,
    pub(super) transactions: Transactions,
    pub(super) names: CallNames,
    pub(super) paths: Box<dyn Paths>,
    pub(super) mixed_mode: bool,
    /// By the name in lower case.
    pub(super) gateways: BTreeMap<String, Gateway>,
    pub(super) ports: BTreeMap<DeviceName, Port>,
    asked: HashMap<TransactionId, Question>,
    /// Ports about which something changed.
    pub(super) touched: BTreeSet<DeviceName>,
    pub(super) reports: VecDeque<Report>,
    pub(super) counters: Counters,
    requests: u64,
}

/// A command that waits for its answer.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) port: DeviceName,
    pub(super) asked: Asked,
}

/// Why a command was given.
#[derive(Debug)]
pub(super) enum Asked {
    /// What a port is like.
    Audit { outage: bool },
    /// What a connection is like.
    Check { id: ConnectionId },
    /// Events and signals, as many signals of those that are played once among them.
    Request { request: super::message::Request, once: usize },
    /// About a leg's connection.
    Media { leg: callmanager::switchboard::LegId, step: super::media::Step },
    /// To delete what nobody knows of here.
    Stale { id: ConnectionId },
}

impl Agent {
    /// An agent without gateways. `seed` must differ from run to run: the names of calls and
    /// transactions derive from it.
    pub fn new(config: Config, paths: Box<dyn Paths>, seed: u64) -> Self {
        Self {
            transactions: Transactions::new(config.transactions.clone(), seed),
            names: CallNames::new(&config.identity, seed),
            config,
            paths,
            mixed_mode: false,
            gateways: BTreeMap::new(),
            ports: BTreeMap::new(),
            asked: HashMap::new(),
            touched: BTreeSet::new(),
            reports: VecDeque::new(),
            counters: Counters::default(),
            requests: 0,
        }
    }

    /// The gateways that there are from now on. Those that stay as they were notice nothing; calls
    /// of others end.
    pub fn configure(&mut self, now: Instant, plan: Plan) -> Result<(), PlanError> {
        plan.check()?;
        let stays = |gateway: &Gateway| plan.gateways.contains(&gateway.config);
        let gone: Vec<_> =
            self.gateways.iter().filter(|(_, g)| !stays(g)).map(|(key, _)| key.clone()).collect();
        for key in gone {
            self.remove_gateway(now, &key);
        }
        self.mixed_mode = plan.mixed_mode;
        for config in plan.gateways {
            let key = config.name.to_ascii_lowercase();
            if !self.gateways.contains_key(&key) {
                self.add_gateway(now, key, config);
            }
        }
        self.look_at_paths(now);
        self.settle(now);
        Ok(())
    }

    /// Takes orders of the switchboard.
    pub fn order(&mut self, now: Instant, orders: impl IntoIterator<Item = PortOrder>) {
        for order in orders {
            let (name, order) = match order {
                PortOrder::Telephone { port, order } => {
                    if let Some(found) = self.ports.get_mut(&port) {
                        found.show(order);
                    }
                    self.touched.insert(port);
                    continue;
                }
                PortOrder::Media(order) => match &order.port {
                    MediaPort::Device { device, .. } => (device.clone(), order),
                    MediaPort::Music | MediaPort::Bridge => continue,
                },
            };
            if let Some(found) = self.ports.get_mut(&name) {
                found.stream(order);
            }
            self.touched.insert(name);
        }
        self.settle(now);
    }

    /// Takes a datagram from the socket.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        if !self.gateways.values().any(|gateway| gateway.has_address(from.ip())) {
            self.counters.strangers += 1;
            return;
        }
        self.transactions.handle_input(now, from, datagram);
        self.drain(now);
    }

    /// What protects ways may have changed.
    pub fn paths_changed(&mut self, now: Instant) {
        self.look_at_paths(now);
        self.settle(now);
    }

    /// Asks a gateway anew what its ports are like, as after its restart, but for calls that go on.
    /// Whether there is one of that name.
    pub fn reset(&mut self, now: Instant, name: &str) -> bool {
        let key = name.to_ascii_lowercase();
        if !self.gateways.contains_key(&key) {
            return false;
        }
        self.audit_all(&key);
        self.settle(now);
        true
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
        let gateways = self.gateways.values().filter_map(Gateway::poll_timeout).min();
        let held = self.ports.values().filter_map(|port| port.hold_until).min();
        [self.transactions.poll_timeout(), gateways, held].into_iter().flatten().min()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.transactions.handle_timeout(now);
        self.drain(now);
        self.keep_alive(now);
        for (name, port) in &mut self.ports {
            if port.hold_until.take_if(|until| *until <= now).is_some() {
                self.touched.insert(name.clone());
            }
        }
        self.settle(now);
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The gateways and how they are.
    pub fn gateways(&self) -> Vec<GatewayView> {
        self.gateways.keys().map(|key| self.view(key)).collect()
    }

    /// Whether no call has anything left here, and no command waits for its answer.
    pub fn is_idle(&self) -> bool {
        self.asked.is_empty() && self.ports.values().all(Port::is_idle)
    }

    fn drain(&mut self, now: Instant) {
        while let Some(indication) = self.transactions.poll_indication() {
            match indication {
                Indication::Command { key, command } => self.commanded(now, key, &command),
                Indication::Response { id, response, .. } => {
                    if let Some(question) = self.asked.remove(&id) {
                        self.capture(&question.port, || format!("<- {}", response.code));
                        let name = question.port.clone();
                        self.answered(now, question, Some(&response));
                        self.heard(now, &name);
                    }
                }
                Indication::Failed { id } => {
                    if let Some(question) = self.asked.remove(&id) {
                        self.unanswered(&question.port);
                        self.answered(now, question, None);
                    }
                }
                // Whoever executes for long is there; whoever is suspected has yet to fail; all
                // commands are answered at once.
                Indication::Provisional { .. }
                | Indication::Suspect { .. }
                | Indication::Abandoned { .. } => {}
            }
        }
        self.settle(now);
    }

    fn answered(&mut self, now: Instant, question: Question, response: Option<&Response>) {
        let Question { port: name, asked } = question;
        let Some(port) = self.ports.get_mut(&name) else { return };
        port.busy = false;
        self.touched.insert(name.clone());
        match asked {
            Asked::Audit { outage } => self.audited(now, &name, outage, response),
            Asked::Check { id } => self.checked(&name, id, response),
            Asked::Request { request, once } => self.requested(&name, request, once, response),
            Asked::Media { leg, step } => self.media_answered(&name, leg, step, response),
            Asked::Stale { id } => {
                let port = self.ports.get_mut(&name).expect("looked up above");
                port.stale.retain(|other| *other != id);
            }
        }
    }

    /// A gateway commands.
    fn commanded(&mut self, now: Instant, key: CommandKey, command: &Command) {
        let domain = command.endpoint.domain().to_ascii_lowercase();
        let own = self.gateways.get(&domain).is_some_and(|it| it.has_address(key.peer.ip()));
        let answer = if !own {
            self.counters.foreign += 1;
            Response::new(ReturnCode::UNKNOWN_ENDPOINT)
        } else {
            self.contact(now, &domain);
            match command.verb {
                Verb::Rsip => self.restarting(&domain, command),
                Verb::Ntfy => self.notified(now, &domain, command),
                Verb::Dlcx => self.deleted(&domain, command),
                _ => Response::new(ReturnCode::UNKNOWN_COMMAND),
            }
        };
        self.transactions.respond(now, key, answer);
    }

    /// Sees to everything that follows from changes.
    pub(super) fn settle(&mut self, now: Instant) {
        while let Some(name) = self.touched.pop_first() {
            self.settle_port(now, &name);
        }
    }

    /// Gives the gateway of a port a command.
    pub(super) fn ask(
        &mut self,
        now: Instant,
        name: &DeviceName,
        mut command: Command,
        asked: Asked,
    ) {
        let Some(port) = self.ports.get_mut(name) else { return };
        let Some(gateway) = self.gateways.get(&port.gateway) else { return };
        port.busy = true;
        command.version = gateway.config.version;
        let text = port
            .config
            .capture
            .then(|| format!("-> {} {}{}", command.verb, command.endpoint, summary(&command)));
        let id = self.transactions.send(now, &gateway.config.addresses, command);
        self.asked.insert(id, Question { port: name.clone(), asked });
        if let Some(text) = text {
            self.reports.push_back(Report::Captured { port: name.clone(), text });
        }
    }

    /// Forgets what a gateway was asked about its ports.
    pub(super) fn forget_questions(&mut self, of: impl Fn(&DeviceName) -> bool) {
        let transactions = &mut self.transactions;
        self.asked.retain(|id, question| {
            let keep = !of(&question.port);
            if !keep {
                transactions.cancel(*id);
            }
            keep
        });
    }

    /// How many ports of a gateway are being asked what they are like.
    pub(super) fn audits_under_way(&self, key: &str) -> usize {
        let own = |name: &DeviceName| self.ports.get(name).is_some_and(|it| it.gateway == key);
        let audits = self.asked.values().filter(|it| matches!(it.asked, Asked::Audit { .. }));
        audits.filter(|question| own(&question.port)).count()
    }

    /// A number for a request that no other of this run has.
    pub(super) fn next_request(&mut self) -> mgcp::RequestId {
        self.requests += 1;
        format!("{:X}", self.requests).parse().expect("1 to 16 hexadecimal digits")
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.reports.push_back(Report::Event(event));
    }

    pub(super) fn alarm(&mut self, alarm: GatewayAlarm) {
        self.reports.push_back(Report::Alarm(alarm));
    }

    /// Reports what was said with a port, if that is wanted.
    pub(super) fn capture(&mut self, name: &DeviceName, text: impl FnOnce() -> String) {
        if self.ports.get(name).is_some_and(|port| port.config.capture) {
            let (port, text) = (name.clone(), text());
            self.reports.push_back(Report::Captured { port, text });
        }
    }
}

/// The parameters of a command that hold no keys.
fn summary(command: &Command) -> String {
    let mut text = String::new();
    if let Some(mode) = command.params.mode {
        text += &format!(" M: {mode}");
    }
    if let Some(id) = command.params.connection() {
        text += &format!(" I: {id}");
    }
    for signal in command.params.signals.iter().flatten() {
        text += &format!(" S: {signal}");
    }
    if let Some(body) = &command.body {
        let secure = body.expose().contains("RTP/SAVP");
        text += if secure { " RTP/SAVP" } else { " RTP/AVP" };
    }
    text
}
