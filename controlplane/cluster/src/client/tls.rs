//! TLS 1.3 to providers. Their certificates are self-signed: what counts is that it is the known
//! one, from the publisher's database or because a person approved it once.

use std::io::{self, BufReader};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pki::handshake::{JudgeServer, Judged};
use pki::{Certificate, CertificateFault};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, Error, StreamOwned};

use super::{KnownServers, Server, Transport, TransportFault};
use crate::http::{self, Request, Response};
use crate::provider::tls::TlsFault;

/// How long connecting may take, and how long a provider may be silent.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks a person whether a server that was never seen has this certificate.
pub type Approve = dyn Fn(&Server, &Certificate) -> bool + Send + Sync;

/// The way over TLS.
pub struct TlsTransport {
    crypto: Arc<CryptoProvider>,
    known: Mutex<KnownServers>,
    approve: Box<Approve>,
    compared: Arc<[String]>,
}

impl TlsTransport {
    /// Trusts the known servers, and those that `approve` says yes to.
    pub fn new(
        known: KnownServers,
        approve: impl Fn(&Server, &Certificate) -> bool + Send + Sync + 'static,
    ) -> Self {
        let crypto = Arc::new(rustls::crypto::ring::default_provider());
        Self {
            crypto,
            known: Mutex::new(known),
            approve: Box::new(approve),
            compared: Arc::new([]),
        }
    }

    /// A person has compared certificates with these SHA-256 fingerprints, in lower-case
    /// hexadecimal, beforehand: a server that shows one of them has been installed anew, and is
    /// trusted whatever it has shown before.
    pub fn with_compared(self, fingerprints: impl IntoIterator<Item = String>) -> Self {
        Self { compared: fingerprints.into_iter().collect(), ..self }
    }

    /// The servers known now, to be saved.
    pub fn known(&self) -> KnownServers {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn connect(
        &self,
        server: &Server,
    ) -> Result<StreamOwned<ClientConnection, TcpStream>, TransportFault> {
        let address = |error: io::Error| TransportFault::Address(error.to_string());
        let addresses = (server.host.as_str(), server.port).to_socket_addrs().map_err(address)?;
        let mut refused = TransportFault::Address("the name has no address".into());
        for candidate in addresses {
            match TcpStream::connect_timeout(&candidate, PATIENCE) {
                Ok(stream) => return self.handshake(server, stream),
                Err(error) => refused = TransportFault::Connect(error.to_string()),
            }
        }
        Err(refused)
    }

    fn handshake(
        &self,
        server: &Server,
        mut stream: TcpStream,
    ) -> Result<StreamOwned<ClientConnection, TcpStream>, TransportFault> {
        let broken = |error: io::Error| TransportFault::Broken(error.to_string());
        stream.set_read_timeout(Some(PATIENCE)).map_err(broken)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(broken)?;
        stream.set_nodelay(true).map_err(broken)?;
        let expected = server.fingerprint.clone().or_else(|| self.known().remove(&server.name));
        let pin = Arc::new(Pin {
            expected: expected.clone(),
            compared: Arc::clone(&self.compared),
            seen: Mutex::new(None),
        });
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.crypto))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| TransportFault::Tls(TlsFault(error.to_string())))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Judged(Arc::clone(&pin))))
            .with_no_client_auth();
        // The name is not what is checked; an address stands in for names TLS does not know.
        let name = ServerName::try_from(server.host.clone())
            .unwrap_or(ServerName::IpAddress(std::net::IpAddr::from([0, 0, 0, 0]).into()));
        let mut connection = ClientConnection::new(Arc::new(config), name)
            .map_err(|error| TransportFault::Tls(TlsFault(error.to_string())))?;
        while connection.is_handshaking() {
            let done = connection.complete_io(&mut stream);
            done.map_err(|error| pin.fault(&error))?;
        }
        match expected {
            None => self.ask(server, &pin)?,
            Some(expected) => self.remember_new(server, &expected, &pin),
        }
        Ok(StreamOwned::new(connection, stream))
    }

    /// A server that was installed anew is known by its new certificate from now on.
    fn remember_new(&self, server: &Server, expected: &str, pin: &Pin) {
        let seen = pin.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        let shown = seen.map(|der| fingerprint(&der)).filter(|shown| shown != expected);
        if let Some(shown) = shown {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(server.name.clone(), shown);
        }
    }

    /// A server that is seen for the first time: nothing was sent to it yet.
    fn ask(&self, server: &Server, pin: &Pin) -> Result<(), TransportFault> {
        let seen = pin.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        let certificate = Certificate::parse(&seen.unwrap_or_default());
        let certificate = certificate.map_err(TransportFault::Certificate)?;
        if !(self.approve)(server, &certificate) {
            let refusal = "its certificate was not approved".to_owned();
            return Err(TransportFault::Handshake(refusal));
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(server.name.clone(), certificate.fingerprint());
        Ok(())
    }
}

impl Transport for TlsTransport {
    fn send(&self, server: &Server, request: &Request) -> Result<Response, TransportFault> {
        let mut stream = self.connect(server)?;
        http::write_request(&mut stream, &server.host, request)
            .map_err(|error| TransportFault::Broken(error.to_string()))?;
        Ok(http::read_response(&mut BufReader::new(stream))?)
    }
}

/// Accepts one certificate and those that were compared, or, where none is expected, remembers what
/// came.
#[derive(Debug)]
struct Pin {
    expected: Option<String>,
    compared: Arc<[String]>,
    seen: Mutex<Option<Vec<u8>>>,
}

impl Pin {
    /// What a failed handshake means.
    fn fault(&self, error: &io::Error) -> TransportFault {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        let certificate = seen.and_then(|der| Certificate::parse(&der).ok());
        match (&self.expected, certificate) {
            (Some(expected), Some(found)) if found.fingerprint() != *expected => {
                TransportFault::Certificate(CertificateFault::Thumbprint {
                    found: found.fingerprint(),
                    expected: expected.clone(),
                })
            }
            _ => TransportFault::Handshake(error.to_string()),
        }
    }
}

fn fingerprint(der: &[u8]) -> String {
    pki::certificate::hex(&pki::Hash::Sha256.of(der))
}

impl JudgeServer for Pin {
    fn judge(&self, certificate: &CertificateDer<'_>, _: &ServerName<'_>) -> Result<(), Error> {
        let shown = fingerprint(certificate);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(certificate.to_vec());
        match &self.expected {
            Some(expected) if *expected != shown && !self.compared.contains(&shown) => {
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
            _ => Ok(()),
        }
    }
}
