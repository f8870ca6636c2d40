//! Associations by hand, for laboratories.
//!
//! ```toml
//! [[manual]]
//! name = "agent1"
//! local = "192.0.2.1"
//! remote = "192.0.2.2"
//! mode = "transport"
//! suite = "aes128-sha256"
//! spi_out = 0x1000
//! spi_in = 0x1001
//! keys = "/etc/ringfence/keys/agent1.esp"
//! ```
//!
//! The file of keys has two lines, which none but us should be able to read: `out` and `in`, each with
//! the encryption key and the integrity key in hexadecimal; NULL encryption has `-` for its key.

use std::net::IpAddr;
use std::path::PathBuf;

use esp::{
    Action, Direction, KeyError, Keys, Lifetime, Mode, Policy, RequestId, SaSpec, Selector, Suite,
};
use serde::{Deserialize, Deserializer, de};
use thiserror::Error;
use zeroize::Zeroizing;

const UDP: u8 = 17;
const TCP: u8 = 6;
const IKE: u16 = 500;
const MGCP_GATEWAY: u16 = 2427;
const MGCP_AGENT: u16 = 2727;
const BACKHAUL: u16 = 2428;

/// One pair of associations with a peer, and the policies that demand them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manual {
    /// Its name, for people.
    pub name: String,
    /// Our address.
    pub local: IpAddr,
    /// The peer's.
    pub remote: IpAddr,
    /// Transport, or tunnel between the same addresses.
    #[serde(deserialize_with = "mode")]
    pub mode: Mode,
    /// The suite. Not one of GCM.
    #[serde(deserialize_with = "suite")]
    pub suite: Suite,
    /// The number of what we send, which the peer has chosen.
    pub spi_out: u32,
    /// The number of what the peer sends.
    pub spi_in: u32,
    /// The file with the keys.
    pub keys: PathBuf,
    /// What is protected between the two addresses.
    #[serde(default)]
    pub protect: Protect,
}

/// What is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protect {
    /// MGCP (UDP 2427, 2727) and its backhaul (TCP 2428). The rest passes in clear.
    #[default]
    Mgcp,
    /// Everything but IKE.
    Everything,
}

impl Protect {
    /// What happens to traffic between two addresses: what is named here goes under associations
    /// that carry this number, or not at all.
    pub fn policies(self, local: IpAddr, remote: IpAddr, request: RequestId) -> Vec<Policy> {
        let hosts = Selector::between(local, remote);
        let protect = Action::Protect(request);
        let all = 0..=u16::MAX;
        let one = |port| port..=port;
        let udp = hosts.clone().protocol(UDP);
        let mut policies = vec![Policy::new(udp.clone().ports(one(IKE), one(IKE)), Action::Bypass)];
        if self == Self::Everything {
            policies.push(Policy::new(hosts, protect));
            return policies;
        }
        for port in [MGCP_GATEWAY, MGCP_AGENT] {
            policies.push(Policy::new(udp.clone().ports(one(port), all.clone()), protect));
            policies.push(Policy::new(udp.clone().ports(all.clone(), one(port)), protect));
        }
        let backhaul = hosts.clone().protocol(TCP).ports(all, one(BACKHAUL));
        policies.push(Policy::new(backhaul, protect));
        policies.push(Policy::new(hosts, Action::Bypass));
        policies
    }
}

/// What a file of keys holds.
#[derive(Clone, Debug)]
pub struct Pair {
    /// Ours.
    pub outbound: Keys,
    /// The peer's.
    pub inbound: Keys,
}

