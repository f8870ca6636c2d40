//! Phones go home when the centre is back: not before it has stayed for a while, and so many at a
//! time, since all at once would be the next failure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::watch::Centre;

/// How phones are sent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The centre must have been there for so long.
    pub settled: Duration,
    /// So many phones are told in a second.
    pub per_second: u32,
}

impl Default for Order {
    fn default() -> Self {
        Self { settled: Duration::from_secs(30), per_second: 20 }
    }
}

/// One that comes back does not reach the centre, whatever the gateway sees: it is told again
/// after so long, and after twice as long each time.
const AGAIN: Duration = Duration::from_secs(120);
const AGAIN_AT_MOST: Duration = Duration::from_secs(3600);

/// Decides who is told to go home.
#[derive(Clone, Debug)]
pub struct Homecoming {
    order: Order,
    /// The next moment at which somebody may be told.
    next: Option<Instant>,
    /// When a phone may be told again, and how long it then has to wait.
    told: BTreeMap<String, (Instant, Duration)>,
}

impl Homecoming {
    /// In this order.
    pub fn new(order: Order) -> Self {
        Self { order, next: None, told: BTreeMap::new() }
    }

    /// Whom to tell now, of those who are registered here; to be asked about once a second.
    pub fn whom(&mut self, now: Instant, centre: Centre, registered: &[String]) -> Vec<String> {
        let Centre::Here { since } = centre else {
            // What was learned was of another outage.
            self.told.clear();
            return Vec::new();
        };
        if now < since + self.order.settled || self.next.is_some_and(|next| now < next) {
            return Vec::new();
        }
        self.next = Some(now + Duration::from_secs(1));
        let may_go = |phone: &&String| self.told.get(*phone).is_none_or(|(at, _)| *at <= now);
        let most = self.order.per_second as usize;
        let whom: Vec<_> = registered.iter().filter(may_go).take(most).cloned().collect();
        for phone in &whom {
            let wait = self.told.get(phone).map_or(AGAIN, |(_, wait)| *wait);
            let longer = (wait * 2).min(AGAIN_AT_MOST);
            self.told.insert(phone.clone(), (now + wait, longer));
        }
        whom
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn phones(count: u32) -> Vec<String> {
        (0..count).map(|number| format!("SEP{number:012X}")).collect()
    }

    // R: SRST-08
    #[test]
    fn phones_go_home_in_order_once_the_centre_stays() {
        let order = Order { settled: 30 * SECOND, per_second: 20 };
        let mut homecoming = Homecoming::new(order);
        let (start, mut left) = (Instant::now(), phones(50));
        let here = Centre::Here { since: start };
        assert!(homecoming.whom(start, Centre::Away { since: start }, &left).is_empty());
        assert!(homecoming.whom(start + 29 * SECOND, here, &left).is_empty());
        let mut waves = Vec::new();
        for second in 30..40 {
            let now = start + second * SECOND;
            let whom = homecoming.whom(now, here, &left);
            // Not twice within a second.
            assert!(homecoming.whom(now + SECOND / 2, here, &left).is_empty());
            left.retain(|phone| !whom.contains(phone));
            waves.push(whom.len());
        }
        assert_eq!(waves[..4], [20, 20, 10, 0]);
    }

    // R: SRST-08
    #[test]
    fn one_that_comes_back_is_left_alone_for_longer_each_time() {
        let mut homecoming = Homecoming::new(Order { settled: SECOND, per_second: 20 });
        let (start, one) = (Instant::now(), phones(1));
        let here = Centre::Here { since: start };
        let told: Vec<u32> = (1..3000)
            .filter(|second| !homecoming.whom(start + *second * SECOND, here, &one).is_empty())
            .collect();
        assert_eq!(told, [1, 121, 361, 841, 1801]);
        // Another outage begins anew.
        let now = start + 3000 * SECOND;
        homecoming.whom(now, Centre::Away { since: now }, &one);
        let back = Centre::Here { since: now + SECOND };
        assert_eq!(homecoming.whom(now + 3 * SECOND, back, &one), one);
    }
}
