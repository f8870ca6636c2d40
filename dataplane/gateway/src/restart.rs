//! Service of the gateway: restart, loss of the call agent, stop (RFC 3435 §4.4.5 to §4.4.7).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mgcp::transaction::CommandKey;
use mgcp::value::RestartMethod;
use mgcp::{Command, Response, ReturnCode, TransactionId, ValueError, Verb, Version};
use rand::{CryptoRng, Rng};

use crate::config::Config;
use crate::gateway::{Gateway, Waiting};
use crate::job::Deletion;
use crate::options::IntoFault;

/// `Tdinit`, `Tdmin`, `Tdmax` of the disconnected procedure.
const TD_INIT: Duration = Duration::from_secs(15);
const TD_MIN: Duration = Duration::from_secs(15);
const TD_MAX: Duration = Duration::from_secs(600);
/// How often a redirected restart is followed before it counts as refused.
const REDIRECTS: u8 = 8;

/// State of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Up; the restart will be announced at this time, or when somebody commands.
    ToBeAnnounced { at: Instant },
    /// The restart is being announced.
    Announcing { transaction: TransactionId, redirects: u8 },
    /// In service.
    Up,
    /// The call agent was lost. It is told that we are back at this time, or when it commands.
    Disconnected { at: Instant, delay: Duration, method: RestartMethod },
    /// It is being told.
    Returning { transaction: TransactionId, delay: Duration, method: RestartMethod },
    /// Going out of service: calls may end by themselves until this time.
    Leaving { until: Instant },
    /// Out of service; the call agent is being told, if that was wanted.
    Stopping { transaction: Option<TransactionId> },
}

impl Service {
    pub(crate) fn new(now: Instant, config: &Config, rng: &mut dyn CryptoRng) -> Self {
        if !config.announce {
            return Self::Up;
        }
        let delay = config.restart_delay_max.mul_f64(rng.random_range(0.0..1.0));
        Self::ToBeAnnounced { at: now + delay }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::ToBeAnnounced { .. } | Self::Announcing { .. } => "restarting",
            Self::Up => "in service",
            Self::Disconnected { .. } | Self::Returning { .. } => "disconnected",
            Self::Leaving { .. } => "going out of service",
            Self::Stopping { .. } => "out of service",
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::ToBeAnnounced { at } | Self::Disconnected { at, .. } => Some(*at),
            Self::Leaving { until } => Some(*until),
            _ => None,
        }
    }

    /// The announcement under way, which must be heard before any answer.
    pub(crate) fn announcement(&self) -> Option<TransactionId> {
        match self {
            Self::Announcing { transaction, .. } | Self::Returning { transaction, .. } => {
                Some(*transaction)
            }
            _ => None,
        }
    }

    /// Whether the call agent knows that we are here.
    pub(crate) fn is_up(&self) -> bool {
        matches!(self, Self::Up | Self::Leaving { .. })
    }

    pub(crate) fn is_leaving(&self) -> bool {
        matches!(self, Self::Leaving { .. })
    }

    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self, Self::Stopping { transaction: None })
    }
}

impl Gateway {
    /// Whether a command may be executed in the present state of service.
    pub(crate) fn admit(
        &mut self,
        now: Instant,
        key: CommandKey,
        command: &Command,
    ) -> Result<(), ValueError> {
        if command.verb.is_audit() {
            return Ok(());
        }
        match self.service {
            Service::Up | Service::Returning { .. } => Ok(()),
            Service::ToBeAnnounced { .. } => {
                self.announce_restart(now, 0);
                Err(ReturnCode::RESTARTING.into_fault())
            }
            Service::Announcing { .. } => Err(ReturnCode::RESTARTING.into_fault()),
            Service::Disconnected { delay, method, .. } => {
                // Whoever commands is back.
                self.redirected = Some(vec![key.peer]);
                self.announce_return(now, delay, method);
                Ok(())
            }
            // The other side of a call that is there may still come.
            Service::Leaving { .. } if command.verb != Verb::Crcx => Ok(()),
            Service::Leaving { .. } if self.has_connections(&command.endpoint) => Ok(()),
            Service::Leaving { .. } | Service::Stopping { .. } => {
                Err(ReturnCode::NOT_READY.into_fault())
            }
        }
    }

    pub(crate) fn service_timeout(&mut self, now: Instant) {
        match self.service {
            Service::ToBeAnnounced { at } if at <= now => self.announce_restart(now, 0),
            Service::Disconnected { at, delay, method } if at <= now => {
                self.announce_return(now, delay, method);
            }
            Service::Leaving { until } if until <= now => self.stop_service(now),
            _ => {}
        }
    }

    /// Somebody lifts a receiver: whoever is to be told that we are here is told now.
    pub(crate) fn hasten(&mut self, now: Instant) {
        match self.service {
            Service::ToBeAnnounced { .. } => self.announce_restart(now, 0),
            Service::Disconnected { delay, method, .. } => self.announce_return(now, delay, method),
            _ => {}
        }
    }

    fn announce_restart(&mut self, now: Instant, redirects: u8) {
        let transaction = self.announce(now, RestartMethod::Restart, None);
        self.service = Service::Announcing { transaction, redirects };
    }

    fn announce_return(&mut self, now: Instant, delay: Duration, method: RestartMethod) {
        let transaction = self.announce(now, method, None);
        self.service = Service::Returning { transaction, delay, method };
    }

