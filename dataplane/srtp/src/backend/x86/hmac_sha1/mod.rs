//! HMAC-SHA1 (RFC 2104) of a burst of messages, each under its own key.
//!
//! SHA-1 is a chain that no processor runs fast, but a burst holds many independent chains. `lanes` runs one message per
//! vector lane (`avx512`, `avx2`), `streams` interleaves two in the SHA instructions; messages of similar length go
//! together, longest first (`order`).

mod avx2;
mod avx512;
mod lanes;
mod order;
mod padding;
mod streams;

pub(crate) use super::super::hmac::{Digest, MacJob, MacKey};
use super::cpu::{Avx2, Avx512, ShaNi};
use order::Order;

/// HMAC-SHA1 over bursts, by the kernels chosen at construction.
#[derive(Clone, Copy, Debug)]
pub struct HmacSha1(Kernels);

#[derive(Clone, Copy, Debug)]
enum Kernels {
    Lanes16 { lanes: Avx512, pairs: Option<ShaNi> },
    Lanes8(Avx2),
    Pairs(ShaNi),
}

impl HmacSha1 {
    /// Sixteen messages side by side; what does not fill enough lanes goes through the SHA instructions, if there are any.
    pub fn avx512() -> Option<Self> {
        Some(Self(Kernels::Lanes16 { lanes: Avx512::detect()?, pairs: ShaNi::detect() }))
    }

    /// The same without the SHA instructions: what they do for a small rest can then be tested apart.
    #[cfg(test)]
    pub(super) fn avx512_alone() -> Option<Self> {
        Some(Self(Kernels::Lanes16 { lanes: Avx512::detect()?, pairs: None }))
    }

    /// Two messages at a time through the SHA instructions.
    pub fn sha_ni() -> Option<Self> {
        Some(Self(Kernels::Pairs(ShaNi::detect()?)))
    }

    /// Eight messages side by side: for processors without SHA instructions, which are faster than this.
    pub fn avx2() -> Option<Self> {
        Some(Self(Kernels::Lanes8(Avx2::detect()?)))
    }

    /// The digest of `jobs[i]` into `digests[i]`.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub(crate) fn digest(&self, jobs: &[MacJob<'_>], digests: &mut [Digest]) {
        assert_eq!(jobs.len(), digests.len(), "one digest per job");
        let chunks = jobs.chunks(order::MOST_JOBS);
        for (jobs, digests) in chunks.zip(digests.chunks_mut(order::MOST_JOBS)) {
            let order = Order::longest_first(jobs);
            let mut rest = order.as_slice();
            while !rest.is_empty() {
                let done = self.digest_some(jobs, rest, digests);
                rest = &rest[done..];
            }
        }
    }

    /// Digests as many jobs from the front of `rest` as one kernel call takes, and says how many those were.
    fn digest_some(&self, jobs: &[MacJob<'_>], rest: &[u8], digests: &mut [Digest]) -> usize {
        let up_to = |count| &rest[..rest.len().min(count)];
        match self.0 {
            Kernels::Lanes16 { pairs: Some(pairs), .. } if !avx512::pays(jobs, up_to(16)) => {
                streams::hmac(pairs, jobs, up_to(2), digests)
            }
            Kernels::Lanes16 { lanes, .. } => avx512::hmac(lanes, jobs, up_to(16), digests),
            Kernels::Lanes8(lanes) => avx2::hmac(lanes, jobs, up_to(8), digests),
            Kernels::Pairs(pairs) => streams::hmac(pairs, jobs, up_to(2), digests),
        }
    }
}
