//! A SIP proxy and the front back to back on a virtual clock, over an engine that only keeps books.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use engine::command::{
    Command, LegId, LegSpec, LegStats, Protection, Refusal, RelayId, Reply, RtcpPolicy, SourceRule,
};
use media::{Network, Ports};
use port::PortId;
use rand::SeedableRng;
use rand::rngs::StdRng;
use ringfence_ng::{Asker, Config, Ng};
use serde_json::{Value, json};

pub const PROXY: Asker = Asker {
    door: 0,
    address: SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5000),
};

pub struct Lab {
    pub now: Instant,
    pub ng: Ng,
    pub ports: Ports,
    pub legs: HashMap<LegId, (RelayId, LegSpec)>,
    pub stats: LegStats,
    /// The engine refuses whatever would open or modify the leg of this number, counted from 1.
    pub refuses: Option<usize>,
    cookie: u32,
}

pub fn config() -> Config {
    let network = |name: &str, port, v4: &str, v6: &str, prefix: &str| Network {
        name: name.into(),
        port: PortId(port),
        addresses: vec![v4.parse().unwrap(), v6.parse().unwrap()],
        prefixes: vec![prefix.parse().unwrap()],
        ports: 20000..=20019,
    };
    Config {
        networks: vec![
            network("inside", 0, "10.1.0.1", "2001:db8:1::1", "10.1.0.0/16"),
            network("outside", 1, "192.0.2.1", "2001:db8:2::1", "192.0.2.0/24"),
        ],
        streams: 100,
        source: SourceRule::Exact,
        rtcp: RtcpPolicy::LikeRtp,
        timeout: Duration::from_secs(60),
        unix: 1_700_000_000,
    }
}

impl Lab {
    pub fn new(config: Config) -> Self {
        let now = Instant::now();
        let mut rng = StdRng::seed_from_u64(7);
        let ports = Ports::new(&config.networks, &mut rng);
        Self {
            now,
            ng: Ng::new(now, config, ports.clone(), Box::new(rng)),
            ports,
            legs: HashMap::new(),
            stats: LegStats::default(),
            refuses: None,
            cookie: 0,
        }
    }

    /// Gives a command in JSON and returns the answer.
    pub fn ask(&mut self, command: Value) -> Value {
        self.cookie += 1;
        let said = format!("c{} {command}", self.cookie);
        self.ng.handle_message(self.now, PROXY, said.as_bytes());
        self.settle();
        let (asker, answer) = self.ng.poll_answer().expect("it is answered");
        assert_eq!(asker, PROXY);
        let answer = String::from_utf8(answer.to_vec()).unwrap();
        let (cookie, answer) = answer.split_once(' ').unwrap();
        assert_eq!(cookie, format!("c{}", self.cookie));
        serde_json::from_str(answer).unwrap()
    }

    /// The same, which must succeed without a warning.
    pub fn done(&mut self, command: Value) -> Value {
        let answer = self.ask(command);
        assert_eq!(
            (&answer["result"], &answer["warning"]),
            (&json!("ok"), &Value::Null),
            "{answer}"
        );
        answer
    }

    /// The same, which must fail; gives the reason.
    pub fn refused(&mut self, command: Value) -> String {
        let legs = self.legs.len();
        let answer = self.ask(command);
        assert_eq!(answer["result"], "error", "{answer}");
        assert_eq!(self.legs.len(), legs, "a refused command changes nothing");
        answer["error-reason"].as_str().unwrap().to_owned()
    }

    /// Offers a description and gives what the other party is offered.
    pub fn offer(&mut self, sdp: &str, options: Value) -> String {
        let answer = self.done(offer(sdp, options));
        answer["sdp"].as_str().unwrap().to_owned()
    }

    pub fn answer(&mut self, sdp: &str, options: Value) -> String {
        let answer = self.done(answer(sdp, options));
        answer["sdp"].as_str().unwrap().to_owned()
    }

    /// The engine does all it is told.
    pub fn settle(&mut self) {
        while self.step() {}
    }

