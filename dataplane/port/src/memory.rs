use std::collections::{HashSet, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::{BURST, Frame, Medium, Path, PathKind, Pool, Port, PortStats};

/// One end of a link in memory, for tests.
///
/// What goes in at one end comes out at the other, copied: the ends may have different pools, and
/// may be on different threads. As the port does not know what a frame contains, everything comes
/// out, whether its address is open or not; [`MemoryPort::is_open`] tells what was asked for.
#[derive(Debug)]
pub struct MemoryPort {
    medium: Medium,
    incoming: Arc<Mutex<Lane>>,
    outgoing: Arc<Mutex<Lane>>,
    open: HashSet<SocketAddr>,
    stats: PortStats,
}

/// One direction of the link.
#[derive(Debug)]
struct Lane {
    packets: VecDeque<Vec<u8>>,
    capacity: usize,
}

impl MemoryPort {
    /// Two connected ports. Up to `capacity` packets are under way in each direction, then a port
    /// takes no more.
    pub fn pair(medium: Medium, capacity: usize) -> (Self, Self) {
        let lane = || Arc::new(Mutex::new(Lane { packets: VecDeque::new(), capacity }));
        let (there, back) = (lane(), lane());
        let end = |incoming, outgoing| Self {
            medium,
            incoming,
            outgoing,
            open: HashSet::new(),
            stats: PortStats::default(),
        };
        (end(Arc::clone(&back), Arc::clone(&there)), end(there, back))
    }

    /// Whether datagrams for `local` are asked for.
    pub fn is_open(&self, local: SocketAddr) -> bool {
        self.open.contains(&local)
    }
}

impl Port for MemoryPort {
    fn medium(&self) -> Medium {
        self.medium
    }

    fn path(&self) -> Path {
        Path { kind: PathKind::Memory, reason: "a test".into() }
    }

    fn open_media(&mut self, local: SocketAddr) -> io::Result<()> {
        self.open.insert(local);
        Ok(())
    }

    fn close_media(&mut self, local: SocketAddr) -> io::Result<()> {
        self.open.remove(&local);
        Ok(())
    }

    fn rx(&mut self, pool: &mut Pool, burst: &mut Vec<Frame>) -> io::Result<usize> {
        let mut lane = lock(&self.incoming);
        let mut count = 0;
        while count < BURST && !lane.packets.is_empty() {
            let Some(mut frame) = pool.take() else { break };
            frame.fill(&lane.packets.pop_front().expect("it is not empty"));
            burst.push(frame);
            count += 1;
        }
        self.stats.rx += count as u64;
        Ok(count)
    }

    fn tx(&mut self, pool: &mut Pool, burst: &mut Vec<Frame>) -> io::Result<usize> {
        let mut lane = lock(&self.outgoing);
        let count = burst.len().min(lane.capacity - lane.packets.len());
        for frame in burst.drain(..count) {
            lane.packets.push_back(frame.bytes().to_vec());
            pool.give(frame);
        }
        self.stats.tx += count as u64;
        Ok(count)
    }

    fn wait_fd(&self) -> Option<RawFd> {
        None
    }

    fn stats(&self) -> PortStats {
        self.stats
    }

    fn held(&self) -> usize {
        0
    }
}

fn lock(lane: &Mutex<Lane>) -> MutexGuard<'_, Lane> {
    lane.lock().expect("no end panics while holding it")
}
