use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::RawFd;

use crate::{BURST, Frame, Medium, Path, Pool, Port, PortStats};

/// A port whose link is bad, reproducibly.
pub struct FaultInjector<P> {
    port: P,
    rx: Mischief,
    tx: Mischief,
    /// Frames between the mischief and the port's transmit side.
    leaving: Vec<Frame>,
}

/// How bad a direction is: probabilities from 0 to 1, for each frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// The frame is gone.
    pub loss: f64,
    /// It comes twice.
    pub duplication: f64,
    /// One bit of it is turned over.
    pub corruption: f64,
    /// It comes after the next one.
    pub reorder: f64,
}

impl<P: Port> FaultInjector<P> {
    /// `port` with faults; the same `seed` means the same ones.
    pub fn new(port: P, seed: u64, rx: Faults, tx: Faults) -> Self {
        let (rx, tx) = (Mischief::new(rx, seed), Mischief::new(tx, !seed));
        Self { port, rx, tx, leaving: Vec::new() }
    }

    /// The port inside.
    pub fn port(&mut self) -> &mut P {
        &mut self.port
    }
}

impl<P: Port> Port for FaultInjector<P> {
    fn medium(&self) -> Medium {
        self.port.medium()
    }

    fn path(&self) -> Path {
        self.port.path()
    }

    fn open_media(&mut self, local: SocketAddr) -> io::Result<()> {
        self.port.open_media(local)
    }

    fn close_media(&mut self, local: SocketAddr) -> io::Result<()> {
        self.port.close_media(local)
    }

    fn rx(&mut self, pool: &mut Pool, burst: &mut Vec<Frame>) -> io::Result<usize> {
        if self.rx.ready.len() < BURST {
            let begin = burst.len();
            self.port.rx(pool, burst)?;
            self.rx.work(pool, burst.drain(begin..));
        }
        let count = self.rx.ready.len().min(BURST);
        burst.extend(self.rx.ready.drain(..count));
        Ok(count)
    }

    fn tx(&mut self, pool: &mut Pool, burst: &mut Vec<Frame>) -> io::Result<usize> {
        let mut count = 0;
        if self.leaving.is_empty() {
            count = burst.len();
            self.tx.work(pool, burst.drain(..));
            self.leaving.extend(self.tx.ready.drain(..));
        }
        self.port.tx(pool, &mut self.leaving)?;
        Ok(count)
    }

    fn wait_fd(&self) -> Option<RawFd> {
        self.port.wait_fd()
    }

    fn stats(&self) -> PortStats {
        self.port.stats()
    }

    fn details(&self) -> Vec<(&'static str, u64)> {
        self.port.details()
    }

    fn held(&self) -> usize {
        self.port.held() + self.rx.held() + self.tx.held() + self.leaving.len()
    }
}

/// What happens to the frames of one direction.
struct Mischief {
    faults: Faults,
    random: SplitMix,
    /// Comes after the next one.
    late: Option<Frame>,
    ready: VecDeque<Frame>,
}

impl Mischief {
    fn new(faults: Faults, seed: u64) -> Self {
        Self { faults, random: SplitMix(seed), late: None, ready: VecDeque::new() }
    }

    fn work(&mut self, pool: &mut Pool, frames: impl Iterator<Item = Frame>) {
        let mut nothing_new = true;
        for frame in frames {
            nothing_new = false;
            self.afflict(pool, frame);
        }
        if nothing_new {
            // Nobody comes to overtake it.
            self.ready.extend(self.late.take());
        }
    }

    fn afflict(&mut self, pool: &mut Pool, mut frame: Frame) {
        if self.random.happens(self.faults.loss) {
            return pool.give(frame);
        }
        if self.random.happens(self.faults.corruption) && !frame.is_empty() {
            let bit = self.random.next() as usize % (frame.len() * 8);
            frame.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
        }
        let twin = self.random.happens(self.faults.duplication).then(|| pool.take()).flatten();
        if let Some(mut twin) = twin {
            twin.fill(frame.bytes());
            self.ready.push_back(twin);
        }
        if self.late.is_none() && self.random.happens(self.faults.reorder) {
            self.late = Some(frame);
            return;
        }
        self.ready.push_back(frame);
        self.ready.extend(self.late.take());
    }

