//! A call agent and a gateway back to back on a virtual clock, over an engine that only keeps
//! books.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use engine::command::{
    Command as EngineCommand, Event, LegId, LegSpec, LegStats, Protection, Refusal, RelayId, Reply,
    Token,
};
use gateway::{CallAgent, Config, Gateway, Network, VoiceEndpoint, VoiceKind};
use line::command::{LineId, Order};
use mgcp::sdp::{CryptoAttribute, CryptoSuite, KeySalt};
use mgcp::transaction::{self, Indication, Transactions};
use mgcp::{Command, Message, Response, TransactionId};
use port::PortId;
use rand::SeedableRng;
use rand::rngs::StdRng;
use ringfence_gateway as gateway;

pub const AGENT: &str = "10.9.0.1:2427";
pub const GATEWAY: &str = "10.9.0.2:2427";

/// One way takes this long.
pub const LATENCY: Duration = Duration::from_millis(5);

pub struct Lab {
    pub now: Instant,
    pub start: Instant,
    pub gateway: Gateway,
    pub agent: Transactions,
    pub engine: Books,
    /// What the call agent was told or asked, oldest first.
    pub heard: VecDeque<Indication>,
    /// Datagrams under way: when they arrive, whether at the gateway, what.
    wire: VecDeque<(Instant, bool, Vec<u8>)>,
    /// The call agent answers what it is asked with this.
    pub answer: fn(&Command) -> Response,
    /// Datagrams to the call agent get lost.
    pub deaf: bool,
    /// Datagrams to the gateway come out of IPsec.
    pub covered: bool,
    /// Every datagram that was sent, and whether to the gateway.
    pub sent: Vec<(bool, Vec<u8>)>,
}

pub fn config() -> Config {
    let network = |name: &str, port, v4: &str, v6: &str, prefix: &str| Network {
        name: name.into(),
        port: PortId(port),
        addresses: vec![v4.parse().unwrap(), v6.parse().unwrap()],
        prefixes: vec![prefix.parse().unwrap()],
        ports: 16384..=32767,
    };
    let agent = CallAgent { name: Some("cm1".into()), addresses: vec![AGENT.parse().unwrap()] };
    Config {
        call_agents: vec![agent],
        networks: vec![
            network("inside", 0, "10.1.0.1", "2001:db8:1::1", "10.1.0.0/16"),
            network("outside", 1, "192.0.2.1", "2001:db8:2::1", "192.0.2.0/24"),
        ],
        announce: false,
        ..Config::new("relay1")
    }
}

/// A gateway with two lines and a trunk channel, that speaks as IOS does.
pub fn voice_config() -> Config {
    let endpoint = |name: &str| VoiceEndpoint { name: name.into(), kind: VoiceKind::of_name(name) };
    let names = ["aaln/S2/SU0/0", "aaln/S2/SU0/1", "S0/SU0/DS1-0/1"];
    Config {
        voice: names.map(endpoint).into(),
        line_port: PortId(2),
        own_version: mgcp::Version::V0_1,
        domain: "Router2821.example.com".into(),
        ..config()
    }
}

impl Lab {
    pub fn new(config: Config) -> Self {
        let now = Instant::now();
        let rng = Box::new(StdRng::seed_from_u64(7));
        Self {
            now,
            start: now,
            gateway: Gateway::new(now, config, rng).unwrap(),
            agent: Transactions::new(transaction::Config::default(), 3),
            engine: Books::default(),
            heard: VecDeque::new(),
            wire: VecDeque::new(),
            answer: |_| Response::new(mgcp::ReturnCode::OK),
            deaf: false,
            covered: false,
            sent: Vec::new(),
        }
    }

    /// Sends a command given as text, its transaction id written as `#`, and waits for the answer.
    pub fn ask(&mut self, text: &str) -> Response {
        let id = self.send(text);
        self.answer_to(id)
    }

    pub fn send(&mut self, text: &str) -> TransactionId {
        let text = text.replacen('#', "1", 1);
        let message = Message::parse(text.as_bytes());
        let Ok(Message::Command(_, command)) = message else { panic!("{text}: {message:?}") };
        let id = self.agent.send(self.now, &[GATEWAY.parse().unwrap()], command);
        self.exchange();
        id
    }

