//! An exchange, and telephones at it.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant, UNIX_EPOCH};

use callmanager::exchange::{ConnectionId, Effect, Exchange};
use callmanager::security::{Bridge, Security};
use callmanager::station::{Close, Equipment, Now, Server, SpeedDial};
use callmanager::switchboard::{LineProfile, Party, RelayPolicy, Settings, Switchboard};
use ringfence_phone::station::{
    Call, Event, Icon, Key, LinkId, Order, Outage, Output, Profile, Receive, Registration, Station,
    Statistics, StreamId, Transmit,
};
use ringfence_phone::{Model, SecurityMode};
use sccp::codes::{CallStatus, MediaStatus, Phrase, ResetKind, UnregisterStatus};
use sccp::phone::Unregister;
use sccp::server::UnregisterAck;
use sccp::{CallRef, Secrecy, Session, Version};
use tftp::DeviceName;

pub struct Site {
    /// Servers; those that are down are `None`.
    pub servers: Vec<Option<Exchange>>,
    pub now: Now,
    pub phones: Vec<Desk>,
    connections: u64,
    wires: BTreeMap<(usize, ConnectionId), Wire>,
    /// What servers want and was not yet carried out, in order.
    effects: VecDeque<(usize, Effect)>,
    /// What telephones told their administrator.
    pub alarms: Vec<String>,
    pub closed: Vec<Close>,
    /// Refuses whoever registers.
    pub refuses: bool,
    /// Answers goodbyes itself: there is a call.
    pub refuses_to_let_go: bool,
    /// How often it did.
    pub goodbyes: usize,
}

/// A connection between a telephone and a server.
#[derive(Clone, Copy)]
struct Wire {
    phone: usize,
    link: LinkId,
}

/// A telephone, and who plays and records for it.
pub struct Desk {
    pub station: Station,
    pub equipment: Equipment,
    pub secrecy: Secrecy,
    pub events: Vec<Event>,
    pub restarts: Vec<ResetKind>,
    pub receiving: BTreeMap<StreamId, Receive>,
    pub sending: BTreeMap<StreamId, Transmit>,
    /// What it answers to orders to open, if not its port.
    pub refuses: Option<MediaStatus>,
    /// Answers nothing.
    pub deaf: bool,
    ports: u16,
}

pub const A: usize = 0;
pub const B: usize = 1;
pub const C: usize = 2;

/// Where all telephones are.
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

pub fn profile(number: u8, model: Model, mode: SecurityMode) -> Profile {
    let device = DeviceName::from_mac([0, 0x11, 0x22, 0x33, 0x44, number]);
    Profile { mode, address: PEER, ..Profile::new(device, model) }
}

pub fn equipment(security: Security, bridge: Bridge, number: &str) -> Equipment {
    let party = Party { number: number.to_owned(), name: format!("User {number}") };
    Equipment {
        security,
        encrypts_wideband: bridge == Bridge::Encrypted,
        bridge: Some(bridge),
        private: false,
        region: 0,
        relay: RelayPolicy::Never,
        media_elsewhere: false,
        lines: vec![(LineProfile { party, busy_trigger: 2 }, None)],
        speed_dials: vec![SpeedDial { number: "1002".to_owned(), label: "Bob".to_owned() }],
        voicemail: false,
        messages: None,
        load: String::new(),
        user: "somebody".to_owned(),
        server_name: "office".to_owned(),
        servers: vec![Server { name: "one".to_owned(), address: PEER.into(), port: 2000 }],
        date_template: "M/D/Y".to_owned(),
        utc_offset: 0,
        keep_alive: Duration::from_secs(30),
    }
}

impl Site {
    /// Servers without telephones.
    pub fn new(servers: usize) -> Self {
        let now = Now { instant: Instant::now(), wall: UNIX_EPOCH };
        let exchange = || Exchange::new(Switchboard::new(now.instant, Settings::default()));
        Self {
            servers: (0..servers).map(|_| Some(exchange())).collect(),
            now,
            phones: Vec::new(),
            connections: 0,
            wires: BTreeMap::new(),
            effects: VecDeque::new(),
            alarms: Vec::new(),
            closed: Vec::new(),
            refuses: false,
            refuses_to_let_go: false,
            goodbyes: 0,
        }
    }

