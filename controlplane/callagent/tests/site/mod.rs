//! A call agent and relays on a virtual clock: the gateway and the engine of the data plane, and
//! between them a network that loses, doubles and reorders.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use callmanager::codec::Codec;
use callmanager::keys::StreamKeys;
use callmanager::switchboard::{
    CallId, LinkId, RelayOrder, RelayRefused, RelayedBy, RelayedEnd, RelayedKeys, RelayedLink,
    StreamId,
};
use engine::command::{Event, LegStats, Reply};
use engine::{Engine, PortConfig};
use gateway::{CallAgent, Config as GatewayConfig, Gateway, Network};
use port::{Medium, PortId};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use ringfence_callagent::{Agent, Config, RelayAlarm, RelayConfig, RelayState, Report};
use wire::ethernet::MacAddr;

pub const AGENT: &str = "10.9.0.1:2727";
pub const SECOND: Duration = Duration::from_secs(1);
pub const MS: Duration = Duration::from_millis(1);
/// One way takes this long.
pub const LATENCY: Duration = MS;

/// What the network does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Datagrams lost, of a hundred.
    pub lost: u32,
    /// Datagrams doubled, of a hundred.
    pub doubled: u32,
    /// The longest delay beyond the usual one.
    pub jitter: Duration,
}

pub struct Site {
    pub now: Instant,
    pub agent: Agent,
    pub relays: Vec<Relay>,
    pub faults: Faults,
    /// What came of the orders, oldest first.
    pub reports: Vec<Report>,
    /// Everything that went over the wire.
    pub sent: Vec<String>,
    rng: StdRng,
    /// By when they arrive.
    wire: BTreeMap<(Instant, u64), Datagram>,
    serial: u64,
    next_link: u32,
}

struct Datagram {
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
}

/// A relay: the data plane without its sockets.
pub struct Relay {
    pub config: GatewayConfig,
    pub address: SocketAddr,
    pub gateway: Gateway,
    pub engine: Engine,
    /// Whether it hears anything, and is heard.
    pub reachable: bool,
    /// Whether it is heard.
    pub speaks: bool,
    /// Packets that a connection is said to have received.
    pub received: fn(now: Duration) -> u64,
    /// What becomes of what it says.
    pub mangle: fn(String) -> String,
    start: Instant,
}

pub fn relay_config(number: u8) -> GatewayConfig {
    let network = |name: &str, port, v4: &str, v6: &str, prefix: &str| Network {
        name: name.into(),
        port: PortId(port),
        addresses: vec![v4.parse().unwrap(), v6.parse().unwrap()],
        prefixes: vec![prefix.parse().unwrap()],
        ports: 16384..=32767,
    };
    let agent = CallAgent { name: None, addresses: vec![AGENT.parse().unwrap()] };
    GatewayConfig {
        call_agents: vec![agent],
        networks: vec![
            network("inside", 0, "10.1.0.1", "2001:db8:1::1", "10.1.0.0/16"),
            network("outside", 1, "192.0.2.1", "2001:db8:2::1", "192.0.2.0/24"),
        ],
        restart_delay_max: Duration::ZERO,
        endpoints: 150,
        ..GatewayConfig::new(&format!("relay{number}"))
    }
}

impl Relay {
    pub fn new(now: Instant, address: SocketAddr, config: GatewayConfig, seed: u64) -> Self {
        let port = PortConfig {
            medium: Medium::Ethernet,
            mtu: 1500,
            mac: MacAddr([2, 0, 0, 0, 0, 1]),
            tags: [None, None],
        };
        let ports = vec![port.clone(), port];
        let engine = engine::Config { ports, max_legs: 2000, srtp: srtp::Config::default() };
        let rng = Box::new(StdRng::seed_from_u64(seed));
        Self {
            gateway: Gateway::new(now, config.clone(), rng).unwrap(),
            engine: Engine::new(now, engine),
            config,
            address,
            reachable: true,
            speaks: true,
            received: |_| 0,
            mangle: |text| text,
            start: now,
        }
    }

    fn run_engine(&mut self, now: Instant) {
        while let Some((token, command)) = self.gateway.poll_command() {
            let reply = match self.engine.execute(now, command) {
                Reply::Stats(stats) => {
                    let packets_received = (self.received)(now - self.start);
                    Reply::Stats(LegStats { packets_received, ..stats })
                }
                reply => reply,
            };
            self.gateway.handle_reply(now, token, reply);
        }
    }

