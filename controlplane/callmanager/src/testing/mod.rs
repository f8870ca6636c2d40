//! For tests: telephones that do what a [`Switchboard`] says, and hold it to its promises after
//! each event. What they check is in `World::check` and in what they do with orders.

mod obedience;
mod play;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub use play::play;

use crate::codec::Codec;
use crate::security::{Bridge, Security};
use crate::switchboard::{
    CallAlarm, CallId, CallInfo, CallRecord, CallState, Destination, DeviceName, Event, Key,
    KeySet, Kind, Lamp, LegId, LineProfile, LinkId, MediaRefused, Notice, Owner, Party, Profile,
    Prompt, RelayPolicy, RelayRefused, RelayedBy, Ring, Settings, StreamId, Switchboard, Tone,
};

/// A switchboard with telephones and a clock.
#[derive(Debug)]
pub struct World {
    /// What is tested.
    pub switchboard: Switchboard,
    /// The time.
    pub now: Instant,
    /// The telephones that are there.
    pub phones: BTreeMap<DeviceName, Phone>,
    /// Music on hold and conference bridges.
    pub resources: BTreeMap<StreamId, Stream>,
    /// Streams that pass through relays.
    pub relayed: BTreeMap<LinkId, Passage>,
    /// Ports that were ordered and not yet answered.
    pub unanswered: Vec<(Owner, StreamId)>,
    /// Ports of gateways that were told to send and have not confirmed it.
    pub unstarted: Vec<(Owner, StreamId)>,
    /// Calls that have ended.
    pub records: Vec<CallRecord>,
    /// What administrators were told.
    pub alarms: Vec<CallAlarm>,
    /// Who forwards to where.
    pub forwards: Vec<(String, Option<String>)>,
    /// For whom messages wait, or no longer.
    pub waiting: Vec<(String, bool)>,
    /// How many orders there were.
    orders: usize,
    /// Where what is encrypted with a key is decrypted.
    receivers: HashMap<Vec<u8>, Place>,
    senders: HashMap<Vec<u8>, Place>,
    opened: HashSet<StreamId>,
}

/// Who holds a key: the device of a stream, or the relay beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Device(StreamId),
    Relay(StreamId),
}

/// A stream's passage through a relay.
#[derive(Clone, Copy, Debug)]
pub struct Passage {
    /// The streams at its ends.
    pub ends: [StreamId; 2],
    /// Whether it is encrypted.
    pub secure: bool,
    /// Whether the relay has answered.
    pub open: bool,
}

/// A telephone.
#[derive(Debug)]
pub struct Phone {
    /// What it registered with.
    pub profile: Profile,
    /// What it shows of its legs.
    pub legs: BTreeMap<LegId, Display>,
    /// Its streams.
    pub streams: BTreeMap<StreamId, Stream>,
    /// How it rings.
    pub ring: Ring,
    /// Whether its loudspeaker is on.
    pub speaker: bool,
    /// Its lamps, by line.
    pub lamps: BTreeMap<u32, Lamp>,
    /// Whether it shows that messages wait, by line.
    pub waiting: BTreeMap<u32, bool>,
}

/// What a telephone shows of a leg.
#[derive(Debug, Default)]
pub struct Display {
    /// Its line.
    pub line: u32,
    /// Its state.
    pub state: Option<CallState>,
    /// The soft keys.
    pub keys: Option<KeySet>,
    /// The prompt.
    pub prompt: Option<Prompt>,
    /// What is heard.
    pub tone: Option<Tone>,
    /// What was heard once.
    pub sounds: Vec<Tone>,
    /// What was shown for a while.
    pub notices: Vec<Notice>,
    /// Who speaks with whom.
    pub info: Option<CallInfo>,
    /// Each status that was shown, in order.
    pub statuses: Vec<Option<Security>>,
}

/// An end of a stream.
#[derive(Debug)]
pub struct Stream {
    leg: Option<LegId>,
    /// In which call.
    pub call: CallId,
    /// Whether it receives, and the key.
    pub receive: Option<Option<Vec<u8>>>,
    /// Where it sends, how, and the key.
    pub transmit: Option<(SocketAddr, Codec, Option<Vec<u8>>)>,
}

/// Where a relay receives what the device of a stream sends: each somewhere else.
pub fn relay_address(stream: StreamId) -> SocketAddr {
    let [a, b, c, d] = stream.0.to_be_bytes();
    SocketAddr::from(([172, a ^ b, c, d], 20_000))
}

/// A telephone with lines under these numbers, two calls on each.
pub fn profile(security: Security, bridge: Option<Bridge>, numbers: &[&str]) -> Profile {
    let line = |number: &&str| LineProfile {
        party: Party { number: (*number).to_owned(), name: format!("User {number}") },
        busy_trigger: 2,
    };
    Profile {
        kind: Kind::Telephone,
        security,
        codecs: vec![Codec::G711_ULAW, Codec::G711_ALAW, Codec::G729A],
        encrypts_wideband: bridge == Some(Bridge::Encrypted),
        bridge,
        private: false,
        region: 0,
        relay: RelayPolicy::default(),
        media_elsewhere: false,
        lines: numbers.iter().map(line).collect(),
    }
}

