//! Sequence numbers and times of arrival (RFC 3550 §6.4.1, appendix A).

use std::time::Duration;

/// Packets that may be missing before a jump counts as a new beginning (RFC 3550 appendix A.1).
const MAX_DROPOUT: i64 = 3000;

/// Packets back that are remembered one by one.
const WINDOW: i64 = 64;

/// One sender, from its first packet on.
#[derive(Debug)]
pub(super) struct Arrivals {
    pub(super) ssrc: u32,
    clock_rate: u32,
    /// Sequence numbers without their rollover.
    first: i64,
    highest: i64,
    /// Which of the last [`WINDOW`] packets came; bit 0 is the highest.
    seen: u64,
    unique: u64,
    /// Arrival less timestamp, of the last packet.
    transit: u32,
    jitter: f64,
    /// At the last report: packets expected and come.
    reported: (u64, u64),
}

/// What an arrival was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// The next one, or one after a gap.
    InOrder,
    /// One that was missed.
    Late,
    /// One that came before.
    Duplicate,
    /// Nothing that fits: whoever sends has begun anew.
    Jump,
}

/// What a receiver report says of a sender (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Loss {
    /// Since the last report, in 256ths.
    pub(super) fraction: u8,
    /// Since the beginning, 24 bits.
    pub(super) cumulative: i32,
    /// Highest sequence number, with its rollovers.
    pub(super) highest: u32,
}

impl Arrivals {
    /// The first packet, and what it says.
    pub(super) fn new(ssrc: u32, clock_rate: u32, seq: u16, timestamp: u32, now: Duration) -> Self {
        let seq = i64::from(seq);
        let mut first = Self {
            ssrc,
            clock_rate,
            first: seq,
            highest: seq,
            seen: 1,
            unique: 1,
            transit: 0,
            jitter: 0.0,
            reported: (0, 0),
        };
        first.transit = first.ticks(now).wrapping_sub(timestamp);
        first
    }

    /// A further packet. `now` is any clock that goes evenly.
    pub(super) fn handle(&mut self, seq: u16, timestamp: u32, now: Duration) -> Arrival {
        let step = i64::from(seq.wrapping_sub(self.highest as u16) as i16);
        let arrival = match step {
            1..=MAX_DROPOUT => {
                self.seen = self.seen.checked_shl(step as u32).unwrap_or(0) | 1;
                self.highest += step;
                Arrival::InOrder
            }
            _ if -step >= WINDOW || step > 0 => return Arrival::Jump,
            _ => {
                let bit = 1 << -step;
                if self.seen & bit != 0 {
                    return Arrival::Duplicate;
                }
                self.seen |= bit;
                self.first = self.first.min(self.highest + step);
                Arrival::Late
            }
        };
        self.unique += 1;
        let transit = self.ticks(now).wrapping_sub(timestamp);
        let difference = f64::from(transit.wrapping_sub(self.transit) as i32).abs();
        self.transit = transit;
        self.jitter += (difference - self.jitter) / 16.0;
        arrival
    }

    /// Packets that did not come.
    pub(super) fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.unique)
    }

    /// In timestamp units.
    pub(super) fn jitter(&self) -> u32 {
        self.jitter as u32
    }

    pub(super) fn jitter_ms(&self) -> f64 {
        self.jitter * 1e3 / f64::from(self.clock_rate)
    }

    /// What to report now; the next report speaks of the time after this one.
    pub(super) fn report(&mut self) -> Loss {
        let (expected, unique) = (self.expected(), self.unique);
        let (expected_before, unique_before) = self.reported;
        self.reported = (expected, unique);
        let interval = expected - expected_before;
        let lost = interval.saturating_sub(unique - unique_before);
        let most = (1 << 23) - 1;
        Loss {
            fraction: (lost * 256).checked_div(interval).unwrap_or(0).min(255) as u8,
            cumulative: self.lost().min(most) as i32,
            highest: self.highest as u32,
        }
    }

    fn expected(&self) -> u64 {
        (self.highest - self.first + 1) as u64
    }

    fn ticks(&self, now: Duration) -> u32 {
        (now.as_nanos() * u128::from(self.clock_rate) / 1_000_000_000) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: Duration = Duration::from_millis(20);

    /// Packets by number, each at its time and `late` milliseconds.
    fn run(packets: &[(u16, u64)]) -> (Arrivals, Vec<Arrival>) {
        let at = |(number, late): (u16, u64)| {
            (
                number.wrapping_add(65_530),
                u32::from(number) * 160,
                PACKET * number.into() + Duration::from_millis(late),
            )
        };
        let (seq, timestamp, now) = at(packets[0]);
        let mut arrivals = Arrivals::new(1, 8000, seq, timestamp, now);
        let handle = |packet: &(u16, u64)| {
            let (seq, timestamp, now) = at(*packet);
            arrivals.handle(seq, timestamp, now)
        };
        let what = packets[1..].iter().map(handle).collect();
        (arrivals, what)
    }

    #[test]
    fn gaps_repetitions_and_stragglers_over_the_rollover() {
        use Arrival::{Duplicate, InOrder, Jump, Late};
        let order = [1, 2, 5, 4, 4, 8, 0, 10_000, 9].map(|number| (number, 0));
        let (mut arrivals, what) = run(&order);
        assert_eq!(
            what,
            [InOrder, InOrder, Late, Duplicate, InOrder, Late, Jump, InOrder],
            "{arrivals:?}"
        );
        // Of 0 to 9: 3, 6 and 7.
        assert_eq!(arrivals.lost(), 3);
        let expected = Loss { fraction: 76, cumulative: 3, highest: 65_539 };
        assert_eq!(arrivals.report(), expected);
        assert_eq!(arrivals.report(), Loss { fraction: 0, ..expected });
    }

    #[test]
    fn jitter_is_that_of_rfc_3550() {
        let even: Vec<_> = (0..200).map(|number| (number, 7)).collect();
        assert_eq!(run(&even).0.jitter(), 0);
        // Every other packet 4 ms late: differences of 32 units, always.
        let uneven: Vec<_> = (0..200).map(|number| (number, u64::from(number % 2) * 4)).collect();
        let (arrivals, _) = run(&uneven);
        assert!((31..=32).contains(&arrivals.jitter()), "{}", arrivals.jitter());
        assert!((3.9..=4.0).contains(&arrivals.jitter_ms()));
    }
}
