use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::{Instant, SystemTime};

use ::ng::Ng;
use anyhow::{Context, anyhow, bail};
use crossbeam_channel::{Sender, unbounded};
use engine::command::{RtcpPolicy, SourceRule};
use engine::{Config as EngineConfig, Engine};
use gateway::{CallAgent, Gateway, KeyPolicy, VoiceEndpoint};
use media::Network as MediaNetwork;
use metrics::MetricsServer;
use mgcp::Version;
use port::PortId;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use sd_notify::NotifyState;
use socket2::{Domain, Socket, Type};
use tracing::{info, warn};

use crate::aside::Aside;
use crate::backhaul::BackhaulLine;
use crate::config::{Config, Dialect, Keys, Rtcp, Source};
use crate::control::{Control, Fronts, Kernel, Lines, ToControl, Wakeup};
use crate::flood::FloodWatch;
use crate::ipsec::{BypassPort, Protected};
use crate::left::Left;
use crate::lines::{Asked, LineServer, LineThread, LinesHandle, VoiceConfig, read_announcements};
use crate::metrics::collect;
use crate::neighbours::Neighbours;
use crate::ng::{NgConfig, NgFront, Opened};
use crate::ports::Ports;
use crate::privilege::drop_privileges;
use crate::reports::{Network, Reporter};
use crate::status_server::{SocketFile, StatusServer};
use crate::tap::TapServer;
use crate::worker::Worker;
use crate::xdp_features::XdpFeatures;

/// Runs the daemon until a signal ends it.
pub fn run(config: &Config) -> anyhow::Result<()> {
    config.check().map_err(|problem| anyhow!(problem))?;
    let now = Instant::now();
    let gateway = Gateway::new(now, gateway_config(config), Box::new(StdRng::from_os_rng()))?;

    let sockets = bind_all(config)?;
    let ng = config.ng.as_ref().map(|ng| ng_front(now, config, ng, &gateway)).transpose()?;
    let mut ports = Ports::open(config)?;
    let wakeup = Wakeup::new()?;
    let telephones = Telephones::open(config, &mut ports, &wakeup)?;
    let protected = config.ipsec.as_ref().map(|ipsec| {
        let settings = &config.gateway;
        let agent = |address| match settings.notify {
            Some(notify) if notify.ip() == address => notify,
            _ => SocketAddr::new(address, CALL_AGENT_PORT),
        };
        Protected::open(now, ipsec, &settings.listen, agent, Box::new(StdRng::from_os_rng()))
    });
    let mut protected = protected.transpose().context("IPsec")?;
    let status = StatusServer::bind(&config.status_socket)
        .with_context(|| format!("cannot listen at {}", config.status_socket.display()))?;
    let taps = config.capture_socket.as_deref().map(TapServer::bind).transpose();
    let taps = taps.context("cannot listen on `capture_socket`")?;
    let metrics = config.metrics.map(MetricsServer::bind).transpose();
    let metrics = metrics.context("cannot listen on the `metrics` address")?;
    let exits = if config.fast_tier { ports.exits() } else { Vec::new() };
    let features = XdpFeatures::new(now, exits);
    let tier = ports.fast_tier(|port| match config.fast_tier {
        true => features.of(port),
        false => Err("the fast tier is switched off".into()),
    });
    let tier = tier.context("cannot set up the fast tier")?;
    let flood = FloodWatch::new(now, ports.programs.iter().flatten());
    let programs: Vec<_> =
        ports.programs.iter().flatten().map(|(program, ..)| program.clone()).collect();
    for (program, why) in programs.iter().filter_map(|p| Some((p, p.why_mortal()?))) {
        warn!(interface = program.interface(), "a crash of this daemon would end its media: {why}");
    }
    let left = Left::new(now, programs, gateway.ports());
    drop_privileges().context("cannot give up privileges")?;

    for (media, port) in config.media.iter().zip(&ports.ports) {
        let path = port.path();
        info!(network = media.name, path = path.kind.name(), reason = %path.reason, "open");
    }
    let place = config.ipsec.as_ref().and_then(|ipsec| ipsec.bypass.as_ref()).and_then(|bypass| {
        let number = config.media.iter().position(|media| media.name == bypass.network)?;
        Some((bypass, number))
    });
    let (aside, laid) =
        place.map(|(_, number)| Aside::new(PortId(number as u8), wakeup.waker.clone())).unzip();
    let bypass_port = place.zip(laid).and_then(|((_, number), laid)| {
        let (program, ..) = ports.programs[number].as_ref()?;
        let engine::PortConfig { mac, tags, .. } = ports.configs[number];
        let (program, path) = (program.clone(), ports.ports[number].path());
        Some(move |worker| BypassPort {
            program,
            number: PortId(number as u8),
            worker,
            laid,
            mac,
            tags,
            path,
        })
    });
    let engine = EngineConfig {
        ports: ports.configs,
        max_legs: 2 * relays(config) + VOICE_LEGS * voice(config).count(),
        srtp: srtp_config(config),
    };
    let neighbours = Neighbours::new(now, ports.interfaces).context("cannot ask for neighbours")?;
    let (to_control, from_worker) = unbounded();
    let outbox = ToControl { queue: to_control, waker: wakeup.waker.clone() };
    let mut engine = Engine::new(now, engine);
    if ports.programs.iter().any(Option::is_some) {
        engine.set_fast_tier(Box::new(tier));
    }
    let (worker, handle) =
        Worker::new(engine, ports.pool, ports.ports, outbox, config.busy_poll, aside)?;
    if let (Some(protected), Some((bypass, _))) = (&mut protected, place) {
        protected.bypass(bypass, bypass_port.map(|port| port(handle.clone()))).context("IPsec")?;
    }
    let core = find_core(config.core)?;
    let thread = thread::Builder::new().name("packets".into()).spawn(move || {
        if let Some(core) = core {
            core_affinity::set_for_current(core);
        }
        worker.run()
    })?;

    let (ask, snapshots) = unbounded();
    let networks = config
        .media
        .iter()
        .map(|media| Network { name: media.name.clone(), interface: media.interface.clone() })
        .chain(telephones.iter().map(|_| Network { name: "lines".into(), interface: None }));
    let reporter = Reporter::new(handle.clone(), ask, wakeup.waker.clone(), networks.collect());
    let (telephones, _line_socket_file) = match telephones {
        Some(telephones) => telephones.start().map(|(handle, file)| (Some(handle), Some(file)))?,
        None => (None, None),
    };
    let (tapped, tapping) = (reporter.clone(), handle.clone());
    let _tap_file = taps.as_ref().map(TapServer::file);
    if let Some(taps) = taps {
        thread::Builder::new().name("tap".into()).spawn(move || taps.run(&tapped, &tapping))?;
    }
    let lines = Lines { from_worker, snapshots, telephones, worker: handle, thread };
    let leave = config.gateway.leave.duration();
    let kernel = Kernel { neighbours, features, flood, left };
    let settings = &config.gateway;
    let backhaul = settings
        .backhaul
        .as_ref()
        .map(|backhaul| BackhaulLine::new(now, backhaul, &settings.name, &settings.listen));
    let fronts = Fronts { gateway, sockets, protected, backhaul, ng };
    let control = Control::new(wakeup, fronts, kernel, lines, leave)?;

    let asked = reporter.clone();
    let _socket_file = status.file();
    thread::Builder::new().name("status".into()).spawn(move || status.run(&asked))?;
    if let Some(metrics) = metrics {
        thread::Builder::new().name("metrics".into()).spawn(move || {
            if let Err(error) = metrics.run(|| collect(&reporter)) {
                tracing::error!(%error, "no metrics are served");
            }
        })?;
    }
    // Whoever started us may not be systemd.
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    info!("ready");
    let result = control.run();
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    result
}

