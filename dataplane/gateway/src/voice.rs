//! Voice endpoints: what the gateway knows of their telephone sides, and what it orders there.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use engine::command::{
    Command as EngineCommand, LegSpec, Mode, Protection, RelayId, RtcpPolicy, SourceRule,
};
use line::command::{Connection as LineConnection, Event, LineId, Order, SLOTS, Slot, addresses};
use mgcp::event::{ConnectionRef, EventSpec};
use mgcp::{ConnectionId, EndpointName, Params, ReturnCode, ValueError};

use crate::endpoint::{Connection, Endpoint, Inner};
use crate::gateway::Gateway;
use crate::job::{Job, Work};
use crate::notify::{Observation, Request};
use crate::options::IntoFault;
use crate::packages::{Duty, Known, digit_event};
use crate::signals::{Playing, turns_off};

const OFF_HOOK: Known = Known { package: "L", id: "hd" };
const ON_HOOK: Known = Known { package: "L", id: "hu" };

/// The telephone sides of all voice endpoints.
pub(crate) struct Lines {
    lines: Vec<Line>,
    orders: VecDeque<(LineId, Order)>,
    /// When something is due at which line.
    due: BTreeSet<(Instant, LineId)>,
}

/// The telephone side of one.
#[derive(Default)]
struct Line {
    off_hook: bool,
    playing: Vec<Playing>,
    /// Its place in the list of what is due.
    due: Option<Instant>,
}

impl Lines {
    pub(crate) fn new(count: usize) -> Self {
        let lines = (0..count).map(|_| Line::default()).collect();
        Self { lines, orders: VecDeque::new(), due: BTreeSet::new() }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    fn get(&self, id: LineId) -> Option<&Line> {
        self.lines.get(id.0 as usize)
    }

    fn get_mut(&mut self, id: LineId) -> Option<&mut Line> {
        self.lines.get_mut(id.0 as usize)
    }

    fn order(&mut self, id: LineId, order: Order) {
        self.orders.push_back((id, order));
    }

    /// Has a line looked at when something is due there.
    fn arm(&mut self, id: LineId, at: Option<Instant>) {
        let Some(line) = self.lines.get_mut(id.0 as usize) else { return };
        if line.due == at {
            return;
        }
        if let Some(before) = std::mem::replace(&mut line.due, at) {
            self.due.remove(&(before, id));
        }
        self.due.extend(at.map(|at| (at, id)));
    }
}

impl Gateway {
    /// The next order for a telephone side.
    pub fn poll_order(&mut self) -> Option<(LineId, Order)> {
        self.lines.orders.pop_front()
    }

    /// What a telephone side reports.
    pub fn handle_line_event(&mut self, now: Instant, id: LineId, event: Event) {
        let Some(number) = self.endpoints.of_line(id) else { return };
        match event {
            Event::OffHook => self.hook(now, id, number, true),
            Event::OnHook => self.hook(now, id, number, false),
            Event::Flash => self.observed(now, number, Observation::new("L", "hf")),
            Event::Digit(symbol) => {
                if let Some(Known { package, id }) = digit_event(symbol) {
                    self.observed(now, number, Observation::new(package, id));
                }
            }
            Event::Fax => self.observed(now, number, Observation::new("G", "ft")),
            Event::Modem => self.observed(now, number, Observation::new("G", "mt")),
            Event::Ended(signal) => self.signals_over(now, number, "oc", |p| p.signal == signal),
            Event::Failed(signal) => self.signals_over(now, number, "of", |p| p.signal == signal),
        }
        self.drain(now);
    }

    fn hook(&mut self, now: Instant, id: LineId, number: u32, off_hook: bool) {
        let Some(line) = self.lines.get_mut(id) else { return };
        if std::mem::replace(&mut line.off_hook, off_hook) == off_hook {
            return;
        }
        let event = if off_hook { OFF_HOOK } else { ON_HOOK };
        let persistent = off_hook && self.config.persistent_off_hook;
        let observation = Observation::new(event.package, event.id);
        self.observed(now, number, Observation { persistent, ..observation });
    }

