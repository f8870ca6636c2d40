//! AES in counter mode (RFC 3711 §4.1.1, NIST SP 800-38A §6.5).
//!
//! A packet is enough to work on at once: the processor is already at the next ones meanwhile, if the caller's loop lets it,
//! for nothing in one packet depends on another.

mod aes_ni;
mod block;
mod completed;
mod schedule;
mod vaes;

pub use completed::{Completed, KEPT};
pub use schedule::expand_key;

pub(super) use block::{encrypt_block, load, load_number, store};

use super::cpu::{AesNi, Vaes};

/// One AES block or round key.
pub type Block = [u8; 16];

/// AES counter mode by the kernel chosen at construction.
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

    /// Encrypts or decrypts `data`, which is the same, in place.
    ///
    /// `round_keys` are 11, 13 or 15 from [`expand_key`]. `iv` is the first counter block as a number, whose lowest sixteen
    /// bits count. It is passed so, and not as bytes, because bytes would be written to memory in two pieces and read in
    /// one, which makes a processor wait.
    ///
    /// # Panics
    /// If the number of round keys is none of AES, or the block counter would come around (the RFCs limit a packet to far
    /// less), since key stream would repeat.
    #[inline]
    pub fn apply(&self, round_keys: &[Block], iv: u128, data: &mut [u8]) {
        match self.0 {
            Kernel::Vaes(proof) => vaes::apply(proof, round_keys, iv, data),
            Kernel::AesNi(proof) => aes_ni::apply(proof, round_keys, iv, data),
        }
    }
}

/// Key stream that comes around would be used twice.
#[inline]
fn check_counter(iv: u128, data: &[u8]) {
    let blocks = data.len().div_ceil(size_of::<Block>());
    assert!(usize::from(iv as u16) + blocks <= 1 << 16, "block counter must not come around");
}

/// Round keys whose number is known to the compiler.
///
/// # Panics
/// If there are not so many.
#[inline]
pub(super) fn sized<const KEYS: usize>(round_keys: &[Block]) -> &[Block; KEYS] {
    round_keys.try_into().expect("11, 13 or 15 round keys, as expanded")
}

/// Fewer round keys would encrypt badly, or not at all.
#[inline]
pub(super) fn check_rounds(round_keys: &[Block]) {
    assert!(matches!(round_keys.len(), 11 | 13 | 15), "round keys as expanded");
}
