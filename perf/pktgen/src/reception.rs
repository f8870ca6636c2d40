//! What a receiver knows of one flow: loss, repetition, order and jitter.
//!
//! The time is an argument. Counting is that of RFC 3550 (appendices A.1, A.3 and A.8) with two
//! differences: a packet that comes twice is counted as such and hides no loss, and order is judged
//! as in RFC 4737 (§3.3): a packet is reordered that comes after one with a higher number.

use std::time::Duration;

/// How far behind the highest number a packet may be and still be told from a repetition.
pub const WINDOW: u64 = 4096;

const WORDS: usize = (WINDOW / 64) as usize;

/// One packet as it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its number in the flow, rollovers included; [`Reception::extend`] makes it of what RTP has.
    pub number: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// When it came, by any clock that goes steadily.
    pub at: Duration,
}

/// One flow as its receiver sees it.
#[derive(Clone, Debug)]
pub struct Reception {
    /// Of RTP timestamps, in Hz.
    clock_hz: u32,
    state: Option<State>,
    counts: Counts,
}

/// What became of the packets of a flow, or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets that came, repetitions not counted.
    pub received: u64,
    /// Packets between the lowest and the highest number that did not come.
    pub lost: u64,
    /// Packets that came again.
    pub duplicated: u64,
    /// Packets that came behind one with a higher number.
    pub reordered: u64,
    /// How far behind the highest number the latest of these was.
    pub reordered_by: u64,
}

#[derive(Clone, Debug)]
struct State {
    lowest: u64,
    highest: u64,
    /// One bit for each of the [`WINDOW`] numbers up to the highest.
    seen: [u64; WORDS],
    last: Arrival,
    /// In sixteenths of a nanosecond.
    jitter: u64,
    jitter_max: u64,
}

impl Reception {
    /// Of a flow whose timestamps have `clock_hz` steps a second.
    ///
    /// # Panics
    ///
    /// When that is zero.
    pub fn new(clock_hz: u32) -> Self {
        assert!(clock_hz > 0, "time stands still");
        Self { clock_hz, state: None, counts: Counts::default() }
    }

    /// The full number of a packet by its sequence number: the one nearest to the highest so far.
    /// Right unless more than 32,767 are lost in one piece.
    pub fn extend(&self, sequence: u16) -> u64 {
        let Some(state) = &self.state else {
            // Room below, for packets that this one has overtaken.
            return (1 << 16) + u64::from(sequence);
        };
        let step = sequence.wrapping_sub(state.highest as u16) as i16;
        state.highest.saturating_add_signed(step.into())
    }

    /// Counts a packet; false when it is a repetition.
    pub fn packet(&mut self, arrival: Arrival) -> bool {
        let Some(state) = &mut self.state else {
            self.state = Some(State::new(arrival));
            self.counts.received = 1;
            return true;
        };
        if !state.note(arrival.number) {
            self.counts.duplicated += 1;
            return false;
        }
        self.counts.received += 1;
        if arrival.number < state.highest {
            self.counts.reordered += 1;
            let behind = state.highest - arrival.number;
            self.counts.reordered_by = self.counts.reordered_by.max(behind);
        }
        state.time(arrival, self.clock_hz);
        true
    }

    /// What became of the packets so far.
    pub fn counts(&self) -> Counts {
        let expected = self.state.as_ref().map_or(0, |state| state.highest - state.lowest + 1);
        // Those behind the window cannot be told from repetitions.
        Counts { lost: expected.saturating_sub(self.counts.received), ..self.counts }
    }

    /// Interarrival jitter, RFC 3550 §6.4.1: now, and the most it has been.
    pub fn jitter(&self) -> (Duration, Duration) {
        let of = |jitter: u64| Duration::from_nanos(jitter >> 4);
        self.state
            .as_ref()
            .map_or_else(Default::default, |state| (of(state.jitter), of(state.jitter_max)))
    }
}

impl State {
    fn new(first: Arrival) -> Self {
        let mut state = Self {
            lowest: first.number,
            highest: first.number,
            seen: [0; WORDS],
            last: first,
            jitter: 0,
            jitter_max: 0,
        };
        state.mark(first.number);
        state
    }

    /// False when the number was there already. What is older than the window counts as new.
    fn note(&mut self, number: u64) -> bool {
        if number > self.highest {
            if number - self.highest >= WINDOW {
                self.seen = [0; WORDS];
            } else {
                (self.highest + 1..number).for_each(|skipped| self.clear(skipped));
            }
            self.highest = number;
        } else if self.highest - number < WINDOW && self.has(number) {
            return false;
        }
        if self.highest - number < WINDOW {
            self.mark(number);
        }
        self.lowest = self.lowest.min(number);
        true
    }

    /// RFC 3550 A.8, in nanoseconds instead of steps of the clock.
    fn time(&mut self, arrival: Arrival, clock_hz: u32) {
        let steps = arrival.timestamp.wrapping_sub(self.last.timestamp) as i32;
        let sent = i128::from(steps) * 1_000_000_000 / i128::from(clock_hz);
        let came = arrival.at.as_nanos() as i128 - self.last.at.as_nanos() as i128;
        let difference = (came - sent).unsigned_abs() as u64;
        self.jitter = self.jitter + difference - ((self.jitter + 8) >> 4);
        self.jitter_max = self.jitter_max.max(self.jitter);
        self.last = arrival;
    }

    fn has(&self, number: u64) -> bool {
        self.seen[word(number)] & bit(number) != 0
    }

