//! UDP sockets.

use std::net::{IpAddr, SocketAddr};

use esp::SaId;
use smoltcp::iface::SocketHandle;
use smoltcp::socket::udp::{PacketBuffer, PacketMetadata, SendError, Socket, UdpMetadata};

use crate::{SocketError, Stack};

/// The longest datagram that a socket takes; MGCP's are 4,000 octets at most.
pub(crate) const MAX_DATAGRAM: usize = 16 << 10;
/// Datagrams a socket keeps, each way.
const DATAGRAMS: usize = 256;
/// Octets a socket keeps, each way.
const OCTETS: usize = 256 << 10;

/// A UDP socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UdpId(pub(crate) SocketHandle);

/// A datagram that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// From whom.
    pub from: SocketAddr,
    /// To which address of ours.
    pub to: IpAddr,
    /// The association that every octet of it came under; None if it came in clear.
    pub protected: Option<SaId>,
    /// What it says.
    pub payload: Vec<u8>,
}

impl Stack {
    /// Opens a socket on a port, on all of our addresses.
    pub fn listen_udp(&mut self, port: u16) -> Result<UdpId, SocketError> {
        let buffer = || PacketBuffer::new(vec![PacketMetadata::EMPTY; DATAGRAMS], vec![0; OCTETS]);
        let taken = self.sockets.iter().any(|(_, socket)| match socket {
            smoltcp::socket::Socket::Udp(socket) => socket.endpoint().port == port,
            smoltcp::socket::Socket::Tcp(_) => false,
        });
        let mut socket = Socket::new(buffer(), buffer());
        if taken || socket.bind(port).is_err() {
            return Err(SocketError::Port(port));
        }
        Ok(UdpId(self.sockets.add(socket)))
    }

    /// Queues a datagram; it leaves with [`Stack::poll`]. `from` is the address of ours that it shall
    /// come from; absent: one that fits.
    pub fn send_udp(
        &mut self,
        id: UdpId,
        from: Option<IpAddr>,
        to: SocketAddr,
        payload: &[u8],
    ) -> Result<(), SocketError> {
        if payload.len() > MAX_DATAGRAM {
            return Err(SocketError::TooLong(payload.len()));
        }
        let mut meta = UdpMetadata::from(to);
        meta.local_address = from.map(Into::into);
        let socket = self.sockets.get_mut::<Socket<'_>>(id.0);
        socket.send_slice(payload, meta).map_err(|error| match error {
            SendError::Unaddressable => SocketError::Unreachable,
            SendError::BufferFull => SocketError::Full,
        })
    }

    /// The next datagram of a socket.
    pub fn receive_udp(&mut self, id: UdpId) -> Option<Datagram> {
        let socket = self.sockets.get_mut::<Socket<'_>>(id.0);
        let (payload, meta) = socket.recv().ok()?;
        Some(Datagram {
            from: SocketAddr::new(meta.endpoint.addr.into(), meta.endpoint.port),
            to: meta.local_address?.into(),
            protected: self.marks.find(meta.meta.id),
            payload: payload.to_vec(),
        })
    }
}
