//! CRCX.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use engine::command::{Command as EngineCommand, LegId, LegSpec, Refusal, RelayId, RtcpPolicy};
use mgcp::{Command, Response, ReturnCode, ValueError};
use rand::CryptoRng;

use crate::config::{Config, KeyPolicy};
use crate::dispatch::{Executed, Target};
use crate::endpoint::{CONNECTIONS, Connection, Endpoint, Inner, connection_id};
use crate::gateway::Gateway;
use crate::job::{Asker, Creation, Deletion, Job, Work, refusal_fault};
use crate::kept::Kept;
use crate::keys::KeyPair;
use crate::media::{Media, Negotiation, engine_mode};
use crate::notify::Request;
use crate::options::{IntoFault, Orders};

impl Gateway {
    pub(crate) fn create(
        &mut self,
        now: Instant,
        asker: Asker,
        command: &Command,
        target: Target,
    ) -> Executed {
        let any = match &target {
            Target::Any(_) => true,
            Target::Endpoint(_) => false,
            Target::Set(_) | Target::Gateway => return Err(ReturnCode::UNSUPPORTED.into_fault()),
        };
        if command.params.second_endpoint.is_some() {
            let what = "connections are made one at a time";
            return Err(ValueError::new(ReturnCode::UNSUPPORTED, what));
        }
        let full = |e: &Endpoint| e.connections.len() >= CONNECTIONS;
        let number = match target {
            Target::Endpoint(number) if self.endpoints.get(number).is_some_and(full) => {
                return Err(ReturnCode::TOO_MANY_CONNECTIONS.into_fault());
            }
            Target::Endpoint(number) => number,
            Target::Any(name) => {
                self.choose_any(&name).ok_or(ReturnCode::NO_ENDPOINT.into_fault())?
            }
            Target::Set(_) | Target::Gateway => return Err(ReturnCode::UNSUPPORTED.into_fault()),
        };
        let executed = self.create_on(now, asker, command, number, any);
        if executed.is_err() && any {
            self.endpoints.unreserve(number);
        }
        executed
    }

    fn create_on(
        &mut self,
        now: Instant,
        asker: Asker,
        command: &Command,
        number: u32,
        any: bool,
    ) -> Executed {
        let leg = self.next_leg(number);
        let id = connection_id(leg);
        let request = match command.params.carries_request() {
            true => Some(self.check_request(number, &command.params, Some(id))?),
            false => None,
        };
        let (media, orders) = self.negotiate(number, leg, None, command)?;
        let network = self.choose_network(&media, &orders)?;
        let like = media.remote_ip();
        if like.is_some_and(|ip| !self.ports.has_family(network, ip)) {
            return Err(refusal_fault(Refusal::BadAddress));
        }
        // From here on nothing is refused without giving back what was taken.
        let local = self.ports.take(network, like);
        let local = local.ok_or(ReturnCode::NO_RESOURCES_NOW.into_fault())?;
        self.endpoints.reserve(number);
        self.keys.set(leg, &KeyPair::default(), &media.security.keys());
        let call = command.params.call.expect("the parser wants it in a CRCX");
        let session = self.rng.next_u64() >> 1;
        let spec = self.spec(number, network, local, &media, request.as_ref());
        let media = Kept::new(&mut self.shelf, media);
        let inner = self.free_slot(number).map(|slot| Inner { leg: self.next_leg(number), slot });
        let agent = asker.key.peer.ip();
        let connection =
            Connection { call, agent, leg, network, local, media, session, version: 1, inner };
        // Connections of a relay exchange media; those of a line meet at the telephone.
        let relay = self.endpoints.get(number).and_then(|endpoint| endpoint.relay);
        let relay = relay.unwrap_or_else(|| RelayId(self.serial()));
        let mut opens = vec![EngineCommand::Open { leg, relay, spec }];
        opens.extend(inner.map(|inner| self.open_inner(number, relay, inner)));
        let creation = Creation { number, any, connection, relay, unwanted: false };
        let work = Work::Create(Box::new(creation));
        self.start(now, Job { request, ..Job::new(Some(asker), vec![number], work) }, opens);
        Ok(None)
    }

