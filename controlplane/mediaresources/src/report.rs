//! RTCP (RFC 3550 §6): what was sent and how well was heard.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arrayvec::ArrayVec;

use crate::packet::LONGEST;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
const CNAME: u8 = 1;

/// Octets of a canonical name.
const NAME: usize = 16;

/// Seconds from 1900, where NTP begins, to 1970.
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// Who reports, and by which clock.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    started: Instant,
    wall: SystemTime,
    /// The same for all streams and told nobody anything (RFC 7022).
    name: [u8; NAME],
}

/// What was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) ssrc: u32,
    pub(crate) timestamp: u32,
    pub(crate) packets: u32,
    pub(crate) octets: u32,
}

/// How well a source was heard: a report block (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) ssrc: u32,
    /// Since the last report, of 256.
    pub(crate) fraction_lost: u8,
    /// Since the beginning; negative if packets were doubled.
    pub(crate) lost: i32,
    pub(crate) highest: u32,
    pub(crate) jitter: u32,
    /// The middle of the NTP time in the source's last report, and how long ago that came, in
    /// 1/65536 s.
    pub(crate) last_report: u32,
    pub(crate) since_report: u32,
}

impl Origin {
    pub(crate) fn new(started: Instant, wall: SystemTime, random: u64) -> Self {
        let mut name = [0; NAME];
        for (n, digit) in name.iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(random >> (4 * n) & 0x0f) as usize];
        }
        Self { started, wall, name }
    }

    /// 32 bits of seconds, 32 of their fraction. The machine's clock is read once only: setting it
    /// must not look like a jump of the media.
    fn ntp(&self, now: Instant) -> u64 {
        let wall = self.wall + now.saturating_duration_since(self.started);
        let unix = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let fraction = (u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000;
        (unix.as_secs() + NTP_TO_UNIX) << 32 | fraction
    }
}

/// A compound of sender report and description.
pub(crate) fn sender_report(
    origin: &Origin,
    now: Instant,
    sent: Sent,
    heard: Option<Heard>,
) -> ArrayVec<u8, LONGEST> {
    let mut bytes = ArrayVec::new();
    packet(&mut bytes, SENDER_REPORT, u8::from(heard.is_some()), |bytes| {
        bytes.extend(sent.ssrc.to_be_bytes());
        bytes.extend(origin.ntp(now).to_be_bytes());
        bytes.extend(sent.timestamp.to_be_bytes());
        bytes.extend(sent.packets.to_be_bytes());
        bytes.extend(sent.octets.to_be_bytes());
        heard.into_iter().for_each(|heard| block(bytes, &heard));
    });
    packet(&mut bytes, DESCRIPTION, 1, |bytes| {
        bytes.extend(sent.ssrc.to_be_bytes());
        bytes.extend([CNAME, NAME as u8]);
        bytes.extend(origin.name);
        // The list of items ends with at least one zero.
        bytes.push(0);
    });
    bytes
}

/// A compound that says that a source is no more.
pub(crate) fn bye(origin: &Origin, now: Instant, sent: Sent) -> ArrayVec<u8, LONGEST> {
    let mut bytes = sender_report(origin, now, sent, None);
    packet(&mut bytes, BYE, 1, |bytes| bytes.extend(sent.ssrc.to_be_bytes()));
    bytes
}

fn block(bytes: &mut ArrayVec<u8, LONGEST>, heard: &Heard) {
    bytes.extend(heard.ssrc.to_be_bytes());
    let lost = heard.lost.clamp(-0x80_0000, 0x7f_ffff).to_be_bytes();
    bytes.extend([heard.fraction_lost, lost[1], lost[2], lost[3]]);
    bytes.extend(heard.highest.to_be_bytes());
    bytes.extend(heard.jitter.to_be_bytes());
    bytes.extend(heard.last_report.to_be_bytes());
    bytes.extend(heard.since_report.to_be_bytes());
}

/// One packet of a compound, filled up to whole words.
fn packet(
    bytes: &mut ArrayVec<u8, LONGEST>,
    kind: u8,
    count: u8,
    body: impl FnOnce(&mut ArrayVec<u8, LONGEST>),
) {
    let begin = bytes.len();
    bytes.extend([0x80 | count, kind, 0, 0]);
    body(bytes);
    while (bytes.len() - begin) % 4 != 0 {
        bytes.push(0);
    }
    let words = ((bytes.len() - begin) / 4 - 1) as u16;
    bytes[begin + 2..begin + 4].copy_from_slice(&words.to_be_bytes());
}

/// The source of a sender report at the beginning of a compound and the middle of its NTP time.
pub(crate) fn read_sender_report(bytes: &[u8]) -> Option<(u32, u32)> {
    wire::rtcp::check_compound(bytes).ok()?;
    let word = |at: usize| {
        let octets = bytes.get(at..at + 4)?;
        Some(u32::from_be_bytes([octets[0], octets[1], octets[2], octets[3]]))
    };
    if bytes[1] != SENDER_REPORT {
        return None;
    }
    Some((word(4)?, word(8)? << 16 | word(12)? >> 16))
}

/// A duration in 1/65536 s.
pub(crate) fn in_ntp_units(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros() * 65_536 / 1_000_000).unwrap_or(u32::MAX)
}

/// A receiver report is what a telephone sends that does not speak.
pub(crate) fn is_report(bytes: &[u8]) -> bool {
    wire::rtcp::check_compound(bytes).is_ok() && matches!(bytes[1], SENDER_REPORT | RECEIVER_REPORT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Sent = Sent { ssrc: 0x0102_0304, timestamp: 160, packets: 1, octets: 160 };

    fn origin() -> Origin {
        let wall = UNIX_EPOCH + Duration::from_millis(1500);
        Origin::new(Instant::now(), wall, 0xfedc_ba98_7654_3210)
    }

    #[test]
    fn octets_of_a_report() {
        let origin = origin();
        let heard = Heard {
            ssrc: 0x0a0b_0c0d,
            fraction_lost: 64,
            lost: -2,
            highest: 0x0001_0002,
            jitter: 7,
            last_report: 8,
            since_report: 9,
        };
        let bytes = sender_report(&origin, origin.started, SENT, Some(heard));
        let expected = [
            &[0x81, 200, 0, 12, 1, 2, 3, 4][..],
            &[0x83, 0xaa, 0x7e, 0x81, 0x80, 0, 0, 0, 0, 0, 0, 160, 0, 0, 0, 1, 0, 0, 0, 160],
            &[0x0a, 0x0b, 0x0c, 0x0d, 64, 0xff, 0xff, 0xfe, 0, 1, 0, 2],
            &[0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 9],
            &[0x81, 202, 0, 6, 1, 2, 3, 4, 1, 16],
            b"0123456789abcdef\0\0",
        ]
        .concat();
        assert_eq!(&bytes[..], expected);
        assert_eq!(read_sender_report(&bytes), Some((0x0102_0304, 0x7e81_8000)));
        assert!(is_report(&bytes));
    }

    #[test]
    fn a_goodbye_names_who_goes() {
        let origin = origin();
        let bytes = bye(&origin, origin.started, SENT);
        wire::rtcp::check_compound(&bytes).unwrap();
        assert_eq!(bytes[bytes.len() - 8..], [0x81, 203, 0, 1, 1, 2, 3, 4]);
    }
}
