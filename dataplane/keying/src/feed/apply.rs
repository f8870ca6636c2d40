//! Does what a daemon orders.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use esp::{
    Action, AddressRange, Direction, DontFragment, Dscp, Encapsulation, Event, Ipsec, KeyError,
    Keys, Lifetime, Limits, MAX_WINDOW, MIN_WINDOW, Mode, Policy, RequestId, SaError, SaId, SaSpec,
    Selector, Suite,
};
use thiserror::Error;

use super::VERSION;
use super::order::{Answer, Notice, Order, PolicyRecord, SaRecord, Side};
use crate::xfrm::StateKey;

/// IKEv2's numbers of algorithms (RFC 7296 §3.3.2, RFC 4106, RFC 4868).
mod algorithm {
    pub(super) const NULL: u16 = 11;
    pub(super) const AES_CBC: u16 = 12;
    pub(super) const AES_GCM_16: u16 = 20;
    pub(super) const HMAC_SHA1_96: u16 = 2;
    pub(super) const HMAC_SHA2_256_128: u16 = 12;
}

/// Policies a daemon may bring; each association needs two or three.
const MOST_POLICIES: usize = 4096;
/// Between keepalives while nothing else is sent (RFC 3948 §2.3).
const KEEPALIVE: Duration = Duration::from_secs(20);

/// Why an order was not followed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The daemon's plugin is of another version.
    #[error(
        "the plugin speaks version {0} and we speak {VERSION}; install the one that came with \
         this program"
    )]
    Version(u16),
    /// No suite of ours has these algorithms.
    #[error(
        "IKE's cipher {cipher} with {len} octets of key and integrity {integrity} is no suite of \
         ours; propose aes128gcm16, aes128-sha256 or aes128-sha1"
    )]
    Suite {
        /// IKEv2's number of the cipher.
        cipher: u16,
        /// Octets of its key.
        len: usize,
        /// IKEv2's number of the integrity algorithm.
        integrity: u16,
    },
    /// The keys do not fit the suite.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The association was not taken.
    #[error(transparent)]
    Sa(#[from] SaError),
    /// The traffic it is for makes no sense.
    #[error("the traffic selectors of the association or policy are of two families, or reversed")]
    Traffic,
    /// As many as there may be.
    #[error("more than {MOST_POLICIES} policies")]
    Policies,
    /// There is no such association.
    #[error("there is no association {:08x} to {}", .0.spi, .0.destination)]
    NotFound(StateKey),
    /// Our own end cannot move, and packets do not begin or cease to travel in UDP.
    #[error("only the peer's end of an association can move; it is negotiated anew")]
    Unsupported,
}

impl Refusal {
    /// What the daemon is told.
    pub fn answer(&self) -> Answer {
        match self {
            Self::NotFound(_) => Answer::NotFound,
            Self::Unsupported => Answer::Unsupported,
            _ => Answer::Refused,
        }
    }
}

/// A daemon's associations and policies in an [`Ipsec`].
///
/// Before the daemon's policies come none and behind them a list of our own, which says what
/// happens to traffic that it has no policy for.
pub struct Feed {
    own: Vec<Policy>,
    sas: HashMap<StateKey, SaId>,
    policies: Vec<PolicyRecord>,
}

impl Feed {
    /// With our own policies, which are in force at once.
    pub fn new(own: Vec<Policy>, ipsec: &mut Ipsec) -> Self {
        let feed = Self { own, sas: HashMap::new(), policies: Vec::new() };
        feed.write_policies(ipsec);
        feed
    }

    /// The daemon is gone, or another has come: what it brought ends, keys included.
    pub fn clear(&mut self, ipsec: &mut Ipsec) {
        self.remove_all(ipsec);
        self.policies.clear();
        self.write_policies(ipsec);
    }

