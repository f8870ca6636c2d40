//! Parameter lines (RFC 3435 §3.2.2): which there are, where they may stand, how they are read.

use std::fmt;
use std::str::FromStr;

use super::Verb;
use crate::digitmap::DigitMap;
use crate::event::{EventSpec, RequestedEvent, parse_list, parse_requested};
use crate::name::NotifiedEntity;
use crate::options::LocalOptions;
use crate::text::{comma_list, number, trim};
use crate::value::{
    AckRange, Bearer, Capabilities, ConnectionMode, Package, Quarantine, Reason, RestartMethod,
    Statistics, is_extension, keywords,
};
use crate::{
    CallId, ConnectionId, EndpointName, Opaque, RequestId, ReturnCode, ValueError, limits,
};

keywords! {
    /// Codes of parameter lines, and of what `F:` asks for.
    ParamCode, COMMAND_PARAMETER, "unknown parameter":
    /// Capabilities
    A = "A",
    /// BearerInformation
    B = "B",
    /// CallId
    C = "C",
    /// DigitMap
    D = "D",
    /// ReasonCode
    E = "E",
    /// EventStates
    Es = "ES",
    /// RequestedInfo
    F = "F",
    /// ConnectionId
    I = "I",
    /// SecondConnectionId
    I2 = "I2",
    /// ResponseAck
    K = "K",
    /// LocalConnectionOptions
    L = "L",
    /// LocalConnectionDescriptor; only asked for, never a line
    Lc = "LC",
    /// ConnectionMode
    M = "M",
    /// MaxMGCPDatagram
    Md = "MD",
    /// NotifiedEntity
    N = "N",
    /// ObservedEvents
    O = "O",
    /// ConnectionParameters
    P = "P",
    /// PackageList
    Pl = "PL",
    /// QuarantineHandling
    Q = "Q",
    /// RequestedEvents
    R = "R",
    /// RemoteConnectionDescriptor; only asked for, never a line
    Rc = "RC",
    /// RestartDelay
    Rd = "RD",
    /// RestartMethod
    Rm = "RM",
    /// SignalRequests
    S = "S",
    /// DetectEvents
    T = "T",
    /// RequestIdentifier
    X = "X",
    /// SpecificEndPointId
    Z = "Z",
    /// SecondEndPointId
    Z2 = "Z2",
}

/// The parameters of a message. `None` (or empty, where a line may repeat) means: no such line.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Params {
    /// `A:` lines, and `L:` and `M:` lines of answers that mean the same.
    pub capabilities: Vec<Capabilities>,
    /// `B:`
    pub bearer: Option<Vec<Bearer>>,
    /// `C:`
    pub call: Option<CallId>,
    /// `D:`
    pub digit_map: Option<DigitMap>,
    /// `E:`
    pub reason: Option<Reason>,
    /// `ES:`
    pub event_states: Option<Vec<EventSpec>>,
    /// `F:`
    pub requested_info: Option<Vec<ParamCode>>,
    /// `I:`; several in audits.
    pub connections: Vec<ConnectionId>,
    /// `I2:`
    pub second_connection: Option<ConnectionId>,
    /// `K:`; an empty list asks for `000`.
    pub acknowledged: Option<Vec<AckRange>>,
    /// `L:`
    pub options: Option<LocalOptions>,
    /// `M:`
    pub mode: Option<ConnectionMode>,
    /// `MD:`
    pub max_datagram: Option<u32>,
    /// `N:`; an empty line is `Some(None)`.
    pub notified: Option<Option<NotifiedEntity>>,
    /// `O:`
    pub observed: Option<Vec<EventSpec>>,
    /// `P:`
    pub statistics: Option<Statistics>,
    /// `PL:`
    pub packages: Option<Vec<Package>>,
    /// `Q:`
    pub quarantine: Option<Quarantine>,
    /// `R:`
    pub requested: Option<Vec<RequestedEvent>>,
    /// `RD:`, in seconds.
    pub restart_delay: Option<u32>,
    /// `RM:`
    pub restart_method: Option<RestartMethod>,
    /// `S:`
    pub signals: Option<Vec<EventSpec>>,
    /// `T:`
    pub detect: Option<Vec<EventSpec>>,
    /// `X:`
    pub request_id: Option<RequestId>,
    /// `Z:`; several in answers to wildcards.
    pub endpoints: Vec<EndpointName>,
    /// `Z2:`
    pub second_endpoint: Option<EndpointName>,
    /// `X-…`, `X+…` and `package/…` lines.
    pub extensions: Vec<Extension>,
}

