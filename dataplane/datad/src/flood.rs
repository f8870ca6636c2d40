//! The alarm about floods of media: one, whatever is dropped and wherever it comes from, and not again
//! for a minute. The counters say what it was.

use std::sync::Arc;
use std::time::{Duration, Instant};

use abi::XdpReason;
use port_xdp::Program;
use tracing::{info, warn};

const EVERY: Duration = Duration::from_secs(1);
const QUIET: Duration = Duration::from_secs(60);

/// Watches what the limits of XDP programs drop.
pub struct FloodWatch {
    programs: Vec<Arc<Program>>,
    next_look: Instant,
    alarm: Alarm,
}

impl FloodWatch {
    /// Watches these programs.
    pub fn new<'p>(
        now: Instant,
        programs: impl Iterator<Item = &'p (Arc<Program>, String, u32)>,
    ) -> Self {
        let programs = programs.map(|(program, ..)| program.clone()).collect();
        Self { programs, next_look: now + EVERY, alarm: Alarm::default() }
    }

    /// When [`FloodWatch::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        (!self.programs.is_empty()).then_some(self.next_look)
    }

    /// Looks, when it is time, and raises the alarm.
    pub fn handle_timeout(&mut self, now: Instant) {
        if now < self.next_look {
            return;
        }
        self.next_look = now + EVERY;
        let counters = self.programs.iter().filter_map(|program| program.counters().ok()).flatten();
        let limited = counters.filter(|(reason, _)| XdpReason::LIMITS.contains(reason));
        match self.alarm.look(now, limited.map(|(_, count)| count).sum()) {
            Some(Said::Flood(dropped)) => warn!(
                dropped,
                "more media than the limits in [datad.limits] admit is dropped; `ringfence relay \
                 show` says whose: drop-peer-limit, drop-stranger-limit, drop-strangers-limit"
            ),
            Some(Said::Over(dropped)) => info!(dropped, "the flood of media is over"),
            None => {}
        }
    }
}

/// When to say what.
#[derive(Default)]
struct Alarm {
    seen: u64,
    /// When it was raised, how many had been dropped before, and when the last one was seen.
    raised: Option<(Instant, u64, Instant)>,
}

#[derive(Debug, PartialEq)]
enum Said {
    Flood(u64),
    Over(u64),
}

impl Alarm {
    fn look(&mut self, now: Instant, total: u64) -> Option<Said> {
        let dropped = total.saturating_sub(std::mem::replace(&mut self.seen, total));
        match &mut self.raised {
            None if dropped > 0 => {
                self.raised = Some((now, total - dropped, now));
                Some(Said::Flood(dropped))
            }
            None => None,
            Some((at, before, last)) => {
                if dropped > 0 {
                    *last = now;
                }
                let whole = total - *before;
                if now.duration_since(*last) >= QUIET {
                    self.raised = None;
                    return Some(Said::Over(whole));
                }
                let again = dropped > 0 && now.duration_since(*at) >= QUIET;
                again.then(|| {
                    *at = now;
                    Said::Flood(whole)
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alarm_a_minute_and_the_end() {
        let (start, mut alarm) = (Instant::now(), Alarm::default());
        let mut said = Vec::new();
        for second in 0..300 {
            // A flood from the tenth second to the hundredth.
            let total = 1000 * (second.clamp(9, 100) - 9);
            let now = start + Duration::from_secs(second);
            said.extend(alarm.look(now, total).map(|said| (second, said)));
        }
        let expected =
            [(10, Said::Flood(1000)), (70, Said::Flood(61_000)), (160, Said::Over(91_000))];
        assert_eq!(said, expected);
    }
}
