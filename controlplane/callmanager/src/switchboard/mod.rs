//! Call control: who speaks with whom, and what everybody is shown of it.
//!
//! A [`Switchboard`] knows devices, the directory numbers on their line buttons, and calls. It is
//! told [`Event`]s and says by [`Action`]s what is to be done; it has no connections and no clock.
//!
//! ```text
//!  call ─┬─ party (leg) ── device        legs show, ring and sound
//!        ├─ party (leg) ── device
//!        ├─ remote leg  ── another telephone of a party's line
//!        └─ link: two ends ── a leg, music on hold or the conference bridge
//! ```
//!
//! Features change who is in a call and what each leg does there. Everything else follows by
//! comparison, after each event: `stream` opens and closes what differs from the streams that a
//! call should have, `show` tells telephones what differs from what they were told.
//!
//! | file | holds |
//! |---|---|
//! | `press` | what keys do |
//! | `dial`, `ring` | digits; telephones that ring, answer, forward |
//! | `hold`, `consult`, `conference` | hold, transfer, conferences |
//! | `shared`, `barge` | telephones that share a line |
//! | `stream` | media and keys |
//! | `relay` | media that goes through a relay |
//! | `port` | ports of gateways |
//! | `show` | displays, with the status of calls |
//! | `message` | messages that wait |
//! | `loss` | devices that come and go |
//!
//! Invariants:
//! - A key goes to encrypted devices only, to both ends of a stream or to none, and serves one
//!   opening. Where a relay is in between, either way to it has keys of its own.
//! - No leg is shown a better status than the weakest part of its call has, but for what the guide
//!   demands of authenticated parties after a barge.
//! - Whatever was opened is closed when its call ends; when nobody is in a call, nothing is left.
//! - A device is served by its own ids only.

mod action;
mod alarm;
mod barge;
mod call;
mod conference;
mod consult;
mod device;
mod dial;
mod directory;
mod event;
mod forward;
mod hold;
mod id;
mod leg;
mod look;
mod loss;
mod message;
mod plan;
mod port;
mod press;
mod record;
mod relay;
mod ring;
mod settings;
mod shared;
mod show;
mod stream;
mod timers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

pub use action::{
    Action, CallInfo, CallState, Change, KeySet, Lamp, MediaCommand, MediaOrder, MediaPort, Notice,
    Order, Party, Prompt, Reason, Redirected, RelayOrder, RelayedEnd, RelayedKeys, RelayedLink,
    Ring, Sends, Tone,
};
pub use alarm::CallAlarm;
pub use device::{Kind, LineProfile, Profile};
pub use directory::{Destination, Forwards};
pub use event::{Event, Key, MediaRefused, Owner, RelayRefused, RelayedBy};
pub use id::{CallId, DeviceName, LegId, LinkId, StreamId};
pub use record::{CallEnd, CallRecord, Counters, PerStatus};
pub use relay::RelayPolicy;
pub use settings::{Regions, Settings};

use crate::security::Security;
use call::Call;
use device::Device;
use directory::Directory;
use id::Ids;
use leg::Leg;
use timers::Timers;

/// Call control of one node. The first method to look at is [`Switchboard::handle`].
#[derive(Debug)]
pub struct Switchboard {
    settings: Settings,
    now: Instant,
    ids: Ids,
    devices: BTreeMap<DeviceName, Device>,
    directory: Directory,
    calls: BTreeMap<CallId, Call>,
    legs: BTreeMap<LegId, Leg>,
    /// The call that each stream belongs to.
    streams: BTreeMap<StreamId, CallId>,
    /// The call that each passage through a relay belongs to.
    relayed: BTreeMap<LinkId, CallId>,
    meet_mes: BTreeMap<String, CallId>,
    /// The numbers that messages wait for.
    waiting: BTreeSet<String>,
    timers: Timers,
    counters: Counters,
    /// Calls and devices about which something changed.
    touched: BTreeSet<CallId>,
    touched_devices: BTreeSet<DeviceName>,
    out: Vec<Action>,
}

impl Switchboard {
    /// A switchboard without devices.
    pub fn new(now: Instant, settings: Settings) -> Self {
        Self {
            ids: Ids::new(settings.node),
            settings,
            now,
            devices: BTreeMap::new(),
            directory: Directory::default(),
            calls: BTreeMap::new(),
            legs: BTreeMap::new(),
            streams: BTreeMap::new(),
            relayed: BTreeMap::new(),
            meet_mes: BTreeMap::new(),
            waiting: BTreeSet::new(),
            timers: Timers::default(),
            counters: Counters::default(),
            touched: BTreeSet::new(),
            touched_devices: BTreeSet::new(),
            out: Vec::new(),
        }
    }

    /// Takes in what has happened, and adds what is to be done.
    pub fn handle(&mut self, now: Instant, event: Event, actions: &mut Vec<Action>) {
        self.now = now;
        match event {
            Event::DeviceArrived { device, profile } => self.arrived(&device, profile),
            Event::DeviceGone { device } => self.gone(&device),
            Event::Pressed { device, line, leg, key } => self.press(&device, line, leg, key),
            Event::MessageWaiting { number, waits } => self.set_message_waiting(&number, waits),
            Event::KeyMade { by, stream, key } => self.key_made(&by, stream, key),
            Event::MediaOpened { by, stream, result } => self.media_opened(&by, stream, result),
            Event::MediaStarted { by, stream, result } => self.media_started(&by, stream, result),
            Event::PortSecurity { device, security } => self.port_security(&device, security),
            Event::MediaFailed { by, stream } => self.media_failed(&by, stream),
            Event::RelayOpened { link, result } => self.relay_opened(link, result),
            Event::RelayLost { link } => self.relay_lost(link),
        }
        self.settle();
        actions.append(&mut self.out);
    }

    /// Lets what was to happen by now happen, and adds what is to be done.
    pub fn tick(&mut self, now: Instant, actions: &mut Vec<Action>) {
        self.now = now;
        self.expire();
        actions.append(&mut self.out);
    }

    /// When [`Switchboard::tick`] is to be called next; `None` if nothing waits.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Whether there is no call, no leg, no stream and nothing to wait for.
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty()
            && self.legs.is_empty()
            && self.streams.is_empty()
            && self.relayed.is_empty()
            && self.meet_mes.is_empty()
            && self.timers.next().is_none()
            && self.devices.values().all(|device| device.legs.is_empty())
    }
}

/// A call as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallView {
    /// Which.
    pub id: CallId,
    /// Who is in it.
    pub parties: Vec<PartyView>,
    /// Whether they are on a conference bridge.
    pub conference: bool,
    /// The relay that its media goes through.
    pub relay: Option<Arc<str>>,
    /// When it began.
    pub began: Instant,
    /// When it was answered.
    pub answered: Option<Instant>,
    /// Its status; `None` before it is known.
    pub security: Option<Security>,
}

/// Somebody in a call as others see him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartyView {
    /// His leg.
    pub leg: LegId,
    /// His device.
    pub device: DeviceName,
    /// His number and name.
    pub party: Party,
}
