//! The services of this node: started, stopped and restarted as the database says.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use ::database::{Keeper, Standing};
use cluster::locations::Locations;
use cluster::provider::{self, NodeFiles, Provider};
use legacytls::client::Cell;
use provisioning::Provisioning;
use store::{HistoryMark, Node, Service, Store};
use tftp::server::{HttpConfig, Server};

use crate::activation::Passed;
use crate::callmanager::{self, Extent};
use crate::capf;
use crate::config::Config;
use crate::identity;
use crate::phones::Phones;
use crate::srst::{self, Survival};
use crate::telephony::Telephony;
use crate::trends::Trends;

/// Sockets that only root may open on most machines: passed to this process, or open before root is
/// given up; kept open.
pub struct Sockets {
    tftp: Vec<UdpSocket>,
    http: Vec<TcpListener>,
    https: Vec<TcpListener>,
}

impl Sockets {
    /// None: no files are served.
    pub fn none() -> Self {
        Self { tftp: Vec::new(), http: Vec::new(), https: Vec::new() }
    }

    /// Opens them where the configuration says. The error names the address.
    pub fn open(config: &Config) -> Result<Self, String> {
        Self::complete(Passed::default(), config)
    }

    /// Those that were passed; where none was for a service, opens its own.
    pub fn complete(passed: Passed, config: &Config) -> Result<Self, String> {
        let Passed { mut tftp, mut http, mut https } = passed;
        tftp.iter().for_each(tftp::server::make_room);
        if tftp.is_empty() {
            tftp = all("tftp", &config.tftp, tftp::server::request_socket)?;
        }
        if http.is_empty() {
            http = all("http", &config.http, TcpListener::bind)?;
        }
        if https.is_empty() {
            https = all("https", &config.https, TcpListener::bind)?;
        }
        Ok(Self { tftp, http, https })
    }

    /// Takes those of administration out.
    pub fn take_https(&mut self) -> Vec<TcpListener> {
        std::mem::take(&mut self.https)
    }
}

fn all<T>(
    key: &str,
    addresses: &[SocketAddr],
    bind: impl Fn(SocketAddr) -> io::Result<T>,
) -> Result<Vec<T>, String> {
    let bind = |address: &SocketAddr| {
        bind(*address).map_err(|error| {
            format!("cannot listen on {address}: {error}; set `{key}` in [controld]")
        })
    };
    addresses.iter().map(bind).collect()
}

/// The services of this node.
pub struct Services {
    store: Arc<Store>,
    config: Config,
    node: String,
    sockets: Sockets,
    phones: Arc<Phones>,
    started: SystemTime,
    /// Who runs the node's own database, if it has one.
    database: Option<Arc<Keeper>>,
    /// Ends the TLS of old phones; it takes one link only, so it is every service's.
    cell: Option<Cell>,
    /// Phones and calls over the last day.
    trends: Trends,
    /// What call processing shows of itself, while it runs.
    telephony: Mutex<Option<Arc<dyn Telephony>>>,
    /// How centre and gateways stand to each other, where this node knows; or why it does not.
    survival: Mutex<Result<Option<Arc<dyn Survival>>, String>>,
    /// What the services that run have read last; they are of no use after a restore.
    history: Mutex<Option<HistoryMark>>,
    /// Held while services start and stop, which takes its time and reads the store.
    work: Mutex<()>,
    /// Held for a glance only: reports read it from within a transaction of the store.
    slots: Mutex<BTreeMap<Service, Slot>>,
}

enum Slot {
    Running { since: SystemTime, warning: Option<String>, _until_dropped: Box<dyn Send> },
    Failed(String),
}

/// What keeps a service running, and what is not right with it all the same.
type Started = (Box<dyn Send>, Option<String>);

/// Services that may run in this process.
const OURS: [Service; 4] =
    [Service::Tftp, Service::CtlProvider, Service::Capf, Service::CallManager];

