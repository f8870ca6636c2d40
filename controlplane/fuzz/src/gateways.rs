//! The call agent, and voice gateways that say anything.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use callagent::voice::{
    Agent, Config, GatewayConfig, KeyPolicy, NoPaths, PathSource, Plan, PortConfig, Report,
};
use callmanager::codec::Codec;
use callmanager::exchange::{Effect, Exchange};
use callmanager::security::Security;
use callmanager::station::Now;
use callmanager::switchboard::{
    Event, Kind, LineProfile, Party, Profile, RelayPolicy, Settings, Switchboard,
};

/// What a gateway says, datagram by datagram, each ended by a zero. A `#` in it is the transaction of
/// the latest command. Two telephones on it may call each other. Whatever it says, nothing stays
/// when it has restarted.
pub fn says(input: &[u8]) {
    let now = Instant::now();
    let mut desk = Desk {
        now,
        agent: Agent::new(Config::new("cm1", AGENT), Box::new(NoPaths), 1),
        exchange: Exchange::new(Switchboard::new(now, Settings::default())),
        transaction: String::new(),
    };
    desk.agent.configure(now, plan()).expect("the plan is sound");
    desk.turn();
    for datagram in input.split(|byte| *byte == 0) {
        let datagram = crate::relays::named(datagram, &desk.transaction);
        desk.agent.handle_datagram(desk.now, GATEWAY, &datagram);
        desk.turn();
        desk.pass(Duration::from_millis(150));
    }
    let restart = b"RSIP 999999991 *@gw1 MGCP 0.1\r\nRM: restart\r\n";
    desk.agent.handle_datagram(desk.now, GATEWAY, restart);
    desk.pass(Duration::from_secs(120));
    assert!(desk.exchange.switchboard().is_idle(), "{:#?}", desk.exchange.switchboard());
}

const AGENT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 2727);
const GATEWAY: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 2427);

fn plan() -> Plan {
    let port = |local: &str, number: &str| {
        let party = Party { number: number.to_owned(), name: String::new() };
        PortConfig {
            local: local.to_owned(),
            profile: Profile {
                kind: if number.is_empty() { Kind::Trunk } else { Kind::Line },
                security: Security::NonSecure,
                codecs: vec![Codec::G711_ULAW],
                encrypts_wideband: false,
                bridge: None,
                private: false,
                region: 0,
                relay: RelayPolicy::Never,
                media_elsewhere: false,
                lines: vec![LineProfile { party, busy_trigger: 2 }],
            },
            attendant: number.is_empty().then(|| "11".to_owned()),
            takes_calls_in: true,
            capture: true,
        }
    };
    let gateway = GatewayConfig {
        name: "gw1".to_owned(),
        addresses: vec![GATEWAY],
        version: mgcp::Version::V0_1,
        key_policy: KeyPolicy::Require,
        path: PathSource::Elsewhere,
        rank: Some(0),
        digit_map: None,
        drop_secure_calls: true,
        ports: vec![port("aaln/1", "11"), port("aaln/2", "12"), port("t/1", "")],
    };
    Plan { gateways: vec![gateway], mixed_mode: true }
}

struct Desk {
    now: Instant,
    agent: Agent,
    exchange: Exchange,
    transaction: String,
}

impl Desk {
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let due = [self.agent.poll_timeout(), self.exchange.next_timeout()];
            let due = due.into_iter().flatten().min().filter(|due| *due <= end);
            let Some(due) = due else { break };
            self.now = self.now.max(due);
            self.agent.handle_timeout(self.now);
            let mut effects = Vec::new();
            self.exchange.tick(self.time(), &mut effects);
            self.carry_out(effects);
            self.turn();
        }
        self.now = end;
    }

    fn time(&self) -> Now {
        Now { instant: self.now, wall: std::time::UNIX_EPOCH }
    }

    fn turn(&mut self) {
        while let Some((_, datagram)) = self.agent.poll_datagram() {
            let text = std::str::from_utf8(&datagram).expect("MGCP is text");
            // Our answers begin with their codes.
            if text.starts_with(|first: char| first.is_ascii_uppercase()) {
                self.transaction = text.split(' ').nth(1).unwrap_or_default().to_owned();
            }
        }
        while let Some(report) = self.agent.poll_report() {
            match report {
                Report::Event(event) => self.hear(event),
                Report::Captured { text, .. } => assert!(!text.contains("inline:"), "{text}"),
                _ => {}
            }
        }
    }

    fn hear(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.exchange.port_says(self.time(), event, &mut effects);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        let orders = effects.into_iter().filter_map(|effect| match effect {
            Effect::Port(order) => Some(order),
            _ => None,
        });
        self.agent.order(self.now, orders);
    }
}