    /// One server, and registered telephones with numbers from 1001.
    pub fn office(phones: &[(Model, SecurityMode)]) -> Self {
        let mut site = Self::new(1);
        for (index, (model, mode)) in (1001u32..).zip(phones) {
            site.add(*model, *mode, &index.to_string());
        }
        site.start_all();
        for phone in &site.phones {
            assert_eq!(phone.station.display().registration, Registration::Registered(0));
        }
        site
    }

    /// A telephone that is switched off.
    pub fn add(&mut self, model: Model, mode: SecurityMode, number: &str) -> usize {
        let security = match mode {
            SecurityMode::NonSecure => Security::NonSecure,
            SecurityMode::Authenticated => Security::Authenticated,
            SecurityMode::Encrypted => Security::Encrypted,
        };
        let mixes = model.mixes_encrypted();
        let bridge = if mixes { Bridge::Encrypted } else { Bridge::Plain };
        let count = u8::try_from(self.phones.len()).unwrap();
        let mut profile = profile(count, model, mode);
        profile.servers = self.servers.len();
        let encrypted = mode == SecurityMode::Encrypted;
        self.phones.push(Desk {
            station: Station::new(profile),
            equipment: equipment(security, bridge, number),
            secrecy: if encrypted { Secrecy::Confidential } else { Secrecy::Exposed },
            events: Vec::new(),
            restarts: Vec::new(),
            receiving: BTreeMap::new(),
            sending: BTreeMap::new(),
            refuses: None,
            deaf: false,
            ports: 20_000 + u16::from(count) * 100,
        });
        usize::from(count)
    }

    pub fn start_all(&mut self) {
        for phone in 0..self.phones.len() {
            self.start(phone, Outage::Initialized);
        }
    }

    pub fn start(&mut self, phone: usize, last: Outage) {
        self.with(phone, |station, now| station.start(now, last));
    }

    pub fn with<T>(&mut self, phone: usize, action: impl FnOnce(&mut Station, Instant) -> T) -> T {
        let done = self.tell(phone, action);
        self.carry_out();
        done
    }

    /// The same, when more is to be told before anything follows from it.
    fn tell<T>(&mut self, phone: usize, action: impl FnOnce(&mut Station, Instant) -> T) -> T {
        let done = action(&mut self.phones[phone].station, self.now.instant);
        self.drive(phone);
        done
    }

    fn carry_out(&mut self) {
        while let Some((server, effect)) = self.effects.pop_front() {
            self.follow(server, effect);
        }
    }

    pub fn press(&mut self, phone: usize, key: Key) {
        let done = self.with(phone, |station, now| station.press(now, key.clone()));
        done.unwrap_or_else(|error| panic!("{key:?}: {error}: {:#?}", self.display(phone)));
    }

    pub fn soft(&mut self, phone: usize, key: Phrase) {
        self.press(phone, Key::Soft(key));
    }

    /// Calls digit by digit.
    pub fn dial(&mut self, phone: usize, number: &str) {
        self.press(phone, Key::OffHook);
        number.chars().for_each(|digit| self.press(phone, Key::Digit(digit)));
    }

    /// `A` calls `B`, who answers.
    pub fn connect(&mut self, a: usize, b: usize, number: &str) {
        self.dial(a, number);
        self.press(b, Key::OffHook);
        assert_eq!(self.active(a).state, CallStatus::CONNECTED);
        assert_eq!(self.active(b).state, CallStatus::CONNECTED);
    }

    pub fn display(&self, phone: usize) -> &ringfence_phone::station::Display {
        self.phones[phone].station.display()
    }

    pub fn active(&self, phone: usize) -> &Call {
        let display = self.display(phone);
        display.active().unwrap_or_else(|| panic!("{phone} is in no call: {display:#?}"))
    }

    pub fn icon(&self, phone: usize) -> Icon {
        self.active(phone).icon()
    }

    pub fn keys(&self, phone: usize, call: CallRef) -> Vec<String> {
        let keys = self.phones[phone].station.soft_keys(call);
        keys.map(|key| key.label.to_string()).collect()
    }

