//! ESP through the kernel's raw sockets, for machines whose ports the kernel sees anyway. The kernel
//! joins fragments on their way in and finds the way out.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, ipproto, recv, sendto,
    socket_with,
};
use tracing::debug;

/// Sockets that ESP packets come to, one for each address, and one that IP packets leave from.
pub struct RawSockets {
    receiving: Vec<OwnedFd>,
    sending: OwnedFd,
}

impl RawSockets {
    /// For ESP to these IPv4 addresses.
    pub fn open(addresses: &[IpAddr]) -> io::Result<Self> {
        let socket = |protocol| {
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            socket_with(AddressFamily::INET, SocketType::RAW, flags, Some(protocol))
        };
        let mut receiving = Vec::new();
        for address in addresses {
            let IpAddr::V4(address) = address else { continue };
            let esp = socket(ipproto::ESP)?;
            bind(&esp, &SocketAddrV4::new(*address, 0))?;
            receiving.push(esp);
        }
        // This protocol takes packets with their IP headers.
        Ok(Self { receiving, sending: socket(ipproto::RAW)? })
    }

    /// What becomes readable when packets have come.
    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        self.receiving.iter().map(AsRawFd::as_raw_fd)
    }

    /// The length of the next IP packet; none has come when there is none.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        for socket in &self.receiving {
            match recv(socket, &mut *buffer, RecvFlags::empty()) {
                Ok((len, _)) => return Ok(Some(len)),
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Sends an IPv4 packet. What the kernel does not take is lost, as on any network.
    pub fn send(&self, packet: &[u8]) {
        let Some(destination) = packet.get(16..).and_then(|rest| rest.first_chunk::<4>()) else {
            return;
        };
        let to = SocketAddrV4::new(Ipv4Addr::from(*destination), 0);
        if let Err(error) = sendto(&self.sending, packet, SendFlags::empty(), &to) {
            debug!(%to, %error, "ESP packet not sent");
        }
    }
}
