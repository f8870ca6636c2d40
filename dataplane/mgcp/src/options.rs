//! Local connection options (`L:`, RFC 3435 §2.3.5, §3.2.2.10).

use std::fmt;

use crate::text::{comma_list, number, switch, trim};
use crate::value::is_extension;
use crate::{Opaque, ReturnCode, ValueError, limits};

/// The options of one command, in order; a later one replaces an earlier one of its name.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct LocalOptions(pub Vec<LocalOption>);

/// One option.
#[derive(Clone, Debug, PartialEq)]
pub enum LocalOption {
    /// `p`: packetization period in milliseconds, a value or a range.
    Packetization(Span),
    /// `mp`: one period per codec of `a`; `None` is `-`.
    PacketizationList(Vec<Option<Span>>),
    /// `a`: codecs by preference.
    Codecs(Vec<Box<str>>),
    /// `b`: bandwidth in kbit/s, packet overhead included.
    Bandwidth(Span),
    /// `e`: echo cancellation.
    EchoCancellation(bool),
    /// `gc`: gain control; `None` is automatic, else decibels.
    Gain(Option<i16>),
    /// `s`: silence suppression.
    SilenceSuppression(bool),
    /// `t`: type-of-service octet.
    TypeOfService(u8),
    /// `r`: resource reservation.
    Reservation(Reservation),
    /// `k`: a key in the manner of the SDP `k=` line; never used for SRTP.
    EncryptionKey(Opaque),
    /// `nt`: network type.
    Network(Network),
    /// `fmtp`: codec parameters.
    Fmtp(Box<str>),
    /// `x-…`, `x+…`, `package/name`, with the value if there is one.
    Extension(Box<str>, Option<Opaque>),
}

/// A number, or the range between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The smallest.
    pub low: u32,
    /// The largest.
    pub high: u32,
}

/// Resource reservation (`r`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// `g`
    Guaranteed,
    /// `cl`
    ControlledLoad,
    /// `be`
    BestEffort,
}

/// Network type (`nt`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// `IN`
    Internet,
    /// `ATM`
    Atm,
    /// `LOCAL`: inside the gateway.
    Local,
}

impl LocalOptions {
    /// The value of extension option `name`, the last one if repeated.
    pub fn extension(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find_map(|option| match option {
            LocalOption::Extension(n, value) if n.eq_ignore_ascii_case(name) => {
                Some(value.as_ref().map_or("", Opaque::expose))
            }
            _ => None,
        })
    }

