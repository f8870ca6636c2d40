//! The gateway with an engine beside it, as the daemon has them, and its endpoints.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;
use engine::{Config as EngineConfig, Engine, PortConfig};
use gateway::{CallAgent, Config, Gateway, Network, VoiceEndpoint, VoiceKind};
use openssl::base64::encode_block;
use port::{Medium, PortId};
use rand::SeedableRng;
use rand::rngs::StdRng;
use wire::ethernet::MacAddr;

use crate::cpu::thread_time;

pub(super) const DOMAIN: &str = "gw1.example";
pub(super) const AGENT: &str = "10.9.0.1:2727";
const LINES: usize = 200;
const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";

/// What kind of connections are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of packet relays, in clear.
    Rtp,
    /// Of packet relays, with keys both ways.
    Srtp,
    /// Of lines, with the call agent's keys both ways.
    Line,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Rtp, Self::Srtp, Self::Line];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rtp => "relays, RTP",
            Self::Srtp => "relays, SRTP",
            Self::Line => "lines, SRTP",
        }
    }

    /// Where the connection of this number is made, from 1.
    pub(super) fn endpoint(self, number: usize) -> String {
        match self {
            Self::Rtp | Self::Srtp => "pr/$".to_owned(),
            Self::Line => format!("aaln/{number}"),
        }
    }

    pub(super) fn options(self, call: usize) -> String {
        match self {
            Self::Rtp => String::new(),
            Self::Srtp | Self::Line => {
                format!(", x+srtptx:\"{SUITE} inline:{}\"", key(call, 1))
            }
        }
    }

    /// What the peer of a call says of itself.
    pub(super) fn description(self, call: usize) -> String {
        let port = 20_000 + call % 10_000 * 2;
        let (profile, crypto) = match self {
            Self::Rtp => ("RTP/AVP", String::new()),
            Self::Srtp | Self::Line => {
                ("RTP/SAVP", format!("a=crypto:1 {SUITE} inline:{}\r\n", key(call, 2)))
            }
        };
        format!(
            "v=0\r\no=- {call} 1 IN IP4 10.1.0.5\r\ns=-\r\nc=IN IP4 10.1.0.5\r\nt=0 0\r\n\
             m=audio {port} {profile} 0 101\r\na=rtpmap:101 telephone-event/8000\r\n\
             a=ptime:20\r\n{crypto}"
        )
    }
}

/// A key and salt that no other call has.
fn key(call: usize, direction: u8) -> String {
    let mut octets = [direction; 30];
    octets[..8].copy_from_slice(&(call as u64).to_be_bytes());
    encode_block(&octets)
}

/// The gateway.
pub(super) struct Subject {
    now: Instant,
    agent: SocketAddr,
    gateway: Gateway,
    engine: Engine,
}

impl Subject {
    pub(super) fn new() -> Result<Self> {
        Self::commanded_by(AGENT.parse()?)
    }

    pub(super) fn commanded_by(agent: SocketAddr) -> Result<Self> {
        let now = Instant::now();
        let voice =
            |number| VoiceEndpoint { name: format!("aaln/{number}"), kind: VoiceKind::Line };
        let network = Network {
            name: "inside".into(),
            port: PortId(0),
            addresses: vec!["10.1.0.1".parse()?],
            prefixes: Vec::new(),
            ports: 16_384..=32_767,
        };
        let config = Config {
            call_agents: vec![CallAgent { name: None, addresses: vec![agent] }],
            networks: vec![network],
            voice: (1..=LINES).map(voice).collect(),
            line_port: PortId(1),
            announce: false,
            ..Config::new(DOMAIN)
        };
        let port =
            PortConfig { medium: Medium::Ip, mtu: 1500, mac: MacAddr([0; 6]), tags: [None, None] };
        let engine = EngineConfig {
            ports: vec![port.clone(), port],
            max_legs: 4 * LINES + 20_000,
            srtp: srtp::Config { max_sessions: 40_000, ..srtp::Config::default() },
        };
        Ok(Self {
            now,
            agent,
            gateway: Gateway::new(now, config, Box::new(StdRng::from_os_rng()))?,
            engine: Engine::new(now, engine),
        })
    }

    /// Lets the gateway execute what a call agent has sent.
    pub(super) fn ask(&mut self, datagram: &[u8]) {
        self.gateway.handle_datagram(self.now, self.agent, datagram);
        while let Some((token, command)) = self.gateway.poll_command() {
            let reply = self.engine.execute(self.now, command);
            self.gateway.handle_reply(self.now, token, reply);
        }
        while self.gateway.poll_order().is_some() {}
    }

    /// What it has answered.
    pub(super) fn answer(&mut self) -> Option<gateway::Datagram> {
        self.gateway.poll_datagram().map(|(_, datagram)| datagram)
    }

    /// All that it has answered.
    pub(super) fn answers(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.answer())
            .map(|datagram| String::from_utf8_lossy(&datagram).into_owned())
            .collect()
    }

    /// Lets time pass on its clock, and does what is due then.
    pub(super) fn let_pass(&mut self, time: Duration, busy: &mut Duration) {
        self.now += time;
        let start = thread_time();
        self.gateway.handle_timeout(self.now);
        *busy += thread_time() - start;
    }
}
