//! Numbers that have their limits.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

macro_rules! bounded {
    ($(#[doc = $doc:literal])+ $name:ident: $inner:ty, $range:expr, $what:literal) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub $inner);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = <$inner>::deserialize(deserializer)?;
                let range: RangeInclusive<$inner> = $range;
                if range.contains(&value) {
                    Ok(Self(value))
                } else {
                    Err(D::Error::custom(format!(
                        concat!("{} is out of range: ", $what, " from {} to {}"),
                        value, range.start(), range.end(),
                    )))
                }
            }
        }
    };
}

bounded!(
    /// Number of packet buffers.
    Frames: usize, 1024..=1 << 20, "packet buffers"
);
bounded!(
    /// Number of endpoints.
    Endpoints: u32, 1..=1_000_000, "endpoints"
);
bounded!(
    /// Number of streams.
    Streams: u32, 1..=1_000_000, "streams"
);
bounded!(
    /// A time in milliseconds.
    Millis: u64, 0..=600_000, "milliseconds"
);
bounded!(
    /// A time in seconds.
    Seconds: u64, 0..=86_400, "seconds"
);

impl Millis {
    /// The time.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl Seconds {
    /// The time.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}
