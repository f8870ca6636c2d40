//! The gateway: whatever datagrams say and people at telephones do, its books and the engine's agree.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use engine::command::{Command, LegId, LegStats, Refusal, Reply};
use gateway::{CallAgent, Config, Gateway, Network, VoiceEndpoint, VoiceKind};
use line::command::{Event, LineId, Order, SLOTS, SignalName};
use port::PortId;
use rand::SeedableRng;
use rand::rngs::StdRng;

/// Where the call agent is.
const AGENT: &str = "10.9.0.1:2427";

/// Datagrams of a call agent, with a NUL between them.
pub fn datagrams(bytes: &[u8]) {
    let mut site = Site::new(&[]);
    for (index, datagram) in bytes.split(|&byte| byte == 0).enumerate() {
        site.hear(index, datagram);
        let snapshot = site.gateway.snapshot();
        assert_eq!(snapshot.connections.len(), site.legs.len());
        assert_eq!((snapshot.port_pairs, snapshot.commands_open), (site.legs.len(), 0));
    }
}

/// Datagrams of a call agent of voice endpoints, with a NUL between them; one that begins with
/// octet 1 is what happens at a telephone: pairs of a line and an event.
pub fn lines(bytes: &[u8]) {
    let mut site = Site::new(&["aaln/1", "aaln/2", "S0/DS1-0/1"]);
    for (index, chunk) in bytes.split(|&byte| byte == 0).enumerate() {
        match chunk {
            [1, events @ ..] => site.telephones(index, events),
            datagram => site.hear(index, datagram),
        }
        let connections = site.gateway.snapshot().connections;
        let voice = connections.iter().filter(|c| !c.endpoint.starts_with("pr/")).count();
        assert_eq!(site.slots.len(), voice, "telephones know of their connections");
        assert_eq!(
            site.legs.len(),
            connections.len() + voice,
            "and each has a leg to its telephone"
        );
    }
}

/// A gateway, and what others believe of it.
struct Site {
    start: Instant,
    gateway: Gateway,
    legs: HashSet<LegId>,
    /// Connections of telephones.
    slots: HashSet<(LineId, u8)>,
    /// Signals that go on at telephones.
    signals: HashSet<(LineId, SignalName, Option<u8>)>,
}

impl Site {
    fn new(voice: &[&str]) -> Self {
        let start = Instant::now();
        let network = Network {
            name: "inside".into(),
            port: PortId(0),
            addresses: vec!["10.1.0.1".parse().expect("an address")],
            prefixes: Vec::new(),
            ports: 16384..=16391,
        };
        let agent = AGENT.parse().expect("an address");
        let endpoint =
            |name: &&str| VoiceEndpoint { name: (*name).into(), kind: VoiceKind::of_name(name) };
        let config = Config {
            call_agents: vec![CallAgent { name: None, addresses: vec![agent] }],
            networks: vec![network],
            voice: voice.iter().map(endpoint).collect(),
            line_port: PortId(1),
            announce: false,
            endpoints: 8,
            ..Config::new("relay1")
        };
        let rng = Box::new(StdRng::seed_from_u64(1));
        Self {
            start,
            gateway: Gateway::new(start, config, rng).expect("a good configuration"),
            legs: HashSet::new(),
            slots: HashSet::new(),
            signals: HashSet::new(),
        }
    }

    /// Two seconds pass between one thing and the next.
    fn time(&mut self, index: usize) -> Instant {
        let now = self.start + Duration::from_secs(2) * index as u32;
        self.gateway.handle_timeout(now);
        now
    }

    fn hear(&mut self, index: usize, datagram: &[u8]) {
        let now = self.time(index);
        let agent = AGENT.parse().expect("an address");
        self.gateway.handle_datagram(now, agent, datagram);
        self.settle(now);
    }

    fn telephones(&mut self, index: usize, events: &[u8]) {
        let now = self.time(index);
        for pair in events.chunks_exact(2) {
            let event = match pair[1] {
                b'h' => Event::OffHook,
                b'u' => Event::OnHook,
                b'f' => Event::Flash,
                b'F' => Event::Fax,
                b'M' => Event::Modem,
                digit => Event::Digit(digit.into()),
            };
            self.gateway.handle_line_event(now, LineId(u32::from(pair[0] % 4)), event);
            self.settle(now);
        }
    }

    fn settle(&mut self, now: Instant) {
        while let Some((token, command)) = self.gateway.poll_command() {
            let reply = execute(&mut self.legs, command);
            self.gateway.handle_reply(now, token, reply);
        }
        while let Some((line, order)) = self.gateway.poll_order() {
            self.obey(line, order);
        }
        while self.gateway.poll_datagram().is_some() {}
    }

    fn obey(&mut self, line: LineId, order: Order) {
        match order {
            Order::Connect { slot, .. } => {
                assert!(usize::from(slot.0) < SLOTS);
                self.slots.insert((line, slot.0));
            }
            Order::Disconnect { slot } => assert!(self.slots.remove(&(line, slot.0))),
            Order::Start { signal, on, .. } => {
                self.signals.insert((line, signal, on.map(|slot| slot.0)));
            }
            Order::Stop { signal, on } => {
                let on = on.map(|slot| slot.0);
                assert!(self.signals.remove(&(line, signal, on)), "what ends has begun");
            }
        }
    }
}

fn execute(legs: &mut HashSet<LegId>, command: Command) -> Reply {
    match command {
        Command::Open { leg, .. } => {
            assert!(legs.insert(leg), "a number of a leg is used once");
            Reply::Done
        }
        Command::Modify { leg, .. } if legs.contains(&leg) => Reply::Done,
        Command::Close { leg } if legs.remove(&leg) => Reply::Stats(LegStats::default()),
        Command::Query { leg } if legs.contains(&leg) => Reply::Stats(LegStats::default()),
        _ => Reply::Refused(Refusal::UnknownLeg),
    }
}
