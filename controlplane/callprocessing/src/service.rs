//! The service, started and stopped.

use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use callmanager::exchange::{Exchange, PortOrder};
use callmanager::switchboard::{
    Event, LinkId, MediaCommand, MediaOrder, MediaRefused, RelayOrder, RelayRefused, RelayedBy,
    StreamId, Switchboard,
};
use capture::Tap;
use lang::{Language, Say};
use legacytls::client::{Cell, Serving};
use legacytls::link::{Der, Protection, TlsVersion};
use messages::Explain;
use pki::Certificate;
use store::{Latest, Roster, Store};

use crate::alarms::Alarms;
use crate::census::Limits;
use crate::desk::{self, Desk};
use crate::handle::Handle;
use crate::ledger::{self, Ledger};
use crate::operator::{Colleagues, Doors, Letterbox, Mail, News, Operator};
use crate::reception::{self, Hosts, ModernTls, Reception};
use crate::roster;
pub use crate::roster::{GatewayPlan, GatewaySetup, PortSetup};
use crate::trace::{Level, Trace};
use crate::trust::{Trust, TrustInForce};

/// What a service is made of.
pub struct Setup<'a> {
    /// Where phones, calls and settings are.
    pub store: Arc<Store>,
    /// This node's name.
    pub node: String,
    /// Where phones without TLS come.
    pub plain: TcpListener,
    /// Where phones with TLS come.
    pub secure: TcpListener,
    /// This node's certificate, by which phones know it.
    pub certificate: Certificate,
    /// The file of its key.
    pub key_file: PathBuf,
    /// Who ends the TLS of old phones, if anybody does.
    pub cell: Option<&'a Cell>,
    /// How many connections there may be.
    pub limits: Limits,
    /// Where traces go.
    pub trace_directory: PathBuf,
    /// Who captures what phones say.
    pub tap: Arc<dyn Tap>,
    /// Music on hold and conference bridges, given a way to answer.
    pub resources: Start<'a, dyn Resources>,
    /// Who commands the relays, given a way to answer.
    pub relays: Start<'a, dyn Relays>,
    /// Who commands the gateways, given a way to answer.
    pub gateways: Start<'a, dyn Gateways>,
}

/// Starts something that takes orders and answers them.
pub type Start<'a, T> = Box<dyn FnOnce(Answers) -> Result<Box<T>, Fault> + 'a>;

/// Music on hold and conference bridges.
pub trait Resources: Send {
    /// Takes an order, and does not wait for anything. One to open a port is answered by
    /// [`Answers::opened`].
    fn order(&mut self, order: MediaOrder);

    /// Those on hold hear this file from now on, or what the program brings. Does not wait: of one
    /// that cannot be used [`Answers::alarm`] is told.
    fn play(&mut self, _: Option<&Path>) {}
}

/// Who commands the relays.
pub trait Relays: Send {
    /// Takes an order, and does not wait for anything. One to let a stream pass is answered by
    /// [`Answers::relayed`].
    fn order(&mut self, order: RelayOrder);
}

/// Who commands gateways, for ports of which the exchange knows nothing but that they are there.
pub trait Gateways: Send {
    /// Takes an order, and does not wait for anything. What comes of it, and all else that happens
    /// at ports, is told by [`Answers::port`].
    fn order(&mut self, order: PortOrder);

    /// The gateways and ports that there are from now on.
    fn configure(&mut self, plan: &GatewayPlan);
}

/// How media resources, relays and gateways answer. None of it waits for long.
#[derive(Clone)]
pub struct Answers {
    mail: Mail,
    alarms: Arc<Alarms>,
    trace: Arc<Trace>,
    ledger: Ledger,
}

impl Answers {
    /// A media resource's port is open, or cannot be.
    pub fn opened(&self, stream: StreamId, result: Result<SocketAddr, MediaRefused>) {
        self.mail.post(News::Opened(stream, result));
    }

    /// A relay lets a stream pass and receives here from either end, or none can be had.
    pub fn relayed(&self, link: LinkId, result: Result<RelayedBy, RelayRefused>) {
        self.mail.post(News::Relayed(link, result));
    }