    pub(crate) fn parse(text: &str) -> Result<Self, ValueError> {
        let list = comma_list(text, limits::OPTIONS)?;
        list.into_iter().map(LocalOption::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl LocalOption {
    fn parse(text: &str) -> Result<Self, ValueError> {
        let value_error = |what| ValueError::new(ReturnCode::OPTION_VALUE, what);
        let (name, value) = match text.split_once(':') {
            Some((name, value)) => (trim(name), Some(unquote(trim(value))?)),
            None => (text, None),
        };
        if is_extension(name) {
            return Ok(Self::Extension(name.into(), value.as_ref().map(|v| v.expose().into())));
        }
        let missing = ValueError::protocol("connection option without a value");
        let value = value.ok_or(missing)?;
        let value = value.expose();
        match name.to_ascii_lowercase().as_str() {
            "p" => Span::parse(value).map(Self::Packetization).ok_or(packetization()),
            "mp" => {
                let one = |v: &str| match trim(v) {
                    "-" => Ok(None),
                    v => Span::parse(v).map(Some).ok_or(packetization()),
                };
                value.split(';').map(one).collect::<Result<_, _>>().map(Self::PacketizationList)
            }
            "a" => {
                let codecs: Vec<Box<str>> = value.split(';').map(|c| trim(c).into()).collect();
                let bad = codecs.iter().any(|c| !is_codec(c));
                let what = ValueError::protocol("illegal codec name");
                if bad { Err(what) } else { Ok(Self::Codecs(codecs)) }
            }
            "b" => Span::parse(value).map(Self::Bandwidth).ok_or(value_error("illegal bandwidth")),
            "e" => switch(value)
                .map(Self::EchoCancellation)
                .ok_or(value_error("echo cancellation is on or off")),
            "gc" if value.eq_ignore_ascii_case("auto") => Ok(Self::Gain(None)),
            "gc" => gain(value).ok_or(value_error("illegal gain")),
            "s" => switch(value)
                .map(Self::SilenceSuppression)
                .ok_or(value_error("silence suppression is on or off")),
            "t" => octet(value).map(Self::TypeOfService).ok_or(value_error("illegal service type")),
            "r" => match value.to_ascii_lowercase().as_str() {
                "g" => Ok(Self::Reservation(Reservation::Guaranteed)),
                "cl" => Ok(Self::Reservation(Reservation::ControlledLoad)),
                "be" => Ok(Self::Reservation(Reservation::BestEffort)),
                _ => Err(value_error("unknown reservation")),
            },
            "k" => Ok(Self::EncryptionKey(value.into())),
            "nt" => match value.to_ascii_uppercase().as_str() {
                "IN" => Ok(Self::Network(Network::Internet)),
                "ATM" => Ok(Self::Network(Network::Atm)),
                "LOCAL" => Ok(Self::Network(Network::Local)),
                _ => Err(value_error("unknown network type")),
            },
            "fmtp" => Ok(Self::Fmtp(value.into())),
            _ => {
                let code = ReturnCode::INVALID_OPTION;
                Err(ValueError::new(code, "unknown local connection option"))
            }
        }
    }
}

fn packetization() -> ValueError {
    ValueError::new(ReturnCode::PACKETIZATION, "illegal packetization period")
}

impl Span {
    /// Whether `value` lies in it.
    pub fn contains(self, value: u32) -> bool {
        (self.low..=self.high).contains(&value)
    }

    fn parse(text: &str) -> Option<Self> {
        let (low, high) = text.split_once('-').unwrap_or((text, text));
        let (low, high) = (number(trim(low), 4)?, number(trim(high), 4)?);
        (low <= high).then_some(Self { low, high })
    }
}

fn gain(text: &str) -> Option<LocalOption> {
    let (digits, negative) = match text.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (text.strip_prefix('+').unwrap_or(text), false),
    };
    let gain = number(digits, 4)? as i16;
    Some(LocalOption::Gain(Some(if negative { -gain } else { gain })))
}

fn octet(text: &str) -> Option<u8> {
    let legal = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    if legal { u8::from_str_radix(text, 16).ok() } else { None }
}

fn is_codec(text: &str) -> bool {
    let ok = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'(' | b')' | b'[' | b']' | b',');
    (1..=64).contains(&text.len()) && text.bytes().all(ok)
}

/// The inside of `"…"`, where `""` is a quote; other text is itself.
fn unquote(text: &str) -> Result<Opaque, ValueError> {
    let Some(tail) = text.strip_prefix('"') else {
        let stray = ValueError::protocol("quote inside an option value");
        return if text.contains('"') { Err(stray) } else { Ok(text.into()) };
    };
    let unclosed = ValueError::protocol("illegal quoted option value");
    let inner = tail.strip_suffix('"').ok_or(unclosed)?;
    if !inner.contains('"') {
        return Ok(inner.into());
    }
    if inner.replace("\"\"", "").contains('"') {
        return Err(unclosed);
    }
    Ok(inner.replace("\"\"", "\"").as_str().into())
}

/// Writes a value bare if it would be read back as it is, else quoted.
fn write_value(f: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    let plain =
        |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b',' | b'(' | b')' | b'[' | b']');
    if !value.is_empty() && value.bytes().all(plain) {
        return f.write_str(value);
    }
    f.write_str("\"")?;
    for (index, part) in value.split('"').enumerate() {
        if index > 0 {
            f.write_str("\"\"")?;
        }
        f.write_str(part)?;
    }
    f.write_str("\"")
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.low == self.high {
            true => self.low.fmt(f),
            false => write!(f, "{}-{}", self.low, self.high),
        }
    }
}