    /// Whether nothing of any call is left.
    pub fn is_empty(&self) -> bool {
        let snapshot = self.gateway.snapshot();
        snapshot.connections.is_empty()
            && self.engine.leg_count() == 0
            && (snapshot.port_pairs, snapshot.keys) == (0, 0)
    }
}

impl Site {
    /// A site with so many relays, which have just been started.
    pub fn new(relays: u8) -> Self {
        Self::with(relays, 1)
    }

    pub fn with(relays: u8, seed: u64) -> Self {
        let now = Instant::now();
        let relays: Vec<_> = (1..=relays)
            .map(|number| {
                let address = SocketAddr::from(([10, 9, 0, 100 + number], 2427));
                Relay::new(now, address, relay_config(number), seed + u64::from(number))
            })
            .collect();
        let agent = Agent::new(now, agent_config(&relays), seed).unwrap();
        Self {
            now,
            agent,
            relays,
            faults: Faults::default(),
            reports: Vec::new(),
            sent: Vec::new(),
            rng: StdRng::seed_from_u64(seed),
            wire: BTreeMap::new(),
            serial: 0,
            next_link: 0,
        }
    }

    /// The same, and all relays are known to be in service.
    pub fn in_service(relays: u8) -> Self {
        let mut site = Self::new(relays);
        site.pass(2 * SECOND);
        assert!(site.states().iter().all(|state| *state == RelayState::InService));
        assert!(site.reports.is_empty(), "{:?}", site.reports);
        site
    }

    pub fn states(&self) -> Vec<RelayState> {
        self.agent.relays().into_iter().map(|relay| relay.state).collect()
    }

    /// A stream between a device inside and one outside.
    pub fn link(&mut self, secure: bool) -> RelayedLink {
        self.next_link += 1;
        let number = self.next_link;
        let [.., high, low] = number.to_be_bytes();
        let a = SocketAddr::from(([10, 1, high, low], 20_000));
        let b = SocketAddr::from(([192, 0, 2, low], 22_000 + u16::from(high)));
        let keys = || {
            let keys = secure.then(|| StreamKeys::fresh().unwrap())?;
            let (from_device, to_device) = (Arc::new(keys.forth), Arc::new(keys.back));
            Some(RelayedKeys { from_device, to_device })
        };
        let end = |stream: u32, address| RelayedEnd {
            stream: StreamId(stream),
            address,
            sends: true,
            receives: true,
            keys: keys(),
        };
        RelayedLink {
            link: LinkId(number),
            call: CallId(1000 + number),
            codec: Codec::G711_ULAW,
            ends: [end(2 * number, a), end(2 * number + 1, b)],
        }
    }

    pub fn order(&mut self, order: RelayOrder) {
        self.agent.order(self.now, order);
        self.exchange();
    }

    /// Orders a stream, and says its name.
    pub fn open(&mut self, secure: bool) -> LinkId {
        let link = self.link(secure);
        let name = link.link;
        self.order(RelayOrder::Open(link));
        name
    }

    pub fn close(&mut self, link: LinkId) {
        self.order(RelayOrder::Close { link });
    }

    /// Opens a stream and waits until it is there.
    pub fn opened(&mut self, secure: bool) -> LinkId {
        let link = self.open(secure);
        self.pass(100 * MS);
        let result = self.result(link);
        assert!(matches!(result, Some(Ok(_))), "{result:?}");
        link
    }

    /// What came of the order to open a stream.
    pub fn result(&mut self, link: LinkId) -> Option<Result<RelayedBy, RelayRefused>> {
        let is_it =
            |report: &Report| matches!(report, Report::Opened { link: l, .. } if *l == link);
        let at = self.reports.iter().position(is_it)?;
        let Report::Opened { result, .. } = self.reports.remove(at) else { unreachable!("found") };
        Some(result)
    }

    /// The streams that were lost, as a server would close them.
    pub fn lost(&mut self) -> Vec<LinkId> {
        let lost = self.reports.extract_if(.., |report| matches!(report, Report::Lost { .. }));
        let lost: Vec<_> = lost
            .filter_map(|report| match report {
                Report::Lost { link } => Some(link),
                _ => None,
            })
            .collect();
        for link in &lost {
            self.close(*link);
        }
        lost
    }

