//! Gateways: registered, audited, lost, and what protects the way to them.

use std::net::IpAddr;
use std::time::Instant;

use callmanager::security::Security;
use callmanager::switchboard::{DeviceName, Event, Key};
use mgcp::event::EventSpec;
use mgcp::value::RestartMethod;
use mgcp::{Command, ConnectionId, EndpointName, Response, ReturnCode};

use super::agent::{Agent, Asked};
use super::config::{GatewayConfig, KeyPolicy};
use super::message;
use super::path::{self, Verdict};
use super::port::{Port, Service};
use super::report::{GatewayAlarm, GatewayState, GatewayView, PortView};

/// A gateway.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) config: GatewayConfig,
    pub(super) state: GatewayState,
    /// When it is asked whether it is there, unless something is heard of it.
    next_probe: Instant,
    path: Option<Verdict>,
    next_look: Instant,
    /// Since when nothing covers the way; an alarm follows.
    uncovered: Option<Instant>,
    /// The administrator knows that nothing covers the way.
    alarmed: bool,
}

impl Gateway {
    pub(super) fn has_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.config.addresses.iter().any(|own| own.ip().to_canonical() == address)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let probes = self.is_watched().then_some(self.next_probe);
        probes.into_iter().chain([self.next_look]).min()
    }

    /// Whether we ask it whether it is there: if it is here, or should be.
    fn is_watched(&self) -> bool {
        match self.state {
            GatewayState::Registered | GatewayState::Leaving => true,
            GatewayState::Unknown | GatewayState::Lost => self.config.rank == Some(0),
        }
    }

    pub(super) fn endpoint(&self, local: &str) -> EndpointName {
        EndpointName::new(local, &self.config.name).expect("the plan was checked")
    }
}

impl Agent {
    pub(super) fn add_gateway(&mut self, now: Instant, key: String, config: GatewayConfig) {
        for port in &config.ports {
            let name = DeviceName::from(&*format!("{}@{}", port.local, config.name));
            self.ports.insert(name, Port::new(key.clone(), port.clone()));
        }
        if config.key_policy == KeyPolicy::TrustedPath {
            self.alarm(GatewayAlarm::Trusted { gateway: config.name.clone() });
        }
        let gateway = Gateway {
            state: GatewayState::Unknown,
            next_probe: now,
            path: None,
            next_look: now,
            uncovered: None,
            alarmed: false,
            config,
        };
        self.gateways.insert(key.clone(), gateway);
        // Another one before us may look after it.
        if self.gateways[&key].config.rank == Some(0) {
            self.audit_all(&key);
        }
    }

    pub(super) fn remove_gateway(&mut self, now: Instant, key: &str) {
        for name in self.ports_of(key) {
            self.delete_all(now, key, &name);
            self.withdraw(&name);
            self.ports.remove(&name);
            self.forget_questions(|port| *port == name);
        }
        self.gateways.remove(key);
    }

    /// Deletes the connections of a port that is no more here. Nobody waits for the answers.
    fn delete_all(&mut self, now: Instant, key: &str, name: &DeviceName) {
        let (gateway, port) = (&self.gateways[key], &self.ports[name]);
        for id in port.connections() {
            let endpoint = gateway.endpoint(&port.config.local);
            let mut command = message::delete(endpoint, None, id);
            command.version = gateway.config.version;
            self.transactions.send(now, &gateway.config.addresses, command);
        }
    }

    pub(super) fn ports_of(&self, key: &str) -> Vec<DeviceName> {
        let own = self.ports.iter().filter(|(_, port)| port.gateway == key);
        own.map(|(name, _)| name.clone()).collect()
    }

    /// Something was heard of the gateway of a port.
    pub(super) fn heard(&mut self, now: Instant, name: &DeviceName) {
        if let Some(port) = self.ports.get(name) {
            let key = port.gateway.clone();
            self.contact(now, &key);
        }
    }

    /// Something was heard of a gateway.
    pub(super) fn contact(&mut self, now: Instant, key: &str) {
        let Some(gateway) = self.gateways.get_mut(key) else { return };
        gateway.next_probe = now + self.config.keep_alive;
        if matches!(gateway.state, GatewayState::Registered | GatewayState::Leaving) {
            return;
        }
        gateway.state = GatewayState::Registered;
        self.counters.registrations += 1;
        let gateway = gateway.config.name.clone();
        self.alarm(GatewayAlarm::Registered { gateway });
        for name in self.ports_of(key) {
            let port = self.ports.get_mut(&name).expect("one of ours");
            if port.service == Service::Out && !port.busy {
                port.audit_due = true;
                self.touched.insert(name);
            }
        }
    }

