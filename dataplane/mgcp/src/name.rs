//! Endpoint names with their wildcards (RFC 3435 §2.1.2, §3.2.1.3, appendix E.5), domains and
//! notified entities.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::str::FromStr;

use crate::text::number;
use crate::{ReturnCode, ValueError};

/// Name of one endpoint, or by wildcards of several: `local/name@domain`.
#[derive(Clone)]
pub struct EndpointName {
    text: Box<str>,
    at: usize,
}

/// How many endpoints a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wildcard {
    /// Exactly one.
    None,
    /// All that match (`*`, or a range).
    All,
    /// Any one that matches (`$`).
    Any,
}

/// One term of a local name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term<'a> {
    /// Itself.
    Name(&'a str),
    /// `*`
    All,
    /// `$`
    Any,
    /// The inside of `[1-4,7]`.
    Ranges(&'a str),
}

impl EndpointName {
    /// The name made of a local part and a domain.
    pub fn new(local: &str, domain: &str) -> Result<Self, ValueError> {
        format!("{local}@{domain}").parse()
    }

    /// What stands before the `@`.
    pub fn local(&self) -> &str {
        &self.text[..self.at]
    }

    /// What stands behind the `@`.
    pub fn domain(&self) -> &str {
        &self.text[self.at + 1..]
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The terms of the local name, from the left.
    pub fn terms(&self) -> impl Iterator<Item = Term<'_>> {
        self.local().split('/').map(Term::of)
    }

    /// How many endpoints the name means.
    pub fn wildcard(&self) -> Wildcard {
        self.terms().fold(Wildcard::None, |so_far, term| match term {
            Term::Any => Wildcard::Any,
            Term::All | Term::Ranges(_) => Wildcard::All,
            Term::Name(_) => so_far,
        })
    }

    /// Whether the endpoint with this local name is meant. What is left out behind a wildcard is
    /// a wildcard too.
    pub fn covers(&self, local: &str) -> bool {
        let mut wild = false;
        let mut rest = local.split('/');
        for term in self.terms() {
            let Some(actual) = rest.next() else { return false };
            wild |= !matches!(term, Term::Name(_));
            if !term.covers(actual) {
                return false;
            }
        }
        wild || rest.next().is_none()
    }
}

impl<'a> Term<'a> {
    fn of(text: &'a str) -> Self {
        match text {
            "*" => Self::All,
            "$" => Self::Any,
            _ => match text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
                Some(inner) => Self::Ranges(inner),
                None => Self::Name(text),
            },
        }
    }

    /// The numbers of a range list, both ends included; none for other terms.
    pub fn ranges(self) -> impl Iterator<Item = (u32, u32)> + 'a {
        let inner = match self {
            Self::Ranges(inner) => inner,
            _ => "",
        };
        inner.split(',').filter_map(range)
    }

    fn covers(self, actual: &str) -> bool {
        match self {
            Self::All | Self::Any => true,
            Self::Name(name) => name.eq_ignore_ascii_case(actual),
            Self::Ranges(_) => number(actual, 9)
                .is_some_and(|n| self.ranges().any(|(low, high)| (low..=high).contains(&n))),
        }
    }

    fn check(self) -> Result<(), ValueError> {
        let legal = match self {
            Self::All | Self::Any => true,
            Self::Ranges(inner) => inner.split(',').all(|part| range(part).is_some()),
            Self::Name(name) => {
                let ok = |b: u8| b.is_ascii_graphic() && !matches!(b, b'@' | b'*' | b'$');
                !name.is_empty() && name.bytes().all(ok)
            }
        };
        if legal { Ok(()) } else { Err(unknown("illegal local endpoint name")) }
    }
}

/// `7` or `1-4`.
fn range(text: &str) -> Option<(u32, u32)> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let (low, high) = (number(low, 9)?, number(high, 9)?);
    (low <= high).then_some((low, high))
}

fn unknown(what: &'static str) -> ValueError {
    ValueError::new(ReturnCode::UNKNOWN_ENDPOINT, what)
}

impl FromStr for EndpointName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let at = text.find('@').ok_or(unknown("endpoint name without @"))?;
        let name = Self { text: text.into(), at };
        if name.local().len() > 255 {
            return Err(unknown("local endpoint name too long"));
        }
        Domain::check(name.domain())?;
        let mixed = ValueError::new(
            ReturnCode::WILDCARD_TOO_COMPLICATED,
            "a specific term behind a wildcard, or both kinds of wildcard",
        );
        let (mut all, mut any) = (false, false);
        for term in name.terms() {
            term.check()?;
            match term {
                Term::Name(_) if all || any => return Err(mixed),
                Term::Name(_) => {}
                Term::All | Term::Ranges(_) => all = true,
                Term::Any => any = true,
            }
        }
        if all && any { Err(mixed) } else { Ok(name) }
    }
}

impl PartialEq for EndpointName {
    fn eq(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }
}

impl Eq for EndpointName {}

impl Hash for EndpointName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.bytes().for_each(|b| state.write_u8(b.to_ascii_lowercase()));
    }
}

impl fmt::Display for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl fmt::Debug for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointName({})", self.text)
    }
}

/// A host: a name, `#` with a number, or an address in brackets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Domain(Box<str>);

impl Domain {
    /// The domain of an address.
    pub fn of(address: IpAddr) -> Self {
        Self(format!("[{address}]").into())
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address, if it is one; without brackets only IPv4 is.
    pub fn address(&self) -> Option<IpAddr> {
        match self.0.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            Some(inner) => inner.parse().ok(),
            None => self.0.parse::<std::net::Ipv4Addr>().ok().map(IpAddr::V4),
        }
    }

