//! Session descriptions (RFC 4566) as media gateways exchange them in MGCP: one audio stream, its
//! address, its codecs, and how SRTP protects it (RFC 4568).
//!
//! Reading is tolerant: `o=`, `s=` and `t=` may be missing, unknown lines and attributes are kept
//! apart, and a bad crypto attribute is skipped and counted, never fatal. Writing is complete.

mod codec;
mod crypto;
mod parse;
mod write;

pub use codec::{Codec, Encoding, canonical_name};
pub use crypto::{
    CryptoAttribute, CryptoError, CryptoForm, CryptoSuite, KeySalt, KeyTerms, Mki,
    SessionParameter, parse_key_params,
};

use std::net::{IpAddr, SocketAddr};

use crate::{ReturnCode, ValueError};

/// A session description.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionDescription {
    /// `o=`; left out by some gateways.
    pub origin: Option<Origin>,
    /// `s=`; `-` is written if there is none.
    pub session_name: Option<Box<str>>,
    /// `c=` of the session.
    pub connection: Option<IpAddr>,
    /// `a=` lines of the session.
    pub attributes: Vec<Attribute>,
    /// The streams.
    pub media: Vec<Media>,
}

/// Who made a description, and which version of it this is (`o=`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// User name, or `-`.
    pub username: Box<str>,
    /// Number of the session.
    pub session_id: u64,
    /// Grows with every change.
    pub version: u64,
    /// The host that made it; may be a name.
    pub address: Box<str>,
}

/// One stream (`m=`).
#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    /// What it carries.
    pub kind: MediaKind,
    /// Where; 0 refuses the stream.
    pub port: u16,
    /// How.
    pub profile: Profile,
    /// Payload types, by preference; formats of other profiles are in `other_formats`.
    pub payloads: Vec<Codec>,
    /// Formats that are no payload types (`t38`).
    pub other_formats: Vec<Box<str>>,
    /// `c=` of the stream.
    pub connection: Option<IpAddr>,
    /// `a=ptime`, in milliseconds.
    pub ptime: Option<u32>,
    /// `a=rtcp` (RFC 3605): port, and address if it differs.
    pub rtcp: Option<(u16, Option<IpAddr>)>,
    /// `a=sendrecv` and the like.
    pub direction: Option<StreamDirection>,
    /// Usable crypto attributes, by preference.
    pub crypto: Vec<CryptoAttribute>,
    /// Crypto attributes that were passed over: malformed, or beside RTP/AVP.
    pub skipped_crypto: u32,
    /// All other `a=` lines.
    pub attributes: Vec<Attribute>,
}

/// An `a=` line that has no field of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Before the colon.
    pub name: Box<str>,
    /// Behind it, if there is one.
    pub value: Option<Box<str>>,
}

/// What a stream carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// `audio`
    Audio,
    /// `image`: T.38 fax.
    Image,
    /// Anything else.
    Other(Box<str>),
}

/// Transport of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Profile {
    /// `RTP/AVP`
    Avp,
    /// `RTP/SAVP`
    Savp,
    /// `RTP/SAVPF`
    Savpf,
    /// Anything else.
    Other(Box<str>),
}

impl Profile {
    /// Whether SRTP is what it stands for.
    pub fn is_secure(&self) -> bool {
        matches!(self, Self::Savp | Self::Savpf)
    }
}

/// Which way a stream flows, seen from who wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamDirection {
    /// `sendrecv`
    SendRecv,
    /// `sendonly`
    SendOnly,
    /// `recvonly`
    RecvOnly,
    /// `inactive`
    Inactive,
}

impl SessionDescription {
    /// The one audio stream, not refused, with an address: what a command for a packet relay needs.
    pub fn audio(&self) -> Result<&Media, ValueError> {
        let media = match self.media.as_slice() {
            [media] => media,
            [] => return Err(bad("session description without a stream")),
            _ => return Err(unsupported("session description with several streams")),
        };
        if media.kind != MediaKind::Audio {
            return Err(unsupported("stream is not audio"));
        }
        if matches!(media.profile, Profile::Other(_)) {
            return Err(unsupported("transport is neither RTP/AVP nor RTP/SAVP"));
        }
        if media.port == 0 {
            return Err(bad("stream is refused by port 0"));
        }
        if media.payloads.is_empty() {
            return Err(bad("audio stream without a payload type"));
        }
        if media.connection.or(self.connection).is_none() {
            return Err(bad("stream without an address"));
        }
        Ok(media)
    }

    /// Where packets of `media` go.
    pub fn rtp_address(&self, media: &Media) -> Option<SocketAddr> {
        let address = media.connection.or(self.connection)?;
        Some(SocketAddr::new(address, media.port))
    }

    /// Where its RTCP goes, if that was said and is not the next port.
    pub fn rtcp_address(&self, media: &Media) -> Option<SocketAddr> {
        let (port, address) = media.rtcp?;
        let address = address.or(media.connection).or(self.connection)?;
        Some(SocketAddr::new(address, port))
    }
}

impl Media {
    /// An audio stream without attributes.
    pub fn audio(port: u16, profile: Profile, payloads: Vec<Codec>) -> Self {
        Self {
            kind: MediaKind::Audio,
            port,
            profile,
            payloads,
            other_formats: Vec::new(),
            connection: None,
            ptime: None,
            rtcp: None,
            direction: None,
            crypto: Vec::new(),
            skipped_crypto: 0,
            attributes: Vec::new(),
        }
    }
}

pub(crate) fn bad(what: &'static str) -> ValueError {
    ValueError::new(ReturnCode::BAD_REMOTE, what)
}

pub(crate) fn unsupported(what: &'static str) -> ValueError {
    ValueError::new(ReturnCode::UNSUPPORTED_REMOTE, what)
}
