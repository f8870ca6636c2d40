//! From a command to the one who executes it: checks that hold for all, and the queue.

use std::net::SocketAddr;
use std::time::Instant;

use mgcp::name::{NotifiedEntity, Term, Wildcard};
use mgcp::transaction::CommandKey;
use mgcp::value::Package;
use mgcp::{Command, EndpointName, Params, Response, ReturnCode, ValueError, Verb};

use crate::config::KeyPolicy;
use crate::endpoint::Notified;
use crate::gateway::{Gateway, Waiting};
use crate::job::{Asker, Listener, Work};
use crate::options::IntoFault;
use crate::packages::Kind;

/// Endpoints a wildcard may mean if each of them is touched.
const SET_MAX: u32 = 10_000;

/// What a command is about.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A relay or a voice endpoint.
    Endpoint(u32),
    /// `pr/$`, `aaln/$`
    Any(EndpointName),
    /// Several, by a wildcard.
    Set(EndpointName),
    /// `mg`
    Gateway,
}

/// The answer, or none yet because the engine was asked.
pub(crate) type Executed = Result<Option<Response>, ValueError>;

impl Gateway {
    /// Takes a command that was not seen before.
    pub(crate) fn accept(&mut self, now: Instant, key: CommandKey, command: Command) {
        if !self.config.versions.contains(&command.version) {
            return self.answer(now, key, Err(ReturnCode::WRONG_VERSION.into_fault()));
        }
        if let Err(fault) = self.admit(now, key, &command) {
            return self.answer(now, key, Err(fault));
        }
        let creates_load = matches!(command.verb, Verb::Crcx | Verb::Rqnt | Verb::Auep);
        let pace = self.config.commands_per_second;
        if creates_load && pace > 0 && !self.pace.admits(now, key.peer.ip(), pace) {
            return self.answer(now, key, Err(ReturnCode::OVERLOAD.into_fault()));
        }
        if command.verb == Verb::Dlcx {
            self.abort_covered(now, &command);
        }
        if !self.is_blocked(&command.endpoint, self.waiting.len()) {
            return self.execute(now, key, command);
        }
        if creates_load && self.waiting.len() >= self.config.waiting_limit {
            return self.answer(now, key, Err(ReturnCode::OVERLOAD.into_fault()));
        }
        self.transactions.set_queued(key, true);
        self.waiting.push_back(Waiting { key, command, covered: self.covered });
    }

    /// Executes what waited for a job that is done.
    pub(crate) fn run_waiting(&mut self, now: Instant) {
        let mut index = 0;
        let hearing = self.covered;
        while let Some(waiting) = self.waiting.get(index) {
            if self.is_blocked(&waiting.command.endpoint, index) {
                index += 1;
                continue;
            }
            let Waiting { key, command, covered } =
                self.waiting.remove(index).expect("found at this index");
            self.transactions.set_queued(key, false);
            self.covered = covered;
            self.execute(now, key, command);
            self.covered = hearing;
            // What ran may have ended at once and run others.
            index = 0;
        }
    }

    /// Whether an endpoint of `name` has a job, or one of the first `ahead` waiting commands.
    fn is_blocked(&self, name: &EndpointName, ahead: usize) -> bool {
        if name.wildcard() == Wildcard::Any {
            return false;
        }
        let busy = match (name.wildcard(), self.endpoints.number_of(name)) {
            (Wildcard::None, Some(number)) => self.busy.contains_key(&number),
            (Wildcard::None, None) => false,
            _ => self.busy.keys().any(|number| self.endpoints.covers(name, *number)),
        };
        busy || self.waiting.iter().take(ahead).any(|other| overlap(name, &other.command.endpoint))
    }

    fn execute(&mut self, now: Instant, key: CommandKey, command: Command) {
        let target = match self.resolve(&command) {
            Ok(target) => target,
            Err(fault) => return self.answer(now, key, Err(fault)),
        };
        let kind = self.kind_of(&target);
        match self.run(now, key, command, target) {
            Ok(None) => {}
            Ok(Some(response)) => self.answer(now, key, Ok(response)),
            Err(fault) => {
                let refusal = self.refusal(fault, kind);
                self.answer(now, key, Ok(refusal));
            }
        }
    }

