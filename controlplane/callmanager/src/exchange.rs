//! All telephones' connections around one switchboard: what a server runs, without its sockets.
//!
//! The server tells an [`Exchange`] what comes in on which connection and carries out the
//! [`Effect`]s. Within, what stations conclude goes to the switchboard, and what the switchboard
//! orders goes to the stations, until nothing is left to say.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use sccp::Pdu;
use sccp::codes::ResetKind;
use sccp::phone::ConnectionStatisticsRes;

use crate::station::{Application, Close, Equipment, Now, Output, Station};
use crate::switchboard::{
    Action, CallAlarm, CallRecord, DeviceName, Event, LinkId, MediaOrder, MediaPort, MediaRefused,
    Order, Owner, RelayOrder, RelayRefused, RelayedBy, StreamId, Switchboard,
};

/// A connection, by a number that the server gives it and never gives again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What the server is to do.
#[derive(Debug)]
pub enum Effect {
    /// Send these bytes with one call.
    Send {
        /// On which connection.
        connection: ConnectionId,
        /// A whole message.
        pdu: Pdu,
    },
    /// Close a connection once everything was sent. Nothing more is said of it.
    Close {
        /// Which.
        connection: ConnectionId,
        /// The device on it, if it had registered.
        device: Option<DeviceName>,
        /// Why.
        reason: Close,
    },
    /// Decide whether a device may register; answer by [`Exchange::admit`] or
    /// [`Exchange::refuse`].
    Register {
        /// On which connection.
        connection: ConnectionId,
        /// Who.
        application: Application,
    },
    /// An order for music on hold or a conference bridge; ports that it opens are told by
    /// [`Exchange::resource_opened`].
    Resource(MediaOrder),
    /// An order for a port of a gateway; what comes of it is told by [`Exchange::port_says`].
    Port(PortOrder),
    /// An order for a relay; where it receives is told by [`Exchange::relay_answered`].
    Relay(RelayOrder),
    /// A user has changed where calls to a number go: to be kept.
    Forwarded {
        /// Whose calls.
        number: String,
        /// Where all of them go.
        all: Option<String>,
    },
    /// Messages wait for a number, or no longer: to be kept.
    MessageWaiting {
        /// For which.
        number: String,
        /// Whether they do.
        waits: bool,
    },
    /// A call has ended.
    Record(CallRecord),
    /// An administrator should know.
    Alarm(CallAlarm),
    /// A telephone has something to tell its administrator.
    PhoneAlarm {
        /// On which connection.
        connection: ConnectionId,
        /// Which, if it has registered.
        device: Option<DeviceName>,
        /// What, without control characters.
        text: String,
    },
    /// How well a stream was heard.
    Statistics {
        /// By whom.
        device: Option<DeviceName>,
        /// How well.
        statistics: Box<ConnectionStatisticsRes>,
    },
}

/// An order for a port of a gateway.
#[derive(Debug)]
pub enum PortOrder {
    /// What a telephone on it would show, ring or sound.
    Telephone {
        /// Which port.
        port: DeviceName,
        /// What.
        order: Order,
    },
    /// An end of a stream is opened or closed.
    Media(MediaOrder),
}

/// Connections around a switchboard.
#[derive(Debug)]
pub struct Exchange {
    switchboard: Switchboard,
    seats: BTreeMap<ConnectionId, Seat>,
    /// The connection of each device that was admitted.
    devices: BTreeMap<DeviceName, ConnectionId>,
    /// The ports of gateways that are there.
    ports: BTreeSet<DeviceName>,
    /// When stations want to be called.
    due: BTreeSet<(Instant, ConnectionId)>,
    /// What the switchboard wants and was not yet carried out. What follows from it comes behind.
    actions: VecDeque<Action>,
}

#[derive(Debug)]
struct Seat {
    station: Station,
    /// Who was admitted.
    device: Option<DeviceName>,
    /// As in `due`.
    deadline: Option<Instant>,
}

impl Exchange {
    /// Around a switchboard, without connections.
    pub fn new(switchboard: Switchboard) -> Self {
        Self {
            switchboard,
            seats: BTreeMap::new(),
            devices: BTreeMap::new(),
            ports: BTreeSet::new(),
            due: BTreeSet::new(),
            actions: VecDeque::new(),
        }
    }

    /// The switchboard, to look at.
    pub fn switchboard(&self) -> &Switchboard {
        &self.switchboard
    }

    /// The switchboard, to set where numbers lead.
    pub fn switchboard_mut(&mut self) -> &mut Switchboard {
        &mut self.switchboard
    }

