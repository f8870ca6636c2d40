use std::io;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::ptr;

use port::{BURST, Frame, Medium, Path, PathKind, Pool, Port, PortStats};

use crate::device::Device;
use crate::error::DpdkError;
use crate::ffi::{self, Mbuf};
use crate::memory::{Memory, view};

/// This driver takes packets only from memory that it has laid out itself.
const WANTS_ITS_OWN: &str = "net_af_xdp";

/// How a port is made.
#[derive(Clone, Debug)]
pub struct PortConfig {
    /// Packets that the device holds in each direction, as far as its driver agrees.
    pub ring_size: u16,
}

impl Default for PortConfig {
    fn default() -> Self {
        Self { ring_size: 512 }
    }
}

/// A port on a device that DPDK drives. It is polled: there is nothing to sleep on.
#[derive(Debug)]
pub struct DpdkPort {
    /// Closed before its memory goes.
    device: Device,
    memory: Memory,
    driver: String,
    /// The pool's memory: no other pool may be passed.
    region: *mut u8,
    stats: PortStats,
}

// SAFETY: DPDK's queues and pools may be used by any thread, one at a time; nothing in here depends
// on which.
unsafe impl Send for DpdkPort {}

impl DpdkPort {
    /// Starts the device; it receives into chunks of `pool`, which is the only one to be passed to
    /// the port from then on.
    pub fn open(pool: &mut Pool, device: Device, config: &PortConfig) -> Result<Self, DpdkError> {
        let driver = device.driver()?;
        if driver == WANTS_ITS_OWN {
            return Err(DpdkError::Driver(driver));
        }
        let mut memory = Memory::over(pool)?;
        if !device.is_ring {
            memory.lend(pool, usize::from(config.ring_size));
            memory.balance(pool);
        }
        // SAFETY: the device is stopped before the memory goes: `close`, and the order of fields.
        let started = unsafe { device.start(memory.raw(), config.ring_size) };
        if let Err(error) = started {
            drop(device);
            memory.fetch_all(pool);
            return Err(error);
        }
        let region = pool.region().0.as_ptr();
        Ok(Self { device, memory, driver, region, stats: PortStats::default() })
    }

    /// Ends the device and takes home what it had. Chunks that are still in another port's device
    /// (rings) are not: read that empty before.
    pub fn close(self, pool: &mut Pool) {
        let Self { device, mut memory, .. } = self;
        drop(device);
        memory.fetch_all(pool);
    }

    /// The device's address on the link.
    pub fn mac(&self) -> Result<[u8; 6], DpdkError> {
        self.device.mac()
    }

    fn check(&self, pool: &Pool) {
        assert_eq!(pool.region().0.as_ptr(), self.region, "a port is used with its own pool");
    }

    /// The frame of a packet that came; `None` if there is no chunk for it.
    fn take(&mut self, pool: &mut Pool, packet: *mut Mbuf) -> Option<Frame> {
        let found = view(packet);
        if self.memory.is_ours(&found) {
            return Some(self.memory.adopt(pool, &found, found.length));
        }
        let room = pool.chunk_size() - usize::from(Pool::HEADROOM);
        let frame = pool.take().filter(|_| found.total as usize <= room).map(|mut frame| {
            frame.set_len(found.total as usize);
            // SAFETY: the frame has room for all of the packet.
            unsafe { ffi::rf_copy_out(packet, frame.bytes_mut().as_mut_ptr().cast()) };
            frame
        });
        // SAFETY: the packet came to us, and nobody else has it.
        unsafe { ffi::rf_free(packet) };
        frame
    }

    /// Sends from the front of a burst that is not longer than [`BURST`]; what the device did not
    /// take is there again.
    fn send(&mut self, pool: &mut Pool, burst: &mut Vec<Frame>) -> usize {
        let mut packets = [ptr::null_mut(); BURST];
        let mut count = 0;
        for frame in burst.drain(..burst.len().min(BURST)) {
            packets[count] = self.memory.packet(pool, frame);
            count += 1;
        }
        // SAFETY: each is a packet of ours; those that are taken are the device's.
        let sent = unsafe { self.device.send(&mut packets[..count]) };
        let memory = &mut self.memory;
        let back = packets[sent..count].iter().map(|&packet| {
            let found = view(packet);
            memory.adopt(pool, &found, found.length)
        });
        burst.splice(0..0, back);
        sent
    }
}

impl Port for DpdkPort {
    fn medium(&self) -> Medium {
        Medium::Ethernet
    }

    fn path(&self) -> Path {
        Path { kind: PathKind::Dpdk, reason: format!("driver {}", self.driver).into() }
    }

    /// Everything is received; there is nothing to open.
    fn open_media(&mut self, _: SocketAddr) -> io::Result<()> {
        Ok(())
    }

    fn close_media(&mut self, _: SocketAddr) -> io::Result<()> {
        Ok(())
    }

    fn rx(&mut self, pool: &mut Pool, burst: &mut Vec<Frame>) -> io::Result<usize> {
        self.check(pool);
        self.memory.balance(pool);
        let mut packets = [ptr::null_mut(); BURST];
        let found = self.device.receive(&mut packets);
        let before = burst.len();
        for &packet in &packets[..found] {
            burst.extend(self.take(pool, packet));
        }
        let count = burst.len() - before;
        self.stats.rx += count as u64;
        self.stats.rx_lost += (found - count) as u64;
        Ok(count)
    }

    fn tx(&mut self, pool: &mut Pool, burst: &mut Vec<Frame>) -> io::Result<usize> {
        self.check(pool);
        let mut count = 0;
        while !burst.is_empty() {
            let some = burst.len().min(BURST);
            let sent = self.send(pool, burst);
            count += sent;
            if sent < some {
                break;
            }
        }
        self.stats.tx += count as u64;
        self.memory.balance(pool);
        Ok(count)
    }

    fn wait_fd(&self) -> Option<RawFd> {
        None
    }

    fn stats(&self) -> PortStats {
        let device = self.device.counts();
        PortStats {
            rx_lost: self.stats.rx_lost + device.missed + device.no_buffer + device.rx_errors,
            tx_lost: self.stats.tx_lost + device.tx_errors,
            ..self.stats
        }
    }

    fn held(&self) -> usize {
        self.memory.held()
    }
}
