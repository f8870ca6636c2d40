//! Endpoints and their connections.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use engine::command::{LegId, RelayId};
use line::command::{LineId, Slot};
use media::Rotation;
use mgcp::name::{NotifiedEntity, Wildcard};
use mgcp::{CallId, ConnectionId, EndpointName};

use crate::config::VoiceEndpoint;
use crate::job::Listener;
use crate::kept::Kept;
use crate::notify::{Request, Requests};
use crate::packages::Kind;
use crate::shelf::Shelf;

/// Connections of an endpoint.
pub(crate) const CONNECTIONS: usize = line::command::SLOTS;

/// An endpoint that is more than a name: it has connections, or somebody asked to be notified.
#[derive(Default)]
pub(crate) struct Endpoint {
    /// Made by `$`: it ends with its last connection.
    pub(crate) transient: bool,
    pub(crate) relay: Option<RelayId>,
    pub(crate) connections: ArrayVec<Connection, CONNECTIONS>,
    /// Since there were any.
    pub(crate) requests: Option<Box<Requests>>,
    /// Since there was a command that was no audit.
    listening: Option<Arc<Listening>>,
}

/// Who listens to an endpoint.
#[derive(Debug, PartialEq)]
struct Listening {
    /// Where the last command that was no audit came from.
    commander: SocketAddr,
    /// `N:`, with the addresses it stands for.
    notified: Option<Notified>,
}

/// Who is notified.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notified {
    pub(crate) entity: NotifiedEntity,
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Endpoint {
    fn is_idle(&self) -> bool {
        let requests = self.requests.as_ref().is_some_and(|requests| !requests.is_empty());
        self.connections.is_empty() && !requests && self.notified().is_none()
    }

    pub(crate) fn notified(&self) -> Option<&Notified> {
        self.listening.as_ref()?.notified.as_ref()
    }

    pub(crate) fn commander(&self) -> Option<SocketAddr> {
        self.listening.as_ref().map(|listening| listening.commander)
    }

    /// The notification request in force.
    pub(crate) fn request(&self) -> Option<&Request> {
        self.requests.as_ref()?.current()
    }

    pub(crate) fn requests_mut(&mut self, kind: Kind) -> &mut Requests {
        self.requests.get_or_insert_with(|| Box::new(Requests::new(kind)))
    }

    pub(crate) fn connection(&self, id: ConnectionId) -> Option<&Connection> {
        self.connections.iter().find(|connection| connection.id() == id)
    }

    pub(crate) fn connection_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.connections.iter_mut().find(|connection| connection.id() == id)
    }
}

/// One side of a call.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) call: CallId,
    /// Who has commanded it last.
    pub(crate) agent: IpAddr,
    pub(crate) leg: LegId,
    /// Index of its media network.
    pub(crate) network: usize,
    pub(crate) local: SocketAddr,
    pub(crate) media: Kept,
    /// Session id and version of our description.
    pub(crate) session: u64,
    pub(crate) version: u64,
    /// The leg to the telephone side, where there is one.
    pub(crate) inner: Option<Inner>,
}

/// What joins a connection to the telephone side of its endpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inner {
    pub(crate) leg: LegId,
    pub(crate) slot: Slot,
}

impl Connection {
    pub(crate) fn id(&self) -> ConnectionId {
        connection_id(self.leg)
    }

    pub(crate) fn description(&self) -> mgcp::sdp::SessionDescription {
        self.media.media().describe(self.local, self.session, self.version)
    }
}

/// The id of the connection that has this leg.
pub(crate) fn connection_id(leg: LegId) -> ConnectionId {
    format!("{:X}", leg.0).parse().expect("1 to 16 hexadecimal digits")
}

/// All endpoints. Idle ones cost one bit.
pub(crate) struct Endpoints {
    /// `pr/1` to `pr/<relays>`; voice endpoints have the numbers behind.
    relays: u32,
    voice: Vec<(Box<str>, Kind)>,
    /// Of voice endpoints, by their names in lower case.
    by_name: HashMap<Box<str>, u32>,
    /// Of relays.
    names: Rotation,
    /// Boxed, for a table has free places too.
    active: HashMap<u32, Box<Endpoint>>,
    connections: usize,
    listenings: Shelf<Listening>,
    /// Names made by `$` and given back, until they may be used again.
    resting: HashSet<u32>,
    /// The same, in order of time.
    rested: VecDeque<(Instant, u32)>,
}

impl Endpoints {
    pub(crate) fn new(relays: u32, voice: &[VoiceEndpoint]) -> Self {
        let numbered = (relays + 1..).zip(voice);
        Self {
            relays,
            by_name: numbered.map(|(n, v)| (v.name.to_ascii_lowercase().into(), n)).collect(),
            voice: voice.iter().map(|v| (v.name.as_str().into(), v.kind.into())).collect(),
            names: Rotation::new(relays as usize, 0),
            active: HashMap::new(),
            connections: 0,
            listenings: Shelf::default(),
            resting: HashSet::new(),
            rested: VecDeque::new(),
        }
    }

    /// How many there are; they have the numbers from 1.
    pub(crate) fn size(&self) -> u32 {
        self.relays + self.voice.len() as u32
    }

    /// How many of them are packet relays.
    pub(crate) fn relays(&self) -> u32 {
        self.relays
    }

    /// Numbers of voice endpoints.
    pub(crate) fn voice_numbers(&self) -> std::ops::RangeInclusive<u32> {
        self.relays + 1..=self.size()
    }

    /// The line behind an endpoint.
    pub(crate) fn line(&self, number: u32) -> Option<LineId> {
        number.checked_sub(self.relays + 1).map(LineId)
    }

