//! Devices, and which of their legs a key is meant for.

use super::Switchboard;
use super::action::{Lamp, Order, Party, Ring};
use super::event::Key;
use super::id::{DeviceName, LegId};
use super::leg::LegState;
use super::relay::RelayPolicy;
use crate::codec::Codec;
use crate::security::{Bridge, Security};

/// What a device is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A telephone.
    #[default]
    Telephone,
    /// A port of a gateway with a telephone on it, which is called by a directory number.
    Line,
    /// A port of a gateway that leads out of the cluster: numbers lead to it by the dial plan.
    Trunk,
}

impl Kind {
    /// Whether it is a port of a gateway. Ports confirm that they send
    /// ([`Event::MediaStarted`](super::Event::MediaStarted)), and whether they are given keys may
    /// change while they are there. In clear they are not secure at all: nothing about them is
    /// authenticated then.
    pub fn is_port(self) -> bool {
        self != Self::Telephone
    }
}

/// What is known of a device when it arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What it is.
    pub kind: Kind,
    /// How well it is protected. Encrypted devices are given media keys: their signalling is
    /// encrypted, and their model can do SRTP.
    pub security: Security,
    /// Its codecs, the best first.
    pub codecs: Vec<Codec>,
    /// Whether it can do wideband in an encrypted call: 7940 and 7960 cannot.
    pub encrypts_wideband: bool,
    /// Its built-in bridge, if it has one and may use it.
    pub bridge: Option<Bridge>,
    /// Whether its calls are hidden from others on shared lines.
    pub private: bool,
    /// Where it stands, for the choice of codecs.
    pub region: u16,
    /// Whether its media goes through a relay.
    pub relay: RelayPolicy,
    /// Whether its media comes from elsewhere than its signalling: from behind a NAT.
    pub media_elsewhere: bool,
    /// Its lines, in the order of its buttons.
    pub lines: Vec<LineProfile>,
}

/// A line button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineProfile {
    /// Number and name. Trunks may have no number.
    pub party: Party,
    /// With so many calls it is busy.
    pub busy_trigger: usize,
}

/// A device that is there.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) profile: Profile,
    /// The oldest first.
    pub(super) legs: Vec<LegId>,
    pub(super) last_number: Option<String>,
    pub(super) handset_up: bool,
    /// It sends under keys of its own only.
    pub(super) makes_keys: bool,
    /// Its handset, headset or loudspeaker is in use.
    audio: bool,
    rings: Option<(LegId, u32, Ring)>,
    lamps: Vec<Lamp>,
    /// By its lines: whether it shows that messages wait.
    waiting: Vec<bool>,
}

impl Device {
    pub(super) fn new(profile: Profile) -> Self {
        let lamps = vec![Lamp::Off; profile.lines.len()];
        let waiting = vec![false; profile.lines.len()];
        Self {
            profile,
            legs: Vec::new(),
            last_number: None,
            handset_up: false,
            makes_keys: false,
            audio: false,
            rings: None,
            lamps,
            waiting,
        }
    }

    /// Line `instance`, counted from 1.
    pub(super) fn line(&self, instance: u32) -> Option<&LineProfile> {
        let index = usize::try_from(instance).ok()?.checked_sub(1)?;
        self.profile.lines.get(index)
    }
}

impl Switchboard {
    /// The one leg that has the device's handset, speaker or headset.
    pub(super) fn active(&self, device: &DeviceName) -> Option<LegId> {
        self.find(device, |leg| leg.state.is_active())
    }

    /// The oldest leg of a device in such a state.
    pub(super) fn find(
        &self,
        device: &DeviceName,
        wanted: impl Fn(&super::leg::Leg) -> bool,
    ) -> Option<LegId> {
        let legs = &self.devices.get(device)?.legs;
        legs.iter().copied().find(|id| wanted(&self.legs[id]))
    }

