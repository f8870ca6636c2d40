//! Call processing with telephones, the agent, and a gateway that does as it is told and remembers
//! it. Time is virtual.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use callmanager::codec::Codec;
use callmanager::exchange::PortOrder;
use callmanager::keys::MasterKey;
use callmanager::security::Security;
use callmanager::switchboard::{
    Action, CallRecord, CallState, Change, Destination, DeviceName, Event, Key, Kind, LegId,
    LineProfile, MediaCommand, MediaOrder, MediaPort, Order, Owner, Party, Profile, RelayPolicy,
    Settings, Switchboard,
};
use callmanager::testing::profile;
use mgcp::message::ParamCode;
use mgcp::sdp::SessionDescription;
use mgcp::{Command, ConnectionMode, Message, Response, ReturnCode, TransactionId, Verb, Version};
use ringfence_callagent::voice::{
    Agent, Config, Cover, GatewayAlarm, GatewayConfig, KeyPolicy, PathSource, Paths, Plan,
    PortConfig, Report, Verdict, Way,
};

pub const GATEWAY: &str = "gw1.example";
pub const FAX: &str = "aaln/S1/SU0/0";
pub const TRUNK: &str = "S0/SU0/DS1-0/1";
/// Encrypted, 1001.
pub const ALICE: &str = "SEP000000000001";
/// Not secure, 1002.
pub const DAVE: &str = "SEP000000000002";
pub const AGENT: &str = "10.0.0.1:2427";
/// Where the gateway is if the way to it leaves the host.
pub const FAR: &str = "10.0.0.2:2427";
/// Where it is on the same host.
pub const NEAR: &str = "127.0.0.1:2427";

pub struct Office {
    pub now: Instant,
    pub switchboard: Switchboard,
    pub agent: Agent,
    pub gateway: Gateway,
    pub phones: BTreeMap<DeviceName, Phone>,
    /// What the IKE daemon would say.
    pub cover: Arc<Mutex<Cover>>,
    pub records: Vec<CallRecord>,
    pub alarms: Vec<GatewayAlarm>,
    pub keys: Vec<Verdict>,
    pub captured: Vec<String>,
    /// What the gateway is told is lost.
    pub silent: bool,
    next_transaction: u32,
    answers: Vec<(u32, Response)>,
}

/// A telephone.
#[derive(Default)]
pub struct Phone {
    pub legs: BTreeMap<LegId, (Option<CallState>, Option<Security>)>,
    /// Each status that it has shown of a connected call, in order.
    pub statuses: Vec<Option<Security>>,
    pub receives: Option<Option<Vec<u8>>>,
    pub sends: Option<(SocketAddr, Option<Vec<u8>>)>,
}

/// The other end: it does as it is told.
pub struct Gateway {
    pub address: SocketAddr,
    pub srtp: bool,
    /// It makes the keys that it sends under itself, and takes none.
    pub makes_keys: bool,
    /// What it says that it encrypts with, instead of what it was told.
    pub other_key: Option<String>,
    /// What it answers to commands of a kind instead of doing them.
    pub refuses: BTreeMap<&'static str, u16>,
    pub connections: BTreeMap<String, Connection>,
    /// How hooks are, by the names of endpoints, for those who ask.
    pub hooks: BTreeMap<&'static str, &'static str>,
    /// What it was told, without transaction ids.
    pub told: Vec<Command>,
    /// The same as it came.
    pub datagrams: Vec<String>,
    last: u32,
}

#[derive(Clone, Debug, Default)]
pub struct Connection {
    pub call: String,
    pub endpoint: String,
    pub mode: String,
    /// What it was told to encrypt with.
    pub transmit: Option<String>,
    /// What it was told that the peer encrypts with.
    pub receive: Option<String>,
    pub peer: Option<SocketAddr>,
}

struct Told(Arc<Mutex<Cover>>);

impl Paths for Told {
    fn look(&mut self, _: Instant, way: &Way<'_>) -> Cover {
        assert_eq!(way.ours.to_string(), AGENT);
        self.0.lock().unwrap().clone()
    }
}

