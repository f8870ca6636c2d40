//! How well a source is received (RFC 3550 §6.4.1, appendices A.1, A.3 and A.8).

use std::time::Instant;

use speech::RATE;
use wire::rtp::SeqNo;

use crate::report::{Heard, in_ntp_units};

/// A jump of the sequence number from this on is not loss, but another count.
const JUMP: u16 = 3000;

#[derive(Debug)]
pub(crate) struct Reception {
    began: Instant,
    /// The first sequence number; `None` before it came.
    first: Option<u32>,
    /// The highest one, with the rounds of the counter above its 16 bits.
    highest: u32,
    received: u32,
    /// What was expected and received when the last report was made.
    reported: (u32, u32),
    /// Of the last packet: how long it was under way, on a clock that begins anywhere.
    transit: i32,
    /// In sixteenths of a sample.
    jitter: u32,
    /// The source's last report.
    last_report: Option<(Instant, u32)>,
}

impl Reception {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            began: now,
            first: None,
            highest: 0,
            received: 0,
            reported: (0, 0),
            transit: 0,
            jitter: 0,
            last_report: None,
        }
    }

    pub(crate) fn count(&mut self, now: Instant, SeqNo(seq_no): SeqNo, timestamp: u32) {
        let ahead = seq_no.wrapping_sub(self.highest as u16);
        let transit = self.clock(now).wrapping_sub(timestamp) as i32;
        match self.first {
            Some(_) if ahead < JUMP => self.highest = self.highest.wrapping_add(ahead.into()),
            // Doubled or overtaken.
            Some(_) if ahead > u16::MAX - JUMP => {}
            _ => {
                self.first = Some(seq_no.into());
                self.highest = seq_no.into();
                self.received = 0;
                self.reported = (0, 0);
                self.transit = transit;
            }
        }
        self.received = self.received.wrapping_add(1);
        let change = transit.wrapping_sub(self.transit).unsigned_abs();
        self.transit = transit;
        self.jitter = self.jitter.wrapping_add(change).wrapping_sub((self.jitter + 8) >> 4);
    }

    pub(crate) fn reported(&mut self, now: Instant, ntp: u32) {
        self.last_report = Some((now, ntp));
    }

    pub(crate) fn report(&mut self, now: Instant, ssrc: u32) -> Heard {
        let expected = self.first.map_or(0, |first| self.highest.wrapping_sub(first) + 1);
        let (expected_before, received_before) =
            std::mem::replace(&mut self.reported, (expected, self.received));
        let expected_now = expected.wrapping_sub(expected_before);
        let received_now = self.received.wrapping_sub(received_before);
        let lost_now = u64::from(expected_now.saturating_sub(received_now));
        let fraction = (lost_now << 8).checked_div(expected_now.into()).unwrap_or(0);
        let (last_report, since_report) = match self.last_report {
            Some((at, ntp)) => (ntp, in_ntp_units(now.saturating_duration_since(at))),
            None => (0, 0),
        };
        Heard {
            ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            lost: expected.wrapping_sub(self.received) as i32,
            highest: self.highest,
            jitter: self.jitter >> 4,
            last_report,
            since_report,
        }
    }

    /// The time in samples.
    fn clock(&self, now: Instant) -> u32 {
        let since = now.saturating_duration_since(self.began);
        (since.as_micros() * RATE as u128 / 1_000_000) as u32
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn losses_and_jitter() {
        let began = Instant::now();
        let mut reception = Reception::new(began);
        let mut count = |n: u16, late: u64| {
            let now = began + Duration::from_millis(20 * u64::from(n) + late);
            reception.count(now, SeqNo(65_530u16.wrapping_add(n)), u32::from(n) * 160);
        };
        (0..20).filter(|n| n % 4 != 1).for_each(|n| count(n, 0));
        let heard = reception.report(began + Duration::from_millis(400), 9);
        // The last one lost is not missed yet: 4 of 5.
        assert_eq!((heard.lost, heard.highest, heard.jitter), (5, 65_530 + 19, 0));
        assert_eq!(heard.fraction_lost, (5 * 256 / 20) as u8);

        let mut count = |n: u16, late: u64| {
            let now = began + Duration::from_millis(20 * u64::from(n) + late);
            reception.count(now, SeqNo(65_530u16.wrapping_add(n)), u32::from(n) * 160);
        };
        (20..200).for_each(|n| count(n, u64::from(n % 2) * 10));
        reception.reported(began + Duration::from_secs(4), 77);
        let heard = reception.report(began + Duration::from_secs(5), 9);
        assert_eq!((heard.fraction_lost, heard.lost), (0, 5));
        // 10 ms are 80 samples.
        assert!((75..=85).contains(&heard.jitter), "{heard:?}");
        assert_eq!((heard.last_report, heard.since_report), (77, 65_536));
    }

    #[test]
    fn another_count_begins_anew() {
        let now = Instant::now();
        let mut reception = Reception::new(now);
        for seq_no in [10, 11, 30_000, 30_001, 30_001, 29_999] {
            reception.count(now, SeqNo(seq_no), 0);
        }
        let heard = reception.report(now, 1);
        assert_eq!((heard.highest, heard.lost, heard.fraction_lost), (30_001, -2, 0));
    }
}