    /// Does what an order says. `iv_seed` is random and used once.
    pub fn apply(
        &mut self,
        now: Instant,
        order: Order,
        ipsec: &mut Ipsec,
        iv_seed: [u8; 16],
    ) -> Result<Answer, Refusal> {
        match order {
            Order::Hello(VERSION) => self.clear(ipsec),
            Order::Hello(other) => return Err(Refusal::Version(other)),
            Order::AddSa(record) => {
                let id = ipsec.add_sa(now, spec(&record, iv_seed)?)?;
                self.sas.insert(record.key, id);
            }
            Order::MoveSa { key, source, destination, ports } => {
                self.move_sa(key, source, destination, ports, ipsec)?;
            }
            Order::QuerySa(key) => {
                let sa = ipsec.sa(self.find(key)?).ok_or(Refusal::NotFound(key))?;
                let idle = sa.last_used.map(|used| now.saturating_duration_since(used).as_secs());
                let (octets, packets) = (sa.stats.clear_octets, sa.stats.packets);
                return Ok(Answer::Usage { octets, packets, idle });
            }
            Order::RemoveSa(key) => {
                let id = self.find(key)?;
                self.sas.remove(&key);
                ipsec.remove_sa(id)?;
            }
            Order::RemoveSas => self.remove_all(ipsec),
            Order::AddPolicy(record) => {
                if self.policies.len() == MOST_POLICIES {
                    return Err(Refusal::Policies);
                }
                selector(record.direction, &record.source, &record.destination)
                    .ok_or(Refusal::Traffic)?;
                let at = self.policies.partition_point(|other| other.priority <= record.priority);
                self.policies.insert(at, record);
                self.write_policies(ipsec);
            }
            Order::RemovePolicy(record) => {
                // There is one for each association that wanted it.
                if let Some(at) = self.policies.iter().position(|other| *other == record) {
                    self.policies.remove(at);
                    self.write_policies(ipsec);
                }
            }
            Order::RemovePolicies => {
                self.policies.clear();
                self.write_policies(ipsec);
            }
        }
        Ok(Answer::Done)
    }

    /// What the daemon should be told about an event.
    pub fn notice(&self, event: &Event, ipsec: &Ipsec) -> Option<Notice> {
        let key = |id| {
            let sa = ipsec.sa(id)?;
            let key = StateKey { spi: sa.spi, destination: sa.destination };
            (self.sas.get(&key) == Some(&id)).then_some(key)
        };
        Some(match *event {
            Event::SoftLimit { sa, .. } => Notice::Expired { key: key(sa)?, hard: false },
            Event::HardLimit { sa, .. } => Notice::Expired { key: key(sa)?, hard: true },
            Event::Acquire { request, .. } => {
                let theirs = self.policies.iter().any(|policy| policy.request == request.0);
                return theirs.then_some(Notice::Acquire { request: request.0 });
            }
            Event::PeerMoved { sa, to } => Notice::Moved { key: key(sa)?, to },
            _ => return None,
        })
    }

    fn find(&self, key: StateKey) -> Result<SaId, Refusal> {
        self.sas.get(&key).copied().ok_or(Refusal::NotFound(key))
    }

    fn move_sa(
        &mut self,
        key: StateKey,
        source: std::net::IpAddr,
        destination: std::net::IpAddr,
        ports: Option<(u16, u16)>,
        ipsec: &mut Ipsec,
    ) -> Result<(), Refusal> {
        let id = self.find(key)?;
        let sa = ipsec.sa(id).ok_or(Refusal::NotFound(key))?;
        let (ours_stays, peer, port) = match sa.direction {
            Direction::Inbound => (sa.destination == destination, source, ports.map(|p| p.0)),
            Direction::Outbound => (sa.source == source, destination, ports.map(|p| p.1)),
        };
        if !ours_stays || sa.encapsulation.is_some() != ports.is_some() {
            return Err(Refusal::Unsupported);
        }
        ipsec.set_peer(id, peer, port)?;
        self.sas.remove(&key);
        self.sas.insert(StateKey { destination, ..key }, id);
        Ok(())
    }

    fn remove_all(&mut self, ipsec: &mut Ipsec) {
        for (_, id) in self.sas.drain() {
            // Nobody else removes what a daemon brought; were it so, it is gone as it should be.
            let _ = ipsec.remove_sa(id);
        }
    }

