//! One security association: what was agreed, and what has become of it.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::event::{Event, Events};
use crate::ip::{Outer, UDP};
use crate::keys::Keys;
use crate::lifetime::Lifetime;
use crate::policy::RequestId;
use crate::replay::{MAX_WINDOW, MIN_WINDOW, Window};
use crate::selector::{Direction, Flow, Match, Selector};
use crate::transform::{HEADER_LEN, Transform};
use crate::tunnel::OuterRules;
use crate::verdict::{DropReason, Drops};
use crate::{SaId, encapsulation};

/// Whole packets inside new ones, or what is behind the IP header only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The IP header stays; what it carries is protected.
    Transport,
    /// The whole packet is protected, and goes between the ends of the tunnel.
    Tunnel,
}

/// The ports of ESP in UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encapsulation {
    /// Ours.
    pub local_port: u16,
    /// The peer's, which an address translator may have chosen.
    pub remote_port: u16,
}

impl Default for Encapsulation {
    fn default() -> Self {
        Self { local_port: encapsulation::PORT, remote_port: encapsulation::PORT }
    }
}

/// What was agreed about one direction.
#[derive(Clone, Debug)]
pub struct SaSpec {
    /// Which way its packets go.
    pub direction: Direction,
    /// The number in its packets, which the receiver has chosen; 256 or more.
    pub spi: u32,
    /// The end that sends: us or the peer, as the direction says.
    pub source: IpAddr,
    /// The end that receives.
    pub destination: IpAddr,
    /// Transport or tunnel.
    pub mode: Mode,
    /// Suite and keys.
    pub keys: Keys,
    /// The policy that it is for.
    pub request: RequestId,
    /// The traffic that it is for; any of them.
    pub selectors: Vec<Selector>,
    /// Whether sequence numbers have 64 bits, of which 32 travel.
    pub extended_sequence: bool,
    /// Inbound: packets of the replay window, [`MIN_WINDOW`] to [`MAX_WINDOW`]; rounded up to a
    /// multiple of 64.
    pub window: u16,
    /// Whether its packets travel in UDP.
    pub encapsulation: Option<Encapsulation>,
    /// Its limits.
    pub lifetime: Lifetime,
    /// Outbound, tunnel: how the outer header is made. Inbound nothing of it is read.
    pub outer: OuterRules,
    /// Outbound: octets that payloads are filled up to, so that their length does not show. 0: they
    /// are not. The peer must agree to it.
    pub traffic_padding: usize,
    /// Outbound: octets of a packet that the path takes, before anybody says otherwise.
    pub mtu: usize,
    /// Outbound, in UDP: how long nothing may be sent before a keepalive is due.
    pub keepalive: Option<Duration>,
    /// Outbound, CBC: random octets that nobody else knows.
    pub iv_seed: [u8; 16],
}

impl SaSpec {
    /// An association in tunnel mode with the usual values and without selectors: those must be
    /// set before anything passes.
    pub fn new(
        direction: Direction,
        spi: u32,
        source: IpAddr,
        destination: IpAddr,
        keys: Keys,
        iv_seed: [u8; 16],
    ) -> Self {
        Self {
            direction,
            spi,
            source,
            destination,
            mode: Mode::Tunnel,
            keys,
            request: RequestId(0),
            selectors: Vec::new(),
            extended_sequence: false,
            window: MIN_WINDOW,
            encapsulation: None,
            lifetime: Lifetime::default(),
            outer: OuterRules::default(),
            traffic_padding: 0,
            mtu: 1500,
            keepalive: None,
            iv_seed,
        }
    }

    pub(crate) fn check(&self) -> Result<(), SaError> {
        if self.spi < 256 {
            return Err(SaError::ReservedSpi(self.spi));
        }
        if self.source.is_ipv4() != self.destination.is_ipv4() {
            return Err(SaError::Families);
        }
        if !(MIN_WINDOW..=MAX_WINDOW).contains(&self.window) {
            return Err(SaError::Window(self.window));
        }
        if !(MIN_V4_MTU..=usize::from(u16::MAX)).contains(&self.mtu) {
            return Err(SaError::Mtu(self.mtu));
        }
        Ok(())
    }
}

/// No path of IPv4 is believed to take less than this.
pub(crate) const MIN_V4_MTU: usize = 576;
/// No path of IPv6 takes less (RFC 8200 §5).
pub(crate) const MIN_V6_MTU: usize = 1280;
/// How long a path is believed to be narrow (RFC 1191 §6.3).
const MTU_AGE: Duration = Duration::from_secs(600);

