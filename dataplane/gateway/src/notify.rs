//! Notification requests of an endpoint, and what was observed under them (RFC 3435 §2.3.3, §4.4).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use mgcp::digitmap::{Dialled, DigitMap};
use mgcp::event::{Action, ConnectionRef, Embedded, EventName, EventSpec, RequestedEvent};
use mgcp::value::Quarantine;
use mgcp::{ConnectionId, Params, RequestId, ReturnCode, TransactionId, ValueError};

use crate::options::IntoFault;
use crate::packages::{self, Kind, Known};
use crate::signals;

/// Events kept while they cannot be notified; the oldest give way.
const QUARANTINE: usize = 64;
/// Longest silence that can be asked for, in seconds.
const SILENCE_MAX: u32 = 86_400;
/// Digit timers: an alternative is complete but for the timer, or more digits are needed.
const T_CRITICAL: Duration = Duration::from_secs(4);
const T_PARTIAL: Duration = Duration::from_secs(16);
/// Longest string of digits that is matched against a map.
const DIALLED_MAX: usize = 64;

/// Something observed, until it is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Observation {
    pub(crate) event: Known,
    /// What stands in its parentheses.
    pub(crate) params: Option<Box<str>>,
    pub(crate) connection: Option<ConnectionId>,
    /// It is told whether it was asked for or not.
    pub(crate) persistent: bool,
}

impl Observation {
    /// Of the endpoint.
    pub(crate) fn new(package: &'static str, id: &'static str) -> Self {
        let event = Known { package, id };
        Self { event, params: None, connection: None, persistent: false }
    }

    /// Of a connection.
    pub(crate) fn on(self, connection: ConnectionId) -> Self {
        Self { connection: Some(connection), ..self }
    }

    fn spec(&self) -> EventSpec {
        let connection = self.connection.map(ConnectionRef::Id);
        let Known { package, id } = self.event;
        let name = EventName { package: Some(package.into()), id: id.into(), connection };
        EventSpec { name, params: self.params.clone() }
    }
}

/// The notification request in force and its state.
pub(crate) struct Requests {
    kind: Kind,
    request: Option<Box<Request>>,
    detect: Vec<EventSpec>,
    digit_map: Option<DigitMap>,
    state: State,
    accumulated: Vec<Observation>,
    quarantine: VecDeque<Observation>,
    /// What was dialled since digits are collected.
    dialled: String,
    digit_timer: Option<Instant>,
}

/// A request that was found good.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) id: RequestId,
    pub(crate) events: Vec<RequestedEvent>,
    pub(crate) signals: Vec<EventSpec>,
    pub(crate) quarantine: Quarantine,
    pub(crate) detect: Option<Vec<EventSpec>>,
    pub(crate) digit_map: Option<DigitMap>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Events are matched as they come.
    #[default]
    Ready,
    /// A notification waits for its answer.
    Notifying(TransactionId),
    /// Lockstep: nothing more before the next request.
    AwaitingRequest,
}

/// What an event leads to.
#[derive(Debug)]
pub(crate) enum Effect {
    /// The call agent is told.
    Notify(Notification),
    /// Signals that would go on for a time end.
    StopSignals,
    /// These signals are applied, as if a request had brought them.
    Signals(Vec<EventSpec>),
    /// The two connections change places.
    Swap,
}

impl Request {
    /// The request that rides on a command or is one; `own` is the connection `$` means.
    pub(crate) fn check(
        kind: Kind,
        params: &Params,
        own: Option<ConnectionId>,
    ) -> Result<Self, ValueError> {
        let mut events = params.requested.clone().unwrap_or_default();
        check_events(kind, &mut events, own)?;
        let mut signals = params.signals.clone().unwrap_or_default();
        signals::check(kind, &mut signals, own)?;
        for event in params.detect.iter().flatten() {
            packages::check_event(kind, &event.name)?;
        }
        let missing = ValueError::new(ReturnCode::PROTOCOL_ERROR, "request id missing");
        Ok(Self {
            id: params.request_id.ok_or(missing)?,
            events,
            signals,
            quarantine: params.quarantine.unwrap_or_default(),
            detect: params.detect.clone(),
            digit_map: params.digit_map.clone(),
        })
    }