/// The name of a port that leads out of the cluster.
pub const TRUNK: &str = "S0/SU0/DS1-0/1@gw1.example";

/// A port of a gateway that can be given keys; on a line's there is a telephone with this number.
pub fn port(kind: Kind, number: &str) -> Profile {
    let party = Party { number: number.to_owned(), name: "Gateway".to_owned() };
    let lines = vec![LineProfile { party, busy_trigger: 2 }];
    Profile { kind, lines, ..profile(Security::Encrypted, None, &[]) }
}

/// Where a stream receives: each somewhere else.
pub fn address(stream: StreamId) -> SocketAddr {
    let [a, b, c, d] = stream.0.to_be_bytes();
    SocketAddr::from(([10, a ^ b, c, d], 16_384))
}

impl World {
    /// A world without telephones, whose meet-me conferences are under 8000 to 8009, and 9 leads to
    /// [`TRUNK`].
    pub fn new(settings: Settings) -> Self {
        let now = Instant::now();
        let mut switchboard = Switchboard::new(now, settings);
        let pattern = "800X".parse().expect("a pattern");
        switchboard.add_route(pattern, Destination::MeetMe);
        let pattern = "9.XXXX".parse().expect("a pattern");
        switchboard.add_route(pattern, Destination::Ports([DeviceName::from(TRUNK)].into()));
        Self {
            switchboard,
            now,
            phones: BTreeMap::new(),
            resources: BTreeMap::new(),
            relayed: BTreeMap::new(),
            unanswered: Vec::new(),
            unstarted: Vec::new(),
            records: Vec::new(),
            alarms: Vec::new(),
            forwards: Vec::new(),
            waiting: Vec::new(),
            orders: 0,
            receivers: HashMap::new(),
            senders: HashMap::new(),
            opened: HashSet::new(),
        }
    }

    /// A telephone comes.
    pub fn arrive(&mut self, name: &str, profile: Profile) {
        let device = DeviceName::from(name);
        self.forget(&device);
        let phone = Phone {
            profile: profile.clone(),
            legs: BTreeMap::new(),
            streams: BTreeMap::new(),
            ring: Ring::Off,
            speaker: false,
            lamps: BTreeMap::new(),
            waiting: BTreeMap::new(),
        };
        self.phones.insert(device.clone(), phone);
        self.handle(Event::DeviceArrived { device, profile });
    }

    /// A telephone loses its connection.
    pub fn lose(&mut self, name: &str) {
        let device = DeviceName::from(name);
        self.forget(&device);
        self.handle(Event::DeviceGone { device });
    }

    fn forget(&mut self, device: &DeviceName) {
        self.phones.remove(device);
        for waiting in [&mut self.unanswered, &mut self.unstarted] {
            waiting.retain(|(owner, _)| *owner != Owner::Device(device.clone()));
        }
    }

    /// A user presses a key for whatever leg it makes sense.
    pub fn press(&mut self, name: &str, key: Key) {
        self.press_for(name, None, None, key);
    }

    /// A user presses a key.
    pub fn press_for(&mut self, name: &str, line: Option<u32>, leg: Option<LegId>, key: Key) {
        self.handle(Event::Pressed { device: name.into(), line, leg, key });
    }

    /// A user dials digit by digit.
    pub fn dial(&mut self, name: &str, digits: &str) {
        for digit in digits.chars() {
            self.press(name, Key::Digit(digit));
        }
    }

    /// Answers the order to open a port.
    pub fn answer(
        &mut self,
        by: Owner,
        stream: StreamId,
        result: Result<SocketAddr, MediaRefused>,
    ) {
        self.unanswered.retain(|(_, other)| *other != stream);
        self.handle(Event::MediaOpened { by, stream, result });
    }

    /// Answers for a relay.
    pub fn relay_answers(&mut self, link: LinkId, result: Result<(), RelayRefused>) {
        let passage = self.relayed.get_mut(&link).expect("it was ordered");
        passage.open = result.is_ok();
        let addresses = passage.ends.map(relay_address);
        let result = result.map(|()| RelayedBy { relay: "relay1".into(), addresses });
        self.handle(Event::RelayOpened { link, result });
    }

    /// Answers a port's order to send.
    pub fn start(&mut self, by: Owner, stream: StreamId, result: Result<(), MediaRefused>) {
        self.unstarted.retain(|(_, other)| *other != stream);
        self.handle(Event::MediaStarted { by, stream, result });
    }

    /// Answers all orders to open ports, and all to relays; ports of gateways send as they are told.
    pub fn open_all(&mut self) {
        loop {
            if let Some((by, stream)) = self.unanswered.first().cloned() {
                self.answer(by, stream, Ok(address(stream)));
            } else if let Some((by, stream)) = self.unstarted.first().cloned() {
                self.start(by, stream, Ok(()));
            } else if let Some(link) = self.relay_that(|passage| !passage.open) {
                self.relay_answers(link, Ok(()));
            } else {
                return;
            }
        }
    }