    /// The endpoint of a line.
    pub(crate) fn of_line(&self, line: LineId) -> Option<u32> {
        let known = (line.0 as usize) < self.voice.len();
        known.then(|| self.relays + 1 + line.0)
    }

    pub(crate) fn kind(&self, number: u32) -> Kind {
        let voice = self.line(number).and_then(|line| self.voice.get(line.0 as usize));
        voice.map_or(Kind::Relay, |(_, kind)| *kind)
    }

    /// What stands before the `@`.
    pub(crate) fn local_name(&self, number: u32) -> Cow<'_, str> {
        match self.line(number).and_then(|line| self.voice.get(line.0 as usize)) {
            Some((name, _)) => Cow::Borrowed(name),
            None => Cow::Owned(format!("pr/{number}")),
        }
    }

    /// The number of the endpoint that has this name, if it may be one of ours.
    pub(crate) fn number_of(&self, name: &EndpointName) -> Option<u32> {
        relay_number(name.local())
            .filter(|number| *number <= self.relays)
            .or_else(|| self.by_name.get(&*name.local().to_ascii_lowercase()).copied())
    }

    /// Whether `name` means the endpoint of this number.
    pub(crate) fn covers(&self, name: &EndpointName, number: u32) -> bool {
        match name.wildcard() {
            Wildcard::None => self.number_of(name) == Some(number),
            _ => name.covers(&self.local_name(number)),
        }
    }

    /// Whether a command for this number finds an endpoint.
    pub(crate) fn exists(&self, number: u32) -> bool {
        (1..=self.size()).contains(&number) && !self.resting.contains(&number)
    }

    /// Those with connections, in no order.
    pub(crate) fn in_use(&self) -> impl Iterator<Item = u32> {
        let in_use = self.active.iter().filter(|(_, endpoint)| !endpoint.connections.is_empty());
        in_use.map(|(number, _)| *number)
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Endpoint> {
        self.active.get(&number).map(Box::as_ref)
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Endpoint> {
        self.active.get_mut(&number).map(Box::as_mut)
    }

    /// The endpoint, made active if it is not.
    pub(crate) fn activate(&mut self, number: u32) -> &mut Endpoint {
        self.active.entry(number).or_default()
    }

    /// Notes whom the endpoint notifies from now on.
    pub(crate) fn set_listener(&mut self, number: u32, listener: &Listener) {
        if listener.notified.is_none() && !self.active.contains_key(&number) {
            return;
        }
        let before = || self.get(number).and_then(Endpoint::notified);
        let notified = listener.notified.clone().unwrap_or_else(|| before().cloned());
        let listening = Listening { commander: listener.commander, notified };
        let listening = self.listenings.share(listening);
        self.activate(number).listening = Some(listening);
    }

    pub(crate) fn active(&self) -> impl Iterator<Item = (u32, &Endpoint)> {
        self.active.iter().map(|(number, endpoint)| (*number, &**endpoint))
    }

    /// Reserves any relay without connections.
    pub(crate) fn reserve_any(&mut self) -> Option<u32> {
        Some(self.names.take_next()? as u32 + 1)
    }

    /// Reserves this one, if it has no connections; else it is reserved already.
    pub(crate) fn reserve(&mut self, number: u32) -> bool {
        // Voice endpoints are never chosen among many without a look at them.
        number > self.relays || self.names.take(number as usize - 1)
    }

    /// Takes a reservation back that came to nothing.
    pub(crate) fn unreserve(&mut self, number: u32) {
        if number <= self.relays {
            self.names.give_back(number as usize - 1);
        }
    }

    pub(crate) fn add(&mut self, number: u32, connection: Connection) {
        self.connections += 1;
        self.activate(number).connections.push(connection);
    }

    /// The number of a leg, from one that was not used before.
    pub(crate) fn leg(&self, serial: u64, number: u32) -> LegId {
        LegId(serial * u64::from(self.size()) + u64::from(number - 1))
    }

    /// The endpoint and connection of a leg.
    pub(crate) fn of_leg(&self, leg: LegId) -> Option<(u32, &Connection)> {
        let number = (leg.0 % u64::from(self.size())) as u32 + 1;
        let endpoint = self.active.get(&number)?;
        Some((number, endpoint.connections.iter().find(|c| c.leg == leg)?))
    }

    /// Removes a connection; a transient endpoint goes with its last one.
    pub(crate) fn remove(
        &mut self,
        now: Instant,
        rest: Duration,
        number: u32,
        leg: LegId,
    ) -> Option<Connection> {
        let endpoint = self.active.get_mut(&number)?;
        let index = endpoint.connections.iter().position(|c| c.leg == leg)?;
        let connection = endpoint.connections.remove(index);
        self.connections -= 1;
        if endpoint.connections.is_empty() {
            endpoint.relay = None;
            if endpoint.transient {
                self.active.remove(&number);
                self.resting.insert(number);
                self.rested.push_back((now + rest, number));
            } else {
                self.unreserve(number);
                self.settle(number);
            }
        }
        Some(connection)
    }

    /// Forgets an endpoint that is only a name again.
    pub(crate) fn settle(&mut self, number: u32) {
        if self.get(number).is_some_and(Endpoint::is_idle) {
            self.active.remove(&number);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.rested.front().map(|(until, _)| *until)
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while let Some((until, number)) = self.rested.front().copied()
            && until <= now
        {
            self.rested.pop_front();
            self.resting.remove(&number);
            self.unreserve(number);
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections
    }
}

/// The number of `pr/<n>`.
fn relay_number(local: &str) -> Option<u32> {
    let (kind, digits) = local.split_once('/')?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    let number = if plain { digits.parse().ok() } else { None };
    number.filter(|_| kind.eq_ignore_ascii_case("pr"))
}
