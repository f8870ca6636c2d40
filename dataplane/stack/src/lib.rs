//! Host sockets on a bypassed port, behind IPsec: where MGCP inside ESP ends.
//!
//! [`Stack`] joins three things that know nothing of each other: [`esp::Ipsec`], which
//! opens and seals; smoltcp, which has UDP, TCP and the answers of ICMP; and fragments, which are
//! joined by whom they came under. It is without I/O: IP packets for our addresses go in, IP packets
//! go out. On a port that shares its device with the kernel, the kernel keeps ARP and neighbour
//! discovery, and whoever owns the port puts packets into frames; on one that the kernel knows
//! nothing of, [`Link`] does both.
//!
//! # Invariants
//!
//! - Each datagram says under which association it came ([`Datagram::protected`]). One that was
//!   joined came under that association with every fragment of it; a clear fragment never meets a
//!   protected one.
//! - What policy wants protected leaves sealed or not at all.
//! - Memory is bounded: queues are short, and what does not fit is dropped and counted.
//! - Time is an argument.
//! - Packets in clear are erased when they have been sealed; the sockets' own queues keep what passed
//!   until it is overwritten.
//!
//! # What is not here
//!
//! UDP datagrams over IPv6 that do not fit into the path: they are counted as
//! [`Counters::too_big`]; MGCP's long ones are IPv4's. Router discovery: routers are configured.
//!
//! This crate must not know MGCP, calls and keys.

#![forbid(unsafe_code)]

mod device;
mod joining;
mod link;
mod marks;
mod mss;
mod stack;
mod tcp;
mod udp;

pub use link::{Link, LinkConfig, LinkCounters};
pub use stack::{Config, Counters, Stack};
pub use tcp::{TcpId, TcpState};
pub use udp::{Datagram, UdpId};

use thiserror::Error;

/// Why something could not be done with a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SocketError {
    /// The port is 0, or taken by another socket of ours.
    #[error("port {0} cannot be used; is another socket on it?")]
    Port(u16),
    /// Its queue is full; try again when packets have left.
    #[error("the socket's queue is full")]
    Full,
    /// The datagram is longer than a socket takes.
    #[error("a datagram of {0} octets is too long; at most {most} are possible", most = udp::MAX_DATAGRAM)]
    TooLong(usize),
    /// The connection does not take data, or gives none: it is not open yet, or closed.
    #[error("the connection is not open")]
    Closed,
    /// The address is not one a connection can go to, or of a family that we have no address of.
    #[error("nothing can be sent to that address from ours")]
    Unreachable,
}