pub fn port(local: &str, number: &str) -> PortConfig {
    let kind = if number.is_empty() { Kind::Trunk } else { Kind::Line };
    let party = Party { number: number.to_owned(), name: "Fax".to_owned() };
    let lines = vec![LineProfile { party, busy_trigger: 2 }];
    let codecs = vec![Codec::G711_ULAW, Codec::G711_ALAW];
    let relay = RelayPolicy::Never;
    let profile = Profile { kind, lines, codecs, relay, ..profile(Security::NonSecure, None, &[]) };
    let local = local.to_owned();
    PortConfig { local, profile, attendant: None, takes_calls_in: true, capture: false }
}

pub fn plan(address: &str, key_policy: KeyPolicy) -> Plan {
    let gateway = GatewayConfig {
        name: GATEWAY.to_owned(),
        addresses: vec![address.parse().unwrap()],
        version: Version::V0_1,
        key_policy,
        path: PathSource::Here { identity: Some(GATEWAY.to_owned()) },
        rank: Some(0),
        digit_map: None,
        drop_secure_calls: false,
        ports: vec![port(FAX, "1006"), port(TRUNK, "")],
    };
    Plan { gateways: vec![gateway], mixed_mode: true }
}

impl Office {
    /// A gateway beside us, which has been audited.
    pub fn new() -> Self {
        Self::with(plan(NEAR, KeyPolicy::Require))
    }

    pub fn with(plan: Plan) -> Self {
        let mut office = Self::before(plan.gateways[0].addresses[0]);
        office.agent.configure(office.now, plan).unwrap();
        office.run();
        office
    }

    /// Before there are any gateways.
    pub fn before(address: SocketAddr) -> Self {
        let now = Instant::now();
        let reason = "no association".to_owned();
        let cover = Arc::new(Mutex::new(Cover::Open { reason }));
        let config = Config::new("cm1", AGENT.parse().unwrap());
        let mut switchboard = Switchboard::new(now, Settings::default());
        let trunks = [DeviceName::from(&*format!("{TRUNK}@{GATEWAY}"))];
        let route = Destination::Ports(trunks.into());
        switchboard.add_route("9.XXXX".parse().unwrap(), route);
        let gateway = Gateway {
            address,
            srtp: true,
            makes_keys: false,
            other_key: None,
            refuses: BTreeMap::new(),
            connections: BTreeMap::new(),
            hooks: BTreeMap::new(),
            told: Vec::new(),
            datagrams: Vec::new(),
            last: 5,
        };
        let mut office = Self {
            now,
            switchboard,
            agent: Agent::new(config, Box::new(Told(cover.clone())), 7),
            gateway,
            phones: BTreeMap::new(),
            cover,
            records: Vec::new(),
            alarms: Vec::new(),
            keys: Vec::new(),
            captured: Vec::new(),
            silent: false,
            next_transaction: 40,
            answers: Vec::new(),
        };
        for (name, number, security) in
            [(ALICE, "1001", Security::Encrypted), (DAVE, "1002", Security::NonSecure)]
        {
            let device = DeviceName::from(name);
            office.phones.insert(device.clone(), Phone::default());
            let profile = profile(security, None, &[number]);
            let profile = Profile { relay: RelayPolicy::Never, ..profile };
            office.handle(Event::DeviceArrived { device, profile });
        }
        office
    }

    /// Lets everything happen that happens at once.
    pub fn run(&mut self) {
        loop {
            let mut quiet = true;
            while let Some((to, datagram)) = self.agent.poll_datagram() {
                quiet = false;
                let text = String::from_utf8(datagram.to_vec()).unwrap();
                match Message::parse(&datagram).unwrap() {
                    _ if self.silent => {}
                    Message::Command(id, command) => {
                        assert_eq!(to, self.gateway.address);
                        self.gateway.datagrams.push(text);
                        let answer = self.gateway.execute(command);
                        self.hear(&Message::Response(id, answer));
                    }
                    Message::Response(id, response) => self.answers.push((id.value(), response)),
                }
            }
            while let Some(report) = self.agent.poll_report() {
                quiet = false;
                match report {
                    Report::Event(event) => self.handle(event),
                    Report::Keys { verdict, .. } => self.keys.push(verdict),
                    Report::Alarm(alarm) => self.alarms.push(alarm),
                    Report::Captured { text, .. } => self.captured.push(text),
                    Report::Closed { .. } => {}
                }
            }
            if quiet {
                return;
            }
        }
    }

    fn hear(&mut self, message: &Message) {
        self.agent.handle_datagram(self.now, self.gateway.address, &message.to_bytes());
    }

