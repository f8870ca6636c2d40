//! Which gateways there are, and how long things may take.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use callmanager::switchboard::Profile;
use capture::{NoTap, Tap};
use mgcp::digitmap::DigitMap;
use mgcp::{EndpointName, Version, transaction};
use thiserror::Error;

/// Settings of the call agent for voice gateways.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who we are, in the names that we give to calls: as for relays.
    pub identity: String,
    /// Where gateways find us; the address says which of ours IPsec must cover.
    pub address: SocketAddr,
    /// A gateway of which nothing was heard for so long is asked whether it is there.
    pub keep_alive: Duration,
    /// How often it is looked whether the ways to gateways are covered.
    pub recheck: Duration,
    /// How long a way may be uncovered before that is an alarm: associations are renewed.
    pub hysteresis: Duration,
    /// How long a port is not asked for anything else after it has observed something, unless the
    /// switchboard has said what follows from it.
    pub patience: Duration,
    /// Audits of one gateway's ports that may be under way at once.
    pub pace: usize,
    /// Times and limits of transactions.
    pub transactions: transaction::Config,
    /// Who captures what is said to gateways and by them.
    pub tap: Arc<dyn Tap>,
}

/// The gateways.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Each of another name.
    pub gateways: Vec<GatewayConfig>,
    /// Whether the cluster is in mixed mode: else no gateway is given keys.
    pub mixed_mode: bool,
}

/// A gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayConfig {
    /// What stands behind the `@` in names of its endpoints.
    pub name: String,
    /// Where it listens, in order of preference.
    pub addresses: Vec<SocketAddr>,
    /// What it speaks.
    pub version: Version,
    /// Whether keys may go to it.
    pub key_policy: KeyPolicy,
    /// Where it is known whether the way to it is covered.
    pub path: PathSource,
    /// Our place among its call agents: the first one (0) asks it whether it is there, others wait
    /// until it comes to them. `None`: it is none of ours.
    pub rank: Option<usize>,
    /// How it collects digits; absent: it tells of each.
    pub digit_map: Option<DigitMap>,
    /// Whether encrypted calls end when keys may no longer go to it.
    pub drop_secure_calls: bool,
    /// Its ports.
    pub ports: Vec<PortConfig>,
}

/// A voice port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortConfig {
    /// What stands before the `@`.
    pub local: String,
    /// What the switchboard is told of it; its security is found out.
    pub profile: Profile,
    /// Where calls go that come in by a trunk without a number.
    pub attendant: Option<String>,
    /// Whether calls may come in by it.
    pub takes_calls_in: bool,
    /// Whether what is said with it about calls is reported, without keys.
    pub capture: bool,
}

/// Whether keys may go to a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPolicy {
    /// Only over a covered way.
    Require,
    /// Always; without cover with an alarm.
    Prefer,
    /// Always: the operator vouches for the way.
    TrustedPath,
}

/// Where it is known whether a way is covered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathSource {
    /// Here; the gateway must have proven to be this one, if it says which.
    Here {
        /// As the IKE daemon writes identities.
        identity: Option<String>,
    },
    /// In another box, which cannot be asked.
    Elsewhere,
}

impl Config {
    /// An agent of this identity at this address, with everything else as usual.
    pub fn new(identity: &str, address: SocketAddr) -> Self {
        Self {
            identity: identity.to_owned(),
            address,
            keep_alive: Duration::from_secs(30),
            recheck: Duration::from_secs(5),
            hysteresis: Duration::from_secs(2),
            patience: Duration::from_millis(100),
            pace: 8,
            transactions: transaction::Config::default(),
            tap: Arc::new(NoTap),
        }
    }
}

impl Plan {
    /// Whether an agent can follow it.
    pub fn check(&self) -> Result<(), PlanError> {
        for (index, gateway) in self.gateways.iter().enumerate() {
            let name = || gateway.name.clone();
            if gateway.addresses.is_empty() {
                return Err(PlanError::NoAddress(name()));
            }
            let same = |other: &GatewayConfig| other.name.eq_ignore_ascii_case(&gateway.name);
            if self.gateways[..index].iter().any(same) {
                return Err(PlanError::Twice(name()));
            }
            for port in &gateway.ports {
                EndpointName::new(&port.local, &gateway.name)
                    .map_err(|_| PlanError::Name(format!("{}@{}", port.local, gateway.name)))?;
            }
            EndpointName::new(WHOLE, &gateway.name).map_err(|_| PlanError::Name(name()))?;
        }
        Ok(())
    }
}

/// The endpoint that stands for all of a gateway.
pub(super) const WHOLE: &str = "*";

/// Why an agent cannot follow a plan.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// A name that no endpoint can have.
    #[error("`{0}` is no name of a gateway or of one of its ports")]
    Name(String),
    /// Nobody knows where it is.
    #[error("gateway `{0}` has no address: give the one it listens at, with the port, mostly 2427")]
    NoAddress(String),
    /// Two have one name.
    #[error("two gateways are named `{0}`: rename one")]
    Twice(String),
}