/// Why a file of keys was refused. It names no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyFileError {
    /// A line is missing, or there are two.
    #[error("there must be one line `{0} ENCRYPTION INTEGRITY`")]
    Line(&'static str),
    /// A key is not written in hexadecimal.
    #[error("the keys of line `{0}` must be hexadecimal digits, two for each octet")]
    Digits(&'static str),
    /// A key does not fit the suite.
    #[error("line `{0}`: {1}")]
    Key(&'static str, KeyError),
    /// Both directions have the same key.
    #[error("both lines have the same keys; each direction needs its own")]
    Same,
}

impl Manual {
    /// Reads the content of the file of keys.
    pub fn read_keys(&self, text: &str) -> Result<Pair, KeyFileError> {
        let (outbound, inbound) = (self.line(text, "out")?, self.line(text, "in")?);
        if words(text, "out").eq(words(text, "in")) {
            return Err(KeyFileError::Same);
        }
        Ok(Pair { outbound, inbound })
    }

    fn line(&self, text: &str, which: &'static str) -> Result<Keys, KeyFileError> {
        let [encryption, integrity] = words(text, which).next().ok_or(KeyFileError::Line(which))?;
        if words(text, which).count() != 1 {
            return Err(KeyFileError::Line(which));
        }
        let octets = |digits| octets(digits).ok_or(KeyFileError::Digits(which));
        Keys::new(self.suite, &octets(encryption)?, &octets(integrity)?)
            .map_err(|error| KeyFileError::Key(which, error))
    }

    /// The two associations. They have no limits but those of their numbers: nobody would bring
    /// successors.
    pub fn specs(&self, keys: &Pair, request: RequestId, iv_seed: [u8; 16]) -> [SaSpec; 2] {
        let spec = |direction, spi, source, destination, keys: &Keys| {
            let mut spec = SaSpec::new(direction, spi, source, destination, keys.clone(), iv_seed);
            spec.mode = self.mode;
            spec.request = request;
            spec.selectors = vec![self.hosts()];
            spec.lifetime = Lifetime::UNLIMITED;
            spec
        };
        [
            spec(Direction::Outbound, self.spi_out, self.local, self.remote, &keys.outbound),
            spec(Direction::Inbound, self.spi_in, self.remote, self.local, &keys.inbound),
        ]
    }

    /// What happens to traffic between the two addresses.
    pub fn policies(&self, request: RequestId) -> Vec<Policy> {
        self.protect.policies(self.local, self.remote, request)
    }

    fn hosts(&self) -> Selector {
        Selector::between(self.local, self.remote)
    }
}

/// The two words behind each line's first one.
fn words<'a>(text: &'a str, which: &'a str) -> impl Iterator<Item = [&'a str; 2]> {
    text.lines().filter_map(move |line| {
        let mut words = line.split_whitespace();
        let ours = words.next() == Some(which);
        let keys = [words.next()?, words.next()?];
        (ours && words.next().is_none()).then_some(keys)
    })
}

fn octets(digits: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    if digits == "-" {
        return Some(Zeroizing::default());
    }
    let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let (pairs, odd) = digits.as_bytes().as_chunks::<2>();
    let octets = pairs.iter().map(|[high, low]| Some(value(*high)? << 4 | value(*low)?));
    odd.is_empty().then(|| octets.collect::<Option<Vec<_>>>())?.map(Zeroizing::new)
}

fn mode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Mode, D::Error> {
    match &*String::deserialize(deserializer)? {
        "transport" => Ok(Mode::Transport),
        "tunnel" => Ok(Mode::Tunnel),
        other => Err(de::Error::custom(format!("`{other}` is neither `transport` nor `tunnel`"))),
    }
}

fn suite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Suite, D::Error> {
    let name = String::deserialize(deserializer)?;
    let usable = Suite::ALL.into_iter().filter(|suite| !suite.is_gcm());
    match Suite::from_name(&name) {
        Some(suite) if suite.is_gcm() => Err(de::Error::custom(format!(
            "`{name}` cannot be keyed by hand: after a restart its vectors would repeat under the \
             same key and betray it. Use an IKE daemon, or `aes128-sha256`"
        ))),
        Some(suite) => Ok(suite),
        None => Err(de::Error::custom(format!(
            "`{name}` is no suite; there are {}",
            usable.map(|suite| format!("`{suite}`")).collect::<Vec<_>>().join(", ")
        ))),
    }
}
