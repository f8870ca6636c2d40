//! Which flows leave in the fast tier, and what they did there.
//!
//! A leg's *standing* says where packets of its peer are handled. It is settled by the first packet
//! that is accepted after anything it depends on has changed, so that commands settle nothing and
//! walk over nothing. The number of a flow in the tier is the slot of the leg it arrives on.

use std::borrow::Cow;
use std::time::Instant;

use abi::{Reception, Rewrite};
use port::{FastTier, PortId, TierCounts};

use crate::command::Mode;
use crate::engine::in_slot;
use crate::leg::Leg;
use crate::{Channel, Engine};

/// Where packets of a leg's peer are handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tier {
    /// In front of the ports.
    Fast,
    /// In the engine.
    Engine(Stay),
}

/// Why packets of a leg's peer are handled in the engine. Each has a number, which is never given to
/// another reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stay {
    /// No packet has come yet.
    NoPacket = 0,
    /// There is no fast tier.
    NoTier = 1,
    /// They need a cipher, on this side or the other.
    Cipher = 2,
    /// They return to where they came from.
    Loop = 3,
    /// One side is IPv4, the other IPv6.
    Families = 4,
    /// The link-layer address of the next hop is not known.
    NoNextHop = 5,
    /// The tier does not reach from the one port to the other, and why.
    OutOfReach(Cow<'static, str>) = 6,
    /// The tier refused the flow, and why.
    Refused(String) = 7,
}

impl Stay {
    /// Its number.
    pub fn code(&self) -> u8 {
        match self {
            Self::NoPacket => 0,
            Self::NoTier => 1,
            Self::Cipher => 2,
            Self::Loop => 3,
            Self::Families => 4,
            Self::NoNextHop => 5,
            Self::OutOfReach(_) => 6,
            Self::Refused(_) => 7,
        }
    }

    /// In words for an operator.
    pub fn words(&self) -> Cow<'static, str> {
        match self {
            Self::NoPacket => "no packet has come yet".into(),
            Self::NoTier => "the fast tier is off".into(),
            Self::Cipher => "packets need a cipher".into(),
            Self::Loop => "packets return to their sender".into(),
            Self::Families => "one side is IPv4, the other IPv6".into(),
            Self::NoNextHop => "the next hop is not known".into(),
            Self::OutOfReach(why) => why.clone(),
            Self::Refused(why) => format!("the fast tier refused: {why}").into(),
        }
    }
}

/// What a leg knows of its place.
#[derive(Debug, Default)]
pub(crate) enum Standing {
    /// The next packet settles it.
    #[default]
    Open,
    /// In the engine, as long as the tier's epoch is this.
    Stays(u32, Box<Stay>),
    /// In the tier; what was counted there so far.
    Fast(Box<TierCounts>),
}

impl Standing {
    pub(crate) fn tier(&self) -> Tier {
        match self {
            Self::Open => Tier::Engine(Stay::NoPacket),
            Self::Stays(_, why) => Tier::Engine((**why).clone()),
            Self::Fast(_) => Tier::Fast,
        }
    }

    /// What the tier counted that the leg's own count does not have.
    pub(crate) fn reception(&self) -> Reception {
        match self {
            Self::Fast(counts) => counts.reception,
            Self::Open | Self::Stays(..) => Reception::default(),
        }
    }
}

/// The number of a peer's budget.
fn budget(slot: u32, channel: Channel) -> u32 {
    2 * slot + channel as u32
}

impl Engine {
    /// Gives the engine a fast tier. All its flows are the engine's.
    pub fn set_fast_tier(&mut self, tier: Box<dyn FastTier>) {
        self.tier = Some(tier);
        self.tier_epoch = self.tier_epoch.wrapping_add(1);
    }

    /// The interface of a port sends what the tier gives it from now on, or, for a reason, does not:
    /// flows that are out of reach then leave the tier, and those that were are tried again.
    pub fn set_exit(&mut self, now: Instant, port: PortId, exit: Result<(), Cow<'static, str>>) {
        let Some(tier) = &mut self.tier else { return };
        tier.set_exit(port, exit);
        self.tier_epoch = self.tier_epoch.wrapping_add(1);
        for slot in 0..self.legs.len() as u32 {
            if let Some(leg) = &self.legs[slot as usize]
                && let (Standing::Fast(_), Some(out)) = (&leg.standing, leg.other)
                && let Some(tier) = &self.tier
                && tier.reaches(leg.port, self.leg(out).port).is_err()
            {
                self.leave_tier(now, slot);
            }
        }
    }

    /// Settles where packets that come on the leg in `slot` and leave on that in `out` are handled, if
    /// that is open. Called for each packet in the engine.
    pub(crate) fn consider(&mut self, slot: u32, out: u32) {
        if self.tier.is_none() {
            return;
        }
        match &self.leg(slot).standing {
            Standing::Open => {}
            // The packet had been on its way, or was not what the tier expects.
            Standing::Fast(_) => return,
            Standing::Stays(epoch, _) if *epoch == self.tier_epoch => return,
            Standing::Stays(..) => {}
        }
        self.leg_mut(slot).standing = match self.enter_tier(slot, out) {
            Ok(()) => Standing::Fast(Box::default()),
            // It will be known soon, and nobody tells the leg.
            Err(Stay::NoNextHop) => Standing::Open,
            Err(why) => Standing::Stays(self.tier_epoch, Box::new(why)),
        };
    }