    /// Something is observed at a voice endpoint. Before the call agent knows that we are here,
    /// nothing is told.
    fn observed(&mut self, now: Instant, number: u32, observation: Observation) {
        let kind = self.endpoints.kind(number);
        if observation.persistent {
            self.endpoints.activate(number);
        }
        let Some(endpoint) = self.endpoints.get_mut(number) else { return };
        if self.service.is_up() {
            let effects = endpoint.requests_mut(kind).observe(now, observation);
            self.take_effect(now, number, effects);
        } else {
            endpoint.requests_mut(kind).hold(observation);
            self.hasten(now);
        }
    }

    /// The call agent knows that we are here: it is told what happened meanwhile.
    pub(crate) fn tell_what_was_held(&mut self, now: Instant) {
        for number in self.endpoints.voice_numbers() {
            let requests = self.endpoints.get_mut(number).and_then(|e| e.requests.as_mut());
            let effects = requests.map(|requests| requests.go_on(now)).unwrap_or_default();
            self.take_effect(now, number, effects);
        }
    }

    /// The request of a command for this endpoint, if it can be fulfilled.
    pub(crate) fn check_request(
        &self,
        number: u32,
        params: &Params,
        own: Option<ConnectionId>,
    ) -> Result<Request, ValueError> {
        let request = Request::check(self.endpoints.kind(number), params, own)?;
        self.check_state(number, &request, own)?;
        Ok(request)
    }

    /// Whether a request fits the state of its endpoint.
    pub(crate) fn check_state(
        &self,
        number: u32,
        request: &Request,
        own: Option<ConnectionId>,
    ) -> Result<(), ValueError> {
        let gone = |spec: &EventSpec| match spec.name.connection {
            Some(ConnectionRef::Id(id)) => own != Some(id) && self.slot_of(number, id).is_none(),
            Some(ConnectionRef::Current | ConnectionRef::All) => true,
            None => false,
        };
        if request.signals.iter().any(gone) {
            return Err(ReturnCode::WRONG_CONNECTION.into_fault());
        }
        let requests = self.endpoints.get(number).and_then(|e| e.requests.as_deref());
        if request.wants_known_map() && requests.is_none_or(|r| r.digit_map().is_none()) {
            return Err(ReturnCode::NO_DIGIT_MAP.into_fault());
        }
        let Some(line) = self.endpoints.line(number).and_then(|id| self.lines.get(id)) else {
            return Ok(());
        };
        let kind = self.endpoints.kind(number);
        let waits_for = |event, other| {
            let discard = request.quarantine.discard.unwrap_or(false);
            // One that is on its way to the call agent will be told; it knows when it hears of it.
            let untold = requests.is_some_and(|r| r.is_untold(event)) && !discard;
            request.asks_for(kind, event) && !request.asks_for(kind, other) && !untold
        };
        if line.off_hook && waits_for(OFF_HOOK, ON_HOOK) {
            return Err(ReturnCode::OFF_HOOK.into_fault());
        }
        if !line.off_hook && waits_for(ON_HOOK, OFF_HOOK) {
            return Err(ReturnCode::ON_HOOK.into_fault());
        }
        Ok(())
    }

    /// Signals of a request: what it does not list, and would end some time, ends now.
    pub(crate) fn apply_signals(&mut self, now: Instant, number: u32, signals: &[EventSpec]) {
        let Some(id) = self.endpoints.line(number) else { return };
        let kind = self.endpoints.kind(number);
        let wanted: Vec<(Playing, bool)> = signals
            .iter()
            .filter_map(|spec| Some((Playing::new(now, kind, spec)?, turns_off(spec))))
            .collect();
        let goes_on = |playing: &Playing| {
            playing.duty == Duty::OnOff
                || wanted
                    .iter()
                    .any(|(new, _)| new.is_same(playing) && new.params == playing.params)
        };
        self.end_signals(number, |playing| !goes_on(playing));
        for (playing, off) in wanted {
            self.apply(id, number, playing, off);
        }
        self.rearm(number);
    }

