//! What a connection carries: the outcome of its options and session descriptions.

use std::net::{IpAddr, SocketAddr};

use engine::command::{LegId, Mode};
use line::command::{Connection, Mixing};
use mgcp::sdp::{
    self, Codec, Media as Stream, Origin, Profile, SessionDescription, canonical_name,
};
use mgcp::{Command, ConnectionMode, ReturnCode, ValueError};
use rand::CryptoRng;
use speech::g711::Law;

use crate::config::Config;
use crate::keys::KeyRegistry;
use crate::options::{IntoFault, Orders, Wishes};
use crate::packages::Kind;
use crate::security::{Agreement, Security};

/// Codecs offered when the command names none.
const OFFERED: [&str; 4] = ["PCMU", "PCMA", "G729", "telephone-event"];
/// Packetization period when the command names none, in milliseconds.
const USUAL_PTIME: u32 = 20;

/// The agreed state of a connection's media.
#[derive(Clone, Debug)]
pub(crate) struct Media {
    pub(crate) kind: Kind,
    pub(crate) mode: ConnectionMode,
    pub(crate) wishes: Wishes,
    /// The remote description in force, without its keys.
    pub(crate) remote: Option<Box<SessionDescription>>,
    pub(crate) security: Security,
    /// What our description lists.
    pub(crate) codecs: Vec<Codec>,
    pub(crate) ptime: u32,
}

/// What media are agreed with.
pub(crate) struct Negotiation<'a> {
    pub(crate) config: &'a Config,
    pub(crate) kind: Kind,
    pub(crate) registry: &'a KeyRegistry,
    pub(crate) rng: &'a mut dyn CryptoRng,
    pub(crate) leg: LegId,
}

impl Media {
    /// The media after a CRCX (`old` is none) or MDCX, and what it orders besides.
    pub(crate) fn negotiate(
        cx: Negotiation<'_>,
        old: Option<&Self>,
        command: &Command,
    ) -> Result<(Self, Orders), ValueError> {
        let old_mode = old.map_or(ConnectionMode::Inactive, |old| old.mode);
        let mode = command.params.mode.unwrap_or(old_mode);
        let Some(engine_mode) = engine_mode(cx.kind, mode) else {
            return Err(ReturnCode::WRONG_MODE.into_fault());
        };
        let mut wishes = old.map(|old| old.wishes.clone()).unwrap_or_default();
        let mut orders = match &command.params.options {
            Some(options) => wishes.apply(options, cx.kind, &cx.config.srtp)?,
            None => Orders::default(),
        };
        let mut new_remote = match &command.body {
            Some(body) => Some(Box::new(SessionDescription::parse(body.expose())?)),
            None => None,
        };
        let agreement = Agreement {
            config: &cx.config.srtp,
            registry: cx.registry,
            leg: cx.leg,
            old: old.map(|old| &old.security),
            orders: &mut orders,
        };
        let in_force = old.and_then(|old| old.remote.as_deref()).map(|d| &d.media[0]);
        let security = match &new_remote {
            Some(remote) => agreement.with_remote(remote.audio()?, cx.rng)?,
            None => agreement.without_remote(in_force.map(|m| m.profile.is_secure()), cx.rng)?,
        };
        if let Some(remote) = &mut new_remote {
            orders.crypto_skipped = remote.media[0].skipped_crypto;
            remote.media[0].crypto = Vec::new();
        }
        let remote = new_remote.or_else(|| old.and_then(|old| old.remote.clone()));
        if remote.is_none() && engine_mode.sends_to_network() {
            return Err(ReturnCode::MISSING_REMOTE.into_fault());
        }
        let ptime = match wishes.packetization {
            Some(span) => USUAL_PTIME.clamp(span.low, span.high),
            None => USUAL_PTIME,
        };
        let stream = remote.as_deref().map(|r| &r.media[0]);
        let codecs = choose_codecs(cx.kind, &wishes, stream, ptime)?;
        Ok((Self { kind: cx.kind, mode, wishes, remote, security, codecs, ptime }, orders))
    }