    /// The gateway commands, and is answered.
    pub fn command(&mut self, text: &str) -> u16 {
        self.command_from(self.gateway.address, text)
    }

    pub fn command_from(&mut self, from: SocketAddr, text: &str) -> u16 {
        self.next_transaction += 1;
        let id = self.next_transaction;
        let text = text.replacen(" # ", &format!(" {id} "), 1);
        self.agent.handle_datagram(self.now, from, text.as_bytes());
        self.run();
        let found = self.answers.iter().find(|(other, _)| *other == id);
        found.map_or(0, |(_, answer)| answer.code.value())
    }

    /// The gateway has observed something at a port.
    pub fn observe(&mut self, local: &str, what: &str) {
        let text = format!("NTFY # {local}@{GATEWAY} MGCP 0.1\r\nX: 1\r\nO: {what}\r\n");
        assert_eq!(self.command(&text), 200);
    }

    pub fn press(&mut self, name: &str, key: Key) {
        self.handle(Event::Pressed { device: name.into(), line: None, leg: None, key });
        self.run();
    }

    pub fn handle(&mut self, event: Event) {
        let mut actions = Vec::new();
        self.switchboard.handle(self.now, event, &mut actions);
        self.carry_out(actions);
    }

    fn carry_out(&mut self, actions: Vec<Action>) {
        let mut orders = Vec::new();
        let mut events = Vec::new();
        for action in actions {
            match action {
                Action::Telephone { device, order } => match self.phones.get_mut(&device) {
                    Some(phone) => phone.show(order),
                    None => orders.push(PortOrder::Telephone { port: device, order }),
                },
                Action::Media(order) => match order.port.clone() {
                    MediaPort::Device { device, .. } => match self.phones.get_mut(&device) {
                        Some(phone) => events.extend(phone.media(&device, order)),
                        None => orders.push(PortOrder::Media(order)),
                    },
                    MediaPort::Music | MediaPort::Bridge => events.extend(resource(&order)),
                },
                Action::Record(record) => self.records.push(record),
                Action::Relay(_)
                | Action::Forwarded { .. }
                | Action::MessageWaiting { .. }
                | Action::Alarm(_) => {}
            }
        }
        self.agent.order(self.now, orders);
        for event in events {
            self.handle(event);
        }
    }

    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        self.run();
        loop {
            let due = [self.agent.poll_timeout(), self.switchboard.next_timeout()];
            let Some(next) = due.into_iter().flatten().min().filter(|due| *due <= end) else {
                break;
            };
            self.now = next.max(self.now);
            self.agent.handle_timeout(self.now);
            let mut actions = Vec::new();
            self.switchboard.tick(self.now, &mut actions);
            self.carry_out(actions);
            self.run();
        }
        self.now = end;
    }

    pub fn cover(&mut self, cover: Cover) {
        *self.cover.lock().unwrap() = cover;
        self.agent.paths_changed(self.now);
        self.run();
    }

    pub fn cover_by(&mut self, association: &str) {
        self.cover(Cover::Covered { association: association.to_owned() });
    }

    pub fn uncover(&mut self) {
        self.cover(Cover::Open { reason: "no association".to_owned() });
    }

    /// The status that a telephone shows of its call.
    pub fn icon(&self, name: &str) -> Option<Security> {
        let connected = |(state, _): &&(Option<CallState>, _)| *state == Some(CallState::Connected);
        self.phones[name].legs.values().find(connected).expect("it speaks").1
    }

    /// Nothing may be left of any call.
    pub fn end(&mut self) {
        for name in [ALICE, DAVE] {
            self.press(name, Key::OnHook);
            // What they hold is nobody's speech.
            let held: Vec<_> = self.phones[name].legs.keys().copied().collect();
            for leg in held {
                let (device, leg) = (name.into(), Some(leg));
                self.handle(Event::Pressed { device, line: None, leg, key: Key::EndCall });
                self.run();
            }
        }
        for local in [FAX, TRUNK] {
            self.observe(local, "L/hu");
        }
        self.pass(Duration::from_secs(70));
        assert!(self.switchboard.is_idle(), "{:#?}", self.switchboard);
        assert!(self.agent.is_idle());
        assert!(self.gateway.connections.is_empty(), "{:?}", self.gateway.connections);
    }
}