/// The wire form: this prints what [`Opaque`] hides, so it is for messages, not for logs.
pub(crate) struct Written<'a, T>(pub(crate) &'a T);

impl fmt::Display for Written<'_, LocalOptions> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, option) in self.0.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            Written(option).fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Written<'_, LocalOption> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on_off = |on: &bool| if *on { "on" } else { "off" };
        match self.0 {
            LocalOption::Packetization(span) => write!(f, "p:{span}"),
            LocalOption::PacketizationList(list) => {
                let one = |span: &Option<Span>| span.map_or("-".to_owned(), |s| s.to_string());
                write!(f, "mp:{}", list.iter().map(one).collect::<Vec<_>>().join(";"))
            }
            LocalOption::Codecs(codecs) => write!(f, "a:{}", codecs.join(";")),
            LocalOption::Bandwidth(span) => write!(f, "b:{span}"),
            LocalOption::EchoCancellation(on) => write!(f, "e:{}", on_off(on)),
            LocalOption::Gain(None) => f.write_str("gc:auto"),
            LocalOption::Gain(Some(decibels)) => write!(f, "gc:{decibels}"),
            LocalOption::SilenceSuppression(on) => write!(f, "s:{}", on_off(on)),
            LocalOption::TypeOfService(octet) => write!(f, "t:{octet:02X}"),
            LocalOption::Reservation(Reservation::Guaranteed) => f.write_str("r:g"),
            LocalOption::Reservation(Reservation::ControlledLoad) => f.write_str("r:cl"),
            LocalOption::Reservation(Reservation::BestEffort) => f.write_str("r:be"),
            LocalOption::EncryptionKey(key) => {
                f.write_str("k:")?;
                write_value(f, key.expose())
            }
            LocalOption::Network(Network::Internet) => f.write_str("nt:IN"),
            LocalOption::Network(Network::Atm) => f.write_str("nt:ATM"),
            LocalOption::Network(Network::Local) => f.write_str("nt:LOCAL"),
            LocalOption::Fmtp(params) => {
                f.write_str("fmtp:")?;
                write_value(f, params)
            }
            LocalOption::Extension(name, None) => f.write_str(name),
            LocalOption::Extension(name, Some(value)) => {
                write!(f, "{name}:")?;
                write_value(f, value.expose())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_the_field_print_what_they_parsed() {
        for text in [
            "p:20, a:PCMU, s:off, t:00",
            "p:10-220, mp:20;-;30-60, a:G.729a;PCMA, b:64-128, e:on, gc:-3, gc:auto, r:be, nt:IN",
            "k:clear:abc, fmtp:\"PCMU x=\"\"1\"\"\"",
            "fxr/fx:t38;off, x-net:inside, x+srtptx:\"AES_CM_128_HMAC_SHA1_80 inline:abc\"",
            "x-flag",
            "x-empty:\"\"",
        ] {
            let options = LocalOptions::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(Written(&options).to_string(), text);
        }
        let options = LocalOptions::parse("x-a:1, X-A:\"2\"").unwrap();
        assert_eq!(options.extension("x-a"), Some("2"));
        assert!(!format!("{options:?}").contains('2'), "extension values may hold keys");
    }

    #[test]
    fn illegal_options_get_their_code() {
        for (text, code) in [
            ("p:99999", 535),
            ("p:20-10", 535),
            ("s:perhaps", 532),
            ("t:1234", 532),
            ("r:best", 532),
            ("nt:X25", 532),
            ("gc:loud", 532),
            ("b:-", 532),
            ("q:1", 541),
            ("p", 510),
            ("p:20,,a:PCMU", 510),
            ("fmtp:\"open", 510),
            ("fmtp:a\"b\"", 510),
            ("a:PC MU", 510),
        ] {
            assert_eq!(LocalOptions::parse(text).unwrap_err().code.value(), code, "{text}");
        }
        let many = vec!["p:20"; 65].join(",");
        assert_eq!(LocalOptions::parse(&many).unwrap_err().code.value(), 510);
    }
}
