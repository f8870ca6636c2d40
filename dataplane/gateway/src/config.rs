//! What a gateway is told about itself.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use engine::command::{RtcpPolicy, SourceRule};
use media::{Network, NetworkError};
use mgcp::name::Wildcard;
use mgcp::{EndpointName, Version, transaction};
use port::PortId;
use srtp::Suite;

use crate::packages::Kind;

/// Most voice endpoints.
const MAX_VOICE: usize = 10_000;

/// Settings of a gateway.
#[derive(Clone, Debug)]
pub struct Config {
    /// Our name in endpoint names: a host name, or an address in brackets.
    pub domain: String,
    /// Other names that mean us.
    pub other_domains: Vec<String>,
    /// Commands for other domains are refused; else the domain is not looked at.
    pub validate_domain: bool,
    /// Who may command us. The first are told of restarts; the others are tried after them.
    pub call_agents: Vec<CallAgent>,
    /// Dialects that are understood.
    pub versions: Vec<Version>,
    /// Dialect of our own commands.
    pub own_version: Version,
    /// Number of packet relays, `pr/1` to `pr/<n>`.
    pub endpoints: u32,
    /// Voice endpoints; the place of one is the number of its line.
    pub voice: Vec<VoiceEndpoint>,
    /// The port that leads to the telephone side of voice endpoints.
    pub line_port: PortId,
    /// Voice endpoints report off-hook without being asked, as those of IOS do.
    pub persistent_off_hook: bool,
    /// Where media come and go. The first is the default.
    pub networks: Vec<Network>,
    /// Which sources of packets are believed.
    pub source: SourceRule,
    /// What happens to RTCP of SRTP connections; beside plain RTP it passes in clear.
    pub rtcp: RtcpPolicy,
    /// Silence of a peer that is worth an event; zero: none is.
    pub idle_after: Duration,
    /// SRTP.
    pub srtp: SrtpConfig,
    /// Over which paths keys may come and go.
    pub key_policy: KeyPolicy,
    /// What happens to a connection whose master key is spent.
    pub on_key_exhausted: OnKeyExhausted,
    /// Announce restarts (RSIP); a gateway that does not is in service at once.
    pub announce: bool,
    /// `MWD`: a restart is announced after a random part of this time.
    pub restart_delay_max: Duration,
    /// How often the call agent is told that we live, as IOS does (NTFY without events); zero: never.
    pub keep_alive: Duration,
    /// Commands that may wait for others on their endpoint before load is refused.
    pub waiting_limit: usize,
    /// Commands that create load a call agent may give in a second; zero: any number.
    pub commands_per_second: u32,
    /// Times and limits of transactions.
    pub transactions: transaction::Config,
}

impl Config {
    /// A gateway named `domain` with everything else as usual; it needs call agents and networks.
    pub fn new(domain: &str) -> Self {
        Self {
            domain: domain.to_owned(),
            other_domains: Vec::new(),
            validate_domain: false,
            call_agents: Vec::new(),
            versions: vec![Version::V0_1, Version::V1_0],
            own_version: Version::V1_0,
            endpoints: 10_000,
            voice: Vec::new(),
            line_port: PortId(0),
            persistent_off_hook: true,
            networks: Vec::new(),
            source: SourceRule::LearnAuthenticated,
            rtcp: RtcpPolicy::Off,
            idle_after: Duration::ZERO,
            srtp: SrtpConfig::default(),
            key_policy: KeyPolicy::default(),
            on_key_exhausted: OnKeyExhausted::Notify,
            announce: true,
            restart_delay_max: Duration::from_secs(20),
            keep_alive: Duration::ZERO,
            waiting_limit: 1024,
            commands_per_second: 0,
            transactions: transaction::Config::default(),
        }
    }

    /// Whether a gateway can be made of it.
    pub fn check(&self) -> Result<(), ConfigError> {
        for domain in self.other_domains.iter().chain([&self.domain]) {
            let name = EndpointName::new("mg", domain);
            name.map_err(|_| ConfigError::Domain(domain.clone()))?;
        }
        if !(1..=1_000_000).contains(&self.endpoints) {
            return Err(ConfigError::Endpoints(self.endpoints));
        }
        if self.voice.len() > MAX_VOICE {
            return Err(ConfigError::Voice(self.voice.len()));
        }
        let mut names = HashSet::new();
        for endpoint in &self.voice {
            let name = &endpoint.name;
            let specific = EndpointName::new(name, &self.domain)
                .is_ok_and(|full| full.wildcard() == Wildcard::None);
            let first = name.split('/').next().unwrap_or_default();
            let taken = name.eq_ignore_ascii_case("mg") || first.eq_ignore_ascii_case("pr");
            if !specific || taken {
                return Err(ConfigError::VoiceName(name.clone()));
            }
            if !names.insert(name.to_ascii_lowercase()) {
                return Err(ConfigError::VoiceTwice(name.clone()));
            }
        }
        if self.versions.is_empty() {
            return Err(ConfigError::NoVersion);
        }
        if self.call_agents.iter().all(|agent| agent.addresses.is_empty()) {
            return Err(ConfigError::NoCallAgent);
        }
        if self.srtp.enabled && self.srtp.suites.is_empty() {
            return Err(ConfigError::NoSuite);
        }
        Ok(media::check(&self.networks)?)
    }
}

