//! What commands for voice ports say, and what their answers must say.

use std::net::SocketAddr;

use callmanager::codec::Codec;
use callmanager::keys::MasterKey;
use mgcp::digitmap::DigitMap;
use mgcp::event::{Action, EventName, EventSpec, RequestedEvent};
use mgcp::message::ParamCode;
use mgcp::options::{LocalOption, LocalOptions, Span};
use mgcp::sdp::SessionDescription;
use mgcp::value::Quarantine;
use mgcp::{
    CallId, Command, ConnectionId, ConnectionMode, EndpointName, RequestId, Response, ReturnCode,
    Verb,
};

use crate::session::{
    MS_PER_PACKET, SUITE, TYPE_OF_SERVICE, describe, key_salt, key_to_send_with, master_key,
};

/// What a connection is to be like.
pub(super) struct Wanted<'a> {
    pub(super) codec: Codec,
    pub(super) send: Protection<'a>,
}

/// What a gateway encrypts with.
#[derive(Clone, Copy)]
pub(super) enum Protection<'a> {
    /// Nothing: it sends in clear.
    Clear,
    /// The key that it is given.
    Under(&'a MasterKey),
    /// A key that it makes.
    OwnKey,
}

/// What a gateway says of its connection.
pub(super) struct Described {
    /// Where it receives.
    pub(super) address: SocketAddr,
    /// The key that it has made, if it was to.
    pub(super) made: Option<MasterKey>,
}

/// The CRCX of a connection that receives and does not know yet where to send to.
pub(super) fn create(endpoint: EndpointName, call: CallId, wanted: &Wanted<'_>) -> Command {
    let mut command = Command::new(Verb::Crcx, endpoint);
    command.params.call = Some(call);
    command.params.mode = Some(ConnectionMode::RecvOnly);
    command.params.options = Some(options(wanted));
    command
}

/// The MDCX that lets a connection send. `receive` is what comes from there is encrypted with;
/// `renew` tells it what to encrypt with itself, or that it is clear.
pub(super) fn start(
    endpoint: EndpointName,
    call: CallId,
    id: ConnectionId,
    wanted: &Wanted<'_>,
    (to, receive): (SocketAddr, Option<&MasterKey>),
    renew: bool,
) -> Command {
    let mut command = modify(endpoint, call, id, ConnectionMode::SendRecv);
    if renew {
        let mut options = options(wanted);
        if matches!(wanted.send, Protection::Clear) {
            options.0.push(srtp("off"));
        }
        command.params.options = Some(options);
    }
    command.body = Some(describe(wanted.codec, to, receive).to_body());
    command
}

/// The MDCX that changes nothing but the mode.
pub(super) fn modify(
    endpoint: EndpointName,
    call: CallId,
    id: ConnectionId,
    mode: ConnectionMode,
) -> Command {
    let mut command = Command::new(Verb::Mdcx, endpoint);
    command.params.call = Some(call);
    command.params.connections = vec![id];
    command.params.mode = Some(mode);
    command
}

/// The DLCX of one connection.
pub(super) fn delete(endpoint: EndpointName, call: Option<CallId>, id: ConnectionId) -> Command {
    let mut command = Command::new(Verb::Dlcx, endpoint);
    command.params.call = call;
    command.params.connections = vec![id];
    command
}

fn options(wanted: &Wanted<'_>) -> LocalOptions {
    let codec = match wanted.codec {
        Codec::G711_ALAW => "PCMA",
        Codec::G729 | Codec::G729A => "G729",
        _ => "PCMU",
    };
    let mut options = vec![
        LocalOption::Packetization(Span { low: MS_PER_PACKET, high: MS_PER_PACKET }),
        LocalOption::Codecs(vec![codec.into()]),
        LocalOption::SilenceSuppression(false),
        LocalOption::TypeOfService(TYPE_OF_SERVICE),
    ];
    options.extend(match wanted.send {
        Protection::Clear => None,
        Protection::Under(key) => Some(key_to_send_with(key)),
        Protection::OwnKey => Some(srtp("on")),
    });
    LocalOptions(options)
}

/// Whether a gateway is to do SRTP, where no key tells.
fn srtp(wish: &str) -> LocalOption {
    LocalOption::Extension("x-srtp".into(), Some(wish.into()))
}

/// What an endpoint is asked to look for and to play.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) events: Vec<RequestedEvent>,
    pub(super) signals: Vec<EventSpec>,
    pub(super) digit_map: Option<DigitMap>,
}

