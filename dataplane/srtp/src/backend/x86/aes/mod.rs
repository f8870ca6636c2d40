//! AES in counter mode (RFC 3711 §4.1.1, NIST SP 800-38A §6.5) over a burst of buffers, each under its own key.

mod aes_ni;
mod block;
mod completed;
mod schedule;
mod vaes;

pub use completed::{Completed, KEPT};
pub use schedule::expand_key;

pub(super) use block::{encrypt_block, load, store};

use super::cpu::{AesNi, Vaes};

/// One AES block or round key.
pub type Block = [u8; 16];

/// One buffer to encrypt or decrypt in place.
pub struct CtrJob<'a> {
    /// The key's rounds from [`expand_key`]: 11, 13 or 15.
    pub round_keys: &'a [Block],
    /// The first counter block. Its last two bytes are the block counter, big-endian; the rest stays as it is.
    pub iv: Block,
    /// Plain text or cipher text.
    pub data: &'a mut [u8],
}

/// AES counter mode over bursts, by the kernel chosen at construction.
#[derive(Clone, Copy, Debug)]
pub struct AesCtr(Kernel);

#[derive(Clone, Copy, Debug)]
enum Kernel {
    Vaes(Vaes),
    AesNi(AesNi),
}

impl AesCtr {
    /// Four blocks a register.
    pub fn vaes() -> Option<Self> {
        Some(Self(Kernel::Vaes(Vaes::detect()?)))
    }

    /// One block a register, eight registers in flight.
    pub fn aes_ni() -> Option<Self> {
        Some(Self(Kernel::AesNi(AesNi::detect()?)))
    }

    /// Encrypts or decrypts, which is the same, every job in place.
    ///
    /// # Panics
    /// If the number of round keys is none of AES, or the block counter of a job would come around (both RFCs limit a
    /// packet to far less), since key stream would repeat.
    pub fn apply(&self, jobs: &mut [CtrJob<'_>]) {
        match self.0 {
            Kernel::Vaes(proof) => vaes::apply(proof, jobs),
            Kernel::AesNi(proof) => aes_ni::apply(proof, jobs),
        }
    }
}

/// Key stream that comes around would be used twice.
fn check_counter(iv: &Block, data: &[u8]) {
    let first = u16::from_be_bytes([iv[14], iv[15]]);
    let blocks = data.len().div_ceil(size_of::<Block>());
    assert!(usize::from(first) + blocks <= 1 << 16, "block counter must not come around");
}

/// Round keys whose number is known to the compiler.
///
/// # Panics
/// If there are not so many.
fn sized<const KEYS: usize>(round_keys: &[Block]) -> &[Block; KEYS] {
    round_keys.try_into().expect("11, 13 or 15 round keys, as expanded")
}

/// Fewer round keys would encrypt badly, or not at all.
pub(super) fn check_rounds(round_keys: &[Block]) {
    assert!(matches!(round_keys.len(), 11 | 13 | 15), "round keys as expanded");
}
