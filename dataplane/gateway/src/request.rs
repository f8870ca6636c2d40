//! RQNT, and NTFY that follows from it.

use std::time::Instant;

use engine::command::{Command as EngineCommand, LegId};
use mgcp::{Command, Response, ReturnCode, Verb};

use crate::create::leg_spec;
use crate::dispatch::{Executed, Target};
use crate::endpoint::Endpoint;
use crate::gateway::{Gateway, local_name};
use crate::job::{Asker, Job, Work};
use crate::notify::{Happening, Notification, Request};
use crate::options::IntoFault;

impl Gateway {
    pub(crate) fn request(
        &mut self,
        now: Instant,
        asker: Asker,
        command: &Command,
        target: &Target,
    ) -> Executed {
        let request = Request::check(&command.params, None)?;
        let numbers = match target {
            Target::Endpoint(number) => vec![*number],
            Target::Set(name) => self.members(name)?,
            // The gateway itself has no events; a request without any is harmless.
            Target::Gateway if request.events.is_empty() => {
                return Ok(Some(Response::new(ReturnCode::OK)));
            }
            Target::Gateway | Target::Any => return Err(ReturnCode::CANNOT_DETECT.into_fault()),
        };
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

    /// The engine reports something of a leg.
    pub(crate) fn happened(&mut self, now: Instant, leg: LegId, what: Happening) {
        let Some((number, connection)) = self.endpoints.of_leg(leg) else { return };
        let id = connection.id();
        let requests = self.endpoints.get_mut(number).and_then(|e| e.requests.as_mut());
        let notification = requests.and_then(|requests| requests.observe(what, id));
        self.notify(now, number, notification);
    }

    pub(crate) fn notify(&mut self, now: Instant, number: u32, notification: Option<Notification>) {
        let Some(Notification { id, observed }) = notification else { return };
        let mut command = Command::new(Verb::Ntfy, self.name(&local_name(number)));
        command.params.request_id = Some(id);
        command.params.observed = Some(observed);
        let entity = self.endpoints.get(number).and_then(Endpoint::notified);
        command.params.notified = entity.map(|notified| Some(notified.entity.clone()));
        let transaction = self.send_own(now, Some(number), command);
        self.endpoints.activate(number).requests_mut().sent(transaction);
        self.notifying.insert(transaction, number);
        self.counters.notifications += 1;
    }
}
