//! An exchange, and telephones that speak SCCP to it.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant, UNIX_EPOCH};

use ringfence_callmanager::exchange::{ConnectionId, Effect, Exchange, PortOrder};
use ringfence_callmanager::security::{Bridge, Security};
use ringfence_callmanager::station::{Close, Equipment, Now, Server, SpeedDial};
use ringfence_callmanager::switchboard::{
    Destination, Forwards, LineProfile, LinkId, MediaOrder, Party, RelayOrder, RelayedBy, Settings,
    Switchboard,
};
use sccp::codes::{Codec, MediaStatus, ResetKind, SecurityStatus};
use sccp::phone::*;
use sccp::server::OpenReceiveChannel;
use sccp::{
    Address, CallRef, Ip4, LIMIT_REGISTERED, LineInstance, List, Message, Port, Secrecy, Session,
    Stream, Text, Version,
};

/// Where all telephones are.
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

pub struct Site {
    pub exchange: Exchange,
    pub now: Now,
    phones: BTreeMap<String, Phone>,
    connections: u64,
    /// What telephones told their administrator.
    pub alarms: Vec<String>,
    /// Why connections were closed.
    pub closed: BTreeMap<String, Close>,
    /// What music on hold and bridges were told.
    pub resources: Vec<MediaOrder>,
    /// Orders for relays.
    pub relays: Vec<RelayOrder>,
    /// Orders for ports of gateways.
    pub ports: Vec<PortOrder>,
    /// For whom messages wait, or no longer.
    pub waiting: Vec<(String, bool)>,
}

/// A telephone at its connection.
struct Phone {
    connection: ConnectionId,
    equipment: Option<Equipment>,
    heard: Stream,
    inbox: Vec<Message>,
}

pub fn equipment(security: Security, number: &str) -> Equipment {
    let party = Party { number: number.to_owned(), name: format!("User {number}") };
    Equipment {
        security,
        encrypts_wideband: true,
        bridge: Some(Bridge::Encrypted),
        private: false,
        region: 0,
        media_elsewhere: false,
        relay: Default::default(),
        lines: vec![(LineProfile { party, busy_trigger: 2 }, None)],
        speed_dials: vec![SpeedDial { number: "1002".to_owned(), label: "Bob".to_owned() }],
        voicemail: false,
        messages: None,
        load: "P00308000500".to_owned(),
        user: "somebody".to_owned(),
        server_name: "office".to_owned(),
        servers: vec![Server { name: "one".to_owned(), address: PEER.into(), port: 2000 }],
        date_template: "M/D/Y".to_owned(),
        utc_offset: 0,
        keep_alive: Duration::from_secs(30),
    }
}

pub fn register(name: &str, protocol_version: u8) -> Register {
    Register {
        device_name: Text::from(name),
        address: Ip4(PEER),
        protocol_version,
        ..Register::default()
    }
}

pub fn capabilities() -> CapabilitiesRes {
    let known = |codec| AudioCapability { codec, max_ms_per_packet: 40, ..Default::default() };
    CapabilitiesRes { audio: List(vec![known(Codec::G711_ULAW_64K), known(Codec::G711_ALAW_64K)]) }
}

pub fn press(event: u32, call: CallRef) -> SoftKeyEvent {
    SoftKeyEvent { event, line: LineInstance(1), call }
}

impl Default for Site {
    fn default() -> Self {
        let now = Now { instant: Instant::now(), wall: UNIX_EPOCH };
        Self {
            exchange: Exchange::new(Switchboard::new(now.instant, Settings::default())),
            now,
            phones: BTreeMap::new(),
            connections: 0,
            alarms: Vec::new(),
            closed: BTreeMap::new(),
            resources: Vec::new(),
            relays: Vec::new(),
            ports: Vec::new(),
            waiting: Vec::new(),
        }
    }
}

impl Site {
    /// A telephone that is configured connects.
    pub fn connect(&mut self, name: &str, equipment: Equipment) {
        self.add(name, Some(equipment));
    }

    /// One that is not.
    pub fn connect_stranger(&mut self, name: &str) {
        self.add(name, None);
    }

    fn add(&mut self, name: &str, equipment: Option<Equipment>) {
        let mut heard = Stream::new();
        heard.set_limit(LIMIT_REGISTERED);
        heard.set_version(Version::V11);
        self.connections += 1;
        let connection = ConnectionId(self.connections);
        self.exchange.connected(self.now, connection, PEER.into());
        let phone = Phone { connection, equipment, heard, inbox: Vec::new() };
        self.phones.insert(name.to_owned(), phone);
    }

    /// A telephone connects and registers; what it was told is forgotten.
    pub fn register(&mut self, name: &str, equipment: Equipment) {
        self.connect(name, equipment);
        self.say(name, register(name, 11));
        self.say(name, capabilities());
        self.say(name, ButtonTemplateReq);
        self.say(name, TimeDateReq);
        self.heard(name);
    }

    /// Says where a number leads that is no line.
    pub fn route(&mut self, number: &str, destination: Destination) {
        self.exchange.switchboard_mut().add_route(number.parse().unwrap(), destination);
    }

    /// Says where calls to a number go.
    pub fn forward(&mut self, number: &str, forwards: Forwards) {
        self.exchange.switchboard_mut().set_forwards(number, forwards);
    }

    /// The database says whether messages wait for a number.
    pub fn message_waiting(&mut self, number: &str, waits: bool) {
        self.act(|exchange, now, effects| {
            exchange.message_waiting(now, number.to_owned(), waits, effects);
        });
    }

