//! Events, the requests for them, and signals (RFC 3435 §2.1.3, §3.2.2.16 ff.).

use std::fmt;
use std::str::FromStr;

use crate::digitmap::DigitMap;
use crate::text::{comma_list, is_name, join, parenthesised, split_list, trim};
use crate::{ConnectionId, ReturnCode, ValueError, limits};

/// Name of an event or signal: `L/hd`, `G/rt@7F`, `D/[0-9*#]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventName {
    /// The package; `None` means the endpoint's default package.
    pub package: Option<Box<str>>,
    /// The name in the package, `all`, `*`, or a list of digits in brackets.
    pub id: Box<str>,
    /// The connection it belongs to; `None` means the endpoint.
    pub connection: Option<ConnectionRef>,
}

/// Which connection an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionRef {
    /// This one.
    Id(ConnectionId),
    /// `$`: the one the command makes.
    Current,
    /// `*`: any of the endpoint's.
    All,
}

impl EventName {
    /// Whether package and id are these.
    pub fn is(&self, package: &str, id: &str) -> bool {
        self.package.as_deref().is_some_and(|p| p.eq_ignore_ascii_case(package))
            && self.id.eq_ignore_ascii_case(id)
    }
}

impl FromStr for EventName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let illegal = ValueError::protocol("illegal event name");
        let (name, connection) = match text.split_once('@') {
            Some((name, "$")) => (name, Some(ConnectionRef::Current)),
            Some((name, "*")) => (name, Some(ConnectionRef::All)),
            Some((name, id)) => (name, Some(ConnectionRef::Id(id.parse()?))),
            None => (text, None),
        };
        let (package, id) = match name.split_once('/') {
            Some((package, id)) => (Some(package), id),
            None => (None, name),
        };
        let legal_package = |p: &str| p == "*" || is_name(p, 32);
        if !package.is_none_or(legal_package) || !is_event_id(id) {
            return Err(illegal);
        }
        Ok(Self { package: package.map(Into::into), id: id.into(), connection })
    }
}

fn is_event_id(id: &str) -> bool {
    match id.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
        Some(list) => {
            let ok = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'*' | b'#');
            !list.is_empty() && list.bytes().all(ok)
        }
        None => matches!(id, "*" | "#") || is_name(id, 32),
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(package) = &self.package {
            write!(f, "{package}/")?;
        }
        f.write_str(&self.id)?;
        match self.connection {
            None => Ok(()),
            Some(ConnectionRef::Id(id)) => write!(f, "@{id}"),
            Some(ConnectionRef::Current) => f.write_str("@$"),
            Some(ConnectionRef::All) => f.write_str("@*"),
        }
    }
}

/// An event that happened or a signal to apply, with its parameters: `L/rg(5551234)`.
///
/// The lists of `S`, `O`, `T` and `ES` are made of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSpec {
    /// Which one.
    pub name: EventName,
    /// What stands in the parentheses; `None` without parentheses.
    pub params: Option<Box<str>>,
}

impl FromStr for EventSpec {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (name, params) = parenthesised(text)?;
        let params = match params {
            Some((inner, "")) => Some(trim(inner).into()),
            Some(_) => return Err(ValueError::protocol("text behind event parameters")),
            None => None,
        };
        Ok(Self { name: name.parse()?, params })
    }
}

impl fmt::Display for EventSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)?;
        match &self.params {
            Some(params) => write!(f, "({params})"),
            None => Ok(()),
        }
    }
}

/// A comma-separated list of events or signals.
pub(crate) fn parse_list<T: FromStr<Err = ValueError>>(text: &str) -> Result<Vec<T>, ValueError> {
    comma_list(text, limits::EVENTS)?.into_iter().map(str::parse).collect()
}

/// An event to look for and what to do then (`R:`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedEvent {
    /// Which one.
    pub name: EventName,
    /// What to do; empty means [`Action::Notify`].
    pub actions: Vec<Action>,
    /// What stands in the second parentheses, such as a time limit.
    pub params: Option<Box<str>>,
}

/// What to do when a requested event happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// `N`: tell at once, with what was accumulated.
    Notify,
    /// `A`: accumulate silently.
    Accumulate,
    /// `D`: accumulate by digit map, tell on a match.
    DigitMap,
    /// `I`: ignore.
    Ignore,
    /// `S`: swap audio between the active and the held connection.
    Swap,
    /// `K`: keep signals playing.
    KeepSignals,
    /// `E(…)`: go on as if this request had come.
    Embed(Box<Embedded>),
}

/// A notification request inside another, one level deep.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Embedded {
    /// `R(…)`
    pub requested: Option<Vec<RequestedEvent>>,
    /// `S(…)`
    pub signals: Option<Vec<EventSpec>>,
    /// `D(…)`
    pub digit_map: Option<DigitMap>,
}

impl Action {
    fn letter(&self) -> u8 {
        match self {
            Self::Notify => b'N',
            Self::Accumulate => b'A',
            Self::DigitMap => b'D',
            Self::Ignore => b'I',
            Self::Swap => b'S',
            Self::KeepSignals => b'K',
            Self::Embed(_) => b'E',
        }
    }

    fn parse(text: &str, embeddable: bool) -> Result<Self, ValueError> {
        let unknown = |what| ValueError::new(ReturnCode::UNKNOWN_ACTION, what);
        let (letter, inner) = parenthesised(text)?;
        match (letter.to_ascii_uppercase().as_str(), inner) {
            ("N", None) => Ok(Self::Notify),
            ("A", None) => Ok(Self::Accumulate),
            ("D", None) => Ok(Self::DigitMap),
            ("I", None) => Ok(Self::Ignore),
            ("S", None) => Ok(Self::Swap),
            ("K", None) => Ok(Self::KeepSignals),
            ("E", Some((inner, ""))) if embeddable => {
                Ok(Self::Embed(Box::new(Embedded::parse(inner)?)))
            }
            ("E", _) => Err(unknown("embedded request inside an embedded request")),
            _ => Err(unknown("unknown action")),
        }
    }
}

