use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use port::{BURST, FastTier, Frame, Medium, PortId};
use srtp::{Direction, Keying, SessionId, Srtp};
use wire::ethernet::{MacAddr, VlanTag};

use crate::classify::Passage;
use crate::command::{Command, Event, LegId, LegSpec, Protection, Refusal, RelayId, Reply};
use crate::hops::Hops;
use crate::index::Index;
use crate::leg::{Leg, Peer, Secured, above};
use crate::locals::Locals;
use crate::{Channel, Counters, Verdict};

/// What an engine is made for.
#[derive(Clone, Debug)]
pub struct Config {
    /// The ports of the worker; [`PortId`] is the index.
    pub ports: Vec<PortConfig>,
    /// Most legs at a time.
    pub max_legs: usize,
    /// Limits and backend of SRTP.
    pub srtp: srtp::Config,
}

/// What the engine must know of a port to write headers for it.
#[derive(Clone, Debug)]
pub struct PortConfig {
    /// Whether frames have a link-layer header.
    pub medium: Medium,
    /// Largest IP packet, in octets.
    pub mtu: usize,
    /// Our link-layer address.
    pub mac: MacAddr,
    /// VLAN tags of frames that leave, outermost first.
    pub tags: [Option<VlanTag>; 2],
}

/// What comes out of a burst. Reused from burst to burst; whoever sends empties it.
#[derive(Debug, Default)]
pub struct Output {
    /// Frames to send, per port.
    pub to: Vec<Vec<Frame>>,
    /// Frames for the pool.
    pub done: Vec<Frame>,
    /// What became of each frame of the last burst, in its order.
    pub verdicts: Vec<Verdict>,
}

impl Output {
    /// An output for an engine with `ports` ports.
    pub fn new(ports: usize) -> Self {
        Self {
            to: (0..ports).map(|_| Vec::with_capacity(BURST)).collect(),
            done: Vec::with_capacity(BURST),
            verdicts: Vec::with_capacity(BURST),
        }
    }
}

/// The relay of one worker.
pub struct Engine {
    pub(crate) config: Config,
    pub(crate) legs: Vec<Option<Leg>>,
    pub(crate) locals: Locals,
    pub(crate) hops: Hops,
    pub(crate) srtp: Srtp,
    pub(crate) counters: Counters,
    pub(crate) started: Instant,
    pub(crate) tier: Option<Box<dyn FastTier>>,
    /// Grows when the tier has changed: what was said about it before is to be asked again.
    pub(crate) tier_epoch: u32,
    free: Vec<u32>,
    slots: Index,
    /// One leg of each relay.
    relays: Index,
    events: VecDeque<Event>,
    next_look: Instant,
    looked_at: usize,
}

/// Legs are looked at for silence in slices, so that no look takes long.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const LOOK_AT: usize = 512;
/// Events wait for the worker, which takes them after every burst.
const MAX_EVENTS: usize = 4096;

impl Engine {
    /// An engine without legs.
    pub fn new(now: Instant, config: Config) -> Self {
        Self {
            srtp: Srtp::new(config.srtp.clone()),
            // Address space; pages come with their use.
            legs: Vec::with_capacity(config.max_legs),
            config,
            locals: Locals::default(),
            hops: Hops::default(),
            counters: Counters::default(),
            started: now,
            tier: None,
            tier_epoch: 0,
            free: Vec::new(),
            slots: Index::default(),
            relays: Index::default(),
            events: VecDeque::new(),
            next_look: now + LOOK_EVERY,
            looked_at: 0,
        }
    }

    /// Carries out a command.
    pub fn execute(&mut self, now: Instant, command: Command) -> Reply {
        let done = match command {
            Command::Open { leg, relay, spec } => self.open(now, leg, relay, &spec),
            Command::Modify { leg, spec } => self.modify(now, leg, &spec),
            Command::Close { leg } => self.close(now, leg),
            Command::Query { leg } => self.query(now, leg),
        };
        done.unwrap_or_else(Reply::Refused)
    }

    /// Takes a burst that came in through `from`. Every frame ends in `out`: ready to be sent
    /// through a port, or done. `burst` is empty afterwards.
    pub fn handle_burst(
        &mut self,
        now: Instant,
        from: PortId,
        burst: &mut Vec<Frame>,
        out: &mut Output,
    ) {
        out.verdicts.clear();
        while !burst.is_empty() {
            let frames: ArrayVec<Frame, BURST> = burst.drain(..burst.len().min(BURST)).collect();
            self.relay(now, from, frames, out);
        }
    }