/// A parameter line that RFC 3435 does not define.
#[derive(Clone, Debug, PartialEq)]
pub struct Extension {
    /// `X-name`, `X+name` or `package/name`.
    pub name: Box<str>,
    /// Its value.
    pub value: Opaque,
}

impl Extension {
    /// Whether who does not know it must refuse the command (`X+`).
    pub fn must_be_understood(&self) -> bool {
        self.name.as_bytes().get(1) == Some(&b'+')
    }

    /// The package of `package/name`.
    pub fn package(&self) -> Option<&str> {
        self.name.split_once('/').map(|(package, _)| package)
    }
}

/// The codes a command may carry (RFC 3435 §3.2.2, table of parameters); `K` always.
fn allowed(verb: Verb) -> &'static [ParamCode] {
    use ParamCode::*;
    match verb {
        Verb::Epcf => &[B, K],
        Verb::Crcx => &[C, M, L, Z2, X, R, S, T, D, Q, B, N, K],
        Verb::Mdcx => &[C, I, M, L, X, R, S, T, D, Q, B, N, K],
        Verb::Dlcx => &[C, I, X, R, S, T, D, Q, B, N, E, P, K],
        Verb::Rqnt => &[X, R, S, T, D, Q, B, N, K],
        Verb::Ntfy => &[X, N, O, K],
        Verb::Auep => &[F, K],
        Verb::Aucx => &[I, F, K],
        Verb::Rsip => &[E, Rm, Rd, K],
    }
}

/// Where the lines being read stand.
#[derive(Clone, Copy)]
pub(super) enum Context {
    Command(Verb),
    Response,
}