impl Phone {
    fn show(&mut self, order: Order) {
        let Order::Leg { leg, change, .. } = order else { return };
        match change {
            Change::State(CallState::OnHook) => drop(self.legs.remove(&leg)),
            Change::State(state) => self.legs.entry(leg).or_default().0 = Some(state),
            Change::Info(info) => {
                let shown = self.legs.entry(leg).or_default();
                shown.1 = info.security;
                if shown.0 == Some(CallState::Connected) {
                    self.statuses.push(info.security);
                }
            }
            _ => {}
        }
    }

    fn media(&mut self, device: &DeviceName, order: MediaOrder) -> Option<Event> {
        match order.command {
            MediaCommand::OpenReceive { key, .. } => {
                self.receives = Some(key.map(|key| octets(&key)));
                let (by, stream) = (Owner::Device(device.clone()), order.stream);
                return Some(Event::MediaOpened { by, stream, result: Ok(phone_address()) });
            }
            MediaCommand::StartTransmit { to, key, .. } => {
                self.sends = Some((to, key.map(|key| octets(&key))));
            }
            MediaCommand::CloseReceive => self.receives = None,
            MediaCommand::StopTransmit => self.sends = None,
        }
        None
    }
}

fn resource(order: &MediaOrder) -> Option<Event> {
    let MediaCommand::OpenReceive { .. } = order.command else { return None };
    let (by, stream) = (Owner::Resource, order.stream);
    let result = Ok("10.0.0.9:30000".parse().unwrap());
    Some(Event::MediaOpened { by, stream, result })
}

pub fn phone_address() -> SocketAddr {
    "10.0.0.7:20000".parse().unwrap()
}

fn octets(key: &MasterKey) -> Vec<u8> {
    [&key.key[..], &key.salt[..]].concat()
}

/// Keys as they stand in messages.
pub fn written(octets: &[u8]) -> String {
    use base64ct::{Base64, Encoding};
    Base64::encode_string(octets)
}

impl Gateway {
    fn execute(&mut self, command: Command) -> Response {
        let verb = command.verb.to_string();
        self.told.push(command.clone());
        let refused = self.refuses.iter().find(|(kind, _)| verb == **kind).map(|(_, code)| *code);
        if let Some(code) = refused {
            return Response::new(ReturnCode::new(code).unwrap());
        }
        match command.verb {
            Verb::Auep => self.audit(&command),
            Verb::Aucx => self.audit_connection(&command),
            Verb::Crcx => self.create(&command),
            Verb::Mdcx => self.modify(&command),
            Verb::Dlcx => {
                let id = command.params.connection().unwrap().to_string();
                match self.connections.remove(&id) {
                    Some(_) => Response::new(ReturnCode::DELETED),
                    None => Response::new(ReturnCode::WRONG_CONNECTION),
                }
            }
            _ => Response::new(ReturnCode::OK),
        }
    }

    fn audit(&self, command: &Command) -> Response {
        let packages = if self.srtp { "L;D;G;R;SRTP" } else { "L;D;G;R" };
        let own = |connection: &&Connection| connection.endpoint == command.endpoint.local();
        let ids = self.connections.iter().filter(|(_, connection)| own(connection));
        let ids: String = ids.map(|(id, _)| format!("I: {id}\r\n")).collect();
        let wanted = command.params.requested_info.as_deref().unwrap_or_default();
        let hook = self.hooks.get(command.endpoint.local());
        let hook = hook.filter(|_| wanted.contains(&ParamCode::Es));
        let hook: String = hook.map(|hook| format!("ES: {hook}\r\n")).unwrap_or_default();
        let text = format!(
            "200 1 OK\r\nL: a:PCMU;PCMA, p:10-220, e:on, s:on, v:{packages}, m:sendrecv\r\n\
             {hook}{ids}"
        );
        read_response(&text)
    }

    fn audit_connection(&self, command: &Command) -> Response {
        match self.connections.get(&command.params.connection().unwrap().to_string()) {
            Some(Connection { call, mode, .. }) => {
                read_response(&format!("200 1 OK\r\nC: {call}\r\nM: {mode}\r\n"))
            }
            None => Response::new(ReturnCode::WRONG_CONNECTION),
        }
    }