    fn write_policies(&self, ipsec: &mut Ipsec) {
        let theirs = self.policies.iter().filter_map(|record| {
            Some(Policy {
                selector: selector(record.direction, &record.source, &record.destination)?,
                direction: Some(record.direction),
                action: Action::Protect(RequestId(record.request)),
            })
        });
        let mut all: Vec<Policy> = Vec::new();
        for policy in theirs {
            if !all.contains(&policy) {
                all.push(policy);
            }
        }
        all.extend(self.own.iter().cloned());
        ipsec.set_policies(all);
    }
}

fn spec(record: &SaRecord, iv_seed: [u8; 16]) -> Result<SaSpec, Refusal> {
    let StateKey { spi, destination } = record.key;
    let direction = record.direction;
    let mut spec = SaSpec::new(direction, spi, record.source, destination, keys(record)?, iv_seed);
    spec.mode = if record.tunnel { Mode::Tunnel } else { Mode::Transport };
    spec.request = RequestId(record.request);
    for source in &record.sources {
        for destination in &record.destinations {
            let selector = selector(direction, source, destination).ok_or(Refusal::Traffic)?;
            spec.selectors.push(selector);
        }
    }
    spec.extended_sequence = record.extended;
    spec.window = record.window.clamp(MIN_WINDOW.into(), MAX_WINDOW.into()) as u16;
    spec.encapsulation = record.ports.map(|(source, destination)| match direction {
        Direction::Outbound => Encapsulation { local_port: source, remote_port: destination },
        Direction::Inbound => Encapsulation { local_port: destination, remote_port: source },
    });
    spec.keepalive = record.ports.map(|_| KEEPALIVE);
    spec.lifetime = Lifetime { soft: limits(record.soft), hard: limits(record.hard) };
    if !record.copy_df {
        spec.outer.df = DontFragment::Clear;
    }
    spec.outer.ecn = record.copy_ecn;
    if !record.copy_dscp {
        spec.outer.dscp = Dscp::Set(0);
    }
    spec.traffic_padding = record.padding as usize;
    Ok(spec)
}

fn keys(record: &SaRecord) -> Result<Keys, Refusal> {
    use algorithm::{AES_CBC, AES_GCM_16, HMAC_SHA1_96, HMAC_SHA2_256_128, NULL};
    let (cipher, integrity) = (record.cipher, record.integrity);
    let len = record.cipher_key.octets().len();
    let suite = match (cipher, len, integrity) {
        (AES_GCM_16, 20, _) => Suite::AesGcm128,
        (AES_GCM_16, 36, _) => Suite::AesGcm256,
        (AES_CBC, 16, HMAC_SHA1_96) => Suite::AesCbc128Sha1,
        (AES_CBC, 32, HMAC_SHA1_96) => Suite::AesCbc256Sha1,
        (AES_CBC, 16, HMAC_SHA2_256_128) => Suite::AesCbc128Sha256,
        (AES_CBC, 32, HMAC_SHA2_256_128) => Suite::AesCbc256Sha256,
        (NULL, 0, HMAC_SHA1_96) => Suite::NullSha1,
        (NULL, 0, HMAC_SHA2_256_128) => Suite::NullSha256,
        _ => return Err(Refusal::Suite { cipher, len, integrity }),
    };
    Ok(Keys::new(suite, record.cipher_key.octets(), record.integrity_key.octets())?)
}

fn limits([seconds, octets, packets]: [u64; 3]) -> Limits {
    let limit = |value: u64| Some(value).filter(|&value| value != 0);
    Limits {
        time: limit(seconds).map(Duration::from_secs),
        octets: limit(octets),
        packets: limit(packets),
    }
}

/// None when both sides cannot belong together.
fn selector(direction: Direction, source: &Side, destination: &Side) -> Option<Selector> {
    let (local, remote) = match direction {
        Direction::Outbound => (source, destination),
        Direction::Inbound => (destination, source),
    };
    let range = |side: &Side| AddressRange::new(side.first, side.last);
    let selector = Selector::between(range(local)?, range(remote)?);
    if local.first.is_ipv4() != remote.first.is_ipv4() {
        return None;
    }
    let ports = |side: &Side| (side.ports.0 <= side.ports.1).then_some(side.ports.0..=side.ports.1);
    let selector = selector.ports(ports(local)?, ports(remote)?);
    Some(match local.protocol.max(remote.protocol) {
        0 => selector,
        protocol => selector.protocol(protocol),
    })
}
