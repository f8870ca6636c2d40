//! CAPF's own key and certificate, and the certificates it issues to phones.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::certificate::{Certificate, hex};
use crate::issue::{self, AlternativeName, Template, Usage};
use crate::key::{Hash, KeyKind, PrivateKey, PublicKey};
use crate::keydir::{KeyDir, KeyDirFault};
use crate::name::{Attribute, Name};
use crate::signer::{Identity, SignError};

/// CAPF's certificate, DER, for everybody to read.
pub const CERTIFICATE_FILE: &str = "CAPF.cer";
/// CAPF's key, PEM, for the service to read.
pub const KEY_FILE: &str = "CAPF.key";
/// The key: the largest that 79xx phones take in a trust list, the smallest that modern TLS takes.
pub const KEY_KIND: KeyKind = KeyKind::Rsa2048;
/// How long CAPF's certificate is valid.
pub const VALIDITY: Duration = Duration::from_secs(20 * 365 * 24 * 3600);
/// Most characters of an organizational unit, RFC 5280 appendix A.
const MAX_UNIT: usize = 64;

/// Where CAPF's own files are.
#[derive(Clone, Debug)]
pub struct CapfFiles {
    /// The directory of certificates.
    pub certificates: PathBuf,
    /// The directory of private keys.
    pub keys: PathBuf,
}

impl CapfFiles {
    /// Opens CAPF's identity, or makes it if there is none; `cluster` is its organizational unit.
    /// What is there is never replaced: if half of it is missing, that is an error.
    pub fn open_or_create(&self, cluster: &str, now: SystemTime) -> Result<Identity, KeyDirFault> {
        self.directory().open_or_create(KEY_KIND, now, |key| self_signed(cluster, now, key))
    }

    /// Opens CAPF's identity.
    pub fn open(&self, now: SystemTime) -> Result<Identity, KeyDirFault> {
        self.directory().open(now)
    }

    /// Makes a new identity, under a new name, in the place of the old one. The caller keeps the
    /// old certificate: phones hold certificates that it issued.
    pub fn renew(&self, cluster: &str, now: SystemTime) -> Result<Identity, KeyDirFault> {
        self.directory().renew(KEY_KIND, now, |key| self_signed(cluster, now, key))
    }

    /// Makes room for an identity where there is a copy of another node's certificate only.
    pub fn make_room(&self) -> std::io::Result<()> {
        match self.key_file().exists() {
            true => Ok(()),
            false => durable::remove(&self.certificates.join(CERTIFICATE_FILE)).map(drop),
        }
    }

    /// The file of the key.
    pub fn key_file(&self) -> PathBuf {
        self.keys.join(KEY_FILE)
    }

    fn directory(&self) -> KeyDir {
        KeyDir::new(self.certificates.join(CERTIFICATE_FILE), self.key_file())
    }
}

impl CapfFiles {
    /// Both kinds of files in one directory.
    pub fn in_one(directory: &Path) -> Self {
        Self { certificates: directory.into(), keys: directory.into() }
    }
}

fn self_signed(cluster: &str, now: SystemTime, key: &PrivateKey) -> Certificate {
    let mut random = [0; 4];
    openssl::rand::rand_bytes(&mut random).expect("the system has random numbers");
    // A name of its own for each key: issuers of phones' certificates are told apart by it.
    let name = format!("CAPF-{}", hex(&random));
    let unit: String = cluster.chars().take(MAX_UNIT).collect();
    let unit = (!unit.is_empty()).then_some((Attribute::OrganizationalUnit, &*unit));
    let template = Template {
        subject: Name::new([(Attribute::CommonName, &*name)].into_iter().chain(unit)),
        not_before: now,
        validity: VALIDITY,
        usage: Usage::PhoneAuthority,
        alternative_names: Vec::new(),
    };
    issue::self_signed(&template, Hash::Sha256, key).expect("a key in memory signs")
}

/// The subject of a phone's certificate: the phone in CN, the rest as in its issuer's name.
pub fn phone_subject(device: &str, issuer: &Name) -> Name {
    let rest = issuer.attributes().filter(|(kind, _)| *kind != Attribute::CommonName);
    Name::new(std::iter::once((Attribute::CommonName, device)).chain(rest))
}

/// What a phone's certificate says.
pub fn phone_template(
    device: &str,
    issuer: &Name,
    not_before: SystemTime,
    validity: Duration,
) -> Template {
    Template {
        subject: phone_subject(device, issuer),
        not_before,
        validity,
        usage: Usage::Phone,
        alternative_names: vec![AlternativeName::Uri(device.to_owned())],
    }
}

/// Makes a phone's certificate, not valid beyond its issuer's own.
pub fn issue_to_phone(
    device: &str,
    key: &PublicKey,
    now: SystemTime,
    validity: Duration,
    authority: &Identity,
) -> Result<Certificate, SignError> {
    let issuer = authority.certificate();
    let left = issuer.not_after().duration_since(now).unwrap_or_default();
    let template = phone_template(device, issuer.subject(), now, validity.min(left));
    issue::issued(&template, key, Hash::Sha256, authority)
}
