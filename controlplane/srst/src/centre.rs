//! The centre's end: gateways report, and are given what they need.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use messages::{Explain, Message, srst};
use pki::Identity;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use store::{Revision, Store};

use crate::bundle::{Bundle, Signed};
use crate::link::{self, Answer, INTERVAL, PATIENCE, Report};
use crate::tls::{self, Own, Seat, TlsFault};

/// Connections at a time.
const MOST: usize = 512;
/// Longest report.
const MAX_REPORT: usize = 4096;
/// Strangers that are remembered.
const STRANGERS: usize = 16;
/// After no connection could be taken.
const PAUSE: Duration = Duration::from_millis(50);

/// A gateway that has reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Its reference.
    pub reference: String,
    /// From where it came last.
    pub peer: IpAddr,
    /// When it reported last.
    pub heard: SystemTime,
    /// Whether it is connected.
    pub connected: bool,
    /// Whether it has what it needs.
    pub synchronised: bool,
    /// Phones that are registered there.
    pub phones: u32,
    /// Calls that go on there.
    pub calls: u32,
}

/// Somebody whose certificate is no reference's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// From where.
    pub peer: IpAddr,
    /// SHA-256 of what it has shown, in hexadecimal.
    pub fingerprint: String,
}

impl Explain for Stranger {
    fn message(&self) -> &'static Message {
        &srst::SRST_GATEWAY_UNKNOWN
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        vec![("peer", self.peer.to_string()), ("fingerprint", self.fingerprint.clone())]
    }
}

/// The running end; dropping it ends all connections within a few seconds.
pub struct Centre {
    address: SocketAddr,
    inner: Arc<Inner>,
    acceptor: Option<JoinHandle<()>>,
}

struct Inner {
    store: Arc<Store>,
    identity: Arc<Identity>,
    stop: AtomicBool,
    seen: Mutex<Seen>,
    bundles: Mutex<Bundles>,
}

#[derive(Default)]
struct Seen {
    gateways: BTreeMap<String, Gateway>,
    strangers: VecDeque<Stranger>,
}

/// What the store says, kept until it says something else.
#[derive(Default)]
struct Bundles {
    revision: Option<Revision>,
    /// References by the fingerprint of their gateway's certificate.
    references: BTreeMap<String, String>,
    signed: BTreeMap<String, Arc<Signed>>,
}

/// Serves gateways with what `store` says. `identity` is the node's own, which signs; `own` is the
/// same, for TLS.
pub fn start(
    listener: TcpListener,
    own: &Own,
    identity: Arc<Identity>,
    store: Arc<Store>,
) -> Result<Centre, TlsFault> {
    let told = |error: io::Error| TlsFault(error.to_string());
    let config = tls::asking(own)?;
    let address = listener.local_addr().map_err(told)?;
    let inner = Arc::new(Inner {
        store,
        identity,
        stop: AtomicBool::new(false),
        seen: Mutex::default(),
        bundles: Mutex::default(),
    });
    let serving = Arc::clone(&inner);
    let acceptor = thread::Builder::new()
        .name("srst-centre".into())
        .spawn(move || serving.accept(&listener, &config))
        .map_err(told)?;
    Ok(Centre { address, inner, acceptor: Some(acceptor) })
}

impl Centre {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The gateways that have reported since the start.
    pub fn gateways(&self) -> Vec<Gateway> {
        self.inner.seen().gateways.values().cloned().collect()
    }

    /// Those who were turned away of late.
    pub fn strangers(&self) -> Vec<Stranger> {
        self.inner.seen().strangers.iter().cloned().collect()
    }
}

