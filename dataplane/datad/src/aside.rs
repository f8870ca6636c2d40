//! What comes to a media port and is no media: ESP for the control loop, and what the addresses need
//! that only it has. The XDP program lets nothing else through.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded};
use mio::Waker;
use port::{Frame, Pool, PortId};
use wire::datagram::Datagram;

/// Frames that wait for the control loop. What is too much is lost, as on any network.
const WAITING: usize = 1024;

/// The worker's end.
pub struct Aside {
    port: PortId,
    frames: Sender<Vec<u8>>,
    waker: Arc<Waker>,
    lost: Arc<AtomicU64>,
}

/// The control loop's end.
pub struct LaidAside {
    /// Ethernet frames, as they came.
    pub frames: Receiver<Vec<u8>>,
    lost: Arc<AtomicU64>,
}

impl Aside {
    /// For what comes to this port; `waker` wakes the control loop.
    pub fn new(port: PortId, waker: Arc<Waker>) -> (Self, LaidAside) {
        let (sender, frames) = bounded(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let laid = LaidAside { frames, lost: lost.clone() };
        (Self { port, frames: sender, waker, lost }, laid)
    }

    /// Takes what is no media out of a burst, in its order: call agents mean theirs.
    pub fn take(&self, port: PortId, pool: &mut Pool, burst: &mut Vec<Frame>) {
        if port != self.port || burst.iter().all(|frame| is_media(frame.bytes())) {
            return;
        }
        let mut index = 0;
        while index < burst.len() {
            if is_media(burst[index].bytes()) {
                index += 1;
                continue;
            }
            let frame = burst.remove(index);
            if self.frames.try_send(frame.bytes().to_vec()).is_err() {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
            pool.give(frame);
        }
        // A loop that is about to end needs no waking.
        let _ = self.waker.wake();
    }
}

impl LaidAside {
    /// Frames that the control loop was too slow for.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// Whether the engine is to see it: a whole UDP datagram, and not to the port of ESP.
fn is_media(frame: &[u8]) -> bool {
    Datagram::parse_ethernet(frame)
        .is_ok_and(|datagram| datagram.destination.port() != abi::ESP_PORT)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use wire::datagram::ChecksumRule;

    use super::*;

    fn datagram(to: &str) -> Vec<u8> {
        let destination: SocketAddr = to.parse().unwrap();
        let datagram = Datagram {
            source: "192.0.2.1:5000".parse().unwrap(),
            destination,
            traffic_class: 0,
            hops: 64,
            checksum: 0,
            payload_at: 0,
            payload_len: 20,
        };
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
        frame.resize(14 + 28 + 20, 0);
        datagram.emit_ip(&mut frame[14..], ChecksumRule::Compute);
        frame
    }

    fn frame(pool: &mut Pool, content: &[u8]) -> Frame {
        let mut frame = pool.take().unwrap();
        frame.fill(content);
        frame
    }

    #[test]
    fn media_stays_and_the_rest_goes_both_in_their_order() {
        let poll = mio::Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), mio::Token(0)).unwrap());
        let (aside, laid) = Aside::new(PortId(1), waker);
        let mut pool = Pool::new(16, 2048).unwrap();
        let mut esp = datagram("192.0.2.2:20000");
        esp[14 + 9] = 50;
        let arp = [&[0xff; 12][..], &[8, 6], &[0; 28]].concat();
        let contents = [
            datagram("192.0.2.2:20000"),
            esp.clone(),
            datagram("192.0.2.2:20002"),
            datagram("192.0.2.2:4500"),
            arp.clone(),
        ];
        let mut burst: Vec<_> = contents.iter().map(|content| frame(&mut pool, content)).collect();
        aside.take(PortId(0), &mut pool, &mut burst);
        assert_eq!(burst.len(), 5, "of another port");

        aside.take(PortId(1), &mut pool, &mut burst);
        let media: Vec<_> = burst.iter().map(|frame| frame.bytes().to_vec()).collect();
        assert_eq!(media, [contents[0].clone(), contents[2].clone()]);
        let laid_aside: Vec<_> = laid.frames.try_iter().collect();
        assert_eq!(laid_aside, [esp, contents[3].clone(), arp]);
        assert_eq!(pool.free() + burst.len(), pool.chunks());

        for _ in 0..WAITING + 3 {
            burst = vec![frame(&mut pool, &contents[3])];
            aside.take(PortId(1), &mut pool, &mut burst);
        }
        assert_eq!((laid.frames.len(), laid.lost()), (WAITING, 3));
    }
}
