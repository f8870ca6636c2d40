//! Telephones that speak through a relay: CallManager, its call agent, and `ringfence-datad` in a
//! process of its own, over UDP sockets.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use callagent::{CallAgent, Config, RelayConfig, RelayState, Report};
use callmanager::switchboard::{MediaOrder, RelayOrder};
use callprocessing::service::{Answers, Fault, Relays, Resources};
use datad::testing::{self, Process};
use mediaresources::music::Music;
use mediaresources::resources::Limits;
use mediaresources::service::MediaResources;
use ringfence_phone::crew::{Command, Crew, Settings};
use store::{DeviceSecurityMode, MediaPolicy, Model};

use crate::PATIENCE;
use crate::common::own_address;
use crate::site::Site;

const A: &str = "SEP000000000001";
const B: &str = "SEP000000000002";

/// Not a test by itself: the others run it in a process of its own.
#[test]
fn becomes_the_relay() {
    testing::become_if_told();
}

fn start_relay(config: &Path) -> Process {
    Process::start("relay::becomes_the_relay", config)
}

struct Commanding(Arc<CallAgent>);

impl Relays for Commanding {
    fn order(&mut self, order: RelayOrder) {
        self.0.order(order);
    }
}

struct Playing(MediaResources);

impl Resources for Playing {
    fn order(&mut self, order: MediaOrder) {
        self.0.order(order);
    }
}

fn resources(answers: Answers) -> Result<Box<dyn Resources>, Fault> {
    let config = mediaresources::service::Config {
        address: own_address(),
        ports: 26_400..=26_499,
        music: Music::melody(),
        limits: Limits::default(),
    };
    let tell = move |stream, result| answers.opened(stream, result);
    let started = MediaResources::start(config, tell).map_err(|error| error.to_string())?;
    Ok(Box::new(Playing(started)))
}

/// A node whose telephones' media always goes through its relay.
struct House {
    site: Site,
    agent: Arc<CallAgent>,
    config: PathBuf,
    relay: Option<Process>,
    crew: Crew,
}

impl House {
    fn new(
        mode: DeviceSecurityMode,
        ports: std::ops::RangeInclusive<u16>,
        relay_ports: &str,
    ) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let notify = socket.local_addr().unwrap();
        let free = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let mut agent = None;
        let relays = |answers: Answers| -> Result<Box<dyn Relays>, Fault> {
            let relays = vec![RelayConfig { name: "relay1".to_owned(), addresses: vec![address] }];
            let tell = move |report| match report {
                Report::Opened { link, result } => answers.relayed(link, result),
                Report::Lost { link } => answers.relay_lost(link),
                Report::Alarm(alarm) => answers.alarm(&alarm),
                Report::Closed { .. } => {}
            };
            let started = CallAgent::start(Config::new("cm1", relays), socket, tell);
            let started = Arc::new(started.map_err(|error| error.to_string())?);
            agent = Some(Arc::clone(&started));
            Ok(Box::new(Commanding(started)))
        };
        let phones = [(A, Model::M7970, mode), (B, Model::M7960, mode)];
        let site = Site::with(&phones, MediaPolicy::Always, Box::new(resources), Box::new(relays));
        let config = site.home.path().join("relay.toml");
        std::fs::write(&config, relay_config(&site, address, notify, relay_ports)).unwrap();
        let settings = Settings { patience: PATIENCE, ports, ..Settings::default() };
        let crew = Crew::new(settings).unwrap();
        let (relay, agent) = (Some(start_relay(&config)), agent.unwrap());
        let house = Self { site, agent, config, relay, crew };
        let deadline = Instant::now() + PATIENCE;
        while house.agent.relays()[0].state != RelayState::InService {
            assert!(Instant::now() < deadline, "{:?}", house.agent.relays());
            std::thread::sleep(Duration::from_millis(5));
        }
        house
    }

    fn perform(&mut self, script: &str) {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let command = Command::parse(line).unwrap().unwrap();
            self.crew.perform(&command).unwrap_or_else(|failure| panic!("{line}: {failure}"));
        }
    }

    /// The relays that calls went through, by their records.
    fn used(&mut self, calls: usize) -> Vec<Option<String>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let records = self.site.store.read(|view| view.call_records(None, 10, None)).unwrap();
            if records.len() >= calls || Instant::now() > deadline {
                return records.into_iter().map(|record| record.relay).collect();
            }
            self.crew.pass(Duration::from_millis(20)).unwrap();
        }
    }
}

fn relay_config(site: &Site, listen: SocketAddr, notify: SocketAddr, ports: &str) -> String {
    format!(
        r#"
[datad]
status_socket = "{}"
srtp_backend = "portable"
[datad.gateway]
name = "relay1"
listen = ["{listen}"]
call_agents = ["127.0.0.1"]
notify = "{notify}"
restart_wait_ms = 0
[[datad.media]]
name = "here"
addresses = ["{}"]
ports = "{ports}"
"#,
        site.home.path().join("status").display(),
        own_address(),
    )
}

// R: MED-04, GEN-09
#[test]
fn plain_telephones_hear_each_other_through_the_relay() {
    let mut house = House::new(DeviceSecurityMode::NonSecure, 26_000..=26_099, "26100-26199");
    let server = house.site.running.plain_address();
    house.perform(&format!(
        "phone a device={A} model=7970 server={server}
         phone b device={B} model=7960 server={server}
         a registers
         b registers
         a dials 1002
         b answers
         expect a hears b
         expect b hears a
         expect a plain
         expect a icon none"
    ));
    assert_eq!(house.agent.relays()[0].streams, 1);
    // Music comes through the relay, too.
    house.perform(
        "b holds
         expect b held
         expect a hears music
         b resumes
         expect a hears b
         expect b hears a",
    );
    assert_eq!(house.agent.counters().opened, 3);
    house.perform(
        "a hangs up
         expect b idle",
    );
    assert_eq!(house.used(1), [Some("relay1".to_owned())]);
}

// R: MED-01, MED-02, MED-04, GEN-09, GEN-11
#[test]
fn encrypted_telephones_keep_their_lock_when_their_relay_dies() {
    let mut house = House::new(DeviceSecurityMode::Encrypted, 26_200..=26_299, "26300-26399");
    let (files, homes) = house.site.serve(&[A, B]);
    let phones = [("a", A, "7970"), ("b", B, "7960")];
    for ((name, device, model), home) in phones.into_iter().zip(homes) {
        house.perform(&format!(
            "phone {name} device={device} model={model} tftp={} flash={} tls=modern
             {name} registers",
            files.address,
            home.display()
        ));
    }
    let speak = "expect a icon lock
                 expect b icon lock
                 expect a hears b
                 expect b hears a
                 expect a encrypted
                 expect b encrypted";
    house.perform(
        "a dials 1002
         b answers",
    );
    house.perform(speak);
    // It is killed, and started again: the call goes on, under new keys.
    house.relay = None;
    house.relay = Some(start_relay(&house.config));
    let deadline = Instant::now() + PATIENCE;
    while house.agent.counters().opened < 2 {
        assert!(Instant::now() < deadline, "{:?}", house.agent.counters());
        house.crew.pass(Duration::from_millis(20)).unwrap();
    }
    house.perform(speak);
    house.perform(
        "b hangs up
         expect a idle",
    );
    assert_eq!(house.used(1), [Some("relay1".to_owned())]);
    let counters = house.agent.counters();
    assert_eq!((counters.opened, counters.lost, counters.refused), (2, 1, 0));
}