    /// The engine has replied.
    pub(crate) fn created(
        &mut self,
        now: Instant,
        creation: Creation,
        outcome: Result<(), Refusal>,
    ) -> Result<Response, ValueError> {
        let Creation { number, any, connection, relay, unwanted } = creation;
        let leg = connection.leg;
        if let Err(refusal) = outcome {
            self.keys.forget(leg, &connection.media.security.keys());
            self.ports.give_back(connection.network, connection.local);
            let unused = |e: &Endpoint| e.connections.is_empty();
            if self.endpoints.get(number).is_none_or(unused) {
                self.endpoints.unreserve(number);
            }
            if let Some(inner) = connection.inner {
                // One of the two may be there.
                let legs = vec![(number, inner.leg), (number, leg)];
                self.close(now, Deletion::of(legs));
            }
            return Err(refusal_fault(refusal));
        }
        let mut response = Response::new(ReturnCode::OK);
        response.params.connections = vec![connection.id()];
        if any {
            response.params.endpoints = vec![self.endpoint_name(number)];
        }
        response.bodies = vec![connection.description().to_body()];
        if let Some(inner) = connection.inner {
            let media = connection.media.media().for_line(true);
            self.connect_line(number, inner, media);
        }
        let is_relay = connection.inner.is_none();
        self.endpoints.add(number, connection);
        let endpoint = self.endpoints.activate(number);
        endpoint.transient |= any && is_relay;
        endpoint.relay = is_relay.then_some(relay);
        self.counters.connections_created += 1;
        if unwanted {
            self.close(now, Deletion::of(vec![(number, leg)]));
        }
        Ok(response)
    }

    /// Agrees on media for a leg and counts what was passed over.
    pub(crate) fn negotiate(
        &mut self,
        number: u32,
        leg: LegId,
        old: Option<&Media>,
        command: &Command,
    ) -> Result<(Media, Orders), ValueError> {
        let cx = Negotiation {
            config: &self.config,
            kind: self.endpoints.kind(number),
            registry: &self.keys,
            rng: &mut *self.rng,
            leg,
        };
        let (media, orders) = Media::negotiate(cx, old, command)?;
        self.check_path(old, &media)?;
        self.counters.extensions_ignored += orders.ignored;
        self.counters.crypto_skipped += u64::from(orders.crypto_skipped);
        Ok((media, orders))
    }

    /// New keys come and go over covered paths, if that is the policy.
    fn check_path(&mut self, old: Option<&Media>, new: &Media) -> Result<(), ValueError> {
        let known = old.map(|old| old.security.keys()).unwrap_or_default();
        if self.covered || new.security.keys() == known || new.security.secured().is_none() {
            return Ok(());
        }
        match self.config.key_policy {
            KeyPolicy::Require => {
                self.counters.keys_refused += 1;
                let what = "keys are for paths that IPsec covers, and this command came in clear";
                Err(ValueError::new(ReturnCode::OPTIONS_CONFLICT, what))
            }
            KeyPolicy::Prefer => {
                self.counters.keys_in_clear += 1;
                Ok(())
            }
            KeyPolicy::TrustedPath => Ok(()),
        }
    }

    fn choose_network(&self, media: &Media, orders: &Orders) -> Result<usize, ValueError> {
        let networks = &self.config.networks;
        if let Some(name) = &orders.network {
            let named = networks.iter().position(|n| n.name.eq_ignore_ascii_case(name));
            let unknown = ValueError::new(ReturnCode::OPTION_VALUE, "unknown media network");
            return named.ok_or(unknown);
        }
        let leads = |ip: IpAddr| networks.iter().position(|network| network.leads_to(ip));
        Ok(media.remote_ip().and_then(leads).unwrap_or(0))
    }

    /// What the engine is told of a connection; `request` is in force then, if it is a new one.
    pub(crate) fn spec(
        &mut self,
        number: u32,
        network: usize,
        local: SocketAddr,
        media: &Media,
        request: Option<&Request>,
    ) -> Box<LegSpec> {
        let request = request.or(self.endpoints.get(number).and_then(Endpoint::request));
        Box::new(leg_spec(&self.config, &mut *self.rng, (network, local), media, request))
    }
}

/// A connection in the engine's words.
pub(crate) fn leg_spec(
    config: &Config,
    rng: &mut dyn CryptoRng,
    (network, local): (usize, SocketAddr),
    media: &Media,
    request: Option<&Request>,
) -> LegSpec {
    let (receive, send) = media.security.protections(rng);
    LegSpec {
        port: config.networks[network].port,
        local,
        remote: media.remote_rtp(),
        remote_rtcp: media.remote_rtcp(),
        mode: engine_mode(media.kind, media.mode).expect("negotiation refuses other modes"),
        receive,
        send,
        rtcp: match media.security.secured() {
            Some(_) => config.rtcp,
            None => RtcpPolicy::Clear,
        },
        source: config.source,
        dscp: media.wishes.type_of_service.map(|octet| octet >> 2),
        idle_after: request.and_then(Request::silence).unwrap_or(config.idle_after),
        clock_hz: media.clock_hz(),
    }
}
