//! Which relays there are, and how long things may take.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use capture::{NoTap, Tap};
use mgcp::{EndpointName, transaction};
use thiserror::Error;

/// Settings of a call agent.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who we are, in the names that we give to calls: agents that share a relay need different
    /// ones, and one that is started again needs the same.
    pub identity: String,
    /// The relays.
    pub relays: Vec<RelayConfig>,
    /// How long a relay may take to open a stream before another one is tried.
    pub patience: Duration,
    /// How often a relay is asked whether it is there.
    pub keep_alive: Duration,
    /// How long a relay that owes an answer may be silent before it counts as down.
    pub down_after: Duration,
    /// Silence of a device that is reported, in whole seconds; zero: none is.
    pub silence: Duration,
    /// How long media that an earlier run has left on a relay may be silent before it is deleted.
    pub orphan_silence: Duration,
    /// How long such media may go on at all.
    pub orphan_age: Duration,
    /// Those of the relays that are plain RTP gateways of somebody else.
    pub plain: Vec<PlainGateway>,
    /// Times and limits of transactions.
    pub transactions: transaction::Config,
    /// Who captures what is said to relays and by them.
    pub tap: Arc<dyn Tap>,
}

/// A gateway that relays RTP and knows no more: no SRTP, no events, no packages. Streams that are
/// to be encrypted never go there, and it is not asked about what an earlier run has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainGateway {
    /// The name of its relay.
    pub name: String,
    /// What it calls any endpoint that is free: `rtpbridge/*` is what osmo-mgw says for `$`.
    pub any: String,
}

/// A relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayConfig {
    /// Its name, as `name` in its section `[datad.gateway]`.
    pub name: String,
    /// Where it listens for MGCP, in order of preference.
    pub addresses: Vec<SocketAddr>,
}

impl Config {
    /// An agent of this identity with everything else as usual.
    pub fn new(identity: &str, relays: Vec<RelayConfig>) -> Self {
        Self {
            identity: identity.to_owned(),
            relays,
            patience: Duration::from_millis(1500),
            keep_alive: Duration::from_secs(5),
            down_after: Duration::from_secs(3),
            silence: Duration::from_secs(60),
            orphan_silence: Duration::from_secs(60),
            orphan_age: Duration::from_secs(12 * 3600),
            plain: Vec::new(),
            tap: Arc::new(NoTap),
            transactions: transaction::Config {
                // Relays are near: commands are soon sent again, until `t_max` is over. When to do
                // without an answer is decided by `patience` and `down_after`.
                initial_rto: Duration::from_millis(250),
                max2: u32::MAX,
                ..transaction::Config::default()
            },
        }
    }

    /// Makes a relay a plain RTP gateway, whose name for any endpoint is `any`. Such gateways want
    /// no acknowledgements of answers either, so nobody is sent any.
    pub fn with_plain(mut self, name: &str, any: &str) -> Self {
        self.plain.push(PlainGateway { name: name.to_owned(), any: any.to_owned() });
        self.transactions.acknowledge = false;
        self
    }

    /// Whether an agent can be made of it.
    pub fn check(&self) -> Result<(), ConfigError> {
        for plain in &self.plain {
            let of_relay = self.relays.iter().any(|r| r.name.eq_ignore_ascii_case(&plain.name));
            let legal = EndpointName::new(&plain.any, &plain.name).is_ok();
            if !of_relay || !legal {
                return Err(ConfigError::Plain(plain.name.clone()));
            }
        }
        self.relays.iter().enumerate().try_for_each(|(index, relay)| {
            let name = || relay.name.clone();
            EndpointName::new("mg", &relay.name).map_err(|_| ConfigError::Name(name()))?;
            if relay.addresses.is_empty() {
                return Err(ConfigError::NoAddress(name()));
            }
            let same = |other: &RelayConfig| other.name.eq_ignore_ascii_case(&relay.name);
            match self.relays[..index].iter().any(same) {
                true => Err(ConfigError::Twice(name())),
                false => Ok(()),
            }
        })
    }
}

/// Why no agent can be made of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A name that no endpoint can have.
    #[error("`{0}` is no name for a relay: use that of its section [datad.gateway]")]
    Name(String),
    /// A plain gateway that is no relay, or whose endpoints cannot be named so.
    #[error("`{0}` is plain and no relay, or has no name for any endpoint, like rtpbridge/*")]
    Plain(String),
    /// Nobody knows where it is.
    #[error("relay `{0}` has no address: give the one it listens at, with the port, mostly 2427")]
    NoAddress(String),
    /// Two relays have one name.
    #[error("two relays are named `{0}`: rename one, in its section [datad.gateway] too")]
    Twice(String),
}