/// Why an association was not added or not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SaError {
    /// SPIs below 256 are reserved (RFC 4303 §2.1).
    #[error("SPI {0} is reserved; the receiver must choose one of 256 or more")]
    ReservedSpi(u32),
    /// There is one with this SPI and destination already.
    #[error(
        "there is an association with SPI {0:08x} to this destination already; delete it first"
    )]
    Exists(u32),
    /// Its ends are of two families.
    #[error("an association goes from IPv4 to IPv4 or from IPv6 to IPv6")]
    Families,
    /// The replay window is out of range.
    #[error("the replay window must be {MIN_WINDOW} to {MAX_WINDOW} packets, not {0}")]
    Window(u16),
    /// The MTU is out of range.
    #[error("the MTU must be {MIN_V4_MTU} to 65535 octets, not {0}")]
    Mtu(usize),
    /// Two associations would count initialization vectors under one GCM key.
    #[error(
        "this AES-GCM key is in use already; under one key no two packets may have the same initialization vector, so each association needs a key of its own"
    )]
    KeyInUse,
    /// As many as there may be.
    #[error("all {0} associations are taken; raise the limit or delete some")]
    Full(usize),
    /// It was deleted, or never was.
    #[error("no such association")]
    NoSa,
}

/// How far an association has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaState {
    /// It carries packets.
    Live,
    /// It does, and a successor has been asked for.
    Expiring,
    /// A hard limit was reached: it carries nothing any more.
    Expired,
}

/// Figures of an association.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SaStats {
    /// Packets sealed, or opened with success.
    pub packets: u64,
    /// Octets of the packets in clear.
    pub clear_octets: u64,
    /// Octets of the packets on the wire; the difference is what protection costs.
    pub wire_octets: u64,
    /// Octets that the cipher has worked on.
    pub cipher_octets: u64,
    /// Packets that were dropped, by reason.
    pub drops: Drops,
}

/// An association and its state.
pub(crate) struct Sa {
    pub(crate) id: SaId,
    pub(crate) spec: SaSpec,
    pub(crate) transform: Transform,
    pub(crate) state: SaState,
    pub(crate) added: Instant,
    pub(crate) last_used: Option<Instant>,
    pub(crate) stats: SaStats,
    /// Inbound.
    pub(crate) window: Window,
    /// Outbound: the number of the last packet.
    pub(crate) sequence: u64,
    /// Outbound: what the path takes, until when that is believed.
    narrow: Option<(usize, Instant)>,
    next_keepalive: Option<Instant>,
}

impl Sa {
    pub(crate) fn new(now: Instant, id: SaId, mut spec: SaSpec) -> Self {
        spec.lifetime = spec.lifetime.within_bounds(spec.keys.suite(), spec.extended_sequence);
        spec.window = spec.window.next_multiple_of(64);
        let outbound = spec.direction == Direction::Outbound;
        Self {
            id,
            transform: Transform::new(&spec.keys, spec.iv_seed),
            state: SaState::Live,
            added: now,
            last_used: None,
            stats: SaStats::default(),
            window: Window::new(spec.window),
            sequence: 0,
            narrow: None,
            next_keepalive: spec
                .keepalive
                .filter(|_| outbound && spec.encapsulation.is_some())
                .map(|pause| now + pause),
            spec,
        }
    }

    pub(crate) fn is_usable(&self, now: Instant) -> bool {
        let age = now.saturating_duration_since(self.added);
        self.state != SaState::Expired
            && self.spec.lifetime.hard.time.is_none_or(|limit| age < limit)
    }

    /// Whether traffic of `flow` is what it is for.
    #[inline]
    pub(crate) fn matches(&self, flow: &Flow) -> Match {
        let mut best = Match::No;
        for selector in &self.spec.selectors {
            match selector.matches(flow) {
                Match::Yes => return Match::Yes,
                Match::Perhaps => best = Match::Perhaps,
                Match::No => {}
            }
        }
        best
    }

    /// Counts a packet that went through, and looks whether that reaches a limit.
    pub(crate) fn count(
        &mut self,
        now: Instant,
        clear: usize,
        wire: usize,
        cipher: usize,
        events: &mut Events,
    ) {
        self.stats.packets += 1;
        self.stats.clear_octets += clear as u64;
        self.stats.wire_octets += wire as u64;
        self.stats.cipher_octets += cipher as u64;
        self.last_used = Some(now);
        if let Some(due) = &mut self.next_keepalive {
            *due = now + self.spec.keepalive.unwrap_or_default();
        }
        self.age(now, events);
    }

