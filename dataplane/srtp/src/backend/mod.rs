//! Crypto in bursts. A backend computes; it knows neither packets nor sessions.
//!
//! All backends give the same octets for the same jobs. They differ in how many packets they work
//! on at once, and in what they make of a session key beforehand ([`Backend::Keys`]).

mod hmac;
mod portable;
#[cfg(target_arch = "x86_64")]
#[allow(dead_code, unused_imports, reason = "not called yet")]
mod x86;

pub(crate) use portable::Portable;

use crate::kdf::SessionKeys;
use crate::suite::{Cipher, Suite};

/// Most jobs a backend is given at once.
pub(crate) const BURST: usize = 64;

/// An HMAC-SHA1 before it is cut to its tag length.
pub(crate) type Digest = [u8; 20];

/// One way to compute SRTP's transforms.
pub(crate) trait Backend {
    /// Session keys, expanded, and turned to one SSRC.
    type Keys: Clone;

    /// Its name, for people.
    fn name(&self) -> &'static str;

    /// Expands session keys, turned to SSRC 0.
    fn expand(&self, keys: &SessionKeys) -> Self::Keys;

    /// Turns keys from one SSRC to another; `change` is the exclusive or of the two.
    fn turn(&self, keys: &mut Self::Keys, suite: Suite, change: u32);

    /// Erases keys.
    fn wipe(&self, keys: &mut Self::Keys);

    /// HMAC-SHA1 of each message (RFC 3711 §4.2.1) into the digest of the same position.
    fn hmac_sha1(&self, jobs: &[MacJob<'_, Self::Keys>], digests: &mut [Digest]);

    /// AES in counter mode over each job's data (RFC 3711 §4.1.1); its own inverse.
    fn aes_cm(&self, jobs: &mut [CmJob<'_, Self::Keys>]);

    /// AES-GCM (RFC 7714 §8): encrypts each job's data and sets its tag.
    fn gcm_seal(&self, jobs: &mut [GcmJob<'_, Self::Keys>]);

    /// AES-GCM: decrypts the data of the jobs whose tag verifies and sets their `good`. The data
    /// of the others stays as it is.
    fn gcm_open(&self, jobs: &mut [GcmJob<'_, Self::Keys>]);

    /// Asks the processor to have `value` in its first-level cache soon.
    fn prefetch<T>(&self, value: &T);
}

/// A message to authenticate.
pub(crate) struct MacJob<'a, K> {
    pub(crate) keys: &'a K,
    pub(crate) message: &'a [u8],
    /// Follows the message: the rollover counter of an RTP packet.
    pub(crate) suffix: Option<[u8; 4]>,
}

/// Data to encrypt or decrypt in counter mode, in place.
pub(crate) struct CmJob<'a, K> {
    pub(crate) keys: &'a K,
    #[expect(dead_code, reason = "for backends whose keys do not say it")]
    pub(crate) suite: Suite,
    /// The packet index, at most 48 bits.
    pub(crate) index: u64,
    pub(crate) data: &'a mut [u8],
}

/// Data to encrypt or decrypt, and associated data to authenticate with it.
pub(crate) struct GcmJob<'a, K> {
    pub(crate) keys: &'a K,
    #[expect(dead_code, reason = "for backends whose keys do not say it")]
    pub(crate) suite: Suite,
    /// The packet index, at most 48 bits.
    pub(crate) index: u64,
    pub(crate) aad: &'a [u8],
    pub(crate) data: &'a mut [u8],
    pub(crate) tag: [u8; 16],
    pub(crate) good: bool,
}

/// The first initialization vector of SSRC 0 and index 0: the salt.
///
/// SSRC and index go in by exclusive or, at `ssrc_at` and the four octets behind it. What follows
/// the index counts blocks: two octets in counter mode (RFC 3711 §4.1.1), four in GCM (RFC 7714
/// §8.1 and §9.1, where SRTCP's shorter index ends at the same octet).
fn salt_iv(salt: &[u8; 14]) -> [u8; 16] {
    let mut iv = [0; 16];
    iv[..14].copy_from_slice(salt);
    iv
}

fn turn_iv(iv: &mut [u8; 16], suite: Suite, change: u32) {
    let at = ssrc_at(suite.cipher());
    for (byte, change) in iv[at..at + 4].iter_mut().zip(change.to_be_bytes()) {
        *byte ^= change;
    }
}

fn ssrc_at(cipher: Cipher) -> usize {
    match cipher {
        Cipher::AesGcm => 2,
        Cipher::AesCm | Cipher::Null => 4,
    }
}
