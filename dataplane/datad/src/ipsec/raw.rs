//! ESP through the kernel's raw sockets, for machines whose ports the kernel sees anyway. The kernel
//! joins fragments on their way in and finds the way out.
//!
//! ESP in UDP comes here beside the IKE daemon, which has the port: each gets a copy of what comes
//! there, and a filter leaves us ESP only.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, RawFd};

use esp::encapsulation;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recvfrom, sendto};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use tracing::debug;

const ESP: i32 = 50;
const UDP: i32 = 17;
/// Packets are given with their IP headers.
const WITH_HEADER: i32 = 255;
const IPV6_HEADER: usize = 40;

/// Sockets that packets come to, two for each address, and those that IP packets leave from.
pub struct RawSockets {
    receiving: Vec<Receiving>,
    sending: Vec<Socket>,
}

struct Receiving {
    socket: Socket,
    address: IpAddr,
    protocol: i32,
}

impl RawSockets {
    /// For packets to these addresses.
    pub fn open(addresses: &[IpAddr]) -> io::Result<Self> {
        let mut sockets = Self { receiving: Vec::new(), sending: Vec::new() };
        for &address in addresses {
            let domain = Domain::for_address(SocketAddr::new(address, 0));
            for protocol in [ESP, UDP] {
                let socket = raw(domain, protocol)?;
                if protocol == UDP {
                    socket.attach_filter(&esp_in_udp(address))?;
                }
                socket.bind(&SocketAddr::new(address, 0).into())?;
                sockets.receiving.push(Receiving { socket, address, protocol });
            }
            let known = sockets.sending.iter().any(|socket| socket.domain().ok() == Some(domain));
            if !known {
                sockets.sending.push(raw(domain, WITH_HEADER)?);
            }
        }
        Ok(sockets)
    }

    /// What becomes readable when packets have come.
    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        self.receiving.iter().map(|receiving| receiving.socket.as_raw_fd())
    }

    /// The next IP packet in `buffer`; none has come when there is none.
    pub fn receive<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
        for receiving in &self.receiving {
            if let Some(len) = receiving.receive(buffer)? {
                return Ok(buffer.get(..len));
            }
        }
        Ok(None)
    }

    /// Sends an IP packet. What the kernel does not take is lost, as on any network.
    pub fn send(&self, packet: &[u8]) {
        let Some(to) = destination(packet) else { return };
        let domain = Domain::for_address(SocketAddr::new(to, 0));
        let mut sockets = self.sending.iter();
        let Some(socket) = sockets.find(|socket| socket.domain().ok() == Some(domain)) else {
            return;
        };
        if let Err(error) = sendto(socket, packet, SendFlags::empty(), &SocketAddr::new(to, 0)) {
            debug!(%to, %error, "ESP packet not sent");
        }
    }
}

impl Receiving {
    fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        // Of IPv6 the kernel keeps the header for itself.
        let at = if self.address.is_ipv6() { IPV6_HEADER } else { 0 };
        loop {
            match recvfrom(&self.socket, &mut buffer[at..], RecvFlags::empty()) {
                Ok((len, _, from)) => {
                    if at > 0 {
                        let from = from.and_then(|from| SocketAddr::try_from(from).ok());
                        let Some(IpAddr::V6(from)) = from.map(|from| from.ip()) else { continue };
                        self.write_header(from, len, buffer);
                    }
                    return Ok(Some(at + len));
                }
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Service class and congestion marks are lost here: a mark that the path has set is not seen.
    fn write_header(&self, from: std::net::Ipv6Addr, len: usize, buffer: &mut [u8]) {
        let header = &mut buffer[..IPV6_HEADER];
        header[..4].copy_from_slice(&[0x60, 0, 0, 0]);
        header[4..6].copy_from_slice(&(len as u16).to_be_bytes());
        header[6..8].copy_from_slice(&[self.protocol as u8, 64]);
        header[8..24].copy_from_slice(&from.octets());
        if let IpAddr::V6(ours) = self.address {
            header[24..].copy_from_slice(&ours.octets());
        }
    }
}

fn raw(domain: Domain, protocol: i32) -> io::Result<Socket> {
    let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(protocol)))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Datagrams to port 4500 that do not begin with zeros (RFC 3948 §2): neither IKE nor a keepalive.
/// What an IPv4 socket's filter looks at begins with the IP header, an IPv6 socket's behind it.
fn esp_in_udp(address: IpAddr) -> [SockFilter; 7] {
    const LOAD_HEADER_LEN: u16 = 0xb1;
    const LOAD_X: u16 = 0x01;
    const LOAD_HALF: u16 = 0x48;
    const LOAD_WORD: u16 = 0x40;
    const JUMP_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let header = if address.is_ipv4() {
        SockFilter::new(LOAD_HEADER_LEN, 0, 0, 0)
    } else {
        SockFilter::new(LOAD_X, 0, 0, 0)
    };
    [
        header,
        SockFilter::new(LOAD_HALF, 0, 0, 2),
        SockFilter::new(JUMP_EQUAL, 0, 3, encapsulation::PORT.into()),
        // A load beyond the end drops: a keepalive is too short for this.
        SockFilter::new(LOAD_WORD, 0, 0, 8),
        SockFilter::new(JUMP_EQUAL, 1, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
        SockFilter::new(RETURN, 0, 0, 0),
    ]
}

/// To whom an IP packet goes.
fn destination(packet: &[u8]) -> Option<IpAddr> {
    match packet.first()? >> 4 {
        4 => packet.get(16..)?.first_chunk::<4>().map(|octets| IpAddr::from(*octets)),
        6 => packet.get(24..)?.first_chunk::<16>().map(|octets| IpAddr::from(*octets)),
        _ => None,
    }
}
