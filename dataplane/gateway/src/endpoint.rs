//! Endpoints and their connections.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use engine::command::{LegId, RelayId};
use mgcp::name::NotifiedEntity;
use mgcp::{CallId, ConnectionId};

use crate::job::Listener;
use crate::kept::Kept;
use crate::notify::{Request, Requests};
use crate::pools::Rotation;
use crate::shelf::Shelf;

/// Connections of a packet relay.
pub(crate) const CONNECTIONS: usize = 2;

/// One `pr/<n>` that is more than a name: it has connections, or somebody asked to be notified.
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

    pub(crate) fn requests_mut(&mut self) -> &mut Requests {
        self.requests.get_or_insert_default()
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
    pub(crate) leg: LegId,
    /// Index of its media network.
    pub(crate) network: usize,
    pub(crate) local: SocketAddr,
    pub(crate) media: Kept,
    /// Session id and version of our description.
    pub(crate) session: u64,
    pub(crate) version: u64,
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
    size: u32,
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
    pub(crate) fn new(size: u32) -> Self {
        Self {
            size,
            names: Rotation::new(size as usize, 0),
            active: HashMap::new(),
            connections: 0,
            listenings: Shelf::default(),
            resting: HashSet::new(),
            rested: VecDeque::new(),
        }
    }

    pub(crate) fn size(&self) -> u32 {
        self.size
    }

    /// Whether a command for `pr/<number>` finds an endpoint.
    pub(crate) fn exists(&self, number: u32) -> bool {
        (1..=self.size).contains(&number) && !self.resting.contains(&number)
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

    /// Reserves any endpoint without connections.
    pub(crate) fn reserve_any(&mut self) -> Option<u32> {
        Some(self.names.take_next()? as u32 + 1)
    }

    /// Reserves this one, if it has no connections; else it is reserved already.
    pub(crate) fn reserve(&mut self, number: u32) -> bool {
        self.names.take(number as usize - 1)
    }

    /// Takes a reservation back that came to nothing.
    pub(crate) fn unreserve(&mut self, number: u32) {
        self.names.give_back(number as usize - 1);
    }

    pub(crate) fn add(&mut self, number: u32, connection: Connection) {
        self.connections += 1;
        self.activate(number).connections.push(connection);
    }

    /// The number of a leg, from one that was not used before.
    pub(crate) fn leg(&self, serial: u64, number: u32) -> LegId {
        LegId(serial * u64::from(self.size) + u64::from(number - 1))
    }

    /// The endpoint and connection of a leg.
    pub(crate) fn of_leg(&self, leg: LegId) -> Option<(u32, &Connection)> {
        let number = (leg.0 % u64::from(self.size)) as u32 + 1;
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
