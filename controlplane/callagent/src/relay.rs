//! Relays: whether they are there.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use callmanager::switchboard::LinkId;
use mgcp::message::ParamCode;
use mgcp::name::Wildcard;
use mgcp::transaction::CommandKey;
use mgcp::value::RestartMethod;
use mgcp::{Command, EndpointName, Response, ReturnCode, Verb};

use crate::agent::{Agent, Asked};
use crate::config::RelayConfig;
use crate::orphan::Orphans;
use crate::report::{RelayAlarm, RelayView, Report};

/// The state of a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RelayState {
    /// It takes streams.
    InService,
    /// Nothing was heard of it yet.
    Unknown,
    /// It has not answered in time: it is tried last.
    Suspected,
    /// It lets its streams end and takes no new ones.
    Leaving,
    /// It has gone, and said so.
    OutOfService,
    /// It does not answer.
    Down,
}

impl RelayState {
    /// Its name, for people and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InService => "in-service",
            Self::Unknown => "unknown",
            Self::Suspected => "suspected",
            Self::Leaving => "leaving",
            Self::OutOfService => "out-of-service",
            Self::Down => "down",
        }
    }

    /// Whether it may be given a stream.
    pub(crate) fn takes_streams(self) -> bool {
        self <= Self::Suspected
    }

    /// Whether commands about the streams it has are worth sending.
    pub(crate) fn hears(self) -> bool {
        self <= Self::Leaving
    }
}

/// A relay.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) config: RelayConfig,
    /// Of a plain RTP gateway: what it calls any endpoint.
    pub(crate) plain: Option<String>,
    pub(crate) state: RelayState,
    /// Streams that are open or being opened there.
    pub(crate) streams: usize,
    pub(crate) orphans: Orphans,
    /// It is being asked whether it is there.
    probed: bool,
    next_probe: Instant,
    /// The stream that it was last asked about.
    checked: LinkId,
    /// When it is down if nothing is heard of it; while it is suspected.
    down_at: Option<Instant>,
    /// When it is believed to be back if it still answers; once it has said that it goes.
    back_at: Option<Instant>,
}

/// How long a relay that has said that it goes, and has not gone, is left alone.
const LEAVE: Duration = Duration::from_secs(30);

impl Relay {
    pub(crate) fn new(now: Instant, config: RelayConfig, plain: Option<String>) -> Self {
        Self {
            config,
            plain,
            state: RelayState::Unknown,
            streams: 0,
            orphans: Orphans::default(),
            probed: false,
            next_probe: now,
            checked: LinkId(0),
            down_at: None,
            back_at: None,
        }
    }

    /// It takes no streams any more.
    fn leave(&mut self, now: Instant, state: RelayState) {
        self.state = state;
        self.back_at = Some(now + LEAVE);
    }

    /// An endpoint there.
    pub(crate) fn endpoint(&self, local: &str) -> EndpointName {
        EndpointName::new(local, &self.config.name).expect("the configuration was checked")
    }

    pub(crate) fn has_address(&self, address: IpAddr) -> bool {
        self.config.addresses.iter().any(|own| own.ip() == address)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let probe = (!self.probed).then_some(self.next_probe);
        [probe, self.down_at, self.orphans.poll_timeout()].into_iter().flatten().min()
    }
}

impl Agent {
    /// The relay that a new stream had best go through, but for those that were tried.
    pub(crate) fn choose(&self, tried: &[usize], encrypted: bool) -> Option<usize> {
        let candidates = self.relays.iter().enumerate();
        candidates
            .filter(|(index, relay)| relay.state.takes_streams() && !tried.contains(index))
            .filter(|(_, relay)| !(encrypted && relay.plain.is_some()))
            .min_by_key(|(_, relay)| (relay.state, relay.streams))
            .map(|(index, _)| index)
    }

