//! The small values of parameters: modes, statistics, reasons, packages, restart methods.

use std::fmt;
use std::str::FromStr;

use crate::text::{comma_list, is_name, join, number, trim};
use crate::{ReturnCode, TransactionId, ValueError, limits};

/// A closed set of keywords, compared without case.
macro_rules! keywords {
    ($(#[$doc:meta])* $name:ident, $code:ident, $what:literal:
     $($(#[$vdoc:meta])* $variant:ident = $word:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The keyword.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl FromStr for $name {
            type Err = ValueError;

            fn from_str(text: &str) -> Result<Self, ValueError> {
                let found = Self::ALL.iter().find(|k| k.as_str().eq_ignore_ascii_case(text));
                found.copied().ok_or(ValueError::new(ReturnCode::$code, $what))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use keywords;

keywords! {
    /// Connection mode (`M:`, RFC 3435 §3.2.2.6).
    ConnectionMode, WRONG_MODE, "unknown connection mode":
    /// Sends to the network, takes nothing.
    SendOnly = "sendonly",
    /// Takes from the network, sends nothing.
    RecvOnly = "recvonly",
    /// Both.
    SendRecv = "sendrecv",
    /// Both, mixed with all other connections of this mode.
    Conference = "confrnce",
    /// Neither.
    Inactive = "inactive",
    /// Returns the telephone side's input to it.
    Loopback = "loopback",
    /// Continuity test on the telephone side.
    ContinuityTest = "conttest",
    /// Returns received packets to their sender.
    NetworkLoop = "netwloop",
    /// The same through decoder and encoder.
    NetworkTest = "netwtest",
    /// RFC 2705 only.
    Data = "data",
}

keywords! {
    /// What happened to an endpoint's service (`RM:`, RFC 3435 §3.2.2.10).
    RestartMethod, RESTART_METHOD, "unknown restart method":
    /// Goes out of service when its connections end.
    Graceful = "graceful",
    /// Is out of service, connections are lost.
    Forced = "forced",
    /// Is in service, without connections.
    Restart = "restart",
    /// Had lost its call agent; state is kept.
    Disconnected = "disconnected",
    /// Takes a graceful back.
    CancelGraceful = "cancel-graceful",
}

/// Quarantine handling (`Q:`): what happens to events between notification and next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Quarantine {
    /// Quarantined events are thrown away instead of matched.
    pub discard: Option<bool>,
    /// Many notifications for one request (`loop`) instead of one (`step`).
    pub repeat: Option<bool>,
}

impl FromStr for Quarantine {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let mut value = Self::default();
        for word in comma_list(text, 2)? {
            let (slot, flag) = match word.to_ascii_lowercase().as_str() {
                "process" => (&mut value.discard, false),
                "discard" => (&mut value.discard, true),
                "step" => (&mut value.repeat, false),
                "loop" => (&mut value.repeat, true),
                _ => {
                    let code = ReturnCode::QUARANTINE_UNSUPPORTED;
                    return Err(ValueError::new(code, "unknown quarantine handling"));
                }
            };
            if slot.replace(flag).is_some() {
                return Err(ValueError::protocol("contradicting quarantine handling"));
            }
        }
        Ok(value)
    }
}

impl fmt::Display for Quarantine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let discard = self.discard.map(|d| if d { "discard" } else { "process" });
        let repeat = self.repeat.map(|r| if r { "loop" } else { "step" });
        let words: Vec<_> = discard.into_iter().chain(repeat).collect();
        join(f, &words, ",")
    }
}

/// Statistics of a connection (`P:`, RFC 3435 §3.2.2.7).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Statistics {
    /// `PS`: packets sent.
    pub packets_sent: Option<u32>,
    /// `OS`: octets sent.
    pub octets_sent: Option<u32>,
    /// `PR`: packets received.
    pub packets_received: Option<u32>,
    /// `OR`: octets received.
    pub octets_received: Option<u32>,
    /// `PL`: packets lost.
    pub packets_lost: Option<u32>,
    /// `JI`: average interarrival jitter in milliseconds.
    pub jitter_ms: Option<u32>,
    /// `LA`: average latency in milliseconds.
    pub latency_ms: Option<u32>,
    /// `X-…` and `package/…` values.
    pub extensions: Vec<(Box<str>, Box<str>)>,
}

impl Statistics {
    /// Where a counter stops (RFC 3435 §3.2.2.7: nine digits).
    pub const MAX: u32 = 999_999_999;

    fn slot(&mut self, name: &str) -> Option<&mut Option<u32>> {
        Some(match name.to_ascii_uppercase().as_str() {
            "PS" => &mut self.packets_sent,
            "OS" => &mut self.octets_sent,
            "PR" => &mut self.packets_received,
            "OR" => &mut self.octets_received,
            "PL" => &mut self.packets_lost,
            "JI" => &mut self.jitter_ms,
            "LA" => &mut self.latency_ms,
            _ => return None,
        })
    }
}

impl FromStr for Statistics {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let illegal = ValueError::protocol("illegal connection parameters");
        let mut value = Self::default();
        for item in comma_list(text, limits::OPTIONS)? {
            let (name, amount) = item.split_once('=').ok_or(illegal)?;
            let (name, amount) = (trim(name), trim(amount));
            match value.slot(name) {
                Some(slot) => *slot = Some(number(amount, 9).ok_or(illegal)?),
                None if is_extension(name) => value.extensions.push((name.into(), amount.into())),
                None => return Err(illegal),
            }
        }
        Ok(value)
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = [
            ("PS", self.packets_sent),
            ("OS", self.octets_sent),
            ("PR", self.packets_received),
            ("OR", self.octets_received),
            ("PL", self.packets_lost),
            ("JI", self.jitter_ms),
            ("LA", self.latency_ms),
        ];
        let known = known.iter().filter_map(|(name, n)| Some(format!("{name}={}", (*n)?)));
        let more = self.extensions.iter().map(|(name, value)| format!("{name}={value}"));
        join(f, &known.chain(more).collect::<Vec<_>>(), ", ")
    }
}

