//! Commands in execution: what the engine still has to say, and what follows then.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use engine::command::{Command as EngineCommand, LegId, LegStats, Refusal, RelayId, Reply, Token};
use mgcp::transaction::CommandKey;
use mgcp::value::{Reason, Statistics};
use mgcp::{CallId, ConnectionId, Response, ReturnCode, ValueError};

use crate::endpoint::{Connection, Notified};
use crate::gateway::Gateway;
use crate::media::Media;
use crate::notify::Request;
use crate::options::IntoFault;

/// Number of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct JobId(pub(crate) u64);

/// A command that waits for the engine. Its endpoints take no other meanwhile.
pub(crate) struct Job {
    /// Who is to be answered; nobody for our own doing.
    pub(crate) asker: Option<Asker>,
    pub(crate) endpoints: Vec<u32>,
    pub(crate) work: Work,
    /// The notification request that rides on the command, or is it.
    pub(crate) request: Option<Request>,
    pub(crate) outstanding: usize,
    /// The first refusal of the engine.
    pub(crate) refused: Option<Refusal>,
}

/// Who commanded.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    pub(crate) key: CommandKey,
    /// Whom the endpoints notify once the command has succeeded; audits do not change it.
    pub(crate) listener: Option<Listener>,
}

/// RFC 3435 §4.4.1: `N:` of the command if it has one (`Some(None)` when empty), else its source.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    pub(crate) commander: SocketAddr,
    pub(crate) notified: Option<Option<Notified>>,
}

/// What is being done.
pub(crate) enum Work {
    /// CRCX
    Create(Box<Creation>),
    /// MDCX
    Modify(Box<Modification>),
    /// DLCX, from whomever, and closing for any other reason.
    Delete(Box<Deletion>),
    /// AUCX that asks for statistics.
    Query(Box<Response>),
    /// RQNT
    Request,
    /// An event made the two connections of its endpoint change places.
    Swap,
}

pub(crate) struct Creation {
    pub(crate) number: u32,
    /// The endpoint was chosen by us.
    pub(crate) any: bool,
    pub(crate) connection: Connection,
    pub(crate) relay: RelayId,
    /// Nobody waits for it any more: it goes as soon as it is there.
    pub(crate) unwanted: bool,
}

pub(crate) struct Modification {
    pub(crate) number: u32,
    pub(crate) id: ConnectionId,
    pub(crate) call: CallId,
    pub(crate) agent: IpAddr,
    pub(crate) leg: LegId,
    pub(crate) media: Media,
}

#[derive(Default)]
pub(crate) struct Deletion {
    /// Legs with their endpoints.
    pub(crate) legs: Vec<(u32, LegId)>,
    /// The command named one connection: its statistics are told.
    pub(crate) single: bool,
    /// Of the last leg that was closed.
    pub(crate) stats: LegStats,
    /// We end the connection and tell the call agent why.
    pub(crate) announce: Option<Reason>,
}

impl Job {
    /// A job that has nothing to ask the engine yet.
    pub(crate) fn new(asker: Option<Asker>, endpoints: Vec<u32>, work: Work) -> Self {
        Self { asker, endpoints, work, request: None, outstanding: 0, refused: None }
    }

    /// Nobody waits for the outcome any more.
    pub(crate) fn abandon(&mut self) {
        self.asker = None;
        if let Work::Create(creation) = &mut self.work {
            creation.unwanted = true;
        }
    }
}

impl Gateway {
    /// Hands commands to the engine and notes what follows their replies.
    pub(crate) fn start(&mut self, now: Instant, mut job: Job, commands: Vec<EngineCommand>) {
        let id = JobId(self.serial());
        job.outstanding = commands.len();
        for command in commands {
            let token = Token(self.serial());
            self.tokens.insert(token, id);
            self.commands.push_back((token, command));
        }
        self.busy.extend(job.endpoints.iter().map(|number| (*number, id)));
        let done = job.outstanding == 0;
        self.jobs.insert(id, job);
        if done {
            self.finish(now, id, Ok(()));
        }
    }