    fn enter_tier(&mut self, slot: u32, out: u32) -> Result<(), Stay> {
        let (leg, other) = (self.leg(slot), self.leg(out));
        if leg.receive.is_some() || other.send.is_some() {
            return Err(Stay::Cipher);
        }
        if slot == out || leg.mode == Mode::Loop {
            return Err(Stay::Loop);
        }
        if leg.local.is_ipv4() != other.local.is_ipv4() {
            return Err(Stay::Families);
        }
        let tier = self.tier.as_deref().ok_or(Stay::NoTier)?;
        tier.reaches(leg.port, other.port).map_err(Stay::OutOfReach)?;
        let rewrite = self.rewrite(slot, leg, other).ok_or(Stay::NoNextHop)?;
        let from = leg.port;
        let tier = self.tier.as_deref_mut().ok_or(Stay::NoTier)?;
        tier.open(from, &rewrite).map_err(|error| Stay::Refused(error.to_string()))
    }

    /// The headers of the flow; `None` while it is not known where its packets go.
    fn rewrite(&self, slot: u32, leg: &Leg, other: &Leg) -> Option<Rewrite> {
        let (source, to) = (leg.peer(Channel::Rtp)?, other.peer(Channel::Rtp)?);
        let hop = to.hop?;
        self.hops.mac(hop)?;
        let port = &self.config.ports[usize::from(other.port.0)];
        let tag = |tag: wire::ethernet::VlanTag| {
            let [[a, b], [c, d]] = [tag.protocol, tag.control].map(u16::to_be_bytes);
            [a, b, c, d]
        };
        Some(Rewrite {
            number: slot,
            budget: budget(slot, Channel::Rtp),
            hop: hop.index(),
            device: if leg.port == other.port { abi::Route::BACK } else { other.port.0.into() },
            from: source.address,
            arrived_at: leg.local,
            local: other.local,
            to: to.address,
            mac: port.mac.0,
            vlans: port.tags.map(|slot| slot.map(tag)),
            dscp: other.dscp,
            mtu: u16::try_from(port.mtu).unwrap_or(u16::MAX),
            clock_hz: leg.clock_hz,
        })
    }

    /// Something changes that the leg in `slot`, or packets to it, depend on.
    pub(crate) fn unsettle(&mut self, now: Instant, slot: u32) {
        let other = self.leg(slot).other;
        for slot in [Some(slot), other].into_iter().flatten() {
            self.leave_tier(now, slot);
        }
    }

    /// Takes a flow back from the tier, with what it has counted.
    fn leave_tier(&mut self, now: Instant, slot: u32) {
        let leg = self.leg(slot);
        let is_fast = matches!(leg.standing, Standing::Fast(_));
        if is_fast {
            self.name_peer(slot, Channel::Rtp);
            self.take_counts(now, slot);
        }
        let leg = self.leg_mut(slot);
        let meanwhile = leg.standing.reception();
        if meanwhile != Reception::default() {
            leg.reception = leg.reception.after(meanwhile);
        }
        leg.standing = Standing::Open;
    }

    /// Tells the tier who the peers of a leg are, whose packets do not count as a stranger's.
    pub(crate) fn name_peers(&mut self, slot: u32) {
        for channel in [Channel::Rtp, Channel::Rtcp] {
            self.name_peer(slot, channel);
        }
    }

    fn name_peer(&mut self, slot: u32, channel: Channel) {
        let leg = in_slot(&self.legs, slot);
        let peer = leg.peer(channel).map(|peer| peer.address);
        if let Some(tier) = &mut self.tier {
            // Where it cannot be told, packets go to the engine as they would without a tier.
            let _ = tier.expect(leg.port, leg.local(channel), peer, budget(slot, channel));
        }
    }

    /// Takes over what the tier has counted of the flow that arrives on the leg in `slot`, if it is
    /// there.
    pub(crate) fn take_counts(&mut self, now: Instant, slot: u32) {
        let Some(leg) = self.legs[slot as usize].as_mut() else { return };
        let (Standing::Fast(counted), Some(tier)) = (&mut leg.standing, &self.tier) else { return };
        let counts = tier.counts(leg.port, slot);
        let (packets, octets) = (counts.packets - counted.packets, counts.octets - counted.octets);
        **counted = counts;
        if packets == 0 {
            return;
        }
        leg.tally.packets_received += packets;
        leg.tally.octets_received += octets;
        if let Some(heard) = counts.silent.and_then(|silent| now.checked_sub(silent)) {
            leg.heard = leg.heard.max(heard);
            leg.idle_reported = false;
        }
        self.counters.passed_in_tier(packets);
        if let Some(out) = leg.other {
            let tally = &mut self.leg_mut(out).tally;
            tally.packets_sent += packets;
            tally.octets_sent += octets;
        }
    }
}