    /// Messages of a telephone that were not right.
    pub fn violations(&self, name: &str) -> u64 {
        self.exchange.station(self.phones[name].connection).unwrap().violations()
    }

    pub fn is_idle(&self) -> bool {
        self.exchange.switchboard().is_idle()
    }

    /// How many telephones without security can be called.
    pub fn non_secure(&self) -> u64 {
        self.exchange.switchboard().counters().devices.non_secure
    }

    /// A telephone says something.
    pub fn say(&mut self, name: &str, message: impl Into<Message>) {
        let session = Session { version: Version::V11, secrecy: Secrecy::Confidential };
        let bytes = session.encode(&message.into()).unwrap();
        self.bytes(name, &bytes);
    }

    /// A telephone sends bytes.
    pub fn bytes(&mut self, name: &str, bytes: &[u8]) {
        let connection = self.phones[name].connection;
        self.act(|exchange, now, effects| exchange.received(now, connection, bytes, effects));
    }

    pub fn reset(&mut self, name: &str, kind: ResetKind) {
        let connection = self.phones[name].connection;
        self.act(|exchange, now, effects| exchange.reset(now, connection, kind, effects));
    }

    /// A telephone's connection breaks.
    pub fn lose(&mut self, name: &str) {
        let connection = self.phones[name].connection;
        self.act(|exchange, now, effects| exchange.lost(now, connection, effects));
    }

    /// What a telephone was told since it was asked last.
    pub fn heard(&mut self, name: &str) -> Vec<Message> {
        std::mem::take(&mut self.phones.get_mut(name).unwrap().inbox)
    }

    /// The soft key with this number, for the call that the telephone was told of last.
    pub fn soft_key(&mut self, name: &str, event: u32) -> SoftKeyEvent {
        let call = self.heard(name).iter().rev().find_map(|message| match message {
            Message::CallState(state) => Some(state.call),
            _ => None,
        });
        press(event, call.unwrap_or_default())
    }

    /// The order to open a port.
    pub fn opened(&mut self, name: &str) -> OpenReceiveChannel {
        let said = self.heard(name);
        let open = said.iter().find_map(|message| match message {
            Message::OpenReceiveChannel(open) => Some(open.clone()),
            _ => None,
        });
        open.unwrap_or_else(|| panic!("{name}: {said:?}"))
    }

    pub fn acknowledge(&mut self, name: &str, open: &OpenReceiveChannel, address: [u8; 4]) {
        let ack = OpenReceiveChannelAck {
            status: MediaStatus::OK,
            address: Address::V4(address.into()),
            port: Port(16_384),
            party: open.party,
            call: open.call,
        };
        self.say(name, ack);
    }

    /// A relay lets a stream pass.
    pub fn relay_answers(&mut self, link: LinkId, by: RelayedBy) {
        self.act(|exchange, now, effects| exchange.relay_answered(now, link, Ok(by), effects));
    }

    /// The status that was shown last.
    pub fn icon(&mut self, name: &str) -> SecurityStatus {
        let said = self.heard(name);
        let icons = said.iter().rev().find_map(|message| match message {
            Message::CallInfo(info) => Some(info.security),
            _ => None,
        });
        icons.unwrap_or_else(|| panic!("{name}: {said:?}"))
    }

    /// Time passes.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now.instant + time;
        while let Some(next) = self.exchange.next_timeout().filter(|next| *next <= end) {
            self.now.instant = next.max(self.now.instant);
            self.act(|exchange, now, effects| exchange.tick(now, effects));
        }
        self.now.instant = end;
    }

    fn act(&mut self, act: impl FnOnce(&mut Exchange, Now, &mut Vec<Effect>)) {
        let mut effects = Vec::new();
        act(&mut self.exchange, self.now, &mut effects);
        for effect in effects {
            self.follow(effect);
        }
    }

    fn follow(&mut self, effect: Effect) {
        let on = |phone: &&mut Phone, connection| phone.connection == connection;
        match effect {
            Effect::Send { connection, pdu } => {
                let phone = self.phones.values_mut().find(|phone| on(phone, connection));
                // One that has been replaced hears no more.
                let Some(phone) = phone else { return };
                let mut bytes = &pdu[..];
                while let Some(received) = phone.heard.next(&mut bytes).unwrap() {
                    phone.inbox.push(received.decoded.unwrap().message);
                }
            }
            Effect::Register { connection, .. } => {
                let phone = self.phones.values_mut().find(|phone| on(phone, connection));
                let equipment = phone.unwrap().equipment.clone();
                self.act(|exchange, now, effects| match equipment {
                    Some(equipment) => exchange.admit(now, connection, equipment, effects),
                    None => exchange.refuse(now, connection, "not configured", effects),
                });
            }
            Effect::Close { connection, reason, .. } => {
                let found = self.phones.iter().find(|(_, phone)| phone.connection == connection);
                let name = found.map_or("replaced", |(name, _)| name).to_owned();
                self.closed.insert(name, reason);
            }
            Effect::PhoneAlarm { text, .. } => self.alarms.push(text),
            Effect::MessageWaiting { number, waits } => self.waiting.push((number, waits)),
            Effect::Resource(order) => self.resources.push(order),
            Effect::Relay(order) => self.relays.push(order),
            Effect::Port(order) => self.ports.push(order),
            Effect::Statistics { .. }
            | Effect::Forwarded { .. }
            | Effect::Record(_)
            | Effect::Alarm(_) => {}
        }
    }
}