    pub fn answer_to(&mut self, id: TransactionId) -> Response {
        let found = |i: &Indication| matches!(i, Indication::Response { id: i, .. } if *i == id);
        for _ in 0..1000 {
            if let Some(at) = self.heard.iter().position(found) {
                let Some(Indication::Response { response, .. }) = self.heard.remove(at) else {
                    unreachable!("just found");
                };
                return response;
            }
            self.step();
        }
        panic!("no answer to {id}; heard {:?}", self.heard);
    }

    /// Sends raw octets to the gateway and returns what it sends back at once.
    pub fn raw(&mut self, octets: &[u8]) -> Vec<String> {
        self.raw_from(AGENT.parse().unwrap(), octets)
    }

    pub fn raw_from(&mut self, from: SocketAddr, octets: &[u8]) -> Vec<String> {
        self.gateway.handle_datagram(self.now, from, octets);
        self.run_engine();
        let mut answers = Vec::new();
        while let Some((to, datagram)) = self.gateway.poll_datagram() {
            assert_eq!(to, from, "answers go where the command came from");
            answers.push(String::from_utf8(datagram.to_vec()).unwrap());
        }
        answers
    }

    /// Somebody does something at a telephone.
    pub fn at_line(&mut self, line: u32, event: line::command::Event) {
        self.gateway.handle_line_event(self.now, LineId(line), event);
        self.exchange();
    }

    /// What telephones were ordered since the last call.
    pub fn orders(&mut self) -> Vec<(u32, Order)> {
        let orders = std::iter::from_fn(|| self.gateway.poll_order());
        orders.map(|(LineId(line), order)| (line, order)).collect()
    }

    pub fn event(&mut self, event: Event) {
        self.gateway.handle_event(self.now, event);
        self.exchange();
    }

    /// Lets time pass and everything happen that is due in it.
    pub fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.next_due().is_some_and(|due| due <= end) {
            self.step();
        }
        self.now = end;
    }

    /// What the call agent was commanded since the last call.
    pub fn commands(&mut self) -> Vec<Command> {
        let mut commands = Vec::new();
        self.heard.retain(|indication| match indication {
            Indication::Command { command, .. } => {
                commands.push(command.clone());
                false
            }
            _ => true,
        });
        commands
    }

    fn next_due(&self) -> Option<Instant> {
        let wire = self.wire.front().map(|(at, ..)| *at);
        let timers = [wire, self.gateway.poll_timeout(), self.agent.poll_timeout()];
        timers.into_iter().flatten().min()
    }

    fn step(&mut self) {
        let due = self.next_due().expect("something is under way");
        self.now = self.now.max(due);
        while let Some((_, to_gateway, datagram)) =
            self.wire.front().filter(|(at, ..)| *at <= self.now).cloned()
        {
            self.wire.pop_front();
            if to_gateway && self.covered {
                let agent = AGENT.parse().unwrap();
                self.gateway.handle_covered_datagram(self.now, agent, &datagram);
            } else if to_gateway {
                self.gateway.handle_datagram(self.now, AGENT.parse().unwrap(), &datagram);
            } else if !self.deaf {
                self.agent.handle_input(self.now, GATEWAY.parse().unwrap(), &datagram);
            }
        }
        self.gateway.handle_timeout(self.now);
        self.agent.handle_timeout(self.now);
        self.exchange();
    }

    /// Moves everything that wants to move now.
    pub fn exchange(&mut self) {
        self.run_engine();
        while let Some(indication) = self.agent.poll_indication() {
            if let Indication::Command { key, command } = &indication {
                self.agent.respond(self.now, *key, (self.answer)(command));
            }
            self.heard.push_back(indication);
        }
        let at = self.now + LATENCY;
        while let Some((_, datagram)) = self.agent.poll_output() {
            self.sent.push((true, datagram.to_vec()));
            self.wire.push_back((at, true, datagram.to_vec()));
        }
        while let Some((to, datagram)) = self.gateway.poll_datagram() {
            if to == AGENT.parse().unwrap() {
                self.sent.push((false, datagram.to_vec()));
                self.wire.push_back((at, false, datagram.to_vec()));
            }
        }
    }

    pub fn run_engine(&mut self) {
        loop {
            while let Some((token, command)) = self.gateway.poll_command() {
                self.engine.queue.push_back((token, command));
            }
            if self.engine.held {
                return;
            }
            let Some((token, command)) = self.engine.queue.pop_front() else { return };
            let reply = self.engine.execute(command);
            self.gateway.handle_reply(self.now, token, reply);
        }
    }

    /// The leg of the connection with this id.
    pub fn leg(&self, connection: &str) -> LegId {
        let snapshot = self.gateway.snapshot();
        let found = snapshot.connections.iter().find(|c| c.connection == connection);
        found.expect("a connection of this id").leg
    }

    pub fn spec(&self, connection: &str) -> &LegSpec {
        &self.engine.legs[&self.leg(connection)].1
    }
}