impl Services {
    /// None runs yet: see [`Services::reconcile`].
    pub fn new(
        store: Arc<Store>,
        config: Config,
        sockets: Sockets,
        phones: Arc<Phones>,
        now: SystemTime,
    ) -> Self {
        let node = config.node_name();
        let cell = config.legacy_tls.as_ref().map(Cell::at);
        Self {
            store,
            config,
            node,
            sockets,
            phones,
            started: now,
            database: None,
            cell,
            trends: Trends::default(),
            telephony: Mutex::default(),
            survival: Mutex::new(Ok(None)),
            history: Mutex::default(),
            work: Mutex::default(),
            slots: Mutex::default(),
        }
    }

    /// This node's settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What the phones of this node asked and hold.
    pub fn phones(&self) -> &Phones {
        &self.phones
    }

    /// Phones and calls over the last day.
    pub fn trends(&self) -> &Trends {
        &self.trends
    }

    /// Notes how many phones and calls there are, if it is time for it.
    pub fn note_trends(&self, now: SystemTime) {
        self.trends.note(now, || self.telephony().map(|telephony| telephony.counters()));
    }

    /// The database is the node's own, and somebody runs it.
    pub fn set_database(&mut self, keeper: Arc<Keeper>) {
        self.database = Some(keeper);
    }

    /// Who runs the node's own database, if it has one.
    pub fn database(&self) -> Option<&Arc<Keeper>> {
        self.database.as_ref()
    }

