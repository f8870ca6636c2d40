//! RQNT, and NTFY that follows from it.

use std::time::Instant;

use engine::command::{Command as EngineCommand, LegId};
use mgcp::{Command, Response, ReturnCode, Verb};

use crate::create::leg_spec;
use crate::dispatch::{Executed, Target};
use crate::endpoint::Endpoint;
use crate::gateway::Gateway;
use crate::job::{Asker, Job, Work};
use crate::notify::{Effect, Notification, Observation, Request};
use crate::options::IntoFault;
use crate::packages::Kind;

impl Gateway {
    pub(crate) fn request(
        &mut self,
        now: Instant,
        asker: Asker,
        command: &Command,
        target: &Target,
    ) -> Executed {
        let numbers = match target {
            Target::Endpoint(number) => vec![*number],
            Target::Set(name) => self.members(name)?,
            // The gateway itself has no events; a request without any is harmless.
            Target::Gateway
                if Request::check(Kind::Relay, &command.params, None)?.events.is_empty() =>
            {
                return Ok(Some(Response::new(ReturnCode::OK)));
            }
            Target::Gateway | Target::Any(_) => return Err(ReturnCode::CANNOT_DETECT.into_fault()),
        };
        let mut kinds: Vec<Kind> = numbers.iter().map(|n| self.endpoints.kind(*n)).collect();
        kinds.dedup();
        let [kind] = kinds[..] else {
            return Err(ReturnCode::WILDCARD_TOO_COMPLICATED.into_fault());
        };
        let request = Request::check(kind, &command.params, None)?;
        for &number in &numbers {
            self.check_state(number, &request, None)?;
        }
        let modifies = self.retimed(&numbers, &request);
        let request = Some(request);
        let job = Job { request, ..Job::new(Some(asker), numbers, Work::Request) };
        self.start(now, job, modifies);
        Ok(None)
    }

    /// The engine commands that let existing legs report silence as `request` wants it.
    fn retimed(&mut self, numbers: &[u32], request: &Request) -> Vec<EngineCommand> {
        let mut commands = Vec::new();
        for &number in numbers {
            let Some(endpoint) = self.endpoints.get(number) else { continue };
            let silence = endpoint.request().and_then(Request::silence);
            if silence == request.silence() {
                continue;
            }
            for connection in &endpoint.connections {
                let place = (connection.network, connection.local);
                let media = connection.media.media();
                let spec = leg_spec(&self.config, &mut *self.rng, place, &media, Some(request));
                commands.push(EngineCommand::Modify { leg: connection.leg, spec: Box::new(spec) });
            }
        }
        commands
    }

    /// Something of a leg is to be told: an event of this package.
    pub(crate) fn happened(
        &mut self,
        now: Instant,
        leg: LegId,
        package: &'static str,
        event: &'static str,
    ) {
        let Some((number, connection)) = self.endpoints.of_leg(leg) else { return };
        let observation = Observation::new(package, event).on(connection.id());
        let requests = self.endpoints.get_mut(number).and_then(|e| e.requests.as_mut());
        let effects = requests.map(|requests| requests.observe(now, observation));
        self.take_effect(now, number, effects.unwrap_or_default());
    }

    /// Does what events led to.
    pub(crate) fn take_effect(&mut self, now: Instant, number: u32, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Notify(notification) => self.notify(now, number, notification),
                Effect::StopSignals => self.stop_signals(number),
                Effect::Signals(signals) => self.apply_signals(now, number, &signals),
                Effect::Swap => self.swap_connections(now, number),
            }
        }
        self.rearm(number);
    }

    fn notify(&mut self, now: Instant, number: u32, notification: Notification) {
        let Notification { id, observed } = notification;
        let mut command = Command::new(Verb::Ntfy, self.endpoint_name(number));
        command.params.request_id = Some(id);
        command.params.observed = Some(observed);
        let entity = self.endpoints.get(number).and_then(Endpoint::notified);
        command.params.notified = entity.map(|notified| Some(notified.entity.clone()));
        let transaction = self.send_own(now, Some(number), command);
        let kind = self.endpoints.kind(number);
        self.endpoints.activate(number).requests_mut(kind).sent(transaction);
        self.notifying.insert(transaction, number);
        self.counters.notifications += 1;
    }
}
