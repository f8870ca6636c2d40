/// How much may pass, as the generic cell rate algorithm has it (ITU-T I.371): a packet each
/// `interval`, and as many early ones as fit into `tolerance`. A token bucket whose whole state is one
/// number, the time at which the next packet is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Rate {
    /// Nanoseconds between packets; 0 is without limit.
    pub interval: u64,
    /// Nanoseconds that packets may be early.
    pub tolerance: u64,
}

/// What may pass to the AF_XDP sockets of an interface: the value of [`crate::maps::LIMITS`].
///
/// Packets of a leg's peer, where the engine has named it, have the flow's own budget. Everybody else
/// is a stranger: he has a budget, and all of them together have one, so that no number of strangers
/// keeps the engine from its calls. What passes them may make the engine learn a source; so this
/// limits that too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Limits {
    /// Of the peer of a leg.
    pub flow: Rate,
    /// Of a stranger, by his address.
    pub stranger: Rate,
    /// Of all strangers.
    pub strangers: Rate,
}

impl Rate {
    /// So many packets in a second, and so many at once.
    pub fn new(per_second: u32, at_once: u32) -> Self {
        let interval = 1_000_000_000_u64.checked_div(per_second.into()).unwrap_or(0);
        Self { interval, tolerance: interval * u64::from(at_once.saturating_sub(1)) }
    }

    /// Whether a packet may pass at `now`; `due` is the state.
    #[inline(always)]
    pub fn admits(&self, due: &mut u64, now: u64) -> bool {
        let at = if *due > now { *due } else { now };
        if at - now > self.tolerance {
            return false;
        }
        *due = at + self.interval;
        true
    }
}

impl Limits {
    /// The value as the map stores it.
    pub fn to_words(self) -> [u64; 6] {
        let Self { flow, stranger, strangers } = self;
        [
            flow.interval,
            flow.tolerance,
            stranger.interval,
            stranger.tolerance,
            strangers.interval,
            strangers.tolerance,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: u64 = 1_000_000;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let (rate, mut due) = (Rate::new(1000, 10), 0);
        let mut passed = |from: u64, count: u64, step: u64| {
            (0..count).filter(|n| rate.admits(&mut due, from + n * step)).count()
        };
        let start = 5_000 * MILLISECOND;
        assert_eq!(passed(start, 100, 0), 10, "at once");
        assert_eq!(passed(start, 1000, MILLISECOND / 10), 100 - 1, "a hundred milliseconds");
        assert_eq!(passed(start + 1000 * MILLISECOND, 100, 0), 10, "after a rest");
    }

    #[test]
    fn no_limit_is_no_limit() {
        let mut due = 0;
        let limits = Limits::default();
        assert!((0..1000).all(|_| limits.flow.admits(&mut due, 7)));
        assert_eq!(Rate::new(0, 10), Rate::default());
    }

    #[test]
    fn words_have_no_padding() {
        assert_eq!(size_of::<Limits>(), size_of_val(&Limits::default().to_words()));
    }
}