    /// A relay has lost a stream.
    pub fn relay_lost(&self, link: LinkId) {
        self.mail.post(News::RelayLost(link));
    }

    /// Something happened at a port of a gateway.
    pub fn port(&self, event: Event) {
        self.mail.post(News::Port(Box::new(event)));
    }

    /// Keys of a call have been sent to a gateway, or were held back: for the audit log.
    pub fn keys(&self, detail: String) {
        self.ledger.write(ledger::Entry::Keys { detail });
    }

    /// Something for those who look for a fault: what a relay has counted, say.
    pub fn note(&self, text: impl FnOnce() -> String) {
        self.trace.tell(Level::Notice, text);
    }

    /// An administrator should know something.
    pub fn alarm(&self, what: &dyn Explain) {
        self.alarms.raise(what);
    }
}

/// A node without media resources.
pub struct NoResources(pub Answers);

impl Resources for NoResources {
    fn order(&mut self, order: MediaOrder) {
        if let MediaCommand::OpenReceive { .. } = order.command {
            // Not from within: the one who orders is the one who hears the answer.
            let (answers, stream) = (self.0.clone(), order.stream);
            let _ = thread::Builder::new().spawn(move || {
                answers.opened(stream, Err(MediaRefused::Status(UNKNOWN_ERROR)));
            });
        }
    }
}

/// A node without relays.
pub struct NoRelays(pub Answers);

impl Relays for NoRelays {
    fn order(&mut self, order: RelayOrder) {
        if let RelayOrder::Open(wanted) = order {
            let (answers, link) = (self.0.clone(), wanted.link);
            let _ = thread::Builder::new()
                .spawn(move || answers.relayed(link, Err(RelayRefused::NoneInService)));
        }
    }
}

/// A node without gateways: it has no ports to give orders to.
pub struct NoGateways;

impl Gateways for NoGateways {
    fn order(&mut self, _: PortOrder) {}

    fn configure(&mut self, _: &GatewayPlan) {}
}

/// As SCCP numbers the statuses of media.
const UNKNOWN_ERROR: u32 = 1;

/// A running service. Dropping it closes every connection; phones come back to this server or go
/// to the next.
pub struct Running {
    handle: Handle,
    mail: Mail,
    addresses: [SocketAddr; 2],
    stop: Arc<AtomicBool>,
    ledger: Ledger,
    /// The operator first, the keeper of the ledger last: each ends when those before it have.
    threads: Vec<JoinHandle<()>>,
}

/// Why the service does not start; in English, for logs and alarms.
pub type Fault = String;

