//! An AF_XDP socket: made, bound, woken.
//!
//! The other module with `unsafe`: two socket options that rustix does not know.

use std::io;
use std::ptr;
use std::thread;
use std::time::{Duration, Instant};

use port::Pool;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use rustix::io::Errno;
use rustix::net::sockopt::{
    set_socket_send_buffer_size_force, set_xdp_rx_ring_size, set_xdp_tx_ring_size,
    set_xdp_umem_completion_ring_size, set_xdp_umem_fill_ring_size, set_xdp_umem_reg,
    xdp_mmap_offsets, xdp_options, xdp_statistics,
};
use rustix::net::xdp::{
    SocketAddrXdp, SocketAddrXdpFlags, SocketAddrXdpWithSharedUmem, XDP_PGOFF_RX_RING,
    XDP_PGOFF_TX_RING, XDP_UMEM_PGOFF_COMPLETION_RING, XDP_UMEM_PGOFF_FILL_RING, XdpDesc,
    XdpOptionsFlags, XdpStatistics, XdpUmemReg, XdpUmemRegFlags,
};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, bind, recv, send, socket};
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::error::XdpError;
use crate::ring::{Consumer, Producer};

/// Socket buffer of copied frames under way: with the default a burst does not fit.
const SEND_BUFFER: usize = 4 << 20;

/// How long the kernel may take to let go of a queue, and how often to look.
const RELEASE_PATIENCE: Duration = Duration::from_secs(1);
const RELEASE_STEP: Duration = Duration::from_millis(5);

/// linux/if_xdp.h; packets a wakeup may send. Since Linux 6.17, before that it is 32.
const XDP_MAX_TX_SKB_BUDGET: i32 = 9;

/// asm-generic/socket.h
const SO_PREFER_BUSY_POLL: i32 = 69;
const SO_BUSY_POLL_BUDGET: i32 = 70;

/// A socket that is bound to a queue.
pub(crate) struct Socket {
    fd: OwnedFd,
    zero_copy: bool,
}

/// The four rings of a socket.
pub(crate) struct Rings {
    pub(crate) rx: Consumer<XdpDesc>,
    pub(crate) tx: Producer<XdpDesc>,
    pub(crate) fill: Producer<u64>,
    pub(crate) completion: Consumer<u64>,
}

/// How the socket shall be made.
pub(crate) struct Options<'a> {
    pub(crate) interface: &'a str,
    pub(crate) index: u32,
    pub(crate) queue: u32,
    pub(crate) ring_size: u32,
    pub(crate) zero_copy: bool,
    pub(crate) busy_poll: Option<BusyPoll>,
    /// The socket that has registered the pool.
    pub(crate) shared: Option<&'a Socket>,
}

/// Receiving inside the caller's system call instead of in a kernel thread or interrupt.
///
/// With the driver's interrupts deferred (`napi_defer_hard_irqs`, `gro_flush_timeout` of the
/// interface) kernel and worker share one core without starving each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusyPoll {
    /// How long one call may look for packets, in microseconds.
    pub microseconds: u16,
    /// Most packets of one call.
    pub budget: u16,
}

impl Socket {
    /// Makes a socket over the memory of `pool` and binds it.
    pub(crate) fn open(pool: &Pool, options: &Options<'_>) -> Result<(Self, Rings), XdpError> {
        let fd = socket(AddressFamily::XDP, SocketType::RAW, None)
            .map_err(|error| XdpError::socket("make an AF_XDP socket", error))?;
        if options.shared.is_none() {
            register(&fd, pool)?;
        }
        let rings = make_rings(&fd, options.ring_size)
            .map_err(|error| XdpError::socket("make the rings of an AF_XDP socket", error))?;
        // As much as is granted: with less there are only more system calls.
        let _ = set_socket_send_buffer_size_force(&fd, SEND_BUFFER);
        let _ = set_option(&fd, libc::SOL_XDP, XDP_MAX_TX_SKB_BUDGET, options.ring_size as i32);
        if let Some(busy_poll) = options.busy_poll {
            set_busy_poll(&fd, busy_poll)
                .map_err(|error| XdpError::socket("switch busy polling on", error))?;
        }
        bind_when_free(&fd, options).map_err(|error| XdpError::Queue {
            interface: options.interface.to_owned(),
            queue: options.queue,
            cause: error.into(),
        })?;
        let flags = xdp_options(&fd)
            .map_err(|error| XdpError::socket("ask an AF_XDP socket for its mode", error))?;
        let zero_copy = flags.contains(XdpOptionsFlags::XDP_OPTIONS_ZEROCOPY);
        Ok((Self { fd, zero_copy }, rings))
    }

