//! What the network says of datagrams that did not arrive (ICMP errors, `IP_RECVERR` of ip(7)).

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::sys::socket::sockopt::{Ipv4RecvErr, Ipv6RecvErr};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt};

/// Reports taken at a time.
const AT_A_TIME: usize = 64;

/// Lets the kernel keep reports for a UDP socket bound to `local`.
pub(crate) fn keep_reports(socket: &impl AsFd, local: SocketAddr) -> io::Result<()> {
    match local {
        SocketAddr::V4(_) => setsockopt(socket, Ipv4RecvErr, &true)?,
        SocketAddr::V6(_) => setsockopt(socket, Ipv6RecvErr, &true)?,
    }
    Ok(())
}

/// The peers that the network has said cannot be reached, since the last call.
pub(crate) fn take_reports(socket: &impl AsFd) -> Vec<SocketAddr> {
    (0..AT_A_TIME).map_while(|_| take_report(socket)).flatten().collect()
}

/// One report; its peer if it says that.
fn take_report(socket: &impl AsFd) -> Option<Option<SocketAddr>> {
    let mut control = nix::cmsg_space!(nix::libc::sock_extended_err, SockaddrStorage);
    // Of the datagram that did not arrive nothing is wanted but where it was to go.
    let mut datagram = [];
    let mut buffers = [IoSliceMut::new(&mut datagram)];
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let fd = socket.as_fd().as_raw_fd();
    let report = recvmsg::<SockaddrStorage>(fd, &mut buffers, Some(&mut control), flags).ok()?;
    let unreachable = report.cmsgs().ok()?.any(|message| match message {
        ControlMessageOwned::Ipv4RecvErr(error, _) | ControlMessageOwned::Ipv6RecvErr(error, _) => {
            let error = Errno::from_raw(error.ee_errno as i32);
            matches!(error, Errno::ECONNREFUSED | Errno::EHOSTUNREACH | Errno::ENETUNREACH)
        }
        _ => false,
    });
    Some(report.address.filter(|_| unreachable).and_then(socket_addr))
}

fn socket_addr(address: SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddr::V4((*v4).into()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into())))
}

/// Whether an error of a socket is only such a report, of a datagram sent before.
pub(crate) fn is_report(error: &io::Error) -> bool {
    matches!(
        Errno::from_raw(error.raw_os_error().unwrap_or(0)),
        Errno::ECONNREFUSED
            | Errno::EHOSTUNREACH
            | Errno::ENETUNREACH
            | Errno::EHOSTDOWN
            | Errno::ENONET
            | Errno::ENOPROTOOPT
            | Errno::EMSGSIZE
            | Errno::EPROTO
            | Errno::EOPNOTSUPP
            | Errno::EACCES
    )
}
