//! AUEP and AUCX. Answers never hold keys.

use std::time::Instant;

use engine::command::Command as EngineCommand;
use mgcp::message::{Extension, ParamCode};
use mgcp::sdp::SessionDescription;
use mgcp::value::{Capabilities, RestartMethod};
use mgcp::{
    Body, Command, ConnectionMode, EndpointName, Params, Response, ReturnCode, ValueError, Version,
    limits,
};

use crate::dispatch::{Executed, Target};
use crate::endpoint::{Connection, Endpoint};
use crate::gateway::Gateway;
use crate::job::{Asker, Job, Work};
use crate::media::{Media, engine_mode};
use crate::notify::Requests;
use crate::options::{IntoFault, PACKETIZATION};
use crate::packages::Kind;

/// Asks a wildcard audit for endpoints with connections only, from a number on; the answer says by
/// the same name where to go on.
const IN_USE: &str = "X-INUSE";
/// Names that fit any answer, beside its other lines.
const IN_USE_LIST: usize = 90;

fn in_use_from(params: &Params) -> Option<u32> {
    let asked = params.extensions.iter().find(|it| it.name.eq_ignore_ascii_case(IN_USE))?;
    asked.value.expose().parse().ok()
}

impl Gateway {
    pub(crate) fn audit_endpoint(
        &self,
        command: &Command,
        target: &Target,
    ) -> Result<Response, ValueError> {
        let mut response = Response::new(ReturnCode::OK);
        let number = match target {
            Target::Set(name) => {
                match in_use_from(&command.params) {
                    Some(first) => self.tell_in_use(name, first, &mut response.params),
                    None => response.params.endpoints = self.names_of(name)?,
                }
                return Ok(response);
            }
            Target::Endpoint(number) => Some(*number),
            Target::Gateway | Target::Any(_) => None,
        };
        for code in command.params.requested_info.iter().flatten() {
            self.tell(*code, command.version, number, &mut response.params);
        }
        Ok(response)
    }

    fn names_of(&self, name: &EndpointName) -> Result<Vec<EndpointName>, ValueError> {
        let numbers = (1..=self.endpoints.size())
            .filter(|n| self.endpoints.exists(*n) && self.endpoints.covers(name, *n));
        let names: Vec<_> = numbers
            .take(limits::ENDPOINT_LIST + 1)
            .map(|number| self.endpoint_name(number))
            .collect();
        if names.len() > limits::ENDPOINT_LIST {
            return Err(ReturnCode::TOO_LARGE.into_fault());
        }
        Ok(names)
    }

    /// Those of a set that have connections, from a number on; and the number of the next one that
    /// does not fit any more, or 0.
    fn tell_in_use(&self, name: &EndpointName, first: u32, params: &mut Params) {
        let is_meant = |number: &u32| *number >= first && self.endpoints.covers(name, *number);
        let mut numbers: Vec<_> = self.endpoints.in_use().filter(is_meant).collect();
        numbers.sort_unstable();
        let next = numbers.get(IN_USE_LIST).copied().unwrap_or_default();
        let listed = numbers.into_iter().take(IN_USE_LIST);
        params.endpoints = listed.map(|number| self.endpoint_name(number)).collect();
        let value = next.to_string().as_str().into();
        params.extensions.push(Extension { name: IN_USE.into(), value });
    }

    fn tell(&self, code: ParamCode, version: Version, number: Option<u32>, params: &mut Params) {
        let endpoint = number.and_then(|number| self.endpoints.get(number));
        let kind = number.map_or(Kind::Relay, |number| self.endpoints.kind(number));
        let requests = endpoint.and_then(|endpoint| endpoint.requests.as_deref());
        let request = requests.and_then(Requests::current);
        match code {
            ParamCode::A => params.capabilities = vec![self.capabilities(kind, version)],
            ParamCode::I => {
                let connections = endpoint.into_iter().flat_map(|e| &e.connections);
                params.connections = connections.map(Connection::id).collect();
            }
            ParamCode::X => params.request_id = request.map(|request| request.id),
            ParamCode::R => {
                params.requested = Some(request.map(|r| r.events.clone()).unwrap_or_default());
            }
            ParamCode::S => params.signals = Some(self.signals_of(number)),
            ParamCode::Es => params.event_states = Some(self.states_of(number)),
            ParamCode::D => {
                params.digit_map = requests.and_then(Requests::digit_map).cloned();
            }
            ParamCode::T => {
                let detect = requests.map(|requests| requests.detect().to_vec());
                params.detect = Some(detect.unwrap_or_default());
            }
            ParamCode::O => {
                params.observed = Some(requests.map(Requests::untold).unwrap_or_default());
            }
            ParamCode::Q => {
                params.quarantine = Some(request.map(|r| r.quarantine).unwrap_or_default());
            }
            ParamCode::N => {
                let named = endpoint.and_then(Endpoint::notified);
                params.notified = named.map(|notified| Some(notified.entity.clone()));
            }
            ParamCode::Rm => params.restart_method = Some(RestartMethod::Restart),
            ParamCode::Rd => params.restart_delay = Some(0),
            ParamCode::Pl => params.packages = Some(self.packages(kind)),
            ParamCode::Md => {
                params.max_datagram = Some(self.config.transactions.datagram_limit as u32);
            }
            // Nothing of the kind at a relay, or nothing an endpoint has.
            _ => {}
        }
    }