    /// Whether the device writes into our memory by itself.
    pub(crate) fn zero_copy(&self) -> bool {
        self.zero_copy
    }

    /// Lets the kernel look at fill ring and device.
    pub(crate) fn wake_rx(&self) -> Result<(), Errno> {
        recv(&self.fd, &mut [0; 0], RecvFlags::DONTWAIT).map(drop)
    }

    /// Lets the kernel look at the transmit ring.
    pub(crate) fn wake_tx(&self) -> Result<(), Errno> {
        send(&self.fd, &[], SendFlags::DONTWAIT).map(drop)
    }

    pub(crate) fn statistics(&self) -> Result<XdpStatistics, Errno> {
        xdp_statistics(&self.fd)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

fn register(fd: &OwnedFd, pool: &Pool) -> Result<(), XdpError> {
    let (base, bytes) = pool.region();
    let region = XdpUmemReg {
        addr: base.as_ptr() as u64,
        len: bytes as u64,
        chunk_size: pool.chunk_size() as u32,
        headroom: 0,
        flags: XdpUmemRegFlags::empty(),
        tx_metadata_len: 0,
    };
    let mut done = set_xdp_umem_reg(fd, region);
    if done == Err(Errno::NOBUFS) {
        // Pinned memory counts as locked, and the limit is often 8 MiB.
        let _ = setrlimit(Resource::Memlock, Rlimit { current: None, maximum: None });
        done = set_xdp_umem_reg(fd, region);
    }
    done.map_err(|error| XdpError::Memory { bytes, cause: error.into() })
}

fn make_rings(fd: &OwnedFd, size: u32) -> Result<Rings, Errno> {
    set_xdp_umem_fill_ring_size(fd, size)?;
    set_xdp_umem_completion_ring_size(fd, size)?;
    set_xdp_rx_ring_size(fd, size)?;
    set_xdp_tx_ring_size(fd, size)?;
    let offsets = xdp_mmap_offsets(fd)?;
    let fd = fd.as_fd();
    Ok(Rings {
        rx: Consumer::map(fd, XDP_PGOFF_RX_RING, offsets.rx, size)?,
        tx: Producer::map(fd, XDP_PGOFF_TX_RING, offsets.tx, size)?,
        fill: Producer::map(fd, XDP_UMEM_PGOFF_FILL_RING, offsets.fr, size)?,
        completion: Consumer::map(fd, XDP_UMEM_PGOFF_COMPLETION_RING, offsets.cr, size)?,
    })
}

/// The kernel lets go of a queue a moment after its socket was closed: whoever starts again at once
/// must be patient.
fn bind_when_free(fd: &OwnedFd, options: &Options<'_>) -> Result<(), Errno> {
    let begin = Instant::now();
    loop {
        match bind_to_queue(fd, options) {
            Err(Errno::BUSY) if begin.elapsed() < RELEASE_PATIENCE => thread::sleep(RELEASE_STEP),
            done => return done,
        }
    }
}

fn bind_to_queue(fd: &OwnedFd, options: &Options<'_>) -> Result<(), Errno> {
    if let Some(shared) = options.shared {
        // Copying or not, and wakeups, are decided by the first socket.
        let flags = SocketAddrXdpFlags::XDP_SHARED_UMEM;
        let addr = SocketAddrXdp::new(flags, options.index, options.queue);
        return bind(fd, &SocketAddrXdpWithSharedUmem { addr, shared_umem_fd: shared.fd.as_fd() });
    }
    let mut flags = SocketAddrXdpFlags::XDP_USE_NEED_WAKEUP;
    if !options.zero_copy {
        flags |= SocketAddrXdpFlags::XDP_COPY;
    }
    bind(fd, &SocketAddrXdp::new(flags, options.index, options.queue))
}

fn set_busy_poll(fd: &OwnedFd, busy_poll: BusyPoll) -> io::Result<()> {
    set_option(fd, libc::SOL_SOCKET, SO_PREFER_BUSY_POLL, 1)?;
    set_option(fd, libc::SOL_SOCKET, libc::SO_BUSY_POLL, busy_poll.microseconds.into())?;
    set_option(fd, libc::SOL_SOCKET, SO_BUSY_POLL_BUDGET, busy_poll.budget.into())
}

fn set_option(fd: &OwnedFd, level: i32, name: i32, value: i32) -> io::Result<()> {
    let len = size_of_val(&value) as libc::socklen_t;
    // SAFETY: the kernel reads `len` bytes at `value`, which are there.
    let done =
        unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, ptr::from_ref(&value).cast(), len) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