/// The telephones, before they are there.
struct Telephones {
    thread: LineThread,
    handle: LinesHandle,
    server: LineServer,
    ask: Sender<Asked>,
}

impl Telephones {
    /// Opens what they need, and their port behind the others; none if there are no voice endpoints.
    fn open(config: &Config, ports: &mut Ports, wakeup: &Wakeup) -> anyhow::Result<Option<Self>> {
        let names: Vec<_> = voice(config).map(|endpoint| endpoint.name).collect();
        if names.is_empty() {
            return Ok(None);
        }
        let directory = config.lines.announcements.as_deref();
        let announcements = directory.map(read_announcements).transpose()?.unwrap_or_default();
        let socket = &config.lines.socket;
        let server = LineServer::bind(socket)
            .with_context(|| format!("cannot listen at {}", socket.display()))?;
        let seed = StdRng::from_os_rng().next_u64();
        let (thread, port, handle, ask) =
            LineThread::new(names, announcements, seed, wakeup.waker.clone())?;
        ports.add_internal(Box::new(port));
        Ok(Some(Self { thread, handle, server, ask }))
    }

    fn start(self) -> anyhow::Result<(LinesHandle, SocketFile)> {
        let file = self.server.file();
        self.thread.start()?;
        let (server, ask) = (self.server, self.ask);
        thread::Builder::new().name("line server".into()).spawn(move || server.run(&ask))?;
        Ok((self.handle, file))
    }
}

/// The front for SIP proxies, which lends its media ports from where the gateway has its own.
fn ng_front(
    now: Instant,
    config: &Config,
    ng: &NgConfig,
    gateway: &Gateway,
) -> anyhow::Result<NgFront> {
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let settings = ::ng::Config {
        networks: networks(config),
        streams: ng.streams.0 as usize,
        source: source_rule(config),
        rtcp: rtcp_policy(config),
        timeout: ng.timeout(),
        unix: unix.map_or(0, |unix| unix.as_secs()),
    };
    let rng = Box::new(StdRng::from_os_rng());
    Ok(NgFront {
        front: Ng::new(now, settings, gateway.ports(), rng),
        opened: Opened::open(ng)?,
        admit: ng.admit.clone(),
    })
}

