//! Keys of one association.

use std::fmt;

use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::Suite;

const MAX_ENCRYPTION: usize = 36;
const MAX_INTEGRITY: usize = 32;

/// The keys of one direction and the suite that they are for. Erased when dropped, never printed.
///
/// ```
/// use ringfence_esp::{Keys, Suite};
///
/// let keys = Keys::new(Suite::AesGcm128, &[7; 20], &[])?;
/// assert_eq!(format!("{keys:?}"), "Keys(aes128gcm16)");
/// # Ok::<(), ringfence_esp::KeyError>(())
/// ```
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Keys {
    #[zeroize(skip)]
    suite: Suite,
    encryption: [u8; MAX_ENCRYPTION],
    integrity: [u8; MAX_INTEGRITY],
}

impl Keys {
    /// Keys as IKE derives them: for GCM the encryption key ends with the salt, and there is no
    /// integrity key.
    pub fn new(suite: Suite, encryption: &[u8], integrity: &[u8]) -> Result<Self, KeyError> {
        let (expected, got) = (suite.encryption_key_len(), encryption.len());
        if got != expected {
            return Err(KeyError::Encryption { suite, expected, got });
        }
        let (expected, got) = (suite.integrity_key_len(), integrity.len());
        if got != expected {
            return Err(KeyError::Integrity { suite, expected, got });
        }
        let mut keys =
            Self { suite, encryption: [0; MAX_ENCRYPTION], integrity: [0; MAX_INTEGRITY] };
        keys.encryption[..encryption.len()].copy_from_slice(encryption);
        keys.integrity[..integrity.len()].copy_from_slice(integrity);
        Ok(keys)
    }

    /// The suite.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// The encryption key, with GCM's salt at its end.
    pub(crate) fn encryption(&self) -> &[u8] {
        &self.encryption[..self.suite.encryption_key_len()]
    }

    /// The integrity key.
    pub(crate) fn integrity(&self) -> &[u8] {
        &self.integrity[..self.suite.integrity_key_len()]
    }

    /// Whether both encrypt with the same cipher under the same key, whatever the salt: two
    /// counters under one GCM key must not meet.
    pub(crate) fn same_cipher_key(&self, other: &Self) -> bool {
        let salt = if self.suite.is_gcm() { 4 } else { 0 };
        let key = |keys: &Self| keys.encryption().len() - salt;
        self.suite == other.suite
            && self.encryption[..key(self)].ct_eq(&other.encryption[..key(other)]).into()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.suite)
    }
}

/// Why keys were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The encryption key has the wrong length.
    #[error("{suite} needs an encryption key of {expected} octets, this one has {got}{}",
        if suite.is_gcm() { " (GCM keys end with a salt of four)" } else { "" })]
    Encryption {
        /// The suite it was given for.
        suite: Suite,
        /// Octets it needs.
        expected: usize,
        /// Octets given.
        got: usize,
    },
    /// The integrity key has the wrong length.
    #[error("{suite} needs an integrity key of {expected} octets, this one has {got}")]
    Integrity {
        /// The suite it was given for.
        suite: Suite,
        /// Octets it needs.
        expected: usize,
        /// Octets given.
        got: usize,
    },
}