    /// The first passage of a kind.
    pub fn relay_that(&self, wanted: impl Fn(&Passage) -> bool) -> Option<LinkId> {
        self.relayed.iter().find(|(_, passage)| wanted(passage)).map(|(link, _)| *link)
    }

    /// Time passes.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.switchboard.next_timeout().filter(|next| *next <= end) {
            self.now = next.max(self.now);
            let mut actions = Vec::new();
            self.switchboard.tick(self.now, &mut actions);
            self.follow(actions);
        }
        self.now = end;
    }

    /// Something happens.
    pub fn handle(&mut self, event: Event) {
        let mut actions = Vec::new();
        self.switchboard.handle(self.now, event, &mut actions);
        self.follow(actions);
    }

    /// Everybody hangs up, and nothing may be left.
    pub fn end(&mut self) {
        for _ in 0..1000 {
            let mut legs = self.phones.iter().flat_map(|(name, phone)| {
                phone.legs.iter().map(move |(leg, display)| (name.clone(), *leg, display.state))
            });
            let elsewhere = [Some(CallState::InUseRemote), Some(CallState::InUsePrivately)];
            let own = |(_, _, state): &(_, _, Option<CallState>)| !elsewhere.contains(state);
            // A call on hold elsewhere cannot be ended here, so each leg gets its turn.
            let all: Vec<_> = legs.by_ref().filter(own).collect();
            if all.is_empty() {
                break;
            }
            for (device, leg, _) in all {
                self.handle(Event::Pressed {
                    device,
                    line: None,
                    leg: Some(leg),
                    key: Key::EndCall,
                });
            }
        }
        assert!(self.switchboard.is_idle(), "{:#?}", self.switchboard);
        assert!(self.resources.is_empty(), "{:?}", self.resources);
        assert!(self.relayed.is_empty(), "{:?}", self.relayed);
        for (name, phone) in &self.phones {
            assert!(phone.legs.is_empty() && phone.streams.is_empty(), "{name}: {phone:#?}");
            assert!(phone.ring == Ring::Off && !phone.speaker, "{name}: {phone:#?}");
            assert!(phone.lamps.values().all(|lamp| *lamp == Lamp::Off), "{name}: {phone:#?}");
        }
    }

    /// The only leg that a telephone shows.
    pub fn leg(&self, name: &str) -> &Display {
        let legs = &self.phones[name].legs;
        assert_eq!(legs.len(), 1, "{name}: {legs:#?}");
        legs.values().next().expect("there is one")
    }

    /// The leg of a telephone in some state.
    pub fn leg_in(&self, name: &str, state: CallState) -> LegId {
        let legs = &self.phones[name].legs;
        let found = legs.iter().find(|(_, leg)| leg.state == Some(state));
        *found.unwrap_or_else(|| panic!("{name} has nothing in {state:?}: {legs:#?}")).0
    }

    /// The status that a telephone shows with its connected leg.
    pub fn icon(&self, name: &str) -> Option<Security> {
        let legs = &self.phones[name].legs;
        let info = legs[&self.leg_in(name, CallState::Connected)].info.as_ref();
        info.unwrap_or_else(|| panic!("{name}: {legs:#?}")).security
    }

    /// Where what is sent to an address arrives: behind the relay, if one receives there.
    fn arrives_at(&self, to: SocketAddr) -> SocketAddr {
        let mut open = self.relayed.values().filter(|passage| passage.open);
        let through = open.find_map(|passage| {
            let from = passage.ends.iter().position(|stream| relay_address(*stream) == to)?;
            Some(address(passage.ends[1 - from]))
        });
        through.unwrap_or(to)
    }

    /// Whether one telephone hears another, directly or through a relay, and if so whether
    /// encrypted.
    pub fn hears(&self, name: &str, other: &str) -> Option<bool> {
        let sent =
            self.phones[other].streams.values().filter_map(|stream| stream.transmit.as_ref());
        let sent: Vec<_> = sent.collect();
        self.phones[name].streams.iter().find_map(|(id, stream)| {
            let key = stream.receive.as_ref()?;
            let here = address(*id);
            let (to, _, sent) = sent.iter().find(|(to, ..)| self.arrives_at(*to) == here)?;
            match *to == here {
                true => assert_eq!(sent, key, "both ends have the same key"),
                false => assert_ne!((sent, key.is_some()), (key, true), "each way has its own"),
            }
            assert_eq!(sent.is_some(), key.is_some(), "nothing is stripped on the way");
            Some(key.is_some())
        })
    }

    /// Whether music or a conference bridge sends to a telephone.
    pub fn hears_resource(&self, name: &str) -> bool {
        let streams = &self.phones[name].streams;
        self.resources.values().filter_map(|stream| stream.transmit.as_ref()).any(|(to, ..)| {
            let to = self.arrives_at(*to);
            streams.iter().any(|(id, stream)| stream.receive.is_some() && address(*id) == to)
        })
    }
}