/// Over which paths keys may come and go. A path is covered for a command when every octet of it
/// came out of an IPsec association that encrypts ([`Gateway::handle_covered_datagram`]); its answer
/// goes the same way.
///
/// [`Gateway::handle_covered_datagram`]: crate::Gateway::handle_covered_datagram
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyPolicy {
    /// Only over covered ones: a command in clear that brings a new key, or would be answered with
    /// one, is refused, and the SRTP package is not among ours. Calls that have keys go on.
    Require,
    /// Over all; those in clear are counted.
    Prefer,
    /// Over all: the operator vouches for the path.
    #[default]
    TrustedPath,
}

/// An endpoint with a telephone side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoiceEndpoint {
    /// What stands before the `@`: `aaln/S1/SU0/0`, `S0/SU0/DS1-0/1`.
    pub name: String,
    /// What is behind it.
    pub kind: VoiceKind,
}

/// What is behind a voice endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoiceKind {
    /// A telephone on an analog line; its default package is `L`.
    Line,
    /// A channel of a digital trunk; its default package is `T`.
    Trunk,
}

impl VoiceKind {
    /// What names of this form mean: `aaln/…` is a line, everything else a trunk.
    pub fn of_name(name: &str) -> Self {
        let first = name.split('/').next().unwrap_or_default();
        if first.eq_ignore_ascii_case("aaln") { Self::Line } else { Self::Trunk }
    }
}

impl From<VoiceKind> for Kind {
    fn from(kind: VoiceKind) -> Self {
        match kind {
            VoiceKind::Line => Self::Line,
            VoiceKind::Trunk => Self::Trunk,
        }
    }
}

/// One who may command us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallAgent {
    /// The host name that stands for it in `N:` lines.
    pub name: Option<String>,
    /// Its addresses, in order of preference. Commands are taken from any port of them.
    pub addresses: Vec<SocketAddr>,
}

/// How SRTP is agreed.
#[derive(Clone, Debug)]
pub struct SrtpConfig {
    /// Connections may be SRTP.
    pub enabled: bool,
    /// Suites that are accepted; the first is offered.
    pub suites: Vec<Suite>,
    /// Which of the two crypto attributes is written; both are read.
    pub form: AttributeForm,
    /// Who chooses the keys we send with.
    pub transmit_key: TransmitKey,
}

impl Default for SrtpConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            suites: Suite::ALL.into_iter().filter(|suite| !suite.is_null()).collect(),
            form: AttributeForm::Crypto,
            transmit_key: TransmitKey::CallAgent,
        }
    }
}

/// Forms of the SDP attribute that carries keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeForm {
    /// `a=crypto` of RFC 4568.
    Crypto,
    /// `a=X-crypto` of the first MGCP gateways with SRTP.
    XCrypto,
}

/// Who chooses the keys we send with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransmitKey {
    /// The call agent may, by `x+srtptx`; else we do.
    CallAgent,
    /// Always we: `x+srtptx` is refused with 525.
    Gateway,
}

/// What happens to a connection whose master key is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnKeyExhausted {
    /// It stays, silent, and is reported if that was requested.
    Notify,
    /// We delete it and tell the call agent (DLCX).
    Delete,
}

/// Why no gateway can be made of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A domain that no endpoint name can have.
    #[error("`{0}` is no domain: use a host name, or an address in brackets")]
    Domain(String),
    /// Too many or too few endpoints.
    #[error("{0} endpoints: choose 1 to 1000000")]
    Endpoints(u32),
    /// More voice endpoints than anybody can look through.
    #[error("{0} voice endpoints: choose at most 10000")]
    Voice(usize),
    /// A name that no voice endpoint can have.
    #[error("`{0}` is no name of a voice endpoint: write it like aaln/S1/SU0/0 or S0/SU0/DS1-0/1")]
    VoiceName(String),
    /// Two voice endpoints have one name.
    #[error("two voice endpoints are named `{0}`: name each port once")]
    VoiceTwice(String),
    /// No dialect is understood.
    #[error("no MGCP version is enabled: allow 0.1, 1.0 or both")]
    NoVersion,
    /// Nobody may command us.
    #[error("no call agent: name at least one with an address and port")]
    NoCallAgent,
    /// SRTP without a suite.
    #[error("SRTP is enabled without a suite: name one or disable it")]
    NoSuite,
    /// Media networks that cannot be used.
    #[error(transparent)]
    Network(#[from] NetworkError),
}