    /// Call processing, while it runs here.
    pub fn telephony(&self) -> Option<Arc<dyn Telephony>> {
        self.telephony.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Call processing runs from now on, or does not any more.
    pub fn set_telephony(&self, telephony: Option<Arc<dyn Telephony>>) {
        *self.telephony.lock().unwrap_or_else(PoisonError::into_inner) = telephony;
    }

    /// How centre and gateways stand to each other, where this node knows.
    pub fn survival(&self) -> Option<Arc<dyn Survival>> {
        self.lock_survival().as_ref().ok().cloned().flatten()
    }

    /// Somebody knows it from now on, or does not any more.
    pub fn set_survival(&self, survival: Option<Arc<dyn Survival>>) {
        *self.lock_survival() = Ok(survival);
    }

    /// Why this node does not wait for gateways of branches, though it should.
    pub fn survival_problem(&self) -> Option<String> {
        self.lock_survival().as_ref().err().cloned()
    }

    /// Who ends the TLS of old phones, if anybody does.
    pub fn cell(&self) -> Option<&Cell> {
        self.cell.as_ref()
    }

    /// Starts what is active on this node and does not run, stops what runs and is not active.
    /// What runs is left alone: changed parameters take effect at its restart.
    pub fn reconcile(&self, now: SystemTime) {
        // While the database is away everything stays as it is.
        let Ok(nodes) = self.store.read(|view| view.nodes()) else { return };
        let me = nodes.into_iter().find(|node| node.name == self.node && !self.is_replaced());
        let _work = self.work();
        if !self.history_goes_on() {
            OURS.into_iter().for_each(|service| self.stop(service));
        }
        self.wait_for_gateways(me.as_ref(), now);
        for service in OURS.into_iter().filter(|service| self.is_ours(*service)) {
            let active = me.as_ref().filter(|me| me.services.contains(&service));
            match active {
                None => self.stop(service),
                Some(_) if self.runs(service) => {}
                Some(me) => {
                    let slot = self.start(service, me, now);
                    self.slots().insert(service, slot);
                }
            }
        }
    }

    /// Gateways of branches report to this node, if it has been told where to wait for them.
    fn wait_for_gateways(&self, me: Option<&Node>, now: SystemTime) {
        let (Some(address), Some(me)) = (self.config.srst_gateways, me) else { return };
        if self.survival().is_some() {
            return;
        }
        let started = srst::centre::start(&self.config, &self.store, address, me, now);
        *self.lock_survival() = started.map(|centre| Some(centre as Arc<dyn Survival>));
    }

    /// Stops a service and starts it again, so that it sees its parameters.
    pub fn restart(&self, service: Service, now: SystemTime) {
        let work = self.work();
        self.stop(service);
        drop(work);
        self.reconcile(now);
    }

    /// Does something while none of the services runs, and starts them again.
    pub fn while_stopped<T>(&self, work: impl FnOnce() -> T) -> T {
        let stopped = self.work();
        OURS.into_iter().for_each(|service| self.stop(service));
        let done = work();
        drop(stopped);
        self.reconcile(SystemTime::now());
        done
    }

    /// Gives CAPF a new key and certificate while it does not run, and starts it.
    pub fn renew_capf(&self, now: SystemTime) -> Result<(), String> {
        let work = self.work();
        self.stop(Service::Capf);
        let files = capf::files(&self.config);
        let renewed = enrolment::authority::renew(&files, &self.store, &self.node, now);
        drop(work);
        self.reconcile(now);
        renewed.map(|_| ()).map_err(|fault| fault.to_string())
    }

    /// CAPF may be activated on this node with a key of its own, though it has a copy of the
    /// certificate of one elsewhere.
    pub fn make_room_for_capf(&self) -> io::Result<()> {
        let keys = self.config.key_directory.clone();
        let certificates = self.config.certificate_directory.clone();
        pki::capf::CapfFiles { certificates, keys }.make_room()
    }

    /// Since when a service runs; that of this process for those that it only stands for.
    pub fn since(&self, service: Service) -> Option<SystemTime> {
        match self.slots().get(&service) {
            Some(Slot::Running { since, .. }) => Some(*since),
            Some(Slot::Failed(_)) => None,
            None if self.is_ours(service) => None,
            None => Some(self.started),
        }
    }

    /// Whether another node has become the publisher in this one's place: what is here is of the
    /// past, and phones find what holds now elsewhere.
    fn is_replaced(&self) -> bool {
        let standing = self.database.as_ref().map(|keeper| keeper.standing());
        matches!(standing, Some(Standing::Yielded(_)))
    }

    /// Whether this node has a copy of CAPF's certificate that can be used.
    pub fn has_capf_certificate(&self, now: SystemTime) -> bool {
        capf::files(&self.config).capf(now).is_ok()
    }

    /// SHA-256 of this node's certificate, if it has one yet.
    pub fn certificate_sha256(&self) -> Option<String> {
        let der = pki::check::read(&self.config.key_directory.join(pki::node::CERTIFICATE_FILE));
        Some(pki::certificate::hex(&pki::Hash::Sha256.of(&der.ok()?)))
    }

    /// What does not run as it should, and why. In English, for logs and alarms.
    pub fn problems(&self) -> Vec<(Service, String)> {
        let slots = self.slots();
        let failed = slots.iter().filter_map(|(service, slot)| match slot {
            Slot::Failed(why) => Some((*service, why.clone())),
            Slot::Running { warning, .. } => Some((*service, warning.clone()?)),
        });
        failed.collect()
    }

    /// Whether a service runs in this process, or is only stood for.
    fn is_ours(&self, service: Service) -> bool {
        OURS.contains(&service) && (service != Service::CallManager || self.config.sccp.is_some())
    }

    /// Whether the database is the one that services have read, further on.
    fn history_goes_on(&self) -> bool {
        let mut seen = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let looked = self.store.read(|view| {
            let goes_on = seen.as_ref().map_or(Ok(true), |mark| view.continues(mark))?;
            Ok((goes_on, view.history_mark()?))
        });
        // While the database is away everything stays as it is.
        let Ok((goes_on, mark)) = looked else { return true };
        *seen = Some(mark);
        goes_on
    }

    fn runs(&self, service: Service) -> bool {
        matches!(self.slots().get(&service), Some(Slot::Running { .. }))
    }

    fn stop(&self, service: Service) {
        if service == Service::CallManager {
            self.set_telephony(None);
        }
        let running = self.slots().remove(&service);
        // Its threads end here, which takes its time.
        drop(running);
    }

    fn start(&self, service: Service, me: &Node, now: SystemTime) -> Slot {
        let server = match service {
            Service::Tftp => self.start_tftp(me, now),
            Service::Capf => {
                capf::start(&self.config, &self.store, &self.phones, self.cell.as_ref(), me, now)
                    .map(|running| (Box::new(running) as Box<dyn Send>, None))
            }
            Service::CallManager => self.start_callmanager(me, now),
            _ => self.start_provider(me, now),
        };
        match server {
            Ok((server, warning)) => Slot::Running { since: now, warning, _until_dropped: server },
            Err(why) => Slot::Failed(why),
        }
    }

    fn start_callmanager(&self, me: &Node, now: SystemTime) -> Result<Started, String> {
        let address = self.config.sccp.ok_or("set `sccp` in [controld]")?;
        let cell = self.cell.as_ref();
        let (config, extent) = (&self.config, Extent::Whole);
        let started = callmanager::start(config, &self.store, address, cell, me, now, extent)?;
        self.set_telephony(Some(Arc::new(started.desk.clone())));
        let warning = started.warning.clone();
        Ok((Box::new(started), warning))
    }

    fn start_tftp(&self, me: &Node, now: SystemTime) -> Result<Started, String> {
        let identity = identity::open(&self.config.key_directory, me, &self.store, now)?;
        let locations = self
            .store
            .read(|view| Locations::of_node(view, &me.name))
            .map_err(|error| error.to_string())?
            .ok_or("there is no cluster")?;
        let owned = locations.claim().map_err(|error| error.to_string())?;
        let source = Provisioning::new(
            Arc::clone(&self.store),
            &me.name,
            owned,
            Arc::new(identity),
            SystemTime::now,
        )
        .map_err(|error| error.to_string())?;
        let service = tftp::server::Service {
            source: Arc::new(source),
            observer: Arc::clone(&self.phones) as _,
        };
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let tftp = Server::tftp(&tftp::Config::default(), &self.sockets.tftp, workers, &service);
        let http = Server::http(&HttpConfig::default(), &self.sockets.http, &service);
        let failed = |error: io::Error| error.to_string();
        Ok((Box::new((tftp.map_err(failed)?, http.map_err(failed)?)), None))
    }

    fn start_provider(&self, me: &Node, now: SystemTime) -> Result<Started, String> {
        identity::open(&self.config.key_directory, me, &self.store, now)?;
        let port = self
            .store
            .read(|view| view.parameter(Some(&me.name), "ctl-provider.port")?.integer())
            .map_err(|error| error.to_string())?;
        let address = (self.config.ctl_provider, port);
        let listener = TcpListener::bind(address)
            .map_err(|error| format!("cannot listen on port {port}: {error}"))?;
        let tls = provider::tls::server_config(&self.config.key_directory, now)
            .map_err(|fault| fault.to_string())?;
        let files = NodeFiles {
            keys: self.config.key_directory.clone(),
            certificates: self.config.certificate_directory.clone(),
        };
        let phones = Arc::clone(self.phones.lists());
        let provider = Provider::new(Arc::clone(&self.store), &*me.name, files, phones);
        let recovered = provider.recover().map_err(|error| error.to_string())?;
        let warning = recovered.iter().find_map(|(path, result)| {
            let fault = result.as_ref().err()?;
            Some(format!("{}: {fault}", path.display()))
        });
        let running = provider::server::start(Arc::new(provider), listener, tls)
            .map_err(|error| error.to_string())?;
        Ok((Box::new(running), warning))
    }

    fn lock_survival(&self) -> MutexGuard<'_, Result<Option<Arc<dyn Survival>>, String>> {
        self.survival.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) -> MutexGuard<'_, ()> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slots(&self) -> MutexGuard<'_, BTreeMap<Service, Slot>> {
        // A panic while starting leaves the slot as it was.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