    /// Reaches limits, by time or by use.
    pub(crate) fn age(&mut self, now: Instant, events: &mut Events) {
        let age = now.saturating_duration_since(self.added);
        let (octets, packets) = (self.stats.cipher_octets, self.stats.packets);
        if self.state == SaState::Expired {
            return;
        }
        if let Some(limit) = self.spec.lifetime.hard.reached(age, octets, packets) {
            self.state = SaState::Expired;
            events.tell(Event::HardLimit { sa: self.id, limit });
        } else if self.state == SaState::Live
            && let Some(limit) = self.spec.lifetime.soft.reached(age, octets, packets)
        {
            self.state = SaState::Expiring;
            events.tell(Event::SoftLimit { sa: self.id, limit });
        }
    }

    /// When time alone changes something.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let limits = &self.spec.lifetime;
        let limit = match self.state {
            SaState::Live => [limits.soft.time, limits.hard.time].into_iter().flatten().min(),
            SaState::Expiring => limits.hard.time,
            SaState::Expired => return None,
        };
        let limit = limit.and_then(|limit| self.added.checked_add(limit));
        [limit, self.next_keepalive].into_iter().flatten().min()
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant, events: &mut Events) {
        self.age(now, events);
        if let Some(due) = &mut self.next_keepalive
            && now >= *due
            && self.state != SaState::Expired
        {
            *due = now + self.spec.keepalive.unwrap_or_default();
            events.tell(Event::Keepalive { sa: self.id });
        }
    }

    /// Octets in front of ESP that this association adds to a packet: a tunnel's header, and UDP.
    pub(crate) fn front_len(&self) -> usize {
        let outer = match self.spec.mode {
            Mode::Tunnel => Outer::len_for(self.spec.destination),
            Mode::Transport => 0,
        };
        outer + self.udp_len()
    }

    pub(crate) fn udp_len(&self) -> usize {
        if self.spec.encapsulation.is_some() { wire::udp::HEADER_LEN } else { 0 }
    }

    /// The protocol in the IP header in front.
    pub(crate) fn outer_protocol(&self) -> u8 {
        if self.spec.encapsulation.is_some() { UDP } else { crate::ip::ESP }
    }

    /// Octets of ESP before the payload.
    pub(crate) fn esp_len(&self) -> usize {
        HEADER_LEN + self.spec.keys.suite().iv_len()
    }

    /// What the path takes now.
    pub(crate) fn mtu(&self, now: Instant) -> usize {
        match self.narrow {
            Some((mtu, until)) if now < until => mtu.min(self.spec.mtu),
            _ => self.spec.mtu,
        }
    }

    /// The largest payload that fits: an inner packet in tunnel mode, what is behind a header of
    /// `header_len` octets in transport mode.
    pub(crate) fn payload_room(&self, now: Instant, header_len: usize) -> usize {
        let suite = self.spec.keys.suite();
        let around = header_len + self.front_len() + self.esp_len() + suite.icv_len();
        let room = self.mtu(now).saturating_sub(around);
        (room / suite.alignment() * suite.alignment()).saturating_sub(2)
    }

    /// Believes that the path takes only `mtu`, if that is plausible.
    pub(crate) fn narrow(&mut self, now: Instant, mtu: usize) -> Option<usize> {
        let least = if self.spec.destination.is_ipv4() { MIN_V4_MTU } else { MIN_V6_MTU };
        let mtu = mtu.max(least);
        if mtu >= self.mtu(now) {
            return None;
        }
        self.narrow = Some((mtu, now + MTU_AGE));
        Some(mtu)
    }

    /// The half of a number that does not travel, if it is part of the ICV.
    pub(crate) fn high(&self, number: u64) -> Option<u32> {
        self.spec.extended_sequence.then_some((number >> 32) as u32)
    }

    /// The number of a packet that carries `low`, if it may be a fresh one.
    pub(crate) fn admit(&self, low: u32) -> Result<u64, DropReason> {
        let number = if self.spec.extended_sequence {
            self.window.infer(low).ok_or(DropReason::TooOld)?
        } else {
            low.into()
        };
        self.window.check(number)?;
        Ok(number)
    }

    /// Where the peer of an encapsulating association is.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        let address = match self.spec.direction {
            Direction::Inbound => self.spec.source,
            Direction::Outbound => self.spec.destination,
        };
        self.spec.encapsulation.map(|ports| SocketAddr::new(address, ports.remote_port))
    }
}