    fn announce(
        &mut self,
        now: Instant,
        method: RestartMethod,
        delay: Option<Duration>,
    ) -> TransactionId {
        let mut command = Command::new(Verb::Rsip, self.name("*"));
        command.params.restart_method = Some(method);
        command.params.restart_delay = delay.map(|delay| delay.as_secs() as u32);
        self.counters.restarts += 1;
        self.send_own(now, None, command)
    }

    /// Whether `id` was an announcement; then its answer has been dealt with.
    pub(crate) fn announcement_answered(
        &mut self,
        now: Instant,
        id: TransactionId,
        from: SocketAddr,
        response: &Response,
    ) -> bool {
        let code = response.code.known();
        let entity = response.params.notified.as_ref().and_then(Option::as_ref);
        let elsewhere = entity.and_then(|entity| self.addresses_of(entity).ok());
        match self.service {
            Service::Announcing { transaction, redirects } if transaction == id => {
                match (code, elsewhere) {
                    (ReturnCode::REDIRECTED, Some(there)) if redirects < REDIRECTS => {
                        self.redirected = Some(there);
                        self.announce_restart(now, redirects + 1);
                    }
                    (code, _) if code.is_transient() => {
                        let delay = TD_MIN.mul_f64(self.rng.random_range(0.1..1.0));
                        self.service = Service::ToBeAnnounced { at: now + delay };
                    }
                    // Done, or refused for good: whoever commands now shall be served.
                    (code, there) => {
                        self.redirected = match there {
                            Some(there) if code.is_success() => Some(there),
                            _ => Some(vec![from]),
                        };
                        self.service = Service::Up;
                        self.tell_what_was_held(now);
                    }
                }
            }
            Service::Returning { transaction, delay, method } if transaction == id => {
                match elsewhere {
                    Some(there) if code == ReturnCode::REDIRECTED => {
                        self.redirected = Some(there);
                        self.disconnected_for(now, delay, method);
                    }
                    there => {
                        self.redirected = there.or(Some(vec![from]));
                        self.service = Service::Up;
                        self.tell_what_was_held(now);
                    }
                }
            }
            Service::Stopping { transaction: Some(transaction) } if transaction == id => {
                self.service = Service::Stopping { transaction: None };
            }
            _ => return false,
        }
        true
    }

    /// Whether `id` was an announcement; then its failure has been dealt with.
    pub(crate) fn announcement_failed(&mut self, now: Instant, id: TransactionId) -> bool {
        match self.service {
            Service::Announcing { transaction, .. } if transaction == id => {
                // Nobody has heard of the restart yet, so that is what will be announced.
                let first = self.first_delay();
                self.disconnected_for(now, first, RestartMethod::Restart);
            }
            Service::Returning { transaction, delay, method } if transaction == id => {
                self.disconnected_for(now, (delay * 2).clamp(TD_MIN, TD_MAX), method);
            }
            Service::Stopping { transaction: Some(transaction) } if transaction == id => {
                self.service = Service::Stopping { transaction: None };
            }
            _ => return false,
        }
        true
    }

    /// A command of ours was never answered.
    pub(crate) fn disconnected(&mut self, now: Instant) {
        if self.service == Service::Up && self.config.announce {
            let first = self.first_delay();
            self.disconnected_for(now, first, RestartMethod::Disconnected);
        }
    }

    fn first_delay(&mut self) -> Duration {
        TD_INIT.mul_f64(self.rng.random_range(1.0 / 15.0..1.0))
    }

    fn disconnected_for(&mut self, now: Instant, delay: Duration, method: RestartMethod) {
        // Any of the provisioned call agents may be the one that answers.
        self.service = Service::Disconnected { at: now + delay, delay, method };
    }

    /// Lets the calls there are end by themselves for so long, and takes no new ones.
    pub(crate) fn leave_service(&mut self, now: Instant, delay: Duration) {
        if matches!(self.service, Service::Leaving { .. } | Service::Stopping { .. }) {
            return;
        }
        self.service = Service::Leaving { until: now + delay };
        if self.config.announce && !self.is_idle() {
            self.announce(now, RestartMethod::Graceful, Some(delay));
        }
    }

    /// There is nothing to wait for any more.
    pub(crate) fn stop_if_idle(&mut self, now: Instant) {
        if matches!(self.service, Service::Leaving { .. }) && self.is_idle() {
            self.stop_service(now);
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.jobs.is_empty() && self.endpoints.connections() == 0
    }

    pub(crate) fn stop_service(&mut self, now: Instant) {
        if matches!(self.service, Service::Stopping { .. }) {
            return;
        }
        let transaction =
            self.config.announce.then(|| self.announce(now, RestartMethod::Forced, None));
        self.service = Service::Stopping { transaction };
        for Waiting { key, .. } in std::mem::take(&mut self.waiting) {
            self.answer(now, key, Err(ReturnCode::NOT_READY.into_fault()));
        }
        // What is being made right now goes as soon as it is there.
        for job in self.jobs.values_mut() {
            job.abandon();
        }
        let legs: Vec<_> = self
            .endpoints
            .active()
            .flat_map(|(number, e)| e.connections.iter().map(move |c| (number, c.leg)))
            .collect();
        self.close(now, Deletion::of(legs));
    }

    /// Peers of the 0.1 dialect do not expect two messages in a datagram.
    pub(crate) fn piggybacks(&self) -> bool {
        self.config.own_version == Version::V1_0
    }
}
