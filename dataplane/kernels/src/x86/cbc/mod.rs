//! AES in CBC mode (NIST SP 800-38A §6.2).
//!
//! Encryption is a chain, in which each block waits for the one before: `chains` takes several messages side by side.
//! Decryption has nothing to wait for, and takes one message after the other.

mod aes_ni;
mod chains;
mod vaes;

use super::aes::{Block, check_rounds};
use super::cpu::{AesNi, Vaes};

/// A message to encrypt or decrypt, in place.
pub struct CbcJob<'a> {
    /// 11, 13 or 15: from [`expand_key`](super::expand_key) to encrypt, from [`invert_key`] to decrypt.
    pub round_keys: &'a [Block],
    /// The initialization vector, which stays, and the text behind it.
    pub text: &'a mut [Block],
}

/// AES-CBC by the kernels chosen at construction.
#[derive(Clone, Copy, Debug)]
pub struct AesCbc(Kernels);

#[derive(Clone, Copy, Debug)]
enum Kernels {
    Vaes { chains: AesNi, blocks: Vaes },
    AesNi(AesNi),
}

impl AesCbc {
    /// Decrypts four blocks a register.
    pub fn vaes() -> Option<Self> {
        Some(Self(Kernels::Vaes { chains: AesNi::detect()?, blocks: Vaes::detect()? }))
    }

    /// Decrypts one block a register.
    pub fn aes_ni() -> Option<Self> {
        Some(Self(Kernels::AesNi(AesNi::detect()?)))
    }

    /// Encrypts every message; the more there are, the faster.
    ///
    /// # Panics
    /// If a number of round keys is none of AES.
    pub fn encrypt(&self, jobs: &mut [CbcJob<'_>]) {
        check_all(jobs);
        match self.0 {
            Kernels::Vaes { chains: proof, .. } | Kernels::AesNi(proof) => {
                chains::encrypt(proof, jobs);
            }
        }
    }

    /// One block by itself, as initialization vectors are made (NIST SP 800-38A, appendix C).
    ///
    /// # Panics
    /// If the number of round keys is none of AES.
    pub fn encrypt_block(&self, round_keys: &[Block], block: Block) -> Block {
        check_rounds(round_keys);
        match self.0 {
            Kernels::Vaes { chains: proof, .. } | Kernels::AesNi(proof) => {
                chains::encrypt_block(proof, round_keys, block)
            }
        }
    }

    /// Decrypts every message.
    ///
    /// # Panics
    /// If a number of round keys is none of AES.
    pub fn decrypt(&self, jobs: &mut [CbcJob<'_>]) {
        check_all(jobs);
        for job in jobs {
            match self.0 {
                Kernels::Vaes { blocks, .. } => vaes::decrypt(blocks, job),
                Kernels::AesNi(proof) => aes_ni::decrypt(proof, job),
            }
        }
    }
}

fn check_all(jobs: &[CbcJob<'_>]) {
    for job in jobs {
        check_rounds(job.round_keys);
    }
}

/// The round keys that decrypt (FIPS 197 §5.3.5), from those that encrypt. `false` if the processor has no AES
/// instructions: then nothing is written.
///
/// # Panics
/// If there are not as many of both.
pub fn invert_key(round_keys: &[Block], inverted: &mut [Block]) -> bool {
    assert_eq!(round_keys.len(), inverted.len(), "as many round keys both ways");
    AesNi::detect().is_some_and(|proof| {
        aes_ni::invert(proof, round_keys, inverted);
        true
    })
}
