//! Endpoints and their connections.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use engine::command::{LegId, RelayId};
use mgcp::name::NotifiedEntity;
use mgcp::{CallId, ConnectionId};

use crate::job::Listener;
use crate::media::Media;
use crate::notify::Requests;
use crate::pools::Rotation;

/// Connections of a packet relay.
pub(crate) const CONNECTIONS: usize = 2;

/// One `pr/<n>` that is more than a name: it has connections, or somebody asked to be notified.
#[derive(Default)]
pub(crate) struct Endpoint {
    /// Made by `$`: it ends with its last connection.
    pub(crate) transient: bool,
    pub(crate) relay: Option<RelayId>,
    pub(crate) connections: ArrayVec<Connection, CONNECTIONS>,
    pub(crate) requests: Requests,
    /// `N:`, with the addresses it stands for.
    pub(crate) notified: Option<Notified>,
    /// Where the last command that was no audit came from.
    pub(crate) commander: Option<SocketAddr>,
}

/// Who is notified.
#[derive(Clone, Debug)]
pub(crate) struct Notified {
    pub(crate) entity: NotifiedEntity,
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Endpoint {
    fn is_idle(&self) -> bool {
        self.connections.is_empty() && self.requests.is_empty() && self.notified.is_none()
    }

    pub(crate) fn connection(&self, id: ConnectionId) -> Option<&Connection> {
        self.connections.iter().find(|connection| connection.id == id)
    }

    pub(crate) fn connection_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.connections.iter_mut().find(|connection| connection.id == id)
    }
}

/// One side of a call.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) id: ConnectionId,
    pub(crate) call: CallId,
    pub(crate) leg: LegId,
    /// Index of its media network.
    pub(crate) network: usize,
    pub(crate) local: SocketAddr,
    pub(crate) media: Media,
    /// Session id and version of our description.
    pub(crate) session: u64,
    pub(crate) version: u64,
}

impl Connection {
    pub(crate) fn description(&self) -> mgcp::sdp::SessionDescription {
        self.media.describe(self.local, self.session, self.version)
    }
}

/// All endpoints. Idle ones cost one bit.
pub(crate) struct Endpoints {
    size: u32,
    names: Rotation,
    /// Boxed, for a table has free places too.
    active: HashMap<u32, Box<Endpoint>>,
    legs: HashMap<LegId, u32>,
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
            legs: HashMap::new(),
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
        let endpoint = self.activate(number);
        endpoint.commander = Some(listener.commander);
        if let Some(notified) = &listener.notified {
            endpoint.notified.clone_from(notified);
        }
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
        self.legs.insert(connection.leg, number);
        self.activate(number).connections.push(connection);
    }

    /// The endpoint and connection of a leg.
    pub(crate) fn of_leg(&self, leg: LegId) -> Option<(u32, &Connection)> {
        let number = *self.legs.get(&leg)?;
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
        self.legs.remove(&leg);
        let endpoint = self.active.get_mut(&number)?;
        let index = endpoint.connections.iter().position(|c| c.leg == leg)?;
        let connection = endpoint.connections.remove(index);
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
        self.legs.len()
    }
}
