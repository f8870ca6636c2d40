//! The authentication half of AES-GCM (NIST SP 800-38D, RFC 7714) over a burst of packets, each under its own key.
//!
//! The tag is computed over the ciphertext, so a receiver can compare all tags of a burst before it decrypts any packet,
//! and a sender encrypts first. Both use [`AesCtr`](super::AesCtr) with [`payload_iv`].

mod pclmulqdq;
mod vpclmulqdq;

use std::array;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::aes::{Block, check_rounds};
use super::cpu::{AesNi, Vaes};

/// RFC 7714 §8.1: what makes the counter blocks of a packet.
pub type Nonce = [u8; 12];

/// A full tag, the only length RFC 7714 knows.
pub type Tag = [u8; 16];

/// The second and the first power of the hash key: 32 bytes, read with every packet. Kernels make the third and the fourth
/// of them, so that four blocks need one reduction. Reading those instead would be faster for one key and slower for ten
/// thousand.
///
/// Bits are reflected and each power is multiplied by x: then a carry-less product of a reflected block and a power is the
/// reflected product, without a shift.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
#[repr(C)]
pub struct HashKey([Block; 2]);

/// Powers that a kernel works with.
const POWERS: usize = 4;

/// One packet to compute the tag of.
#[derive(Clone, Copy)]
pub struct TagJob<'a> {
    /// The key's rounds from [`expand_key`](super::expand_key): 11, 13 or 15.
    pub round_keys: &'a [Block],
    /// The same key's hash key.
    pub hash_key: &'a HashKey,
    /// Never the same for two packets of a key.
    pub nonce: Nonce,
    /// What is authenticated but not encrypted: the RTP header.
    pub associated: &'a [u8],
    /// The payload, encrypted.
    pub ciphertext: &'a [u8],
}

/// GCM tags over bursts, by the kernel chosen at construction.
#[derive(Clone, Copy, Debug)]
pub struct GcmTag(Kernel);

#[derive(Clone, Copy, Debug)]
enum Kernel {
    Vpclmulqdq(Vaes),
    Pclmulqdq(AesNi),
}

impl GcmTag {
    /// Four blocks a register.
    pub fn vpclmulqdq() -> Option<Self> {
        Some(Self(Kernel::Vpclmulqdq(Vaes::detect()?)))
    }

    /// One block a register.
    pub fn pclmulqdq() -> Option<Self> {
        Some(Self(Kernel::Pclmulqdq(AesNi::detect()?)))
    }

    /// The tag of `jobs[i]` into `tags[i]`.
    ///
    /// # Panics
    /// If the slices differ in length, or the number of round keys is none of AES.
    pub fn compute(&self, jobs: &[TagJob<'_>], tags: &mut [Tag]) {
        assert_eq!(jobs.len(), tags.len(), "one tag per job");
        jobs.iter().for_each(|job| check_rounds(job.round_keys));
        match self.0 {
            Kernel::Vpclmulqdq(proof) => vpclmulqdq::compute(proof, jobs, tags),
            Kernel::Pclmulqdq(proof) => pclmulqdq::compute(proof, jobs, tags),
        }
    }
}

impl HashKey {
    /// The powers as stored, and back.
    pub fn from_blocks(blocks: [Block; 2]) -> Self {
        Self(blocks)
    }

    /// See [`HashKey::from_blocks`].
    pub fn as_blocks(&self) -> &[Block; 2] {
        &self.0
    }

    /// For the key with these rounds; `None` if the processor has no carry-less multiplication.
    pub fn new(round_keys: &[Block]) -> Option<Self> {
        Some(pclmulqdq::hash_key(AesNi::detect()?, round_keys))
    }
}

/// The counter block of a packet's first payload block (NIST SP 800-38D §7.1): counter 1 belongs to the tag.
pub fn payload_iv(nonce: &Nonce) -> Block {
    counter_block(nonce, 2)
}

fn counter_block(nonce: &Nonce, counter: u32) -> Block {
    let counter = counter.to_be_bytes();
    array::from_fn(|index| if index < 12 { nonce[index] } else { counter[index - 12] })
}

impl TagJob<'_> {
    /// The last block that is hashed: both lengths in bits, reflected like the others.
    fn lengths(&self) -> u128 {
        let bits = |bytes: &[u8]| 8 * bytes.len() as u128;
        (bits(self.associated) << 64) | bits(self.ciphertext)
    }
}