    /// A connection, to look at.
    pub fn station(&self, connection: ConnectionId) -> Option<&Station> {
        self.seats.get(&connection).map(|seat| &seat.station)
    }

    /// The connection of a device that was admitted.
    pub fn connection(&self, device: &str) -> Option<ConnectionId> {
        self.devices.get(device).copied()
    }

    /// Somebody has connected.
    pub fn connected(&mut self, now: Now, connection: ConnectionId, peer: IpAddr) {
        let station = Station::new(now, peer);
        self.seats.insert(connection, Seat { station, device: None, deadline: None });
        self.reschedule(connection);
    }

    /// Bytes have come.
    pub fn received(
        &mut self,
        now: Now,
        connection: ConnectionId,
        bytes: &[u8],
        effects: &mut Vec<Effect>,
    ) {
        self.with(now, connection, effects, |station, out| station.handle_bytes(now, bytes, out));
    }

    /// A connection is lost.
    pub fn lost(&mut self, now: Now, connection: ConnectionId, effects: &mut Vec<Effect>) {
        self.with(now, connection, effects, |station, out| station.lost(out));
        self.remove(connection);
    }

    /// A device may register. If it has another connection, that one is closed.
    pub fn admit(
        &mut self,
        now: Now,
        connection: ConnectionId,
        equipment: Equipment,
        effects: &mut Vec<Effect>,
    ) {
        let Some(seat) = self.seats.get_mut(&connection) else { return };
        let Some(device) = seat.station.applicant() else { return };
        seat.device = Some(device.clone());
        let old = self.devices.insert(device, connection).filter(|old| *old != connection);
        if let Some(old) = old {
            self.with(now, old, effects, |station, out| station.superseded(out));
        }
        self.with(now, connection, effects, |station, out| station.admit(now, equipment, out));
    }

    /// A device may not register. Its telephone shows the text.
    pub fn refuse(
        &mut self,
        now: Now,
        connection: ConnectionId,
        text: &str,
        effects: &mut Vec<Effect>,
    ) {
        self.with(now, connection, effects, |station, out| station.refuse(text, out));
    }

    /// Tells a device to start anew when its call has ended.
    pub fn reset(
        &mut self,
        now: Now,
        connection: ConnectionId,
        kind: ResetKind,
        effects: &mut Vec<Effect>,
    ) {
        self.with(now, connection, effects, |station, out| station.reset(now, kind, out));
    }

    /// Whoever commands gateways says what happened at one of their ports. Of names that belong to
    /// telephones it says nothing.
    pub fn port_says(&mut self, now: Now, event: Event, effects: &mut Vec<Effect>) {
        match &event {
            Event::DeviceArrived { device, .. } => {
                if self.devices.contains_key(device) {
                    return;
                }
                self.ports.insert(device.clone());
            }
            Event::DeviceGone { device } => drop(self.ports.remove(device)),
            _ => {}
        }
        self.tell_switchboard(now, event);
        self.carry_out(now, effects);
    }

    /// Music on hold or a conference bridge has opened a port, or cannot.
    pub fn resource_opened(
        &mut self,
        now: Now,
        stream: StreamId,
        result: Result<SocketAddr, MediaRefused>,
        effects: &mut Vec<Effect>,
    ) {
        self.tell_switchboard(now, Event::MediaOpened { by: Owner::Resource, stream, result });
        self.carry_out(now, effects);
    }

    /// Messages wait for a number, or no longer.
    pub fn message_waiting(
        &mut self,
        now: Now,
        number: String,
        waits: bool,
        effects: &mut Vec<Effect>,
    ) {
        self.tell_switchboard(now, Event::MessageWaiting { number, waits });
        self.carry_out(now, effects);
    }

    /// A relay lets a stream pass, or none can be had.
    pub fn relay_answered(
        &mut self,
        now: Now,
        link: LinkId,
        result: Result<RelayedBy, RelayRefused>,
        effects: &mut Vec<Effect>,
    ) {
        self.tell_switchboard(now, Event::RelayOpened { link, result });
        self.carry_out(now, effects);
    }

    /// A relay has lost a stream: it will be opened anew.
    pub fn relay_lost(&mut self, now: Now, link: LinkId, effects: &mut Vec<Effect>) {
        self.tell_switchboard(now, Event::RelayLost { link });
        self.carry_out(now, effects);
    }