    fn relay(
        &mut self,
        now: Instant,
        from: PortId,
        mut frames: ArrayVec<Frame, BURST>,
        out: &mut Output,
    ) {
        let mut passages: ArrayVec<Passage, BURST> =
            frames.iter_mut().map(|frame| self.classify(from, frame)).collect();
        self.prefetch(&passages);
        self.unprotect(&mut frames, &mut passages);
        for (frame, passage) in frames.iter().zip(&mut passages) {
            self.accept(now, frame, passage);
        }
        self.protect(&mut frames, &mut passages);
        for (mut frame, passage) in frames.into_iter().zip(passages) {
            let verdict = self.address(now, &mut frame, &passage);
            self.counters.count(verdict);
            out.verdicts.push(verdict);
            match verdict {
                Verdict::Forward(port) => out.to[usize::from(port.0)].push(frame),
                Verdict::Consume => out.done.push(frame),
                Verdict::Drop(_) => {
                    if let Some(leg) =
                        passage.leg.and_then(|slot| self.legs[slot as usize].as_mut())
                    {
                        leg.tally.dropped += 1;
                    }
                    out.done.push(frame);
                }
            }
        }
        self.take_srtp_events();
    }

    /// Has the keys of a burst's legs on their way to the cache before they are needed.
    fn prefetch(&self, passages: &[Passage]) {
        let legs = passages.iter().filter_map(|passage| passage.leg).map(|slot| self.leg(slot));
        for leg in legs {
            let out = leg.other.and_then(|other| self.leg(other).send);
            for secured in [leg.receive, out].into_iter().flatten() {
                self.srtp.prefetch(secured.session);
            }
        }
    }

    /// Tells that a port did not take `frames` of the frames it was to send.
    pub fn tx_full(&mut self, frames: usize) {
        self.counters.not_taken(frames);
    }

    /// When [`Engine::handle_timeout`] wants to be called next.
    pub fn poll_timeout(&self) -> Instant {
        self.next_look
    }

    /// Does what is due: looks for peers that have gone silent.
    pub fn handle_timeout(&mut self, now: Instant) {
        if now < self.next_look {
            return;
        }
        self.next_look = now + LOOK_EVERY;
        for _ in 0..LOOK_AT.min(self.legs.len()) {
            self.looked_at = (self.looked_at + 1) % self.legs.len();
            let idle = self.legs[self.looked_at].as_ref().is_some_and(|leg| leg.seems_idle(now));
            if idle {
                self.look_closely(now, self.looked_at as u32);
            }
        }
    }

    /// Reports a leg that is silent in the fast tier too.
    fn look_closely(&mut self, now: Instant, slot: u32) {
        self.take_counts(now, slot);
        let leg = self.leg_mut(slot);
        if leg.seems_idle(now) {
            leg.idle_reported = true;
            let id = leg.id;
            self.tell(Event::Idle(id));
        }
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Tells the link-layer address of the next hop towards `address` through `port`; `None` when
    /// there is none any more. Unasked answers are ignored.
    pub fn set_next_hop(&mut self, port: PortId, address: IpAddr, mac: Option<MacAddr>) {
        let changed = self.hops.set(port, address, mac);
        if let (Some(hop), Some(tier)) = (changed, &mut self.tier) {
            tier.set_hop(hop.index(), mac.map(|mac| mac.0));
        }
    }

    /// What became of all frames so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Where a leg receives: its port, and its addresses for RTP and RTCP.
    pub fn local(&self, leg: LegId) -> Option<(PortId, [SocketAddr; 2])> {
        let leg = self.leg(self.slot(leg).ok()?);
        Some((leg.port, [leg.local(Channel::Rtp), leg.local(Channel::Rtcp)]))
    }

    /// How many legs there are.
    pub fn leg_count(&self) -> usize {
        self.slots.len()
    }

    /// Name of the SRTP backend in use.
    pub fn srtp_backend(&self) -> &'static str {
        self.srtp.backend_name()
    }

