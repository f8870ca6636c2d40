//! TLS 1.2 with ephemeral keys and TLS 1.3, in this process. A phone must show its certificate.
//! Phones that are only authenticated may choose TLS 1.3 without encryption (RFC 9150).

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use callmanager::admission::Suite;
use legacytls::link::Reason;
use pki::Certificate;
use pki::handshake::{JudgeClient, Judged};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::ServerSessionMemoryCache;
use rustls::{CertificateError, Error, ServerConfig, ServerConnection};

use crate::proof::Proof;
use crate::trust::{Trust, TrustInForce};

/// Sessions without tickets that are remembered, to be taken up again.
const SESSIONS: usize = 4096;

/// How phones of today are served.
#[derive(Clone)]
pub(crate) struct ModernTls(Arc<ServerConfig>);

/// Why TLS cannot be set up.
#[derive(Debug)]
pub(crate) struct TlsFault(String);

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TLS cannot be set up: {}", self.0)
    }
}

impl ModernTls {
    /// Serves with the node's certificate and the key in `key_file`.
    pub(crate) fn new(
        certificate: &Certificate,
        key_file: &Path,
        trust: TrustInForce,
    ) -> Result<Self, TlsFault> {
        let failed = |error: &dyn fmt::Display| TlsFault(error.to_string());
        let key = PrivateKeyDer::from_pem_file(key_file)
            .map_err(|error| TlsFault(format!("{}: {error}", key_file.display())))?;
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        // Authenticated phones may prefer to be readable; whether they may, their admission says.
        let crypto = Arc::new(integritytls::offer(rustls::crypto::ring::default_provider()));
        let mut config = ServerConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .with_client_cert_verifier(Arc::new(Judged(Verifier(trust))))
            .with_single_cert(chain, key)
            .map_err(|error| failed(&error))?;
        // A ticket holds the session, so that ten thousand of them cost nothing here.
        config.ticketer = rustls::crypto::ring::Ticketer::new().map_err(|error| failed(&error))?;
        config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
        config.send_tls13_tickets = 1;
        Ok(Self(Arc::new(config)))
    }

    /// Begins a handshake.
    pub(crate) fn accept(&self) -> Result<ServerConnection, Error> {
        ServerConnection::new(Arc::clone(&self.0))
    }
}

/// Who has shaken hands, by what is trusted now.
pub(super) fn identify(tls: &ServerConnection, trust: &TrustInForce) -> Result<Proof, Reason> {
    let shown = tls.peer_certificates().unwrap_or_default();
    let (certificate, others) = shown.split_first().ok_or(Reason::NoCertificate)?;
    let others: Vec<&[u8]> = others.iter().map(|other| other.as_ref()).collect();
    let client = trust.now().judge(certificate, &others, SystemTime::now())?;
    let negotiated = tls.negotiated_cipher_suite().ok_or(Reason::Handshake)?;
    let (suite, cipher) = match integritytls::encrypts(negotiated) {
        true => (Suite::Modern, format!("{:?}", negotiated.suite())),
        false => (Suite::Integrity, Suite::Integrity.to_string()),
    };
    Ok(Proof {
        suite,
        cipher,
        client,
        resumed: tls.handshake_kind() == Some(rustls::HandshakeKind::Resumed),
    })
}

/// Why a handshake failed.
pub(super) fn reason(error: &Error) -> Reason {
    match error {
        Error::NoCertificatesPresented => Reason::NoCertificate,
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => Reason::UnknownIssuer,
        Error::InvalidCertificate(CertificateError::Expired) => Reason::Expired,
        Error::InvalidCertificate(CertificateError::NotValidYet) => Reason::NotYetValid,
        Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure) => {
            Reason::NoDevice
        }
        Error::PeerIncompatible(
            rustls::PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon,
        )
        | Error::PeerIncompatible(_) => Reason::NothingInCommon,
        _ => Reason::Handshake,
    }
}

/// Asks for a phone's certificate.
struct Verifier(TrustInForce);

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier")
    }
}

impl JudgeClient for Verifier {
    fn judge(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let now = UNIX_EPOCH + Duration::from_secs(now.as_secs());
        let others: Vec<&[u8]> = others.iter().map(|other| other.as_ref()).collect();
        let trust: Arc<Trust> = self.0.now();
        match trust.judge(certificate, &others, now) {
            Ok(_) => Ok(()),
            Err(reason) => Err(doubt(reason).into()),
        }
    }
}

/// The doubt that becomes the fitting alert.
fn doubt(reason: Reason) -> CertificateError {
    match reason {
        Reason::UnknownIssuer => CertificateError::UnknownIssuer,
        Reason::Expired => CertificateError::Expired,
        Reason::NotYetValid => CertificateError::NotValidYet,
        Reason::NoDevice => CertificateError::ApplicationVerificationFailure,
        _ => CertificateError::BadEncoding,
    }
}
