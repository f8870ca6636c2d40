//! Crypto in bursts. A backend computes; it knows neither packets nor sessions.
//!
//! All backends give the same octets for the same jobs. They differ in how many packets they work
//! on at once, and in what they make of a session key beforehand ([`Backend::Keys`]).

mod portable;
#[cfg(target_arch = "x86_64")]
mod vector;
#[cfg(test)]
mod wycheproof;

pub(crate) use kernels::{Digest, MacJob, MacKey};
pub(crate) use portable::Portable;
#[cfg(target_arch = "x86_64")]
pub(crate) use vector::Vector;

use zeroize::Zeroize;

use crate::kdf::SessionKeys;
use crate::suite::{Cipher, Suite};

/// Most jobs a backend is given at once.
pub(crate) const BURST: usize = 64;

/// One way to compute SRTP's transforms.
pub(crate) trait Backend {
    /// Session keys, expanded, and turned to one SSRC. They erase themselves when dropped.
    type Keys: Clone + Zeroize;

    /// Its name, for people.
    fn name(&self) -> &'static str;

    /// Expands session keys, turned to SSRC 0.
    fn expand(&self, keys: &SessionKeys) -> Self::Keys;

    /// Turns keys from one SSRC to another; `change` is the exclusive or of the two.
    fn turn(&self, keys: &mut Self::Keys, suite: Suite, change: u32);

    /// The part of the keys that HMAC-SHA1 uses.
    fn mac_key(keys: &Self::Keys) -> &MacKey;

    /// HMAC-SHA1 of each message (RFC 3711 §4.2.1) into the digest of the same position.
    fn hmac_sha1(&self, jobs: &[MacJob<'_>], digests: &mut [Digest]);

    /// AES in counter mode over each job's data (RFC 3711 §4.1.1); its own inverse.
    fn aes_cm<'a>(&self, jobs: impl Iterator<Item = CmJob<'a, Self::Keys>>)
    where
        Self::Keys: 'a;

    /// AES-GCM (RFC 7714 §8): encrypts each job's data and sets its tag.
    fn gcm_seal(&self, jobs: &mut [GcmJob<'_, Self::Keys>]);

    /// AES-GCM: decrypts the data of the jobs whose tag verifies and sets their `good`. The data
    /// of the others stays as it is.
    fn gcm_open(&self, jobs: &mut [GcmJob<'_, Self::Keys>]);

    /// Asks the processor to have `value` in its first-level cache soon.
    fn prefetch<T>(&self, value: &T);
}

/// Data to encrypt or decrypt in counter mode, in place.
pub(crate) struct CmJob<'a, K> {
    pub(crate) keys: &'a K,
    pub(crate) suite: Suite,
    /// The packet index, at most 48 bits.
    pub(crate) index: u64,
    pub(crate) data: &'a mut [u8],
}

/// Data to encrypt or decrypt, and associated data to authenticate with it.
pub(crate) struct GcmJob<'a, K> {
    pub(crate) keys: &'a K,
    pub(crate) suite: Suite,
    /// The packet index, at most 48 bits.
    pub(crate) index: u64,
    pub(crate) aad: &'a [u8],
    pub(crate) data: &'a mut [u8],
    pub(crate) tag: [u8; 16],
    pub(crate) good: bool,
}

/// Compares tags of one length, at most 16 octets, looking at all of them before there is an
/// answer.
#[inline]
pub(crate) fn same_tag(a: &[u8], b: &[u8]) -> bool {
    let ends = |tag: &[u8]| {
        let first = tag.first_chunk().copied().map(u64::from_ne_bytes);
        first.zip(tag.last_chunk().copied().map(u64::from_ne_bytes))
    };
    let differences = match (ends(a), ends(b)) {
        (Some(a), Some(b)) => (a.0 ^ b.0) | (a.1 ^ b.1),
        _ => a.iter().zip(b).fold(0, |sum, (a, b)| sum | u64::from(a ^ b)),
    };
    differences == 0
}

/// The salt as first initialization vector: that of SSRC 0 and index 0.
///
/// SSRC and index go in by exclusive or, where [`turn_iv`] and [`index_at`] say. What follows the
/// index counts blocks: two octets in counter mode (RFC 3711 §4.1.1), four in GCM (RFC 7714 §8.1,
/// §9.1, whose shorter SRTCP index ends at the same octet).
fn salt_iv(salt: &[u8; 14]) -> [u8; 16] {
    let mut iv = [0; 16];
    iv[..14].copy_from_slice(salt);
    iv
}

fn turn_iv(iv: &mut [u8; 16], suite: Suite, change: u32) {
    let at = index_at(suite.cipher()) - 4;
    for (byte, change) in iv[at..at + 4].iter_mut().zip(change.to_be_bytes()) {
        *byte ^= change;
    }
}

/// Where in an initialization vector the six octets of the index begin; the SSRC is before them.
const fn index_at(cipher: Cipher) -> usize {
    match cipher {
        Cipher::AesGcm => 6,
        Cipher::AesCm | Cipher::Null => 8,
    }
}
