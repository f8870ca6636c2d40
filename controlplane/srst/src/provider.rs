//! A gateway shows its certificate: the credentials service.
//!
//! Everybody may see it, so everybody may ask: hands are shaken and the connection is closed.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection};

use crate::tls::{self, Own, TlsFault};

/// Those who ask at a time; others are turned away.
const MOST: usize = 16;
/// How long somebody may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// After no connection could be taken.
const PAUSE: Duration = Duration::from_millis(50);

/// A running provider; dropping it closes the port.
pub struct Provider {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

/// Shows a gateway's certificate to all who connect, until the result is dropped.
pub fn start(listener: TcpListener, own: &Own) -> Result<Provider, TlsFault> {
    let told = |error: io::Error| TlsFault(error.to_string());
    let config = tls::showing(own)?;
    let address = listener.local_addr().map_err(told)?;
    let stop = Arc::<AtomicBool>::default();
    let stopping = Arc::clone(&stop);
    let accept = move || accept(&listener, &config, &stopping);
    let acceptor = thread::Builder::new().name("srst-provider".into()).spawn(accept);
    Ok(Provider { address, stop, acceptor: Some(acceptor.map_err(told)?) })
}

impl Provider {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        tls::knock(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn accept(listener: &TcpListener, config: &Arc<ServerConfig>, stop: &AtomicBool) {
    let open = Arc::<AtomicUsize>::default();
    for stream in listener.incoming() {
        if stop.load(Ordering::Acquire) {
            return;
        }
        let Ok(stream) = stream else {
            thread::sleep(PAUSE);
            continue;
        };
        if open.load(Ordering::Acquire) >= MOST {
            continue;
        }
        let seat = tls::Seat::take(&open);
        let config = Arc::clone(config);
        // Without a thread the connection is dropped, and the seat with it.
        let _ = thread::Builder::new().name("srst-show".into()).spawn(move || {
            let _seat = seat;
            let _ = show(stream, config);
        });
    }
}

fn show(mut stream: TcpStream, config: Arc<ServerConfig>) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut tls = ServerConnection::new(config).map_err(io::Error::other)?;
    while tls.is_handshaking() {
        tls.complete_io(&mut stream)?;
    }
    tls.send_close_notify();
    tls.write_tls(&mut stream)?;
    stream.flush()
}
