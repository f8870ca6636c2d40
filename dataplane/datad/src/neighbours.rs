//! Link-layer addresses of next hops, from the kernel's own tables.
//!
//! The relay's frames bypass the kernel, but routes and neighbours stay the kernel's: we ask it for
//! the route to a peer out of one interface, then for the neighbour that route leads to, have the
//! kernel resolve it when it does not know, and follow its announcements while anybody uses it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteType};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use port::PortId;
use wire::ethernet::MacAddr;

use crate::netlink::Netlink;

/// Resolver of next hops. [`Neighbours::fd`] becomes readable when [`Neighbours::handle_readable`]
/// should be called.
pub struct Neighbours {
    netlink: Netlink,
    /// Interface index of each port; `None` where the kernel keeps the link layer.
    interfaces: Vec<Option<u32>>,
    /// Questions for routes that wait for their answer, by sequence number.
    asked: HashMap<u32, (PortId, IpAddr)>,
    hops: HashMap<Hop, HashSet<(PortId, IpAddr)>>,
    answers: VecDeque<Answer>,
    next_refresh: Instant,
    /// When to ask for all routes again, after one of them has changed.
    routes_again: Option<Instant>,
}

/// What became of the way to an address; `None` when there is none.
pub type Answer = (PortId, IpAddr, Option<MacAddr>);

/// A neighbour on an interface.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Hop {
    interface: u32,
    address: IpAddr,
}

/// Multicast groups of announcements, as bits: neighbours, and routes of both families.
const GROUPS: u32 = 1 << 2 | 1 << 6 | 1 << 10;

/// Routes change in swarms: so long is waited for the rest.
const SWARM: Duration = Duration::from_millis(100);

/// Our packets do not pass the kernel, which would let unused entries age: it is told of their use
/// so often, and verifies them.
const REFRESH: Duration = Duration::from_secs(20);

/// More than this many unanswered questions are not the kernel's way; the oldest meaning is lost,
/// and the engine asks again.
const MAX_ASKED: usize = 4096;

impl Neighbours {
    /// Opens the socket. `interfaces` has the interface index of each port.
    pub fn new(now: Instant, interfaces: Vec<Option<u32>>) -> io::Result<Self> {
        let netlink = Netlink::new(GROUPS)?;
        netlink.set_nonblocking()?;
        Ok(Self {
            netlink,
            interfaces,
            asked: HashMap::new(),
            hops: HashMap::new(),
            answers: VecDeque::new(),
            next_refresh: now + REFRESH,
            routes_again: None,
        })
    }

    /// The descriptor to watch.
    pub fn fd(&self) -> RawFd {
        self.netlink.as_raw_fd()
    }

    /// Asks for the next hop towards `address` out of `port`, and follows it from then on.
    pub fn want(&mut self, port: PortId, address: IpAddr) -> io::Result<()> {
        let Some(interface) = self.interface(port) else { return Ok(()) };
        if self.asked.len() >= MAX_ASKED {
            self.asked.clear();
        }
        let mut route = RouteMessage::default();
        route.header.address_family = family(address);
        route.header.destination_prefix_length = if address.is_ipv4() { 32 } else { 128 };
        route.attributes = vec![
            RouteAttribute::Destination(RouteAddress::from(address)),
            RouteAttribute::Oif(interface),
        ];
        let sequence = self.netlink.send(RouteNetlinkMessage::GetRoute(route), 0)?;
        self.asked.insert(sequence, (port, address));
        Ok(())
    }

    /// Stops following.
    pub fn unwant(&mut self, port: PortId, address: IpAddr) {
        self.hops.retain(|_, users| {
            users.remove(&(port, address));
            !users.is_empty()
        });
    }