impl Params {
    /// Reads parameter lines, none of them empty.
    pub(super) fn parse<'a>(
        lines: impl Iterator<Item = &'a str>,
        context: Context,
    ) -> Result<Self, ValueError> {
        let mut params = Self::default();
        let mut seen = Vec::new();
        for (index, line) in lines.enumerate() {
            if index >= limits::LINES || line.len() > limits::LINE {
                return Err(ValueError::protocol("message too long"));
            }
            let read = params.read_line(line, context, &mut seen);
            match context {
                Context::Command(_) => read?,
                // A gateway's unknown or odd lines are no reason to lose its answer.
                Context::Response => read.unwrap_or(()),
            }
        }
        if let Context::Command(verb) = context {
            params.check_mandatory(verb)?;
        }
        Ok(params)
    }

    fn read_line(
        &mut self,
        line: &str,
        context: Context,
        seen: &mut Vec<ParamCode>,
    ) -> Result<(), ValueError> {
        let (name, value) =
            line.split_once(':').ok_or(ValueError::protocol("parameter line without a colon"))?;
        let (name, value) = (trim(name), trim(value));
        if value.contains(|c: char| c.is_control() && c != '\t') {
            return Err(ValueError::protocol("control character in a parameter"));
        }
        if is_extension(name) {
            self.extensions.push(Extension { name: name.into(), value: value.into() });
            return Ok(());
        }
        let code: ParamCode = name.parse()?;
        match context {
            Context::Command(verb) => {
                if !allowed(verb).contains(&code) {
                    let fault = ReturnCode::COMMAND_PARAMETER;
                    return Err(ValueError::new(fault, "parameter not allowed with this verb"));
                }
                if seen.contains(&code) {
                    return Err(ValueError::protocol("duplicate parameter"));
                }
                seen.push(code);
                self.read_value(code, value)
            }
            Context::Response => self.read_answer(code, value),
        }
    }

    /// Lines that mean something else in answers, or may stand there more than once.
    fn read_answer(&mut self, code: ParamCode, value: &str) -> Result<(), ValueError> {
        match code {
            ParamCode::A => self.capabilities.push(Capabilities::parse(value, false)?),
            ParamCode::L => match LocalOptions::parse(value) {
                Ok(options) if self.options.is_none() => self.options = Some(options),
                _ => self.capabilities.push(Capabilities::parse(value, true)?),
            },
            ParamCode::M if value.contains([',', ';']) => {
                self.capabilities.push(Capabilities::of_modes(value)?);
            }
            ParamCode::I => {
                for id in comma_list(value, limits::LINES)? {
                    self.connections.push(id.parse()?);
                }
            }
            ParamCode::Z => self.endpoints.push(value.parse()?),
            _ => self.read_value(code, value)?,
        }
        Ok(())
    }

    fn read_value(&mut self, code: ParamCode, value: &str) -> Result<(), ValueError> {
        match code {
            ParamCode::A => self.capabilities = vec![Capabilities::parse(value, false)?],
            ParamCode::B => self.bearer = Some(parse_each(value)?),
            ParamCode::C => self.call = Some(value.parse()?),
            ParamCode::D => self.digit_map = Some(value.parse()?),
            ParamCode::E => self.reason = Some(value.parse()?),
            ParamCode::Es => self.event_states = Some(parse_list(value)?),
            ParamCode::F => self.requested_info = Some(parse_info(value)?),
            ParamCode::I => self.connections = vec![value.parse()?],
            ParamCode::I2 => self.second_connection = Some(value.parse()?),
            ParamCode::K => self.acknowledged = Some(parse_each(value)?),
            ParamCode::L => self.options = Some(LocalOptions::parse(value)?),
            ParamCode::M => self.mode = Some(value.parse()?),
            ParamCode::Md => self.max_datagram = Some(parse_number(value, 9)?),
            ParamCode::N if value.is_empty() => self.notified = Some(None),
            ParamCode::N => self.notified = Some(Some(value.parse()?)),
            ParamCode::O => self.observed = Some(parse_list(value)?),
            ParamCode::P => self.statistics = Some(value.parse()?),
            ParamCode::Pl => self.packages = Some(parse_each(value)?),
            ParamCode::Q => self.quarantine = Some(value.parse()?),
            ParamCode::R => self.requested = Some(parse_requested(value, true)?),
            ParamCode::Rd => self.restart_delay = Some(parse_number(value, 6)?),
            ParamCode::Rm => self.restart_method = Some(value.parse()?),
            ParamCode::S => self.signals = Some(parse_list(value)?),
            ParamCode::T => self.detect = Some(parse_list(value)?),
            ParamCode::X => self.request_id = Some(value.parse()?),
            ParamCode::Z => self.endpoints = vec![value.parse()?],
            ParamCode::Z2 => self.second_endpoint = Some(value.parse()?),
            ParamCode::Lc | ParamCode::Rc => {
                let fault = ReturnCode::COMMAND_PARAMETER;
                return Err(ValueError::new(fault, "descriptors are no parameter lines"));
            }
        }
        Ok(())
    }

    fn check_mandatory(&self, verb: Verb) -> Result<(), ValueError> {
        let missing = |code, what| Err(ValueError::new(code, what));
        let (call, connection) = (self.call.is_some(), !self.connections.is_empty());
        match verb {
            Verb::Crcx | Verb::Mdcx if !call => missing(ReturnCode::WRONG_CALL, "call id missing"),
            Verb::Mdcx | Verb::Aucx if !connection => {
                missing(ReturnCode::WRONG_CONNECTION, "connection id missing")
            }
            Verb::Crcx if self.mode.is_none() => {
                missing(ReturnCode::WRONG_MODE, "connection mode missing")
            }
            Verb::Rqnt | Verb::Ntfy if self.request_id.is_none() => {
                missing(ReturnCode::PROTOCOL_ERROR, "request id missing")
            }
            Verb::Ntfy if self.observed.is_none() => {
                missing(ReturnCode::PROTOCOL_ERROR, "observed events missing")
            }
            Verb::Aucx if self.requested_info.is_none() => {
                missing(ReturnCode::PROTOCOL_ERROR, "requested info missing")
            }
            Verb::Rsip if self.restart_method.is_none() => {
                missing(ReturnCode::PROTOCOL_ERROR, "restart method missing")
            }
            _ if self.carries_request() && self.request_id.is_none() => {
                missing(ReturnCode::PROTOCOL_ERROR, "request id missing")
            }
            _ => Ok(()),
        }
    }

    /// Whether a notification request rides on the command: R, S, T, D or Q is present.
    pub fn carries_request(&self) -> bool {
        self.requested.is_some()
            || self.signals.is_some()
            || self.detect.is_some()
            || self.digit_map.is_some()
            || self.quarantine.is_some()
    }

    /// The only connection id of a command.
    pub fn connection(&self) -> Option<ConnectionId> {
        self.connections.first().copied()
    }
}

fn parse_each<T: FromStr<Err = ValueError>>(value: &str) -> Result<Vec<T>, ValueError> {
    comma_list(value, limits::OPTIONS)?.into_iter().map(str::parse).collect()
}

fn parse_info(value: &str) -> Result<Vec<ParamCode>, ValueError> {
    let unknown = ValueError::protocol("unknown code in requested info");
    let known = |code: &str| code.parse().map_err(|_| unknown);
    comma_list(value, limits::OPTIONS)?.into_iter().map(known).collect()
}

fn parse_number(value: &str, digits: usize) -> Result<u32, ValueError> {
    number(value, digits).ok_or(ValueError::protocol("illegal number"))
}
