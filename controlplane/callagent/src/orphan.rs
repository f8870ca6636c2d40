//! Connections on relays that an earlier run of the agent has left there, or that an answer which
//! got lost has hidden from us.
//!
//! When a relay is heard of for the first time, or again, its endpoints with connections are listed
//! and asked whose call they carry (AUEP, AUCX), a few at a time. A gateway that cannot list those
//! alone (`X-INUSE`) is asked for all of its endpoints, and each for its connections. What this run has
//! made and does not know is deleted at once. What an earlier run has made may be a call that goes
//! on: it is left alone until nothing comes from either of its devices any more.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use mgcp::message::{Extension, ParamCode};
use mgcp::{CallId, Command, ConnectionId, EndpointName, Response, Verb};

use crate::agent::{Agent, Asked};
use crate::name::Whose;

/// Questions under way at a time: calls that are set up meanwhile come first.
const AT_A_TIME: usize = 4;
/// Asks for endpoints with connections only, from a number on; the answer says where to go on.
const IN_USE: &str = "X-INUSE";
/// Endpoints listed at a time: so many names fit any answer.
const LISTED: u32 = 100;
/// How often those that are watched are looked at during the silence that ends them.
const LOOKS: u32 = 2;

/// What is known of left connections on one relay, and what is yet to be asked.
#[derive(Debug, Default)]
pub(crate) struct Orphans {
    waiting: VecDeque<Question>,
    under_way: usize,
    watched: HashMap<Box<str>, Orphan>,
    /// When those that are watched are looked at again.
    next_look: Option<Instant>,
    /// When the relay is looked through again: commands that were under way when it was heard of
    /// may have come to it later.
    look_again: Option<Instant>,
}

/// An endpoint with media of an earlier run.
#[derive(Debug)]
struct Orphan {
    call: CallId,
    found: Instant,
    /// When something had come that had not come before, and when that was looked at last.
    heard: Instant,
    looked: Instant,
    /// Packets received, by connection.
    received: HashMap<ConnectionId, u32>,
}

/// Something to ask a relay.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    /// Which endpoints have connections, from this number on.
    InUse(u32),
    /// Which endpoints there are, from this number on.
    Names(u32),
    /// Which connections an endpoint has.
    Connections(Box<str>),
    /// Whose a connection is, and what has come.
    Whose(Box<str>, ConnectionId),
}

/// Where to go on after those that an answer lists, or 0; `None` if it lists others as well.
fn next_in_use(response: &Response) -> Option<u32> {
    let extensions = response.params.extensions.iter();
    let mut told = extensions.filter(|it| it.name.eq_ignore_ascii_case(IN_USE));
    told.next().filter(|_| response.code.is_success())?.value.expose().parse().ok()
}

impl Orphans {
    /// The relay has nothing any more, or cannot be asked.
    pub(crate) fn forget(&mut self) {
        self.waiting.clear();
        self.watched.clear();
        self.next_look = None;
        self.look_again = None;
    }

    pub(crate) fn count(&self) -> usize {
        self.watched.len()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.next_look.into_iter().chain(self.look_again).min()
    }

    fn begin(&mut self) {
        self.waiting.clear();
        self.waiting.push_back(Question::InUse(1));
    }
}

impl Agent {
    /// Finds out what a relay has of us.
    pub(crate) fn look_for_orphans(&mut self, now: Instant, relay: usize) {
        let orphans = &mut self.relays[relay].orphans;
        orphans.begin();
        orphans.look_again = Some(now + self.config.transactions.t_hist);
        self.ask_about_orphans(now, relay);
    }

    /// Looks again at what is watched, when it is time.
    pub(crate) fn look_after_orphans(&mut self, now: Instant, relay: usize) {
        let (silence, age) = (self.config.orphan_silence, self.config.orphan_age);
        let orphans = &mut self.relays[relay].orphans;
        if orphans.look_again.take_if(|due| *due <= now).is_some() {
            orphans.begin();
            return self.ask_about_orphans(now, relay);
        }
        if orphans.next_look.is_none_or(|due| due > now) {
            return;
        }
        orphans.next_look = (!orphans.watched.is_empty()).then_some(now + silence / LOOKS);
        let over =
            |orphan: &Orphan| orphan.looked - orphan.heard >= silence || now - orphan.found >= age;
        let ended: Vec<_> = orphans.watched.extract_if(|_, orphan| over(orphan)).collect();
        for (local, orphan) in &orphans.watched {
            let whose = |id: &ConnectionId| Question::Whose(local.clone(), *id);
            orphans.waiting.extend(orphan.received.keys().map(whose));
        }
        for (local, orphan) in ended {
            self.delete_orphan(now, relay, &local, orphan.call);
        }
        self.ask_about_orphans(now, relay);
    }

