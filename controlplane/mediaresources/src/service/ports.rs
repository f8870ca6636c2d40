//! Ports of streams: pairs out of a range, each used again as late as possible, so that what was
//! sent to one stream does not come to the next.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;

use rand::Rng;
use rand::rngs::StdRng;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt};

use super::StartError;

/// DSCP expedited forwarding, where voice belongs (RFC 4594), as type of service.
const EXPEDITED_FORWARDING: u8 = 46 << 2;

/// What the kernel keeps for a socket that nobody reads: a second of speech with all overhead.
const RECEIVE_BUFFER: usize = 64 << 10;

/// The sockets of a stream.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
    pub(super) address: SocketAddr,
}

#[derive(Debug)]
pub(super) struct Ports {
    address: IpAddr,
    /// The first even one.
    first: u16,
    pairs: u16,
    /// The pair to try next.
    next: u16,
}

impl Ports {
    /// Ports of this address and range, beginning anywhere in it.
    pub(super) fn new(
        address: IpAddr,
        range: RangeInclusive<u16>,
        mut rng: StdRng,
    ) -> Result<Self, StartError> {
        if address.is_unspecified() {
            return Err(StartError::Unspecified(address));
        }
        let (first, last) = range.into_inner();
        let none = StartError::NoPorts { first, last };
        let first = first.max(2).checked_next_multiple_of(2).unwrap_or(u16::MAX);
        let pairs = (u32::from(last) + 1).saturating_sub(first.into()) / 2;
        let pairs = u16::try_from(pairs).unwrap_or(u16::MAX);
        if pairs == 0 {
            return Err(none);
        }
        let ports = Self { address, first, pairs, next: rng.random_range(0..pairs) };
        // An address that is not this machine's is found now rather than with the first call.
        open(SocketAddr::new(address, 0)).map_err(|source| StartError::Bind { address, source })?;
        Ok(ports)
    }

    /// Opens the next pair that nobody has.
    pub(super) fn open(&mut self) -> io::Result<Pair> {
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in 0..self.pairs {
            let port = self.first + 2 * self.next;
            self.next = (self.next + 1) % self.pairs;
            let address = SocketAddr::new(self.address, port);
            match Pair::open(address) {
                Ok(pair) => return Ok(pair),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }
}

impl Pair {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let above = SocketAddr::new(address.ip(), address.port() + 1);
        Ok(Self { rtp: open(address)?, rtcp: open(above)?, address })
    }
}

fn open(local: SocketAddr) -> io::Result<UdpSocket> {
    let family = if local.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::DGRAM, flags, None)?;
    sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER)?;
    if local.is_ipv4() {
        sockopt::set_ip_tos(&socket, EXPEDITED_FORWARDING)?;
    } else {
        sockopt::set_ipv6_tclass(&socket, EXPEDITED_FORWARDING.into())?;
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    bind(&socket, &local)?;
    Ok(socket.into())
}
