//! Says a line to somebody else's TLS stack and prints what went over the wire, as a vector for
//! `tests/openssl.rs`.
//!
//! OpenSSL knows these suites from 3.4 on if it was built with `enable-integrity-only-ciphers`:
//!
//! ```sh
//! openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem \
//!   -out cert.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost \
//!   -addext basicConstraints=CA:FALSE
//! openssl s_server -tls1_3 -ciphersuites TLS_SHA256_SHA256:@SECLEVEL=0 -rev -accept 4433 \
//!   -key key.pem -cert cert.pem
//! cargo run -p ringfence-integritytls --example record -- 127.0.0.1:4433 cert.pem
//! ```

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use ringfence_integritytls::TLS13_SHA256_SHA256;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, KeyLog, RootCertStore, Stream};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().expect("an address");
    let certificate = arguments.next().expect("a certificate");
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(certificate).expect("a certificate in PEM");
    roots.add(certificate).expect("a certificate that can be believed");
    let cipher_suites = vec![*TLS13_SHA256_SHA256];
    let provider = CryptoProvider { cipher_suites, ..ring::default_provider() };
    let mut config = ClientConfig::builder_with_provider(provider.into())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the suite is of TLS 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let secrets = Arc::new(Secrets::default());
    config.key_log = secrets.clone();
    let name = ServerName::try_from("localhost").expect("it is a name");
    let mut tls = ClientConnection::new(config.into(), name).expect("the configuration is whole");
    let mut wire = Wire {
        tcp: TcpStream::connect(address).expect("a server"),
        sent: vec![],
        received: vec![],
    };
    while tls.is_handshaking() {
        tls.complete_io(&mut wire).expect("the handshake");
    }
    (wire.sent, wire.received) = (vec![], vec![]);
    let mut line = String::new();
    let mut stream = Stream::new(&mut tls, &mut wire);
    stream.write_all(b"hello ringfence\n").expect("it can be written");
    BufReader::new(stream).read_line(&mut line).expect("an answer");
    for (label, secret) in secrets.0.lock().expect("nobody panicked").iter() {
        println!("{label}: {}", hex(secret));
    }
    println!("sent: {}\nreceived: {}\nanswer: {line:?}", hex(&wire.sent), hex(&wire.received));
}

#[derive(Debug, Default)]
struct Secrets(Mutex<Vec<(String, Vec<u8>)>>);

impl KeyLog for Secrets {
    fn log(&self, label: &str, _: &[u8], secret: &[u8]) {
        self.0.lock().expect("nobody panicked").push((label.into(), secret.into()));
    }
}

/// A connection that remembers what went over it.
struct Wire {
    tcp: TcpStream,
    sent: Vec<u8>,
    received: Vec<u8>,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.tcp.read(buffer)?;
        self.received.extend(&buffer[..len]);
        Ok(len)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.tcp.write(bytes)?;
        self.sent.extend(&bytes[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
