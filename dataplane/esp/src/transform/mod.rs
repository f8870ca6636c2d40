//! The cryptography of packets, suite by suite and burst by burst.
//!
//! A transform sees ESP packets, each from its SPI to its ICV, and knows nothing of associations.
//! What a suite costs most is done for several packets at once where this processor can (`burst`);
//! everything else goes packet by packet (`each`).

#[cfg(target_arch = "x86_64")]
mod burst;
mod each;

use crate::Keys;
use each::Each;

/// Octets of SPI and sequence number.
pub(crate) const HEADER_LEN: usize = 8;

/// Most packets worked on at once.
pub(crate) const BURST: usize = 64;

/// The keys of one association, expanded. Erased when dropped.
pub(crate) enum Transform {
    Each(Box<dyn Each>),
    #[cfg(target_arch = "x86_64")]
    Gcm(Box<burst::GcmKeys>),
    #[cfg(target_arch = "x86_64")]
    CbcSha1(Box<burst::CbcSha1Keys>),
}

/// A packet to seal or to open.
pub(crate) struct Job<'a> {
    pub(crate) transform: &'a Transform,
    /// The half of an extended sequence number that does not travel.
    pub(crate) high: Option<u32>,
    pub(crate) packet: &'a mut [u8],
    /// Opening: whether the ICV verified. If it did not, the packet is as it was.
    pub(crate) good: bool,
}

impl Transform {
    /// The fastest transform for keys. `seed` makes CBC's initialization vectors different from those
    /// of another association under the same key.
    pub(crate) fn new(keys: &Keys, seed: [u8; 16]) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(transform) = burst::transform(keys, seed) {
            return transform;
        }
        Self::packet_by_packet(keys, seed)
    }

    fn packet_by_packet(keys: &Keys, seed: [u8; 16]) -> Self {
        Self::Each(each::transform(keys, seed))
    }

    /// Writes the initialization vector of the packet of that number. Different numbers give
    /// different vectors, and those of CBC cannot be foretold without the key.
    pub(crate) fn write_iv(&self, number: u64, iv: &mut [u8]) {
        match self {
            Self::Each(each) => each.write_iv(number, iv),
            #[cfg(target_arch = "x86_64")]
            Self::Gcm(_) => iv.copy_from_slice(&number.to_be_bytes()),
            #[cfg(target_arch = "x86_64")]
            Self::CbcSha1(keys) => keys.write_iv(number, iv),
        }
    }
}