/// Relays of all fronts.
fn relays(config: &Config) -> usize {
    config.gateway.endpoints.0 as usize + config.ng_streams()
}

/// The voice endpoints of a configuration.
fn voice(config: &Config) -> impl Iterator<Item = VoiceEndpoint> {
    config.gateway.voice.iter().flat_map(VoiceConfig::endpoints)
}

/// Legs of a voice endpoint: two connections, each with a leg to the telephone.
const VOICE_LEGS: usize = 4;

fn bind_all(config: &Config) -> anyhow::Result<Vec<UdpSocket>> {
    // What is said through IPsec past the kernel needs no address of it.
    let bypassed = config.ipsec.as_ref().filter(|ipsec| ipsec.bypass.is_some());
    let inner = bypassed.map(|ipsec| ipsec.inner_addresses()).unwrap_or_default();
    let bind = |address: &SocketAddr| {
        bind(*address, inner.contains(&address.ip())).with_context(|| {
            format!("cannot listen for MGCP on {address}; is the address ours and the port free?")
        })
    };
    config.gateway.listen.iter().map(bind).collect()
}

/// A socket on an address, which the kernel need not have if it is `free`.
fn bind(address: SocketAddr, free: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    if free && address.is_ipv4() {
        socket.set_freebind_v4(true)?;
    } else if free {
        socket.set_freebind_v6(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn find_core(wanted: Option<usize>) -> anyhow::Result<Option<core_affinity::CoreId>> {
    let Some(wanted) = wanted else { return Ok(None) };
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    match cores.iter().find(|core| core.id == wanted) {
        Some(core) => Ok(Some(*core)),
        None => bail!(
            "`core = {wanted}`: this process may use cores {:?}",
            cores.iter().map(|core| core.id).collect::<Vec<_>>()
        ),
    }
}

fn srtp_config(config: &Config) -> srtp::Config {
    srtp::Config {
        backend: config.srtp_backend.0,
        // Each leg may have keys for both directions.
        max_sessions: 4 * relays(config) + VOICE_LEGS * voice(config).count(),
        ..srtp::Config::default()
    }
}

fn gateway_config(config: &Config) -> gateway::Config {
    let settings = &config.gateway;
    let notify = settings.notify.or_else(|| {
        settings.call_agents.first().map(|address| SocketAddr::new(*address, CALL_AGENT_PORT))
    });
    let others = settings.call_agents.iter().map(|a| SocketAddr::new(*a, CALL_AGENT_PORT));
    let agents = notify.into_iter().chain(others.filter(|other| Some(*other) != notify));
    gateway::Config {
        validate_domain: settings.validate_domain,
        call_agents: agents
            .map(|address| CallAgent { name: None, addresses: vec![address] })
            .collect(),
        endpoints: settings.endpoints.0,
        voice: voice(config).collect(),
        line_port: PortId(config.media.len() as u8),
        keep_alive: settings.keep_alive.duration(),
        commands_per_second: settings.commands_per_second,
        persistent_off_hook: settings.persistent_off_hook,
        own_version: match settings.dialect {
            Dialect::V1_0 => Version::V1_0,
            Dialect::V0_1 => Version::V0_1,
        },
        networks: networks(config),
        source: source_rule(config),
        rtcp: rtcp_policy(config),
        key_policy: match settings.keys {
            Keys::Require => KeyPolicy::Require,
            Keys::Prefer => KeyPolicy::Prefer,
            Keys::TrustedPath => KeyPolicy::TrustedPath,
        },
        idle_after: settings.idle.duration(),
        restart_delay_max: settings.restart_wait.duration(),
        ..gateway::Config::new(&settings.name)
    }
}

/// The media networks, in the order of their ports.
fn networks(config: &Config) -> Vec<MediaNetwork> {
    let networks = config.media.iter().enumerate().map(|(index, media)| MediaNetwork {
        name: media.name.clone(),
        port: PortId(index as u8),
        addresses: media.addresses.clone(),
        prefixes: media.networks.iter().map(|network| network.0).collect(),
        ports: media.ports.0.clone(),
    });
    networks.collect()
}

fn source_rule(config: &Config) -> SourceRule {
    match config.gateway.source {
        Source::Exact => SourceRule::Exact,
        Source::LearnAuthenticated => SourceRule::LearnAuthenticated,
    }
}

fn rtcp_policy(config: &Config) -> RtcpPolicy {
    match config.gateway.rtcp {
        Rtcp::Off => RtcpPolicy::Off,
        Rtcp::Clear => RtcpPolicy::Clear,
        Rtcp::Srtcp => RtcpPolicy::LikeRtp,
    }
}

/// Where call agents listen (RFC 3435 §3.5).
const CALL_AGENT_PORT: u16 = 2727;