    /// A command to the gateway of a port was never answered.
    pub(super) fn unanswered(&mut self, name: &DeviceName) {
        let Some(port) = self.ports.get(name) else { return };
        let key = port.gateway.clone();
        let Some(gateway) = self.gateways.get_mut(&key) else { return };
        let before = std::mem::replace(&mut gateway.state, GatewayState::Lost);
        let gateway = gateway.config.name.clone();
        match before {
            GatewayState::Lost => return,
            GatewayState::Unknown | GatewayState::Registered | GatewayState::Leaving => {
                self.alarm(GatewayAlarm::Lost { gateway });
            }
        }
        for name in self.ports_of(&key) {
            // Media of calls goes on without us, and so do their parties until they hang up.
            let port = self.ports.get_mut(&name).expect("one of ours");
            port.service = Service::Out;
            if std::mem::take(&mut port.announced) {
                self.tell(Event::DeviceGone { device: name.clone() });
            }
            self.ports.get_mut(&name).expect("one of ours").abandon();
        }
    }

    /// All ports of a gateway are asked what they are like.
    pub(super) fn audit_all(&mut self, key: &str) {
        for name in self.ports_of(key) {
            let port = self.ports.get_mut(&name).expect("one of ours");
            port.audit_due = true;
            self.touched.insert(name);
        }
    }

    /// Asks gateways of which nothing is heard whether they are there, and looks at ways.
    pub(super) fn keep_alive(&mut self, now: Instant) {
        let due: Vec<_> = self
            .gateways
            .iter()
            .filter(|(_, gateway)| gateway.is_watched() && gateway.next_probe <= now)
            .map(|(key, _)| key.clone())
            .collect();
        for key in due {
            let gateway = self.gateways.get_mut(&key).expect("one of ours");
            gateway.next_probe = now + self.config.keep_alive;
            // One port stands for the gateway; those that do not work are asked again.
            let names = self.ports_of(&key);
            let out = |name: &&DeviceName| self.ports[*name].service == Service::Out;
            let again: Vec<_> = names.iter().filter(out).cloned().collect();
            for name in names.into_iter().take(1).chain(again) {
                let port = self.ports.get_mut(&name).expect("one of ours");
                port.audit_due = true;
                self.touched.insert(name);
            }
        }
        if self.gateways.values().any(|gateway| gateway.next_look <= now) {
            self.look_at_paths(now);
        }
    }

    /// Asks a port what it is like, unless too many are being asked already.
    pub(super) fn begin_audit(&mut self, now: Instant, name: &DeviceName) {
        let key = self.ports[name].gateway.clone();
        if self.audits_under_way(&key) >= self.config.pace {
            return;
        }
        let port = self.ports.get_mut(name).expect("the caller has it");
        port.audit_due = false;
        let outage = std::mem::take(&mut port.outage);
        let endpoint = self.gateways[&key].endpoint(&port.config.local);
        self.ask(now, name, message::audit(endpoint, outage), Asked::Audit { outage });
    }

    /// A port has said what it is like.
    pub(super) fn audited(
        &mut self,
        now: Instant,
        name: &DeviceName,
        outage: bool,
        response: Option<&Response>,
    ) {
        let key = self.ports[name].gateway.clone();
        let waits = |port: &Port| port.gateway == key && port.audit_due;
        let waiting = self.ports.iter().filter(|(_, port)| waits(port));
        self.touched.extend(waiting.map(|(name, _)| name.clone()).collect::<Vec<_>>());
        let Some(response) = response else { return };
        let port = self.ports.get_mut(name).expect("looked up above");
        if !response.code.is_success() {
            let code = response.code.value();
            let known = port.refusal.replace(code) == Some(code);
            let was = std::mem::replace(&mut port.service, Service::Out);
            if !known {
                self.alarm(GatewayAlarm::Port { port: name.to_string(), code });
            }
            if was == Service::In {
                self.withdraw(name);
            }
            return;
        }
        port.refusal = None;
        let capabilities = &response.params.capabilities;
        let mut packages = capabilities.iter().flat_map(|it| it.values("v"));
        port.srtp = packages.any(|package| package.eq_ignore_ascii_case("SRTP"));
        let there = &response.params.connections;
        self.reconcile(name, there);
        let port = self.ports.get_mut(name).expect("looked up above");
        port.service = Service::In;
        // What is told of the port depends on the way, and who is told may look at that too.
        let verdict = self.verdict(now, &key);
        self.judge_way(now, &key, verdict);
        self.announce(now, name);
        if outage {
            self.catch_up(name, response.params.event_states.as_deref().unwrap_or_default());
        }
    }

