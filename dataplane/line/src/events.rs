//! Digits as events of RTP (RFC 4733), beside the audio.

/// How often the end of an event is told, so that it arrives (RFC 4733 §2.5.1.4).
const ENDS: usize = 3;
/// Loudness that is told, in decibels below the highest: that of a usual key.
const VOLUME: u8 = 10;
const END: u8 = 0x80;

/// What RFC 4733 calls a digit (§3.2).
const EVENTS: [char; 16] =
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

/// The digit of an event's number.
pub(crate) fn digit(event: u8) -> Option<char> {
    EVENTS.get(usize::from(event)).copied()
}

fn event(digit: char) -> Option<u8> {
    let at = EVENTS.iter().position(|known| *known == digit.to_ascii_uppercase())?;
    Some(at as u8)
}

/// An event on its way out.
#[derive(Debug)]
pub(crate) struct Sending {
    digit: char,
    event: u8,
    /// When it began, in the clock of RTP.
    pub(crate) began: u32,
    duration: u16,
    /// Samples since a packet told of it.
    untold: usize,
    first: bool,
}

/// One packet's share of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Telling {
    /// When the event began.
    pub(crate) began: u32,
    /// Whether this is the first packet of it.
    pub(crate) marker: bool,
    pub(crate) payload: [u8; 4],
}

impl Sending {
    /// A key that goes down; none for one that is no event.
    pub(crate) fn new(digit: char, began: u32) -> Option<Self> {
        let event = event(digit)?;
        Some(Self { digit, event, began, duration: 0, untold: 0, first: true })
    }

    pub(crate) fn is_of(&self, digit: char) -> bool {
        self.digit == digit
    }

    /// The key is down for some samples more; a packet when it is time for one.
    pub(crate) fn lasts(&mut self, samples: usize, between: usize) -> Option<Telling> {
        self.duration = self.duration.saturating_add(samples as u16);
        self.untold += samples;
        if self.untold < between && !self.first {
            return None;
        }
        self.untold = 0;
        Some(self.tell(0))
    }

    /// The key is up.
    pub(crate) fn ends(mut self) -> [Telling; ENDS] {
        [(); ENDS].map(|()| self.tell(END))
    }

    fn tell(&mut self, end: u8) -> Telling {
        let marker = std::mem::replace(&mut self.first, false);
        let [high, low] = self.duration.to_be_bytes();
        Telling { began: self.began, marker, payload: [self.event, end | VOLUME, high, low] }
    }
}

/// Events that come.
#[derive(Debug, Default)]
pub(crate) struct Hearing {
    /// When the last one began, in the clock of RTP.
    last: Option<u32>,
}

impl Hearing {
    /// The digit of an event, when a packet tells of it first.
    pub(crate) fn hear(&mut self, timestamp: u32, payload: &[u8]) -> Option<char> {
        let [event, ..] = payload.first_chunk::<4>()?;
        if self.last.replace(timestamp) == Some(timestamp) {
            return None;
        }
        digit(*event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_told_at_once_again_and_again_and_three_times_at_its_end() {
        let mut sending = Sending::new('#', 1000).unwrap();
        let told: Vec<_> = (0..5).map(|_| sending.lasts(80, 160)).collect();
        let telling = |marker, payload| Some(Telling { began: 1000, marker, payload });
        assert_eq!(
            told,
            [
                telling(true, [11, 10, 0, 80]),
                None,
                telling(false, [11, 10, 0, 240]),
                None,
                telling(false, [11, 10, 1, 144]),
            ]
        );
        let end = Telling { began: 1000, marker: false, payload: [11, 0x8a, 1, 144] };
        assert_eq!(sending.ends(), [end; 3]);
        assert!(Sending::new('x', 0).is_none());
    }

    #[test]
    fn every_digit_is_heard_once_however_often_it_is_told() {
        let mut hearing = Hearing::default();
        for (number, expected) in EVENTS.into_iter().enumerate() {
            let payload = [number as u8, 10, 0, 80];
            let timestamp = 160 * number as u32;
            assert_eq!(hearing.hear(timestamp, &payload), Some(expected));
            assert_eq!(hearing.hear(timestamp, &payload), None);
        }
        assert_eq!(hearing.hear(9999, &[16, 10, 0, 80]), None, "a flash is no digit");
        assert_eq!(hearing.hear(19_999, &[1, 10, 0]), None, "cut short");
    }
}
