//! The telephone side of a port: what it is to play, and what is observed there.
//!
//! An analog telephone has a hook and digits. Flashing the hook holds a call and asks for another
//! number; flashing again comes back to the first one, hanging up connects both. While somebody
//! waits, it answers him. A trunk does not flash; what it is asked to ring for is a call that goes
//! out, and the digits are sent to it.

use std::time::Instant;

use callmanager::switchboard::{
    CallInfo, CallState, Change, DeviceName, Event, Key, Kind, LegId, Order, Ring, Tone,
};
use mgcp::event::{Action, EventSpec};
use mgcp::{Command, ConnectionId, Response, ReturnCode};

use super::agent::Agent;
use super::message::{Request, event, signal};
use super::port::Port;
use super::report::{GatewayAlarm, Report};

/// What a telephone would show of a leg.
#[derive(Debug, Default)]
pub(super) struct Shown {
    state: Option<CallState>,
    tone: Option<Tone>,
    info: Option<CallInfo>,
}

impl Shown {
    /// Whether its user hears and is heard, or is about to.
    fn is_active(&self) -> bool {
        !matches!(self.state, None | Some(CallState::RingIn | CallState::Hold | CallState::OnHook))
    }
}

/// Signals that are played once and may wait.
const MOST_ONCE: usize = 64;

impl Port {
    /// What the switchboard wants shown.
    pub(super) fn show(&mut self, order: Order) {
        if !self.announced {
            return;
        }
        self.hold_until = None;
        match order {
            Order::Leg { leg, change, .. } => self.show_leg(leg, change),
            Order::Ring { leg, ring, .. } => {
                let begins = ring != Ring::Off && self.ring.is_none_or(|(other, _)| other != leg);
                self.ring = (ring != Ring::Off).then_some((leg, ring));
                if begins {
                    self.announce_caller(leg);
                }
            }
            Order::Speaker(_)
            | Order::Lamp { .. }
            | Order::MessageWaiting { .. }
            | Order::Forward { .. }
            | Order::Privacy(_) => {}
        }
    }

    fn show_leg(&mut self, id: LegId, change: Change) {
        match change {
            Change::State(CallState::OnHook) => {
                if let Some(leg) = self.legs.get_mut(&id) {
                    leg.over = true;
                }
            }
            Change::State(state) => self.legs.entry(id).or_default().shown.state = Some(state),
            Change::Info(info) => self.legs.entry(id).or_default().shown.info = Some(info),
            Change::Tone(Some(tone)) => self.legs.entry(id).or_default().shown.tone = Some(tone),
            Change::Tone(None) => {
                if let Some(leg) = self.legs.get_mut(&id) {
                    leg.shown.tone = None;
                }
            }
            Change::Sound(Tone::Dtmf(digit)) => self.play_once(digit_signal(digit)),
            Change::Sound(Tone::Confirmation | Tone::BargeIn) => {
                self.play_once(Some(signal("G", "cf", None)));
            }
            Change::Sound(_)
            | Change::Keys(_)
            | Change::Prompt(_)
            | Change::Dialled(_)
            | Change::Backspace
            | Change::Notice(_) => {}
        }
    }

    /// Who calls is told to a telephone, and a trunk whom to call.
    fn announce_caller(&mut self, leg: LegId) {
        let Some(info) = self.legs.get(&leg).and_then(|leg| leg.shown.info.clone()) else { return };
        match self.config.profile.kind {
            Kind::Trunk => {
                for digit in info.called.number.chars() {
                    self.play_once(digit_signal(digit));
                }
            }
            Kind::Line | Kind::Telephone => {
                let plain = |c: &char| c.is_ascii_alphanumeric() || " .-+*#".contains(*c);
                let text = |text: &str| text.chars().filter(plain).collect::<String>();
                let (number, name) = (text(&info.calling.number), text(&info.calling.name));
                self.play_once(Some(signal("L", "ci", Some(&format!(",{number},{name}")))));
            }
        }
    }

    fn play_once(&mut self, played: Option<EventSpec>) {
        if self.once.len() < MOST_ONCE {
            self.once.extend(played);
        }
    }

