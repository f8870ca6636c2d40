//! The gateway: whatever datagrams say, its books and the engine's agree.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use engine::command::{Command, LegId, LegStats, Refusal, Reply};
use gateway::{CallAgent, Config, Gateway, Network};
use port::PortId;
use rand::SeedableRng;
use rand::rngs::StdRng;

/// Datagrams of a call agent, with a NUL between them.
pub fn datagrams(bytes: &[u8]) {
    let now = Instant::now();
    let agent = "10.9.0.1:2427".parse().expect("an address");
    let network = Network {
        name: "inside".into(),
        port: PortId(0),
        addresses: vec!["10.1.0.1".parse().expect("an address")],
        prefixes: Vec::new(),
        ports: 16384..=16391,
    };
    let config = Config {
        call_agents: vec![CallAgent { name: None, addresses: vec![agent] }],
        networks: vec![network],
        announce: false,
        endpoints: 8,
        ..Config::new("relay1")
    };
    let rng = Box::new(StdRng::seed_from_u64(1));
    let mut gateway = Gateway::new(now, config, rng).expect("a good configuration");
    let mut legs: HashSet<LegId> = HashSet::new();
    for (index, datagram) in bytes.split(|&byte| byte == 0).enumerate() {
        let now = now + Duration::from_secs(2) * index as u32;
        gateway.handle_timeout(now);
        gateway.handle_datagram(now, agent, datagram);
        while let Some((token, command)) = gateway.poll_command() {
            let reply = execute(&mut legs, command);
            gateway.handle_reply(now, token, reply);
        }
        while gateway.poll_datagram().is_some() {}
        let snapshot = gateway.snapshot();
        assert_eq!(snapshot.connections.len(), legs.len());
        assert_eq!((snapshot.port_pairs, snapshot.commands_open), (legs.len(), 0));
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
