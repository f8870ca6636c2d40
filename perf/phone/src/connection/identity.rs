//! What a telephone shows in a handshake.

use std::path::{Path, PathBuf};

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

/// A certificate with its key, from a file of the phone's flash.
#[derive(Debug)]
pub struct TlsIdentity {
    pem: Zeroizing<Vec<u8>>,
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
        let identity = Self::from_pem(pem);
        identity.map(Some).ok_or_else(|| failed("no key with its certificate".to_owned()))
    }

    /// Key and certificate in PEM form; `None` if they are not there.
    pub fn from_pem(pem: Zeroizing<Vec<u8>>) -> Option<Self> {
        let identity = Self { pem };
        identity.legacy().is_ok().then_some(identity)
    }

    pub(super) fn legacy(&self) -> Result<(X509, PKey<Private>), openssl::error::ErrorStack> {
        // The empty passphrase keeps OpenSSL from asking at the terminal.
        let key = PKey::private_key_from_pem_passphrase(&self.pem, b"")?;
        Ok((X509::from_pem(&self.pem)?, key))
    }

    pub(super) fn modern(&self) -> Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.pem).collect();
        Some((chain.ok()?, PrivateKeyDer::from_pem_slice(&self.pem).ok()?))
    }
}