    fn apply(&mut self, id: LineId, number: u32, mut playing: Playing, off: bool) {
        let on = playing.on.and_then(|connection| self.slot_of(number, connection));
        if on.is_none() && playing.on.is_some() {
            // The connection has gone since the request.
            return;
        }
        playing.slot = on;
        let signal = playing.signal;
        let Some(line) = self.lines.get_mut(id) else { return };
        let at = line.playing.iter().position(|known| known.is_same(&playing));
        let start = Order::Start { signal, params: playing.params.clone(), on };
        match (playing.duty, at) {
            (Duty::OnOff, Some(at)) if off => {
                line.playing.remove(at);
                self.lines.order(id, Order::Stop { signal, on });
            }
            (Duty::OnOff, None) if off => {}
            // It goes on, and is not begun again.
            (Duty::OnOff | Duty::TimeOut(_), Some(_)) => {}
            (Duty::OnOff | Duty::TimeOut(_), None) => {
                line.playing.push(playing);
                self.lines.order(id, start);
            }
            (Duty::Brief, _) => self.lines.order(id, start),
        }
    }

    /// An event ends what would go on for a time.
    pub(crate) fn stop_signals(&mut self, number: u32) {
        self.end_signals(number, |playing| playing.duty != Duty::OnOff);
    }

    /// Ends signals without a word to the call agent.
    fn end_signals(&mut self, number: u32, which: impl Fn(&Playing) -> bool) -> Vec<Playing> {
        let Some(id) = self.endpoints.line(number) else { return Vec::new() };
        let Some(line) = self.lines.get_mut(id) else { return Vec::new() };
        let (over, rest): (Vec<_>, Vec<_>) = line.playing.drain(..).partition(|p| which(p));
        line.playing = rest;
        for playing in &over {
            self.lines.order(id, Order::Stop { signal: playing.signal, on: playing.slot });
        }
        over
    }

    /// Signals have come to their end (`oc`), or have failed (`of`).
    fn signals_over(
        &mut self,
        now: Instant,
        number: u32,
        event: &'static str,
        which: impl Fn(&Playing) -> bool,
    ) {
        for playing in self.end_signals(number, which) {
            let params = Some(playing.spec().to_string().into());
            let of_package = Observation::new(playing.signal.package, event);
            let asked = |observation: &Observation| {
                let request = self.endpoints.get(number).and_then(Endpoint::request);
                let kind = self.endpoints.kind(number);
                request.is_some_and(|request| request.asks_for(kind, observation.event))
            };
            // Each package has these events; the generic one may speak for another.
            let generic = Observation::new("G", event);
            let told = if asked(&of_package) || !asked(&generic) { of_package } else { generic };
            self.observed(now, number, Observation { params, connection: playing.on, ..told });
        }
    }

    pub(crate) fn lines_timeout(&mut self, now: Instant) {
        while let Some((at, id)) = self.lines.due.first().copied().filter(|(at, _)| *at <= now) {
            self.lines.due.remove(&(at, id));
            if let Some(line) = self.lines.get_mut(id) {
                line.due = None;
            }
            let Some(number) = self.endpoints.of_line(id) else { continue };
            self.signals_over(now, number, "oc", |playing| {
                playing.until.is_some_and(|until| until <= now)
            });
            let requests = self.endpoints.get_mut(number).and_then(|e| e.requests.as_mut());
            let effects = requests.map(|requests| requests.handle_timeout(now));
            self.take_effect(now, number, effects.unwrap_or_default());
        }
    }

    /// Notes when something is due at an endpoint.
    pub(crate) fn rearm(&mut self, number: u32) {
        let Some(id) = self.endpoints.line(number) else { return };
        let requests = self.endpoints.get(number).and_then(|e| e.requests.as_deref());
        let digits = requests.and_then(|requests| requests.poll_timeout());
        let line = self.lines.get(id);
        let signals = line.into_iter().flat_map(|line| &line.playing).filter_map(|p| p.until);
        let due = signals.chain(digits).min();
        self.lines.arm(id, due);
    }

    /// What is signalled at an endpoint, for audits.
    pub(crate) fn signals_of(&self, number: Option<u32>) -> Vec<EventSpec> {
        let line = number.and_then(|n| self.endpoints.line(n)).and_then(|id| self.lines.get(id));
        line.into_iter().flat_map(|line| &line.playing).map(Playing::spec).collect()
    }