    /// What the port should look for and play now.
    fn desired(&self, digit_map: Option<&mgcp::digitmap::DigitMap>) -> Request {
        let active = self.legs.values().find(|leg| !leg.over && leg.shown.is_active());
        let tone = active.and_then(|leg| leg.shown.tone).and_then(tone_signal);
        if !self.off_hook {
            let rings = self.ring.map(|_| signal("L", "rg", None));
            let events = vec![event("L", "hd", Action::Notify)];
            return Request { events, signals: rings.into_iter().collect(), digit_map: None };
        }
        let waits = matches!(self.ring, Some((_, Ring::Waiting))).then(|| signal("L", "wt", None));
        let collects = active.is_some_and(|leg| leg.shown.state == Some(CallState::OffHook));
        let map = digit_map.filter(|_| collects).cloned();
        let digits = match map {
            Some(_) => event("D", "[0-9ABCD*#T]", Action::DigitMap),
            None => event("D", "[0-9ABCD*#]", Action::Notify),
        };
        let mut events = vec![event("L", "hu", Action::Notify)];
        if self.config.profile.kind == Kind::Line {
            events.push(event("L", "hf", Action::Notify));
        }
        events.push(digits);
        Request { events, signals: tone.or(waits).into_iter().collect(), digit_map: map }
    }

    fn find(&self, state: CallState) -> Option<LegId> {
        let found = |leg: &super::port::Leg| !leg.over && leg.shown.state == Some(state);
        self.legs.iter().find(|(_, leg)| found(leg)).map(|(id, _)| *id)
    }

    fn active(&self) -> Option<LegId> {
        let found = |leg: &super::port::Leg| !leg.over && leg.shown.is_active();
        self.legs.iter().find(|(_, leg)| found(leg)).map(|(id, _)| *id)
    }
}

fn digit_signal(digit: char) -> Option<EventSpec> {
    let mut octets = [0; 4];
    ("0123456789*#ABCD".contains(digit)).then(|| signal("D", digit.encode_utf8(&mut octets), None))
}

fn tone_signal(tone: Tone) -> Option<EventSpec> {
    let (package, id) = match tone {
        Tone::Dial => ("L", "dl"),
        Tone::Alerting => ("G", "rt"),
        Tone::Busy => ("L", "bz"),
        Tone::Reorder | Tone::NoSuchNumber => ("L", "ro"),
        Tone::Howler => ("L", "ot"),
        Tone::Confirmation | Tone::Hold | Tone::BargeIn | Tone::Dtmf(_) => return None,
    };
    Some(signal(package, id, None))
}

impl Agent {
    /// What a port is to be asked for, if it was asked for something else, with the number of
    /// signals that are played once.
    pub(super) fn request_to_send(&mut self, name: &DeviceName) -> Option<(Request, usize)> {
        let port = &self.ports[name];
        if !port.announced || port.hold_until.is_some() {
            return None;
        }
        let digit_map = self.gateways[&port.gateway].config.digit_map.as_ref();
        let mut request = port.desired(digit_map);
        if port.once.is_empty() && port.armed.as_ref() == Some(&request) {
            return None;
        }
        request.signals.extend(port.once.iter().cloned());
        Some((request, port.once.len()))
    }

    /// A port has been asked.
    pub(super) fn requested(
        &mut self,
        name: &DeviceName,
        mut request: Request,
        once: usize,
        response: Option<&Response>,
    ) {
        let Some(response) = response else { return };
        let port = self.ports.get_mut(name).expect("the caller looked");
        request.signals.truncate(request.signals.len() - once);
        match response.code {
            ReturnCode::OFF_HOOK => return self.off_hook(name),
            ReturnCode::ON_HOOK => return self.on_hook(name),
            _ => {}
        }
        port.once.drain(..once.min(port.once.len()));
        // One that refuses would refuse again.
        port.armed = Some(request);
        if !response.code.is_success() {
            let code = response.code.value();
            if port.refusal.replace(code) != Some(code) {
                self.alarm(GatewayAlarm::Port { port: name.to_string(), code });
            }
        }
    }

    /// A gateway tells what it has observed.
    pub(super) fn notified(&mut self, now: Instant, key: &str, command: &Command) -> Response {
        self.counters.notifications += 1;
        let observed = command.params.observed.as_deref().unwrap_or_default();
        let Some(name) = self.port_named(key, command.endpoint.local()) else {
            // A sign of life comes from all of the gateway.
            let life = observed.is_empty() && command.endpoint.local() == super::config::WHOLE;
            let code = if life { ReturnCode::OK } else { ReturnCode::UNKNOWN_ENDPOINT };
            return Response::new(code);
        };
        let hold_until = Some(now + self.config.patience);
        self.ports.get_mut(&name).expect("found above").hold_until = hold_until;
        for spec in observed {
            let heard = spec.to_string();
            self.capture(&name, || format!("<- NTFY {heard}"));
            self.observed(&name, spec);
        }
        self.touched.insert(name);
        Response::new(ReturnCode::OK)
    }

