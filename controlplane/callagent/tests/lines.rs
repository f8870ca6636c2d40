//! Call processing, the agent with its socket, `ringfence-datad` twice with voice endpoints, and
//! people at telephones. Over UDP sockets, so it needs no privilege.

use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use callmanager::codec::Codec;
use callmanager::exchange::{Effect, Exchange};
use callmanager::security::Security::{Encrypted, NonSecure};
use callmanager::station::Now;
use callmanager::switchboard::{
    CallRecord, Kind, LineProfile, Party, Profile, RelayPolicy, Settings, Switchboard,
};
use crossbeam_channel::{Receiver, unbounded};
use datad::testing::{self, Process};
use line::control::{Request, State, ask};
use mgcp::Version;
use ringfence_callagent::voice::{
    Config, GatewayAlarm, GatewayConfig, KeyPolicy, NoPaths, PathSource, Plan, PortConfig, Report,
    Verdict, VoiceAgent,
};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(40);
const ANN: &str = "aaln/S1/SU0/0";
const BOB: &str = "aaln/S1/SU0/1";

/// Not a test by itself: the others run it in a process of its own.
#[test]
fn becomes_the_relay() {
    testing::become_if_told();
}

/// The telephones, each on the gateway of that number.
const LINES: [&str; 2] = [ANN, BOB];

/// A node with two gateways that a telephone is on each.
struct House {
    exchange: Exchange,
    agent: VoiceAgent,
    reports: Receiver<Report>,
    records: Vec<CallRecord>,
    keys: Vec<Verdict>,
    alarms: Vec<GatewayAlarm>,
    directory: TempDir,
    configs: Vec<PathBuf>,
    gateways: Vec<Process>,
}

fn port(local: &str, number: &str) -> PortConfig {
    let party = Party { number: number.to_owned(), name: number.to_owned() };
    PortConfig {
        local: local.to_owned(),
        profile: Profile {
            kind: Kind::Line,
            security: NonSecure,
            codecs: vec![Codec::G711_ULAW, Codec::G711_ALAW],
            encrypts_wideband: false,
            bridge: None,
            private: false,
            region: 0,
            relay: RelayPolicy::Never,
            media_elsewhere: false,
            lines: vec![LineProfile { party, busy_trigger: 2 }],
        },
        attendant: None,
        takes_calls_in: true,
        capture: false,
    }
}

fn gateway(number: usize, at: SocketAddr, port: PortConfig) -> GatewayConfig {
    GatewayConfig {
        name: format!("gw{number}.example"),
        addresses: vec![at],
        version: Version::V0_1,
        key_policy: KeyPolicy::Require,
        path: PathSource::Here { identity: None },
        rank: Some(0),
        digit_map: None,
        drop_secure_calls: false,
        ports: vec![port],
    }
}

fn configuration(
    directory: &Path,
    number: usize,
    at: SocketAddr,
    agent: SocketAddr,
    ports: u16,
) -> String {
    let (place, endpoint) = (directory.display(), LINES[number]);
    format!(
        r#"
[datad]
status_socket = "{place}/status{number}"
srtp_backend = "portable"
[datad.lines]
socket = "{place}/lines{number}"
[datad.gateway]
name = "gw{number}.example"
listen = ["{at}"]
call_agents = ["127.0.0.1"]
notify = "{agent}"
restart_wait_ms = 0
dialect = "0.1"
endpoints = 1
keys = "trusted-path"
[[datad.gateway.endpoint]]
name = "{endpoint}"
[[datad.media]]
name = "here"
addresses = ["127.0.0.1"]
ports = "{ports}-{}"
"#,
        ports + 99,
    )
}