    /// Something was heard of a relay.
    pub(crate) fn alive(&mut self, now: Instant, index: usize) {
        let relay = &mut self.relays[index];
        let before = relay.state;
        relay.down_at = None;
        match before {
            RelayState::Unknown | RelayState::Suspected | RelayState::Down => {
                relay.state = RelayState::InService;
            }
            RelayState::Leaving | RelayState::OutOfService
                if relay.back_at.is_some_and(|due| due <= now) =>
            {
                relay.state = RelayState::InService;
            }
            RelayState::InService | RelayState::Leaving | RelayState::OutOfService => return,
        }
        if before == RelayState::Down {
            self.alarm(RelayAlarm::Up { relay: self.relays[index].config.name.clone() });
        }
        if before != RelayState::Suspected && self.relays[index].plain.is_none() {
            // What it has of us that we know nothing of, from another life or a lost answer.
            self.look_for_orphans(now, index);
        }
        self.evacuate();
    }

    /// A relay does not answer.
    pub(crate) fn unanswered(&mut self, index: usize) {
        let relay = &mut self.relays[index];
        relay.down_at = None;
        let before = std::mem::replace(&mut relay.state, RelayState::Down);
        if before == RelayState::Down {
            return;
        }
        relay.orphans.forget();
        let relay = relay.config.name.clone();
        // One that has said that it goes is not missed.
        if before != RelayState::OutOfService {
            self.alarm(RelayAlarm::Down { relay });
        }
        self.evacuate();
    }

    /// A relay says to a new stream that it is not in service.
    pub(crate) fn not_in_service(&mut self, now: Instant, index: usize) {
        self.relays[index].leave(now, RelayState::OutOfService);
    }

    /// A relay takes too long.
    pub(crate) fn suspect(&mut self, now: Instant, index: usize) {
        let relay = &mut self.relays[index];
        if relay.state != RelayState::Down {
            relay.down_at.get_or_insert(now + self.config.down_after);
            relay.next_probe = now;
        }
        if matches!(relay.state, RelayState::InService | RelayState::Unknown) {
            relay.state = RelayState::Suspected;
        }
    }

    /// Streams of relays that are down, or going, are lost as soon as there is a better one.
    fn evacuate(&mut self) {
        let better = |relay: &Relay| relay.state == RelayState::InService;
        if !self.relays.iter().any(better) {
            return;
        }
        let leave = |relay: &Relay| matches!(relay.state, RelayState::Leaving | RelayState::Down);
        let leaving: Vec<_> = self.relays.iter().map(leave).collect();
        self.lose_open(|_, relay, _| leaving[relay]);
    }

    /// Asks relays whether they are there, and looks after orphans.
    pub(crate) fn probe(&mut self, now: Instant) {
        for index in 0..self.relays.len() {
            if self.relays[index].down_at.is_some_and(|due| due <= now) {
                self.unanswered(index);
            }
            let relay = &mut self.relays[index];
            if !relay.probed && relay.next_probe <= now {
                relay.probed = true;
                self.send_probe(now, index);
            }
            self.look_after_orphans(now, index);
        }
    }

    /// Asks a relay about one of its streams, or about nothing in particular. That shows streams
    /// that it has lost, although it has not told us: it tells one call agent of a restart, and
    /// may have others.
    fn send_probe(&mut self, now: Instant, index: usize) {
        let relay = &self.relays[index];
        // A plain one says nothing about its connections.
        let found = self.stream_after(index, relay.checked).filter(|_| relay.plain.is_none());
        let (mut command, asked) = match &found {
            Some((link, local)) => {
                (Command::new(Verb::Auep, relay.endpoint(local)), Asked::Check { link: *link })
            }
            None => (Command::new(Verb::Auep, relay.endpoint("mg")), Asked::Probe),
        };
        if let Some((link, _)) = found {
            command.params.requested_info = Some(vec![ParamCode::I]);
            self.relays[index].checked = link;
        }
        self.ask(now, index, command, asked);
    }

    /// A relay has said what it knows of a stream.
    pub(crate) fn checked(
        &mut self,
        now: Instant,
        index: usize,
        link: LinkId,
        response: &Response,
    ) {
        self.probe_ended(now, index);
        let unknown = [ReturnCode::UNKNOWN_ENDPOINT, ReturnCode::WRONG_CONNECTION];
        let telling = response.code.is_success() || unknown.contains(&response.code);
        if telling && self.forgotten(index, link, &response.params.connections) {
            // It will hardly be the only one.
            self.relays[index].next_probe = now;
        }
    }

