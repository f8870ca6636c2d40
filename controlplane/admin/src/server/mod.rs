//! TLS, connections and their limits.

mod places;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::crypto::ring;
use tokio::net::TcpStream;
use tokio::runtime::{self, Runtime};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::site::{self, Site};
use places::{Place, Places};

/// A TLS handshake takes no longer.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// The head of a request takes no longer; a connection without request is closed after it too.
const HEADER_TIME: Duration = Duration::from_secs(15);
/// A request with its body takes no longer until its answer begins.
pub const REQUEST_TIME: Duration = Duration::from_secs(60);
/// A connection lasts no longer, so that who reads slowly or not at all does not keep it.
const CONNECTION_TIME: Duration = Duration::from_secs(3600);
/// Most headers of a request, and most bytes of its head.
const MAX_HEADERS: usize = 64;
const MAX_HEAD: usize = 64 * 1024;
/// Threads that wait for the database.
const BLOCKING_THREADS: usize = 16;

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// A running server; it ends when it is dropped.
pub struct Server {
    runtime: Option<Runtime>,
    addresses: Vec<SocketAddr>,
}

impl Server {
    /// Serves a site on sockets that listen.
    pub fn start(listeners: Vec<TcpListener>, site: &Arc<Site>) -> io::Result<Self> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name("https")
            .enable_all()
            .build()?;
        let acceptor = TlsAcceptor::from(Arc::new(tls(site)?));
        let router = site::router(Arc::clone(site));
        let places = Places::default();
        let mut addresses = Vec::new();
        for listener in listeners {
            addresses.push(listener.local_addr()?);
            listener.set_nonblocking(true)?;
            let _in_runtime = runtime.enter();
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let served = accept(listener, acceptor.clone(), router.clone(), places.clone());
            runtime.spawn(served);
        }
        Ok(Self { runtime: Some(runtime), addresses })
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}

/// HTTP/1.1 only: it has no streams that somebody could open and reset by the thousand.
fn tls(site: &Site) -> io::Result<ServerConfig> {
    let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&versions)
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_cert_resolver(site.keeper.clone());
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

async fn accept(
    listener: tokio::net::TcpListener,
    acceptor: TlsAcceptor,
    router: Router,
    places: Places,
) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Who finds no place is hung up on.
                let Some(place) = places.take(peer.ip()) else { continue };
                tokio::spawn(serve(stream, Peer(peer), acceptor.clone(), router.clone(), place));
            }
            // Out of file descriptors, for one: it passes.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn serve(stream: TcpStream, peer: Peer, acceptor: TlsAcceptor, router: Router, place: Place) {
    // A page is many small writes; nobody is harmed if it cannot be set.
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = timeout(HANDSHAKE_TIME, acceptor.accept(stream)).await else { return };
    let service = router.map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer);
        request.map(axum::body::Body::new)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    // What strangers break off is nobody's fault.
    let _ = timeout(CONNECTION_TIME, connection).await;
    drop(place);
}