/// The RQNT for it. Digits come one by one, without a new request after each.
pub(super) fn request(endpoint: EndpointName, id: RequestId, wanted: &Request) -> Command {
    let mut command = Command::new(Verb::Rqnt, endpoint);
    command.params.request_id = Some(id);
    command.params.requested = Some(wanted.events.clone());
    command.params.signals = (!wanted.signals.is_empty()).then(|| wanted.signals.clone());
    command.params.digit_map = wanted.digit_map.clone();
    command.params.quarantine = Some(Quarantine { discard: Some(false), repeat: Some(true) });
    command
}

/// The AUEP that asks what an endpoint can do and which connections it has; after an outage also
/// how its hook is.
pub(super) fn audit(endpoint: EndpointName, outage: bool) -> Command {
    let mut command = Command::new(Verb::Auep, endpoint);
    let mut wanted = vec![ParamCode::X, ParamCode::A, ParamCode::I];
    wanted.extend(outage.then_some(ParamCode::Es));
    command.params.requested_info = Some(wanted);
    command
}

/// The AUCX that asks what a connection is like.
pub(super) fn check(endpoint: EndpointName, id: ConnectionId) -> Command {
    let mut command = Command::new(Verb::Aucx, endpoint);
    command.params.connections = vec![id];
    command.params.requested_info = Some(vec![ParamCode::C, ParamCode::M]);
    command
}

/// An event to be told of at once, or collected by the digit map.
pub(super) fn event(package: &str, id: &str, action: Action) -> RequestedEvent {
    RequestedEvent { name: name(package, id), actions: vec![action], params: None }
}

/// A signal.
pub(super) fn signal(package: &str, id: &str, params: Option<&str>) -> EventSpec {
    EventSpec { name: name(package, id), params: params.map(Into::into) }
}

fn name(package: &str, id: &str) -> EventName {
    EventName { package: Some(package.into()), id: id.into(), connection: None }
}

/// Why a command about a connection came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The gateway refused, with this code.
    Code(ReturnCode),
    /// SRTP was wanted, and is not to be had there.
    NoSrtp,
    /// It takes no keys to send with, but may make its own.
    MakesKeys,
    /// The answer is not what was asked for.
    Unfit(&'static str),
}

/// Reads the answer to a CRCX or MDCX. Where an MDCX changes nothing it brings no description.
pub(super) fn read_described(
    response: &Response,
    wanted: &Wanted<'_>,
) -> Result<Option<Described>, Fault> {
    if !response.code.is_success() {
        return Err(match (wanted.send, response.code) {
            (Protection::Under(_), ReturnCode::UNKNOWN_OPTION_EXTENSION) => Fault::MakesKeys,
            (Protection::Under(_) | Protection::OwnKey, code) if refuses_srtp(code) => {
                Fault::NoSrtp
            }
            (_, code) => Fault::Code(code),
        });
    }
    let Some(body) = response.bodies.first() else { return Ok(None) };
    let session = SessionDescription::parse(body.expose());
    let session = session.map_err(|_| Fault::Unfit("its session description cannot be read"))?;
    let media = session.audio().map_err(|_| Fault::Unfit("it describes no audio stream"))?;
    let address = session.rtp_address(media).ok_or(Fault::Unfit("it says no address"))?;
    let line = match media.crypto.as_slice() {
        [line] if line.suite == SUITE => Some(line),
        _ => None,
    };
    let made = match (wanted.send, media.profile.is_secure()) {
        (Protection::Clear, false) => None,
        (Protection::Clear, true) => return Err(Fault::Unfit("it makes SRTP of RTP")),
        // Plain RTP where SRTP was asked for is no SRTP.
        (Protection::Under(_) | Protection::OwnKey, false) => return Err(Fault::NoSrtp),
        (Protection::Under(key), true) if line.is_some_and(|it| it.key == key_salt(key)) => None,
        (Protection::Under(_), true) => {
            return Err(Fault::Unfit("it encrypts with another key than it was given"));
        }
        (Protection::OwnKey, true) => Some(
            line.and_then(|line| master_key(&line.key))
                .ok_or(Fault::Unfit("it says no key that telephones can decrypt with"))?,
        ),
    };
    Ok(Some(Described { address, made }))
}

/// Whether a code can mean that there is no SRTP.
fn refuses_srtp(code: ReturnCode) -> bool {
    [505, 506, 509, 511, 518, 525, 532, 541].contains(&code.value())
}
