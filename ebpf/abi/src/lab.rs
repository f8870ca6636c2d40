//! The programs of the measuring laboratory: yardsticks, a frame generator and a sink.
//!
//! Frames of the generator are Ethernet, IPv4 without options, UDP and RTP. The SSRC is the number
//! of the flow, so that generator and sink recognise a packet by SSRC and sequence number, also
//! behind an SRTP relay, and can tell how long it took.

/// Names of the programs in the object file.
pub mod programs {
    /// Sends every frame back where it came from, addresses of the link layer exchanged.
    pub const BOUNCE: &str = "bounce";
    /// Sends every frame out through the first device of [`super::maps::EXIT`], addresses of the
    /// link layer exchanged.
    pub const REDIRECT: &str = "redirect";
    /// Counts and drops, and notes how long sampled packets were on their way.
    pub const SINK: &str = "sink";
    /// The same as a traffic classifier, on socket buffers. Where frames arrive as such, as on a
    /// veth from an AF_XDP socket, this is cheaper than making XDP frames of them.
    pub const SINK_BUFFERS: &str = "sink_buffers";
    /// Makes RTP packets of many flows from a template frame.
    pub const GENERATE: &str = "generate";
    /// Sends UDP payloads prepared by user space, in order, each once.
    pub const GENERATE_PREPARED: &str = "generate_prepared";
}

/// Names of the maps in the object file.
pub mod maps {
    /// Per-CPU array of one `u64`: frames that sinks saw.
    pub const SEEN: &str = "SEEN";
    /// DEVMAP of one interface.
    pub const EXIT: &str = "EXIT";
    /// Array of one [`super::Generator`].
    pub const GENERATOR: &str = "GENERATOR";
    /// Array of one `[u8; TEMPLATE_LEN]`: the headers that every frame of the generator has at first.
    pub const TEMPLATE: &str = "TEMPLATE";
    /// Array of [`super::Prepared`], mapped into user space.
    pub const PREPARED: &str = "PREPARED";
    /// Array of `u64`: when sampled packets left, by [`super::sample_slot`], in nanoseconds.
    pub const SENT_AT: &str = "SENT_AT";
    /// Per-CPU array of `u64`: a histogram of latencies, by [`super::latency_bucket`].
    pub const LATENCY: &str = "LATENCY";
}

/// Offset of the UDP payload in a generated frame.
pub const PAYLOAD_OFFSET: usize = 42;

/// Headers of a generated frame, that of RTP too.
pub const TEMPLATE_LEN: usize = PAYLOAD_OFFSET + 12;

/// Most bytes of a prepared UDP payload.
pub const PREPARED_MAX: usize = 252;

/// Entries of [`maps::SENT_AT`].
pub const SAMPLE_SLOTS: u32 = 1 << 16;

/// Entries of [`maps::LATENCY`].
pub const LATENCY_BUCKETS: u32 = 64 * 8;

/// Orders for the generator and its progress; eight `u64` for user space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Generator {
    /// Index of the interface the frames leave through.
    pub ifindex: u64,
    /// `generate`: flows, sent round robin to every second port from `first_port`.
    /// `generate_prepared`: entries of the map that there are; behind the last the generator is idle.
    pub count: u64,
    /// Number of the first packet; `generate_prepared` begins with that entry.
    pub first: u64,
    /// Destination port of the first flow.
    pub first_port: u64,
    /// Packets per nanosecond, times 2³²; zero means as fast as possible.
    pub rate_q32: u64,
    /// Set by the program: when it began, in nanoseconds.
    pub began: u64,
    /// Set by the program: frames sent.
    pub sent: u64,
    /// Set by the program: frames that it was too late for.
    pub missed: u64,
}

/// A UDP payload that is ready to be sent.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Prepared {
    /// Destination port, network byte order.
    pub port: [u8; 2],
    /// Length of the payload in the machine's byte order.
    pub len: u16,
    /// The payload, then anything.
    pub payload: [u8; PREPARED_MAX],
}

impl Generator {
    /// The value as the map stores it.
    pub fn to_words(self) -> [u64; 8] {
        let Self { ifindex, count, first, first_port, rate_q32, began, sent, missed } = self;
        [ifindex, count, first, first_port, rate_q32, began, sent, missed]
    }

    /// The inverse of [`Generator::to_words`].
    pub fn from_words(words: [u64; 8]) -> Self {
        let [ifindex, count, first, first_port, rate_q32, began, sent, missed] = words;
        Self { ifindex, count, first, first_port, rate_q32, began, sent, missed }
    }
}

/// Where the departure of a packet is noted; every sixteenth packet of a flow is sampled.
#[inline(always)]
pub fn sample_slot(ssrc: u32, sequence: u16) -> Option<u32> {
    if sequence & 15 != 0 {
        return None;
    }
    Some((ssrc << 4 | u32::from(sequence) >> 4 & 15) & (SAMPLE_SLOTS - 1))
}

/// The bucket of a latency: eight to each power of two.
#[inline(always)]
pub fn latency_bucket(ns: u64) -> u32 {
    if ns < 8 {
        return ns as u32;
    }
    let exponent = 63 - ns.leading_zeros();
    (exponent - 2) * 8 + (ns >> (exponent - 3) & 7) as u32
}

/// The lowest latency of a bucket, the inverse of [`latency_bucket`].
pub fn latency_floor(bucket: u32) -> u64 {
    let (power, eighth) = (bucket / 8, u64::from(bucket % 8));
    if power == 0 { eighth } else { (8 + eighth) << (power - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_within_an_eighth() {
        for ns in (0..20_000).chain([u64::MAX / 3, u64::MAX]) {
            let bucket = latency_bucket(ns);
            assert!(bucket < LATENCY_BUCKETS);
            let floor = latency_floor(bucket);
            assert!(floor <= ns && ns - floor <= floor / 8, "{ns} in {bucket} from {floor}");
            assert_eq!(latency_bucket(floor), bucket);
        }
    }

    #[test]
    fn layouts_have_no_padding() {
        assert_eq!(size_of::<Generator>(), 64);
        assert_eq!(size_of::<Prepared>(), 256);
    }
}