    fn open(
        &mut self,
        now: Instant,
        id: LegId,
        relay: RelayId,
        spec: &LegSpec,
    ) -> Result<Reply, Refusal> {
        self.check_addresses(spec)?;
        if self.slot(id).is_ok() {
            return Err(Refusal::LegExists);
        }
        let other = self.relays.find(&relay, |slot| self.leg(slot).relay == relay);
        if other.is_some_and(|other| self.leg(other).other.is_some()) {
            return Err(Refusal::RelayFull);
        }
        let locals = [spec.local, above(spec.local)];
        if locals.iter().any(|&local| self.locals.slot(local).is_some()) {
            return Err(Refusal::AddressInUse);
        }
        if self.slots.len() >= self.config.max_legs || !self.locals.has_room_for(spec.local.ip()) {
            return Err(Refusal::Full);
        }
        let mut leg = Leg::new(now, id, relay, spec);
        self.set_keys(&mut leg, spec)?;
        self.set_peers(now, &mut leg, spec);
        leg.other = other;

        let slot = self.free.pop().unwrap_or_else(|| {
            self.legs.push(None);
            self.legs.len() as u32 - 1
        });
        self.legs[slot as usize] = Some(leg);
        match other {
            Some(other) => {
                self.leg_mut(other).other = Some(slot);
                self.unsettle(now, slot);
            }
            None => self.index_relay(slot),
        }
        let legs = &self.legs;
        self.slots.insert(slot, |slot| in_slot(legs, slot).id);
        for local in locals {
            self.locals.insert(local, slot);
        }
        self.name_peers(slot);
        Ok(Reply::Done)
    }

    fn modify(&mut self, now: Instant, id: LegId, spec: &LegSpec) -> Result<Reply, Refusal> {
        let slot = self.slot(id)?;
        self.check_addresses(spec)?;
        self.unsettle(now, slot);
        let mut leg = self.legs[slot as usize].take().expect("slots name legs that exist");
        let done = if leg.local == spec.local && leg.port == spec.port {
            self.set_keys(&mut leg, spec)
        } else {
            Err(Refusal::CannotMove)
        };
        if done.is_ok() {
            leg.update(now, spec);
            self.set_peers(now, &mut leg, spec);
        }
        self.legs[slot as usize] = Some(leg);
        self.name_peers(slot);
        done.map(|()| Reply::Done)
    }

    fn query(&mut self, now: Instant, id: LegId) -> Result<Reply, Refusal> {
        let slot = self.slot(id)?;
        let other = self.leg(slot).other;
        for slot in [Some(slot), other].into_iter().flatten() {
            self.take_counts(now, slot);
        }
        Ok(Reply::Stats(self.leg(slot).stats()))
    }

    fn close(&mut self, now: Instant, id: LegId) -> Result<Reply, Refusal> {
        let slot = self.slot(id)?;
        self.unsettle(now, slot);
        let leg = self.legs[slot as usize].take().expect("slots name legs that exist");
        self.slots.remove(slot, &id);
        self.relays.remove(slot, &leg.relay);
        self.free.push(slot);
        for channel in [Channel::Rtp, Channel::Rtcp] {
            self.locals.remove(leg.local(channel));
            self.release(leg.peer(channel).copied());
        }
        for secured in [leg.receive, leg.send].into_iter().flatten() {
            self.srtp.remove(secured.session);
        }
        if let Some(other) = leg.other {
            self.leg_mut(other).other = None;
            if self.relays.find(&leg.relay, |slot| slot == other).is_none() {
                self.index_relay(other);
            }
        }
        Ok(Reply::Stats(leg.stats()))
    }

    /// Lets the relay of a leg be found by it.
    fn index_relay(&mut self, slot: u32) {
        let legs = &self.legs;
        self.relays.insert(slot, |slot| in_slot(legs, slot).relay);
    }

    fn check_addresses(&self, spec: &LegSpec) -> Result<(), Refusal> {
        let port_exists = usize::from(spec.port.0) < self.config.ports.len();
        let even = spec.local.port() != 0 && spec.local.port().is_multiple_of(2);
        let fits = |remote: &SocketAddr| {
            remote.is_ipv4() == spec.local.is_ipv4()
                && remote.port() != 0
                && !remote.ip().is_unspecified()
                && !remote.ip().is_multicast()
        };
        let mut remotes = spec.remote.iter().chain(&spec.remote_rtcp);
        (port_exists && even && remotes.all(fits)).then_some(()).ok_or(Refusal::BadAddress)
    }

    /// Brings the sessions of a leg in line with its description: both directions or none.
    fn set_keys(&mut self, leg: &mut Leg, spec: &LegSpec) -> Result<(), Refusal> {
        let receive = self.prepare(leg.receive, Direction::Inbound, &spec.receive)?;
        let send = match self.prepare(leg.send, Direction::Outbound, &spec.send) {
            Ok(send) => send,
            Err(refusal) => {
                if let KeyChange::New(new) = receive {
                    self.srtp.remove(new.session);
                }
                return Err(refusal);
            }
        };
        leg.receive = self.apply(leg.receive, receive, &spec.receive);
        leg.send = self.apply(leg.send, send, &spec.send);
        Ok(())
    }