    fn mark(&mut self, number: u64) {
        self.seen[word(number)] |= bit(number);
    }

    fn clear(&mut self, number: u64) {
        self.seen[word(number)] &= !bit(number);
    }
}

fn word(number: u64) -> usize {
    (number % WINDOW / 64) as usize
}

fn bit(number: u64) -> u64 {
    1 << (number % 64)
}

impl Counts {
    /// The share of packets that did not come.
    pub fn loss(&self) -> f64 {
        self.lost as f64 / (self.received + self.lost).max(1) as f64
    }

    /// Both flows together.
    pub fn and(self, other: Self) -> Self {
        Self {
            received: self.received + other.received,
            lost: self.lost + other.lost,
            duplicated: self.duplicated + other.duplicated,
            reordered: self.reordered + other.reordered,
            reordered_by: self.reordered_by.max(other.reordered_by),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const CLOCK: u32 = 8000;
    const SPACING: Duration = Duration::from_millis(20);

    /// What a network does to one packet.
    #[derive(Clone, Copy, Debug)]
    struct Fate {
        lost: bool,
        twice: bool,
        delay_us: u32,
    }

    fn fates() -> impl Strategy<Value = Vec<Fate>> {
        let fate = (0u8..10, 0u8..10, 0u32..150_000).prop_map(|(lost, twice, delay_us)| Fate {
            lost: lost == 0,
            twice: twice == 0,
            delay_us,
        });
        prop::collection::vec(fate, 2..400)
    }

    /// The packets in the order they come out of a network: number and arrival.
    fn through(fates: &[Fate], first: u64) -> Vec<Arrival> {
        let mut arrivals = Vec::new();
        for (count, fate) in (0u32..).zip(fates) {
            let arrival = |later: u32| Arrival {
                number: first + u64::from(count),
                timestamp: u32::MAX.wrapping_sub(1000).wrapping_add(count * 160),
                at: SPACING * count + Duration::from_micros((fate.delay_us + later).into()),
            };
            if !fate.lost {
                arrivals.push(arrival(0));
            }
            if fate.twice && !fate.lost {
                arrivals.push(arrival(7));
            }
        }
        arrivals.sort_by_key(|arrival| arrival.at);
        arrivals
    }

    proptest! {
        #[test]
        fn counts_are_those_of_the_network(fates in fates(), start in any::<u16>()) {
            let first = (1 << 16) + u64::from(start);
            let arrivals = through(&fates, first);
            let mut reception = Reception::new(CLOCK);
            let (mut known, mut reordered, mut behind) = (BTreeSet::new(), 0, 0);
            for arrival in &arrivals {
                let number = reception.extend(arrival.number as u16);
                prop_assert_eq!(number, arrival.number, "rollovers are seen");
                let highest = known.last().copied();
                let fresh = known.insert(number);
                prop_assert_eq!(reception.packet(*arrival), fresh);
                if let (true, Some(highest)) = (fresh, highest) && number < highest {
                    reordered += 1;
                    behind = behind.max(highest - number);
                }
            }
            let span = match (known.first(), known.last()) {
                (Some(first), Some(last)) => last - first + 1,
                _ => 0,
            };
            prop_assert_eq!(reception.counts(), Counts {
                received: known.len() as u64,
                lost: span - known.len() as u64,
                duplicated: (arrivals.len() - known.len()) as u64,
                reordered,
                reordered_by: behind,
            });
        }

        #[test]
        fn jitter_is_that_of_the_rfc(fates in fates()) {
            let mut arrivals = through(&fates, 1 << 16);
            let mut known = BTreeSet::new();
            arrivals.retain(|arrival| known.insert(arrival.number));
            let mut reception = Reception::new(CLOCK);
            let mut exact = 0.0;
            for pair in arrivals.windows(2) {
                let transit = |arrival: &Arrival| {
                    arrival.at.as_secs_f64() - (arrival.number - (1 << 16)) as f64 * 0.02
                };
                let difference: f64 = transit(&pair[1]) - transit(&pair[0]);
                exact += (difference.abs() - exact) / 16.0;
            }
            for arrival in arrivals {
                reception.packet(arrival);
            }
            let (now, most) = reception.jitter();
            prop_assert!((now.as_secs_f64() - exact).abs() < 1e-7, "{now:?} {exact}");
            prop_assert!(most >= now);
        }

        #[test]
        fn a_steady_flow_has_no_jitter(delay in 0u64..1_000_000, count in 2u32..300) {
            let mut reception = Reception::new(CLOCK);
            for number in 0..count {
                let at = SPACING * number + Duration::from_micros(delay);
                reception.packet(Arrival { number: number.into(), timestamp: number * 160, at });
            }
            prop_assert_eq!(reception.jitter(), (Duration::ZERO, Duration::ZERO));
            prop_assert_eq!(reception.counts().loss(), 0.0);
        }
    }

    #[test]
    fn a_long_gap_is_loss_and_nothing_old_is_taken_for_new() {
        let mut reception = Reception::new(CLOCK);
        let at = Duration::ZERO;
        for number in [10, 20_010, 20_010, 20_009] {
            reception.packet(Arrival { number, timestamp: 0, at });
        }
        let counts = reception.counts();
        assert_eq!((counts.received, counts.lost, counts.duplicated), (3, 19_998, 1));
        assert_eq!((counts.reordered, counts.reordered_by), (1, 1));
    }
}
