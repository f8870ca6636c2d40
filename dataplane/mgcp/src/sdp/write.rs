//! Writing session descriptions.

use std::fmt::{self, Write};
use std::net::IpAddr;

use super::{Media, MediaKind, Profile, SessionDescription, StreamDirection};
use crate::{Body, Opaque};

impl SessionDescription {
    /// The text, in a form that messages carry.
    pub fn to_body(&self) -> Body {
        let mut text = zeroize::Zeroizing::new(String::with_capacity(crate::limits::SDP));
        self.write(&mut *text).expect("writing to a string cannot fail");
        Body(Opaque::from(text.as_str()))
    }

    /// `v=0` alone: what an audit answers for a description that is not there.
    pub fn empty_body() -> Body {
        Body(Opaque::from("v=0\r\n"))
    }

    fn write(&self, out: &mut dyn Write) -> fmt::Result {
        out.write_str("v=0\r\n")?;
        let address = self.connection.or_else(|| self.media.first()?.connection);
        match &self.origin {
            Some(o) => {
                let family = if o.address.contains(':') { "IP6" } else { "IP4" };
                let (user, id, version, host) = (&o.username, o.session_id, o.version, &o.address);
                write!(out, "o={user} {id} {version} IN {family} {host}\r\n")?;
            }
            None => {
                let nowhere = IpAddr::from([0, 0, 0, 0]);
                write!(out, "o=- 0 0 {}\r\n", Address(address.unwrap_or(nowhere)))?;
            }
        }
        write!(out, "s={}\r\n", self.session_name.as_deref().unwrap_or("-"))?;
        if let Some(address) = self.connection {
            write!(out, "c={}\r\n", Address(address))?;
        }
        out.write_str("t=0 0\r\n")?;
        self.attributes.iter().try_for_each(|attribute| write!(out, "a={attribute}\r\n"))?;
        self.media.iter().try_for_each(|media| media.write(out))
    }
}

struct Address(IpAddr);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = if self.0.is_ipv4() { "IP4" } else { "IP6" };
        write!(f, "IN {family} {}", self.0)
    }
}

impl Media {
    fn write(&self, out: &mut dyn Write) -> fmt::Result {
        write!(out, "m={} {} {}", self.kind, self.port, self.profile)?;
        self.payloads.iter().try_for_each(|codec| write!(out, " {}", codec.payload_type))?;
        self.other_formats.iter().try_for_each(|format| write!(out, " {format}"))?;
        out.write_str("\r\n")?;
        if let Some(address) = self.connection {
            write!(out, "c={}\r\n", Address(address))?;
        }
        for codec in &self.payloads {
            if let Some(encoding) = &codec.encoding {
                let (number, name, clock) = (codec.payload_type, &encoding.name, encoding.clock);
                write!(out, "a=rtpmap:{number} {name}/{clock}")?;
                if let Some(channels) = encoding.channels {
                    write!(out, "/{channels}")?;
                }
                out.write_str("\r\n")?;
            }
            if let Some(fmtp) = &codec.fmtp {
                write!(out, "a=fmtp:{} {fmtp}\r\n", codec.payload_type)?;
            }
        }
        if let Some(ptime) = self.ptime {
            write!(out, "a=ptime:{ptime}\r\n")?;
        }
        match self.rtcp {
            Some((port, Some(address))) => write!(out, "a=rtcp:{port} {}\r\n", Address(address))?,
            Some((port, None)) => write!(out, "a=rtcp:{port}\r\n")?,
            None => {}
        }
        if let Some(direction) = self.direction {
            write!(out, "a={direction}\r\n")?;
        }
        for crypto in &self.crypto {
            out.write_str("a=")?;
            crypto.write(out)?;
            out.write_str("\r\n")?;
        }
        self.attributes.iter().try_for_each(|attribute| write!(out, "a={attribute}\r\n"))
    }
}

impl fmt::Display for super::Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.value {
            Some(value) => write!(f, ":{value}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for MediaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Audio => "audio",
            Self::Image => "image",
            Self::Other(other) => other,
        })
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Avp => "RTP/AVP",
            Self::Savp => "RTP/SAVP",
            Self::Savpf => "RTP/SAVPF",
            Self::Other(other) => other,
        })
    }
}

impl fmt::Display for StreamDirection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        })
    }
}