    /// Reads all that the kernel has to say.
    pub fn handle_readable(&mut self) -> io::Result<()> {
        loop {
            match self.netlink.receive() {
                Ok(messages) => {
                    for message in messages {
                        self.handle_message(message)?;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // Announcements were lost: ask for everything anew.
                Err(error) if error.raw_os_error() == Some(NO_BUFFER_SPACE) => self.ask_all()?,
                Err(error) => return Err(error),
            }
        }
    }

    /// The next answer.
    pub fn poll_answer(&mut self) -> Option<Answer> {
        self.answers.pop_front()
    }

    /// When [`Neighbours::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Instant {
        self.routes_again.map_or(self.next_refresh, |again| again.min(self.next_refresh))
    }

    /// Tells the kernel which neighbours are in use.
    pub fn handle_timeout(&mut self, now: Instant) -> io::Result<()> {
        if self.routes_again.is_some_and(|again| now >= again) {
            self.routes_again = None;
            let users: HashSet<_> = self.hops.values().flatten().copied().collect();
            for (port, address) in users {
                self.want(port, address)?;
            }
        }
        if now >= self.next_refresh {
            self.next_refresh = now + REFRESH;
            self.ask_all()?;
        }
        Ok(())
    }

    fn ask_all(&mut self) -> io::Result<()> {
        for hop in self.hops.keys().copied().collect::<Vec<_>>() {
            self.ask_neighbour(hop)?;
        }
        Ok(())
    }

    /// Asks what the kernel knows, and has it find out or verify.
    fn ask_neighbour(&mut self, hop: Hop) -> io::Result<()> {
        let mut neighbour = NeighbourMessage::default();
        neighbour.header.family = family(hop.address);
        neighbour.header.ifindex = hop.interface;
        neighbour.attributes = vec![NeighbourAttribute::Destination(hop.address.into())];
        self.netlink.send(RouteNetlinkMessage::GetNeighbour(neighbour.clone()), 0)?;
        neighbour.header.flags = NeighbourFlags::Use;
        self.netlink
            .send(RouteNetlinkMessage::NewNeighbour(neighbour), NLM_F_CREATE | NLM_F_REPLACE)?;
        Ok(())
    }

    fn handle_message(&mut self, message: NetlinkMessage<RouteNetlinkMessage>) -> io::Result<()> {
        let sequence = message.header.sequence_number;
        let is_answer = self.netlink.is_answer(&message.header);
        match message.payload {
            NetlinkPayload::InnerMessage(
                RouteNetlinkMessage::NewRoute(_) | RouteNetlinkMessage::DelRoute(_),
            ) if !is_answer => {
                self.routes_again.get_or_insert_with(|| Instant::now() + SWARM);
            }
            NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewRoute(route)) => {
                if let Some((port, address)) = self.asked.remove(&sequence) {
                    self.handle_route(port, address, &route)?;
                }
            }
            NetlinkPayload::Error(_) => {
                if let Some((port, address)) = self.asked.remove(&sequence) {
                    self.answers.push_back((port, address, None));
                }
            }
            NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewNeighbour(neighbour)) => {
                self.handle_neighbour(&neighbour, false);
            }
            NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelNeighbour(neighbour)) => {
                self.handle_neighbour(&neighbour, true);
            }
            _ => {}
        }
        Ok(())
    }

    fn handle_route(
        &mut self,
        port: PortId,
        address: IpAddr,
        route: &RouteMessage,
    ) -> io::Result<()> {
        let gateway = route.attributes.iter().find_map(|attribute| match attribute {
            RouteAttribute::Gateway(RouteAddress::Inet(gateway)) => Some(IpAddr::V4(*gateway)),
            RouteAttribute::Gateway(RouteAddress::Inet6(gateway)) => Some(IpAddr::V6(*gateway)),
            _ => None,
        });
        let (RouteType::Unicast, Some(interface)) = (route.header.kind, self.interface(port))
        else {
            self.answers.push_back((port, address, None));
            return Ok(());
        };
        let hop = Hop { interface, address: gateway.unwrap_or(address) };
        self.move_to(hop, port, address);
        self.ask_neighbour(hop)
    }

    /// The way to an address leads over this hop, and no other.
    fn move_to(&mut self, hop: Hop, port: PortId, address: IpAddr) {
        self.hops.retain(|&other, users| {
            other == hop || !(users.remove(&(port, address)) && users.is_empty())
        });
        self.hops.entry(hop).or_default().insert((port, address));
    }

    fn handle_neighbour(&mut self, neighbour: &NeighbourMessage, deleted: bool) {
        let (mut address, mut mac) = (None, None);
        for attribute in &neighbour.attributes {
            match attribute {
                NeighbourAttribute::Destination(NeighbourAddress::Inet(v4)) => {
                    address = Some(IpAddr::V4(*v4));
                }
                NeighbourAttribute::Destination(NeighbourAddress::Inet6(v6)) => {
                    address = Some(IpAddr::V6(*v6));
                }
                NeighbourAttribute::LinkLayerAddress(bytes) => {
                    mac = <[u8; 6]>::try_from(bytes.as_slice()).ok().map(MacAddr);
                }
                _ => {}
            }
        }
        let hop = Hop {
            interface: neighbour.header.ifindex,
            address: address.unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
        };
        let Some(users) = self.hops.get(&hop) else { return };
        let known = match neighbour.header.state {
            NeighbourState::Reachable
            | NeighbourState::Stale
            | NeighbourState::Delay
            | NeighbourState::Probe
            | NeighbourState::Noarp
            | NeighbourState::Permanent => mac.filter(|_| !deleted),
            _ => None,
        };
        self.answers.extend(users.iter().map(|&(port, address)| (port, address, known)));
    }

    fn interface(&self, port: PortId) -> Option<u32> {
        self.interfaces.get(usize::from(port.0)).copied().flatten()
    }
}

/// `ENOBUFS`: the socket's receive buffer overflowed.
const NO_BUFFER_SPACE: i32 = 105;

fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}