impl Drop for Centre {
    fn drop(&mut self) {
        self.inner.stop.store(true, Ordering::Release);
        tls::knock(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Inner {
    fn accept(self: Arc<Self>, listener: &TcpListener, config: &Arc<ServerConfig>) {
        let open = Arc::<AtomicUsize>::default();
        for stream in listener.incoming() {
            if self.stop.load(Ordering::Acquire) {
                return;
            }
            let Ok(stream) = stream else {
                thread::sleep(PAUSE);
                continue;
            };
            if open.load(Ordering::Acquire) >= MOST {
                continue;
            }
            let seat = Seat::take(&open);
            let (inner, config) = (Arc::clone(&self), Arc::clone(config));
            // Without a thread the connection is dropped; the gateway calls again.
            let _ = thread::Builder::new().name("srst-gateway".into()).spawn(move || {
                let _seat = seat;
                let _ = inner.converse(stream, config);
            });
        }
    }

    fn converse(&self, mut stream: TcpStream, config: Arc<ServerConfig>) -> io::Result<()> {
        stream.set_read_timeout(Some(INTERVAL + PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let peer = stream.peer_addr()?.ip().to_canonical();
        let mut tls = ServerConnection::new(config).map_err(io::Error::other)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut stream)?;
        }
        let shown = tls.peer_certificates().and_then(<[_]>::first);
        let fingerprint = shown.map(|it| pki::certificate::hex(&pki::Hash::Sha256.of(it)));
        let fingerprint = fingerprint.unwrap_or_default();
        let mut stream = StreamOwned::new(tls, stream);
        let mut last = None;
        let result = loop {
            let report: Report = match link::read(&mut stream, MAX_REPORT) {
                Ok(report) => report,
                Err(error) => break Err(error),
            };
            if self.stop.load(Ordering::Acquire) {
                break Ok(());
            }
            // Asked each time: a certificate may have been withdrawn meanwhile.
            let Some((reference, signed)) = self.bundle_of(&fingerprint) else {
                self.turn_away(Stranger { peer, fingerprint });
                break Ok(());
            };
            let synchronised = report.have.as_ref() == Some(&signed.digest());
            self.note(&reference, peer, &report, synchronised);
            last = Some(reference);
            let answer = match synchronised {
                true => Answer::Good,
                false => Answer::Take(Box::new((*signed).clone())),
            };
            if let Err(error) = link::write(&mut stream, &answer) {
                break Err(error);
            }
        };
        if let Some(gateway) = last.and_then(|last| self.seen().gateways.get(&last).cloned()) {
            let gone = Gateway { connected: false, ..gateway };
            self.seen().gateways.insert(gone.reference.clone(), gone);
        }
        result
    }

    /// The reference of a certificate, and what its gateway is to have.
    fn bundle_of(&self, fingerprint: &str) -> Option<(String, Arc<Signed>)> {
        let mut bundles = self.bundles.lock().unwrap_or_else(PoisonError::into_inner);
        // While the database is away, what it said last holds.
        if let Ok(revision) = self.store.read(|view| view.revision())
            && bundles.revision != Some(revision)
            && let Ok(newest) = self.read(&bundles)
        {
            *bundles = newest;
        }
        let reference = bundles.references.get(fingerprint)?;
        self.seen().strangers.retain(|stranger| stranger.fingerprint != fingerprint);
        Some((reference.clone(), Arc::clone(bundles.signed.get(reference)?)))
    }

    fn read(&self, old: &Bundles) -> Result<Bundles, String> {
        let told = |error: store::Error| error.to_string();
        let (revision, all) = self
            .store
            .read(|view| {
                let mut all = Vec::new();
                for reference in view.srst_references()?.iter().filter(|it| it.secure) {
                    let Some(certificate) = view.srst_certificate(&reference.name)? else {
                        continue;
                    };
                    all.push((certificate.fingerprint(), Bundle::read(view, reference)?));
                }
                Ok((view.revision()?, all))
            })
            .map_err(told)?;
        let mut new = Bundles { revision: Some(revision), ..Bundles::default() };
        for (fingerprint, bundle) in all {
            let reference = bundle.reference.clone();
            let known = old.signed.get(&reference).filter(|it| it.holds(&bundle));
            let signed = match known {
                Some(known) => Arc::clone(known),
                None => Arc::new(bundle.sign(&self.identity).map_err(|error| error.to_string())?),
            };
            new.references.insert(fingerprint, reference.clone());
            new.signed.insert(reference, signed);
        }
        Ok(new)
    }

    fn note(&self, reference: &str, peer: IpAddr, report: &Report, synchronised: bool) {
        let gateway = Gateway {
            reference: reference.to_owned(),
            peer,
            heard: SystemTime::now(),
            connected: true,
            synchronised,
            phones: report.phones,
            calls: report.calls,
        };
        self.seen().gateways.insert(reference.to_owned(), gateway);
    }

    fn turn_away(&self, stranger: Stranger) {
        let mut seen = self.seen();
        if !seen.strangers.contains(&stranger) {
            seen.strangers.push_back(stranger);
            if seen.strangers.len() > STRANGERS {
                seen.strangers.pop_front();
            }
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