/// RFC 3435 §2.3.3: which actions may stand together.
fn combine(actions: &[Action]) -> bool {
    const PAIRS: [&[u8; 2]; 10] =
        [b"NK", b"NS", b"AK", b"AS", b"AE", b"DK", b"IK", b"SK", b"SE", b"EK"];
    actions.iter().enumerate().all(|(index, a)| {
        actions[..index].iter().all(|b| {
            let (a, b) = (a.letter(), b.letter());
            PAIRS.contains(&&[a, b]) || PAIRS.contains(&&[b, a])
        })
    })
}

impl Embedded {
    fn parse(text: &str) -> Result<Self, ValueError> {
        let illegal = ValueError::protocol("illegal embedded request");
        let mut value = Self::default();
        for part in split_list(text, ',')? {
            let (letter, inner) = parenthesised(part)?;
            let Some((inner, "")) = inner else { return Err(illegal) };
            let fresh = match letter {
                "R" | "r" => value.requested.replace(parse_requested(inner, false)?).is_none(),
                "S" | "s" => value.signals.replace(parse_list(inner)?).is_none(),
                "D" | "d" => value.digit_map.replace(trim(inner).parse()?).is_none(),
                _ => false,
            };
            if !fresh {
                return Err(illegal);
            }
        }
        Ok(value)
    }
}

/// The value of `R:`.
pub(crate) fn parse_requested(
    text: &str,
    embeddable: bool,
) -> Result<Vec<RequestedEvent>, ValueError> {
    let one = |item| RequestedEvent::parse(item, embeddable);
    comma_list(text, limits::EVENTS)?.into_iter().map(one).collect()
}

impl RequestedEvent {
    fn parse(text: &str, embeddable: bool) -> Result<Self, ValueError> {
        let (name, actions) = parenthesised(text)?;
        let mut value = Self { name: name.parse()?, actions: Vec::new(), params: None };
        let Some((actions, rest)) = actions else { return Ok(value) };
        for action in split_list(actions, ',')? {
            value.actions.push(Action::parse(action, embeddable)?);
        }
        if !combine(&value.actions) {
            let code = ReturnCode::UNKNOWN_ACTION;
            return Err(ValueError::new(code, "illegal combination of actions"));
        }
        value.params = match parenthesised(rest)? {
            ("", Some((inner, ""))) => Some(trim(inner).into()),
            ("", None) => None,
            _ => return Err(ValueError::protocol("text behind requested event")),
        };
        Ok(value)
    }
}

impl fmt::Display for RequestedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)?;
        match (self.actions.as_slice(), &self.params) {
            ([], None) => return Ok(()),
            ([], Some(_)) => f.write_str("(N)")?,
            (actions, _) => {
                f.write_str("(")?;
                join(f, actions, ",")?;
                f.write_str(")")?;
            }
        }
        match &self.params {
            Some(params) => write!(f, "({params})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embed(embedded) => write!(f, "E({embedded})"),
            _ => f.write_str(char::from(self.letter()).encode_utf8(&mut [0; 4])),
        }
    }
}

impl fmt::Display for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(requested) = &self.requested {
            f.write_str("R(")?;
            join(f, requested, ",")?;
            f.write_str(")")?;
            separator = ",";
        }
        if let Some(signals) = &self.signals {
            write!(f, "{separator}S(")?;
            join(f, signals, ",")?;
            f.write_str(")")?;
            separator = ",";
        }
        match &self.digit_map {
            Some(map) => write!(f, "{separator}D({map})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requested(text: &str) -> Result<Vec<RequestedEvent>, ValueError> {
        parse_requested(text, true)
    }

    #[test]
    fn requests_of_the_field_print_what_they_parsed() {
        for text in [
            "L/hd(N)",
            "L/hu(N),L/hf(N),D/[0-9ABCD*#](N)",
            "L/hd(E(R(L/hu(N),D/[0-9*#T](D)),S(L/dl)))",
            "L/hd(A,E(S(L/dl),D((0T|[1-7]xxx))),K)",
            "R/rto(N)(30)",
            "R/ma@$(N),R/ma@*,G/rt@7F",
            "D/*",
            "L/all(I)",
        ] {
            let list = requested(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            let printed = list.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            assert_eq!(printed, text);
        }
        for text in ["L/rg(5551234)", "G/oc(L/dl)", "L/vmwi(+)", "hd", "L/ci(\"1)2\",,x)", "L/x()"]
        {
            assert_eq!(text.parse::<EventSpec>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn illegal_requests_get_their_code() {
        for (text, code) in [
            ("L/hd(Q)", 523),
            ("L/hd(N,A)", 523),
            ("L/hd(N,N)", 523),
            ("L/hd(E(R(L/hu(E(S(L/dl))))))", 523),
            ("L/hd(E)", 523),
            ("L/hd(N", 510),
            ("L/hd)", 510),
            ("L/hd(N)x", 510),
            ("L/hd(E(X(y)))", 510),
            ("L/hd(E(S(L/dl),S(L/dl)))", 510),
            ("L/h d", 510),
            ("L/hd,,L/hu", 510),
            ("R/ma@xyz", 515),
        ] {
            assert_eq!(requested(text).unwrap_err().code.value(), code, "{text}");
        }
        let long = vec!["L/hd"; 65].join(",");
        assert_eq!(requested(&long).unwrap_err().code.value(), 510);
    }
}
