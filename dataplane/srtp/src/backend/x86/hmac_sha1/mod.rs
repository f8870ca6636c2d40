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

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::cpu::{Avx2, Avx512, ShaNi};
use order::Order;

/// What HMAC needs of a key: SHA-1 states after the key block (RFC 2104 §4), so that a short message costs no more than
/// its own blocks and one more. 40 bytes, read together.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
#[repr(C)]
pub struct MacKey {
    /// State after key ⊕ ipad.
    pub inner: [u32; 5],
    /// State after key ⊕ opad.
    pub outer: [u32; 5],
}

impl MacKey {
    /// From a key of at most 64 bytes; SRTP's has 20.
    ///
    /// # Panics
    /// If it is longer.
    pub fn new(key: &[u8]) -> Self {
        let state_after = |pad: u8| {
            let mut block = [pad; padding::BLOCK];
            for (byte, key) in block[..key.len()].iter_mut().zip(key) {
                *byte ^= key;
            }
            let mut state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
            sha1::block_api::compress(&mut state, &[block]);
            block.zeroize();
            state
        };
        Self { inner: state_after(0x36), outer: state_after(0x5c) }
    }
}

/// One message to authenticate.
#[derive(Clone, Copy)]
pub struct MacJob<'a> {
    /// The key.
    pub key: &'a MacKey,
    /// The message where it lies, usually in the packet.
    pub message: &'a [u8],
    /// Four bytes that follow the message: SRTP's roll-over counter, big-endian (RFC 3711 §4.2).
    pub suffix: Option<[u8; 4]>,
}

/// A full SHA-1 digest; SRTP sends its first ten or four bytes.
pub type Digest = [u8; 20];

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
    pub fn digest(&self, jobs: &[MacJob<'_>], digests: &mut [Digest]) {
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