    /// The address of the peer, which decides over network and family.
    pub(crate) fn remote_ip(&self) -> Option<IpAddr> {
        Some(self.remote_rtp()?.ip())
    }

    /// Where RTP to the peer goes; none while an old-style hold (`c=0.0.0.0`) lasts.
    pub(crate) fn remote_rtp(&self) -> Option<SocketAddr> {
        let remote = self.remote.as_deref()?;
        remote.rtp_address(&remote.media[0]).filter(|address| !address.ip().is_unspecified())
    }

    /// Where RTCP to the peer goes, if that was said.
    pub(crate) fn remote_rtcp(&self) -> Option<SocketAddr> {
        let remote = self.remote.as_deref()?;
        self.remote_rtp()?;
        remote.rtcp_address(&remote.media[0])
    }

    /// RTP clock of the first codec.
    pub(crate) fn clock_hz(&self) -> u32 {
        let clocks = self.codecs.iter().filter_map(|codec| Some(codec.encoding.as_ref()?.clock));
        clocks.into_iter().find(|clock| *clock != 0).unwrap_or(8000)
    }

    /// What the telephone side is told; `fresh` if keys have come or gone.
    pub(crate) fn for_line(&self, fresh: bool) -> Connection {
        let mode = engine_mode(self.kind, self.mode);
        let codec = self.codecs.iter().find(|codec| law_of(codec).is_some());
        Connection {
            law: codec.and_then(law_of).unwrap_or(Law::Mu),
            payload_type: codec.map_or(Law::Mu.payload_type(), |codec| codec.payload_type),
            events: self.telephone_events(),
            packet_ms: self.ptime,
            mixing: match self.mode {
                ConnectionMode::Conference => Mixing::Conference,
                ConnectionMode::Loopback => Mixing::Loopback,
                ConnectionMode::ContinuityTest => Mixing::ContinuityTest,
                _ => Mixing::Ordinary,
            },
            sends: mode.is_some_and(Mode::sends),
            fresh,
        }
    }

    /// The payload type of telephone events (RFC 4733), if both ends have them.
    fn telephone_events(&self) -> Option<u8> {
        self.remote.as_ref()?;
        self.codecs.iter().find(|codec| is_event(codec)).map(|codec| codec.payload_type)
    }

    /// Whether our description reads the same for both.
    pub(crate) fn announces_same(&self, other: &Self) -> bool {
        self.codecs == other.codecs
            && self.ptime == other.ptime
            && self.security.announces_same(&other.security)
    }

    /// Our description of a connection at `local`.
    pub(crate) fn describe(
        &self,
        local: SocketAddr,
        session: u64,
        version: u64,
    ) -> SessionDescription {
        let profile = match (self.security.secured(), &self.remote) {
            (None, _) => Profile::Avp,
            (Some(_), Some(r)) if r.media[0].profile == Profile::Savpf => Profile::Savpf,
            (Some(_), _) => Profile::Savp,
        };
        let mut stream = Stream::audio(local.port(), profile, self.codecs.clone());
        stream.ptime = Some(self.ptime);
        stream.crypto = self.security.secured().map(|s| s.transmit.clone()).into_iter().collect();
        SessionDescription {
            origin: Some(Origin {
                username: "-".into(),
                session_id: session,
                version,
                address: local.ip().to_string().into(),
            }),
            session_name: None,
            connection: Some(local.ip()),
            attributes: Vec::new(),
            media: vec![stream],
        }
    }
}

trait SendsToNetwork {
    fn sends_to_network(self) -> bool;
}

impl SendsToNetwork for Mode {
    fn sends_to_network(self) -> bool {
        self.sends() || self == Mode::Loop
    }
}

