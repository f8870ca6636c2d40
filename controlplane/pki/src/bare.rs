//! Signatures of a bare hash: how telephones prove that they hold a key.
//!
//! With RSA the signature is a PKCS#1 block of type 1 around the hash itself, without the
//! DigestInfo that every other use of such blocks has; with EC it is ordinary ECDSA in DER.

use openssl::rsa::Padding;
use subtle::ConstantTimeEq;

use crate::key::{Hash, PrivateKey, PublicKey};
use crate::signer::{SignError, Signer};

impl PublicKey {
    /// Whether `signature` was made over the bare hash of `message`. The whole block has to be
    /// right, not only its end.
    pub fn verify_bare(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        let Ok(rsa) = self.openssl().rsa() else { return self.verify(hash, message, signature) };
        let size = rsa.size() as usize;
        let Some(expected) = block(size, &hash.of(message)) else { return false };
        if signature.len() != size {
            return false;
        }
        let mut found = vec![0; size];
        let opened = rsa.public_decrypt(signature, &mut found, Padding::NONE);
        opened.is_ok_and(|length| length == size) && found.ct_eq(&expected).into()
    }
}

impl PrivateKey {
    /// Signs the bare hash of `message`; an error if the modulus is too short for the hash.
    pub fn sign_bare(&self, hash: Hash, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let Ok(rsa) = self.openssl().rsa() else { return self.sign(hash, message) };
        let size = rsa.size() as usize;
        let block = block(size, &hash.of(message)).ok_or_else(|| {
            SignError::Refused(format!("a key of {} bits is too short for this hash", size * 8))
        })?;
        let mut signature = vec![0; size];
        rsa.private_encrypt(&block, &mut signature, Padding::NONE)
            .map_err(|error| SignError::Refused(error.to_string()))?;
        Ok(signature)
    }
}

/// `00 01 ff…ff 00 hash`, with at least eight `ff`.
fn block(size: usize, hash: &[u8]) -> Option<Vec<u8>> {
    let filling = size.checked_sub(hash.len() + 3).filter(|filling| *filling >= 8)?;
    Some([&[0, 1][..], &vec![0xff; filling], &[0], hash].concat())
}