impl House {
    fn new(first_port: u16) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let agent = socket.local_addr().unwrap();
        let (mut configs, mut plan) = (Vec::new(), Plan { mixed_mode: true, ..Plan::default() });
        for (number, endpoint) in LINES.into_iter().enumerate() {
            let at = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let ports = first_port + 100 * number as u16;
            let config = directory.path().join(format!("ringfence{number}.toml"));
            let text = configuration(directory.path(), number, at, agent, ports);
            std::fs::write(&config, text).unwrap();
            configs.push(config);
            plan.gateways.push(gateway(number, at, port(endpoint, &format!("100{}", number + 1))));
        }
        let (tell, reports) = unbounded();
        let tell = move |report| drop(tell.send(report));
        let settings = Config::new("cm1", agent);
        let agent = VoiceAgent::start(settings, Box::new(NoPaths), socket, tell).unwrap();
        agent.configure(plan);
        let begin = |config: &PathBuf| Process::start("becomes_the_relay", config);
        let gateways = configs.iter().map(begin).collect();
        let switchboard = Switchboard::new(Instant::now(), Settings::default());
        let mut house = Self {
            exchange: Exchange::new(switchboard),
            agent,
            reports,
            records: Vec::new(),
            keys: Vec::new(),
            alarms: Vec::new(),
            directory,
            configs,
            gateways,
        };
        house.until(House::is_ready);
        house
    }

    fn is_ready(&self) -> bool {
        let ready = self.agent.gateways().iter().all(|it| it.ports.iter().all(|p| p.secure));
        ready && self.exchange.switchboard().counters().devices.encrypted == 2
    }

    /// Lets call processing work until something is so.
    fn until(&mut self, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < deadline, "{:#?} {:?}", self.agent.gateways(), self.alarms);
            let mut effects = Vec::new();
            match self.reports.recv_timeout(Duration::from_millis(20)) {
                Ok(Report::Event(event)) => self.exchange.port_says(now(), event, &mut effects),
                Ok(Report::Keys { verdict, .. }) => self.keys.push(verdict),
                Ok(Report::Alarm(alarm)) => self.alarms.push(alarm),
                Ok(Report::Closed { .. } | Report::Captured { .. }) => {}
                Err(_) => self.exchange.tick(now(), &mut effects),
            }
            for effect in effects {
                match effect {
                    Effect::Port(order) => self.agent.order(order),
                    Effect::Record(record) => self.records.push(record),
                    Effect::Alarm(alarm) => panic!("{alarm:?}"),
                    _ => {}
                }
            }
        }
    }

    fn ask(&self, endpoint: &str, request: &Request) -> line::control::Answer {
        let number = usize::from(endpoint == BOB);
        let socket = self.directory.path().join(format!("lines{number}"));
        let (answer, _) = ask(&socket, request, &[]).unwrap();
        assert!(answer.ok, "{request:?}: {:?}", answer.problem);
        answer
    }

    fn line(&self, endpoint: &str) -> State {
        let lines = self.ask(endpoint, &Request::Show).lines;
        lines.into_iter().find(|line| line.endpoint == endpoint).unwrap()
    }

    fn lift(&self, endpoint: &str) {
        self.ask(endpoint, &Request::OffHook { endpoint: endpoint.to_owned() });
    }

    fn hang_up(&self, endpoint: &str) {
        self.ask(endpoint, &Request::OnHook { endpoint: endpoint.to_owned() });
    }

    /// Ann calls Bob, who answers.
    fn call(&mut self) {
        self.lift(ANN);
        self.until(|house| house.line(ANN).signals.contains(&"L/dl".to_owned()));
        self.ask(ANN, &Request::Digits { endpoint: ANN.to_owned(), digits: "1002".to_owned() });
        self.until(|house| house.line(BOB).ringing);
        assert!(self.line(BOB).caller.is_some_and(|caller| caller.contains("1001")));
        self.until(|house| house.line(ANN).signals.contains(&"G/rt".to_owned()));
        self.lift(BOB);
        self.until(|house| {
            let calls = house.exchange.switchboard().calls();
            calls.iter().any(|call| call.security == Some(Encrypted))
        });
    }
}

fn now() -> Now {
    Now { instant: Instant::now(), wall: SystemTime::now() }
}

// R: MGCP-03, MGCP-06, MED-02, MED-03
#[test]
fn telephones_on_two_gateways_speak_under_keys_that_we_made() {
    let mut house = House::new(21_000);
    house.call();
    // Two keys for each of two legs, over a way that does not leave the host.
    assert_eq!(house.keys.len(), 4);
    assert!(house.keys.iter().all(|verdict| matches!(verdict, Verdict::Trusted { .. })));
    // Each hears the other: what does not verify is not counted.
    house.until(|house| {
        let heard = |endpoint| house.line(endpoint).packets_received > 20;
        heard(ANN) && heard(BOB)
    });
    house.hang_up(ANN);
    house.until(|house| !house.records.is_empty());
    assert_eq!(house.records[0].security, Some(Encrypted));
    house.hang_up(BOB);
    house.until(|house| [ANN, BOB].iter().all(|line| house.line(line).connections == 0));
    house.until(|house| house.exchange.switchboard().is_idle());
}

// R: MGCP-06
#[test]
fn a_gateway_that_is_started_again_registers_and_is_called() {
    let mut house = House::new(21_200);
    house.call();
    drop(house.gateways.pop());
    house.gateways.push(Process::start("becomes_the_relay", &house.configs[1]));
    house.until(|house| {
        house.alarms.iter().any(|it| matches!(it, GatewayAlarm::Restarted { calls: 1, .. }))
    });
    assert_eq!(house.records.len(), 1, "its call is over");
    house.hang_up(ANN);
    house.until(House::is_ready);
    house.call();
}