    fn held(&self) -> usize {
        self.ready.len() + usize::from(self.late.is_some())
    }
}

/// Sebastiano Vigna's SplitMix64: small, and good enough for mischief.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn happens(&mut self, probability: f64) -> bool {
        // 53 bits are what a double holds exactly.
        ((self.next() >> 11) as f64) < probability * (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryPort;

    const COUNT: u32 = 2000;

    /// Sends numbered packets through a bad link and returns what came out.
    fn through(seed: u64, rx: Faults, tx: Faults) -> Vec<Vec<u8>> {
        let mut pool = Pool::new(512, 2048).unwrap();
        let (mut near, far) = MemoryPort::pair(Medium::Ip, 4096);
        let mut far = FaultInjector::new(far, seed, rx, tx);
        let (mut frames, mut out) = (Vec::new(), Vec::new());
        for number in 0..COUNT {
            let mut frame = pool.take().unwrap();
            frame.fill(&number.to_be_bytes());
            frames.push(frame);
            near.tx(&mut pool, &mut frames).unwrap();
        }
        while far.rx(&mut pool, &mut frames).unwrap() > 0 || far.held() > 0 {
            out.extend(frames.iter().map(|frame| frame.bytes().to_vec()));
            // What was received goes back through the other direction's faults.
            far.tx(&mut pool, &mut frames).unwrap();
            assert_eq!(pool.free() + far.held() + frames.len(), pool.chunks());
        }
        assert_eq!(pool.free(), pool.chunks());
        out
    }

    fn numbers(packets: &[Vec<u8>]) -> Vec<u32> {
        packets.iter().map(|p| u32::from_be_bytes(p.as_slice().try_into().unwrap())).collect()
    }

    #[test]
    fn without_faults_nothing_happens() {
        let all = through(1, Faults::default(), Faults::default());
        assert_eq!(numbers(&all), Vec::from_iter(0..COUNT));
    }

    #[test]
    fn loss_loses() {
        let some = through(2, Faults { loss: 0.25, ..Faults::default() }, Faults::default());
        let expected = COUNT as usize * 3 / 4;
        assert!(some.len().abs_diff(expected) < 100, "{}", some.len());
        assert!(numbers(&some).is_sorted());
    }

    #[test]
    fn duplication_doubles() {
        let all = through(3, Faults { duplication: 1.0, ..Faults::default() }, Faults::default());
        assert_eq!(numbers(&all), Vec::from_iter((0..COUNT).flat_map(|n| [n, n])));
    }

    #[test]
    fn corruption_turns_one_bit() {
        let all = through(4, Faults { corruption: 1.0, ..Faults::default() }, Faults::default());
        for (number, packet) in (0..COUNT).zip(numbers(&all)) {
            assert_eq!((number ^ packet).count_ones(), 1);
        }
    }

    #[test]
    fn reorder_swaps_and_keeps_all() {
        let all = through(5, Faults { reorder: 0.5, ..Faults::default() }, Faults::default());
        let mut numbers = numbers(&all);
        assert!(!numbers.is_sorted());
        assert!(numbers.iter().enumerate().all(|(at, &n)| at.abs_diff(n as usize) <= 1));
        numbers.sort();
        assert_eq!(numbers, Vec::from_iter(0..COUNT));
    }

    #[test]
    fn a_seed_is_a_fate() {
        let bad = Faults { loss: 0.1, duplication: 0.1, corruption: 0.1, reorder: 0.1 };
        assert_eq!(through(6, bad, bad), through(6, bad, bad));
        assert_ne!(through(6, bad, bad), through(7, bad, bad));
    }
}