    fn delete_orphan(&mut self, now: Instant, relay: usize, local: &str, call: CallId) {
        let mut command = Command::new(Verb::Dlcx, self.relays[relay].endpoint(local));
        command.params.call = Some(call);
        self.counters.orphans_deleted += 1;
        self.ask(now, relay, command, Asked::TakeBack);
    }

    fn ask_about_orphans(&mut self, now: Instant, index: usize) {
        while let Some((command, question)) = self.next_question(index) {
            self.relays[index].orphans.under_way += 1;
            self.ask(now, index, command, Asked::Orphan(question));
        }
    }

    fn next_question(&mut self, index: usize) -> Option<(Command, Question)> {
        let relay = &mut self.relays[index];
        if relay.orphans.under_way >= AT_A_TIME {
            return None;
        }
        let question = relay.orphans.waiting.pop_front()?;
        let audit = |verb, local: &str| Command::new(verb, relay.endpoint(local));
        let command = match &question {
            Question::InUse(first) => {
                let mut command = audit(Verb::Auep, "pr/*");
                let value = first.to_string().as_str().into();
                command.params.extensions.push(Extension { name: IN_USE.into(), value });
                command
            }
            Question::Names(first) => {
                audit(Verb::Auep, &format!("pr/[{first}-{}]", first + (LISTED - 1)))
            }
            Question::Connections(local) => {
                let mut command = audit(Verb::Auep, local);
                command.params.requested_info = Some(vec![ParamCode::I]);
                command
            }
            Question::Whose(local, id) => {
                let mut command = audit(Verb::Aucx, local);
                command.params.connections = vec![*id];
                command.params.requested_info = Some(vec![ParamCode::C, ParamCode::P]);
                command
            }
        };
        Some((command, question))
    }

    pub(crate) fn orphan_answered(
        &mut self,
        now: Instant,
        relay: usize,
        question: Question,
        response: &Response,
    ) {
        self.orphan_unanswered(relay);
        let known = |local: &str| self.endpoints.contains_key(&(relay, Box::from(local)));
        let names = response.params.endpoints.iter().map(EndpointName::local);
        let unknown = names.filter(|local| !known(local));
        let mut more = Vec::new();
        match question {
            Question::InUse(first) => match next_in_use(response) {
                Some(next) => {
                    more.extend(unknown.map(|local| Question::Connections(local.into())));
                    more.extend((next > first).then_some(Question::InUse(next)));
                }
                // It does not know the question, or has too many to list.
                None => more.push(Question::Names(1)),
            },
            // Behind the last endpoint there is none.
            Question::Names(_) if !response.code.is_success() => {}
            Question::Names(first) => {
                more.extend(unknown.map(|local| Question::Connections(local.into())));
                more.push(Question::Names(first + LISTED));
            }
            Question::Connections(local) => {
                let ids = response.params.connections.iter();
                more.extend(ids.map(|id| Question::Whose(local.clone(), *id)));
            }
            Question::Whose(local, id) if !response.code.is_success() => {
                self.orphan_gone(relay, &local, id);
            }
            Question::Whose(local, id) if !known(&local) => {
                self.orphan_seen(now, relay, local, id, response);
            }
            Question::Whose(..) => {}
        }
        let orphans = &mut self.relays[relay].orphans;
        for question in more.into_iter().rev() {
            orphans.waiting.push_front(question);
        }
        self.ask_about_orphans(now, relay);
    }

    /// A question is not under way any more.
    pub(crate) fn orphan_unanswered(&mut self, relay: usize) {
        self.relays[relay].orphans.under_way -= 1;
    }

    /// A connection has ended by itself.
    fn orphan_gone(&mut self, relay: usize, local: &str, id: ConnectionId) {
        let watched = &mut self.relays[relay].orphans.watched;
        if let Some(orphan) = watched.get_mut(local) {
            orphan.received.remove(&id);
            if orphan.received.is_empty() {
                watched.remove(local);
            }
        }
    }

    fn orphan_seen(
        &mut self,
        now: Instant,
        relay: usize,
        local: Box<str>,
        id: ConnectionId,
        response: &Response,
    ) {
        let Some(call) = response.params.call else { return };
        match self.names.whose(call) {
            Whose::Foreign => {}
            Whose::Ours if self.is_opening(call) => {}
            Whose::Ours => self.delete_orphan(now, relay, &local, call),
            Whose::Earlier => {
                let said = response.params.statistics.as_ref();
                let received = said.and_then(|said| said.packets_received).unwrap_or(0);
                let pace = self.config.orphan_silence / LOOKS;
                let orphans = &mut self.relays[relay].orphans;
                let fresh = || {
                    let received = HashMap::new();
                    Orphan { call, found: now, heard: now, looked: now, received }
                };
                let orphan = orphans.watched.entry(local).or_insert_with(fresh);
                orphan.looked = now;
                if orphan.received.insert(id, received) != Some(received) {
                    orphan.heard = now;
                }
                orphans.next_look.get_or_insert(now + pace);
            }
        }
    }
}
