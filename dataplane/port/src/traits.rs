use std::borrow::Cow;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::RawFd;

use crate::{Frame, Pool};

/// A source and sink of frames.
///
/// A port is driven by one thread. All calls return at once; [`Port::wait_fd`] is what a thread
/// without work may sleep on.
pub trait Port: Send {
    /// What the first byte of a frame belongs to.
    fn medium(&self) -> Medium;

    /// The way frames take through the machine, and why this one.
    fn path(&self) -> Path;

    /// Starts to receive datagrams for `local`. Asking twice is harmless.
    fn open_media(&mut self, local: SocketAddr) -> io::Result<()>;

    /// Stops receiving datagrams for `local`. Closing what is not open is harmless.
    fn close_media(&mut self, local: SocketAddr) -> io::Result<()>;

    /// Appends up to [`crate::BURST`] received frames to `burst` and returns how many. Takes from
    /// `pool` what it needs to be ready for the next ones.
    fn rx(&mut self, pool: &mut Pool, burst: &mut Vec<Frame>) -> io::Result<usize>;

    /// Takes frames from the front of `burst` for sending and returns how many. What does not fit
    /// stays in `burst`, in order. Frames that have left are given back to `pool`, in this call or
    /// a later one; call it with an empty burst to let it do so.
    fn tx(&mut self, pool: &mut Pool, burst: &mut Vec<Frame>) -> io::Result<usize>;

    /// A descriptor that becomes readable when [`Port::rx`] has something to give.
    fn wait_fd(&self) -> Option<RawFd>;

    /// What the port itself lost, outside the sight of the caller.
    fn stats(&self) -> PortStats;

    /// Counters of the path's own, by name: for XDP, packets by what the program did with them.
    fn details(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// Frames of the pool that are inside the port now (rings, kernel). With the pool's free
    /// chunks and the frames the caller holds they add up to the pool's size.
    fn held(&self) -> usize;
}

/// Index of a port in its worker, the same in the whole process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortId(pub u8);

/// What the first byte of a frame belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// An Ethernet header.
    Ethernet,
    /// An IPv4 or IPv6 header; there is no link layer, or the kernel keeps it.
    Ip,
}

/// The way frames take through the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Which way.
    pub kind: PathKind,
    /// Why this one and not a faster one, in words for an operator.
    pub reason: Cow<'static, str>,
}

/// The ways there are, fastest first. Their names are part of every report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathKind {
    /// Inside the XDP program.
    Xdp,
    /// AF_XDP, the device writes into our memory.
    AfXdpZeroCopy,
    /// AF_XDP, the kernel copies once.
    AfXdpCopy,
    /// A DPDK poll-mode driver.
    Dpdk,
    /// UDP sockets.
    Socket,
    /// Queues in memory.
    Memory,
}

impl PathKind {
    /// The name in reports, metrics and `ringfence relay show`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Xdp => "xdp",
            Self::AfXdpZeroCopy => "afxdp-zc",
            Self::AfXdpCopy => "afxdp-copy",
            Self::Dpdk => "dpdk",
            Self::Socket => "socket",
            Self::Memory => "memory",
        }
    }
}

impl fmt::Display for PathKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Packets a port saw and lost, since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortStats {
    /// Frames handed to the caller.
    pub rx: u64,
    /// Frames taken from the caller for sending.
    pub tx: u64,
    /// Lost before we saw them: no buffer, ring full, socket buffer full.
    pub rx_lost: u64,
    /// Taken for sending and not sent.
    pub tx_lost: u64,
}
