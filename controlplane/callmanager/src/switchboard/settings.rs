//! What an administrator decides about calls.

use std::collections::BTreeMap;
use std::time::Duration;

/// What an administrator decides about calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// This node's number: the upper 8 bits of all numbers it gives out.
    pub node: u8,
    /// How long a user may think before the first digit.
    pub first_digit: Duration,
    /// How long between digits.
    pub inter_digit: Duration,
    /// How long a failure is heard before the telephone howls.
    pub howler: Duration,
    /// How long it rings where nobody forwards.
    pub no_answer: Duration,
    /// How long it rings before a call is forwarded.
    pub forward_no_answer: Duration,
    /// How long a device has to open a stream.
    pub media: Duration,
    /// How long a relay has to let a stream pass, fail-over to another one included.
    pub relay: Duration,
    /// Whether media goes from device to device where it should always go through a relay, if none
    /// can be had.
    pub relay_fallback: bool,
    /// How often a call may be forwarded.
    pub max_forwards: usize,
    /// How many may speak in a conference.
    pub max_conference: usize,
    /// Whether those on hold hear music, or else a tone.
    pub music_on_hold: bool,
    /// Whether a call goes on without encryption if a telephone cannot use its key.
    pub plain_fallback: bool,
    /// Which codecs regions allow.
    pub regions: Regions,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            node: 0,
            first_digit: Duration::from_secs(15),
            inter_digit: Duration::from_secs(10),
            howler: Duration::from_secs(60),
            no_answer: Duration::from_secs(180),
            forward_no_answer: Duration::from_secs(12),
            media: Duration::from_secs(5),
            relay: Duration::from_secs(5),
            relay_fallback: false,
            max_forwards: 12,
            max_conference: 16,
            music_on_hold: true,
            plain_fallback: false,
            regions: Regions::default(),
        }
    }
}

/// The bit rate that calls between two regions may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regions {
    /// In kbit/s, for those not named in `between`.
    pub default: u32,
    /// In kbit/s; the lesser region first. A region and itself are a pair, too.
    pub between: BTreeMap<(u16, u16), u32>,
}

impl Default for Regions {
    fn default() -> Self {
        Self { default: 64, between: BTreeMap::new() }
    }
}

impl Regions {
    pub(super) fn limit(&self, a: u16, b: u16) -> u32 {
        *self.between.get(&(a.min(b), a.max(b))).unwrap_or(&self.default)
    }
}
