//! A tool's end of the stream.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use srst::tls::{Own, Pin, TlsFault, calling};

use crate::live::{Refusal, Wish};

/// Longest wait for the server to answer at all.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The server says why.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Somebody else answers there.
    #[error("the server shows the certificate {found}, not {expected}")]
    OtherServer {
        /// SHA-256 of what it shows.
        found: String,
        /// SHA-256 of what it should.
        expected: String,
    },
    /// Our own certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsFault),
    /// It does not answer, or hung up.
    #[error("{server}: {error}")]
    Io {
        /// Where.
        server: String,
        /// What the system says.
        error: io::Error,
    },
}

/// Copies what is captured to `out`, as pcapng, until either side ends it. The server is the one whose
/// certificate has this SHA-256, in hexadecimal.
pub fn stream(
    server: &str,
    sha256: &str,
    own: &Own,
    wish: &Wish,
    out: &mut dyn Write,
) -> Result<(), LiveError> {
    let expected = sha256.replace(':', "").to_ascii_lowercase();
    let pin = Pin::new(&expected);
    let config = calling(own, Arc::clone(&pin))?;
    let told = |error| match pin.refused() {
        Some(found) => LiveError::OtherServer { found, expected: expected.clone() },
        None => LiveError::Io { server: server.to_owned(), error },
    };
    // It is known by its certificate, not by a name.
    let name = ServerName::try_from("ringfence").expect("a word is a name");
    let connection = ClientConnection::new(config, name).map_err(io::Error::other).map_err(told)?;
    let mut tls = StreamOwned::new(connection, connect(server).map_err(told)?);
    let mut line = serde_json::to_vec(wish).map_err(io::Error::from).map_err(told)?;
    line.push(b'\n');
    tls.write_all(&line).and_then(|()| tls.flush()).map_err(told)?;
    let mut first = [0];
    match tls.read(&mut first) {
        Ok(0) => return Err(told(io::ErrorKind::UnexpectedEof.into())),
        Ok(_) => {}
        Err(error) => return Err(told(error)),
    }
    if first == *b"{" {
        let mut rest = first.to_vec();
        // Whoever refuses hangs up.
        let _ = tls.take(1024).read_to_end(&mut rest);
        let refusal = serde_json::from_slice::<Refusal>(&rest).unwrap_or(Refusal::Garbled);
        return Err(refusal.into());
    }
    // From now on nothing is said for hours, perhaps.
    tls.sock.set_read_timeout(None).map_err(told)?;
    out.write_all(&first).map_err(told)?;
    copy(&mut tls, out).map_err(told)
}

/// Passes on what there is when it is there: somebody looks at it now.
fn copy(from: &mut impl Read, to: &mut dyn Write) -> io::Result<()> {
    let mut buffer = zeroize::Zeroizing::new(vec![0; 64 * 1024]);
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                let written = to.write_all(&buffer[..length]).and_then(|()| to.flush());
                match written {
                    // Wireshark was closed.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                    written => written?,
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn connect(server: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::other("there is no such host");
    for address in server.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
