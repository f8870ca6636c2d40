//! MDCX.

use std::time::Instant;

use engine::command::{Command as EngineCommand, Refusal};
use mgcp::{Command, Response, ReturnCode, ValueError};

use crate::dispatch::Executed;
use crate::endpoint::Connection;
use crate::gateway::Gateway;
use crate::job::{Asker, Job, Modification, Work, refusal_fault};
use crate::kept::Kept;
use crate::options::IntoFault;

impl Gateway {
    pub(crate) fn modify(
        &mut self,
        now: Instant,
        asker: Asker,
        command: &Command,
        number: u32,
    ) -> Executed {
        let old = self.find_connection(number, command)?;
        let (id, call, leg) = (old.id(), old.call, old.leg);
        let (network, local) = (old.network, old.local);
        let old_media = old.media.media();
        let request = match command.params.carries_request() {
            true => Some(self.check_request(number, &command.params, Some(id))?),
            false => None,
        };
        let (media, orders) = self.negotiate(number, leg, Some(&old_media), command)?;
        if media.remote_ip().is_some_and(|ip| ip.is_ipv4() != local.is_ipv4()) {
            return Err(refusal_fault(Refusal::BadAddress));
        }
        if orders
            .network
            .is_some_and(|n| !n.eq_ignore_ascii_case(&self.config.networks[network].name))
        {
            let what = "a connection cannot move to another media network";
            return Err(ValueError::new(ReturnCode::OPTION_VALUE, what));
        }
        self.keys.set(leg, &old_media.security.keys(), &media.security.keys());
        let spec = self.spec(number, network, local, &media, request.as_ref());
        let agent = asker.key.peer.ip();
        let modification = Modification { number, id, call, agent, leg, media };
        let modify = EngineCommand::Modify { leg, spec };
        let work = Work::Modify(Box::new(modification));
        let job = Job { request, ..Job::new(Some(asker), vec![number], work) };
        self.start(now, job, vec![modify]);
        Ok(None)
    }

    /// The engine has replied.
    pub(crate) fn modified(
        &mut self,
        modification: Modification,
        outcome: Result<(), Refusal>,
    ) -> Result<Response, ValueError> {
        let Modification { number, id, agent, leg, media, .. } = modification;
        let endpoint = self.endpoints.get_mut(number);
        let connection = endpoint.and_then(|endpoint| endpoint.connection_mut(id));
        let connection = connection.ok_or(ReturnCode::WRONG_CONNECTION.into_fault())?;
        let announced = connection.media.media();
        let fresh = announced.security.keys() != media.security.keys();
        if let Err(refusal) = outcome {
            self.keys.undo(leg, &announced.security.keys(), &media.security.keys());
            return Err(refusal_fault(refusal));
        }
        let mut response = Response::new(ReturnCode::OK);
        let same = media.announces_same(&announced);
        let inner = connection.inner.map(|inner| (inner, media.for_line(fresh)));
        connection.media = Kept::new(&mut self.shelf, media);
        connection.agent = agent;
        if !same {
            connection.version += 1;
            response.bodies = vec![connection.description().to_body()];
        }
        if let Some((inner, connection)) = inner {
            self.connect_line(number, inner, connection);
        }
        Ok(response)
    }

    /// The connection a command names, if its call is the right one.
    pub(crate) fn find_connection(
        &self,
        number: u32,
        command: &Command,
    ) -> Result<&Connection, ValueError> {
        let id = command.params.connection().ok_or(ReturnCode::WRONG_CONNECTION.into_fault())?;
        let endpoint = self.endpoints.get(number);
        let connection = endpoint.and_then(|endpoint| endpoint.connection(id));
        let connection = connection.ok_or(ReturnCode::WRONG_CONNECTION.into_fault())?;
        match command.params.call {
            Some(call) if call != connection.call => Err(ReturnCode::WRONG_CALL.into_fault()),
            _ => Ok(connection),
        }
    }
}
