//! Master keys for the media of a call.

use std::fmt;

use rand::TryRngCore;
use rand::rngs::OsRng;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The master key and salt of one direction, for `AES_CM_128_HMAC_SHA1_32` or `_80` (RFC 3711).
/// Wiped when dropped; `Debug` shows nothing of it. It cannot be copied: what is handed out is
/// borrowed until it has been written into its message.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct MasterKey {
    /// 16 bytes.
    pub key: [u8; 16],
    /// 14 bytes.
    pub salt: [u8; 14],
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// The keys of a stream between two telephones: one for each direction.
///
/// Both get both: the one encrypts with the first and decrypts with the second, the other the
/// reverse.
#[derive(Debug)]
pub struct StreamKeys {
    /// From the first telephone to the second.
    pub forth: MasterKey,
    /// From the second to the first.
    pub back: MasterKey,
}

/// The operating system gives no random numbers.
#[derive(Debug, Error)]
#[error("the operating system gives no random numbers, so this call cannot be encrypted: {0}")]
pub struct NoRandomness(String);

impl StreamKeys {
    /// Fresh keys. A stream that is opened again gets new ones: the same key under a new sequence
    /// of packets would give their contents away.
    pub fn fresh() -> Result<Self, NoRandomness> {
        Ok(Self { forth: MasterKey::fresh()?, back: MasterKey::fresh()? })
    }
}

impl MasterKey {
    fn fresh() -> Result<Self, NoRandomness> {
        let mut new = Self { key: [0; 16], salt: [0; 14] };
        for part in [&mut new.key[..], &mut new.salt[..]] {
            OsRng.try_fill_bytes(part).map_err(|error| NoRandomness(error.to_string()))?;
        }
        Ok(new)
    }
}