    fn prepare(
        &mut self,
        now: Option<Secured>,
        direction: Direction,
        wanted: &Protection,
    ) -> Result<KeyChange, Refusal> {
        match (now, wanted) {
            (_, Protection::Plain) => Ok(KeyChange::Clear),
            (Some(secured), Protection::Srtp(keying)) if secured.suite == keying.suite() => {
                Ok(KeyChange::Rekey(secured))
            }
            (_, Protection::Srtp(keying)) => {
                let session = self.srtp.insert(direction, keying).map_err(|_| Refusal::Full)?;
                Ok(KeyChange::New(Secured { session, suite: keying.suite() }))
            }
        }
    }

    fn apply(
        &mut self,
        old: Option<Secured>,
        change: KeyChange,
        wanted: &Protection,
    ) -> Option<Secured> {
        let new = match (change, wanted) {
            (KeyChange::Rekey(secured), Protection::Srtp(keying)) => {
                self.rekey(secured.session, keying);
                return Some(secured);
            }
            (KeyChange::New(secured), _) => Some(secured),
            (KeyChange::Clear | KeyChange::Rekey(_), _) => None,
        };
        if let Some(old) = old {
            self.srtp.remove(old.session);
        }
        new
    }

    fn rekey(&mut self, session: SessionId, keying: &Keying) {
        self.srtp
            .rekey(session, keying)
            .expect("the session exists and the suite is the one it was made with");
    }

    /// Brings the peer's addresses in line with the description. An address that was learned stays
    /// until another one is signalled.
    fn set_peers(&mut self, now: Instant, leg: &mut Leg, spec: &LegSpec) {
        let rtcp = spec.remote_rtcp.or(spec.remote.map(above));
        let signalled = [(Channel::Rtp, spec.remote), (Channel::Rtcp, rtcp)];
        for (channel, address) in signalled {
            if leg.signal(channel, address) {
                let peer = address.map(|address| self.peer(now, leg.port, address));
                let old = std::mem::replace(leg.peer_mut(channel), peer);
                self.release(old);
            }
        }
    }

    pub(crate) fn peer(&mut self, now: Instant, port: PortId, address: SocketAddr) -> Peer {
        let hop = match self.config.ports[usize::from(port.0)].medium {
            Medium::Ip => None,
            Medium::Ethernet => {
                let (hop, ask) = self.hops.acquire(now, port, address.ip());
                if ask {
                    if let Some(tier) = &mut self.tier {
                        tier.set_hop(hop.index(), None);
                    }
                    self.tell(Event::NextHopWanted(port, address.ip()));
                }
                Some(hop)
            }
        };
        Peer { address, hop }
    }

    /// Gives a peer's share of its next hop back.
    pub(crate) fn release(&mut self, peer: Option<Peer>) {
        let hop = peer.and_then(|peer| peer.hop);
        if let Some((port, address)) = hop.and_then(|hop| self.hops.release(hop)) {
            self.tell(Event::NextHopUnwanted(port, address));
        }
    }

    pub(crate) fn tell(&mut self, event: Event) {
        if self.events.len() < MAX_EVENTS {
            self.events.push_back(event);
        }
    }

    fn take_srtp_events(&mut self) {
        while let Some(event) = self.srtp.poll_event() {
            type Tell = fn(LegId) -> Event;
            let (session, tell): (_, Tell) = match event {
                srtp::Event::SoftLimit { session } => (session, Event::KeyNearlyExhausted),
                srtp::Event::HardLimit { session } => (session, Event::KeyExhausted),
                _ => continue,
            };
            let is_of = |secured: Option<Secured>| secured.is_some_and(|s| s.session == session);
            let leg = self.legs.iter().flatten().find(|leg| is_of(leg.receive) || is_of(leg.send));
            if let Some(event) = leg.map(|leg| tell(leg.id)) {
                self.tell(event);
            }
        }
    }

    fn slot(&self, leg: LegId) -> Result<u32, Refusal> {
        let is_it = |slot: u32| self.leg(slot).id == leg;
        self.slots.find(&leg, is_it).ok_or(Refusal::UnknownLeg)
    }

    pub(crate) fn leg(&self, slot: u32) -> &Leg {
        in_slot(&self.legs, slot)
    }

    pub(crate) fn leg_mut(&mut self, slot: u32) -> &mut Leg {
        self.legs[slot as usize].as_mut().expect("slots name legs that exist")
    }
}

pub(crate) fn in_slot(legs: &[Option<Leg>], slot: u32) -> &Leg {
    legs[slot as usize].as_ref().expect("slots name legs that exist")
}

/// What has to happen to the session of one direction.
enum KeyChange {
    Clear,
    Rekey(Secured),
    New(Secured),
}
