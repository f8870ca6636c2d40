//! Commands that wait for the engine.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use engine::command::{Command, LegId, LegStats, Refusal, Reply, Token};

use crate::call::{Call, Pulse, heard};
use crate::exchange::Exchange;
use crate::front::{Asked, Ng};
use crate::request::{Refused, Who};
use crate::value::Dictionary;

/// Number of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct JobId(u64);

/// What waits for the engine.
pub(crate) struct Job {
    /// Who is told of the outcome.
    asked: Option<Asked>,
    /// The call-id that nothing else is done about meanwhile.
    call: Option<Vec<u8>>,
    awaited: usize,
    refusal: Option<Refusal>,
    stats: Stats,
    work: Work,
}

/// Statistics by leg.
pub(crate) type Stats = HashMap<LegId, LegStats>;

/// What is done with the replies.
pub(crate) enum Work {
    /// An offer or an answer takes effect.
    Exchange(Box<Exchange>),
    /// Somebody's media are blocked or not any more: the call is so from then on.
    Block(Box<Call>),
    /// Its statistics are told.
    Query(Who),
    /// It is looked at for silence.
    Look,
    /// It has ended.
    End(Box<Call>),
    /// Addresses are free.
    Tidy(Vec<(usize, SocketAddr)>),
}

/// Calls are looked at so many times in the time after which silence ends them.
const LOOKS: u32 = 4;
/// But not more often than this.
const SHORTEST_LOOK: Duration = Duration::from_millis(250);

impl Ng {
    /// Gives the engine commands and waits for its replies.
    pub(crate) fn start(
        &mut self,
        now: Instant,
        asked: Option<Asked>,
        call: Option<Vec<u8>>,
        work: Work,
        commands: Vec<Command>,
    ) {
        let id = JobId(self.serial());
        self.busy.extend(call.clone());
        let awaited = commands.len();
        for command in commands {
            let token = Token(self.serial());
            self.tokens.insert(token, (id, leg_of(&command)));
            self.commands.push_back((token, command));
        }
        let job = Job { asked, call, awaited, refusal: None, stats: Stats::new(), work };
        if awaited == 0 {
            self.finish(now, job);
        } else {
            self.jobs.insert(id, job);
        }
    }

    pub(crate) fn take_reply(&mut self, now: Instant, token: Token, reply: Reply) {
        let Some((id, leg)) = self.tokens.remove(&token) else { return };
        let Some(job) = self.jobs.get_mut(&id) else { return };
        match reply {
            Reply::Done => {}
            Reply::Stats(stats) => {
                job.stats.insert(leg, stats);
            }
            Reply::Refused(refusal) => {
                job.refusal.get_or_insert(refusal);
            }
        }
        job.awaited -= 1;
        if job.awaited == 0
            && let Some(job) = self.jobs.remove(&id)
        {
            self.finish(now, job);
        }
    }

    fn finish(&mut self, now: Instant, job: Job) {
        let Job { asked, call, refusal, stats, work, .. } = job;
        match (work, refusal) {
            (Work::Exchange(exchange), None) => self.commit(now, asked, *exchange),
            (Work::Exchange(exchange), Some(refusal)) => {
                self.counters.engine_refusals += 1;
                if let Some(asked) = asked {
                    self.refuse(&asked, &Refused(format!("the relay refuses: {refusal}")));
                }
                self.undo(now, *exchange);
            }
            (Work::Block(changed), None) => {
                if let (Some(asked), Some((number, _))) = (asked, self.find(&changed.id)) {
                    self.calls.insert(number, *changed);
                    self.succeed(&asked, Dictionary::new());
                }
            }
            (Work::Block(_) | Work::Query(_), Some(refusal)) => {
                self.counters.engine_refusals += 1;
                if let Some(asked) = asked {
                    self.refuse(&asked, &Refused(format!("the relay refuses: {refusal}")));
                }
            }
            (Work::Query(who), None) => {
                if let (Some(asked), Some((_, call))) = (asked, self.find(&who.call)) {
                    let told = self.tell(now, call, &stats);
                    self.succeed(&asked, told);
                }
            }
            (Work::Look, _) => {
                if let Some((number, _)) = call.as_ref().and_then(|call| self.find(call)) {
                    self.looked(now, number, heard(stats.values()));
                }
            }
            (Work::End(ended), _) => {
                self.count_ended(stats.values());
                ended.ends().for_each(|(_, end)| self.ports.give_back(end.network, end.local));
                if let Some(asked) = asked {
                    let told = self.tell(now, &ended, &stats);
                    self.succeed(&asked, told);
                }
            }
            (Work::Tidy(addresses), _) => {
                self.count_ended(stats.values());
                addresses.iter().for_each(|&(network, local)| self.ports.give_back(network, local));
            }
        }
        if let Some(call) = call {
            self.release(now, &call);
        }
    }

    /// A call that begins to be looked at.
    pub(crate) fn pulse(&self, now: Instant) -> Pulse {
        Pulse { next_look: now + self.look_after(), quiet_since: now, heard: 0 }
    }

    /// Has a call looked at when its time has come.
    pub(crate) fn plan_look(&mut self, number: u64) {
        if !self.config.timeout.is_zero()
            && let Some(call) = self.calls.get(&number)
        {
            self.looks.insert((call.pulse.next_look, number));
        }
    }

    /// Asks what a call has moved.
    pub(crate) fn look(&mut self, now: Instant, number: u64) {
        let Some(call) = self.calls.get_mut(&number) else { return };
        let id = call.id.clone();
        if self.busy.contains(&id) {
            call.pulse.next_look = now + SHORTEST_LOOK;
            return self.plan_look(number);
        }
        let queries = queries(call);
        self.start(now, None, Some(id), Work::Look, queries);
    }

    fn looked(&mut self, now: Instant, number: u64, heard: u64) {
        let next_look = now + self.look_after();
        let Some(call) = self.calls.get_mut(&number) else { return };
        let pulse = &mut call.pulse;
        if heard != pulse.heard {
            *pulse = Pulse { next_look, quiet_since: now, heard };
            return self.plan_look(number);
        }
        pulse.next_look = next_look;
        if now.saturating_duration_since(pulse.quiet_since) < self.config.timeout {
            return self.plan_look(number);
        }
        self.counters.calls_timed_out += 1;
        self.end(now, None, number);
    }

    /// Ends a call. Its call-id is free for another once the engine has closed its legs.
    pub(crate) fn end(&mut self, now: Instant, asked: Option<Asked>, number: u64) {
        let Some(call) = self.calls.remove(&number) else { return };
        self.numbers.remove(&call.id);
        self.looks.remove(&(call.pulse.next_look, number));
        let closes = call.ends().map(|(_, end)| Command::Close { leg: end.leg }).collect();
        self.start(now, asked, Some(call.id.clone()), Work::End(Box::new(call)), closes);
    }

    fn look_after(&self) -> Duration {
        (self.config.timeout / LOOKS).max(SHORTEST_LOOK)
    }
}

/// What asks for the statistics of a call.
pub(crate) fn queries(call: &Call) -> Vec<Command> {
    call.ends().map(|(_, end)| Command::Query { leg: end.leg }).collect()
}

fn leg_of(command: &Command) -> LegId {
    match command {
        Command::Open { leg, .. }
        | Command::Modify { leg, .. }
        | Command::Close { leg }
        | Command::Query { leg } => *leg,
    }
}