/// The engine's rules about legs, without media.
#[derive(Default)]
pub struct Books {
    pub legs: HashMap<LegId, (RelayId, LegSpec)>,
    locals: HashSet<SocketAddr>,
    sides: HashMap<RelayId, usize>,
    pub queue: VecDeque<(Token, EngineCommand)>,
    /// Commands stay in the queue.
    pub held: bool,
    /// The next command that makes or changes a leg is refused with this.
    pub refuse: Option<Refusal>,
    pub stats: LegStats,
}

impl Books {
    pub fn execute(&mut self, command: EngineCommand) -> Reply {
        // Closing and asking are only refused for legs that are not there.
        let refusable =
            matches!(command, EngineCommand::Open { .. } | EngineCommand::Modify { .. });
        if let Some(refusal) = self.refuse.take_if(|_| refusable) {
            return Reply::Refused(refusal);
        }
        match command {
            EngineCommand::Open { leg, relay, spec } => {
                assert!(self.locals.insert(spec.local), "address in use");
                assert!(spec.local.port().is_multiple_of(2));
                let sides = self.sides.entry(relay).or_default();
                *sides += 1;
                assert!(*sides <= 2, "a relay has two legs");
                assert!(self.legs.insert(leg, (relay, *spec)).is_none(), "leg numbers are new");
                Reply::Done
            }
            EngineCommand::Modify { leg, spec } => match self.legs.get_mut(&leg) {
                Some((_, old)) => {
                    assert_eq!((old.local, old.port), (spec.local, spec.port));
                    *old = *spec;
                    Reply::Done
                }
                None => Reply::Refused(Refusal::UnknownLeg),
            },
            EngineCommand::Close { leg } => match self.legs.remove(&leg) {
                Some((relay, spec)) => {
                    self.locals.remove(&spec.local);
                    *self.sides.entry(relay).or_default() -= 1;
                    Reply::Stats(self.stats)
                }
                None => Reply::Refused(Refusal::UnknownLeg),
            },
            EngineCommand::Query { leg } => match self.legs.contains_key(&leg) {
                true => Reply::Stats(self.stats),
                false => Reply::Refused(Refusal::UnknownLeg),
            },
        }
    }
}

pub fn is_srtp(protection: &Protection) -> bool {
    matches!(protection, Protection::Srtp(_))
}

/// A plain remote description.
pub fn avp(address: &str, port: u16) -> String {
    format!(
        "v=0\r\nc=IN IP4 {address}\r\nm=audio {port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
    )
}

/// A secure remote description with these `a=` lines.
pub fn savp(address: &str, port: u16, attributes: &[&str]) -> String {
    let attributes: String = attributes.iter().map(|a| format!("a={a}\r\n")).collect();
    format!("v=0\r\nc=IN IP4 {address}\r\nm=audio {port} RTP/SAVP 0\r\n{attributes}")
}

/// A `crypto` attribute with a key made of `octet`.
pub fn crypto(tag: u32, suite: &str, octet: u8) -> String {
    format!("crypto:{tag} {suite} inline:{}", key(octet))
}

/// Key and salt of the 128-bit suites, 30 times `octet`, in base64.
pub fn key(octet: u8) -> String {
    let attribute = crypto_of(&[octet; 30]);
    attribute.split_once("inline:").unwrap().1.to_owned()
}

/// The `crypto` attribute of a whole key and salt, with tag 1 and the usual suite.
pub fn crypto_of(octets: &[u8; 30]) -> String {
    let key = KeySalt::new(octets).unwrap();
    let attribute = CryptoAttribute::new(CryptoSuite::AesCm128HmacSha1_80, key);
    let mut text = String::new();
    attribute.write(&mut text).unwrap();
    text
}

pub fn code(response: &Response) -> u16 {
    response.code.value()
}
