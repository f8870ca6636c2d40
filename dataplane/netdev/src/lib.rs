//! What the kernel says of an interface's XDP, over generic netlink (family `netdev`, since
//! Linux 6.3).
//!
//! This crate must not know what the answer is wanted for.

#![forbid(unsafe_code)]

use std::io;

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_GENERIC};

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

/// Headers of netlink and of generic netlink.
const HEADERS: usize = 16 + 4;

/// What a driver does for XDP: `enum netdev_xdp_act` of linux/netdev.h.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(pub u64);

impl Features {
    /// Runs XDP programs itself (native mode).
    pub fn runs_programs(self) -> bool {
        self.0 & 1 != 0
    }

    /// Sends frames that XDP programs elsewhere redirect to it.
    pub fn sends_frames(self) -> bool {
        self.0 & 1 << 2 != 0
    }

    /// Reads and writes the memory of AF_XDP sockets itself.
    pub fn zero_copy(self) -> bool {
        self.0 & 1 << 3 != 0
    }
}

/// A kernel that can be asked.
pub struct Netdev {
    socket: Socket,
    family: u16,
}

impl Netdev {
    /// Fails where the kernel is too old.
    pub fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_GENERIC)?;
        socket.bind(&SocketAddr::new(0, 0))?;
        let answer = request(&socket, CONTROL_FAMILY, GET_FAMILY, FAMILY_NAME, b"netdev\0")?;
        let family = attribute(&answer, FAMILY_ID).and_then(|id| id.try_into().ok());
        let family = family.map(u16::from_ne_bytes).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { socket, family })
    }

    /// What the interface with this number can do.
    pub fn features(&self, interface: u32) -> io::Result<Features> {
        let index = interface.to_ne_bytes();
        let answer = request(&self.socket, self.family, GET_DEVICE, DEVICE_INDEX, &index)?;
        let features = attribute(&answer, DEVICE_XDP_FEATURES).and_then(|it| it.try_into().ok());
        let features = features.map(u64::from_ne_bytes).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Features(features))
    }
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
    fn attributes_that_lie_are_none() {
        let message = [&[0; HEADERS][..], &[6, 0, 3, 0, 7, 7, 0, 0], &[200, 0, 1, 0]].concat();
        assert_eq!(attribute(&message, 3), Some(&[7, 7][..]));
        assert_eq!(attribute(&message, 1), None);
        assert_eq!(attribute(&message[..5], 1), None);
        let endless = [&[0; HEADERS][..], &[0, 0, 1, 0]].concat();
        assert_eq!(attribute(&endless, 2), None);
    }
}
