use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

use port::{BURST, Frame, Medium, Path, PathKind, Pool, Port, PortStats};
use rustix::io::Errno;
use rustix::net::xdp::{XdpDesc, XdpDescOptions};

use crate::error::XdpError;
use crate::held::Held;
use crate::program::{Attachment, Program};
use crate::socket::{BusyPoll, Options, Rings, Socket};

/// One queue of an interface, over AF_XDP.
///
/// Close it with [`XdpPort::close`] to get the frames back that lie in its rings; merely dropping it
/// loses them to the pool.
pub struct XdpPort {
    seat: Seat,
    rings: Rings,
    socket: Socket,
    held: Held,
    path: Path,
    ring_size: u32,
    /// Chunks the kernel has for receiving: in the fill ring, being filled, in the receive ring.
    receiving: u32,
    poll_driver: bool,
    rx_frames: u64,
    tx_frames: u64,
}

/// Which queue, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortConfig {
    /// The receive and transmit queue.
    pub queue: u32,
    /// Entries of each of the four rings, a power of two. The port keeps up to so many chunks of
    /// the pool for receiving and up to so many for sending.
    pub ring_size: u32,
    /// Whether the device shall write into the pool by itself if its driver can.
    pub zero_copy: bool,
    /// Receive inside [`Port::rx`] instead of in the kernel's own time.
    pub busy_poll: Option<BusyPoll>,
}

/// What the kernel lost, by cause, since the port was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct XdpStats {
    /// Received and dropped: no free chunk, or too long for one.
    pub rx_dropped: u64,
    /// Received and dropped because the port was not read fast enough.
    pub rx_ring_full: u64,
    /// How often the kernel found no free chunk.
    pub fill_ring_empty: u64,
    /// Addresses in the fill ring that the kernel did not accept. Not zero means a bug here.
    pub rx_invalid: u64,
    /// Frames to send that the kernel did not accept: longer than the interface's MTU, for example.
    pub tx_invalid: u64,
}

/// The place of a socket in the program's map.
struct Seat {
    program: Arc<Program>,
    queue: u32,
}

impl Default for PortConfig {
    fn default() -> Self {
        Self { queue: 0, ring_size: 2048, zero_copy: true, busy_poll: None }
    }
}

impl XdpPort {
    /// Opens a queue of the program's interface over the memory of `pool`.
    ///
    /// Ports of one pool share its registration with the kernel: all but the first name one that is
    /// open as `shared`. Whether frames are copied is then decided by the first.
    pub fn open(
        pool: &mut Pool,
        program: Arc<Program>,
        config: &PortConfig,
        shared: Option<&XdpPort>,
    ) -> Result<Self, XdpError> {
        if shared.is_some_and(|port| !port.held.is_of(pool)) {
            return Err(XdpError::OtherPool);
        }
        let native = *program.attachment() == Attachment::Native;
        let options = Options {
            interface: program.interface(),
            index: program.index(),
            queue: config.queue,
            ring_size: config.ring_size,
            zero_copy: config.zero_copy && native,
            busy_poll: config.busy_poll,
            shared: shared.map(|port| &port.socket),
        };
        let (socket, rings) = Socket::open(pool, &options)?;
        let path = path(&program, config, &socket, shared);
        let mut port = Self {
            seat: Seat { program, queue: config.queue },
            rings,
            socket,
            held: Held::new(pool),
            path,
            ring_size: config.ring_size,
            receiving: 0,
            poll_driver: config.busy_poll.is_some(),
            rx_frames: 0,
            tx_frames: 0,
        };
        port.refill(pool);
        port.seat.program.set_socket(config.queue, &port.socket)?;
        Ok(port)
    }

    /// The program of its interface.
    pub fn program(&self) -> &Arc<Program> {
        &self.seat.program
    }

    /// What the kernel lost, by cause.
    pub fn xdp_stats(&self) -> XdpStats {
        let Ok(kernel) = self.socket.statistics() else { return XdpStats::default() };
        XdpStats {
            rx_dropped: kernel.rx_dropped,
            rx_ring_full: kernel.rx_ring_full.unwrap_or(0),
            fill_ring_empty: kernel.rx_fill_ring_empty_descs.unwrap_or(0),
            rx_invalid: kernel.rx_invalid_descs,
            tx_invalid: kernel.tx_invalid_descs,
        }
    }

    /// Closes the socket and takes all frames home.
    ///
    /// A device that writes into the pool by itself may do so for a moment longer, so in zero-copy
    /// mode the frames in the rings stay away, and with them the pool's memory until the process
    /// ends.
    pub fn close(mut self, pool: &mut Pool) {
        self.check(pool);
        self.reap(pool);
        let Self { seat, rings, socket, mut held, .. } = self;
        drop(seat);
        let zero_copy = socket.zero_copy();
        // Each mapping holds the socket open; with the last of them the kernel lets go of the
        // memory, before the call returns.
        drop((rings, socket));
        if !zero_copy {
            held.take_home(pool);
        }
    }

    /// Gives the kernel chunks to receive into, as long as the pool has any.
    fn refill(&mut self, pool: &mut Pool) {
        let missing = self.ring_size - self.receiving;
        if missing < BURST as u32 {
            return;
        }
        let count = self.rings.fill.room(missing).min(missing);
        let mut given = 0;
        while given < count {
            let Some(frame) = pool.take() else { break };
            self.rings.fill.push(self.held.release(pool, frame));
            given += 1;
        }
        if given > 0 {
            self.rings.fill.submit();
            self.receiving += given;
        }
    }

