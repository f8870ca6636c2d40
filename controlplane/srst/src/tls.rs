//! TLS 1.3 between centre and gateway: both know the very certificate that the other one shows.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pki::Certificate;
use pki::handshake::{JudgeClient, JudgeServer, Judged};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, Error, ServerConfig};

/// What a node shows of itself.
#[derive(Clone)]
pub struct Own {
    /// Its certificate.
    pub certificate: Certificate,
    /// The certificate of the authority that issued it, to be shown with it.
    pub issuer: Option<Certificate>,
    /// The file of its key, PEM.
    pub key_file: PathBuf,
}

/// Why TLS cannot be set up; in English, for logs and alarms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFault(pub String);

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TLS cannot be set up: {}", self.0)
    }
}

impl std::error::Error for TlsFault {}

/// A server that asks for nothing.
pub(crate) fn showing(own: &Own) -> Result<Arc<ServerConfig>, TlsFault> {
    let config = ServerConfig::builder_with_provider(crypto())
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_no_client_auth()
        .with_single_cert(own.chain(), own.key()?)
        .map_err(failed)?;
    Ok(Arc::new(config))
}

/// A server that lets in whoever has a key of his own; whose it is, is asked afterwards.
pub fn asking(own: &Own) -> Result<Arc<ServerConfig>, TlsFault> {
    let mut config = ServerConfig::builder_with_provider(crypto())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(failed)?
        .with_client_cert_verifier(Arc::new(Judged(Anybody)))
        .with_single_cert(own.chain(), own.key()?)
        .map_err(failed)?;
    // A session that is taken up again would outlive a certificate that was withdrawn.
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// A client that shows its own certificate, and accepts the one with this fingerprint.
pub fn calling(own: &Own, pin: Arc<Pin>) -> Result<Arc<ClientConfig>, TlsFault> {
    let mut config = ClientConfig::builder_with_provider(crypto())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Judged(pin)))
        .with_client_auth_cert(own.chain(), own.key()?)
        .map_err(failed)?;
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

fn crypto() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn failed(error: Error) -> TlsFault {
    TlsFault(error.to_string())
}

impl Own {
    /// Reads it from the directory of a node's key.
    pub fn new(certificate: &Certificate, issuer: Option<Certificate>, key_file: &Path) -> Self {
        Self { certificate: certificate.clone(), issuer, key_file: key_file.to_owned() }
    }

    fn chain(&self) -> Vec<CertificateDer<'static>> {
        let all = [Some(&self.certificate), self.issuer.as_ref()];
        all.into_iter().flatten().map(|it| CertificateDer::from(it.der().to_vec())).collect()
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, TlsFault> {
        PrivateKeyDer::from_pem_file(&self.key_file)
            .map_err(|error| TlsFault(format!("{}: {error}", self.key_file.display())))
    }
}

/// Accepts the certificate with one fingerprint, and remembers another one that came.
#[derive(Debug)]
pub struct Pin {
    expected: String,
    other: Mutex<Option<String>>,
}

impl Pin {
    /// `expected` is SHA-256 in lower-case hexadecimal.
    pub fn new(expected: &str) -> Arc<Self> {
        Arc::new(Self { expected: expected.to_owned(), other: Mutex::default() })
    }

    /// The fingerprint of the certificate that was not accepted.
    pub fn refused(&self) -> Option<String> {
        self.other.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl JudgeServer for Pin {
    fn judge(&self, shown: &CertificateDer<'_>, _: &ServerName<'_>) -> Result<(), Error> {
        let found = pki::certificate::hex(&pki::Hash::Sha256.of(shown));
        if found == self.expected {
            return Ok(());
        }
        *self.other.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        Err(CertificateError::ApplicationVerificationFailure.into())
    }
}

/// Asks for a certificate with its key.
#[derive(Debug)]
struct Anybody;

impl JudgeClient for Anybody {
    fn judge(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<(), Error> {
        Ok(())
    }
}

/// Counts a connection for as long as it lives.
pub struct Seat(Arc<AtomicUsize>);

impl Seat {
    /// Counts one more, until it is dropped.
    pub fn take(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(open))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Wakes who waits for connections; if nobody can connect any more he has ended already.
pub fn knock(address: SocketAddr) {
    let _: io::Result<_> = TcpStream::connect_timeout(&address, Duration::from_secs(1));
}