    /// States of an endpoint that are events too, for audits.
    pub(crate) fn states_of(&self, number: Option<u32>) -> Vec<EventSpec> {
        let line = number.and_then(|n| self.endpoints.line(n)).and_then(|id| self.lines.get(id));
        let state = line.map(|line| if line.off_hook { "L/hd" } else { "L/hu" });
        state.into_iter().map(|event| event.parse().expect("a name")).collect()
    }

    /// Any endpoint that `name` may mean and that has no connections.
    pub(crate) fn choose_any(&mut self, name: &EndpointName) -> Option<u32> {
        if self.endpoints.covers(name, 1)
            && let Some(relay) = self.endpoints.reserve_any()
        {
            return Some(relay);
        }
        let free = |number: &u32| {
            let unused = self.endpoints.get(*number).is_none_or(|e| e.connections.is_empty());
            unused && !self.busy.contains_key(number) && self.endpoints.covers(name, *number)
        };
        self.endpoints.voice_numbers().find(free)
    }

    /// A place for another connection at the telephone side, where there is one.
    pub(crate) fn free_slot(&self, number: u32) -> Option<Slot> {
        self.endpoints.line(number)?;
        let connections = self.endpoints.get(number).map_or(&[][..], |e| &e.connections);
        let taken = |slot: &Slot| {
            connections.iter().any(|c| c.inner.is_some_and(|inner| inner.slot == *slot))
        };
        (0..SLOTS as u8).map(Slot).find(|slot| !taken(slot))
    }

    fn slot_of(&self, number: u32, id: ConnectionId) -> Option<Slot> {
        let connection = self.endpoints.get(number)?.connection(id)?;
        connection.inner.map(|inner| inner.slot)
    }

    /// Opens the way from a connection to the telephone side.
    pub(crate) fn open_inner(&self, number: u32, relay: RelayId, inner: Inner) -> EngineCommand {
        let line = self.endpoints.line(number).expect("only voice endpoints have inner legs");
        let (local, remote) = addresses(line, inner.slot);
        let spec = LegSpec {
            port: self.config.line_port,
            local,
            remote: Some(remote),
            remote_rtcp: None,
            mode: Mode::SendRecv,
            receive: Protection::Plain,
            send: Protection::Plain,
            rtcp: RtcpPolicy::Off,
            source: SourceRule::Exact,
            dscp: None,
            idle_after: Duration::ZERO,
            clock_hz: 8000,
        };
        EngineCommand::Open { leg: inner.leg, relay, spec: Box::new(spec) }
    }

    pub(crate) fn connect_line(&mut self, number: u32, inner: Inner, connection: LineConnection) {
        if let Some(id) = self.endpoints.line(number) {
            self.lines.order(id, Order::Connect { slot: inner.slot, connection });
        }
    }

    pub(crate) fn disconnect_line(&mut self, number: u32, connection: &Connection) {
        let (Some(id), Some(inner)) = (self.endpoints.line(number), connection.inner) else {
            return;
        };
        self.end_signals(number, |playing| playing.on == Some(connection.id()));
        self.lines.order(id, Order::Disconnect { slot: inner.slot });
    }

    /// The active connection is held, and the held one is active.
    pub(crate) fn swap_connections(&mut self, now: Instant, number: u32) {
        let Some(endpoint) = self.endpoints.get_mut(number) else { return };
        let [one, other] = &mut endpoint.connections[..] else { return };
        // A command that is under way decides about them.
        if self.busy.contains_key(&number) {
            return;
        }
        std::mem::swap(&mut one.media.mode, &mut other.media.mode);
        let places: Vec<_> = endpoint
            .connections
            .iter()
            .map(|c| (c.leg, c.network, c.local, c.inner, c.media.media()))
            .collect();
        let mut commands = Vec::new();
        for (leg, network, local, inner, media) in places {
            let spec = self.spec(number, network, local, &media, None);
            commands.push(EngineCommand::Modify { leg, spec });
            if let Some(inner) = inner {
                self.connect_line(number, inner, media.for_line(false));
            }
        }
        self.start(now, Job::new(None, vec![number], Work::Swap), commands);
    }
}