    /// A gateway deletes a connection itself.
    pub(super) fn deleted(&mut self, key: &str, command: &Command) -> Response {
        let Some(name) = self.port_named(key, command.endpoint.local()) else {
            return Response::new(ReturnCode::UNKNOWN_ENDPOINT);
        };
        let Some(id) = command.params.connection() else {
            return Response::new(ReturnCode::WRONG_CONNECTION);
        };
        if let Some(statistics) = command.params.statistics.clone() {
            self.reports.push_back(Report::Closed { port: name.clone(), statistics });
        }
        self.connection_lost(&name, id);
        Response::new(ReturnCode::DELETED)
    }

    /// A connection is no more: what was said over it is over.
    pub(super) fn connection_lost(&mut self, name: &DeviceName, id: ConnectionId) {
        let port = self.ports.get_mut(name).expect("the caller has it");
        let has = |leg: &super::port::Leg| leg.media.connection_id() == Some(id);
        let Some((leg, found)) = port.legs.iter_mut().find(|(_, leg)| has(leg)) else { return };
        found.media.forget_connection();
        let leg = *leg;
        self.touched.insert(name.clone());
        self.press(name, Some(leg), Key::EndCall);
    }

    fn port_named(&self, key: &str, local: &str) -> Option<DeviceName> {
        let own =
            |port: &Port| port.gateway == key && port.config.local.eq_ignore_ascii_case(local);
        self.ports.iter().find(|(_, port)| own(port)).map(|(name, _)| name.clone())
    }

    fn observed(&mut self, name: &DeviceName, spec: &EventSpec) {
        let port = self.ports.get_mut(name).expect("the caller looked");
        // An event that was asked for ends what is played until its time is over.
        if let Some(armed) = &mut port.armed {
            armed.signals.clear();
        }
        let event = &spec.name;
        if event.is("L", "hd") {
            self.off_hook(name);
        } else if event.is("L", "hu") {
            self.on_hook(name);
        } else if event.is("L", "hf") {
            self.flash(name);
        } else if event.package.as_deref().is_some_and(|it| it.eq_ignore_ascii_case("D")) {
            let digit = event.id.chars().next().map(|digit| digit.to_ascii_uppercase());
            match digit.filter(|_| event.id.chars().count() == 1) {
                Some(digit) if "0123456789*#ABCD".contains(digit) => {
                    self.press(name, None, Key::Digit(digit));
                }
                // No more digits come.
                Some('T') => self.press(name, None, Key::Digit('#')),
                _ => {}
            }
        }
    }

    pub(super) fn off_hook(&mut self, name: &DeviceName) {
        let port = self.ports.get_mut(name).expect("the caller looked");
        if !port.announced || std::mem::replace(&mut port.off_hook, true) {
            return;
        }
        port.armed = None;
        let rings = port.ring.is_some();
        match (&port.config.attendant, port.config.takes_calls_in) {
            _ if rings => self.press(name, None, Key::OffHook),
            (_, false) => {}
            (Some(number), true) if port.config.profile.kind == Kind::Trunk => {
                let number = Key::Number(number.clone());
                self.press(name, None, number);
            }
            _ => self.press(name, None, Key::OffHook),
        }
    }

    pub(super) fn on_hook(&mut self, name: &DeviceName) {
        let port = self.ports.get_mut(name).expect("the caller looked");
        port.off_hook = false;
        port.armed = None;
        let held = port.find(CallState::Hold);
        let second = port.find(CallState::Connected).or(port.find(CallState::RingOut));
        let consulting = std::mem::take(&mut port.consulting);
        if consulting && held.is_some() && second.is_some() {
            self.press(name, second, Key::Transfer);
        }
        self.press(name, None, Key::OnHook);
        if let Some(held) = held.filter(|_| !consulting || second.is_none()) {
            self.press(name, Some(held), Key::EndCall);
        }
    }

    fn flash(&mut self, name: &DeviceName) {
        let port = self.ports.get_mut(name).expect("the caller looked");
        let (active, held) = (port.active(), port.find(CallState::Hold));
        if let Some(waiting) = port.find(CallState::RingIn) {
            return self.press(name, Some(waiting), Key::Answer);
        }
        match (active, held, port.consulting) {
            (Some(second), Some(first), true) => {
                port.consulting = false;
                self.press(name, Some(second), Key::EndCall);
                self.press(name, Some(first), Key::Resume);
            }
            (_, Some(other), false) => self.press(name, Some(other), Key::Resume),
            (Some(first), None, _) if port.find(CallState::Connected) == Some(first) => {
                port.consulting = true;
                self.press(name, Some(first), Key::Transfer);
            }
            _ => {}
        }
    }

    /// A user presses a key, in the switchboard's words.
    pub(super) fn press(&mut self, name: &DeviceName, leg: Option<LegId>, key: Key) {
        self.tell(Event::Pressed { device: name.clone(), line: None, leg, key });
    }
}
