//! Signals that voice endpoints play (RFC 3435 §2.1.3, §3.2.2.19).

use std::time::{Duration, Instant};

use line::command::{SignalName, Slot};
use mgcp::event::{ConnectionRef, EventName, EventSpec};
use mgcp::{ConnectionId, ReturnCode, ValueError};

use crate::options::IntoFault;
use crate::packages::{Duty, Kind, find_signal};

/// Longest time that `to=` may give.
const TIME_MAX: Duration = Duration::from_secs(86_400);

/// A signal that plays until its time is over, or that is on until it is turned off.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Playing {
    pub(crate) signal: SignalName,
    pub(crate) params: Option<Box<str>>,
    /// Towards the other end of this connection.
    pub(crate) on: Option<ConnectionId>,
    /// What the telephone side calls that.
    pub(crate) slot: Option<Slot>,
    pub(crate) duty: Duty,
    /// When it ends by itself.
    pub(crate) until: Option<Instant>,
}

impl Playing {
    /// What a request orders; it was checked.
    pub(crate) fn new(now: Instant, kind: Kind, spec: &EventSpec) -> Option<Self> {
        let (signal, duty) = find_signal(kind, &spec.name).ok()?;
        let on = match spec.name.connection {
            Some(ConnectionRef::Id(id)) => Some(id),
            _ => None,
        };
        let until = match duty {
            Duty::TimeOut(usual) => time_of(spec).or(usual).map(|time| now + time),
            Duty::OnOff | Duty::Brief => None,
        };
        Some(Self { signal, params: spec.params.clone(), on, slot: None, duty, until })
    }

    /// Whether two are the same signal at the same place.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (self.signal, self.on) == (other.signal, other.on)
    }

    /// How it stands in audits, and in the parentheses of `oc`.
    pub(crate) fn spec(&self) -> EventSpec {
        let SignalName { package, id } = self.signal;
        let connection = self.on.map(ConnectionRef::Id);
        let name = EventName { package: Some(package.into()), id: id.into(), connection };
        EventSpec { name, params: self.params.clone() }
    }
}

/// Whether `(-)` says that an on/off signal ends.
pub(crate) fn turns_off(spec: &EventSpec) -> bool {
    spec.params.as_deref() == Some("-")
}

/// `to=` of a signal.
fn time_of(spec: &EventSpec) -> Option<Duration> {
    let params = spec.params.as_deref()?.split(',');
    let time = params.filter_map(|param| param.trim().strip_prefix("to=")).next()?;
    time.parse().ok().map(Duration::from_millis)
}

/// Whether endpoints of this kind can play all of these at once; `own` is what `$` means.
pub(crate) fn check(
    kind: Kind,
    signals: &mut [EventSpec],
    own: Option<ConnectionId>,
) -> Result<(), ValueError> {
    let mut timed: Vec<Option<ConnectionRef>> = Vec::new();
    for spec in signals {
        let (_, duty) = find_signal(kind, &spec.name)?;
        if let (Some(ConnectionRef::Current), Some(own)) = (spec.name.connection, own) {
            spec.name.connection = Some(ConnectionRef::Id(own));
        }
        if spec.name.connection == Some(ConnectionRef::All) {
            return Err(ReturnCode::CANNOT_GENERATE.into_fault());
        }
        check_params(spec, duty)?;
        if let Duty::TimeOut(_) = duty {
            if timed.contains(&spec.name.connection) {
                let what = "two lasting signals at one place";
                return Err(ValueError::new(ReturnCode::CANNOT_GENERATE, what));
            }
            timed.push(spec.name.connection);
        }
    }
    Ok(())
}

fn check_params(spec: &EventSpec, duty: Duty) -> Result<(), ValueError> {
    let Some(params) = spec.params.as_deref() else { return Ok(()) };
    let given = params.split(',').any(|param| param.trim().starts_with("to="));
    let fits = match duty {
        Duty::OnOff => spec.name.is("D", "DO") || matches!(params, "+" | "-"),
        Duty::TimeOut(_) if given => {
            time_of(spec).is_some_and(|time| !time.is_zero() && time <= TIME_MAX)
        }
        Duty::TimeOut(_) | Duty::Brief => true,
    };
    if fits { Ok(()) } else { Err(ReturnCode::EVENT_PARAMETER.into_fault()) }
}
