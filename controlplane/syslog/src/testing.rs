//! For tests: a collector, which shows a certificate and keeps what it is told.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Far more than any message takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A collector.
pub struct Collector {
    /// Where it listens.
    pub at: SocketAddr,
    /// Messages; nothing where it hung up.
    told: Receiver<Option<String>>,
}

impl Collector {
    /// Listens on a port of its own, with the key and the certificate in a file. It hangs up after
    /// `each` messages, and waits for the next connection.
    ///
    /// # Panics
    ///
    /// When the file is none of a server.
    pub fn start(pem: &Path, each: usize) -> Self {
        let chain = CertificateDer::pem_file_iter(pem).expect("a file with certificates");
        let chain: Vec<_> = chain.map(|it| it.expect("a certificate")).collect();
        let key = PrivateKeyDer::from_pem_file(pem).expect("a file with a key");
        let crypto = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ServerConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()
            .expect("versions of the provider")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a server's certificate");
        let tls = Arc::new(tls);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("it listens");
        let (tell, told) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let mut heard = 0;
                for message in messages(stream, &tls).take(each) {
                    heard += 1;
                    if tell.send(Some(message)).is_err() {
                        return;
                    }
                }
                // Who does not finish the handshake told nothing.
                if heard > 0 && tell.send(None).is_err() {
                    return;
                }
            }
        });
        Self { at, told }
    }

    /// The next message.
    ///
    /// # Panics
    ///
    /// When none comes.
    pub fn next(&self) -> String {
        self.event().expect("a message, and no end")
    }

    /// Waits until it has hung up.
    ///
    /// # Panics
    ///
    /// When a message comes instead.
    pub fn hung_up(&self) {
        assert_eq!(self.event(), None, "it hangs up");
    }

    fn event(&self) -> Option<String> {
        self.told.recv_timeout(PATIENCE).expect("something comes")
    }

    /// Whether it was told nothing for a while.
    pub fn hears_nothing(&self) -> bool {
        self.told.recv_timeout(Duration::from_secs(1)).is_err()
    }
}

fn messages(stream: TcpStream, tls: &Arc<ServerConfig>) -> impl Iterator<Item = String> {
    let connection = ServerConnection::new(Arc::clone(tls)).expect("a sound configuration");
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    std::iter::from_fn(move || {
        let mut length = Vec::new();
        stream.read_until(b' ', &mut length).ok()?;
        let length = std::str::from_utf8(&length).ok()?.trim().parse().ok()?;
        let mut message = vec![0; length];
        stream.read_exact(&mut message).ok()?;
        String::from_utf8(message).ok()
    })
}