    fn capabilities(&self, kind: Kind, version: Version) -> Capabilities {
        let modes: Vec<_> = ConnectionMode::ALL
            .iter()
            .filter(|mode| engine_mode(kind, **mode).is_some())
            .map(|mode| mode.as_str())
            .collect();
        let packages: Vec<_> =
            self.packages(kind).into_iter().map(|p| p.name.into_string()).collect();
        let codecs = match kind {
            Kind::Relay => "PCMU;PCMA;G729;G723;G726-32;GSM;G722;telephone-event",
            Kind::Line | Kind::Trunk => "PCMU;PCMA",
        };
        let items = [
            ("a", codecs.to_owned()),
            ("p", PACKETIZATION.to_string()),
            ("e", "on".to_owned()),
            ("gc", "0".to_owned()),
            ("s", "on".to_owned()),
            ("t", "00".to_owned()),
            ("r", "be".to_owned()),
            ("nt", "IN".to_owned()),
            ("v", packages.join(";")),
            ("m", modes.join(";")),
        ];
        Capabilities {
            as_options: version == Version::V0_1,
            items: items.into_iter().map(|(n, v)| (n.into(), v.into())).collect(),
        }
    }

    pub(crate) fn audit_connection(
        &mut self,
        now: Instant,
        asker: Asker,
        command: &Command,
        number: u32,
    ) -> Executed {
        let connection = self.find_connection(number, command)?;
        let leg = connection.leg;
        let media = connection.media.media();
        let mut response = Response::new(ReturnCode::OK);
        let wanted = command.params.requested_info.as_deref().unwrap_or_default();
        for code in wanted {
            match code {
                ParamCode::C => response.params.call = Some(connection.call),
                ParamCode::M => response.params.mode = Some(media.mode),
                ParamCode::L => {
                    response.params.options = Some(media.wishes.to_options());
                }
                ParamCode::N => {
                    self.tell(ParamCode::N, command.version, Some(number), &mut response.params);
                }
                _ => {}
            }
        }
        response.bodies = descriptions(connection, &media, wanted);
        if let Some(value) = keyed(&media) {
            let extension = Extension { name: "X-KEYED".into(), value: value.into() };
            response.params.extensions.push(extension);
        }
        if wanted.contains(&ParamCode::P) {
            let query = vec![EngineCommand::Query { leg }];
            let work = Work::Query(Box::new(response));
            self.start(now, Job::new(Some(asker), vec![number], work), query);
            return Ok(None);
        }
        Ok(Some(response))
    }
}

/// The descriptors asked for, local first; `v=0` alone stands for one that is not wanted or there.
fn descriptions(connection: &Connection, media: &Media, wanted: &[ParamCode]) -> Vec<Body> {
    let local = wanted.contains(&ParamCode::Lc).then(|| {
        let mut description = connection.description();
        description.media.iter_mut().for_each(|media| media.crypto.clear());
        description.to_body()
    });
    let remote = wanted.contains(&ParamCode::Rc).then(|| {
        let remote = media.remote.as_deref();
        remote.map_or_else(SessionDescription::empty_body, SessionDescription::to_body)
    });
    match (local, remote) {
        (None, None) => Vec::new(),
        (Some(local), None) => vec![local],
        (local, Some(remote)) => {
            vec![local.unwrap_or_else(SessionDescription::empty_body), remote]
        }
    }
}

/// Which directions hold keys.
fn keyed(media: &Media) -> Option<&'static str> {
    let secured = media.security.secured()?;
    Some(if secured.receive.is_some() { "tx,rx" } else { "tx" })
}