    /// The kind of the endpoints a command is about, as far as they have one.
    fn kind_of(&self, target: &Target) -> Kind {
        match target {
            Target::Endpoint(number) => self.endpoints.kind(*number),
            Target::Any(name) | Target::Set(name) => {
                if self.may_mean_relays(name) {
                    return Kind::Relay;
                }
                let mut voice = self.endpoints.voice_numbers();
                let first = voice.find(|number| self.endpoints.covers(name, *number));
                first.map_or(Kind::Relay, |number| self.endpoints.kind(number))
            }
            Target::Gateway => Kind::Relay,
        }
    }

    fn run(&mut self, now: Instant, key: CommandKey, command: Command, target: Target) -> Executed {
        self.check_extensions(&command.params, self.kind_of(&target))?;
        let listener = match command.verb.is_audit() {
            true => None,
            false => Some(self.listener(&command.params, key.peer)?),
        };
        let asker = Asker { key, listener };
        match (command.verb, target) {
            (Verb::Crcx, target) => self.create(now, asker, &command, target),
            (Verb::Mdcx, Target::Endpoint(number)) => self.modify(now, asker, &command, number),
            (Verb::Dlcx, target) => self.delete(now, asker, &command, &target),
            (Verb::Rqnt, target) => self.request(now, asker, &command, &target),
            (Verb::Auep, target) => self.audit_endpoint(&command, &target).map(Some),
            (Verb::Aucx, Target::Endpoint(number)) => {
                self.audit_connection(now, asker, &command, number)
            }
            // A relay has no telephone side to configure, and a line takes both laws.
            (Verb::Epcf, _) => Ok(Some(Response::new(ReturnCode::OK))),
            (Verb::Mdcx | Verb::Aucx, Target::Gateway) => Err(ReturnCode::UNSUPPORTED.into_fault()),
            (Verb::Mdcx | Verb::Aucx, _) => Err(ReturnCode::WILDCARD_TOO_COMPLICATED.into_fault()),
            (Verb::Ntfy | Verb::Rsip, _) => {
                let code = ReturnCode::UNKNOWN_COMMAND;
                Err(ValueError::new(code, "this is for call agents to hear"))
            }
        }
    }

    /// Whether a name is that of an endpoint with connections.
    pub(crate) fn has_connections(&self, name: &EndpointName) -> bool {
        let endpoint = self.endpoints.number_of(name).and_then(|n| self.endpoints.get(n));
        endpoint.is_some_and(|endpoint| !endpoint.connections.is_empty())
    }

    /// Sends the final answer.
    pub(crate) fn answer(
        &mut self,
        now: Instant,
        key: CommandKey,
        outcome: Result<Response, ValueError>,
    ) {
        let response = outcome.unwrap_or_else(|fault| self.refusal(fault, Kind::Relay));
        match response.code {
            code if code.is_success() => self.counters.succeeded += 1,
            code if code.is_transient() => self.counters.refused_transient += 1,
            _ => self.counters.refused_permanent += 1,
        }
        match self.service.announcement() {
            Some(ahead) if self.piggybacks() => {
                self.transactions.respond_behind(now, key, response, ahead)
            }
            _ => self.transactions.respond(now, key, response),
        }
    }

    fn refusal(&self, fault: ValueError, kind: Kind) -> Response {
        let mut response = Response::refusal(fault);
        if fault.code == ReturnCode::UNKNOWN_PACKAGE {
            response.params.packages = Some(self.packages(kind));
        }
        response
    }

    /// Packages of endpoints of this kind, the default one first.
    pub(crate) fn packages(&self, kind: Kind) -> Vec<Package> {
        let srtp = (self.config.srtp.enabled && self.keys_may_pass()).then_some("SRTP");
        let names = kind.packages().iter().map(|package| package.name).chain(srtp);
        names.map(|name| Package { name: name.into(), version: Some(1) }).collect()
    }

