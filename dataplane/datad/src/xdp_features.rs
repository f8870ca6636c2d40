//! Which interfaces send frames of XDP programs: what the kernel says over generic netlink
//! (family `netdev`, since Linux 6.3).
//!
//! It must be asked, and again from time to time: a frame that is redirected to an interface that
//! sends none is lost without a word.

use std::borrow::Cow;
use std::io;
use std::time::{Duration, Instant};

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_GENERIC};
use port::PortId;

const REQUEST: u16 = 1;
const ERROR: u16 = 2;
/// linux/genetlink.h
const CONTROL_FAMILY: u16 = 16;
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;
/// linux/netdev.h
const GET_DEVICE: u8 = 1;
const DEVICE_INDEX: u16 = 1;
const DEVICE_XDP_FEATURES: u16 = 3;
const SENDS_FRAMES: u64 = 1 << 2;

/// Headers of netlink and of generic netlink.
const HEADERS: usize = 16 + 4;

/// How often interfaces are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// What is known of the interfaces of a worker's ports.
pub struct XdpFeatures {
    /// The socket and the number of the family; none where the kernel is too old.
    kernel: Option<(Socket, u16)>,
    ports: Vec<Watched>,
    next_look: Instant,
}

struct Watched {
    port: PortId,
    name: String,
    interface: u32,
    takes: Takes,
}

/// Whether an interface sends frames of XDP programs; if not, why.
pub type Takes = Result<(), Cow<'static, str>>;

impl XdpFeatures {
    /// Watches these interfaces, by name and number.
    pub fn new(now: Instant, interfaces: Vec<(PortId, String, u32)>) -> Self {
        let mut features = Self { kernel: open().ok(), ports: Vec::new(), next_look: now + EVERY };
        for (port, name, interface) in interfaces {
            let takes = features.ask(&name, interface);
            features.ports.push(Watched { port, name, interface, takes });
        }
        features
    }

    /// What is known of the interface of a port.
    pub fn of(&self, port: PortId) -> Takes {
        let watched = self.ports.iter().find(|watched| watched.port == port);
        watched.map_or_else(|| Err("packets do not leave by XDP".into()), |it| it.takes.clone())
    }

    /// When [`XdpFeatures::changes`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        (!self.ports.is_empty() && self.kernel.is_some()).then_some(self.next_look)
    }

    /// Looks again, when it is time, and tells what has changed.
    pub fn changes(&mut self, now: Instant) -> Vec<(PortId, Takes)> {
        if now < self.next_look {
            return Vec::new();
        }
        self.next_look = now + EVERY;
        let mut changes = Vec::new();
        for at in 0..self.ports.len() {
            let Watched { name, interface, .. } = &self.ports[at];
            let takes = self.ask(name, *interface);
            let watched = &mut self.ports[at];
            if watched.takes != takes {
                watched.takes = takes.clone();
                changes.push((watched.port, takes));
            }
        }
        changes
    }

    fn ask(&self, name: &str, interface: u32) -> Takes {
        let features = self.kernel.as_ref().map(|(socket, family)| {
            let index = interface.to_ne_bytes();
            let answer = request(socket, *family, GET_DEVICE, DEVICE_INDEX, &index)?;
            let features =
                attribute(&answer, DEVICE_XDP_FEATURES).and_then(|it| it.try_into().ok());
            features.map(u64::from_ne_bytes).ok_or(io::ErrorKind::InvalidData.into())
        });
        match features {
            Some(Ok(features)) if features & SENDS_FRAMES != 0 => Ok(()),
            Some(Ok(_)) => Err(format!(
                "{name} sends no frames of XDP programs; on a veth, its other end needs GRO \
                 (`ethtool -K … gro on`) or an XDP program"
            )
            .into()),
            Some(Err::<u64, io::Error>(error)) => {
                Err(format!("the kernel does not describe {name}: {error}").into())
            }
            None => Err("the kernel does not tell which interfaces send frames of XDP programs; \
                         Linux 6.3 does"
                .into()),
        }
    }
}

fn open() -> io::Result<(Socket, u16)> {
    let mut socket = Socket::new(NETLINK_GENERIC)?;
    socket.bind(&SocketAddr::new(0, 0))?;
    let answer = request(&socket, CONTROL_FAMILY, GET_FAMILY, FAMILY_NAME, b"netdev\0")?;
    let family = attribute(&answer, FAMILY_ID).and_then(|id| id.try_into().ok());
    let family = family.map(u16::from_ne_bytes).ok_or(io::ErrorKind::InvalidData)?;
    Ok((socket, family))
}

/// Sends a request with one attribute and gives the answer's message.
fn request(
    socket: &Socket,
    family: u16,
    command: u8,
    kind: u16,
    value: &[u8],
) -> io::Result<Vec<u8>> {
    let len = 4 + value.len();
    let total = (HEADERS + len.next_multiple_of(4)) as u32;
    let mut message = Vec::with_capacity(total as usize);
    message.extend(total.to_ne_bytes());
    message.extend(family.to_ne_bytes());
    message.extend(REQUEST.to_ne_bytes());
    // Sequence and port: answers come one by one.
    message.extend([0; 8]);
    message.extend([command, 1, 0, 0]);
    message.extend((len as u16).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(value);
    message.resize(total as usize, 0);
    socket.send_to(&message, &SocketAddr::new(0, 0), 0)?;

    let mut answer = Vec::with_capacity(1 << 14);
    socket.recv(&mut answer, 0)?;
    let kind = answer.get(4..6).and_then(|kind| kind.try_into().ok()).map(u16::from_ne_bytes);
    match kind {
        Some(ERROR) => {
            let error = answer.get(16..20).and_then(|error| error.try_into().ok());
            let error = error.map_or(0, i32::from_ne_bytes);
            Err(io::Error::from_raw_os_error(-error))
        }
        Some(_) => Ok(answer),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// The value of the first attribute of this kind.
fn attribute(message: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut rest = message.get(HEADERS..)?;
    loop {
        let [a, b, c, d] = *rest.first_chunk()?;
        let len = usize::from(u16::from_ne_bytes([a, b]));
        let value = rest.get(4..len)?;
        if u16::from_ne_bytes([c, d]) == wanted {
            return Some(value);
        }
        rest = rest.get(len.next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_sends_none_and_says_why() {
        let now = Instant::now();
        let mut features = XdpFeatures::new(now, vec![(PortId(0), "lo".into(), 1)]);
        let why = features.of(PortId(0)).unwrap_err();
        assert!(why.contains("XDP"), "{why}");
        assert!(features.changes(now + 2 * EVERY).is_empty(), "it has not changed");
        assert!(features.of(PortId(1)).is_err());
    }

    #[test]
    fn attributes_that_lie_are_none() {
        let message = [&[0; HEADERS][..], &[6, 0, 3, 0, 7, 7, 0, 0], &[200, 0, 1, 0]].concat();
        assert_eq!(attribute(&message, 3), Some(&[7, 7][..]));
        assert_eq!(attribute(&message, 1), None);
        assert_eq!(attribute(&message[..5], 1), None);
        let endless = [&[0; HEADERS][..], &[0, 0, 1, 0]].concat();
        assert_eq!(attribute(&endless, 2), None);
    }
}
