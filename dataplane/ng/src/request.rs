//! Commands, as their dictionaries say them.

use std::net::IpAddr;

use mgcp::sdp::Profile;
use zeroize::Zeroizing;

use crate::limits;
use crate::options::Options;
use crate::value::{Dictionary, Value};

/// A command.
#[derive(Debug)]
pub(crate) enum Request {
    Ping,
    Offer(Box<Session>),
    Answer(Box<Session>),
    Delete {
        who: Who,
        fatal: bool,
    },
    Query(Who),
    List {
        limit: usize,
    },
    Statistics,
    /// Media of somebody are kept from the other side, or not any more.
    Block {
        who: Who,
        blocked: bool,
    },
    /// Media of somebody are to go to a recorder, or not any more.
    Forward(Who),
}

/// A session description and what is to become of it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) call: Vec<u8>,
    pub(crate) from: Vec<u8>,
    pub(crate) to: Option<Vec<u8>>,
    pub(crate) sdp: Sdp,
    pub(crate) options: Options,
}

/// The text of a session description. It may hold keys.
pub(crate) struct Sdp(pub(crate) Zeroizing<String>);

impl std::fmt::Debug for Sdp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sdp({} octets)", self.0.len())
    }
}

/// Who a command is about: a call, or one of its parties.
#[derive(Clone, Debug, Default)]
pub(crate) struct Who {
    pub(crate) call: Vec<u8>,
    pub(crate) from: Option<Vec<u8>>,
    pub(crate) to: Option<Vec<u8>>,
    pub(crate) label: Option<Vec<u8>>,
    pub(crate) address: Option<IpAddr>,
    /// Also what was said of single parties.
    pub(crate) all: bool,
}

/// A command that is refused, and what its sender is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) String);

impl Refused {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// What was passed over in a command, for its sender.
#[derive(Clone, Debug, Default)]
pub(crate) struct Warnings(Vec<String>);

impl Warnings {
    pub(crate) fn add(&mut self, warning: String) {
        if self.0.len() < limits::WARNINGS && !self.0.contains(&warning) {
            self.0.push(warning);
        }
    }

    /// Something that nobody here has heard of.
    pub(crate) fn unknown(&mut self, what: &str, name: &[u8]) {
        self.add(format!("unknown {what} `{}`", shown(name)));
    }

    /// Something that is known and not done.
    pub(crate) fn unsupported(&mut self, name: &str) {
        self.add(format!("`{}` is not supported", shown(name.as_bytes())));
    }

    pub(crate) fn text(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.join("; "))
    }
}

/// A stranger's word, fit to be shown.
fn shown(name: &[u8]) -> String {
    const LONGEST: usize = 48;
    name[..name.len().min(LONGEST)].escape_ascii().to_string()
}

impl Request {
    /// Reads a command, and notes what of it is passed over.
    pub(crate) fn parse(said: &Dictionary, warnings: &mut Warnings) -> Result<Self, Refused> {
        let command = text(said, "command").ok_or(Refused::new("no `command`"))?;
        let command = normal(command);
        Ok(match command.as_str() {
            "ping" => Self::Ping,
            "offer" => Self::Offer(Session::parse(said, warnings)?.into()),
            "answer" => Self::Answer(Session::parse(said, warnings)?.into()),
            "delete" => Self::Delete { who: Who::parse(said)?, fatal: has_flag(said, "fatal") },
            "query" => Self::Query(Who::parse(said)?),
            "list" => Self::List { limit: limit(said)? },
            "statistics" => Self::Statistics,
            "block-media" => Self::Block { who: Who::parse(said)?, blocked: true },
            "unblock-media" => Self::Block { who: Who::parse(said)?, blocked: false },
            "start-forwarding" | "stop-forwarding" => {
                warnings.add("there is no recorder here: nothing is forwarded to one".into());
                Self::Forward(Who::parse(said)?)
            }
            other => {
                let name = shown(other.as_bytes());
                return Err(Refused(format!("command `{name}` is not available here")));
            }
        })
    }

    /// The call it is about.
    pub(crate) fn call(&self) -> Option<&[u8]> {
        match self {
            Self::Ping | Self::List { .. } | Self::Statistics => None,
            Self::Offer(session) | Self::Answer(session) => Some(&session.call),
            Self::Delete { who, .. }
            | Self::Query(who)
            | Self::Block { who, .. }
            | Self::Forward(who) => Some(&who.call),
        }
    }
}

