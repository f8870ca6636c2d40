//! Notification requests of an endpoint, and what was observed under them (RFC 3435 §2.3.3, §4.4).

use std::collections::VecDeque;
use std::time::Duration;

use mgcp::digitmap::DigitMap;
use mgcp::event::{Action, ConnectionRef, EventName, EventSpec, RequestedEvent};
use mgcp::value::Quarantine;
use mgcp::{ConnectionId, Params, RequestId, ReturnCode, TransactionId, ValueError};

use crate::options::IntoFault;

/// Events kept while they cannot be notified; the oldest give way.
const QUARANTINE: usize = 64;
/// Longest silence that can be asked for, in seconds.
const SILENCE_MAX: u32 = 86_400;

/// What happened on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    /// `R/ma`
    MediaStart,
    /// `R/rto`
    Silence,
    /// `X-RF/kn`
    KeyNearlyExhausted,
    /// `X-RF/kx`
    KeyExhausted,
}

impl Happening {
    const ALL: [Self; 4] =
        [Self::MediaStart, Self::Silence, Self::KeyNearlyExhausted, Self::KeyExhausted];

    fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::MediaStart => ("R", "ma"),
            Self::Silence => ("R", "rto"),
            Self::KeyNearlyExhausted => ("X-RF", "kn"),
            Self::KeyExhausted => ("X-RF", "kx"),
        }
    }
}

/// Events of package R that a relay does not detect (RFC 3660 §2.8).
const UNDETECTED: [&str; 9] = ["co1", "co2", "uc", "sr", "ji", "pl", "iu", "qa", "of"];

/// Packages of our endpoints, the default one first.
pub(crate) const PACKAGES: [&str; 2] = ["R", "X-RF"];

/// Something observed, until it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Observation {
    what: Happening,
    connection: ConnectionId,
}

impl Observation {
    fn spec(self) -> EventSpec {
        let (package, id) = self.what.name();
        let connection = Some(ConnectionRef::Id(self.connection));
        let name = EventName { package: Some(package.into()), id: id.into(), connection };
        EventSpec { name, params: None }
    }
}

/// The notification request in force and its state.
#[derive(Default)]
pub(crate) struct Requests {
    request: Option<Box<Request>>,
    detect: Vec<EventSpec>,
    digit_map: Option<DigitMap>,
    state: State,
    accumulated: Vec<Observation>,
    quarantine: VecDeque<Observation>,
}

/// A request that was found good.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) id: RequestId,
    pub(crate) events: Vec<RequestedEvent>,
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

