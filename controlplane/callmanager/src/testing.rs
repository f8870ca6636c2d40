//! For tests: telephones that do what a [`Switchboard`] says, and hold it to its promises after
//! each event. What they check is in [`World::check`] and in what they do with orders.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::codec::Codec;
use crate::keys::MasterKey;
use crate::security::{Bridge, Security};
use crate::switchboard::{
    Action, CallAlarm, CallId, CallInfo, CallRecord, CallState, Change, Destination, DeviceName,
    Event, Forwards, Key, KeySet, Lamp, LegId, LineProfile, MediaCommand, MediaOrder, MediaPort,
    MediaRefused, Notice, Order, Owner, Party, Profile, Prompt, Ring, Settings, StreamId,
    Switchboard, Tone,
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
    /// Ports that were ordered and not yet answered.
    pub unanswered: Vec<(Owner, StreamId)>,
    /// Calls that have ended.
    pub records: Vec<CallRecord>,
    /// What administrators were told.
    pub alarms: Vec<CallAlarm>,
    /// Who forwards to where.
    pub forwards: Vec<(String, Option<String>)>,
    /// How many orders there were.
    orders: usize,
    receivers: HashMap<Vec<u8>, StreamId>,
    senders: HashSet<Vec<u8>>,
    opened: HashSet<StreamId>,
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

/// A telephone with lines under these numbers, two calls on each.
pub fn profile(security: Security, bridge: Option<Bridge>, numbers: &[&str]) -> Profile {
    let line = |number: &&str| LineProfile {
        party: Party { number: (*number).to_owned(), name: format!("User {number}") },
        busy_trigger: 2,
    };
    Profile {
        security,
        codecs: vec![Codec::G711_ULAW, Codec::G711_ALAW, Codec::G729A],
        encrypts_wideband: bridge == Some(Bridge::Encrypted),
        bridge,
        private: false,
        region: 0,
        lines: numbers.iter().map(line).collect(),
    }
}

/// Where a stream receives: each somewhere else.
pub fn address(stream: StreamId) -> SocketAddr {
    let [a, b, c, d] = stream.0.to_be_bytes();
    SocketAddr::from(([10, a ^ b, c, d], 16_384))
}

impl World {
    /// A world without telephones, whose meet-me conferences are under 8000 to 8009.
    pub fn new(settings: Settings) -> Self {
        let now = Instant::now();
        let mut switchboard = Switchboard::new(now, settings);
        let pattern = "800X".parse().expect("a pattern");
        switchboard.add_route(pattern, Destination::MeetMe);
        Self {
            switchboard,
            now,
            phones: BTreeMap::new(),
            resources: BTreeMap::new(),
            unanswered: Vec::new(),
            records: Vec::new(),
            alarms: Vec::new(),
            forwards: Vec::new(),
            orders: 0,
            receivers: HashMap::new(),
            senders: HashSet::new(),
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
        self.unanswered.retain(|(owner, _)| *owner != Owner::Device(device.clone()));
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

    /// Answers all orders to open ports.
    pub fn open_all(&mut self) {
        while let Some((by, stream)) = self.unanswered.first().cloned() {
            self.answer(by, stream, Ok(address(stream)));
        }
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

    /// Whether one telephone hears another directly, and if so whether encrypted.
    pub fn hears(&self, name: &str, other: &str) -> Option<bool> {
        let sent =
            self.phones[other].streams.values().filter_map(|stream| stream.transmit.as_ref());
        let sent: Vec<_> = sent.collect();
        self.phones[name].streams.iter().find_map(|(id, stream)| {
            let key = stream.receive.as_ref()?;
            let (_, _, sent) = sent.iter().find(|(to, ..)| *to == address(*id))?;
            assert_eq!(sent, key, "both ends have the same key");
            Some(key.is_some())
        })
    }

    /// Whether music or a conference bridge sends to a telephone.
    pub fn hears_resource(&self, name: &str) -> bool {
        let streams = &self.phones[name].streams;
        self.resources.values().filter_map(|stream| stream.transmit.as_ref()).any(|(to, ..)| {
            streams.iter().any(|(id, stream)| stream.receive.is_some() && address(*id) == *to)
        })
    }

    fn follow(&mut self, actions: Vec<Action>) {
        self.orders += actions.len();
        for action in actions {
            match action {
                Action::Telephone { device, order } => self.obey(&device, order),
                Action::Media(order) => self.stream(order),
                Action::Record(record) => self.records.push(record),
                Action::Alarm(alarm) => self.alarms.push(alarm),
                Action::Forwarded { number, all } => self.forwards.push((number, all)),
            }
        }
        self.check();
    }

    fn obey(&mut self, device: &DeviceName, order: Order) {
        let phone = self.phones.get_mut(device).expect("orders go to those who are there");
        match order {
            Order::Leg { line, leg, change: Change::State(CallState::OnHook) } => {
                let gone = phone.legs.remove(&leg).expect("a leg ends once");
                assert_eq!(gone.line, line);
                let left: Vec<_> = phone.streams.values().filter(|s| s.leg == Some(leg)).collect();
                assert!(left.is_empty(), "media ends before its leg: {left:?}");
            }
            Order::Leg { line, leg, change } => match change {
                Change::Keys(KeySet::OnHook) if !phone.legs.contains_key(&leg) => {}
                change => {
                    let display = phone.legs.entry(leg).or_default();
                    display.line = line;
                    display.obey(change);
                }
            },
            Order::Ring { leg, ring, .. } => {
                assert!(ring == Ring::Off || phone.legs.contains_key(&leg));
                phone.ring = ring;
            }
            Order::Speaker(on) => phone.speaker = on,
            Order::Lamp { line, lamp } => {
                phone.lamps.insert(line, lamp);
            }
            Order::Forward { .. } => {}
        }
    }

    fn stream(&mut self, MediaOrder { port, call, stream, command }: MediaOrder) {
        let (owner, leg, security, streams) = match port {
            MediaPort::Device { device, leg } => {
                let phone = self.phones.get_mut(&device).expect("orders go to those who are there");
                let security = phone.profile.security;
                (Owner::Device(device), Some(leg), security, &mut phone.streams)
            }
            MediaPort::Music | MediaPort::Bridge => {
                (Owner::Resource, None, Security::NonSecure, &mut self.resources)
            }
        };
        let may_have = |key: &Option<Vec<u8>>| {
            assert!(key.is_none() || security == Security::Encrypted, "a key for {owner:?}");
        };
        let found =
            streams.entry(stream).or_insert(Stream { leg, call, receive: None, transmit: None });
        assert_eq!((found.leg, found.call), (leg, call), "a stream keeps its names");
        match command {
            MediaCommand::OpenReceive { key, .. } => {
                assert!(self.opened.insert(stream), "stream {stream} is opened once");
                let key = key.map(|key| bytes(&key));
                may_have(&key);
                if let Some(key) = &key {
                    let used = self.receivers.insert(key.clone(), stream);
                    assert_eq!(used, None, "a key serves one opening");
                }
                found.receive = Some(key);
                self.unanswered.push((owner, stream));
            }
            MediaCommand::StartTransmit { to, codec, key } => {
                let key = key.map(|key| bytes(&key));
                may_have(&key);
                let encrypted = found.receive.as_ref().is_some_and(Option::is_some);
                assert_eq!(key.is_some(), encrypted, "both directions are alike");
                if let Some(key) = &key {
                    let receiver = self.receivers[key];
                    assert_ne!(receiver, stream, "nobody sends with the key he receives with");
                    assert_eq!(to, address(receiver), "a key goes where its other end is");
                    assert!(self.senders.insert(key.clone()), "a key has one sender");
                }
                assert!(found.transmit.is_none(), "a stream begins once");
                found.transmit = Some((to, codec, key));
            }
            MediaCommand::CloseReceive => {
                assert!(found.receive.take().is_some(), "what is closed was open");
                self.unanswered.retain(|(_, other)| *other != stream);
            }
            MediaCommand::StopTransmit => {
                assert!(found.transmit.take().is_some(), "what stops was sending");
            }
        }
        if found.receive.is_none() && found.transmit.is_none() {
            streams.remove(&stream);
        }
    }

    /// What must be true after each event, whatever it was.
    fn check(&self) {
        for call in self.switchboard.calls() {
            let shows = |leg: &LegId, device: &DeviceName| {
                let display = self.phones.get(device)?.legs.get(leg)?;
                display.info.as_ref()?.security
            };
            let of_device = |device: &DeviceName| Some(self.phones.get(device)?.profile.security);
            let weakest = call.parties.iter().filter_map(|party| of_device(&party.device)).min();
            for party in &call.parties {
                let shown = shows(&party.leg, &party.device);
                assert!(shown <= weakest, "{party:?} shows {shown:?} in {call:?}");
                assert!(shown != Some(Security::Encrypted) || !call.conference);
            }
        }
        for (name, phone) in &self.phones {
            let active = |leg: &&Display| {
                !matches!(
                    leg.state,
                    Some(
                        CallState::RingIn
                            | CallState::Hold
                            | CallState::InUseRemote
                            | CallState::InUsePrivately
                    )
                )
            };
            let active = phone.legs.values().filter(active).count();
            assert!(active <= 1, "{name} has one handset: {:#?}", phone.legs);
            assert!(phone.streams.values().all(|stream| {
                stream.leg.is_some_and(|leg| {
                    phone.legs.get(&leg).is_some_and(|leg| leg.state == Some(CallState::Connected))
                })
            }));
            for (id, leg) in &phone.legs {
                let locked = leg.info.as_ref().is_some_and(|info| {
                    info.security == Some(Security::Encrypted)
                        && leg.state == Some(CallState::Connected)
                });
                let mut streams =
                    phone.streams.values().filter(|stream| stream.leg == Some(*id)).peekable();
                if locked {
                    assert!(streams.peek().is_some(), "a lock stands for a stream");
                    assert!(
                        streams.all(|stream| stream.receive.as_ref().is_some_and(Option::is_some))
                    );
                }
            }
        }
    }
}

impl Display {
    fn obey(&mut self, change: Change) {
        match change {
            Change::State(state) => self.state = Some(state),
            Change::Keys(keys) => self.keys = Some(keys),
            Change::Prompt(prompt) => self.prompt = prompt,
            Change::Tone(tone) => self.tone = tone,
            Change::Sound(tone) => self.sounds.push(tone),
            Change::Notice(notice) => self.notices.push(notice),
            Change::Info(info) => {
                self.statuses.push(info.security);
                self.info = Some(info);
            }
            Change::Dialled(_) | Change::Backspace => {}
        }
    }
}

fn bytes(key: &MasterKey) -> Vec<u8> {
    [&key.key[..], &key.salt[..]].concat()
}

/// Plays whatever the bytes say in an office with telephones of all kinds, shared lines among
/// them; then everybody hangs up. Three bytes are a step: what, who, and with what.
pub fn play(script: &[u8]) {
    let mut world = World::new(Settings {
        plain_fallback: script.first().is_some_and(|byte| byte & 1 == 1),
        music_on_hold: script.first().is_none_or(|byte| byte & 2 == 0),
        max_conference: 4,
        ..Settings::default()
    });
    for (name, profile) in staff() {
        world.arrive(name, profile);
    }
    for step in script.chunks_exact(3) {
        world.step([step[0], step[1], step[2]]);
    }
    world.end();
}

/// Telephones of every security, with and without a bridge, alone and sharing lines.
fn staff() -> [(&'static str, Profile); 7] {
    use Bridge::{Encrypted as Mixes, Plain};
    use Security::{Authenticated, Encrypted, NonSecure};
    let mut private = profile(Encrypted, Some(Mixes), &["1005", "1001"]);
    private.private = true;
    [
        ("A", profile(Encrypted, Some(Mixes), &["1001", "1010"])),
        ("B", profile(Encrypted, Some(Mixes), &["1001"])),
        ("C", profile(NonSecure, Some(Plain), &["1001", "1002"])),
        ("D", profile(Encrypted, Some(Plain), &["1002"])),
        ("E", profile(Authenticated, Some(Plain), &["1003", "1002"])),
        ("F", profile(Encrypted, None, &["1004"])),
        ("G", private),
    ]
}

const NUMBERS: [&str; 8] = ["1001", "1002", "1003", "1004", "1005", "1010", "8001", "4711"];

impl World {
    fn step(&mut self, [what, who, with]: [u8; 3]) {
        let staff = staff();
        let (name, profile) = &staff[usize::from(who) % staff.len()];
        let number = NUMBERS[usize::from(with) % NUMBERS.len()];
        let key = match what % 32 {
            0 | 1 => Key::Number(number.to_owned()),
            2 | 3 => Key::Answer,
            4 => Key::OffHook,
            5 => Key::OnHook,
            6 => Key::Line,
            7 => Key::NewCall,
            8 => Key::EndCall,
            9 => return self.dial(name, number),
            10 => Key::Digit(char::from_digit(u32::from(with) % 10, 10).expect("below 10")),
            11 => Key::Backspace,
            12 => Key::Hold,
            13 => Key::Resume,
            14 | 15 => Key::Transfer,
            16 | 17 => Key::Conference,
            18 => Key::MeetMe,
            19 => Key::Barge,
            20 => Key::ConferenceBarge,
            21 => Key::Redial,
            22 => Key::ForwardAll,
            23 => return self.lose(name),
            24 => return self.arrive(name, profile.clone()),
            25 => return self.pass(Duration::from_secs(with.into())),
            26 => return self.answer_one(with),
            27 => return self.fail_one(with),
            28 => return self.switchboard.set_forwards(number, forwards(who)),
            _ => return self.open_all(),
        };
        let every = self.phones.values().flat_map(|phone| phone.legs.keys().copied());
        let every: Vec<_> = every.collect();
        let own = self.phones.get(*name).map(|phone| phone.legs.keys().copied().collect());
        let own: Vec<_> = own.unwrap_or_default();
        let pick = |legs: &[LegId]| legs.get(usize::from(with / 8) % legs.len().max(1)).copied();
        let leg = match what / 32 {
            0..=3 => None,
            // Somebody else's leg does nothing.
            4 => pick(&every),
            _ => pick(&own),
        };
        let line = (what / 32 == 3).then_some(u32::from(with % 4));
        let foreign = leg.is_some_and(|leg| !own.contains(&leg));
        let before = self.orders;
        self.press_for(name, line, leg, key);
        assert!(!foreign || self.orders == before, "{name} has no part in {leg:?}");
    }

    fn answer_one(&mut self, which: u8) {
        if self.unanswered.is_empty() {
            return;
        }
        let (by, stream) = self.unanswered[usize::from(which) % self.unanswered.len()].clone();
        self.answer(by, stream, Ok(address(stream)));
    }

    fn fail_one(&mut self, which: u8) {
        if self.unanswered.is_empty() {
            return;
        }
        let (by, stream) = self.unanswered[usize::from(which) % self.unanswered.len()].clone();
        let refused = match which % 2 {
            0 => MediaRefused::Encryption,
            _ => MediaRefused::Status(1),
        };
        self.answer(by, stream, Err(refused));
    }
}

fn forwards(who: u8) -> Forwards {
    let to = |place: u8| {
        let number = NUMBERS[usize::from(who >> place) % NUMBERS.len()];
        (who >> place & 8 == 0).then(|| number.to_owned())
    };
    Forwards { all: to(3).filter(|_| who & 1 == 0), busy: to(1), no_answer: to(2) }
}
