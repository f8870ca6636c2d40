use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::time::{Duration, SystemTime};

use crate::{Frame, Medium, Path, Pool, Port, PortStats};

/// Magic number of files with nanoseconds.
const MAGIC_NANOSECONDS: u32 = 0xa1b2_3c4d;
const VERSION: [u16; 2] = [2, 4];
const SNAPLEN: u32 = 65_535;
const LINKTYPE_ETHERNET: u32 = 1;
/// Packets begin with an IPv4 or IPv6 header.
const LINKTYPE_RAW: u32 = 101;

/// A port whose frames are written to a pcap file, those received and those taken for sending.
///
/// It writes in the packet's way: for tests and for looking into trouble, not for load. When the
/// bounds are reached or writing fails, the port goes on without.
pub struct PcapTap<P, W: Write> {
    port: P,
    file: W,
    /// Bytes that may still be written.
    left: usize,
    failure: Option<io::Error>,
    /// Records of frames that the port may take.
    records: Vec<u8>,
    ends: Vec<usize>,
}

impl<P: Port, W: Write> PcapTap<P, W> {
    /// Writes what passes `port` to `file`, which becomes no longer than `limit` bytes.
    pub fn new(port: P, mut file: W, limit: usize) -> io::Result<Self> {
        let header = header(port.medium());
        file.write_all(&header)?;
        let left = limit.saturating_sub(header.len());
        Ok(Self { port, file, left, failure: None, records: Vec::new(), ends: Vec::new() })
    }

    /// The port inside.
    pub fn port(&mut self) -> &mut P {
        &mut self.port
    }

    /// Whether frames are still written: neither has the limit been reached nor has writing failed.
    pub fn is_recording(&self) -> bool {
        self.left > 0 && self.failure.is_none()
    }

    /// Ends the recording: the port, and the file or why it is incomplete.
    pub fn finish(mut self) -> (P, io::Result<W>) {
        let file = match self.failure.take() {
            Some(error) => Err(error),
            None => self.file.flush().map(|()| self.file),
        };
        (self.port, file)
    }

    fn note(&mut self, frames: &[Frame]) {
        self.records.clear();
        self.ends.clear();
        if !self.is_recording() {
            return;
        }
        let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        for frame in frames {
            push_record(&mut self.records, time, frame.bytes());
            self.ends.push(self.records.len());
        }
    }

    /// Writes the first `count` of the records noted, as far as the limit allows.
    fn write(&mut self, count: usize) {
        let fitting =
            self.ends[..count.min(self.ends.len())].partition_point(|&end| end <= self.left);
        if fitting < count {
            // The file ends behind a whole record.
            self.left = self.ends.get(fitting.wrapping_sub(1)).copied().unwrap_or(0);
        }
        let Some(&end) = self.ends[..fitting].last() else { return };
        self.left -= end;
        self.failure = self.file.write_all(&self.records[..end]).err();
    }
}

impl<P: Port, W: Write + Send> Port for PcapTap<P, W> {
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
        let begin = burst.len();
        let count = self.port.rx(pool, burst)?;
        self.note(&burst[begin..]);
        self.write(count);
        Ok(count)
    }

    fn tx(&mut self, pool: &mut Pool, burst: &mut Vec<Frame>) -> io::Result<usize> {
        self.note(burst);
        let count = self.port.tx(pool, burst)?;
        self.write(count);
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
        self.port.held()
    }
}

fn header(medium: Medium) -> [u8; 24] {
    let link_type = match medium {
        Medium::Ethernet => LINKTYPE_ETHERNET,
        Medium::Ip => LINKTYPE_RAW,
    };
    let mut header = [0; 24];
    header[..4].copy_from_slice(&MAGIC_NANOSECONDS.to_le_bytes());
    header[4..6].copy_from_slice(&VERSION[0].to_le_bytes());
    header[6..8].copy_from_slice(&VERSION[1].to_le_bytes());
    header[16..20].copy_from_slice(&SNAPLEN.to_le_bytes());
    header[20..].copy_from_slice(&link_type.to_le_bytes());
    header
}

fn push_record(records: &mut Vec<u8>, time: Duration, packet: &[u8]) {
    let len = packet.len() as u32;
    for field in [time.as_secs() as u32, time.subsec_nanos(), len, len] {
        records.extend(field.to_le_bytes());
    }
    records.extend(packet);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryPort;

    const HEADER: usize = 24;
    const RECORD: usize = 16 + 5;

    /// Sends `sent` packets of five bytes through a tap and back.
    fn record(limit: usize, sent: usize, capacity: usize) -> Vec<u8> {
        let mut pool = Pool::new(16, 2048).unwrap();
        let (near, mut far) = MemoryPort::pair(Medium::Ip, capacity);
        let mut near = PcapTap::new(near, Vec::new(), limit).unwrap();
        let mut burst = Vec::new();
        for number in 0..sent {
            let mut frame = pool.take().unwrap();
            frame.fill(&[0x45, 0, 0, 5, number as u8]);
            burst.push(frame);
        }
        near.tx(&mut pool, &mut burst).unwrap();
        pool.give_all(&mut burst);
        far.rx(&mut pool, &mut burst).unwrap();
        far.tx(&mut pool, &mut burst).unwrap();
        near.rx(&mut pool, &mut burst).unwrap();
        pool.give_all(&mut burst);
        assert_eq!(pool.free(), pool.chunks());
        near.finish().1.unwrap()
    }

    #[test]
    fn both_directions_are_written() {
        let file = record(10_000, 2, 8);
        assert_eq!(file[..4], [0x4d, 0x3c, 0xb2, 0xa1]);
        assert_eq!(file[20..24], [101, 0, 0, 0]);
        assert_eq!(file.len(), HEADER + 4 * RECORD);
        let numbers: Vec<_> = file[HEADER..].chunks(RECORD).map(|record| record[20]).collect();
        assert_eq!(numbers, [0, 1, 0, 1]);
        assert_eq!(file[HEADER + 8..HEADER + 16], [5, 0, 0, 0, 5, 0, 0, 0]);
    }

    #[test]
    fn what_the_port_does_not_take_is_not_written() {
        assert_eq!(record(10_000, 5, 3).len(), HEADER + 6 * RECORD);
    }

    #[test]
    fn the_file_ends_at_a_whole_record_within_the_limit() {
        for (limit, records) in [(0, 0), (HEADER + RECORD - 1, 0), (HEADER + 3 * RECORD, 3)] {
            assert_eq!(record(limit, 2, 8).len(), HEADER + records * RECORD, "limit {limit}");
        }
        assert_eq!(record(HEADER + 2 * RECORD + 20, 4, 8).len(), HEADER + 2 * RECORD);
    }
}