    /// What administrators were told since they were asked last.
    pub fn alarms(&mut self) -> Vec<RelayAlarm> {
        let alarms = self.reports.extract_if(.., |report| matches!(report, Report::Alarm(_)));
        let alarm = |report| match report {
            Report::Alarm(alarm) => Some(alarm),
            _ => None,
        };
        alarms.filter_map(alarm).collect()
    }

    /// The relay with this index has crashed, and is started again.
    pub fn restart_relay(&mut self, index: usize) {
        let old = &self.relays[index];
        let seed = self.rng.random();
        self.relays[index] = Relay::new(self.now, old.address, old.config.clone(), seed);
        self.exchange();
    }

    /// The call agent has crashed, and is started again.
    pub fn restart_agent(&mut self) {
        let config = agent_config(&self.relays);
        let seed = self.rng.random();
        self.agent = Agent::new(self.now, config, seed).unwrap();
        self.wire.retain(|_, datagram| datagram.to != AGENT.parse().unwrap());
        self.exchange();
    }

    pub fn event(&mut self, relay: usize, event: Event) {
        self.relays[relay].gateway.handle_event(self.now, event);
        self.exchange();
    }

    /// A datagram that nobody knows the sender of.
    pub fn inject(&mut self, from: IpAddr, text: &str) {
        self.agent.handle_datagram(self.now, (from, 2427).into(), text.as_bytes());
        self.exchange();
    }

    /// Lets time pass and everything happen that is due in it.
    pub fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(due) = self.next_due().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.step();
        }
        self.now = end;
    }

    fn next_due(&self) -> Option<Instant> {
        let wire = self.wire.first_key_value().map(|((at, _), _)| *at);
        let relays = self.relays.iter().filter_map(|relay| relay.gateway.poll_timeout());
        relays.chain(wire).chain(self.agent.poll_timeout()).min()
    }

    fn step(&mut self) {
        while let Some(entry) = self.wire.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let Datagram { from, to, bytes } = entry.remove();
            if to == AGENT.parse().unwrap() {
                self.agent.handle_datagram(self.now, from, &bytes);
            }
            let here = |relay: &&mut Relay| relay.reachable && relay.address == to;
            if let Some(relay) = self.relays.iter_mut().find(here) {
                relay.gateway.handle_datagram(self.now, from, &bytes);
            }
        }
        self.agent.handle_timeout(self.now);
        for relay in &mut self.relays {
            relay.gateway.handle_timeout(self.now);
        }
        self.exchange();
    }

    /// Moves everything that wants to move now.
    pub fn exchange(&mut self) {
        let agent: SocketAddr = AGENT.parse().unwrap();
        let mut datagrams = Vec::new();
        for relay in &mut self.relays {
            relay.run_engine(self.now);
            while let Some((to, datagram)) = relay.gateway.poll_datagram() {
                let text = String::from_utf8(datagram.to_vec()).unwrap();
                let bytes = (relay.mangle)(text).into_bytes();
                if relay.reachable && relay.speaks {
                    datagrams.push(Datagram { from: relay.address, to, bytes });
                }
            }
        }
        while let Some((to, datagram)) = self.agent.poll_datagram() {
            datagrams.push(Datagram { from: agent, to, bytes: datagram.to_vec() });
        }
        while let Some(report) = self.agent.poll_report() {
            self.reports.push(report);
        }
        for Datagram { from, to, bytes } in datagrams {
            self.sent.push(String::from_utf8(bytes.clone()).unwrap());
            let mut copies = u32::from(self.rng.random_range(0..100) >= self.faults.lost);
            copies += u32::from(self.rng.random_range(0..100) < self.faults.doubled);
            for _ in 0..copies {
                let jitter = self.faults.jitter.mul_f64(self.rng.random_range(0.0..1.0));
                self.serial += 1;
                let at = (self.now + LATENCY + jitter, self.serial);
                self.wire.insert(at, Datagram { from, to, bytes: bytes.clone() });
            }
        }
    }

    /// Nothing of any call is left anywhere.
    pub fn assert_clean(&self) {
        assert!(self.agent.is_idle(), "{:?}", self.agent.relays());
        for relay in &self.relays {
            assert!(relay.is_empty(), "{:?}", relay.gateway.snapshot());
        }
    }
}

fn agent_config(relays: &[Relay]) -> Config {
    let relay = |relay: &Relay| RelayConfig {
        name: relay.config.domain.clone(),
        addresses: vec![relay.address],
    };
    Config::new("cm1", relays.iter().map(relay).collect())
}