/// `X-name`, `X+name` or `package/name`.
pub(crate) fn is_extension(name: &str) -> bool {
    if let Some((package, item)) = name.split_once('/') {
        return is_name(package, 32) && is_name(item, 32);
    }
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.eq_ignore_ascii_case(&b'x'))
        && bytes.next().is_some_and(|b| matches!(b, b'-' | b'+'))
        && is_name(&name[2..], 32)
}

/// Why an endpoint or connection is in its state (`E:`, RFC 3435 §2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// 000, 900 to 905, or 800 to 899 of a package.
    pub code: u16,
    /// The package that owns the code.
    pub package: Option<Box<str>>,
    /// For people.
    pub text: Option<Box<str>>,
}

impl FromStr for Reason {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let illegal = ValueError::protocol("illegal reason code");
        let (digits, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        let code = number(digits, 3).filter(|_| digits.len() == 3).ok_or(illegal)? as u16;
        let (package, text) = package_and_text(trim(rest)).ok_or(illegal)?;
        Ok(Self { code, package, text })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.code)?;
        write_package_and_text(f, &self.package, &self.text)
    }
}

/// Package and text, each if it is there.
type PackageAndText = (Option<Box<str>>, Option<Box<str>>);

/// The tail `[/package] [text]` of reason and response lines.
pub(crate) fn package_and_text(rest: &str) -> Option<PackageAndText> {
    let some = |text: &str| (!text.is_empty()).then(|| text.into());
    let Some(tail) = rest.strip_prefix('/') else {
        return Some((None, some(rest)));
    };
    let (package, text) = tail.split_once([' ', '\t']).unwrap_or((tail, ""));
    is_name(package, 32).then(|| (Some(package.into()), some(trim(text))))
}

pub(crate) fn write_package_and_text(
    f: &mut dyn fmt::Write,
    package: &Option<Box<str>>,
    text: &Option<Box<str>>,
) -> fmt::Result {
    if let Some(package) = package {
        write!(f, " /{package}")?;
    }
    match text {
        Some(text) => write!(f, " {text}"),
        None => Ok(()),
    }
}

/// A package and its version (`PL:`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: Box<str>,
    /// Its version, if said.
    pub version: Option<u32>,
}

impl FromStr for Package {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let illegal = ValueError::protocol("illegal package list");
        let (name, version) = match text.split_once(':') {
            Some((name, version)) => (trim(name), Some(number(trim(version), 9).ok_or(illegal)?)),
            None => (text, None),
        };
        if !is_name(name, 32) {
            return Err(illegal);
        }
        Ok(Self { name: name.into(), version })
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.version {
            Some(version) => write!(f, ":{version}"),
            None => Ok(()),
        }
    }
}

/// Companding of the telephone side (`B:`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// `e:A`
    ALaw,
    /// `e:mu`
    MuLaw,
    /// `package/name` or `X-name`, with its value.
    Extension(Box<str>, Box<str>),
}

impl FromStr for Bearer {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        let (name, value) = (trim(name), trim(value));
        match (name, value) {
            ("e" | "E", "a" | "A") => Ok(Self::ALaw),
            ("e" | "E", _) if value.eq_ignore_ascii_case("mu") => Ok(Self::MuLaw),
            _ if is_extension(name) => Ok(Self::Extension(name.into(), value.into())),
            _ => Err(ValueError::protocol("illegal bearer information")),
        }
    }
}

impl fmt::Display for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ALaw => f.write_str("e:A"),
            Self::MuLaw => f.write_str("e:mu"),
            Self::Extension(name, value) => write!(f, "{name}:{value}"),
        }
    }
}

/// Acknowledged transactions (`K:`), both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AckRange {
    /// The first.
    pub low: TransactionId,
    /// The last.
    pub high: TransactionId,
}

