/// Loss and jitter of the stream a flow receives (RFC 3550 appendices A.3 and A.8), counted the same
/// way in the XDP program and in user space.
///
/// All numbers are modulo 2^32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Reception {
    ssrc: u32,
    /// Extended sequence numbers of the first and of the highest packet.
    first: u32,
    highest: u32,
    /// Packets of this run; 0 before the first one.
    received: u32,
    /// As timestamps are, in units of the payload's clock.
    transit: u32,
    /// Sixteen times the jitter, in units of the payload's clock.
    jitter: u32,
    /// Of streams and runs of sequence numbers that ended.
    lost_before: u32,
    zero: u32,
}

/// What is counted of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Synchronisation source.
    pub ssrc: u32,
    /// Sequence number.
    pub seq_no: u16,
    /// RTP timestamp.
    pub timestamp: u32,
    /// When it came, in units of the payload's clock, modulo 2^32.
    pub at: u32,
}

/// A jump forward of so many sequence numbers is a new start of the sender, not loss.
const MAX_DROPOUT: u16 = 3000;
/// A packet so much too late is still of this run.
const MAX_MISORDER: u16 = 100;

impl Reception {
    /// Words as a map stores it.
    pub const WORDS: usize = 8;

    /// Counts a packet.
    #[inline(always)]
    pub fn count(&mut self, packet: Arrival) {
        let transit = packet.at.wrapping_sub(packet.timestamp);
        if self.received != 0 && self.ssrc == packet.ssrc && self.advance(packet.seq_no) {
            let difference = transit.wrapping_sub(self.transit) as i32;
            self.transit = transit;
            // A sixteenth, rounded.
            let faded = (self.jitter >> 4) + (self.jitter >> 3 & 1);
            let grown = u64::from(self.jitter - faded) + u64::from(difference.unsigned_abs());
            self.jitter = if grown > u64::from(u32::MAX) { u32::MAX } else { grown as u32 };
            return;
        }
        self.lost_before = self.lost();
        let first = u32::from(packet.seq_no);
        (self.ssrc, self.first, self.highest, self.received) = (packet.ssrc, first, first, 1);
        (self.transit, self.jitter) = (transit, 0);
    }

    /// The stream after this one, which somebody else has counted meanwhile: the next packet begins
    /// a new run.
    pub fn after(self, meanwhile: Self) -> Self {
        let latest = if meanwhile.received == 0 { self } else { meanwhile };
        let lost_before = self.lost().wrapping_add(meanwhile.lost());
        Self { lost_before, received: 0, ..latest }
    }

    /// Packets that never came.
    #[inline(always)]
    pub fn lost(&self) -> u32 {
        self.lost_before.wrapping_add(self.lost_of_run())
    }

    /// Jitter in microseconds, for a clock of `clock_hz`.
    pub fn jitter_us(&self, clock_hz: u32) -> u64 {
        let hz = if clock_hz == 0 { 1 } else { clock_hz };
        u64::from(self.jitter >> 4) * 1_000_000 / u64::from(hz)
    }

    /// What several processors have counted of one flow, as if one had: where they saw parts of the
    /// same run, what one of them missed the others may have had.
    pub fn join(self, other: Self) -> Self {
        if other.received == 0 || self.received == 0 {
            let (seen, not) = if self.received == 0 { (other, self) } else { (self, other) };
            return Self { lost_before: seen.lost_before.wrapping_add(not.lost_before), ..seen };
        }
        let lost_before = self.lost_before.wrapping_add(other.lost_before);
        let apart = other.first.wrapping_sub(self.first) as i32;
        if self.ssrc != other.ssrc || apart.unsigned_abs() > u32::from(u16::MAX) {
            let lost_before = lost_before.wrapping_add(other.lost_of_run());
            return Self { lost_before, ..self };
        }
        let ahead = other.highest.wrapping_sub(self.highest) as i32 > 0;
        let latest = if ahead { other } else { self };
        Self {
            first: if apart < 0 { other.first } else { self.first },
            received: self.received.wrapping_add(other.received),
            lost_before,
            ..latest
        }
    }

    /// The value as a map stores it.
    pub fn to_words(self) -> [u32; Self::WORDS] {
        let Self { ssrc, first, highest, received, transit, jitter, lost_before, zero } = self;
        [ssrc, first, highest, received, transit, jitter, lost_before, zero]
    }

    /// The inverse of [`Reception::to_words`].
    pub fn from_words(words: [u32; Self::WORDS]) -> Self {
        let [ssrc, first, highest, received, transit, jitter, lost_before, zero] = words;
        Self { ssrc, first, highest, received, transit, jitter, lost_before, zero }
    }

    /// Whether the sequence number belongs to this run.
    #[inline(always)]
    fn advance(&mut self, seq_no: u16) -> bool {
        let ahead = seq_no.wrapping_sub(self.highest as u16);
        if ahead < MAX_DROPOUT {
            self.highest = self.highest.wrapping_add(ahead as u32);
        } else if ahead <= u16::MAX - MAX_MISORDER {
            return false;
        }
        self.received = self.received.wrapping_add(1);
        true
    }

    #[inline(always)]
    fn lost_of_run(&self) -> u32 {
        if self.received == 0 {
            return 0;
        }
        let expected = self.highest.wrapping_sub(self.first).wrapping_add(1);
        let lost = expected.wrapping_sub(self.received);
        // More came than were expected where some came twice.
        if lost as i32 > 0 { lost } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(reception: &mut Reception, seq_no: u16, timestamp: u32, ssrc: u32, at: u32) {
        reception.count(Arrival { ssrc, seq_no, timestamp, at });
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

    #[test]
    fn what_two_processors_saw_is_one_stream() {
        let (mut one, mut two) = (Reception::default(), Reception::default());
        for seq_no in 0..1000u16 {
            if seq_no % 100 == 7 {
                continue;
            }
            let reception = if seq_no % 300 < 150 { &mut one } else { &mut two };
            count(reception, seq_no, 0, 7, 0);
        }
        assert_eq!(one.join(two).lost(), 10);
        assert_eq!(two.join(one).lost(), 10);
        assert_eq!(one.join(Reception::default()), one);
        assert_eq!(Reception::default().join(one), one);
    }

    #[test]
    fn what_somebody_else_has_counted_is_not_lost() {
        let mut ours = Reception::default();
        for seq_no in [1, 2, 4] {
            count(&mut ours, seq_no, 0, 7, 0);
        }
        let mut theirs = Reception::default();
        for seq_no in [5, 6, 9] {
            count(&mut theirs, seq_no, 0, 7, 0);
        }
        let mut ours = ours.after(theirs);
        assert_eq!(ours.lost(), 3);
        count(&mut ours, 200, 0, 7, 0);
        count(&mut ours, 202, 0, 7, 0);
        assert_eq!(ours.lost(), 4);
    }

    #[test]
    fn words_are_the_value() {
        let mut reception = Reception::default();
        count(&mut reception, 5, 160, 7, 9);
        assert_eq!(Reception::from_words(reception.to_words()), reception);
        assert_eq!(size_of::<Reception>(), 4 * Reception::WORDS);
    }
}
