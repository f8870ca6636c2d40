//! What a CRCX says of an end of a stream, and what its answer must say.

use std::net::SocketAddr;
use std::time::Duration;

use base64ct::{Base64, Encoding};
use callmanager::codec;
use callmanager::keys::MasterKey;
use callmanager::switchboard::{RelayedEnd, RelayedLink};
use mgcp::event::{Action, EventName, RequestedEvent};
use mgcp::options::{LocalOption, LocalOptions, Span};
use mgcp::sdp::{
    Codec, CryptoAttribute, CryptoSuite, Encoding as RtpEncoding, KeySalt, Media, Profile,
    SessionDescription,
};
use mgcp::value::Quarantine;
use mgcp::{
    CallId, Command, ConnectionId, ConnectionMode, EndpointName, RequestId, Response, Verb,
};
use zeroize::Zeroizing;

/// What telephones protect media with.
pub(crate) const SUITE: CryptoSuite = CryptoSuite::AesCm128HmacSha1_32;
pub(crate) const MS_PER_PACKET: u32 = 20;
/// Expedited forwarding, as the octet.
pub(crate) const TYPE_OF_SERVICE: u8 = 0xb8;

/// A connection that a relay has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Connection {
    pub(crate) id: ConnectionId,
    /// Where the relay receives.
    pub(crate) address: SocketAddr,
}

/// The CRCX for one end of a stream.
pub(crate) fn create(
    endpoint: EndpointName,
    call: CallId,
    link: &RelayedLink,
    end: usize,
) -> Command {
    let end = &link.ends[end];
    let mut command = Command::new(Verb::Crcx, endpoint);
    command.params.call = Some(call);
    command.params.mode = Some(match (end.sends, end.receives) {
        (true, true) => ConnectionMode::SendRecv,
        (true, false) => ConnectionMode::RecvOnly,
        (false, true) => ConnectionMode::SendOnly,
        (false, false) => ConnectionMode::Inactive,
    });
    let mut options = vec![
        LocalOption::Packetization(Span { low: MS_PER_PACKET, high: MS_PER_PACKET }),
        LocalOption::TypeOfService(TYPE_OF_SERVICE),
    ];
    options.extend(end.keys.as_ref().map(|keys| key_to_send_with(&keys.to_device)));
    command.params.options = Some(LocalOptions(options));
    let key = end.keys.as_ref().map(|keys| &*keys.from_device);
    command.body = Some(describe(link.codec, end.address, key).to_body());
    command
}

/// The key that a gateway is to encrypt with, as an option.
pub(crate) fn key_to_send_with(key: &MasterKey) -> LocalOption {
    let octets = key_salt(key);
    let mut base64 = Zeroizing::new([0; 64]);
    let base64 = Base64::encode(octets.expose(), &mut *base64).expect("30 octets are 40");
    // Nothing of it may stay where a string grew out of.
    let mut value = Zeroizing::new(String::with_capacity(96));
    value.extend([SUITE.name(), " inline:", base64]);
    LocalOption::Extension("x+srtptx".into(), Some(value.as_str().into()))
}

/// Lets a CRCX ask for what the agent wants to hear of both connections of its endpoint.
pub(crate) fn request_events(command: &mut Command, id: RequestId, silence: Duration) {
    let event = |package: &str, id: &str, params: Option<String>| RequestedEvent {
        name: EventName { package: Some(package.into()), id: id.into(), connection: None },
        actions: vec![Action::Notify],
        params: params.map(Into::into),
    };
    let silent = |seconds: u64| event("R", "rto", Some(seconds.to_string()));
    let mut events = vec![event("X-RF", "kn", None), event("X-RF", "kx", None)];
    events.extend(Some(silence.as_secs()).filter(|seconds| *seconds > 0).map(silent));
    command.params.request_id = Some(id);
    command.params.requested = Some(events);
    command.params.quarantine = Some(Quarantine { discard: None, repeat: Some(true) });
}

/// The description of a device that receives at `address`, and sends under `key` if there is one.
pub(crate) fn describe(
    codec: codec::Codec,
    address: SocketAddr,
    key: Option<&MasterKey>,
) -> SessionDescription {
    let profile = if key.is_some() { Profile::Savp } else { Profile::Avp };
    let events = Codec::named("telephone-event").expect("everybody knows it");
    let payloads = vec![payload(codec), events];
    let mut media = Media::audio(address.port(), profile, payloads);
    media.ptime = Some(MS_PER_PACKET);
    media.crypto.extend(key.map(|key| CryptoAttribute::new(SUITE, key_salt(key))));
    SessionDescription {
        origin: None,
        session_name: None,
        connection: Some(address.ip()),
        attributes: Vec::new(),
        media: vec![media],
    }
}

/// What a codec is in RTP.
fn payload(codec: codec::Codec) -> Codec {
    match codec {
        codec::Codec::G711_ULAW => Codec::of_payload_type(0),
        codec::Codec::G711_ALAW => Codec::of_payload_type(8),
        codec::Codec::G729 | codec::Codec::G729A => Codec::of_payload_type(18),
        // A relay only has to know that there is a codec, and its clock.
        _ => Codec {
            encoding: Some(RtpEncoding { name: "L16".into(), clock: 16_000, channels: None }),
            ..Codec::of_payload_type(DYNAMIC)
        },
    }
}

/// A payload type without a meaning of its own.
const DYNAMIC: u8 = 96;

pub(crate) fn key_salt(master: &MasterKey) -> KeySalt {
    let mut octets = Zeroizing::new([0; 30]);
    let (key, salt) = octets.split_at_mut(master.key.len());
    key.copy_from_slice(&master.key);
    salt.copy_from_slice(&master.salt);
    KeySalt::new(&*octets).expect("30 octets fit an attribute")
}

/// Key and salt as telephones are given them.
pub(crate) fn master_key(octets: &KeySalt) -> Option<MasterKey> {
    let (key, salt) = octets.split(&SUITE)?;
    Some(MasterKey { key: key.try_into().ok()?, salt: salt.try_into().ok()? })
}

/// Reads the answer to a CRCX. An error says what is not as it was asked for.
pub(crate) fn read_created(
    response: &Response,
    end: &RelayedEnd,
) -> Result<Connection, &'static str> {
    let id = *response.params.connections.first().ok_or("it names no connection")?;
    let body = response.bodies.first().ok_or("it describes no session")?;
    let session = SessionDescription::parse(body.expose());
    let session = session.map_err(|_| "its session description cannot be read")?;
    let media = session.audio().map_err(|_| "it describes no audio stream")?;
    let address = session.rtp_address(media).ok_or("it says no address")?;
    if address.is_ipv4() != end.address.is_ipv4() {
        return Err("its address is of another IP version than the device's");
    }
    if media.profile.is_secure() != end.keys.is_some() {
        return Err("it makes RTP of SRTP, or SRTP of RTP");
    }
    let own_key = |keys: &callmanager::switchboard::RelayedKeys| {
        let [line] = media.crypto.as_slice() else { return false };
        line.suite == SUITE && line.key == key_salt(&keys.to_device)
    };
    if !end.keys.as_ref().is_none_or(own_key) {
        return Err("it encrypts with another key than it was given");
    }
    Ok(Connection { id, address })
}