    /// Sees to what happened at a port while its gateway could not tell.
    fn catch_up(&mut self, name: &DeviceName, states: &[EventSpec]) {
        let port = self.ports.get_mut(name).expect("the caller has it");
        port.doubtful = port.connections();
        let is = |id: &str| states.iter().any(|state| state.name.is("L", id));
        match (port.off_hook, is("hd"), is("hu")) {
            (false, true, false) => self.off_hook(name),
            (true, false, true) => self.on_hook(name),
            _ => {}
        }
    }

    /// Compares the connections that a port has with those that it should have.
    fn reconcile(&mut self, name: &DeviceName, there: &[ConnectionId]) {
        let port = self.ports.get_mut(name).expect("the caller has it");
        let known = port.connections();
        port.stale.extend(there.iter().filter(|id| !known.contains(id)).copied());
        port.stale.truncate(MOST_STALE);
        for id in known.into_iter().filter(|id| !there.contains(id)) {
            self.connection_lost(name, id);
        }
    }

    /// Tells the switchboard of a port, or what has changed about it.
    fn announce(&mut self, now: Instant, name: &DeviceName) {
        let security = self.security_of(now, name);
        let port = self.ports.get_mut(name).expect("the caller has it");
        let before = std::mem::replace(&mut port.security, security);
        let device = name.clone();
        if !std::mem::replace(&mut port.announced, true) {
            port.begin_anew();
            let profile =
                callmanager::switchboard::Profile { security, ..port.config.profile.clone() };
            self.tell(Event::DeviceArrived { device, profile });
        } else if before != security {
            self.tell(Event::PortSecurity { device, security });
        }
    }

    /// The switchboard is told that a port is no more; its calls end.
    pub(super) fn withdraw(&mut self, name: &DeviceName) {
        let Some(port) = self.ports.get_mut(name) else { return };
        let legs = port.leg_ids();
        let announced = std::mem::take(&mut port.announced);
        port.abandon();
        if !announced {
            return;
        }
        for leg in legs {
            self.press(name, Some(leg), Key::EndCall);
        }
        self.tell(Event::DeviceGone { device: name.clone() });
    }

    fn security_of(&mut self, now: Instant, name: &DeviceName) -> Security {
        let port = &self.ports[name];
        let (key, srtp) = (port.gateway.clone(), port.srtp);
        let may = srtp && self.mixed_mode && self.verdict(now, &key).lets_keys_go();
        if may { Security::Encrypted } else { Security::NonSecure }
    }

    /// What lets keys go to a gateway at this moment, or holds them back.
    pub(super) fn verdict(&mut self, now: Instant, key: &str) -> Verdict {
        let gateway = &self.gateways[key].config;
        path::judge(&mut *self.paths, now, gateway, self.config.address, gateway.addresses[0])
    }

    /// Looks at the ways to all gateways, and tells what has changed.
    pub(super) fn look_at_paths(&mut self, now: Instant) {
        for key in self.gateways.keys().cloned().collect::<Vec<_>>() {
            let verdict = self.verdict(now, &key);
            self.judge_way(now, &key, verdict);
            for name in self.ports_of(&key) {
                if self.ports[&name].announced {
                    self.announce_change(now, &name);
                }
            }
        }
    }

    fn judge_way(&mut self, now: Instant, key: &str, verdict: Verdict) {
        let gateway = self.gateways.get_mut(key).expect("one of ours");
        let name = gateway.config.name.clone();
        gateway.next_look = now + self.config.recheck;
        let alarm = match verdict.open() {
            None => {
                gateway.uncovered = None;
                std::mem::take(&mut gateway.alarmed)
                    .then_some(GatewayAlarm::Covered { gateway: name })
            }
            Some(reason) => {
                let since = *gateway.uncovered.get_or_insert(now);
                let due = since + self.config.hysteresis;
                if due > now {
                    gateway.next_look = gateway.next_look.min(due);
                    None
                } else {
                    let (reason, keys_go) = (reason.to_owned(), verdict.lets_keys_go());
                    let told = std::mem::replace(&mut gateway.alarmed, true);
                    (!told).then_some(GatewayAlarm::Uncovered { gateway: name, reason, keys_go })
                }
            }
        };
        gateway.path = Some(verdict);
        let drops = gateway.config.drop_secure_calls;
        if let Some(alarm) = alarm {
            let held_back = matches!(alarm, GatewayAlarm::Uncovered { keys_go: false, .. });
            let covered = matches!(alarm, GatewayAlarm::Covered { .. });
            self.alarm(alarm);
            if held_back && drops {
                self.end_secure_calls(key);
            }
            if covered {
                // A gateway that sees its own end covered again offers SRTP again.
                self.audit_all(key);
            }
        }
    }

