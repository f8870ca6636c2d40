//! HMAC-SHA1 (RFC 2104) of a burst of messages, each under its own key.
//!
//! SHA-1 is a chain that no processor runs fast, but a burst holds many independent chains. `lanes` runs one message per
//! vector lane (`avx512`, `avx2`), `streams` interleaves four in the SHA instructions; messages of similar length go
//! together, longest first (`order`).

mod avx2;
mod avx512;
mod lanes;
mod order;
mod padding;
mod streams;

use super::super::hmac::{Digest, MacJob};
use super::cpu::{Avx2, Avx512, ShaNi};
use order::Order;

/// HMAC-SHA1 over bursts, by the kernels chosen at construction.
#[derive(Clone, Copy, Debug)]
pub struct HmacSha1(Kernels);

#[derive(Clone, Copy, Debug)]
enum Kernels {
    Avx512 { lanes: Avx512, streams: Option<ShaNi> },
    Avx2(Avx2),
    ShaNi(ShaNi),
}

impl HmacSha1 {
    /// 16 or 32 messages side by side; what is too little for that goes through the SHA instructions, if there are any.
    pub fn avx512() -> Option<Self> {
        Some(Self(Kernels::Avx512 { lanes: Avx512::detect()?, streams: ShaNi::detect() }))
    }

    /// The same without the SHA instructions, so that tests find small rests in the lanes too.
    #[cfg(test)]
    pub(super) fn avx512_alone() -> Option<Self> {
        Some(Self(Kernels::Avx512 { lanes: Avx512::detect()?, streams: None }))
    }

    /// Four messages at a time through the SHA instructions.
    pub fn sha_ni() -> Option<Self> {
        Some(Self(Kernels::ShaNi(ShaNi::detect()?)))
    }

    /// Eight messages side by side: for processors without SHA instructions, which are faster than this.
    pub fn avx2() -> Option<Self> {
        Some(Self(Kernels::Avx2(Avx2::detect()?)))
    }

    /// The digest of `jobs[i]` into `digests[i]`.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn digest(&self, jobs: &[MacJob<'_>], digests: &mut [Digest]) {
        assert_eq!(jobs.len(), digests.len(), "one digest per job");
        let chunks = jobs.chunks(order::MOST_JOBS);
        for (jobs, digests) in chunks.zip(digests.chunks_mut(order::MOST_JOBS)) {
            let order = Order::longest_first(jobs);
            let mut rest = order.as_slice();
            while !rest.is_empty() {
                let (group, others) = rest.split_at(self.group_size(jobs, rest).min(rest.len()));
                self.digest_group(jobs, group, digests);
                rest = others;
            }
        }
    }

    /// How many jobs from the front of `order` are best hashed together.
    fn group_size(&self, jobs: &[MacJob<'_>], order: &[u8]) -> usize {
        match self.0 {
            Kernels::Avx512 { streams, .. } => match avx512::lanes_worthwhile(jobs, order) {
                0 if streams.is_some() => streams::STREAMS,
                0 => 16,
                lanes => lanes,
            },
            Kernels::Avx2(_) => avx2::LANES,
            Kernels::ShaNi(_) => streams::STREAMS,
        }
    }

    fn digest_group(&self, jobs: &[MacJob<'_>], group: &[u8], digests: &mut [Digest]) {
        match self.0 {
            Kernels::Avx512 { streams: Some(streams), .. } if group.len() <= streams::STREAMS => {
                streams::hmac(streams, jobs, group, digests);
            }
            Kernels::Avx512 { lanes, .. } => avx512::hmac(lanes, jobs, group, digests),
            Kernels::Avx2(lanes) => avx2::hmac(lanes, jobs, group, digests),
            Kernels::ShaNi(streams) => streams::hmac(streams, jobs, group, digests),
        }
    }
}