/// Encrypts what lies between initialization vector and ICV, and sets the ICV. At most [`BURST`] jobs.
pub(crate) fn seal(jobs: &mut [Job<'_>]) {
    for job in &mut *jobs {
        if let Transform::Each(each) = job.transform {
            each.seal(job.high, job.packet);
        }
    }
    #[cfg(target_arch = "x86_64")]
    burst::seal(jobs);
}

/// The inverse, for those whose ICV verifies. At most [`BURST`] jobs.
pub(crate) fn open(jobs: &mut [Job<'_>]) {
    for job in &mut *jobs {
        if let Transform::Each(each) = job.transform {
            job.good = each.open(job.high, job.packet);
        }
    }
    #[cfg(target_arch = "x86_64")]
    burst::open(jobs);
}

/// SPI and sequence number, an extended one with both halves (RFC 4106 §5).
fn associated_data(high: Option<u32>, header: &[u8]) -> ([u8; 12], usize) {
    let mut data = [0; 12];
    data[..4].copy_from_slice(&header[..4]);
    match high {
        Some(high) => {
            data[4..8].copy_from_slice(&high.to_be_bytes());
            data[8..].copy_from_slice(&header[4..]);
            (data, 12)
        }
        None => {
            data[4..8].copy_from_slice(&header[4..]);
            (data, 8)
        }
    }
}

fn split_icv(packet: &mut [u8], icv: usize) -> (&mut [u8], &mut [u8]) {
    packet.split_at_mut(packet.len() - icv)
}

/// Where things lie in an ESP packet.
struct Parts<'a> {
    header: &'a [u8],
    iv: &'a [u8],
    data: &'a mut [u8],
    icv: &'a mut [u8],
}

impl<'a> Parts<'a> {
    fn of(packet: &'a mut [u8], iv: usize, icv: usize) -> Self {
        let (header, rest) = packet.split_at_mut(HEADER_LEN);
        let (iv, rest) = rest.split_at_mut(iv);
        let (data, icv) = rest.split_at_mut(rest.len() - icv);
        Self { header, iv, data, icv }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Suite;

    /// A packet with a suite, random octets and perhaps an extended number.
    #[derive(Clone, Debug)]
    struct Case {
        suite: Suite,
        high: Option<u32>,
        blocks: usize,
        seed: u8,
    }

    impl Case {
        fn any() -> impl Strategy<Value = Self> {
            let suite = prop::sample::select(&Suite::ALL[..]);
            (suite, any::<Option<u32>>(), 1usize..100, any::<u8>())
                .prop_map(|(suite, high, blocks, seed)| Self { suite, high, blocks, seed })
        }

        fn keys(&self) -> Keys {
            let key = |len: usize| (0..len).map(|n| self.seed ^ n as u8).collect::<Vec<_>>();
            let suite = self.suite;
            let keys = [suite.encryption_key_len(), suite.integrity_key_len()].map(key);
            Keys::new(suite, &keys[0], &keys[1]).unwrap()
        }

        fn packet(&self) -> Vec<u8> {
            let around = HEADER_LEN + self.suite.iv_len() + self.suite.icv_len();
            let len = around + self.blocks * self.suite.alignment();
            (0..len).map(|n| self.seed.wrapping_mul(n as u8 | 1)).collect()
        }
    }

    fn work(
        cases: &[Case],
        make: fn(&Keys, [u8; 16]) -> Transform,
        run: fn(&mut [Job<'_>]),
        packets: &mut [Vec<u8>],
    ) -> Vec<bool> {
        let transforms: Vec<_> = cases.iter().map(|case| make(&case.keys(), [9; 16])).collect();
        let jobs = cases.iter().zip(&transforms).zip(packets);
        let jobs = jobs.map(|((case, transform), packet)| Job {
            transform,
            high: case.high,
            packet,
            good: false,
        });
        let mut jobs: Vec<_> = jobs.collect();
        run(&mut jobs);
        jobs.iter().map(|job| job.good).collect()
    }

    proptest! {
        #[test]
        fn bursts_are_what_packets_one_by_one_are(
            cases in prop::collection::vec(Case::any(), 1..=BURST),
            damaged in any::<prop::sample::Index>(),
        ) {
            let clear: Vec<_> = cases.iter().map(Case::packet).collect();
            let (mut fast, mut plain) = (clear.clone(), clear.clone());
            work(&cases, Transform::new, seal, &mut fast);
            work(&cases, Transform::packet_by_packet, seal, &mut plain);
            prop_assert_eq!(&fast, &plain);

            let damaged = damaged.index(cases.len());
            let bit = fast[damaged].len() / 2;
            fast[damaged][bit] ^= 0x10;
            let forged = fast[damaged].clone();
            let good = work(&cases, Transform::new, open, &mut fast);
            for (number, (case, good)) in cases.iter().zip(good).enumerate() {
                prop_assert_eq!(good, number != damaged);
                let text = ..clear[number].len() - case.suite.icv_len();
                let expected = if good { &clear[number] } else { &forged };
                prop_assert_eq!(&fast[number][text], &expected[text]);
            }
        }

        #[test]
        fn initialization_vectors_are_the_same(case in Case::any(), number in any::<u64>()) {
            let mut vectors = [vec![0; case.suite.iv_len()], vec![0; case.suite.iv_len()]];
            Transform::new(&case.keys(), [9; 16]).write_iv(number, &mut vectors[0]);
            Transform::packet_by_packet(&case.keys(), [9; 16]).write_iv(number, &mut vectors[1]);
            prop_assert_eq!(&vectors[0], &vectors[1]);
        }
    }
}
