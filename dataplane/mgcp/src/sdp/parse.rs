//! Reading session descriptions.

use std::net::IpAddr;

use super::codec::Encoding;
use super::{
    Attribute, Codec, CryptoAttribute, Media, MediaKind, Origin, Profile, SessionDescription,
    StreamDirection, bad, unsupported,
};
use crate::text::{lines, number, trim};
use crate::{ValueError, limits};

/// Attributes, formats, streams: more of any of them than this is no telephone call.
const MAX_ITEMS: usize = 128;

impl SessionDescription {
    /// Reads the text of a [`crate::Body`]. Errors carry 509, or 505 for what is only unsupported.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        if text.len() > limits::SDP {
            return Err(bad("session description too long"));
        }
        let mut lines = lines(text).map(|line| line.trim_end_matches([' ', '\t']));
        if lines.next() != Some("v=0") {
            return Err(bad("session description does not begin with v=0"));
        }
        let mut session = Self {
            origin: None,
            session_name: None,
            connection: None,
            attributes: Vec::new(),
            media: Vec::new(),
        };
        for line in lines.filter(|line| !line.is_empty()) {
            let (kind, value) =
                line.split_once('=').ok_or(bad("line of a session description without ="))?;
            session.read_line(kind, value)?;
        }
        session.media.iter_mut().for_each(finish);
        Ok(session)
    }

    fn read_line(&mut self, kind: &str, value: &str) -> Result<(), ValueError> {
        if value.contains(char::is_control) {
            return Err(bad("control character in a session description"));
        }
        match (kind, self.media.last_mut()) {
            ("m", _) => push(&mut self.media, parse_media(value)?)?,
            ("c", None) => self.connection = Some(parse_connection(value)?),
            ("c", Some(media)) => media.connection = Some(parse_connection(value)?),
            ("a", None) => push(&mut self.attributes, parse_attribute(value))?,
            ("a", Some(media)) => read_media_attribute(media, value)?,
            ("o", None) => self.origin = Some(parse_origin(value)?),
            ("s", None) => self.session_name = Some(value.into()),
            ("v" | "o" | "s", _) => return Err(bad("line of a session description out of place")),
            // t, b, k, i, u, e, p, r, z: nothing a relay acts on.
            (kind, _) if kind.len() == 1 && kind.as_bytes()[0].is_ascii_lowercase() => {}
            _ => return Err(bad("illegal line in a session description")),
        }
        Ok(())
    }
}

fn push<T>(items: &mut Vec<T>, item: T) -> Result<(), ValueError> {
    if items.len() >= MAX_ITEMS {
        return Err(bad("session description with too many items"));
    }
    items.push(item);
    Ok(())
}

fn parse_origin(value: &str) -> Result<Origin, ValueError> {
    let illegal = bad("illegal origin line");
    let mut words = value.split([' ', '\t']).filter(|word| !word.is_empty());
    let mut next = || words.next().ok_or(illegal);
    let username = next()?.into();
    // Numbers beyond 64 bits exist; they matter to nobody.
    let (session_id, version) = (big_number(next()?), big_number(next()?));
    let (_network, _family, address) = (next()?, next()?, next()?);
    let (session_id, version) = (session_id.ok_or(illegal)?, version.ok_or(illegal)?);
    Ok(Origin { username, session_id, version, address: address.into() })
}

/// Decimal, as RFC 8866 §5.2 wants it, or hexadecimal, as osmo-mgw writes it.
fn big_number(text: &str) -> Option<u64> {
    let radix = if text.bytes().all(|b| b.is_ascii_digit()) { 10 } else { 16 };
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    digits.then(|| u64::from_str_radix(text, radix).unwrap_or(u64::MAX))
}

fn parse_connection(value: &str) -> Result<IpAddr, ValueError> {
    let mut words = value.split([' ', '\t']).filter(|word| !word.is_empty());
    let (network, family, address) = (words.next(), words.next(), words.next());
    let (Some(network), Some(family), Some(address)) = (network, family, address) else {
        return Err(bad("illegal connection line"));
    };
    if network != "IN" {
        return Err(unsupported("network type is not IN"));
    }
    if address.contains('/') {
        return Err(unsupported("multicast"));
    }
    let address = match family {
        "IP4" => address.parse().map(IpAddr::V4).ok(),
        "IP6" => address.parse().map(IpAddr::V6).ok(),
        _ => return Err(unsupported("address type is neither IP4 nor IP6")),
    };
    match address {
        Some(ip) if ip.is_multicast() => Err(unsupported("multicast")),
        Some(ip) => Ok(ip),
        None => Err(unsupported("connection address is not an IP address")),
    }
}