/// Serves phones until the result is dropped.
pub fn start(setup: Setup<'_>) -> Result<Running, Fault> {
    let told = |error: io::Error| error.to_string();
    let Setup { store, node, plain, secure, certificate, key_file, .. } = setup;
    let addresses = [&plain, &secure].map(TcpListener::local_addr);
    let [plain_address, secure_address] = addresses;
    let addresses = [plain_address.map_err(told)?, secure_address.map_err(told)?];
    let away = |error: store::Error| error.say(Language::English);
    let roster = Latest::<Roster>::new(Arc::clone(&store), &node).map_err(away)?;
    let first = roster.newest();
    let level = Level::of_word(&first.settings().trace_level);
    let trace = Trace::open(&setup.trace_directory, level)
        .map_err(|error| format!("{}: {error}", setup.trace_directory.display()))?;
    let trace = Arc::new(trace);
    let trust = TrustInForce::new(
        store.read(|view| Trust::read(view, first.settings().expired_mic_until)).map_err(away)?,
    );
    let cluster = store.read(|view| view.cluster()).map_err(away)?;
    let nodes = store.read(|view| view.nodes()).map_err(away)?;
    let number = nodes.iter().position(|known| known.name == node).unwrap_or_default();
    let number = u8::try_from(number).unwrap_or(u8::MAX);
    let cell = match setup.cell {
        Some(cell) => Some(Arc::new(serve_in(cell, &certificate, &key_file, &trust)?)),
        None => None,
    };
    let modern = first
        .settings()
        .modern_tls
        .then(|| ModernTls::new(&certificate, &key_file, trust.clone()))
        .transpose()
        .map_err(|fault| fault.to_string())?;

    let mut threads = Vec::new();
    let (ledger, keeper) = ledger::start(Arc::clone(&store), &node).map_err(told)?;
    let alarms = Arc::new(Alarms::new(Arc::clone(&trace), ledger.clone()));
    let letterbox = Letterbox::new().map_err(told)?;
    let mail = letterbox.mail();
    let hosts =
        Hosts { modern, cell: cell.clone(), trust: trust.clone(), alarms: Arc::clone(&alarms) };
    let stop = Arc::<AtomicBool>::default();
    if let Some(serving) = &cell {
        let serving = Arc::clone(serving);
        let (alarms, stop) = (Arc::clone(&alarms), Arc::clone(&stop));
        let thread = reception::listen_to_cell(serving, mail.clone(), alarms, stop);
        threads.push(thread.map_err(told)?);
    }
    let desk = Desk {
        store,
        roster,
        first: Arc::clone(&first),
        node,
        number,
        cluster: cluster.map(|cluster| cluster.name).unwrap_or_default(),
        trust,
        cell,
        alarms: Arc::clone(&alarms),
        trace: Arc::clone(&trace),
        mail: mail.clone(),
    };
    let (questions, thread) = desk::start(desk).map_err(told)?;
    threads.push(thread);
    let answers = Answers {
        mail: mail.clone(),
        alarms: Arc::clone(&alarms),
        trace: Arc::clone(&trace),
        ledger: ledger.clone(),
    };
    let with = Colleagues {
        reception: Reception::open(&hosts, &mail).map_err(told)?,
        desk: questions,
        ledger: ledger.clone(),
        resources: (setup.resources)(answers.clone())?,
        relays: (setup.relays)(answers.clone())?,
        gateways: (setup.gateways)(answers)?,
        alarms: Arc::clone(&alarms),
        trace,
        tap: setup.tap,
    };
    let settings = roster::settings(&first, number);
    let exchange = Exchange::new(Switchboard::new(Instant::now(), settings));
    let doors = Doors::of(plain, secure).map_err(told)?;
    let operator = Operator::new(letterbox, doors, exchange, setup.limits, with).map_err(told)?;
    let thread = thread::Builder::new().name("callmanager".into()).spawn(move || operator.run());
    threads.insert(0, thread.map_err(told)?);
    threads.push(keeper);
    let handle = Handle::new(mail.clone(), alarms);
    Ok(Running { handle, mail, addresses, stop, ledger, threads })
}

/// Has the cell end the TLS of phones that are handed in.
fn serve_in(
    cell: &Cell,
    certificate: &Certificate,
    key_file: &Path,
    trust: &TrustInForce,
) -> Result<Serving, Fault> {
    let key = File::open(key_file).map_err(|error| format!("{}: {error}", key_file.display()))?;
    let service = legacytls::link::Service {
        name: "sccp".into(),
        certificate: Der(certificate.der().to_vec()),
        clients: trust.now().clients(),
        // A suite without encryption is what authenticated phones have.
        protection: Protection::Authenticated,
        newest: TlsVersion::Tls13,
        // Phones of a site share an address, and come back together after a failure.
        limits: legacytls::link::Limits {
            per_address: 20_000,
            half_open_per_address: 1024,
            ..legacytls::link::Limits::default()
        },
    };
    Ok(cell.serve(service, None, key))
}

impl Running {
    /// What the office sees of it.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Where phones without TLS come.
    pub fn plain_address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Where phones with TLS come.
    pub fn secure_address(&self) -> SocketAddr {
        self.addresses[1]
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.mail.post(News::Stop);
        while self.threads.len() > 1 {
            let _ = self.threads.remove(0).join();
        }
        self.ledger.end();
        if let Some(keeper) = self.threads.pop() {
            let _ = keeper.join();
        }
    }
}