impl Request {
    /// The request that rides on a command or is one; `own` is the connection `$` means.
    pub(crate) fn check(params: &Params, own: Option<ConnectionId>) -> Result<Self, ValueError> {
        let mut events = params.requested.clone().unwrap_or_default();
        for event in &mut events {
            check_event(event)?;
            if event.name.connection == Some(ConnectionRef::Current) {
                event.name.connection = own.map(ConnectionRef::Id);
            }
        }
        if let Some(signal) = params.signals.iter().flatten().next() {
            return Err(no_signal(&signal.name));
        }
        for event in params.detect.iter().flatten() {
            known_event(&event.name)?;
        }
        let missing = ValueError::new(ReturnCode::PROTOCOL_ERROR, "request id missing");
        Ok(Self {
            id: params.request_id.ok_or(missing)?,
            events,
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
}

/// The package of a name, if it is one of ours.
fn known_package(name: &EventName) -> Result<&str, ValueError> {
    let package = name.package.as_deref().unwrap_or(PACKAGES[0]);
    let known = package == "*" || PACKAGES.iter().any(|p| p.eq_ignore_ascii_case(package));
    if known { Ok(package) } else { Err(ReturnCode::UNKNOWN_PACKAGE.into_fault()) }
}

/// A relay generates no signals; the question is only why not this one.
fn no_signal(name: &EventName) -> ValueError {
    match known_package(name) {
        Err(fault) => fault,
        Ok(_) if ["co1", "co2"].iter().any(|id| name.is("R", id)) => {
            ReturnCode::CANNOT_GENERATE.into_fault()
        }
        Ok(_) => ReturnCode::UNKNOWN_EVENT.into_fault(),
    }
}

/// The happenings an event name stands for.
fn known_event(name: &EventName) -> Result<Vec<Happening>, ValueError> {
    let package = known_package(name)?;
    let matches = |h: &Happening| {
        let (p, id) = h.name();
        let all = name.id.eq_ignore_ascii_case("all") || &*name.id == "*";
        (package == "*" || p.eq_ignore_ascii_case(package))
            && (all || id.eq_ignore_ascii_case(&name.id))
    };
    let found: Vec<_> = Happening::ALL.into_iter().filter(matches).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let undetected = package.eq_ignore_ascii_case("R")
        && UNDETECTED.iter().any(|id| id.eq_ignore_ascii_case(&name.id));
    let code = match undetected {
        true => ReturnCode::CANNOT_DETECT,
        false => ReturnCode::UNKNOWN_EVENT,
    };
    Err(code.into_fault())
}

fn check_event(event: &RequestedEvent) -> Result<(), ValueError> {
    let found = known_event(&event.name)?;
    // Digits, calls on hold and signals, which the other actions are about, do not exist here.
    let possible = |action: &Action| match action {
        Action::Notify | Action::Accumulate | Action::Ignore | Action::KeepSignals => true,
        Action::DigitMap | Action::Swap | Action::Embed(_) => false,
    };
    if !event.actions.iter().all(possible) {
        return Err(ReturnCode::UNKNOWN_ACTION.into_fault());
    }
    let Some(params) = &event.params else { return Ok(()) };
    let seconds = params.parse::<u32>().ok().filter(|s| (1..=SILENCE_MAX).contains(s));
    match (found.as_slice(), seconds) {
        ([Happening::Silence], Some(_)) => Ok(()),
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
        self.accumulated.iter().chain(&self.quarantine).map(|o| o.spec()).collect()
    }

    /// A new request: a new cycle, and what is in quarantine is matched against it or forgotten.
    pub(crate) fn replace(&mut self, request: &Request) -> Option<Notification> {
        if let Some(detect) = &request.detect {
            self.detect.clone_from(detect);
        }
        if let Some(map) = &request.digit_map {
            self.digit_map = Some(map.clone());
        }
        let discard = request.quarantine.discard.unwrap_or(false);
        self.request = Some(Box::new(request.clone()));
        self.accumulated.clear();
        if discard {
            self.quarantine.clear();
        }
        match self.state {
            // The old notification is still under way; its answer goes on with the quarantine.
            State::Notifying(_) => None,
            State::Ready | State::AwaitingRequest => {
                self.state = State::Ready;
                self.match_quarantine()
            }
        }
    }

    /// Something happened.
    pub(crate) fn observe(
        &mut self,
        what: Happening,
        connection: ConnectionId,
    ) -> Option<Notification> {
        self.request.as_ref()?;
        if self.quarantine.len() >= QUARANTINE {
            self.quarantine.pop_front();
        }
        self.quarantine.push_back(Observation { what, connection });
        if self.state == State::Ready { self.match_quarantine() } else { None }
    }

    fn match_quarantine(&mut self) -> Option<Notification> {
        while let Some(observation) = self.quarantine.pop_front() {
            let request = self.request.as_ref()?;
            let wanted = request.events.iter().find(|event| wants(event, observation));
            let Some(wanted) = wanted else { continue };
            if wanted.actions.contains(&Action::Ignore) {
                continue;
            }
            self.accumulated.push(observation);
            if wanted.actions.contains(&Action::Accumulate) {
                if self.accumulated.len() > QUARANTINE {
                    self.accumulated.remove(0);
                }
                continue;
            }
            let observed = self.accumulated.drain(..).map(Observation::spec).collect();
            return Some(Notification { id: request.id, observed });
        }
        None
    }

    /// The notification is on its way.
    pub(crate) fn sent(&mut self, transaction: TransactionId) {
        self.state = State::Notifying(transaction);
    }

    pub(crate) fn is_notifying(&self, transaction: TransactionId) -> bool {
        self.state == State::Notifying(transaction)
    }

    /// The notification was answered; in a loop the next may follow.
    pub(crate) fn answered(&mut self) -> Option<Notification> {
        let repeat = self.request.as_ref().and_then(|r| r.quarantine.repeat).unwrap_or(false);
        if repeat {
            self.state = State::Ready;
            self.match_quarantine()
        } else {
            self.state = State::AwaitingRequest;
            None
        }
    }
}

fn wants(event: &RequestedEvent, observation: Observation) -> bool {
    let here = match event.name.connection {
        None | Some(ConnectionRef::All | ConnectionRef::Current) => true,
        Some(ConnectionRef::Id(id)) => id == observation.connection,
    };
    here && known_event(&event.name).is_ok_and(|found| found.contains(&observation.what))
}
