//! An exchange: stations around a switchboard, and telephones that speak SCCP to them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant, UNIX_EPOCH};

use ringfence_callmanager::security::{Bridge, Security};
use ringfence_callmanager::station::{Close, Equipment, Now, Output, Server, SpeedDial, Station};
use ringfence_callmanager::switchboard::{
    Action, LineProfile, MediaPort, Party, Settings, Switchboard,
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

pub struct Exchange {
    pub switchboard: Switchboard,
    pub now: Now,
    lines: BTreeMap<String, Line>,
    /// What telephones told their administrator.
    pub alarms: Vec<String>,
    /// Why connections were closed.
    pub closed: BTreeMap<String, Close>,
}

/// A telephone at its connection.
struct Line {
    station: Station,
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
        lines: vec![(LineProfile { party, busy_trigger: 2 }, None)],
        speed_dials: vec![SpeedDial { number: "1002".to_owned(), label: "Bob".to_owned() }],
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

impl Default for Exchange {
    fn default() -> Self {
        let now = Now { instant: Instant::now(), wall: UNIX_EPOCH };
        Self {
            switchboard: Switchboard::new(now.instant, Settings::default()),
            now,
            lines: BTreeMap::new(),
            alarms: Vec::new(),
            closed: BTreeMap::new(),
        }
    }
}

impl Exchange {
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
        let station = Station::new(self.now, IpAddr::V4(PEER).to_canonical());
        let line = Line { station, equipment, heard, inbox: Vec::new() };
        self.lines.insert(name.to_owned(), line);
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

    pub fn station(&self, name: &str) -> &Station {
        &self.lines[name].station
    }

    pub fn take(&mut self, name: &str) -> Station {
        self.lines.remove(name).unwrap().station
    }

    /// A telephone says something.
    pub fn say(&mut self, name: &str, message: impl Into<Message>) {
        let session = Session { version: Version::V11, secrecy: Secrecy::Confidential };
        let bytes = session.encode(&message.into()).unwrap();
        self.bytes(name, &bytes);
    }

    /// A telephone sends bytes.
    pub fn bytes(&mut self, name: &str, bytes: &[u8]) {
        let now = self.now;
        self.with(name, |station, out| station.handle_bytes(now, bytes, out));
    }

    pub fn reset(&mut self, name: &str, kind: ResetKind) {
        let now = self.now;
        self.with(name, |station, out| station.reset(now, kind, out));
    }

    /// What a telephone was told since it was asked last.
    pub fn heard(&mut self, name: &str) -> Vec<Message> {
        std::mem::take(&mut self.lines.get_mut(name).unwrap().inbox)
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
        loop {
            let stations = self.lines.values().filter_map(|line| line.station.next_timeout());
            let next = stations.chain(self.switchboard.next_timeout()).min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now.instant = next.max(self.now.instant);
            let now = self.now;
            let mut actions = Vec::new();
            self.switchboard.tick(now.instant, &mut actions);
            self.carry_out(actions);
            for name in self.lines.keys().cloned().collect::<Vec<_>>() {
                self.with(&name, |station, out| station.handle_timeout(now, out));
            }
        }
        self.now.instant = end;
    }

    fn with(&mut self, name: &str, act: impl FnOnce(&mut Station, &mut Vec<Output>)) {
        let mut outputs = Vec::new();
        act(&mut self.lines.get_mut(name).unwrap().station, &mut outputs);
        for output in outputs {
            self.follow(name, output);
        }
    }

    fn follow(&mut self, name: &str, output: Output) {
        let now = self.now;
        match output {
            Output::Send(pdu) => {
                let line = self.lines.get_mut(name).unwrap();
                let mut bytes = &pdu[..];
                while let Some(received) = line.heard.next(&mut bytes).unwrap() {
                    line.inbox.push(received.decoded.unwrap().message);
                }
            }
            Output::Register(_) => {
                let equipment = self.lines[name].equipment.clone();
                self.with(name, |station, out| match equipment {
                    Some(equipment) => station.admit(now, equipment, out),
                    None => station.refuse("not configured", out),
                });
            }
            Output::Event(event) => {
                let mut actions = Vec::new();
                self.switchboard.handle(now.instant, event, &mut actions);
                self.carry_out(actions);
            }
            Output::PhoneAlarm { text, .. } => self.alarms.push(text),
            Output::Statistics(_) => {}
            Output::Close(reason) => {
                self.closed.insert(name.to_owned(), reason);
            }
        }
    }

    fn carry_out(&mut self, actions: Vec<Action>) {
        let now = self.now;
        for action in actions {
            match action {
                Action::Telephone { device, order } => {
                    let device = device.to_string();
                    self.with(&device, |station, out| station.handle_order(now, order, out));
                }
                Action::Media(order) => {
                    if let MediaPort::Device { device, .. } = &order.port {
                        let device = device.to_string();
                        self.with(&device, |station, out| station.handle_media(&order, out));
                    }
                }
                Action::Record(_) | Action::Alarm(_) | Action::Forwarded { .. } => {}
            }
        }
    }
}