    /// The silence that is to be reported, if any is.
    pub(crate) fn silence(&self) -> Option<Duration> {
        let asked = self.events.iter().find(|event| event.name.is("R", "rto"))?;
        let seconds = asked.params.as_deref()?.parse().ok()?;
        Some(Duration::from_secs(seconds))
    }

    /// Whether digits are collected by a map, and none comes with the request.
    pub(crate) fn wants_known_map(&self) -> bool {
        let collects = |events: &[RequestedEvent]| {
            events.iter().any(|event| event.actions.contains(&Action::DigitMap))
        };
        let embedded = self.events.iter().filter_map(embedded_in).any(|embedded| {
            embedded.digit_map.is_none() && embedded.requested.as_deref().is_some_and(collects)
        });
        self.digit_map.is_none() && (collects(&self.events) || embedded)
    }

    /// Whether this event is asked for.
    pub(crate) fn asks_for(&self, kind: Kind, event: Known) -> bool {
        self.events.iter().any(|requested| packages::means(kind, &requested.name, event))
    }
}

fn embedded_in(event: &RequestedEvent) -> Option<&Embedded> {
    event.actions.iter().find_map(|action| match action {
        Action::Embed(embedded) => Some(&**embedded),
        _ => None,
    })
}

fn check_events(
    kind: Kind,
    events: &mut [RequestedEvent],
    own: Option<ConnectionId>,
) -> Result<(), ValueError> {
    for event in events {
        packages::check_event(kind, &event.name)?;
        check_params(kind, event)?;
        if event.name.connection == Some(ConnectionRef::Current) {
            event.name.connection = own.map(ConnectionRef::Id);
        }
        let digits = event.name.package.as_deref().is_some_and(|p| p.eq_ignore_ascii_case("D"));
        if !digits && event.actions.contains(&Action::DigitMap) {
            return Err(ReturnCode::UNKNOWN_ACTION.into_fault());
        }
        for action in &mut event.actions {
            check_action(kind, action, own)?;
        }
    }
    Ok(())
}

fn check_action(
    kind: Kind,
    action: &mut Action,
    own: Option<ConnectionId>,
) -> Result<(), ValueError> {
    match action {
        Action::Notify | Action::Accumulate | Action::Ignore | Action::KeepSignals => Ok(()),
        // Digits, calls on hold and signals, which the others are about, do not exist at a relay.
        _ if !kind.is_voice() => Err(ReturnCode::UNKNOWN_ACTION.into_fault()),
        Action::DigitMap | Action::Swap => Ok(()),
        Action::Embed(embedded) => {
            check_events(kind, embedded.requested.as_deref_mut().unwrap_or_default(), own)?;
            signals::check(kind, embedded.signals.as_deref_mut().unwrap_or_default(), own)
        }
    }
}

fn check_params(kind: Kind, event: &RequestedEvent) -> Result<(), ValueError> {
    let Some(params) = &event.params else { return Ok(()) };
    let silence = packages::means(kind, &event.name, Known { package: "R", id: "rto" })
        && event.name.id.eq_ignore_ascii_case("rto");
    let seconds = params.parse::<u32>().ok().filter(|s| (1..=SILENCE_MAX).contains(s));
    match seconds {
        Some(_) if silence => Ok(()),
        _ => Err(ReturnCode::EVENT_PARAMETER.into_fault()),
    }
}

/// A notification to send.
#[derive(Debug)]
pub(crate) struct Notification {
    pub(crate) id: RequestId,
    pub(crate) observed: Vec<EventSpec>,
}

