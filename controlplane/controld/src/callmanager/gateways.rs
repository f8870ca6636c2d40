//! The call agent for voice gateways, and the IKE daemon that it asks before it sends keys.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Instant;

use callagent::voice::{
    Config as AgentConfig, Cover, GatewayConfig, GatewayView, KeyPolicy, NoPaths, PathSource,
    Paths, Plan, PortConfig, Report, Verdict, VoiceAgent, Way,
};
use callmanager::exchange::PortOrder;
use callprocessing::service::{Answers, Fault, GatewayPlan, GatewaySetup, Gateways, PortSetup};
use capture::Tap;
use console::{GatewayStatus, PortStatus};
use esp::Flow;
use keying::vici::{Expected, Watch};
use mgcp::Version;
use store::{Dialect, Direction, Node, PathKind};

use crate::config::Config;

/// Passes orders on.
pub struct Commanding(pub Arc<VoiceAgent>);

impl Gateways for Commanding {
    fn order(&mut self, order: PortOrder) {
        self.0.order(order);
    }

    fn configure(&mut self, plan: &GatewayPlan) {
        let (gateways, mixed_mode) = (plan.gateways.iter(), plan.mixed_mode);
        // The database takes some names and digit maps that MGCP does not: those gateways are left
        // out, and `ringfence gateway check` tells.
        let sound = |gateway: &GatewayConfig| {
            Plan { gateways: vec![gateway.clone()], mixed_mode }.check().is_ok()
        };
        let gateways = gateways.map(gateway).filter(sound).collect();
        self.0.configure(Plan { gateways, mixed_mode });
    }
}

fn gateway(setup: &GatewaySetup) -> GatewayConfig {
    let GatewaySetup { gateway, rank, ports } = setup;
    GatewayConfig {
        name: gateway.name.clone(),
        addresses: gateway.addresses.clone(),
        version: match gateway.dialect {
            Dialect::Mgcp01 => Version::V0_1,
            Dialect::Mgcp10 => Version::V1_0,
        },
        key_policy: match gateway.key_policy {
            store::KeyPolicy::Require => KeyPolicy::Require,
            store::KeyPolicy::Prefer => KeyPolicy::Prefer,
            store::KeyPolicy::TrustedPath => KeyPolicy::TrustedPath,
        },
        path: match gateway.path {
            PathKind::Elsewhere => PathSource::Elsewhere,
            PathKind::Here => {
                let identity = Some(gateway.identity.clone()).filter(|name| !name.is_empty());
                PathSource::Here { identity }
            }
        },
        rank: *rank,
        digit_map: gateway.digit_map.parse().ok(),
        drop_secure_calls: gateway.drop_secure_calls,
        ports: ports.iter().map(port).collect(),
    }
}

fn port(setup: &PortSetup) -> PortConfig {
    let PortSetup { port, profile } = setup;
    PortConfig {
        local: port.name.clone(),
        profile: profile.clone(),
        attendant: port.attendant.as_ref().map(ToString::to_string),
        takes_calls_in: port.direction != Direction::Out,
        capture: port.capture,
    }
}

/// Starts it. Failure is told in English, for logs and alarms.
pub fn start(
    config: &Config,
    at: SocketAddr,
    me: &Node,
    answers: Answers,
    tap: Arc<dyn Tap>,
) -> Result<VoiceAgent, Fault> {
    let socket = UdpSocket::bind(at)
        .map_err(|error| format!("cannot listen on {at}: {error}; set `mgcp` in [controld]"))?;
    let told = |error: std::io::Error| error.to_string();
    let port = socket.local_addr().map_err(told)?.port();
    // What IPsec covers is told by addresses, so that it must be known which is ours.
    let ours = if at.ip().is_unspecified() { me.address } else { at.ip() };
    let paths: Box<dyn Paths> = match &config.vici {
        Some(socket) => Box::new(Charon(Watch::start(socket, || {}).map_err(told)?)),
        None => Box::new(NoPaths),
    };
    let settings = AgentConfig { tap, ..AgentConfig::new(&me.name, SocketAddr::new(ours, port)) };
    let tell = move |report| match report {
        Report::Event(event) => answers.port(event),
        Report::Keys { port, call, verdict } => {
            let what = if verdict.lets_keys_go() { "sent to" } else { "not sent to" };
            answers.keys(format!("keys of call {call} {what} {port}: {}", verdict.detail()));
        }
        Report::Closed { port, statistics } => {
            answers.note(|| format!("a connection of {port} has ended: {statistics}"));
        }
        Report::Captured { port, text } => answers.note(|| format!("{port} {text}")),
        Report::Alarm(alarm) => answers.alarm(&alarm),
    };
    VoiceAgent::start(settings, paths, socket, tell).map_err(told)
}

/// What charon says. The agent looks every few seconds and before each key, so that nobody has to
/// tell it of changes.
struct Charon(Watch);

impl Paths for Charon {
    fn look(&mut self, _: Instant, way: &Way<'_>) -> Cover {
        let (ours, theirs) = (way.ours, way.theirs);
        let flow = Flow::udp((ours.ip(), ours.port()), (theirs.ip(), theirs.port()));
        let expected = Expected { peer: way.identity, mode: None };
        match self.0.coverage(&flow, &expected) {
            Ok(covered) => Cover::Covered {
                association: format!(
                    "{}/{} #{} with {}, SPIs {:08x} in and {:08x} out, {}",
                    covered.connection,
                    covered.child,
                    covered.id,
                    covered.peer,
                    covered.spi_in,
                    covered.spi_out,
                    covered.suite,
                ),
            },
            Err(gap) => Cover::Open { reason: gap.to_string() },
        }
    }
}

/// A gateway as administrators see it.
pub fn status(view: GatewayView) -> (String, GatewayStatus) {
    let port = |port: callagent::voice::PortView| PortStatus {
        name: port.name,
        in_service: port.in_service,
        refusal: port.refusal,
        srtp: port.srtp,
        secure: port.secure,
        capture: port.capture,
        calls: port.calls,
    };
    let path = view.path.as_ref().map(|verdict| match verdict {
        Verdict::Covered { .. } => "covered",
        Verdict::Trusted { .. } => "trusted",
        Verdict::InClear { .. } => "in-clear",
        Verdict::Refused { .. } => "refused",
    });
    let status = GatewayStatus {
        state: view.state.as_str().to_owned(),
        path: path.map(str::to_owned),
        detail: view.path.as_ref().map(Verdict::detail).unwrap_or_default(),
        ports: view.ports.into_iter().map(port).collect(),
    };
    (view.name, status)
}
