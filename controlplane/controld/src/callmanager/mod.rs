//! CallManager, put together out of this node's settings: call processing, media resources, and the
//! call agents that command relays and voice gateways.

mod gateways;
mod music;
mod view;

use std::net::{IpAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::SystemTime;

use callagent::voice::VoiceAgent;
use callagent::{CallAgent, RelayConfig, Report};
use callmanager::switchboard::RelayOrder;
use callprocessing::census::Limits;
use callprocessing::handle::Handle;
use callprocessing::service::{
    self, Answers, Fault, Gateways, NoGateways, NoRelays, NoResources, Relays, Resources, Running,
    Setup,
};
use capture::{NoTap, Tap};
use legacytls::client::Cell;
use pki::Identity;
use recorder::Recorder;
use store::{CallSettings, Node, Store};

use crate::config::Config;
use crate::identity;
use music::Playing;

/// What a running CallManager shows of itself. It ends with its [`Running`].
#[derive(Clone)]
pub struct Desk {
    handle: Handle,
    node: String,
    relays: Option<Arc<CallAgent>>,
    gateways: Option<Arc<VoiceAgent>>,
    /// Who captures what phones say; at a branch whose centre is away nobody does.
    recorder: Option<Arc<Recorder>>,
}

/// What keeps CallManager running.
pub struct CallManager {
    /// Call processing; it ends with this.
    _running: Running,
    /// What the office sees of it.
    pub desk: Desk,
    /// What works, though not as it should; for logs and alarms.
    pub warning: Option<String>,
}

/// How much of it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// With music, conferences and relays.
    Whole,
    /// Calls from phone to phone, and nothing else: at a branch whose centre is away.
    CallsAlone,
}

/// Starts it. Failure is told in English, for logs and alarms.
pub fn start(
    config: &Config,
    store: &Arc<Store>,
    address: IpAddr,
    cell: Option<&Cell>,
    me: &Node,
    now: SystemTime,
    extent: Extent,
) -> Result<CallManager, String> {
    let own = identity::open(&config.key_directory, me, store, now)?;
    let settings =
        store.read(|view| CallSettings::read(view, &me.name)).map_err(|error| error.to_string())?;
    let recorder = match extent {
        Extent::Whole => Some(Arc::new(start_recorder(config, store, address, &own, me)?)),
        Extent::CallsAlone => None,
    };
    let tap: Arc<dyn Tap> = match &recorder {
        Some(recorder) => recorder.tap(),
        None => Arc::new(NoTap),
    };
    let mut warning = None;
    let mut agent = None;
    let mut voice = None;
    let setup = Setup {
        store: Arc::clone(store),
        node: me.name.clone(),
        plain: listen(address, settings.port)?,
        secure: listen(address, settings.secure_port)?,
        certificate: own.certificate().clone(),
        key_file: config.key_directory.join(pki::node::KEY_FILE),
        cell,
        limits: Limits::of(&settings),
        trace_directory: config.trace_directory(),
        tap: Arc::clone(&tap),
        resources: Box::new(|answers| {
            if extent == Extent::CallsAlone {
                return Ok(Box::new(NoResources(answers)) as Box<dyn Resources>);
            }
            Ok(match Playing::start(config, &settings, me, answers.clone()) {
                Ok(started) => Box::new(started) as Box<dyn Resources>,
                // Calls go on without.
                Err(why) => {
                    warning = Some(format!("no music on hold and no conferences: {why}"));
                    Box::new(NoResources(answers))
                }
            })
        }),
        relays: Box::new(|answers| {
            let none = config.relay.is_empty() || extent == Extent::CallsAlone;
            Ok(match none {
                true => Box::new(NoRelays(answers)) as Box<dyn Relays>,
                false => {
                    let tap = Arc::clone(&tap);
                    let started = Arc::new(start_agent(config, me, answers, tap)?);
                    agent = Some(Arc::clone(&started));
                    Box::new(Commanding(started))
                }
            })
        }),
        gateways: Box::new(|answers| {
            Ok(match config.mgcp {
                None => Box::new(NoGateways) as Box<dyn Gateways>,
                Some(at) => {
                    let tap = Arc::clone(&tap);
                    let started = Arc::new(gateways::start(config, at, me, answers, tap)?);
                    voice = Some(Arc::clone(&started));
                    Box::new(gateways::Commanding(started))
                }
            })
        }),
    };
    let running = service::start(setup)?;
    let (handle, node) = (running.handle().clone(), me.name.clone());
    let desk = Desk { handle, node, relays: agent, gateways: voice, recorder };
    Ok(CallManager { _running: running, desk, warning })
}

fn listen(address: IpAddr, port: u16) -> Result<TcpListener, String> {
    TcpListener::bind((address, port))
        .map_err(|error| format!("cannot listen on {address}, port {port}: {error}"))
}

struct Commanding(Arc<CallAgent>);

impl Relays for Commanding {
    fn order(&mut self, order: RelayOrder) {
        self.0.order(order);
    }
}

fn start_recorder(
    config: &Config,
    store: &Arc<Store>,
    address: IpAddr,
    own: &Identity,
    me: &Node,
) -> Result<Recorder, String> {
    recorder::service::start(recorder::Setup {
        store: Arc::clone(store),
        node: me.name.clone(),
        address: me.address,
        listen: address,
        certificate: own.certificate().clone(),
        key_file: config.key_directory.join(pki::node::KEY_FILE),
        directory: config.capture_directory(),
        keys: config.key_directory.join("capture"),
    })
}

fn start_agent(
    config: &Config,
    me: &Node,
    answers: Answers,
    tap: Arc<dyn Tap>,
) -> Result<CallAgent, Fault> {
    let relay = |relay: &crate::config::Relay| RelayConfig {
        name: relay.name.clone(),
        addresses: relay.addresses.clone(),
    };
    let relays = config.relay.iter().map(relay).collect();
    let socket = UdpSocket::bind(config.call_agent).map_err(|error| {
        format!("cannot listen on {}: {error}; set `call_agent` in [controld]", config.call_agent)
    })?;
    let tell = move |report| match report {
        Report::Opened { link, result } => answers.relayed(link, result),
        Report::Lost { link } => answers.relay_lost(link),
        Report::Closed { call, relay, ends } => answers.note(|| {
            let ends: String = ends.iter().flatten().map(ToString::to_string).collect();
            format!("call {call} went through {relay}{ends}")
        }),
        Report::Alarm(alarm) => answers.alarm(&alarm),
    };
    let config = callagent::Config { tap, ..callagent::Config::new(&me.name, relays) };
    let agent = CallAgent::start(config, socket, tell);
    agent.map_err(|error| error.to_string())
}
