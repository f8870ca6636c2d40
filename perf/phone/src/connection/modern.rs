//! TLS as it is spoken today.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use mio::net::TcpStream;
use pki::handshake::{JudgeServer, Judged};
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, Error};
use sccp::Secrecy;

use super::{KeyLog, Server, TlsError, TlsIdentity, write_tls};
use crate::SecurityMode;
use crate::station::Outage;

/// A telephone that speaks TLS 1.3. It resumes sessions where the server offers it.
pub struct Modern(Arc<ClientConfig>);

/// What all telephones of a site have in common.
#[derive(Clone)]
pub struct Manner {
    known: Arc<Judged<Known>>,
    provider: Arc<CryptoProvider>,
    log: Option<KeyLog>,
}

/// Sessions that a telephone keeps: of a few servers.
const SESSIONS: usize = 4;

impl Modern {
    /// A manner for telephones of this mode that know these servers. Where signalling is
    /// authenticated, everybody may read it, if the server agrees.
    pub fn manner(mode: SecurityMode, servers: &[Arc<Server>], log: Option<&KeyLog>) -> Manner {
        let provider = rustls::crypto::ring::default_provider();
        let provider = match mode {
            SecurityMode::Authenticated => integritytls::prefer(provider),
            SecurityMode::NonSecure | SecurityMode::Encrypted => provider,
        };
        let known = Arc::new(Judged(Known { servers: servers.to_vec() }));
        Manner { known, provider: provider.into(), log: log.cloned() }
    }

    /// A telephone with a certificate.
    pub fn new(manner: &Manner, identity: &TlsIdentity) -> Result<Self, TlsError> {
        let failed = |error: Error| TlsError(error.to_string());
        let no_key = || TlsError("its certificate has no key".to_owned());
        let (chain, key) = identity.modern().ok_or_else(no_key)?;
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&manner.provider))
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::<Judged<Known>>::clone(&manner.known))
            .with_client_auth_cert(chain, key)
            .map_err(failed)?;
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        if let Some(log) = &manner.log {
            config.key_log = Arc::new(log.clone());
        }
        Ok(Self(Arc::new(config)))
    }

    pub(super) fn connection(&self, server: &Server) -> Result<ClientConnection, Error> {
        let name = ServerName::from(server.address.ip());
        ClientConnection::new(Arc::clone(&self.0), name)
    }
}

impl fmt::Debug for Modern {
    /// Its name only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Modern")
    }
}

/// What a suite promises.
pub(super) fn secrecy(tls: &ClientConnection) -> Secrecy {
    match tls.negotiated_cipher_suite() {
        Some(suite) if integritytls::encrypts(suite) => Secrecy::Confidential,
        _ => Secrecy::Exposed,
    }
}

/// Takes what came, goes on with the handshake, and reads.
pub(super) fn read(
    tls: &mut ClientConnection,
    stream: &mut TcpStream,
    buffer: &mut [u8],
) -> Result<io::Result<usize>, Outage> {
    loop {
        match tls.reader().read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // A server that goes without a goodbye goes all the same.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Ok(0)),
            read => return Ok(read),
        }
        let shaking = tls.is_handshaking();
        match tls.read_tls(stream) {
            Ok(0) if shaking => return Err(Outage::Handshake),
            Ok(_) => {}
            Err(error) => return Ok(Err(error)),
        }
        let processed = tls.process_new_packets();
        // Also the alert that says why not.
        write_tls(tls, stream)?;
        if let Err(error) = processed {
            let untrusted = matches!(error, Error::InvalidCertificate(_));
            return Err(if untrusted { Outage::Untrusted } else { Outage::Handshake });
        }
        if shaking && !tls.is_handshaking() {
            // So that the caller can tell before anything is read.
            return Ok(Err(io::ErrorKind::Interrupted.into()));
        }
    }
}

/// Whether the certificate is this server's, and not of another one at the same address.
pub(super) fn is_shown_by(tls: &ClientConnection, server: &Server) -> bool {
    let shown = tls.peer_certificates().and_then(<[_]>::first);
    shown.is_some_and(|shown| server.certificates.iter().any(|known| **known == **shown))
}

/// Accepts exactly the certificates that the CTL has for a server.
#[derive(Debug)]
struct Known {
    servers: Vec<Arc<Server>>,
}

impl JudgeServer for Known {
    fn judge(&self, shown: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<(), Error> {
        let is_it = |server: &&Arc<Server>| ServerName::from(server.address.ip()) == *name;
        let mut known = self.servers.iter().filter(is_it).flat_map(|it| &it.certificates);
        match known.any(|known| **known == **shown) {
            true => Ok(()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }
}
