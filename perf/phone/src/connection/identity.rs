//! What a telephone shows in a handshake.

use std::fmt;
use std::path::{Path, PathBuf};

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

/// A certificate with its key, from a file of the phone's flash.
#[derive(Clone)]
pub struct TlsIdentity {
    pub(super) certificate: X509,
    pub(super) key: PKey<Private>,
}

/// A certificate or key that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", path.display())]
pub struct IdentityError {
    /// Where it is.
    pub path: PathBuf,
    /// What is wrong with it.
    pub cause: String,
}

/// More than a key and a certificate.
const MOST: u64 = 64 * 1024;

impl TlsIdentity {
    /// Reads key and certificate from a PEM file; `None` if there is no such file.
    pub fn read(path: &Path) -> Result<Option<Self>, IdentityError> {
        let failed = |cause: String| IdentityError { path: path.to_owned(), cause };
        let pem = durable::read(path, MOST).map_err(|error| failed(error.to_string()))?;
        let Some(pem) = pem.map(Zeroizing::new) else { return Ok(None) };
        let identity = Self::from_pem(&pem);
        identity.map(Some).ok_or_else(|| failed("no key with its certificate".to_owned()))
    }

    /// Key (PKCS#8) and certificate in PEM form; `None` if they are not there.
    pub fn from_pem(pem: &[u8]) -> Option<Self> {
        // OpenSSL's own reader of PEM tries all formats there are.
        let PrivateKeyDer::Pkcs8(key) = PrivateKeyDer::from_pem_slice(pem).ok()? else {
            return None;
        };
        let certificate = CertificateDer::from_pem_slice(pem).ok()?;
        Self::of(PKey::private_key_from_pkcs8(key.secret_pkcs8_der()).ok()?, &certificate)
    }

    /// The same key under another certificate (DER): for thousands of phones that share one, since
    /// making keys takes long. `None` if it is not of that key.
    pub fn with_certificate(&self, certificate: &[u8]) -> Option<Self> {
        Self::of(self.key.clone(), certificate)
    }

    fn of(key: PKey<Private>, certificate: &[u8]) -> Option<Self> {
        let certificate = X509::from_der(certificate).ok()?;
        let its_own = certificate.public_key().is_ok_and(|public| key.public_eq(&public));
        its_own.then_some(Self { certificate, key })
    }

    pub(super) fn modern(&self) -> Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
        let key = self.key.private_key_to_pkcs8().ok()?;
        let chain = vec![CertificateDer::from(self.certificate.to_der().ok()?)];
        Some((chain, PrivatePkcs8KeyDer::from(key).into()))
    }
}

impl fmt::Debug for TlsIdentity {
    /// Its name only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsIdentity")
    }
}
