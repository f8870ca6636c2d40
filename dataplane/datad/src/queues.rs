//! All queues of an interface as one port.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use port::{BURST, Frame, Medium, Path, Pool, Port, PortStats};
use port_xdp::XdpPort;
use rustix::event::epoll;

/// The receive queues of an interface, read in turn by one worker; what is sent leaves through the
/// first. A network card spreads flows over its queues by their addresses, so all must be read.
pub struct Queues {
    queues: Vec<XdpPort>,
    next: usize,
    /// Readable when one of them is.
    any: OwnedFd,
}

impl Queues {
    /// Puts queues of one program together; there is at least one.
    pub fn new(queues: Vec<XdpPort>) -> io::Result<Self> {
        let any = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        for fd in queues.iter().filter_map(Port::wait_fd) {
            // SAFETY: the descriptor belongs to a queue, which outlives this call.
            let fd = unsafe { BorrowedFd::borrow_raw(fd) };
            epoll::add(&any, fd, epoll::EventData::new_u64(0), epoll::EventFlags::IN)?;
        }
        Ok(Self { queues, next: 0, any })
    }

    /// A queue whose packet memory others may share.
    pub fn first(&self) -> &XdpPort {
        &self.queues[0]
    }
}

impl Port for Queues {
    fn medium(&self) -> Medium {
        self.first().medium()
    }

    fn path(&self) -> Path {
        self.first().path()
    }

    fn open_media(&mut self, local: SocketAddr) -> io::Result<()> {
        // The program, and with it the list of open ports, is the same for all queues.
        self.queues[0].open_media(local)
    }

    fn close_media(&mut self, local: SocketAddr) -> io::Result<()> {
        self.queues[0].close_media(local)
    }

    fn rx(&mut self, pool: &mut Pool, burst: &mut Vec<Frame>) -> io::Result<usize> {
        let before = burst.len();
        for _ in 0..self.queues.len() {
            self.next = (self.next + 1) % self.queues.len();
            self.queues[self.next].rx(pool, burst)?;
            if burst.len() - before >= BURST {
                break;
            }
        }
        Ok(burst.len() - before)
    }

    fn tx(&mut self, pool: &mut Pool, burst: &mut Vec<Frame>) -> io::Result<usize> {
        self.queues[0].tx(pool, burst)
    }

    fn wait_fd(&self) -> Option<RawFd> {
        Some(self.any.as_raw_fd())
    }

    fn stats(&self) -> PortStats {
        self.queues.iter().map(Port::stats).fold(PortStats::default(), |sum, queue| PortStats {
            rx: sum.rx + queue.rx,
            tx: sum.tx + queue.tx,
            rx_lost: sum.rx_lost + queue.rx_lost,
            tx_lost: sum.tx_lost + queue.tx_lost,
        })
    }

    fn details(&self) -> Vec<(&'static str, u64)> {
        self.first().details()
    }

    fn held(&self) -> usize {
        self.queues.iter().map(Port::held).sum()
    }
}
