//! A node's own key and certificate, made once at installation.

use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::certificate::Certificate;
use crate::issue::{self, AlternativeName, Template, Usage};
use crate::key::{Hash, KeyKind, PrivateKey};
use crate::keydir::{KeyDir, KeyDirFault};
use crate::name::{Attribute, Name};
use crate::signer::Identity;

/// The certificate, DER, for everybody to read.
pub const CERTIFICATE_FILE: &str = "ccmserver.cer";
/// The key, PEM, for the service to read.
pub const KEY_FILE: &str = "ccmserver.key";
/// How long a node's certificate is valid: upgrades never re-issue it.
pub const VALIDITY: Duration = Duration::from_secs(20 * 365 * 24 * 3600);

/// What a node's certificate says.
#[derive(Clone, Debug)]
pub struct NodeName {
    /// The server's name, as telephones are told it.
    pub server: String,
    /// The server's GUID, which tells it from a namesake.
    pub guid: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

impl NodeName {
    /// The subject: the server in CN, its GUID in OU.
    pub fn subject(&self) -> Name {
        Name::new([
            (Attribute::CommonName, self.server.as_str()),
            (Attribute::OrganizationalUnit, self.guid.as_str()),
        ])
    }
}

/// Opens the identity in `directory`, or makes it if there is none. What is there is never
/// replaced: if half of it is missing, that is an error.
pub fn open_or_create(
    directory: &Path,
    name: &NodeName,
    kind: KeyKind,
    now: SystemTime,
) -> Result<Identity, KeyDirFault> {
    files(directory).open_or_create(kind, now, |key| self_signed(name, now, key))
}

/// Opens the identity in `directory`.
pub fn open(directory: &Path, now: SystemTime) -> Result<Identity, KeyDirFault> {
    files(directory).open(now)
}

fn files(directory: &Path) -> KeyDir {
    KeyDir::new(directory.join(CERTIFICATE_FILE), directory.join(KEY_FILE))
}

fn self_signed(name: &NodeName, now: SystemTime, key: &PrivateKey) -> Certificate {
    let host = AlternativeName::Host(name.server.clone());
    let addresses = name.addresses.iter().map(|address| AlternativeName::Address(*address));
    let template = Template {
        subject: name.subject(),
        not_before: now,
        validity: VALIDITY,
        usage: Usage::Server,
        alternative_names: std::iter::once(host).chain(addresses).collect(),
    };
    issue::self_signed(&template, Hash::Sha256, key).expect("a key in memory signs")
}
