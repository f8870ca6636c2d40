//! Keys that phones made.

use pki::PublicKey;

use super::KeyRefusal;
use crate::codec::KeySpec;

/// Proof that a public key is of the kind and size that was asked for, and can be one at all.
#[derive(Clone, Debug)]
pub struct CheckedKey(PublicKey);

impl CheckedKey {
    /// The key.
    pub fn public_key(&self) -> &PublicKey {
        &self.0
    }

    /// Checks a SubjectPublicKeyInfo against what was asked for.
    pub(super) fn check(spki: &[u8], asked: KeySpec) -> Result<Self, KeyRefusal> {
        let key = PublicKey::from_spki(spki).ok_or(KeyRefusal::NoKey)?;
        let (rsa, bits) = match asked {
            KeySpec::Rsa(bits) => (true, u32::from(bits)),
            KeySpec::Ec(curve) => (false, curve.bits()),
        };
        if key.is_rsa() != rsa || key.bits() != bits {
            return Err(KeyRefusal::Other { asked, made: key.describe() });
        }
        if !key.is_sound() {
            return Err(KeyRefusal::Unsound);
        }
        Ok(Self(key))
    }
}
