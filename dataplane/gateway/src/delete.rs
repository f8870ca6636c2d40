//! DLCX, from the call agent and from us.

use std::time::Instant;

use engine::command::{Command as EngineCommand, LegId, LegStats};
use mgcp::value::Reason;
use mgcp::{Command, Response, ReturnCode, Verb};

use crate::dispatch::{Executed, Target};
use crate::gateway::Gateway;
use crate::job::{Asker, Deletion, Job, Work, statistics};
use crate::options::IntoFault;

impl Deletion {
    /// Of these legs, without a word to anybody.
    pub(crate) fn of(legs: Vec<(u32, LegId)>) -> Self {
        Self { legs, ..Self::default() }
    }
}

impl Gateway {
    pub(crate) fn delete(
        &mut self,
        now: Instant,
        asker: Asker,
        command: &Command,
        target: &Target,
    ) -> Executed {
        let single = command.params.connection().is_some();
        let of_call = |(_, call): &(LegId, mgcp::CallId)| {
            command.params.call.is_none_or(|wanted| wanted == *call)
        };
        let numbers: Vec<u32> = match target {
            Target::Endpoint(number) => vec![*number],
            Target::Set(name) => {
                let active = self.endpoints.active().map(|(number, _)| number);
                active.filter(|number| self.endpoints.covers(name, *number)).collect()
            }
            Target::Any(_) | Target::Gateway => return Err(ReturnCode::UNSUPPORTED.into_fault()),
        };
        let legs = match (single, target) {
            (true, Target::Endpoint(number)) => {
                vec![(*number, self.find_connection(*number, command)?.leg)]
            }
            _ => {
                let legs_of = |number: &u32| {
                    let endpoint = self.endpoints.get(*number);
                    let connections = endpoint.into_iter().flat_map(|e| &e.connections);
                    let calls = connections.map(|c| (c.leg, c.call)).filter(of_call);
                    calls.map(|(leg, _)| (*number, leg)).collect::<Vec<_>>()
                };
                numbers.iter().flat_map(legs_of).collect()
            }
        };
        let call_unknown = legs.is_empty() && command.params.call.is_some();
        if call_unknown && matches!(target, Target::Endpoint(_)) {
            return Err(ReturnCode::WRONG_CALL.into_fault());
        }
        let request = match (command.params.carries_request(), target) {
            (false, _) => None,
            (true, Target::Endpoint(number)) => {
                Some(self.check_request(*number, &command.params, None)?)
            }
            (true, _) => return Err(ReturnCode::WILDCARD_TOO_COMPLICATED.into_fault()),
        };
        let commands = self.closing(&legs);
        let work = Work::Delete(Box::new(Deletion { single, ..Deletion::of(legs) }));
        let job = Job { request, ..Job::new(Some(asker), numbers, work) };
        self.start(now, job, commands);
        Ok(None)
    }

    /// Closes legs without having been asked.
    pub(crate) fn close(&mut self, now: Instant, deletion: Deletion) {
        let commands = self.closing(&deletion.legs);
        let numbers = deletion.legs.iter().map(|(number, _)| *number).collect();
        self.start(now, Job::new(None, numbers, Work::Delete(Box::new(deletion))), commands);
    }

    /// The engine has closed them.
    pub(crate) fn deleted(&mut self, now: Instant, deletion: Deletion) -> Response {
        let Deletion { legs, single, stats, announce } = deletion;
        for (number, leg) in legs {
            if let Some(reason) = &announce {
                self.announce_deletion(now, number, leg, reason.clone(), &stats);
            }
            let rest = self.config.transactions.t_hist;
            let removed = self.endpoints.remove(now, rest, number, leg);
            if let Some(connection) = removed {
                self.keys.forget(leg, &connection.media.security.keys());
                self.ports.give_back(connection.network, connection.local);
                self.disconnect_line(number, &connection);
                self.counters.connections_deleted += 1;
            }
        }
        let mut response = Response::new(ReturnCode::DELETED);
        response.params.statistics = single.then(|| statistics(&stats));
        response
    }

    /// Ends a connection that cannot go on; the call agent is told when the engine has closed it.
    pub(crate) fn give_up_connection(&mut self, now: Instant, leg: LegId) {
        let Some((number, _)) = self.endpoints.of_leg(leg) else { return };
        if self.busy.contains_key(&number) {
            // The engine lets nothing pass meanwhile.
            self.doomed.push(leg);
            return;
        }
        let text = Some("SRTP master key spent".into());
        let announce = Some(Reason { code: 905, package: None, text });
        self.close(now, Deletion { announce, ..Deletion::of(vec![(number, leg)]) });
    }

    fn announce_deletion(
        &mut self,
        now: Instant,
        number: u32,
        leg: LegId,
        reason: Reason,
        stats: &LegStats,
    ) {
        let Some((_, connection)) = self.endpoints.of_leg(leg) else { return };
        let mut command = Command::new(Verb::Dlcx, self.endpoint_name(number));
        command.params.call = Some(connection.call);
        command.params.connections = vec![connection.id()];
        command.params.reason = Some(reason);
        command.params.statistics = Some(statistics(stats));
        self.send_own(now, Some(number), command);
    }

    /// Closes legs, and those to the telephone side before them: statistics are of the last one.
    fn closing(&self, legs: &[(u32, LegId)]) -> Vec<EngineCommand> {
        let inner = |leg| self.endpoints.of_leg(leg).and_then(|(_, connection)| connection.inner);
        let both = |&(_, leg)| inner(leg).map(|inner| inner.leg).into_iter().chain([leg]);
        legs.iter().flat_map(both).map(|leg| EngineCommand::Close { leg }).collect()
    }
}