    /// The leg that a key is meant for: the one named, if it is the device's own; else the one for
    /// which it makes sense.
    pub(super) fn meant(
        &self,
        device: &DeviceName,
        line: Option<u32>,
        named: Option<LegId>,
        key: &Key,
    ) -> Meant {
        if let Some(id) = named {
            let own = self.legs.get(&id).is_some_and(|leg| leg.device == *device && !leg.preserved);
            return if own { Meant::Leg(id) } else { Meant::Nobody };
        }
        let on_line = |leg: &super::leg::Leg| line.is_none_or(|line| leg.line == line);
        let ringing = |leg: &super::leg::Leg| matches!(leg.state, LegState::Ringing);
        let held = |leg: &super::leg::Leg| matches!(leg.state, LegState::Held);
        let found = match key {
            Key::OffHook | Key::Answer => self.find(device, ringing),
            Key::Line => self
                .find(device, |leg| ringing(leg) && on_line(leg))
                .or_else(|| self.find(device, |leg| held(leg) && on_line(leg))),
            Key::Hold => {
                self.active(device).or_else(|| self.find(device, |leg| held(leg) && on_line(leg)))
            }
            Key::Resume => self.find(device, |leg| held(leg) && on_line(leg)),
            Key::Barge | Key::ConferenceBarge => {
                self.find(device, |leg| matches!(leg.state, LegState::Remote) && on_line(leg))
            }
            _ => self.active(device),
        };
        found.map_or(Meant::New, Meant::Leg)
    }

    /// Rings, lights and switches the loudspeaker of a device as its legs and messages demand.
    pub(super) fn settle_device(&mut self, name: &DeviceName) {
        let Some(device) = self.devices.get(name) else { return };
        let legs = || device.legs.iter().map(|id| (*id, &self.legs[id]));
        let active = legs().any(|(_, leg)| leg.state.is_active());
        let ring = if active { Ring::Waiting } else { Ring::Inside };
        let rings = legs()
            .find(|(_, leg)| matches!(leg.state, LegState::Ringing))
            .map(|(id, leg)| (id, leg.line, ring));
        let lamps: Vec<_> = (1..)
            .take(device.lamps.len())
            .map(|line| {
                let states = legs().filter(|(_, leg)| leg.line == line).map(|(_, leg)| &leg.state);
                states.map(LegState::lamp).max_by_key(|lamp| lamp.urgency()).unwrap_or(Lamp::Off)
            })
            .collect();
        let lines = device.profile.lines.iter();
        let waiting: Vec<_> = lines.map(|it| self.waiting.contains(&it.party.number)).collect();

        let device = self.devices.get_mut(name).expect("it was there above");
        let mut orders = Vec::new();
        if device.rings != rings {
            if let Some((leg, line, _)) = device.rings {
                orders.push(Order::Ring { line, leg, ring: Ring::Off });
            }
            if let Some((leg, line, ring)) = rings {
                orders.push(Order::Ring { line, leg, ring });
            }
            device.rings = rings;
        }
        if device.audio != active {
            device.audio = active;
            if !active || !device.handset_up {
                orders.push(Order::Speaker(active));
            }
        }
        for ((line, old), new) in (1..).zip(&mut device.lamps).zip(lamps) {
            if *old != new {
                *old = new;
                orders.push(Order::Lamp { line, lamp: new });
            }
        }
        for ((line, old), waits) in (1..).zip(&mut device.waiting).zip(waiting) {
            if *old != waits {
                *old = waits;
                orders.push(Order::MessageWaiting { line, waits });
            }
        }
        for order in orders {
            self.tell(name, order);
        }
    }
}

/// Which leg a key is meant for.
pub(super) enum Meant {
    Leg(LegId),
    /// There is none yet.
    New,
    /// One that is not the device's own.
    Nobody,
}

impl Lamp {
    fn urgency(self) -> u8 {
        match self {
            Self::Off => 0,
            Self::Wink => 1,
            Self::On => 2,
            Self::Blink => 3,
        }
    }
}
