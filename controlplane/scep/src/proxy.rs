//! The certificate and key that SCEP messages are signed with, and answers are encrypted to.

use std::fmt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use messages::{Explain, Message, scep};
use pki::issue::{self, Template, Usage};
use pki::keydir::{KeyDir, KeyDirFault};
use pki::{Certificate, Hash, KeyKind, Name, PrivateKey, PublicKey, SignError, Signer};

use crate::algorithm::Digest;

const CERTIFICATE_FILE: &str = "scep.cer";
const KEY_FILE: &str = "scep.key";
const VALIDITY: Duration = Duration::from_secs(20 * 365 * 24 * 3600);

/// The identity of the CAPF service towards the certificate authority. Its key is used for nothing
/// else: an authority that issues without proof of possession believes it blindly.
pub struct Proxy {
    certificate: Certificate,
    key: PrivateKey,
}

/// Why there is no proxy.
#[derive(Debug)]
pub enum ProxyFault {
    /// The files cannot be used.
    Files(KeyDirFault),
    /// The key is not RSA, or not the certificate's: what it is.
    Key(String),
}

impl Proxy {
    /// Joins certificate and key.
    pub fn new(certificate: Certificate, key: PrivateKey) -> Result<Self, ProxyFault> {
        match key.public_key().is_rsa() && certificate.public_key() == key.public_key() {
            true => Ok(Self { certificate, key }),
            false => Err(ProxyFault::Key(key.public_key().describe())),
        }
    }

    /// Opens `scep.cer` and `scep.key` in `directory`, or makes them: RSA 2048, self-signed, valid
    /// 20 years.
    pub fn open_or_create(
        directory: &Path,
        name: &Name,
        now: SystemTime,
    ) -> Result<Self, ProxyFault> {
        let template = Template {
            subject: name.clone(),
            not_before: now,
            validity: VALIDITY,
            usage: Usage::Server,
            alternative_names: Vec::new(),
        };
        let certify = |key: &PrivateKey| {
            issue::self_signed(&template, Hash::Sha256, key).expect("a key in memory signs")
        };
        let files = KeyDir::new(directory.join(CERTIFICATE_FILE), directory.join(KEY_FILE));
        let identity = files.open_or_create(KeyKind::Rsa2048, now, certify);
        let identity = identity.map_err(ProxyFault::Files)?;
        let key = PrivateKey::read(&directory.join(KEY_FILE)).map_err(KeyDirFault::Key);
        Self::new(identity.certificate().clone(), key.map_err(ProxyFault::Files)?)
    }

    /// The certificate, which the certificate authority gets with each request.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    pub(crate) fn key(&self) -> &PrivateKey {
        &self.key
    }

    pub(crate) fn sign(&self, digest: Digest, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match digest.hash() {
            Some(hash) => self.key.sign(hash, message),
            None => self.key.sign_md5(message),
        }
    }
}

impl Signer for Proxy {
    fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    fn sign(&self, hash: Hash, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.key.sign(hash, message)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({})", self.certificate.subject())
    }
}

impl Explain for ProxyFault {
    fn message(&self) -> &'static Message {
        match self {
            Self::Files(fault) => fault.message(),
            Self::Key(_) => &scep::SCEP_PROXY_KEY,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Files(fault) => fault.values(),
            Self::Key(kind) => vec![("kind", kind.clone())],
        }
    }
}

crate::error_by_message!(ProxyFault);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_is_made_once() {
        let directory = tempfile::tempdir().unwrap();
        let name = Name::common("CAPF-TEST");
        let open = || Proxy::open_or_create(directory.path(), &name, SystemTime::now()).unwrap();
        let made = open();
        assert_eq!(made.certificate().subject(), &name);
        assert_eq!(open().certificate(), made.certificate());
        assert_eq!(format!("{made:?}"), "Proxy(CN=CAPF-TEST)");
    }

    #[test]
    fn keys_that_do_not_fit_are_refused() {
        let now = SystemTime::now();
        let directory = tempfile::tempdir().unwrap();
        let made = Proxy::open_or_create(directory.path(), &Name::common("a"), now).unwrap();
        let other = PrivateKey::generate(KeyKind::EcP256);
        let fault = Proxy::new(made.certificate, other).unwrap_err();
        assert_eq!(fault.message().id, "SCEP_PROXY_KEY");
    }
}