impl Session {
    fn parse(said: &Dictionary, warnings: &mut Warnings) -> Result<Self, Refused> {
        let from = name(said, "from-tag")?.ok_or(Refused::new("no `from-tag`"))?;
        let sdp = find(said, "sdp").and_then(Value::as_str).ok_or(Refused::new("no `sdp`"))?;
        Ok(Self {
            call: call(said)?,
            from,
            to: name(said, "to-tag")?,
            sdp: Sdp(Zeroizing::new(sdp.to_owned())),
            options: Options::parse(said, warnings)?,
        })
    }
}

impl Who {
    fn parse(said: &Dictionary) -> Result<Self, Refused> {
        let address = match text(said, "address") {
            Some(address) => {
                Some(address.parse().map_err(|_| Refused::new("`address` is no IP address"))?)
            }
            None => None,
        };
        let label = name(said, "label")?.or(name(said, "from-label")?);
        let all = has_flag(said, "all") || text(said, "all").is_some_and(|all| all == "all");
        Ok(Self {
            call: call(said)?,
            from: name(said, "from-tag")?,
            to: name(said, "to-tag")?,
            label,
            address,
            all,
        })
    }

    /// Whether it is about one party only.
    pub(crate) fn names_party(&self) -> bool {
        self.from.is_some() || self.label.is_some() || self.address.is_some()
    }
}

fn call(said: &Dictionary) -> Result<Vec<u8>, Refused> {
    name(said, "call-id")?.ok_or(Refused::new("no `call-id`"))
}

/// A call-id or tag; an empty one is none.
fn name(said: &Dictionary, key: &str) -> Result<Option<Vec<u8>>, Refused> {
    match find(said, key).and_then(Value::as_octets) {
        None | Some([]) => Ok(None),
        Some(name) if name.len() > limits::NAME => Err(Refused(format!("`{key}` is too long"))),
        Some(name) => Ok(Some(name.to_vec())),
    }
}

fn limit(said: &Dictionary) -> Result<usize, Refused> {
    /// Of calls in a list, unless said otherwise.
    const USUAL: usize = 32;
    match find(said, "limit") {
        None => Ok(USUAL),
        Some(limit) => {
            let limit = limit.as_integer().and_then(|limit| usize::try_from(limit).ok());
            limit.filter(|limit| *limit > 0).ok_or(Refused::new("`limit` is no positive number"))
        }
    }
}

fn has_flag(said: &Dictionary, flag: &str) -> bool {
    let flags = find(said, "flags").and_then(Value::as_items).unwrap_or_default();
    flags.iter().filter_map(Value::as_str).any(|said| normal(said) == flag)
}

fn text<'d>(said: &'d Dictionary, key: &str) -> Option<&'d str> {
    find(said, key)?.as_str()
}

/// The value of a key in any of its spellings.
pub(crate) fn find<'d>(said: &'d Dictionary, key: &str) -> Option<&'d Value> {
    said.iter().find(|(name, _)| is_spelled(name, key)).map(|(_, value)| value)
}

fn is_spelled(name: &[u8], key: &str) -> bool {
    let same = |(a, b): (&u8, u8)| normal_octet(*a) == b;
    name.len() == key.len() && name.iter().zip(key.bytes()).all(same)
}

/// A word in the one spelling we compare: `Transport_protocol` and `transport protocol` are
/// `transport-protocol`.
pub(crate) fn normal(word: &str) -> String {
    word.bytes().map(|octet| char::from(normal_octet(octet))).collect()
}

fn normal_octet(octet: u8) -> u8 {
    match octet {
        b' ' | b'_' => b'-',
        other => other.to_ascii_lowercase(),
    }
}

/// A transport that media can be relayed in.
pub(crate) fn transport(name: &str) -> Option<Profile> {
    let name = name.to_ascii_uppercase();
    Some(match name.as_str() {
        "RTP/AVP" => Profile::Avp,
        "RTP/SAVP" => Profile::Savp,
        "RTP/SAVPF" => Profile::Savpf,
        "RTP/AVPF" => Profile::Other(name.into()),
        _ => return None,
    })
}