    /// Lets what was to happen by now happen.
    pub fn tick(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let mut actions = Vec::new();
        self.switchboard.tick(now.instant, &mut actions);
        self.actions.extend(actions);
        self.carry_out(now, effects);
        while let Some((_, connection)) =
            self.due.first().copied().filter(|(due, _)| *due <= now.instant)
        {
            self.with(now, connection, effects, |station, out| station.handle_timeout(now, out));
        }
    }

    /// When [`Exchange::tick`] is to be called next.
    pub fn next_timeout(&self) -> Option<Instant> {
        let station = self.due.first().map(|(due, _)| *due);
        station.into_iter().chain(self.switchboard.next_timeout()).min()
    }

    /// Lets a station act, and sees to what follows.
    fn with(
        &mut self,
        now: Now,
        connection: ConnectionId,
        effects: &mut Vec<Effect>,
        act: impl FnOnce(&mut Station, &mut Vec<Output>),
    ) {
        self.let_act(now, connection, effects, act);
        self.carry_out(now, effects);
    }

    fn let_act(
        &mut self,
        now: Now,
        connection: ConnectionId,
        effects: &mut Vec<Effect>,
        act: impl FnOnce(&mut Station, &mut Vec<Output>),
    ) {
        let Some(seat) = self.seats.get_mut(&connection) else { return };
        let mut outputs = Vec::new();
        act(&mut seat.station, &mut outputs);
        let device = seat.device.clone();
        self.reschedule(connection);
        for output in outputs {
            let device = device.clone();
            match output {
                Output::Send(pdu) => effects.push(Effect::Send { connection, pdu }),
                Output::Register(application) => {
                    effects.push(Effect::Register { connection, application });
                }
                Output::Event(event) => self.tell_switchboard(now, event),
                Output::PhoneAlarm(text) => {
                    effects.push(Effect::PhoneAlarm { connection, device, text });
                }
                Output::Statistics(statistics) => {
                    effects.push(Effect::Statistics { device, statistics });
                }
                Output::Close(reason) => {
                    effects.push(Effect::Close { connection, device, reason });
                    self.remove(connection);
                }
            }
        }
    }

    fn tell_switchboard(&mut self, now: Now, event: Event) {
        let mut actions = Vec::new();
        self.switchboard.handle(now.instant, event, &mut actions);
        self.actions.extend(actions);
    }

    fn carry_out(&mut self, now: Now, effects: &mut Vec<Effect>) {
        while let Some(action) = self.actions.pop_front() {
            match action {
                Action::Telephone { device, order } => {
                    if let Some(connection) = self.devices.get(&device).copied() {
                        self.let_act(now, connection, effects, |station, out| {
                            station.handle_order(now, order, out);
                        });
                    } else if self.ports.contains(&device) {
                        effects.push(Effect::Port(PortOrder::Telephone { port: device, order }));
                    }
                }
                Action::Media(order) => match &order.port {
                    MediaPort::Device { device, .. } => {
                        if let Some(connection) = self.devices.get(device).copied() {
                            self.let_act(now, connection, effects, |station, out| {
                                station.handle_media(&order, out);
                            });
                        } else if self.ports.contains(device) {
                            effects.push(Effect::Port(PortOrder::Media(order)));
                        }
                    }
                    MediaPort::Music | MediaPort::Bridge => effects.push(Effect::Resource(order)),
                },
                Action::Relay(order) => effects.push(Effect::Relay(order)),
                Action::Forwarded { number, all } => {
                    effects.push(Effect::Forwarded { number, all });
                }
                Action::MessageWaiting { number, waits } => {
                    effects.push(Effect::MessageWaiting { number, waits });
                }
                Action::Record(record) => effects.push(Effect::Record(record)),
                Action::Alarm(alarm) => effects.push(Effect::Alarm(alarm)),
            }
        }
    }

    fn remove(&mut self, connection: ConnectionId) {
        let Some(seat) = self.seats.remove(&connection) else { return };
        if let Some(deadline) = seat.deadline {
            self.due.remove(&(deadline, connection));
        }
        // The device may be on another connection by now.
        if let Some(device) = seat.device
            && self.devices.get(&device) == Some(&connection)
        {
            self.devices.remove(&device);
        }
    }

    fn reschedule(&mut self, connection: ConnectionId) {
        let Some(seat) = self.seats.get_mut(&connection) else { return };
        let next = seat.station.next_timeout();
        if seat.deadline != next {
            if let Some(old) = std::mem::replace(&mut seat.deadline, next) {
                self.due.remove(&(old, connection));
            }
            self.due.extend(next.map(|next| (next, connection)));
        }
    }
}
