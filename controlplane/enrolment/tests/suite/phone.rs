//! A small telephone: TLS, the phone's machine, and a flash.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use capf::codec::{CertificateType, KeySpec, Password};
use capf::phone::{
    Answer, Conclusion, Credential, Event, Holder, Holding, Manner, Output, Session,
};
use openssl::ssl::{Ssl, SslContext, SslMethod, SslStream, SslVerifyMode, SslVersion};
use pki::handshake::{JudgeServer, Judged};
use pki::{Certificate, PrivateKey, Signer};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::site::{DEVICE, Site};

pub type Tls = StreamOwned<ClientConnection, TcpStream>;

#[derive(Clone)]
pub struct Phone {
    pub name: String,
    pub lsc: Option<Holding>,
    pub mic: Option<Holding>,
    /// Says goodbye without a word when it is asked to store.
    pub dies_before_storing: bool,
    /// A key without a certificate yet.
    pub made: Option<PrivateKey>,
    /// Speaks TLS 1.0 with RSA key exchange, as phones of the 79xx family do.
    pub old: bool,
    pub capf: Certificate,
}

impl Phone {
    pub fn new(site: &Site) -> Self {
        let name = DEVICE.to_owned();
        Self {
            name,
            lsc: None,
            mic: None,
            dies_before_storing: false,
            made: None,
            old: false,
            capf: site.own.clone(),
        }
    }

    pub fn with_mic(site: &Site) -> Self {
        let (certificate, key) = site.mic(&format!("CP-7970G-{DEVICE}"));
        Self { mic: Some(Holding { certificate, key }), ..Self::new(site) }
    }

    /// One session by a string that its user types.
    pub fn types(&mut self, address: SocketAddr, digits: &str) -> Conclusion {
        self.session(address, Credential::String(Password::new(digits).unwrap()))
    }

    /// One session.
    pub fn session(&mut self, address: SocketAddr, credential: Credential) -> Conclusion {
        let mut tls: Box<dyn Plain> = match self.old {
            true => Box::new(connect_as_of_old(address, &self.capf)),
            false => Box::new(connect(address, &self.capf)),
        };
        let holder = Holder {
            device: capf::DeviceName::parse(&self.name).unwrap(),
            lsc: self.lsc.clone(),
            mic: self.mic.clone(),
        };
        let mut session = Session::start(Instant::now(), holder, credential, Manner::default());
        let mut buffer = [0; 700];
        loop {
            while let Some(output) = session.poll_output() {
                match output {
                    Output::Send(bytes) => tls.write_all(&bytes).unwrap(),
                    Output::MakeKey(KeySpec::Rsa(bits)) => {
                        let key = PrivateKey::generate_legacy_rsa(bits.into()).unwrap();
                        let spki = key.public_key().spki().to_vec();
                        self.made = Some(key);
                        session.handle_answer(Instant::now(), Answer::Key(Some(spki)));
                    }
                    Output::MakeKey(_) => {
                        session.handle_answer(Instant::now(), Answer::Key(None));
                    }
                    Output::Store(_) if self.dies_before_storing => return Conclusion::Lost,
                    Output::Store(entry) => {
                        let certificate = Certificate::parse(&entry.der).unwrap();
                        let key = self.made.take().unwrap();
                        let fits = certificate.public_key() == key.public_key();
                        if fits {
                            self.lsc = Some(Holding { certificate, key });
                        }
                        session.handle_answer(Instant::now(), Answer::Stored(fits));
                    }
                    Output::Delete => {
                        let gone = self.lsc.take().is_some();
                        session.handle_answer(Instant::now(), Answer::Deleted(gone));
                    }
                    Output::Event(Event::Received(_) | Event::Sent(_)) => {}
                    Output::Close(conclusion) => return conclusion,
                }
            }
            match tls.read(&mut buffer) {
                Ok(0) | Err(_) => session.handle_closed(),
                Ok(length) => session.handle_bytes(Instant::now(), &buffer[..length]),
            }
        }
    }
}

pub fn existing(preferred: CertificateType) -> Credential {
    Credential::Existing(preferred)
}

/// Shakes hands with a server that shows exactly this certificate.
pub fn connect(address: SocketAddr, expected: &Certificate) -> Tls {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Exactly { der: expected.der().to_vec() };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Judged(verifier)))
        .with_no_client_auth();
    let name = ServerName::from(address.ip());
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(connection, stream)
}

/// What TLS was taken off.
trait Plain: Read + Write {}

impl<T: Read + Write> Plain for T {}

/// Shakes hands as phones of the 79xx family do.
fn connect_as_of_old(address: SocketAddr, expected: &Certificate) -> SslStream<TcpStream> {
    let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
    context.set_security_level(0);
    context.set_min_proto_version(Some(SslVersion::TLS1)).unwrap();
    context.set_max_proto_version(Some(SslVersion::TLS1)).unwrap();
    context.set_cipher_list("AES128-SHA").unwrap();
    context.set_verify(SslVerifyMode::NONE);
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut tls = SslStream::new(Ssl::new(&context.build()).unwrap(), stream).unwrap();
    tls.connect().unwrap();
    let shown = tls.ssl().peer_certificate().unwrap().to_der().unwrap();
    assert_eq!(shown, expected.der(), "another certificate");
    tls
}

/// As a phone checks it: byte by byte against its trust list.
#[derive(Debug)]
struct Exactly {
    der: Vec<u8>,
}

impl JudgeServer for Exactly {
    fn judge(&self, shown: &CertificateDer<'_>, _: &ServerName<'_>) -> Result<(), rustls::Error> {
        match **shown == *self.der {
            true => Ok(()),
            false => Err(rustls::Error::General("another certificate".into())),
        }
    }
}