impl Requests {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            request: None,
            detect: Vec::new(),
            digit_map: None,
            state: State::Ready,
            accumulated: Vec::new(),
            quarantine: VecDeque::new(),
            dialled: String::new(),
            digit_timer: None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.request.is_none() && self.detect.is_empty() && self.digit_map.is_none()
    }

    pub(crate) fn current(&self) -> Option<&Request> {
        self.request.as_deref()
    }

    pub(crate) fn detect(&self) -> &[EventSpec] {
        &self.detect
    }

    pub(crate) fn digit_map(&self) -> Option<&DigitMap> {
        self.digit_map.as_ref()
    }

    /// Everything observed that was not told yet.
    pub(crate) fn untold(&self) -> Vec<EventSpec> {
        self.accumulated.iter().chain(&self.quarantine).map(Observation::spec).collect()
    }

    /// Whether this event waits to be told.
    pub(crate) fn is_untold(&self, event: Known) -> bool {
        self.accumulated.iter().chain(&self.quarantine).any(|observed| observed.event == event)
    }

    /// A new request: a new cycle, and what is in quarantine is matched against it or forgotten.
    pub(crate) fn replace(&mut self, now: Instant, request: &Request) -> Vec<Effect> {
        if let Some(detect) = &request.detect {
            self.detect.clone_from(detect);
        }
        if let Some(map) = &request.digit_map {
            self.digit_map = Some(map.clone());
        }
        let discard = request.quarantine.discard.unwrap_or(false);
        // Its signals have been applied.
        self.request = Some(Box::new(Request { signals: Vec::new(), ..request.clone() }));
        self.accumulated.clear();
        self.forget_digits();
        if discard {
            self.quarantine.clear();
        }
        match self.state {
            // The old notification is still under way; its answer goes on with the quarantine.
            State::Notifying(_) => Vec::new(),
            State::Ready | State::AwaitingRequest => {
                self.state = State::Ready;
                self.match_quarantine(now)
            }
        }
    }

    /// Something happened.
    pub(crate) fn observe(&mut self, now: Instant, observation: Observation) -> Vec<Effect> {
        self.hold(observation);
        self.go_on(now)
    }

    /// Something happened, and nobody can be told now.
    pub(crate) fn hold(&mut self, observation: Observation) {
        if self.request.is_none() && !observation.persistent || !self.detects(&observation) {
            return;
        }
        if self.quarantine.len() >= QUARANTINE {
            self.quarantine.pop_front();
        }
        self.quarantine.push_back(observation);
    }

    /// Whether something is detected now (RFC 3435 §2.3.3): while nobody can be told, a list of what
    /// to detect leaves only that, what is asked for and what is told anyway.
    fn detects(&self, observation: &Observation) -> bool {
        let listed = |spec: &EventSpec| packages::means(self.kind, &spec.name, observation.event);
        let asked = |request: &Request| request.asks_for(self.kind, observation.event);
        self.state == State::Ready
            || self.detect.is_empty()
            || observation.persistent
            || self.detect.iter().any(listed)
            || self.request.as_deref().is_some_and(asked)
    }

    /// Matches what is in quarantine, if that may be.
    pub(crate) fn go_on(&mut self, now: Instant) -> Vec<Effect> {
        if self.state == State::Ready { self.match_quarantine(now) } else { Vec::new() }
    }

    fn match_quarantine(&mut self, now: Instant) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some(observation) = self.quarantine.pop_front() {
            let events = self.request.as_deref().map_or(&[][..], |request| &request.events);
            let wanted = events.iter().find(|event| wants(self.kind, event, &observation));
            let actions = match wanted {
                Some(wanted) => wanted.actions.clone(),
                None if observation.persistent => vec![Action::Notify],
                None => continue,
            };
            if !actions.contains(&Action::KeepSignals) {
                effects.push(Effect::StopSignals);
            }
            if self.act(now, actions, observation, &mut effects) {
                let notification = self.notification();
                effects.push(Effect::Notify(notification));
                break;
            }
        }
        effects
    }

    /// Does what an event asks for; true if the call agent is to be told.
    fn act(
        &mut self,
        now: Instant,
        actions: Vec<Action>,
        observation: Observation,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let told = |action: &Action| matches!(action, Action::Notify | Action::KeepSignals);
        // No action at all is to notify.
        let mut notify = actions.iter().all(told);
        let mut observation = Some(observation);
        for action in actions {
            match action {
                Action::Notify => notify = true,
                Action::KeepSignals => {}
                Action::Ignore => return false,
                Action::Accumulate => {
                    observation.take().into_iter().for_each(|o| self.accumulate(o));
                }
                Action::DigitMap => notify = self.dial(now, observation.take()),
                Action::Swap => effects.push(Effect::Swap),
                Action::Embed(embedded) => self.embed(*embedded, effects),
            }
        }
        if notify {
            observation.into_iter().for_each(|o| self.accumulate(o));
        }
        notify
    }

    fn accumulate(&mut self, observation: Observation) {
        if self.accumulated.len() >= QUARANTINE {
            self.accumulated.remove(0);
        }
        self.accumulated.push(observation);
    }

    /// An event that was waited for has happened: the request inside it is in force from now on.
    fn embed(&mut self, embedded: Embedded, effects: &mut Vec<Effect>) {
        let Embedded { requested, signals, digit_map } = embedded;
        if let Some(request) = &mut self.request {
            request.events = requested.unwrap_or_default();
        }
        if let Some(map) = digit_map {
            self.digit_map = Some(map);
        }
        self.forget_digits();
        effects.push(Effect::Signals(signals.unwrap_or_default()));
    }

    /// Takes a digit or the timer; true if the map is matched, or can be no more.
    fn dial(&mut self, now: Instant, observation: Option<Observation>) -> bool {
        let Some(observation) = observation else { return false };
        self.dialled.push_str(observation.event.id);
        self.accumulate(observation);
        let judged = match &self.digit_map {
            Some(map) if self.dialled.len() <= DIALLED_MAX => map.judge(&self.dialled),
            _ => Dialled::Mismatch,
        };
        match judged {
            Dialled::Incomplete { critical } => {
                let time = if critical { T_CRITICAL } else { T_PARTIAL };
                self.digit_timer = self.asks_for_timer().then(|| now + time);
                false
            }
            Dialled::Match | Dialled::Mismatch => {
                self.forget_digits();
                true
            }
        }
    }

    fn asks_for_timer(&self) -> bool {
        self.request.as_ref().is_some_and(|request| request.asks_for(self.kind, TIMER))
    }

    fn forget_digits(&mut self) {
        self.dialled.clear();
        self.digit_timer = None;
    }

    /// When the digit timer fires.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.digit_timer
    }

    /// Fires the digit timer, if it is time.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Vec<Effect> {
        if self.digit_timer.take_if(|at| *at <= now).is_none() {
            return Vec::new();
        }
        self.observe(now, Observation::new(TIMER.package, TIMER.id))
    }

    fn notification(&mut self) -> Notification {
        let id = self.request.as_ref().map(|request| request.id);
        Notification {
            id: id.unwrap_or_else(|| "0".parse().expect("a hexadecimal digit")),
            observed: self.accumulated.drain(..).map(|observed| observed.spec()).collect(),
        }
    }

    /// The notification is on its way.
    pub(crate) fn sent(&mut self, transaction: TransactionId) {
        self.state = State::Notifying(transaction);
    }

    pub(crate) fn is_notifying(&self, transaction: TransactionId) -> bool {
        self.state == State::Notifying(transaction)
    }

    /// The notification was answered; in a loop the next may follow. Persistent events are a loop
    /// as long as nobody has asked for anything.
    pub(crate) fn answered(&mut self, now: Instant) -> Vec<Effect> {
        let repeat = match &self.request {
            Some(request) => request.quarantine.repeat.unwrap_or(false),
            None => true,
        };
        if repeat {
            self.state = State::Ready;
            self.match_quarantine(now)
        } else {
            self.state = State::AwaitingRequest;
            Vec::new()
        }
    }
}

/// The digit timer, as an event.
const TIMER: Known = Known { package: "D", id: "T" };

fn wants(kind: Kind, event: &RequestedEvent, observation: &Observation) -> bool {
    let here = match event.name.connection {
        None | Some(ConnectionRef::All | ConnectionRef::Current) => true,
        Some(ConnectionRef::Id(id)) => Some(id) == observation.connection,
    };
    here && packages::means(kind, &event.name, observation.event)
}
