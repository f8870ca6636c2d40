//! Questions to the kernel over a route netlink socket.

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use netlink_packet_core::{NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use wire::ethernet::MacAddr;

/// A route netlink socket.
pub struct Netlink {
    socket: Socket,
    /// Our own address, which is in every answer to a question of ours.
    port: u32,
    sequence: u32,
}

impl Netlink {
    /// Opens a socket that hears the announcements of `groups` (a bit for each group).
    pub fn new(groups: u32) -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind(&SocketAddr::new(0, groups))?;
        let mut own = SocketAddr::new(0, 0);
        socket.get_address(&mut own)?;
        Ok(Self { socket, port: own.port_number(), sequence: 0 })
    }

    /// Makes [`Netlink::receive`] return at once.
    pub fn set_nonblocking(&self) -> io::Result<()> {
        self.socket.set_non_blocking(true)
    }

    /// Sends a request and returns the sequence number that its answer will have.
    pub fn send(&mut self, message: RouteNetlinkMessage, flags: u16) -> io::Result<u32> {
        self.sequence = self.sequence.wrapping_add(1).max(1);
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut request = NetlinkMessage::new(header, NetlinkPayload::from(message));
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        self.socket.send_to(&bytes, &SocketAddr::new(0, 0), 0)?;
        Ok(self.sequence)
    }

    /// Whether a message answers a question of ours, and announces nothing.
    pub fn is_answer(&self, header: &NetlinkHeader) -> bool {
        header.port_number == self.port
    }

    /// Reads the messages of one datagram.
    pub fn receive(&self) -> io::Result<Vec<NetlinkMessage<RouteNetlinkMessage>>> {
        let mut buffer = Vec::with_capacity(1 << 16);
        self.socket.recv(&mut buffer, 0)?;
        let mut messages = Vec::new();
        let mut rest = buffer.as_slice();
        while let Ok(message) = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest) {
            let aligned = (message.header.length as usize).next_multiple_of(4);
            messages.push(message);
            rest = rest.get(aligned..).unwrap_or_default();
        }
        Ok(messages)
    }
}

impl AsRawFd for Netlink {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// An interface as the kernel describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its number.
    pub index: u32,
    /// Its link-layer address.
    pub mac: MacAddr,
    /// Largest IP packet in octets.
    pub mtu: usize,
    /// Receive queues.
    pub queues: u32,
}

impl Link {
    /// Asks for an interface by name.
    pub fn by_name(name: &str) -> io::Result<Self> {
        let mut netlink = Netlink::new(0)?;
        let mut question = LinkMessage::default();
        question.attributes.push(LinkAttribute::IfName(name.to_owned()));
        netlink.send(RouteNetlinkMessage::GetLink(question), 0)?;
        for message in netlink.receive()? {
            match message.payload {
                NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) => {
                    return Ok(Self::read(&link));
                }
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                _ => {}
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    fn read(message: &LinkMessage) -> Self {
        let index = message.header.index;
        let mut link = Self { index, mac: MacAddr([0; 6]), mtu: 1500, queues: 1 };
        for attribute in &message.attributes {
            match attribute {
                LinkAttribute::Address(bytes) => {
                    if let Ok(mac) = bytes.as_slice().try_into() {
                        link.mac = MacAddr(mac);
                    }
                }
                LinkAttribute::Mtu(mtu) => link.mtu = *mtu as usize,
                LinkAttribute::NumRxQueues(queues) => link.queues = *queues,
                _ => {}
            }
        }
        link
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_is_there() {
        let link = Link::by_name("lo").unwrap();
        assert_eq!(link.mac, MacAddr([0; 6]));
        assert!(link.mtu >= 1500);
    }

    #[test]
    fn an_interface_that_does_not_exist_is_an_error() {
        assert!(Link::by_name("no-such-link").is_err());
    }
}