/// The engine's word for a mode; none for modes that endpoints of this kind do not have.
pub(crate) fn engine_mode(kind: Kind, mode: ConnectionMode) -> Option<Mode> {
    match mode {
        // What the telephone side does with them is its own matter.
        ConnectionMode::Conference if kind.is_voice() => Some(Mode::SendRecv),
        ConnectionMode::Loopback | ConnectionMode::ContinuityTest if kind.is_voice() => {
            Some(Mode::Inactive)
        }
        ConnectionMode::SendOnly => Some(Mode::SendOnly),
        ConnectionMode::RecvOnly => Some(Mode::RecvOnly),
        ConnectionMode::SendRecv => Some(Mode::SendRecv),
        ConnectionMode::Inactive => Some(Mode::Inactive),
        ConnectionMode::NetworkLoop | ConnectionMode::NetworkTest => Some(Mode::Loop),
        ConnectionMode::Conference
        | ConnectionMode::Loopback
        | ConnectionMode::ContinuityTest
        | ConnectionMode::Data => None,
    }
}

/// RFC 3435 §2.6: what is approved, and of that, what the peer offers. A relay does not transcode,
/// so without `a:` it approves whatever the peer offers; a line has its own codecs.
fn choose_codecs(
    kind: Kind,
    wishes: &Wishes,
    remote: Option<&sdp::Media>,
    ptime: u32,
) -> Result<Vec<Codec>, ValueError> {
    let mut codecs: Vec<Codec> = match (&wishes.codecs, remote) {
        (None, None) => OFFERED.iter().filter_map(|name| Codec::named(name)).collect(),
        (Some(approved), None) => approved.iter().filter_map(|name| Codec::named(name)).collect(),
        (None, Some(remote)) => remote.payloads.clone(),
        (Some(approved), Some(remote)) => {
            let named = approved
                .iter()
                .flat_map(|name| remote.payloads.iter().filter(move |codec| codec.is(name)));
            // Tones and comfort noise pass beside whatever speech codec there is.
            let others = remote.payloads.iter().filter(|codec| codec.is_auxiliary());
            let mut codecs: Vec<Codec> = Vec::new();
            for codec in named.chain(others) {
                if !codecs.contains(codec) {
                    codecs.push(codec.clone());
                }
            }
            codecs
        }
    };
    if kind.is_voice() {
        codecs.retain(|codec| law_of(codec).is_some() || is_event(codec));
    }
    let speech = |codecs: &[Codec]| codecs.iter().any(|codec| !codec.is_auxiliary());
    if !speech(&codecs) {
        return Err(ReturnCode::CODEC_FAILURE.into_fault());
    }
    if let Some(bandwidth) = wishes.bandwidth {
        codecs.retain(|codec| codec.is_auxiliary() || kbits(codec, ptime) <= bandwidth.high);
        if !speech(&codecs) {
            let conflict = ReturnCode::OPTIONS_CONFLICT;
            let code = if remote.is_some() { conflict } else { ReturnCode::NO_BANDWIDTH };
            return Err(ValueError::new(code, "bandwidth too small for the codecs"));
        }
    }
    Ok(codecs)
}

/// Whether it is telephone events as a line has them: in the clock of its audio.
fn is_event(codec: &Codec) -> bool {
    codec.is("telephone-event") && codec.encoding.as_ref().is_some_and(|e| e.clock == 8000)
}

/// How a line codes audio, if this is one of its ways.
fn law_of(codec: &Codec) -> Option<Law> {
    [Law::Mu, Law::A].into_iter().find(|law| codec.is(law.name()))
}

/// Bandwidth of a codec with its packet headers, in kbit/s; 0 for one we know nothing of.
fn kbits(codec: &Codec, ptime: u32) -> u32 {
    const RATES: [(&str, u32); 7] = [
        ("PCMU", 64),
        ("PCMA", 64),
        ("G722", 64),
        ("G729", 8),
        ("G723", 7),
        ("G726-32", 32),
        ("GSM", 13),
    ];
    let name = codec.encoding.as_ref().map_or("", |e| canonical_name(&e.name));
    let rate = RATES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    rate.map_or(0, |(_, rate)| rate + 320 / ptime.max(1))
}
