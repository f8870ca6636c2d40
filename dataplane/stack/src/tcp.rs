//! TCP connections.

use std::net::{IpAddr, SocketAddr};

use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{RecvError, Socket, SocketBuffer, State};
use smoltcp::time::Duration;

use crate::{SocketError, Stack};

/// Octets a connection keeps, each way.
const OCTETS: usize = 32 << 10;
/// How long a peer may leave data unacknowledged before the connection is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A TCP connection, or a port that waits for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TcpId(SocketHandle);

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpState {
    /// It waits for a peer, or for its answer.
    Opening,
    /// Data goes.
    Open,
    /// The peer sends no more; we may.
    PeerDone,
    /// Nothing goes any more.
    Closed,
}

impl Stack {
    /// Waits for one connection on a port.
    pub fn listen_tcp(&mut self, port: u16) -> Result<TcpId, SocketError> {
        let mut socket = socket();
        socket.listen(port).map_err(|_| SocketError::Port(port))?;
        Ok(TcpId(self.sockets.add(socket)))
    }

    /// Opens a connection from a port of ours.
    pub fn connect_tcp(
        &mut self,
        from: (IpAddr, u16),
        to: SocketAddr,
    ) -> Result<TcpId, SocketError> {
        let mut socket = socket();
        socket.connect(self.interface.context(), to, from).map_err(|_| SocketError::Unreachable)?;
        Ok(TcpId(self.sockets.add(socket)))
    }

    /// Queues octets, and tells how many there was room for.
    pub fn send_tcp(&mut self, id: TcpId, octets: &[u8]) -> Result<usize, SocketError> {
        let socket = self.sockets.get_mut::<Socket<'_>>(id.0);
        socket.send_slice(octets).map_err(|_| SocketError::Closed)
    }

    /// Takes octets that came, and tells how many; 0 when there are none yet.
    pub fn receive_tcp(&mut self, id: TcpId, octets: &mut [u8]) -> Result<usize, SocketError> {
        let socket = self.sockets.get_mut::<Socket<'_>>(id.0);
        match socket.recv_slice(octets) {
            Ok(len) => Ok(len),
            Err(RecvError::InvalidState) if is_opening(socket) => Ok(0),
            Err(_) => Err(SocketError::Closed),
        }
    }

    /// How far it is.
    pub fn tcp_state(&self, id: TcpId) -> TcpState {
        let socket = self.sockets.get::<Socket<'_>>(id.0);
        match socket.state() {
            _ if is_opening(socket) => TcpState::Opening,
            State::Established | State::FinWait1 | State::FinWait2 => TcpState::Open,
            State::CloseWait => TcpState::PeerDone,
            _ => TcpState::Closed,
        }
    }

    /// Who is at the other end.
    pub fn tcp_peer(&self, id: TcpId) -> Option<SocketAddr> {
        let endpoint = self.sockets.get::<Socket<'_>>(id.0).remote_endpoint()?;
        Some(SocketAddr::new(endpoint.addr.into(), endpoint.port))
    }

    /// Says that we send no more.
    pub fn close_tcp(&mut self, id: TcpId) {
        self.sockets.get_mut::<Socket<'_>>(id.0).close();
    }

    /// Forgets a connection. One that is still open is reset.
    pub fn remove_tcp(&mut self, now: std::time::Instant, id: TcpId) {
        self.sockets.get_mut::<Socket<'_>>(id.0).abort();
        // The reset leaves first.
        self.poll(now);
        self.sockets.remove(id.0);
    }
}

fn socket() -> Socket<'static> {
    let buffer = || SocketBuffer::new(vec![0; OCTETS]);
    let mut socket = Socket::new(buffer(), buffer());
    socket.set_timeout(Some(PATIENCE));
    socket
}

fn is_opening(socket: &Socket<'_>) -> bool {
    matches!(socket.state(), State::Listen | State::SynSent | State::SynReceived)
}
