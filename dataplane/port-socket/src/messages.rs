//! Bursts of messages: `recvmmsg` and `sendmmsg`, which rustix does not have, and their ancillary
//! data.
//!
//! What makes it sound: headers are filled anew before each call with pointers to memory that the
//! call borrows, and nothing reads the pointers afterwards.

use std::io;
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use libc::{c_int, c_void, cmsghdr, iovec, mmsghdr, sockaddr_in, sockaddr_in6, sockaddr_storage};
use port::{BURST, Frame};

/// Two ancillary values of the size of an integer fit.
const CONTROL_LEN: usize = 64;

/// Room for the headers of a burst.
pub(crate) struct Messages {
    headers: Box<[mmsghdr; BURST]>,
    iovecs: Box<[iovec; BURST]>,
    addresses: Box<[sockaddr_storage; BURST]>,
    controls: Box<[Control; BURST]>,
}

/// What came with a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) source: SocketAddr,
    pub(crate) len: usize,
    /// It was longer than the room for it.
    pub(crate) truncated: bool,
    pub(crate) traffic_class: u8,
    pub(crate) hops: u8,
}

/// A datagram to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing<'f> {
    pub(crate) destination: SocketAddr,
    pub(crate) payload: &'f [u8],
    pub(crate) traffic_class: u8,
}

/// Aligned as ancillary data must be.
#[repr(C, align(8))]
struct Control([u8; CONTROL_LEN]);

impl Messages {
    pub(crate) fn new() -> Self {
        // SAFETY: all of these are C structures for which all zeros is a value.
        unsafe {
            Self {
                headers: Box::new(mem::zeroed()),
                iovecs: Box::new(mem::zeroed()),
                addresses: Box::new(mem::zeroed()),
                controls: Box::new([const { Control([0; CONTROL_LEN]) }; BURST]),
            }
        }
    }

    /// Receives datagrams into as many frames from the front of `frames`, each no longer than its
    /// frame is now, without waiting. [`Messages::received`] tells about them.
    pub(crate) fn receive(
        &mut self,
        socket: BorrowedFd<'_>,
        frames: &mut [Frame],
    ) -> io::Result<usize> {
        let count = frames.len().min(BURST);
        for (at, frame) in frames[..count].iter_mut().enumerate() {
            let buffer = frame.bytes_mut();
            let (base, len) = (buffer.as_mut_ptr().cast(), buffer.len());
            self.fill_header(at, base, len, CONTROL_LEN);
        }
        // SAFETY: the first `count` headers point to the frames, which are borrowed exclusively,
        // and to this structure's own addresses and controls, with their lengths.
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                count as u32,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        };
        result(received)
    }

    /// What the last [`Messages::receive`] received as its `at`th. `None` if the kernel said nothing
    /// sensible about where it came from.
    pub(crate) fn received(&self, at: usize) -> Option<Received> {
        let header = &self.headers[at];
        let mut received = Received {
            source: from_storage(&self.addresses[at])?,
            len: header.msg_len as usize,
            truncated: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
            traffic_class: 0,
            hops: 64,
        };
        for (level, kind, value) in self.controls(at) {
            match (level, kind) {
                (libc::IPPROTO_IP, libc::IP_TOS) | (libc::IPPROTO_IPV6, libc::IPV6_TCLASS) => {
                    received.traffic_class = value;
                }
                (libc::IPPROTO_IP, libc::IP_TTL) | (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => {
                    received.hops = value;
                }
                _ => {}
            }
        }
        Some(received)
    }

    /// Sends up to [`BURST`] datagrams from the front of `outgoing`, without waiting, and returns
    /// how many. An error is about the first of them.
    pub(crate) fn send<'f>(
        &mut self,
        socket: BorrowedFd<'_>,
        outgoing: impl Iterator<Item = Outgoing<'f>>,
    ) -> io::Result<usize> {
        let mut count = 0;
        for Outgoing { destination, payload, traffic_class } in outgoing.take(BURST) {
            let control_len = write_traffic_class(
                &mut self.controls[count],
                destination.is_ipv4(),
                traffic_class,
            );
            self.fill_header(count, payload.as_ptr().cast_mut().cast(), payload.len(), control_len);
            self.headers[count].msg_hdr.msg_namelen =
                to_storage(destination, &mut self.addresses[count]);
            count += 1;
        }
        // SAFETY: the first `count` headers point to payloads, which are borrowed for `'f` and only
        // read, and to this structure's own addresses and controls, with their lengths.
        let sent = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                count as u32,
                libc::MSG_DONTWAIT,
            )
        };
        result(sent)
    }

    fn fill_header(&mut self, at: usize, base: *mut c_void, len: usize, control_len: usize) {
        self.iovecs[at] = iovec { iov_base: base, iov_len: len };
        let header = &mut self.headers[at].msg_hdr;
        header.msg_name = ptr::from_mut(&mut self.addresses[at]).cast();
        header.msg_namelen = size_of::<sockaddr_storage>() as u32;
        header.msg_iov = &mut self.iovecs[at];
        header.msg_iovlen = 1;
        header.msg_control = self.controls[at].0.as_mut_ptr().cast();
        header.msg_controllen = control_len;
        header.msg_flags = 0;
    }

    /// Level, type and value of each piece of ancillary data. All those asked for are one octet, or
    /// an integer that fits in one.
    fn controls(&self, at: usize) -> impl Iterator<Item = (c_int, c_int, u8)> {
        let len = self.headers[at].msg_hdr.msg_controllen.min(CONTROL_LEN);
        let mut rest = &self.controls[at].0[..len];
        std::iter::from_fn(move || {
            let (length, level, kind) = (word(rest, 0)?, word(rest, 8)?, word(rest, 12)?);
            let value = *rest.get(size_of::<cmsghdr>())?;
            let next = (length.max(0) as usize).next_multiple_of(align_of::<cmsghdr>());
            rest = rest.get(next.max(size_of::<cmsghdr>())..).unwrap_or(&[]);
            Some((level, kind, value))
        })
    }
}