fn parse_media(value: &str) -> Result<Media, ValueError> {
    let illegal = bad("illegal media line");
    let mut words = value.split([' ', '\t']).filter(|word| !word.is_empty());
    let mut next = || words.next().ok_or(illegal);
    let kind = match next()? {
        "audio" => MediaKind::Audio,
        "image" => MediaKind::Image,
        other => MediaKind::Other(other.into()),
    };
    let port = next()?;
    if port.contains('/') {
        return Err(unsupported("several ports for one stream"));
    }
    let port = number(port, 5).and_then(|p| u16::try_from(p).ok()).ok_or(illegal)?;
    let profile = match next()? {
        "RTP/AVP" => Profile::Avp,
        "RTP/SAVP" => Profile::Savp,
        "RTP/SAVPF" => Profile::Savpf,
        other => Profile::Other(other.into()),
    };
    let mut media = Media::audio(port, profile, Vec::new());
    media.kind = kind;
    let rtp = !matches!(media.profile, Profile::Other(_));
    for format in words {
        let number = number(format, 3).filter(|n| *n <= 127 && rtp);
        match number {
            Some(n) if media.payloads.iter().any(|c| u32::from(c.payload_type) == n) => {}
            Some(n) => push(&mut media.payloads, Codec::of_payload_type(n as u8))?,
            None if rtp => return Err(bad("illegal payload type")),
            None => push(&mut media.other_formats, format.into())?,
        }
    }
    Ok(media)
}

fn parse_attribute(value: &str) -> Attribute {
    match value.split_once(':') {
        Some((name, value)) => Attribute { name: name.into(), value: Some(value.into()) },
        None => Attribute { name: value.into(), value: None },
    }
}

fn read_media_attribute(media: &mut Media, value: &str) -> Result<(), ValueError> {
    if let Some(crypto) = CryptoAttribute::parse(value) {
        match crypto {
            Ok(crypto) if media.profile.is_secure() => push(&mut media.crypto, crypto)?,
            _ => media.skipped_crypto += 1,
        }
        return Ok(());
    }
    let (name, rest) = value.split_once(':').unwrap_or((value, ""));
    match name {
        "rtpmap" => read_rtpmap(media, rest),
        "fmtp" => {
            if let Some((codec, params)) = of_payload(media, rest) {
                codec.fmtp = Some(params.into());
            }
            Ok(())
        }
        "ptime" => {
            // Fractions exist ("20.0"); a stream is not lost for them.
            media.ptime = number(trim(rest).split('.').next().unwrap_or_default(), 4);
            Ok(())
        }
        "rtcp" => {
            media.rtcp = Some(parse_rtcp(rest)?);
            Ok(())
        }
        "sendrecv" => set_direction(media, StreamDirection::SendRecv),
        "sendonly" => set_direction(media, StreamDirection::SendOnly),
        "recvonly" => set_direction(media, StreamDirection::RecvOnly),
        "inactive" => set_direction(media, StreamDirection::Inactive),
        _ => push(&mut media.attributes, parse_attribute(value)),
    }
}

fn set_direction(media: &mut Media, direction: StreamDirection) -> Result<(), ValueError> {
    media.direction = Some(direction);
    Ok(())
}

/// The codec that `<payload type> <rest>` is about, and the rest.
fn of_payload<'m, 't>(media: &'m mut Media, text: &'t str) -> Option<(&'m mut Codec, &'t str)> {
    let (digits, rest) = trim(text).split_once([' ', '\t'])?;
    let payload_type = number(digits, 3)?;
    let codec =
        media.payloads.iter_mut().find(|codec| u32::from(codec.payload_type) == payload_type)?;
    Some((codec, trim(rest)))
}

fn read_rtpmap(media: &mut Media, text: &str) -> Result<(), ValueError> {
    // A map of a payload type that is not offered is of no use, but common.
    let Some((codec, map)) = of_payload(media, text) else { return Ok(()) };
    let illegal = bad("illegal rtpmap");
    let mut fields = map.split('/');
    let name = fields.next().filter(|name| !name.is_empty()).ok_or(illegal)?;
    let clock = fields.next().and_then(|clock| number(clock, 7)).ok_or(illegal)?;
    let channels = match fields.next() {
        Some(channels) => Some(number(channels, 2).ok_or(illegal)? as u8),
        None => None,
    };
    codec.encoding = Some(Encoding { name: name.into(), clock, channels });
    Ok(())
}

fn parse_rtcp(text: &str) -> Result<(u16, Option<IpAddr>), ValueError> {
    let illegal = bad("illegal rtcp attribute");
    let (port, address) = trim(text).split_once(' ').unwrap_or((trim(text), ""));
    let port = number(port, 5).and_then(|p| u16::try_from(p).ok()).filter(|p| *p != 0);
    let address = match address {
        "" => None,
        _ => Some(parse_connection(address)?),
    };
    Ok((port.ok_or(illegal)?, address))
}

/// If both forms of a crypto attribute are there, the RFC's counts.
fn finish(media: &mut Media) {
    use super::CryptoForm::{Crypto, XCrypto};
    if media.crypto.iter().any(|c| matches!(c.form, Crypto { .. })) {
        media.crypto.retain(|c| c.form != XCrypto);
    }
    // Tags must differ (RFC 4568 §4.1); of two lines with one tag the first counts.
    let mut seen = Vec::new();
    media.crypto.retain(|c| match c.form {
        Crypto { tag } if seen.contains(&tag) => false,
        Crypto { tag } => {
            seen.push(tag);
            true
        }
        XCrypto => true,
    });
}
