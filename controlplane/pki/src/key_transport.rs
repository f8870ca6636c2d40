//! RSA as CMS carries a message's key with it: PKCS#1 v1.5 encryption (RFC 3370 §4.2.1).

use openssl::rsa::Padding;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::key::{PrivateKey, PublicKey};

/// Header, shortest padding and separator of an encryption block.
const OVERHEAD: usize = 11;

impl PublicKey {
    /// Encrypts a message's key; `None` if this is no RSA key, or one too small for it.
    pub fn wrap_key(&self, key: &[u8]) -> Option<Vec<u8>> {
        let rsa = self.openssl().rsa().ok()?;
        let mut wrapped = vec![0; rsa.size() as usize];
        rsa.public_encrypt(key, &mut wrapped, Padding::PKCS1).ok()?;
        Some(wrapped)
    }
}

impl PrivateKey {
    /// Decrypts a message's key of `length` bytes; `None` if this is no RSA key or `wrapped` has
    /// not its size.
    ///
    /// Wrong padding, or a key of another length, gives a random key in the same time: who sent it
    /// learns nothing from what becomes of it (RFC 3218 §2.3.2).
    pub fn unwrap_key(&self, wrapped: &[u8], length: usize) -> Option<Zeroizing<Vec<u8>>> {
        let rsa = self.openssl().rsa().ok()?;
        let size = rsa.size() as usize;
        if wrapped.len() != size || size < length + OVERHEAD {
            return None;
        }
        let mut block = Zeroizing::new(vec![0; size]);
        rsa.private_decrypt(wrapped, &mut block, Padding::NONE).ok()?;
        let mut key = Zeroizing::new(vec![0; length]);
        openssl::rand::rand_bytes(&mut key).expect("the system has random numbers");

        let (padding, found) = block.split_at(size - length);
        let (separator, padding) = padding.split_last().expect("at least the overhead");
        let mut right = padding[0].ct_eq(&0) & padding[1].ct_eq(&2) & separator.ct_eq(&0);
        for byte in &padding[2..] {
            right &= !byte.ct_eq(&0);
        }
        select(&mut key, found, right);
        Some(key)
    }
}

fn select(into: &mut [u8], from: &[u8], choice: Choice) {
    for (into, from) in into.iter_mut().zip(from) {
        into.conditional_assign(from, choice);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyKind;
    use crate::signer::Signer;

    #[test]
    fn a_key_comes_back_and_a_forged_one_gives_another() {
        let private = PrivateKey::generate(KeyKind::Rsa1024);
        let wrapped = private.public_key().wrap_key(&[7; 16]).unwrap();
        assert_eq!(**private.unwrap_key(&wrapped, 16).unwrap(), [7; 16]);

        // A key of another length is as good as none.
        let other = private.unwrap_key(&wrapped, 24).unwrap();
        assert_eq!(other.len(), 24);
        assert_ne!(other, private.unwrap_key(&wrapped, 24).unwrap());
        let mut forged = wrapped.clone();
        forged[64] ^= 1;
        let random = private.unwrap_key(&forged, 16).unwrap();
        assert_ne!(random, private.unwrap_key(&forged, 16).unwrap());

        assert!(private.unwrap_key(&wrapped[1..], 16).is_none());
        assert!(private.unwrap_key(&wrapped, 120).is_none());
        assert!(private.public_key().wrap_key(&[0; 120]).is_none());
        let curve = PrivateKey::generate(KeyKind::EcP256);
        assert!(curve.public_key().wrap_key(&[0; 16]).is_none());
        assert!(curve.unwrap_key(&wrapped, 16).is_none());
    }
}