    pub fn events(&mut self, phone: usize) -> Vec<Event> {
        std::mem::take(&mut self.phones[phone].events)
    }

    /// Whether one hears the other, and if so whether encrypted, with the key of the other.
    pub fn hears(&self, phone: usize, other: usize) -> Option<bool> {
        let (own, other) = (&self.phones[phone], &self.phones[other]);
        own.receiving.values().find_map(|receive| {
            let port = own.port(receive.stream);
            let sent = other.sending.values().find(|sent| sent.to == port)?;
            assert_eq!(sent.keying, receive.keying, "both ends have the same key");
            assert_eq!(sent.codec, receive.codec);
            Some(sent.keying.is_some())
        })
    }

    /// A server stops: its connections break.
    pub fn stop_server(&mut self, server: usize) {
        self.servers[server] = None;
        let wires: Vec<_> = self.wires.iter().map(|(at, wire)| (*at, *wire)).collect();
        for (at, Wire { phone, link }) in wires {
            if at.0 == server {
                self.wires.remove(&at);
                self.with(phone, |station, now| {
                    station.handle_closed(now, link, Outage::Closed);
                });
            }
        }
    }

    pub fn start_server(&mut self, server: usize) {
        let switchboard = Switchboard::new(self.now.instant, Settings::default());
        self.servers[server] = Some(Exchange::new(switchboard));
    }

    pub fn reset(&mut self, phone: usize, kind: ResetKind) {
        let name = self.phones[phone].station.profile().device.to_string();
        let exchange = self.servers[0].as_ref().unwrap();
        let connection = exchange.connection(&name).unwrap();
        self.act(0, |exchange, now, effects| exchange.reset(now, connection, kind, effects));
        self.carry_out();
    }

    pub fn is_idle(&self) -> bool {
        let media = |desk: &Desk| desk.receiving.is_empty() && desk.sending.is_empty();
        let quiet =
            self.phones.iter().all(|desk| media(desk) && desk.station.display().calls.is_empty());
        quiet && self.servers.iter().flatten().all(|server| server.switchboard().is_idle())
    }