    /// Takes sent frames home.
    fn reap(&mut self, pool: &mut Pool) {
        let Self { rings, held, ring_size, .. } = self;
        rings.completion.take(*ring_size, |address| {
            let frame = held.adopt(pool, address, 0);
            pool.give(frame);
        });
    }

    /// Makes the kernel send what is in the transmit ring, as far as it does.
    fn kick(&mut self) -> io::Result<()> {
        let mut pending = self.rings.tx.pending();
        while pending > 0 && self.rings.tx.needs_wakeup() {
            match self.socket.wake_tx() {
                Ok(()) => return Ok(()),
                // Its budget is spent, or the device or the socket buffer is full.
                Err(Errno::AGAIN | Errno::BUSY | Errno::NOBUFS) => {}
                // The interface is down: what is in the ring waits for better times.
                Err(Errno::NETDOWN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            let left = self.rings.tx.pending();
            if left == pending {
                // The next call tries again.
                return Ok(());
            }
            pending = left;
        }
        Ok(())
    }

    fn check(&self, pool: &Pool) {
        assert!(self.held.is_of(pool), "the port was opened over another pool");
    }
}

impl Port for XdpPort {
    fn medium(&self) -> Medium {
        Medium::Ethernet
    }

    fn path(&self) -> Path {
        self.path.clone()
    }

    fn open_media(&mut self, local: SocketAddr) -> io::Result<()> {
        self.seat.program.open_media(local)
    }

    fn close_media(&mut self, local: SocketAddr) -> io::Result<()> {
        self.seat.program.close_media(local)
    }

    fn rx(&mut self, pool: &mut Pool, burst: &mut Vec<Frame>) -> io::Result<usize> {
        self.check(pool);
        let Self { rings, held, .. } = self;
        let count = rings.rx.take(BURST as u32, |descriptor: XdpDesc| {
            burst.push(held.adopt(pool, descriptor.addr, descriptor.len));
        });
        self.receiving -= count;
        self.rx_frames += u64::from(count);
        self.refill(pool);
        if self.poll_driver || (count == 0 && self.rings.fill.needs_wakeup()) {
            match self.socket.wake_rx() {
                Ok(()) | Err(Errno::AGAIN | Errno::BUSY | Errno::NOBUFS | Errno::NETDOWN) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(count as usize)
    }

    fn tx(&mut self, pool: &mut Pool, burst: &mut Vec<Frame>) -> io::Result<usize> {
        self.check(pool);
        self.reap(pool);
        let count = (self.rings.tx.room(burst.len() as u32) as usize).min(burst.len());
        for frame in burst.drain(..count) {
            let len = frame.len() as u32;
            let addr = self.held.release(pool, frame);
            self.rings.tx.push(XdpDesc { addr, len, options: XdpDescOptions::empty() });
        }
        if count > 0 {
            self.rings.tx.submit();
            self.tx_frames += count as u64;
        }
        self.kick()?;
        Ok(count)
    }

    fn wait_fd(&self) -> Option<RawFd> {
        Some(self.socket.as_raw_fd())
    }

    fn stats(&self) -> PortStats {
        let kernel = self.xdp_stats();
        PortStats {
            rx: self.rx_frames,
            tx: self.tx_frames,
            rx_lost: kernel.rx_dropped + kernel.rx_ring_full,
            tx_lost: kernel.tx_invalid,
        }
    }

    fn details(&self) -> Vec<(&'static str, u64)> {
        let kernel = self.xdp_stats();
        let mut details = vec![
            ("socket-rx-dropped", kernel.rx_dropped),
            ("socket-rx-ring-full", kernel.rx_ring_full),
            ("socket-fill-ring-empty", kernel.fill_ring_empty),
            ("socket-rx-invalid", kernel.rx_invalid),
            ("socket-tx-invalid", kernel.tx_invalid),
        ];
        let counters = self.seat.program.counters().unwrap_or_default();
        details.extend(counters.into_iter().map(|(reason, count)| (reason.name(), count)));
        if let left @ 1.. = self.seat.program.left_count() {
            details.push(("flows-left-by-a-crash", left as u64));
        }
        details
    }

    fn held(&self) -> usize {
        self.held.count()
    }
}

impl fmt::Debug for XdpPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (interface, queue) = (self.seat.program.interface(), self.seat.queue);
        write!(f, "XdpPort({interface} queue {queue}, {})", self.path.kind)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.program.unset_socket(self.queue);
    }
}

fn path(program: &Program, config: &PortConfig, socket: &Socket, shared: Option<&XdpPort>) -> Path {
    if socket.zero_copy() {
        return Path {
            kind: PathKind::AfXdpZeroCopy,
            reason: "native XDP, the device writes into our memory".into(),
        };
    }
    let reason = match program.attachment() {
        Attachment::Generic(why) => why.clone().into(),
        Attachment::Native if !config.zero_copy => {
            "native XDP; zero-copy is switched off by configuration".into()
        }
        Attachment::Native if shared.is_some_and(|first| !first.socket.zero_copy()) => {
            "native XDP; shares packet memory with a port that cannot do zero-copy".into()
        }
        Attachment::Native => {
            format!("native XDP; the driver of {} has no zero-copy", program.interface()).into()
        }
    };
    Path { kind: PathKind::AfXdpCopy, reason }
}