    fn create(&mut self, command: &Command) -> Response {
        if self.makes_keys && transmit(command).is_some() {
            return Response::new(ReturnCode::UNKNOWN_OPTION_EXTENSION);
        }
        self.last += 1;
        let wish = command.params.options.as_ref().and_then(|it| it.extension("x-srtp"));
        let own = (wish == Some("on")).then(|| written(&[self.last as u8; 30]));
        let connection = Connection {
            call: command.params.call.unwrap().to_string(),
            endpoint: command.endpoint.local().to_owned(),
            mode: command.params.mode.unwrap().to_string(),
            transmit: transmit(command).or(own),
            ..Connection::default()
        };
        let id = self.last.to_string();
        let body = self.describe(&connection);
        self.connections.insert(id.clone(), connection);
        read_response(&format!("200 1 OK\r\nI: {id}\r\n\r\n{body}"))
    }

    fn modify(&mut self, command: &Command) -> Response {
        let id = command.params.connection().unwrap().to_string();
        let Some(mut connection) = self.connections.get(&id).cloned() else {
            return Response::new(ReturnCode::WRONG_CONNECTION);
        };
        connection.mode = command.params.mode.unwrap().to_string();
        let before = connection.transmit.clone();
        if let Some(body) = &command.body {
            let session = SessionDescription::parse(body.expose()).unwrap();
            let media = session.audio().unwrap();
            connection.peer = session.rtp_address(media);
            connection.receive = media.crypto.first().map(|line| written(line.key.expose()));
            let off = command.params.options.as_ref().and_then(|it| it.extension("x-srtp"));
            if off == Some("off") {
                connection.transmit = None;
            }
            connection.transmit = transmit(command).or(connection.transmit);
            assert_eq!(connection.receive.is_some(), connection.transmit.is_some());
            assert_ne!(connection.receive, connection.transmit.clone().or(Some(String::new())));
        }
        let body = self.describe(&connection);
        let same = before == connection.transmit;
        self.connections.insert(id, connection);
        match same {
            true => Response::new(ReturnCode::OK),
            false => read_response(&format!("200 1 OK\r\n\r\n{body}")),
        }
    }

    fn describe(&self, connection: &Connection) -> String {
        let (profile, crypto) = match connection.transmit.as_ref().filter(|_| self.srtp) {
            Some(key) => {
                let key = self.other_key.as_ref().unwrap_or(key);
                let line = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:{key}\r\n");
                ("RTP/SAVP", line)
            }
            None => ("RTP/AVP", String::new()),
        };
        format!(
            "v=0\r\no=- 1 0 IN IP4 10.0.0.2\r\ns=Cisco SDP 0\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n\
             m=audio 16390 {profile} 0\r\n{crypto}"
        )
    }

    /// The mode of the only connection.
    pub fn mode(&self) -> &str {
        &self.only().mode
    }

    pub fn only(&self) -> &Connection {
        assert_eq!(self.connections.len(), 1, "{:?}", self.connections);
        self.connections.values().next().unwrap()
    }

    /// What the last RQNT for a port has asked for.
    pub fn request(&self, local: &str) -> &Command {
        let asks =
            |command: &&Command| command.verb == Verb::Rqnt && command.endpoint.local() == local;
        self.told.iter().rev().find(asks).expect("it was asked")
    }

    /// The signals that a port was last told to play.
    pub fn signals(&self, local: &str) -> Vec<String> {
        let signals = self.request(local).params.signals.iter().flatten();
        signals.map(ToString::to_string).collect()
    }

    /// The last command of a kind.
    pub fn last_of(&self, verb: Verb) -> &Command {
        self.told.iter().rev().find(|command| command.verb == verb).expect("it was told")
    }

    /// Modes that were ordered, in order.
    pub fn modes(&self) -> Vec<ConnectionMode> {
        self.told.iter().filter_map(|command| command.params.mode).collect()
    }
}

fn transmit(command: &Command) -> Option<String> {
    let value = command.params.options.as_ref()?.extension("x+srtptx")?;
    Some(value.split_once("inline:").unwrap().1.to_owned())
}

fn read_response(text: &str) -> Response {
    match Message::parse(text.as_bytes()).unwrap() {
        Message::Response(_, response) => response,
        Message::Command(..) => panic!("{text}"),
    }
}

/// So that a test can make transaction ids.
pub fn transaction(number: u32) -> TransactionId {
    TransactionId::new(number).unwrap()
}