impl AckRange {
    /// Whether `id` is among them.
    pub fn contains(&self, id: TransactionId) -> bool {
        self.low <= id && id <= self.high
    }
}

impl FromStr for AckRange {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (low, high) = text.split_once('-').unwrap_or((text, text));
        let (low, high) = (trim(low).parse()?, trim(high).parse()?);
        if low > high {
            return Err(ValueError::protocol("acknowledged range runs backwards"));
        }
        Ok(Self { low, high })
    }
}

impl fmt::Display for AckRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.low == self.high {
            true => self.low.fmt(f),
            false => write!(f, "{}-{}", self.low, self.high),
        }
    }
}

/// What an endpoint can do (`A:`, RFC 3435 §3.2.2.2; `L:` in answers of the 0.1 dialect).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Written as `L:`, as gateways of the 0.1 dialect do.
    pub as_options: bool,
    /// Name and value of each, in order; alternatives of a value are separated by `;`.
    pub items: Vec<(Box<str>, Box<str>)>,
}

impl Capabilities {
    /// The alternatives of one item: `values("a")` are codecs, `"v"` packages, `"m"` modes.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let matching = self.items.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name));
        matching.flat_map(|(_, value)| value.split(';').map(trim))
    }

    pub(crate) fn parse(text: &str, as_options: bool) -> Result<Self, ValueError> {
        let illegal = ValueError::protocol("illegal capabilities");
        let mut items = Vec::new();
        for item in comma_list(text, limits::OPTIONS)? {
            let (name, value) = item.split_once(':').ok_or(illegal)?;
            let (name, value) = (trim(name), trim(value));
            if !is_name(name, 32) && !is_extension(name) {
                return Err(illegal);
            }
            items.push((name.into(), value.into()));
        }
        Ok(Self { as_options, items })
    }

    /// The line form `M: sendonly;recvonly` that some gateways use for modes.
    pub(crate) fn of_modes(text: &str) -> Result<Self, ValueError> {
        let modes: Vec<&str> = text.split([',', ';']).map(trim).collect();
        if !modes.iter().all(|mode| is_name(mode, 32)) {
            return Err(ValueError::protocol("illegal list of modes"));
        }
        Ok(Self { as_options: true, items: vec![("m".into(), modes.join(";").into())] })
    }
}

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items: Vec<_> = self.items.iter().map(|(n, v)| format!("{n}:{v}")).collect();
        join(f, &items, ", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<T: FromStr<Err = ValueError> + fmt::Display>(text: &str) -> T {
        let value: T = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(value.to_string(), text);
        value
    }

    #[test]
    fn values_print_what_they_parsed() {
        round_trip::<Quarantine>("process,loop");
        round_trip::<Quarantine>("step");
        let p: Statistics = round_trip(
            "PS=1245, OS=62345, PR=780, OR=45123, PL=10, JI=27, LA=48, X-Q=a, SRTP/AF=2",
        );
        assert_eq!((p.packets_sent, p.latency_ms), (Some(1245), Some(48)));
        round_trip::<Reason>("900 /L hardware error");
        round_trip::<Reason>("000");
        round_trip::<Package>("SRTP:1");
        round_trip::<Bearer>("e:mu");
        round_trip::<AckRange>("6234-6255");
        assert_eq!("SENDRECV".parse::<ConnectionMode>(), Ok(ConnectionMode::SendRecv));
    }

    #[test]
    fn illegal_values_get_their_code() {
        let code = |e: ValueError| e.code.value();
        assert_eq!(code("duplex".parse::<ConnectionMode>().unwrap_err()), 517);
        assert_eq!(code("reboot".parse::<RestartMethod>().unwrap_err()), 536);
        assert_eq!(code("maybe".parse::<Quarantine>().unwrap_err()), 508);
        assert_eq!(code("step,loop".parse::<Quarantine>().unwrap_err()), 510);
        assert_eq!(code("PS=1234567890".parse::<Statistics>().unwrap_err()), 510);
        assert_eq!(code("9".parse::<Reason>().unwrap_err()), 510);
        assert_eq!(code("7-3".parse::<AckRange>().unwrap_err()), 510);
    }

    #[test]
    fn capabilities_of_both_dialects_read_alike() {
        let text = "a:PCMU;PCMA, p:10-220, v:R;SRTP, m:sendonly;recvonly";
        let caps = Capabilities::parse(text, false).unwrap();
        assert_eq!(caps.values("A").collect::<Vec<_>>(), ["PCMU", "PCMA"]);
        assert_eq!(caps.values("v").collect::<Vec<_>>(), ["R", "SRTP"]);
        assert_eq!(caps.to_string(), text);
        let modes = Capabilities::of_modes("sendonly, recvonly").unwrap();
        assert_eq!(modes.values("m").collect::<Vec<_>>(), ["sendonly", "recvonly"]);
    }
}
