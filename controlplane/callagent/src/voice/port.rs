//! Ports: what each is to be asked next follows from how it should be, and how it is.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use callmanager::security::Security;
use callmanager::switchboard::{DeviceName, LegId, Ring};
use mgcp::ConnectionId;
use mgcp::event::EventSpec;

use super::agent::{Agent, Asked};
use super::config::PortConfig;
use super::line::Shown;
use super::media::Media;
use super::message::{self, Request};

/// A port.
#[derive(Debug)]
pub(super) struct Port {
    /// Its gateway, in lower case.
    pub(super) gateway: String,
    pub(super) config: PortConfig,
    pub(super) service: Service,
    /// Its gateway says that it does SRTP.
    pub(super) srtp: bool,
    /// Its gateway takes no keys to send with.
    pub(super) makes_keys: bool,
    /// As the switchboard was told.
    pub(super) security: Security,
    /// The switchboard knows of it.
    pub(super) announced: bool,
    /// What its gateway last answered instead of saying what it is like.
    pub(super) refusal: Option<u16>,
    pub(super) audit_due: bool,
    /// Its gateway had lost us: what happened there meanwhile is asked for.
    pub(super) outage: bool,
    /// Connections that it may have otherwise than is thought here.
    pub(super) doubtful: Vec<ConnectionId>,
    /// A command is under way.
    pub(super) busy: bool,
    /// Connections that nobody here knows.
    pub(super) stale: Vec<ConnectionId>,
    pub(super) legs: BTreeMap<LegId, Leg>,
    pub(super) off_hook: bool,
    pub(super) ring: Option<(LegId, Ring)>,
    /// A call waits until its user has asked somebody else.
    pub(super) consulting: bool,
    /// The switchboard was told what has been observed and has not said what follows from it: what
    /// is asked next waits so long.
    pub(super) hold_until: Option<Instant>,
    /// What is played once.
    pub(super) once: VecDeque<EventSpec>,
    /// What it was asked to look for and to play.
    pub(super) armed: Option<Request>,
}

/// Whether a port can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// Nothing is known of it, or it does not work.
    Out,
    In,
}

/// A part in a call.
#[derive(Debug, Default)]
pub(super) struct Leg {
    /// What a telephone would show of it.
    pub(super) shown: Shown,
    pub(super) media: Media,
    /// It has ended, but for its connection.
    pub(super) over: bool,
}

impl Port {
    pub(super) fn new(gateway: String, config: PortConfig) -> Self {
        Self {
            gateway,
            config,
            service: Service::Out,
            srtp: false,
            makes_keys: false,
            security: Security::NonSecure,
            announced: false,
            refusal: None,
            audit_due: false,
            outage: false,
            doubtful: Vec::new(),
            busy: false,
            stale: Vec::new(),
            legs: BTreeMap::new(),
            off_hook: false,
            ring: None,
            consulting: false,
            hold_until: None,
            once: VecDeque::new(),
            armed: None,
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.legs.is_empty() && self.stale.is_empty()
    }

    pub(super) fn leg_ids(&self) -> Vec<LegId> {
        self.legs.iter().filter(|(_, leg)| !leg.over).map(|(id, _)| *id).collect()
    }

    /// Those that have keys.
    pub(super) fn secure_legs(&self) -> Vec<LegId> {
        let secure = self.legs.iter().filter(|(_, leg)| !leg.over && leg.media.is_secure());
        secure.map(|(id, _)| *id).collect()
    }

    /// Its connections, as far as they are known here.
    pub(super) fn connections(&self) -> Vec<ConnectionId> {
        self.legs.values().filter_map(|leg| leg.media.connection_id()).collect()
    }

    /// Nobody can say anything to it any more.
    pub(super) fn abandon(&mut self) {
        self.legs.clear();
        self.begin_anew();
    }

    /// What it was asked for before does not count any more.
    pub(super) fn begin_anew(&mut self) {
        self.legs.clear();
        self.doubtful.clear();
        self.off_hook = false;
        self.ring = None;
        self.consulting = false;
        self.hold_until = None;
        self.once.clear();
        self.armed = None;
    }
}

impl Agent {
    /// Asks a port for what is most urgent.
    pub(super) fn settle_port(&mut self, now: Instant, name: &DeviceName) {
        let Some(port) = self.ports.get_mut(name).filter(|port| !port.busy) else { return };
        if port.audit_due {
            return self.begin_audit(now, name);
        }
        if port.service != Service::In {
            return;
        }
        if let Some(id) = port.doubtful.pop() {
            let endpoint = self.gateways[&port.gateway].endpoint(&port.config.local);
            return self.ask(now, name, message::check(endpoint, id), Asked::Check { id });
        }
        port.legs.retain(|_, leg| !leg.over || leg.media.connection_id().is_some());
        if let Some((leg, step)) = port.media_to_stop() {
            return self.stop_media(now, name, leg, step);
        }
        if let Some(id) = port.stale.first().copied() {
            let endpoint = self.gateways[&port.gateway].endpoint(&port.config.local);
            return self.ask(now, name, message::delete(endpoint, None, id), Asked::Stale { id });
        }
        if let Some((request, once)) = self.request_to_send(name) {
            let port = &self.ports[name];
            let endpoint = self.gateways[&port.gateway].endpoint(&port.config.local);
            let id = self.next_request();
            let command = message::request(endpoint, id, &request);
            return self.ask(now, name, command, Asked::Request { request, once });
        }
        self.open_media(now, name);
    }
}