    /// A relay was heard of, or not: it is asked again after a while.
    pub(crate) fn probe_ended(&mut self, now: Instant, index: usize) {
        self.relays[index].probed = false;
        self.relays[index].next_probe = now + self.config.keep_alive;
    }

    /// A relay says something by itself.
    pub(crate) fn commanded(&mut self, now: Instant, key: CommandKey, command: &Command) {
        self.counters.commands += 1;
        let domain = command.endpoint.domain();
        let is_it = |relay: &Relay| {
            relay.config.name.eq_ignore_ascii_case(domain) && relay.has_address(key.peer.ip())
        };
        let index = self.relays.iter().position(is_it);
        let known = matches!(command.verb, Verb::Rsip | Verb::Ntfy | Verb::Dlcx);
        let code = match (index, known) {
            (None, _) => ReturnCode::UNKNOWN_ENDPOINT,
            (_, false) => ReturnCode::UNKNOWN_COMMAND,
            (Some(_), true) => ReturnCode::OK,
        };
        // First of all: before a restart is acknowledged, the relay takes no commands.
        self.transactions.respond(now, key, Response::new(code));
        let Some(index) = index else { return };
        match (command.verb, command.params.restart_method) {
            (Verb::Rsip, Some(method)) => self.restarted(now, index, &command.endpoint, method),
            (Verb::Ntfy, _) => {
                self.alive(now, index);
                self.notified(index, command);
            }
            (Verb::Dlcx, _) => {
                self.alive(now, index);
                self.deleted_by_relay(index, &command.endpoint);
            }
            _ => {}
        }
    }

    /// The service of a relay changes (RFC 3435 §2.3.12).
    fn restarted(
        &mut self,
        now: Instant,
        index: usize,
        endpoints: &EndpointName,
        method: RestartMethod,
    ) {
        let name = self.relays[index].config.name.clone();
        let whole = endpoints.wildcard() == Wildcard::All && endpoints.covers("mg");
        match method {
            RestartMethod::Restart | RestartMethod::Forced => {
                let before = self.relays[index].state;
                let restart = method == RestartMethod::Restart;
                if whole {
                    self.relays[index].orphans.forget();
                    match restart {
                        true => self.relays[index].state = RelayState::InService,
                        false => self.relays[index].leave(now, RelayState::OutOfService),
                    }
                }
                let streams = self.relay_forgot(now, index, |local| endpoints.covers(local));
                let away = matches!(before, RelayState::OutOfService | RelayState::Down);
                let alarm = match (restart, before) {
                    _ if !whole => None,
                    (true, _) if streams > 0 => {
                        Some(RelayAlarm::Restarted { relay: name, streams })
                    }
                    (true, _) if away => Some(RelayAlarm::Up { relay: name }),
                    (true, _) | (false, RelayState::Leaving | RelayState::OutOfService) => None,
                    (false, _) => Some(RelayAlarm::Leaving { relay: name }),
                };
                if let Some(alarm) = alarm {
                    self.alarm(alarm);
                }
                if restart {
                    // Nothing, if the news is not from yesterday.
                    self.look_for_orphans(now, index);
                }
            }
            RestartMethod::Graceful if whole => {
                self.relays[index].leave(now, RelayState::Leaving);
                self.alarm(RelayAlarm::Leaving { relay: name });
            }
            RestartMethod::Graceful => {}
            RestartMethod::Disconnected | RestartMethod::CancelGraceful => {
                self.relays[index].state = RelayState::InService;
                // While we could not hear of each other, either may have given something up.
                self.look_for_orphans(now, index);
            }
        }
        self.evacuate();
    }

    /// The relays, for operators.
    pub fn relays(&self) -> Vec<RelayView> {
        let view = |relay: &Relay| RelayView {
            name: relay.config.name.clone(),
            address: relay.config.addresses[0],
            state: relay.state,
            streams: relay.streams,
            orphans: relay.orphans.count(),
        };
        self.relays.iter().map(view).collect()
    }

    pub(crate) fn alarm(&mut self, alarm: RelayAlarm) {
        self.reports.push_back(Report::Alarm(alarm));
    }
}