    pub(crate) fn take_reply(&mut self, now: Instant, token: Token, reply: Reply) {
        let Some(id) = self.tokens.remove(&token) else { return };
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.outstanding -= 1;
        match reply {
            Reply::Done => {}
            Reply::Stats(stats) => match &mut job.work {
                Work::Delete(deletion) => deletion.stats = stats,
                Work::Query(response) => {
                    response.params.statistics = Some(statistics(&stats));
                }
                Work::Create(_) | Work::Modify(_) | Work::Request | Work::Swap => {}
            },
            Reply::Refused(refusal) => {
                self.counters.engine_refusals += 1;
                job.refused.get_or_insert(refusal);
            }
        }
        if job.outstanding == 0 {
            let outcome = job.refused.map_or(Ok(()), Err);
            self.finish(now, id, outcome);
        }
    }

    fn finish(&mut self, now: Instant, id: JobId, outcome: Result<(), Refusal>) {
        let Some(Job { asker, endpoints, work, request, .. }) = self.jobs.remove(&id) else {
            return;
        };
        for number in &endpoints {
            self.busy.remove(number);
        }
        let result = match work {
            Work::Create(creation) => self.created(now, *creation, outcome),
            Work::Modify(modification) => self.modified(*modification, outcome),
            // A leg the engine does not know is as gone as one it closed.
            Work::Delete(deletion) => Ok(self.deleted(now, *deletion)),
            Work::Query(response) => Ok(*response),
            Work::Request => Ok(Response::new(ReturnCode::OK)),
            Work::Swap => Ok(Response::new(ReturnCode::OK)),
        };
        if result.is_ok() {
            let listener = asker.as_ref().and_then(|asker| asker.listener.as_ref());
            for &number in &endpoints {
                self.put_in_force(now, number, listener, request.as_ref());
            }
        }
        if let Some(Asker { key, .. }) = asker {
            self.answer(now, key, result);
        }
        for number in endpoints {
            self.endpoints.settle(number);
        }
        self.run_waiting(now);
        for leg in std::mem::take(&mut self.doomed) {
            self.give_up_connection(now, leg);
        }
    }

    /// Whom an endpoint notifies from now on, and of what.
    fn put_in_force(
        &mut self,
        now: Instant,
        number: u32,
        listener: Option<&Listener>,
        request: Option<&Request>,
    ) {
        // The command may have ended it.
        if !self.endpoints.exists(number) {
            return;
        }
        if let Some(listener) = listener {
            self.endpoints.set_listener(number, listener);
        }
        if let Some(request) = request {
            let kind = self.endpoints.kind(number);
            self.apply_signals(now, number, &request.signals);
            let effects = self.endpoints.activate(number).requests_mut(kind).replace(now, request);
            self.take_effect(now, number, effects);
        }
    }
}

/// What a refusal of the engine means for the call agent.
pub(crate) fn refusal_fault(refusal: Refusal) -> ValueError {
    match refusal {
        Refusal::Full => ReturnCode::NO_RESOURCES_NOW.into_fault(),
        Refusal::PortFailed => ReturnCode::NO_RESOURCES.into_fault(),
        Refusal::BadAddress => {
            ValueError::new(ReturnCode::UNSUPPORTED_REMOTE, "address cannot be reached from here")
        }
        Refusal::UnknownLeg
        | Refusal::LegExists
        | Refusal::RelayFull
        | Refusal::AddressInUse
        | Refusal::CannotMove => ReturnCode::TRANSIENT.into_fault(),
    }
}

/// `P:` of a leg.
pub(crate) fn statistics(stats: &LegStats) -> Statistics {
    let number = |n: u64| Some(n.min(u64::from(Statistics::MAX)) as u32);
    Statistics {
        packets_sent: number(stats.packets_sent),
        octets_sent: number(stats.octets_sent),
        packets_received: number(stats.packets_received),
        octets_received: number(stats.octets_received),
        packets_lost: number(stats.packets_lost),
        jitter_ms: number(stats.jitter_us / 1000),
        // A relay does not measure the way from end to end.
        latency_ms: Some(0),
        extensions: Vec::new(),
    }
}