    /// Time passes.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now.instant + time;
        loop {
            let phones = self.phones.iter().filter_map(|phone| phone.station.poll_timeout());
            let servers = self.servers.iter().flatten().filter_map(Exchange::next_timeout);
            let Some(next) = phones.chain(servers).min().filter(|next| *next <= end) else {
                break;
            };
            let next = next.max(self.now.instant);
            self.now.wall += next - self.now.instant;
            self.now.instant = next;
            for phone in 0..self.phones.len() {
                if self.phones[phone].station.poll_timeout().is_some_and(|due| due <= next) {
                    self.with(phone, |station, now| station.handle_timeout(now));
                }
            }
            for server in 0..self.servers.len() {
                self.act(server, |exchange, now, effects| exchange.tick(now, effects));
            }
            self.carry_out();
        }
        self.now.wall += end - self.now.instant;
        self.now.instant = end;
    }

    /// Carries out what a telephone wants.
    fn drive(&mut self, phone: usize) {
        while let Some(output) = self.phones[phone].station.poll_output() {
            match output {
                Output::Connect(link, server) => self.plug(phone, link, server),
                Output::Send(link, pdu)
                    if self.refuses_to_let_go && pdu[8..12] == Unregister::ID.0.to_le_bytes() =>
                {
                    self.goodbyes += 1;
                    let status = UnregisterStatus::CALL_ACTIVE;
                    let session = Session { version: Version::V11, secrecy: Secrecy::Exposed };
                    let answer = session.encode(&UnregisterAck { status }.into()).unwrap();
                    let station = &mut self.phones[phone].station;
                    station.handle_bytes(self.now.instant, link, &answer);
                }
                Output::Send(link, pdu) => {
                    if let Some((server, connection)) = self.wire(phone, link) {
                        self.act(server, |exchange, now, effects| {
                            exchange.received(now, connection, &pdu, effects);
                        });
                    }
                }
                Output::Disconnect(link) => {
                    if let Some((server, connection)) = self.wire(phone, link) {
                        self.wires.remove(&(server, connection));
                        self.act(server, |exchange, now, effects| {
                            exchange.lost(now, connection, effects);
                        });
                    }
                }
                Output::Media(order) => self.phones[phone].obey(order),
                Output::Event(event) => self.phones[phone].events.push(event),
                Output::Restart(kind) => self.phones[phone].restarts.push(kind),
            }
        }
    }

    fn plug(&mut self, phone: usize, link: LinkId, server: usize) {
        if self.servers[server].is_none() {
            return self.tell(phone, |station, now| {
                station.handle_closed(now, link, Outage::Unreachable);
            });
        }
        self.connections += 1;
        let connection = ConnectionId(self.connections);
        self.wires.insert((server, connection), Wire { phone, link });
        self.act(server, |exchange, now, _| exchange.connected(now, connection, PEER.into()));
        let secrecy = self.phones[phone].secrecy;
        self.tell(phone, |station, now| station.handle_connected(now, link, secrecy));
    }

    fn wire(&self, phone: usize, link: LinkId) -> Option<(usize, ConnectionId)> {
        let found = self.wires.iter().find(|(_, wire)| wire.phone == phone && wire.link == link);
        found.map(|(at, _)| *at)
    }

    fn act(&mut self, server: usize, act: impl FnOnce(&mut Exchange, Now, &mut Vec<Effect>)) {
        let Some(exchange) = &mut self.servers[server] else { return };
        let mut effects = Vec::new();
        act(exchange, self.now, &mut effects);
        self.effects.extend(effects.into_iter().map(|effect| (server, effect)));
    }

    fn follow(&mut self, server: usize, effect: Effect) {
        match effect {
            Effect::Send { connection, pdu } => {
                let Some(&Wire { phone, link }) = self.wires.get(&(server, connection)) else {
                    return;
                };
                // In pieces, as a network may deliver them.
                for piece in pdu.chunks(100) {
                    self.tell(phone, |station, now| station.handle_bytes(now, link, piece));
                }
            }
            Effect::Close { connection, reason, .. } => {
                self.closed.push(reason);
                if let Some(Wire { phone, link }) = self.wires.remove(&(server, connection)) {
                    self.tell(phone, |station, now| {
                        station.handle_closed(now, link, Outage::Closed);
                    });
                }
            }
            Effect::Register { connection, .. } => {
                let Some(&Wire { phone, .. }) = self.wires.get(&(server, connection)) else {
                    return;
                };
                let equipment = self.phones[phone].equipment.clone();
                let refuses = self.refuses;
                self.act(server, |exchange, now, effects| match refuses {
                    true => exchange.refuse(now, connection, "not configured", effects),
                    false => exchange.admit(now, connection, equipment, effects),
                });
            }
            Effect::PhoneAlarm { text, .. } => self.alarms.push(text),
            // Music on hold and bridges do not answer here; what else is told concerns nobody.
            _ => {}
        }
    }
}

impl Desk {
    fn obey(&mut self, order: Order) {
        match order {
            Order::Open(receive) => {
                let stream = receive.stream;
                self.receiving.insert(stream, receive);
                if self.deaf {
                    return;
                }
                let result = self.refuses.map_or(Ok(self.port(stream)), Err);
                if result.is_err() {
                    self.receiving.remove(&stream);
                }
                self.station.handle_opened(stream, result);
            }
            Order::Close(stream) => drop(self.receiving.remove(&stream).expect("it was open")),
            Order::Start(transmit) => {
                let before = self.sending.insert(transmit.stream, transmit);
                assert_eq!(before, None);
            }
            Order::Stop(stream) => drop(self.sending.remove(&stream).expect("it was sending")),
            order @ Order::Report { .. } => {
                let statistics = Statistics { packets_sent: 50, ..Statistics::default() };
                self.station.handle_statistics(&order, &statistics);
            }
        }
    }

    fn port(&self, stream: StreamId) -> SocketAddr {
        let offset = u16::try_from(stream.party.0 % 50).unwrap() * 2;
        SocketAddr::from((PEER, self.ports + offset))
    }
}
