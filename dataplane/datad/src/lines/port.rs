//! The port that leads to the telephones: queues between two threads.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use line::Packet;
use port::{BURST, Frame, Medium, Path, PathKind, Pool, Port, PortStats};
use wire::datagram::{ChecksumRule, Datagram};

/// Time to live of packets that go nowhere.
const HOPS: u8 = 64;

/// The packet worker's end of the way to the telephones.
pub struct LinePort {
    from_lines: Receiver<Packet>,
    to_lines: Sender<FromRelay>,
    bell: Arc<OwnedFd>,
    stats: PortStats,
}

/// A packet for a telephone.
pub struct FromRelay {
    /// The relay's address.
    pub relay: SocketAddr,
    /// RTP.
    pub rtp: Vec<u8>,
}

impl LinePort {
    /// A port that is rung when there is something to receive.
    pub fn new(
        from_lines: Receiver<Packet>,
        to_lines: Sender<FromRelay>,
        bell: Arc<OwnedFd>,
    ) -> Self {
        Self { from_lines, to_lines, bell, stats: PortStats::default() }
    }
}

impl Port for LinePort {
    fn medium(&self) -> Medium {
        Medium::Ip
    }

    fn path(&self) -> Path {
        let reason = "the telephones of voice endpoints are emulated in this process".into();
        Path { kind: PathKind::Memory, reason }
    }

    fn open_media(&mut self, _local: SocketAddr) -> io::Result<()> {
        Ok(())
    }

    fn close_media(&mut self, _local: SocketAddr) -> io::Result<()> {
        Ok(())
    }

    fn rx(&mut self, pool: &mut Pool, burst: &mut Vec<Frame>) -> io::Result<usize> {
        let mut rings = [0; 8];
        // Nothing to read means that it did not ring. First this, so that no ring is missed.
        let _ = rustix::io::read(&*self.bell, &mut rings);
        let mut count = 0;
        while count < BURST
            && let Ok(packet) = self.from_lines.try_recv()
        {
            let Some(mut frame) = pool.take() else {
                self.stats.rx_lost += 1;
                continue;
            };
            write(&mut frame, &packet);
            burst.push(frame);
            count += 1;
        }
        if count == BURST {
            // There may be more.
            let _ = rustix::io::write(&*self.bell, &1u64.to_ne_bytes());
        }
        self.stats.rx += count as u64;
        Ok(count)
    }

    fn tx(&mut self, pool: &mut Pool, burst: &mut Vec<Frame>) -> io::Result<usize> {
        let count = burst.len();
        for frame in burst.drain(..) {
            let sent = Datagram::parse_ip(frame.bytes()).ok().is_some_and(|datagram| {
                let rtp = &frame.bytes()[datagram.payload_at..][..datagram.payload_len];
                let packet = FromRelay { relay: datagram.source, rtp: rtp.to_vec() };
                self.to_lines.try_send(packet).is_ok()
            });
            if sent {
                self.stats.tx += 1;
            } else {
                self.stats.tx_lost += 1;
            }
            pool.give(frame);
        }
        Ok(count)
    }

    fn wait_fd(&self) -> Option<RawFd> {
        Some(self.bell.as_raw_fd())
    }

    fn stats(&self) -> PortStats {
        self.stats
    }

    fn held(&self) -> usize {
        0
    }
}

fn write(frame: &mut Frame, packet: &Packet) {
    let datagram = Datagram {
        source: packet.from,
        destination: packet.to,
        traffic_class: 0,
        hops: HOPS,
        checksum: 0,
        payload_at: 0,
        payload_len: packet.rtp.len(),
    };
    frame.fill(&packet.rtp);
    frame.move_start(-(datagram.headers_len() as isize));
    datagram.emit_ip(frame.bytes_mut(), ChecksumRule::None);
}