    fn check(text: &str) -> Result<(), ValueError> {
        let legal = if let Some(inner) = text.strip_prefix('[') {
            inner.strip_suffix(']').is_some_and(|inner| inner.parse::<IpAddr>().is_ok())
        } else if let Some(digits) = text.strip_prefix('#') {
            number(digits, 9).is_some()
        } else {
            let ok = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
            (1..=255).contains(&text.len()) && text.bytes().all(ok)
        };
        if legal { Ok(()) } else { Err(unknown("illegal domain name")) }
    }
}

/// Who is told of events (`N:`): `ca1@cm1.example:2427`, `[10.0.0.1]:2427`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotifiedEntity {
    /// What stands before the `@`, opaque.
    pub local: Option<Box<str>>,
    /// The host.
    pub domain: Domain,
    /// The UDP port; the standard one of call agents is 2727.
    pub port: Option<u16>,
}

impl FromStr for NotifiedEntity {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let illegal = ValueError::protocol("illegal notified entity");
        let (local, host) = match text.rsplit_once('@') {
            Some((local, host)) => (Some(local), host),
            None => (None, text),
        };
        let graphic =
            |l: &str| !l.is_empty() && l.len() <= 255 && l.bytes().all(|b| b.is_ascii_graphic());
        if local.is_some_and(|l| !graphic(l)) {
            return Err(illegal);
        }
        let behind_bracket = host.rfind(']').unwrap_or(0);
        let (domain, port) = match host[behind_bracket..].find(':') {
            Some(colon) => {
                let (domain, port) = host.split_at(behind_bracket + colon);
                let port = number(&port[1..], 5).and_then(|p| u16::try_from(p).ok());
                (domain, Some(port.ok_or(illegal)?))
            }
            None => (host, None),
        };
        Domain::check(domain).map_err(|_| illegal)?;
        Ok(Self { local: local.map(Into::into), domain: Domain(domain.into()), port })
    }
}

impl fmt::Display for NotifiedEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(local) = &self.local {
            write!(f, "{local}@")?;
        }
        f.write_str(&self.domain.0)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> EndpointName {
        text.parse().unwrap()
    }

    #[test]
    fn names_of_the_field_parse() {
        for text in [
            "aaln/1@gw1.example",
            "aaln/S2/SU0/0@Router2821.example.com",
            "S0/SU0/DS1-0/1@gw1.example",
            "S0/DS1-0/1@gw",
            "cnf/1@[10.0.0.1]",
            "pr/1@[2001:db8::1]",
            "mg@#12",
            "*@gw1",
            "pr/$@relay",
            "aaln/*/*@gw",
            "pr/[1-4,7]@gw",
        ] {
            assert_eq!(name(text).to_string(), text);
        }
        assert_eq!(name("PR/1@Relay"), name("pr/1@relay"));
    }

    #[test]
    fn illegal_names_get_their_code() {
        for (text, code) in [
            ("pr/1", 500),
            ("@gw", 500),
            ("pr//1@gw", 500),
            ("pr/1*@gw", 500),
            ("pr/1@", 500),
            ("pr/1@g w", 500),
            ("pr/1@[10.0.0]", 500),
            ("pr/1@gw@gw", 500),
            ("pr/[4-1]@gw", 500),
            ("pr/[]@gw", 500),
            ("*/1@gw", 503),
            ("*/$@gw", 503),
            ("[1-4]/x@gw", 503),
        ] {
            assert_eq!(text.parse::<EndpointName>().unwrap_err().code.value(), code, "{text}");
        }
    }

    #[test]
    fn wildcards_cover_what_they_stand_for() {
        assert!(name("*@g").covers("pr/1") && name("pr/*@g").covers("PR/77"));
        assert!(name("pr/$@g").covers("pr/1") && name("aaln/*@g").covers("aaln/S1/SU0/0"));
        assert!(name("pr/[1-4,7]@g").covers("pr/7") && !name("pr/[1-4,7]@g").covers("pr/5"));
        assert!(!name("pr@g").covers("pr/1") && !name("pr/1@g").covers("pr/11"));
        assert!(!name("pr/*/*@g").covers("pr/1"));
        assert_eq!(name("pr/[1-2]@g").wildcard(), Wildcard::All);
        assert_eq!(name("pr/$@g").wildcard(), Wildcard::Any);
        assert_eq!(name("pr/1@g").wildcard(), Wildcard::None);
    }

    #[test]
    fn notified_entities_round_trip() {
        for (text, address, port) in [
            ("ca1@cm1.example:2427", None, Some(2427)),
            ("[10.0.0.1]:2427", Some("10.0.0.1"), Some(2427)),
            ("ca@10.1.1.1:2427", Some("10.1.1.1"), Some(2427)),
            ("ca@[2001:db8::1]", Some("2001:db8::1"), None),
            ("cm1", None, None),
        ] {
            let entity: NotifiedEntity = text.parse().unwrap();
            assert_eq!(entity.to_string(), text);
            assert_eq!(entity.domain.address(), address.map(|a| a.parse().unwrap()));
            assert_eq!(entity.port, port);
        }
        for bad in ["", "@cm1", "cm1:", "cm1:70000", "cm 1", "2001:db8::1"] {
            assert!(bad.parse::<NotifiedEntity>().is_err(), "{bad}");
        }
    }
}
