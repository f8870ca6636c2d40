//! Reports: what the worker counts, joined with what the gateway knows of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Sender;
use engine::command::{LegId, Mode};
use engine::{LegReport, Stay, Tier};
use gateway::{Counters, Snapshot};
use port::{Path, PathKind};
use srtp::Suite;
use status::{Association, Flow, IpsecState, Packets, PortReport, RelayReport};

use crate::worker::{Page, PortPage, WorkerHandle};

/// Makes reports; a clone for every thread that wants some.
#[derive(Clone)]
pub struct Reporter {
    worker: WorkerHandle,
    control: Sender<Sender<Known>>,
    waker: Arc<mio::Waker>,
    networks: Arc<[Network]>,
}

/// What the control loop knows.
pub struct Known {
    /// The gateway's connections.
    pub snapshot: Snapshot,
    /// What the gateway counted.
    pub counters: Counters,
    /// IPsec associations.
    pub associations: Vec<Association>,
    /// The rest about IPsec.
    pub ipsec: Option<IpsecState>,
    /// Datagrams that came in clear where they must be protected.
    pub clear: u64,
    /// What the `ng` front knows, if there is one.
    pub ng: Option<KnownNg>,
}

/// What the `ng` front knows.
pub struct KnownNg {
    /// Its legs.
    pub flows: Vec<ng::Flow>,
    /// What it counted.
    pub counters: ng::Counters,
    /// Messages of whom nobody admits.
    pub strangers: u64,
}

/// What configuration calls a port.
pub struct Network {
    /// Its name.
    pub name: String,
    /// Its interface.
    pub interface: Option<String>,
}

/// Longest wait for the control loop.
const PATIENCE: Duration = Duration::from_secs(2);

impl Reporter {
    /// A reporter that asks `worker`, and the control loop through `control` and `waker`.
    pub fn new(
        worker: WorkerHandle,
        control: Sender<Sender<Known>>,
        waker: Arc<mio::Waker>,
        networks: Vec<Network>,
    ) -> Self {
        Self { worker, control, waker, networks: networks.into() }
    }

    /// The relay now; `None` when the daemon is stopping.
    pub fn relay(&self) -> Option<RelayReport> {
        let (reply, snapshot) = crossbeam_channel::bounded(1);
        self.control.send(reply).ok()?;
        self.waker.wake().ok()?;
        let known = snapshot.recv_timeout(PATIENCE).ok()?;
        Some(self.join(&known, self.worker.report()?))
    }

    fn join(&self, known: &Known, page: Page) -> RelayReport {
        let Known { snapshot, counters, associations, ipsec, clear, ng } = known;
        let legs: HashMap<LegId, &LegReport> = page.legs.iter().map(|leg| (leg.leg, leg)).collect();
        let flows = snapshot.connections.iter().filter_map(|connection| {
            let leg = legs.get(&connection.leg)?;
            let port = usize::from(leg.port.0);
            Some(Flow {
                endpoint: connection.endpoint.clone(),
                call: connection.call.clone(),
                connection: connection.connection.clone(),
                network: self.networks[port].name.clone(),
                ..flow(leg, &page.ports[port])
            })
        });
        let ng_flows = ng.iter().flat_map(|ng| &ng.flows).filter_map(|known| {
            let leg = legs.get(&known.leg)?;
            let port = usize::from(leg.port.0);
            Some(Flow {
                endpoint: "ng".into(),
                call: known.call.clone(),
                connection: known.party.clone(),
                network: self.networks[port].name.clone(),
                ..flow(leg, &page.ports[port])
            })
        });
        let ng_counts = ng
            .iter()
            .flat_map(|ng| ng.counters.named().into_iter().chain([("strangers", ng.strangers)]));
        RelayReport {
            version: env!("CARGO_PKG_VERSION").into(),
            srtp_backend: page.srtp_backend.into(),
            packets: Packets {
                received: page.counters.received,
                forwarded: page.counters.forwarded,
                consumed: page.counters.consumed,
                dropped: page.counters.drops().map(|(r, n)| (r.name().to_owned(), n)).collect(),
            },
            flows: flows.chain(ng_flows).collect(),
            mgcp: counters
                .named()
                .into_iter()
                .chain([("came_in_clear", *clear)])
                .map(|(name, n)| (name.to_owned(), n))
                .collect(),
            ng: ng_counts.map(|(name, n)| (name.to_owned(), n)).collect(),
            ipsec: associations.clone(),
            ipsec_state: ipsec.clone().map(|state| with_calls(state, snapshot)),
            ports: page.ports.iter().zip(&*self.networks).map(port).collect(),
        }
    }
}

/// Which calls are commanded over which path.
fn with_calls(mut state: IpsecState, snapshot: &Snapshot) -> IpsecState {
    for path in &mut state.paths {
        let commanded = snapshot.connections.iter().filter(|one| one.agent == path.remote.ip());
        let calls: BTreeSet<_> = commanded.map(|one| one.call.clone()).collect();
        path.calls = calls.into_iter().collect();
    }
    state
}

fn flow(leg: &LegReport, port: &PortPage) -> Flow {
    let (path, reason) = path(leg, &port.path);
    Flow {
        endpoint: String::new(),
        call: String::new(),
        connection: String::new(),
        network: String::new(),
        local: leg.local,
        remote: leg.remote,
        mode: mode_name(leg.mode).into(),
        receive: suite_name(leg.receive).into(),
        send: suite_name(leg.send).into(),
        path: path.name().into(),
        reason,
        packets_received: leg.stats.packets_received,
        packets_sent: leg.stats.packets_sent,
        octets_received: leg.stats.octets_received,
        octets_sent: leg.stats.octets_sent,
        rtcp_received: leg.stats.rtcp_received,
        rtcp_sent: leg.stats.rtcp_sent,
        packets_lost: leg.stats.packets_lost,
        dropped: leg.stats.dropped,
        jitter_us: leg.stats.jitter_us,
        silent_ms: leg.silent.as_millis() as u64,
    }
}

/// The way packets of a leg's peer take, and why.
fn path(leg: &LegReport, port: &Path) -> (PathKind, String) {
    match &leg.tier {
        Tier::Fast => (PathKind::Xdp, "RTP to RTP: new headers in the XDP program".into()),
        Tier::Engine(Stay::NoTier) => (port.kind, port.reason.clone().into_owned()),
        Tier::Engine(why) => (port.kind, format!("{}; not xdp: {}", port.reason, why.words())),
    }
}

fn port((page, network): (&PortPage, &Network)) -> PortReport {
    PortReport {
        network: network.name.clone(),
        interface: network.interface.clone(),
        path: page.path.kind.name().into(),
        reason: page.path.reason.clone().into_owned(),
        rx: page.stats.rx,
        tx: page.stats.tx,
        rx_lost: page.stats.rx_lost,
        tx_lost: page.stats.tx_lost,
        details: page
            .details
            .iter()
            .map(|&(name, n)| (name.to_owned(), n))
            .collect::<BTreeMap<_, _>>(),
    }
}

fn suite_name(suite: Option<Suite>) -> &'static str {
    suite.map_or("RTP", Suite::name)
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Inactive => "inactive",
        Mode::SendOnly => "sendonly",
        Mode::RecvOnly => "recvonly",
        Mode::SendRecv => "sendrecv",
        Mode::Loop => "netwloop",
    }
}
