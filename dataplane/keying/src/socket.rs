//! The kernel's end: a NETLINK_XFRM socket.

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use netlink_sys::protocols::NETLINK_XFRM;
use netlink_sys::{Socket as Netlink, SocketAddr};
use zeroize::Zeroize;

use crate::xfrm::{self, Message};

/// Hears what happens to associations and policies, and asks what there is. Needs CAP_NET_ADMIN.
pub struct Socket {
    netlink: Netlink,
    buffer: Vec<u8>,
}

impl Socket {
    /// Opens a socket that hears announcements, and does not block.
    pub fn new() -> io::Result<Self> {
        let mut netlink = Netlink::new(NETLINK_XFRM)?;
        netlink.bind(&SocketAddr::new(0, xfrm::GROUPS))?;
        netlink.set_non_blocking(true)?;
        Ok(Self { netlink, buffer: Vec::with_capacity(1 << 16) })
    }

    /// Asks for all policies; they come among the announcements, then [`Message::Done`].
    pub fn ask_for_policies(&self) -> io::Result<()> {
        self.ask(&xfrm::ask_for_policies(1))
    }

    /// Asks for all associations.
    pub fn ask_for_states(&self) -> io::Result<()> {
        self.ask(&xfrm::ask_for_states(2))
    }

    fn ask(&self, question: &[u8]) -> io::Result<()> {
        self.netlink.send_to(question, &SocketAddr::new(0, 0), 0).map(drop)
    }

    /// Reads the messages of one datagram from the kernel; `WouldBlock` when there is none. An
    /// error `ENOBUFS` means that announcements were lost: begin anew, with a new mirror.
    pub fn receive(&mut self) -> io::Result<Vec<Message>> {
        self.buffer.clear();
        let (_, from) = self.netlink.recv_from(&mut self.buffer, 0)?;
        let messages = match from.port_number() {
            0 => xfrm::messages(&self.buffer).collect(),
            // Another process says something: nobody believes it.
            _ => Vec::new(),
        };
        // There were keys in it.
        self.buffer.zeroize();
        Ok(messages)
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.netlink.as_raw_fd()
    }
}
