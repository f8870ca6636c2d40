//! The authentication half of AES-GCM (NIST SP 800-38D, RFC 7714).
//!
//! The tag is computed over the ciphertext, so a receiver can compare it before it decrypts, and a sender encrypts first:
//! best a whole burst, since ciphertext just written is slow to read again. Both use [`AesCtr`](super::AesCtr) with
//! [`payload_iv`].

mod pclmulqdq;
mod vpclmulqdq;

use super::aes::{Block, check_rounds};
use super::cpu::{AesNi, Vaes};

/// A full tag, the only length RFC 7714 knows.
pub type Tag = [u8; 16];

/// The second and the first power of the hash key: 32 bytes, read with every packet. Kernels make the third and the fourth
/// of them, so that four blocks need one reduction. Reading those instead would be faster for one key and slower for ten
/// thousand.
///
/// Bits are reflected and each power is multiplied by x: then a carry-less product of a reflected block and a power is the
/// reflected product, without a shift.
pub type HashKey = [u32; 8];

/// Powers that a kernel works with.
const POWERS: usize = 4;

/// One packet to compute the tag of.
#[derive(Clone, Copy)]
pub struct TagJob<'a> {
    /// The key's rounds from [`expand_key`](super::expand_key): 11, 13 or 15.
    pub round_keys: &'a [Block],
    /// The same key's hash key.
    pub hash_key: &'a HashKey,
    /// What is authenticated but not encrypted: the RTP header.
    pub associated: &'a [u8],
    /// The payload, encrypted.
    pub ciphertext: &'a [u8],
}

/// GCM tags by the kernel chosen at construction.
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

    /// The tag of a packet. `nonce` is RFC 7714 §8.1's initialization vector as a number of 96 bits, never the same for two
    /// packets of a key.
    ///
    /// # Panics
    /// If the number of round keys is none of AES.
    #[inline]
    pub fn compute(&self, nonce: u128, job: &TagJob<'_>) -> Tag {
        check_rounds(job.round_keys);
        match self.0 {
            Kernel::Vpclmulqdq(proof) => vpclmulqdq::compute(proof, tag_iv(nonce), job),
            Kernel::Pclmulqdq(proof) => pclmulqdq::compute(proof, tag_iv(nonce), job),
        }
    }
}

/// The hash key of the key with these rounds; `None` if the processor has no carry-less multiplication.
pub fn hash_key(round_keys: &[Block]) -> Option<HashKey> {
    Some(pclmulqdq::hash_key(AesNi::detect()?, round_keys))
}

/// The counter block of a packet's first payload block (NIST SP 800-38D §7.1), for [`AesCtr`](super::AesCtr): counter 1
/// belongs to the tag.
#[inline]
pub fn payload_iv(nonce: u128) -> u128 {
    nonce << 32 | 2
}

/// The counter block that encrypts the tag.
#[inline]
fn tag_iv(nonce: u128) -> u128 {
    nonce << 32 | 1
}

impl TagJob<'_> {
    /// The last block that is hashed: both lengths in bits, reflected like the others.
    #[inline]
    fn lengths(&self) -> u128 {
        let bits = |bytes: &[u8]| 8 * bytes.len() as u128;
        (bits(self.associated) << 64) | bits(self.ciphertext)
    }
}