    /// Whether the command that is being dealt with may bring keys, and be answered with some.
    pub(crate) fn keys_may_pass(&self) -> bool {
        self.covered || self.config.key_policy != KeyPolicy::Require
    }

    /// Finds what a command is about.
    fn resolve(&self, command: &Command) -> Result<Target, ValueError> {
        let name = &command.endpoint;
        let unknown = ReturnCode::UNKNOWN_ENDPOINT.into_fault();
        let mut domains = self.config.other_domains.iter().chain([&self.config.domain]);
        let is_ours = domains.any(|domain| domain.eq_ignore_ascii_case(name.domain()));
        if self.config.validate_domain && !is_ours {
            let what = "Endpoint name contains an invalid host or domain";
            return Err(ValueError::new(ReturnCode::UNKNOWN_ENDPOINT, what));
        }
        let wildcard = name.wildcard();
        let allowed = match wildcard {
            Wildcard::None => true,
            Wildcard::Any => command.verb == Verb::Crcx,
            Wildcard::All => !matches!(command.verb, Verb::Crcx | Verb::Mdcx | Verb::Aucx),
        };
        if !allowed || (wildcard == Wildcard::All && !command.params.connections.is_empty()) {
            return Err(ReturnCode::WILDCARD_TOO_COMPLICATED.into_fault());
        }
        match wildcard {
            Wildcard::None if name.local().eq_ignore_ascii_case("mg") => Ok(Target::Gateway),
            Wildcard::None => match self.endpoints.number_of(name) {
                Some(number) if self.endpoints.exists(number) => Ok(Target::Endpoint(number)),
                _ => Err(unknown),
            },
            _ if !self.may_mean_ours(name) => Err(unknown),
            Wildcard::Any => Ok(Target::Any(name.clone())),
            Wildcard::All => Ok(Target::Set(name.clone())),
        }
    }

    /// Whether a wildcard name can mean an endpoint of ours.
    fn may_mean_ours(&self, name: &EndpointName) -> bool {
        let mut voice = self.endpoints.voice_numbers();
        self.may_mean_relays(name) || voice.any(|number| self.endpoints.covers(name, number))
    }

