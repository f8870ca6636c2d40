use wire::rtp::{Packet, Ssrc};

/// Loss and jitter of the stream a leg receives (RFC 3550 appendices A.3 and A.8).
#[derive(Clone, Debug, Default)]
pub(crate) struct Reception {
    stream: Option<Stream>,
    /// Of streams and runs of sequence numbers that ended.
    lost_before: u32,
}

#[derive(Clone, Debug)]
struct Stream {
    ssrc: Ssrc,
    /// Extended sequence numbers of the first and of the highest packet, modulo 2^32.
    first: u32,
    highest: u32,
    received: u32,
    /// Modulo 2^32, as timestamps are.
    transit: u32,
    /// Sixteen times the jitter, in units of the payload's clock.
    jitter: u32,
}

/// A jump forward of so many sequence numbers is a new start of the sender, not loss.
const MAX_DROPOUT: u16 = 3000;
/// A packet so much too late is still of this run.
const MAX_MISORDER: u16 = 100;

impl Reception {
    /// Counts a packet that arrived at `arrival`, in units of the payload's clock, modulo 2^32.
    pub(crate) fn count(&mut self, packet: &Packet<'_>, arrival: u32) {
        let transit = arrival.wrapping_sub(packet.timestamp());
        let seq_no = packet.seq_no().0;
        let stream = self.stream.as_mut().filter(|stream| stream.ssrc == packet.ssrc());
        if let Some(stream) = stream
            && stream.advance(seq_no)
        {
            let difference = transit.wrapping_sub(stream.transit) as i32;
            stream.transit = transit;
            // A sixteenth, rounded.
            let faded = (stream.jitter >> 4) + (stream.jitter >> 3 & 1);
            stream.jitter = (stream.jitter - faded).saturating_add(difference.unsigned_abs());
            return;
        }
        self.lost_before = u32::try_from(self.lost()).unwrap_or(u32::MAX);
        let first = u32::from(seq_no);
        let ssrc = packet.ssrc();
        self.stream = Some(Stream { ssrc, first, highest: first, received: 1, transit, jitter: 0 });
    }

    pub(crate) fn lost(&self) -> u64 {
        u64::from(self.lost_before) + self.stream.as_ref().map_or(0, Stream::lost)
    }

    /// Jitter in microseconds.
    pub(crate) fn jitter_us(&self, clock_hz: u32) -> u64 {
        let jitter = self.stream.as_ref().map_or(0, |stream| u64::from(stream.jitter >> 4));
        jitter * 1_000_000 / u64::from(clock_hz.max(1))
    }
}

impl Stream {
    /// Whether the sequence number belongs to this run.
    fn advance(&mut self, seq_no: u16) -> bool {
        let ahead = seq_no.wrapping_sub(self.highest as u16);
        if ahead < MAX_DROPOUT {
            self.highest = self.highest.wrapping_add(ahead.into());
        } else if ahead <= u16::MAX - MAX_MISORDER {
            return false;
        }
        self.received = self.received.wrapping_add(1);
        true
    }

    fn lost(&self) -> u64 {
        let expected = self.highest.wrapping_sub(self.first).wrapping_add(1);
        // More came than were expected where some came twice.
        (expected.wrapping_sub(self.received) as i32).max(0) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(seq_no: u16, timestamp: u32, ssrc: u32) -> [u8; 12] {
        let mut bytes = [0x80; 12];
        bytes[2..4].copy_from_slice(&seq_no.to_be_bytes());
        bytes[4..8].copy_from_slice(&timestamp.to_be_bytes());
        bytes[8..].copy_from_slice(&ssrc.to_be_bytes());
        bytes
    }

    fn count(reception: &mut Reception, seq_no: u16, timestamp: u32, ssrc: u32, arrival: u32) {
        reception.count(&Packet::new_checked(&packet(seq_no, timestamp, ssrc)).unwrap(), arrival);
    }

    #[test]
    fn loss_over_the_wrap_of_sequence_numbers() {
        let mut reception = Reception::default();
        for seq_no in [65533, 65534, 1, 0, 4] {
            count(&mut reception, seq_no, 0, 7, 0);
        }
        // 65535, 2 and 3 are missing.
        assert_eq!(reception.lost(), 3);
    }

    #[test]
    fn a_new_start_is_not_loss() {
        let mut reception = Reception::default();
        for (seq_no, ssrc) in [(10, 1), (12, 1), (40_000, 1), (40_001, 1), (7, 2), (8, 2)] {
            count(&mut reception, seq_no, 0, ssrc, 0);
        }
        assert_eq!(reception.lost(), 1);
    }

    #[test]
    fn jitter_of_alternating_delay() {
        let mut reception = Reception::default();
        for i in 0..1000u32 {
            let delay = if i % 2 == 0 { 0 } else { 80 };
            count(&mut reception, i as u16, i * 160, 1, i * 160 + delay);
        }
        // Every difference is 80 units of 125 µs: 10 ms.
        let jitter = reception.jitter_us(8000);
        assert!((9_000..=10_000).contains(&jitter), "{jitter}");
    }

    #[test]
    fn jitter_survives_the_wrap_of_timestamps() {
        let mut reception = Reception::default();
        for i in 0..100u32 {
            let timestamp = (u32::MAX - 8000).wrapping_add(i * 160);
            count(&mut reception, i as u16, timestamp, 1, i * 160);
        }
        assert_eq!(reception.jitter_us(8000), 0);
    }
}