// SAFETY: the pointers inside are meaningful only during a call.
unsafe impl Send for Messages {}

/// Drops of a socket because its buffer was full, since it was made.
pub(crate) fn drops(socket: BorrowedFd<'_>) -> u64 {
    // linux/sock_diag.h
    const SK_MEMINFO_DROPS: usize = 8;
    let mut info = [0u32; SK_MEMINFO_DROPS + 1];
    let mut len = size_of_val(&info) as libc::socklen_t;
    // SAFETY: the kernel writes up to `len` octets to `info`.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            info.as_mut_ptr().cast(),
            &mut len,
        )
    };
    if done == 0 { info[SK_MEMINFO_DROPS].into() } else { 0 }
}

/// Asks for traffic class and hops with each datagram.
pub(crate) fn ask_for_details(socket: BorrowedFd<'_>, v4: bool) -> io::Result<()> {
    let options = if v4 {
        [(libc::IPPROTO_IP, libc::IP_RECVTOS), (libc::IPPROTO_IP, libc::IP_RECVTTL)]
    } else {
        [(libc::IPPROTO_IPV6, libc::IPV6_RECVTCLASS), (libc::IPPROTO_IPV6, libc::IPV6_RECVHOPLIMIT)]
    };
    for (level, name) in options {
        let on: c_int = 1;
        let len = size_of_val(&on) as libc::socklen_t;
        // SAFETY: the kernel reads `len` octets at `on`.
        result(unsafe {
            libc::setsockopt(socket.as_raw_fd(), level, name, ptr::from_ref(&on).cast(), len)
        })?;
    }
    Ok(())
}

fn result(returned: c_int) -> io::Result<usize> {
    usize::try_from(returned).map_err(|_| io::Error::last_os_error())
}

/// Writes one piece of ancillary data and returns the length of it all.
fn write_traffic_class(control: &mut Control, v4: bool, traffic_class: u8) -> usize {
    let (level, kind) =
        if v4 { (libc::IPPROTO_IP, libc::IP_TOS) } else { (libc::IPPROTO_IPV6, libc::IPV6_TCLASS) };
    let header = size_of::<cmsghdr>();
    let len = header + size_of::<c_int>();
    control.0[..8].copy_from_slice(&len.to_ne_bytes());
    control.0[8..12].copy_from_slice(&level.to_ne_bytes());
    control.0[12..16].copy_from_slice(&kind.to_ne_bytes());
    control.0[header..len].copy_from_slice(&c_int::from(traffic_class).to_ne_bytes());
    len.next_multiple_of(align_of::<cmsghdr>())
}

fn word(bytes: &[u8], at: usize) -> Option<c_int> {
    Some(c_int::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn to_storage(address: SocketAddr, storage: &mut sockaddr_storage) -> u32 {
    match address {
        SocketAddr::V4(v4) => {
            let to = ptr::from_mut(storage).cast::<sockaddr_in>();
            // SAFETY: a storage is large enough and aligned for every address.
            unsafe {
                (*to).sin_family = libc::AF_INET as u16;
                (*to).sin_port = v4.port().to_be();
                (*to).sin_addr.s_addr = u32::from_ne_bytes(v4.ip().octets());
            }
            size_of::<sockaddr_in>() as u32
        }
        SocketAddr::V6(v6) => {
            let to = ptr::from_mut(storage).cast::<sockaddr_in6>();
            // SAFETY: as above.
            unsafe {
                (*to).sin6_family = libc::AF_INET6 as u16;
                (*to).sin6_port = v6.port().to_be();
                (*to).sin6_flowinfo = 0;
                (*to).sin6_addr.s6_addr = v6.ip().octets();
                (*to).sin6_scope_id = v6.scope_id();
            }
            size_of::<sockaddr_in6>() as u32
        }
    }
}

fn from_storage(storage: &sockaddr_storage) -> Option<SocketAddr> {
    match c_int::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says what it is; every bit pattern is a value.
            let from = unsafe { &*ptr::from_ref(storage).cast::<sockaddr_in>() };
            let ip = Ipv4Addr::from(from.sin_addr.s_addr.to_ne_bytes());
            Some(SocketAddrV4::new(ip, u16::from_be(from.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let from = unsafe { &*ptr::from_ref(storage).cast::<sockaddr_in6>() };
            let ip = Ipv6Addr::from(from.sin6_addr.s6_addr);
            Some(SocketAddrV6::new(ip, u16::from_be(from.sin6_port), 0, 0).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive() {
        // SAFETY: all zeros is a value of this C structure.
        let mut storage = unsafe { mem::zeroed() };
        for text in ["192.0.2.1:16384", "[2001:db8::1]:16386"] {
            let address = text.parse().unwrap();
            to_storage(address, &mut storage);
            assert_eq!(from_storage(&storage), Some(address));
        }
    }
}