    fn may_mean_relays(&self, name: &EndpointName) -> bool {
        let terms: Vec<_> = name.terms().collect();
        let fits = |term: Term<'_>| match term {
            Term::All | Term::Any => true,
            Term::Ranges(_) => term.ranges().any(|(low, _)| low <= self.endpoints.relays()),
            Term::Name(_) => false,
        };
        match terms.as_slice() {
            [only] => matches!(only, Term::All | Term::Any),
            [Term::Name(kind), number] => kind.eq_ignore_ascii_case("pr") && fits(*number),
            [first, number] => matches!(first, Term::All | Term::Any) && fits(*number),
            _ => false,
        }
    }

    /// The existing endpoints of a set, if they are not too many to touch one by one.
    pub(crate) fn members(&self, name: &EndpointName) -> Result<Vec<u32>, ValueError> {
        let relays = self.may_mean_relays(name);
        let numbers =
            if relays { 1..=self.endpoints.size() } else { self.endpoints.voice_numbers() };
        if numbers.size_hint().0 > SET_MAX as usize {
            return Err(ReturnCode::WILDCARD_TOO_COMPLICATED.into_fault());
        }
        let covered = |number: &u32| self.endpoints.covers(name, *number);
        Ok(numbers.filter(covered).filter(|number| self.endpoints.exists(*number)).collect())
    }

    /// Extension parameters: `X-` passes, `X+` does not, packages must be known.
    fn check_extensions(&mut self, params: &Params, kind: Kind) -> Result<(), ValueError> {
        for extension in &params.extensions {
            if extension.must_be_understood() {
                return Err(ReturnCode::UNKNOWN_EXTENSION.into_fault());
            }
            let Some(package) = extension.package() else { continue };
            if package.eq_ignore_ascii_case("SRTP") && self.config.srtp.enabled {
                self.counters.extensions_ignored += 1;
            } else if kind.has_package(package) {
                return Err(ReturnCode::UNKNOWN_EXTENSION.into_fault());
            } else {
                return Err(ReturnCode::UNKNOWN_PACKAGE.into_fault());
            }
        }
        Ok(())
    }

    /// Whom a command makes its endpoints notify.
    fn listener(&self, params: &Params, commander: SocketAddr) -> Result<Listener, ValueError> {
        let notified = match &params.notified {
            Some(Some(entity)) => {
                let addresses = self.addresses_of(entity)?;
                Some(Some(Notified { entity: entity.clone(), addresses }))
            }
            Some(None) => Some(None),
            None => None,
        };
        Ok(Listener { commander, notified })
    }

    /// The addresses of a notified entity; it must be one of our call agents.
    pub(crate) fn addresses_of(
        &self,
        entity: &NotifiedEntity,
    ) -> Result<Vec<SocketAddr>, ValueError> {
        const STANDARD_PORT: u16 = 2727;
        let port = entity.port.unwrap_or(STANDARD_PORT);
        let literal = entity.domain.address();
        let is_it = |name: &Option<String>| {
            name.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(entity.domain.as_str()))
        };
        let agents = &self.config.call_agents;
        let addresses: Vec<_> = agents
            .iter()
            .flat_map(|agent| agent.addresses.iter().map(move |address| (agent, address)))
            .filter(|(agent, address)| match literal {
                Some(ip) => address.ip() == ip,
                None => is_it(&agent.name),
            })
            .map(|(_, address)| SocketAddr::new(address.ip(), port))
            .collect();
        if addresses.is_empty() {
            return Err(ValueError::new(
                ReturnCode::PROTOCOL_ERROR,
                "notified entity is not a call agent of this gateway",
            ));
        }
        Ok(addresses)
    }

    /// A DLCX wins over what it finds under way on its connections (RFC 3435 §4.4.2): that is
    /// answered 407 now, and the DLCX will find its connection.
    fn abort_covered(&mut self, now: Instant, dlcx: &Command) {
        let aborted = |endpoint: &EndpointName, params: &Params| {
            overlap(&dlcx.endpoint, endpoint)
                && dlcx.params.call.is_none_or(|call| params.call == Some(call))
                && dlcx.params.connection().is_none_or(|id| params.connection() == Some(id))
        };
        let mut keys: Vec<CommandKey> = Vec::new();
        self.waiting.retain(|Waiting { key, command, .. }| {
            let media = matches!(command.verb, Verb::Crcx | Verb::Mdcx);
            let abort = media && aborted(&command.endpoint, &command.params);
            if abort {
                keys.push(*key);
            }
            !abort
        });
        for job in self.jobs.values_mut() {
            let (number, call, id) = match &job.work {
                Work::Create(c) => (c.number, c.connection.call, None),
                Work::Modify(m) => (m.number, m.call, Some(m.id)),
                _ => continue,
            };
            let covers = self.endpoints.covers(&dlcx.endpoint, number)
                && dlcx.params.call.is_none_or(|c| c == call)
                && dlcx.params.connection().is_none_or(|i| Some(i) == id);
            if covers {
                keys.extend(job.asker.take().map(|asker| asker.key));
            }
        }
        for key in keys {
            self.answer(now, key, Err(ReturnCode::ABORTED.into_fault()));
        }
    }
}

/// Whether two names may mean the same endpoint.
fn overlap(a: &EndpointName, b: &EndpointName) -> bool {
    match (a.wildcard(), b.wildcard()) {
        (Wildcard::Any, _) | (_, Wildcard::Any) => false,
        (Wildcard::None, _) => b.covers(a.local()),
        (_, Wildcard::None) => a.covers(b.local()),
        _ => true,
    }
}