    fn end_secure_calls(&mut self, key: &str) {
        let mut calls = 0;
        for name in self.ports_of(key) {
            for leg in self.ports[&name].secure_legs() {
                self.press(&name, Some(leg), Key::EndCall);
                calls += 1;
            }
        }
        if calls > 0 {
            let gateway = self.gateways[key].config.name.clone();
            self.alarm(GatewayAlarm::CallsEnded { gateway, calls });
        }
    }

    /// That keys may go is told at once; that they may not, when a renewal would be over.
    fn announce_change(&mut self, now: Instant, name: &DeviceName) {
        let security = self.security_of(now, name);
        let port = &self.ports[name];
        let gateway = &self.gateways[&port.gateway];
        let renewal = gateway.uncovered.is_some() && !gateway.alarmed;
        if security > port.security || !renewal {
            self.announce(now, name);
        }
    }

    /// A gateway says what becomes of its endpoints.
    pub(super) fn restarting(&mut self, key: &str, command: &Command) -> Response {
        let name = self.gateways[key].config.name.clone();
        let local = command.endpoint.local();
        // `*`, `aaln/*` and the like; without wildcard one endpoint.
        let all = local == super::config::WHOLE || local.eq_ignore_ascii_case("mg");
        let concerned: Vec<_> = self
            .ports_of(key)
            .into_iter()
            .filter(|port| {
                let own = &self.ports[port].config.local;
                all || command.endpoint.covers(own) || local.eq_ignore_ascii_case(own)
            })
            .collect();
        if concerned.is_empty() && !all {
            return Response::new(ReturnCode::UNKNOWN_ENDPOINT);
        }
        let back = command.params.restart_delay.is_none_or(|seconds| seconds == 0);
        match command.params.restart_method {
            Some(RestartMethod::Restart) if back => {
                let calls = concerned.iter().filter(|port| !self.ports[*port].is_idle()).count();
                for port in &concerned {
                    self.forget_questions(|other| other == port);
                    self.ports.get_mut(port).expect("one of ours").busy = false;
                    self.withdraw(port);
                    self.ports.get_mut(port).expect("one of ours").stale.clear();
                }
                if calls > 0 {
                    self.alarm(GatewayAlarm::Restarted { gateway: name, calls });
                }
                self.set_state(key, GatewayState::Registered);
                self.audit_ports(concerned);
            }
            Some(RestartMethod::Restart | RestartMethod::Forced) => {
                for port in concerned {
                    self.ports.get_mut(&port).expect("one of ours").service = Service::Out;
                    self.withdraw(&port);
                }
                self.alarm(GatewayAlarm::Leaving { gateway: name });
            }
            Some(RestartMethod::Graceful) => {
                self.set_state(key, GatewayState::Leaving);
                self.alarm(GatewayAlarm::Leaving { gateway: name });
            }
            Some(RestartMethod::CancelGraceful) => self.set_state(key, GatewayState::Registered),
            Some(RestartMethod::Disconnected) => {
                for port in &concerned {
                    self.ports.get_mut(port).expect("one of ours").outage = true;
                }
                self.audit_ports(concerned);
            }
            None => return Response::new(ReturnCode::PROTOCOL_ERROR),
        }
        Response::new(ReturnCode::OK)
    }

    fn audit_ports(&mut self, names: Vec<DeviceName>) {
        for name in names {
            self.ports.get_mut(&name).expect("one of ours").audit_due = true;
            self.touched.insert(name);
        }
    }

    fn set_state(&mut self, key: &str, state: GatewayState) {
        self.gateways.get_mut(key).expect("one of ours").state = state;
    }

    pub(super) fn view(&self, key: &str) -> GatewayView {
        let gateway = &self.gateways[key];
        let port = |name: DeviceName| {
            let port = &self.ports[&name];
            PortView {
                name: port.config.local.clone(),
                in_service: port.service == Service::In,
                refusal: port.refusal,
                srtp: port.srtp,
                secure: port.announced && port.security == Security::Encrypted,
                capture: port.config.capture,
                calls: port.leg_ids().len(),
            }
        };
        GatewayView {
            name: gateway.config.name.clone(),
            state: gateway.state,
            path: gateway.path.clone(),
            ports: self.ports_of(key).into_iter().map(port).collect(),
        }
    }
}

/// Connections of earlier runs that are deleted at a time.
const MOST_STALE: usize = 64;
