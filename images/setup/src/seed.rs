//! The answers.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// Everything that an appliance is asked at its first boot.
///
/// ```toml
/// language = "en"                        # or "ja"
/// hostname = "cm1"
/// time_zone = "Asia/Tokyo"               # absent: UTC
/// time_servers = ["192.0.2.1"]           # absent: Debian's
///
/// [network]
/// interface = "enp1s0"                   # absent: the first one with a cable
/// address = "192.0.2.10/24"
/// gateway = "192.0.2.1"                  # absent: none
/// name_servers = ["192.0.2.1"]
///
/// [administrator]
/// name = "admin"                         # lower-case letters, digits, `-`, `_`
/// password = "…"                         # at least 8 characters
///
/// [role]
/// kind = "publisher"                     # or subscriber, srst, media-gateway
/// cluster = "office"                     # publisher: what people call the cluster
/// ```
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// Of the console, and of what is told.
    #[serde(default, deserialize_with = "language")]
    pub language: lang::Language,
    /// The node's name.
    pub hostname: Hostname,
    /// As in the time zone database.
    #[serde(default)]
    pub time_zone: TimeZone,
    /// Names or addresses of NTP servers.
    #[serde(default)]
    pub time_servers: Vec<Name>,
    /// How others reach it.
    pub network: Network,
    /// Who may change things.
    pub administrator: Administrator,
    /// What it is to be.
    pub role: Role,
}

/// The network.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Name of the card; absent: the first one with a cable.
    pub interface: Option<Name>,
    /// Address of this machine and length of its network's prefix.
    pub address: Address,
    /// The way out.
    pub gateway: Option<Ipv4Addr>,
    /// DNS.
    #[serde(default)]
    pub name_servers: Vec<IpAddr>,
}

/// The first administrator.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Administrator {
    /// Login, of the cluster and at the console.
    pub name: Login,
    /// Never shown.
    pub password: Password,
}

/// What an appliance can be.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Role {
    /// The first node of a cluster: everything, and a relay.
    Publisher {
        /// What people call the cluster.
        cluster: Name,
    },
    /// Another node of a cluster.
    Subscriber {
        /// Address of the publisher.
        publisher: Ipv4Addr,
    },
    /// A branch's gateway, which takes over when the centre is away.
    Srst {
        /// Addresses of the centre's nodes.
        centre: Vec<Ipv4Addr>,
    },
    /// A media gateway: the data plane alone.
    MediaGateway {
        /// Who may command it.
        call_agents: Vec<Ipv4Addr>,
    },
}

impl Seed {
    /// Reads answers. What is wrong is told with its line; `path` is for that only.
    pub fn parse(path: &Path, text: &str) -> Result<Self, settings::Error> {
        settings::parse(path, text)
    }
}

fn language<'de, D: Deserializer<'de>>(from: D) -> Result<lang::Language, D::Error> {
    let tag = String::deserialize(from)?;
    lang::Language::from_tag(&tag).ok_or_else(|| D::Error::custom("en or ja is expected"))
}

/// A name that goes into settings as it is: letters, digits, `.`, `-`, `_`, at most 63.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(pub String);

/// A login: a lower-case letter, then such letters, digits, `-` or `_`, at most 32.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login(pub String);

/// A host's name: letters, digits and `-`, at most 63.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hostname(pub String);

/// A time zone such as `Asia/Tokyo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone(pub String);

/// An address with the length of its network's prefix, such as `192.0.2.10/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// Of this machine.
    pub ip: Ipv4Addr,
    /// 1 to 30.
    pub prefix: u8,
}

/// A password; `Debug` does not show it.
#[derive(Clone)]
pub struct Password(pub Zeroizing<String>);

/// An answer that cannot be used, and what would be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong(pub &'static str);

impl FromStr for Name {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let sound = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
        let fits = (1..=63).contains(&text.len()) && !text.starts_with(['.', '-']);
        if fits && text.chars().all(sound) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Wrong("1 to 63 letters, digits, dots, dashes or underscores are expected"))
        }
    }
}

impl FromStr for Login {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let sound = |letter: char| {
            letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_".contains(letter)
        };
        let begins = text.starts_with(|first: char| first.is_ascii_lowercase());
        if begins && text.len() <= 32 && text.chars().all(sound) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Wrong(
                "a login such as admin is expected: at most 32 lower-case letters, digits, dashes or underscores",
            ))
        }
    }
}

impl FromStr for Hostname {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let sound = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        let fits = (1..=63).contains(&text.len()) && !text.starts_with('-') && !text.ends_with('-');
        if fits && text.chars().all(sound) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Wrong("1 to 63 letters, digits or dashes are expected, without an underscore"))
        }
    }
}

impl FromStr for TimeZone {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let sound = |letter: char| letter.is_ascii_alphanumeric() || "+-_".contains(letter);
        let part = |part: &str| !part.is_empty() && part.chars().all(sound);
        if text.len() <= 63 && text.split('/').all(part) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Wrong("a time zone such as Asia/Tokyo or UTC is expected"))
        }
    }
}

impl Default for TimeZone {
    fn default() -> Self {
        Self("UTC".to_owned())
    }
}

impl FromStr for Address {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let parts = text.split_once('/');
        let parsed = parts.and_then(|(ip, prefix)| {
            let (ip, prefix) = (ip.parse::<Ipv4Addr>().ok()?, prefix.parse().ok()?);
            let usable = !(ip.is_loopback() || ip.is_multicast() || ip.is_unspecified());
            (usable && (1..=30).contains(&prefix)).then_some(Self { ip, prefix })
        });
        parsed.ok_or(Wrong("an address with its prefix such as 192.0.2.10/24 is expected"))
    }
}

impl FromStr for Password {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let printable = text.chars().all(|letter| !letter.is_control());
        if (8..=128).contains(&text.chars().count()) && printable {
            Ok(Self(Zeroizing::new(text.to_owned())))
        } else {
            Err(Wrong("8 to 128 characters are expected"))
        }
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password")
    }
}

macro_rules! deserialize_from_str {
    ($($type:ty),*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = Zeroizing::new(String::deserialize(from)?);
                text.parse().map_err(|Wrong(words)| D::Error::custom(words))
            }
        }
    )*};
}

deserialize_from_str!(Name, Login, Hostname, TimeZone, Address, Password);