    /// The engine does one thing.
    pub fn step(&mut self) -> bool {
        let Some((token, command)) = self.ng.poll_command() else { return false };
        let reply = self.execute(command);
        self.ng.handle_reply(self.now, token, reply);
        true
    }

    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.ng.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.ng.handle_timeout(self.now);
            self.settle();
        }
        self.now = end;
    }

    /// The leg that a description leads to.
    pub fn leg_at(&self, description: &str) -> &LegSpec {
        let local = address_of(description);
        let legs = self.legs.values();
        legs.map(|(_, spec)| spec).find(|spec| spec.local == local).expect("a leg there")
    }

    fn execute(&mut self, command: Command) -> Reply {
        if let (Some(left), Command::Open { .. } | Command::Modify { .. }) =
            (&mut self.refuses, &command)
        {
            *left -= 1;
            if *left == 0 {
                self.refuses = None;
                return Reply::Refused(Refusal::PortFailed);
            }
        }
        match command {
            Command::Open { leg, relay, spec } => {
                assert!(leg.0 >= ringfence_ng::NUMBERS);
                assert!(self.legs.values().all(|(_, other)| other.local != spec.local));
                let mates = self.legs.values().filter(|(other, _)| *other == relay).count();
                assert!(mates < 2, "a relay has two legs");
                assert!(self.legs.insert(leg, (relay, *spec)).is_none(), "numbers are used once");
                Reply::Done
            }
            Command::Modify { leg, spec } => match self.legs.get_mut(&leg) {
                Some((_, old)) => {
                    assert_eq!((old.local, old.port), (spec.local, spec.port), "legs stay");
                    *old = *spec;
                    Reply::Done
                }
                None => Reply::Refused(Refusal::UnknownLeg),
            },
            Command::Close { leg } => match self.legs.remove(&leg) {
                Some(_) => Reply::Stats(self.stats),
                None => Reply::Refused(Refusal::UnknownLeg),
            },
            Command::Query { leg } => match self.legs.contains_key(&leg) {
                true => Reply::Stats(self.stats),
                false => Reply::Refused(Refusal::UnknownLeg),
            },
        }
    }
}

pub fn offer(sdp: &str, options: Value) -> Value {
    let command = json!({"command": "offer", "call-id": "call", "from-tag": "alice", "sdp": sdp});
    with(command, options)
}

pub fn answer(sdp: &str, options: Value) -> Value {
    let command = json!({
        "command": "answer", "call-id": "call", "from-tag": "alice", "to-tag": "bob", "sdp": sdp
    });
    with(command, options)
}

pub fn with(mut command: Value, options: Value) -> Value {
    let options = options.as_object().expect("options are an object").clone();
    command.as_object_mut().unwrap().extend(options);
    command
}

/// A description with one stream.
pub fn sdp(address: &str, port: u16, profile: &str, attributes: &[&str]) -> String {
    let family = if address.contains(':') { "IP6" } else { "IP4" };
    let mut text = format!(
        "v=0\r\no=- 1 1 IN {family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt=0 0\r\n\
         m=audio {port} {profile} 0\r\n"
    );
    for attribute in attributes {
        text += &format!("a={attribute}\r\n");
    }
    text
}

pub const KEY_A: &str = "inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd";
pub const KEY_B: &str = "inline:Hh0cGxoZGBcWFRQTEhEQDw4NDAsKCQgHBgUEAwIB";

/// The one `m=` line of a description, and where it leads.
pub fn media_of(description: &str) -> &str {
    description.lines().find(|line| line.starts_with("m=")).expect("a stream").trim()
}

pub fn address_of(description: &str) -> SocketAddr {
    let port = media_of(description).split(' ').nth(1).unwrap().parse().unwrap();
    let connection = description.lines().rfind(|line| line.starts_with("c=")).unwrap();
    SocketAddr::new(connection.trim().rsplit(' ').next().unwrap().parse().unwrap(), port)
}

/// Its `a=crypto` lines: tag, suite, key.
pub fn crypto_of(description: &str) -> Vec<(u32, String, String)> {
    let lines = description.lines().filter_map(|line| line.trim().strip_prefix("a=crypto:"));
    let parse = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        (words[0].parse().unwrap(), words[1].to_owned(), words[2].to_owned())
    };
    lines.map(parse).collect()
}

pub fn suite_of(protection: &Protection) -> Option<&'static str> {
    match protection {
        Protection::Plain => None,
        Protection::Srtp(keying) => Some(keying.suite().name()),
    }
}
