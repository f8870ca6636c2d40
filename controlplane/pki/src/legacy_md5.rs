//! MD5, for messages of certificate authorities that know nothing newer.
//!
//! MD5 is broken for signatures. It stands apart from [`crate::Hash`] so that no certificate can
//! ever be verified or made with it; who calls this has asked the administrator.

use openssl::hash::MessageDigest;
use openssl::sign::{Signer as OpensslSigner, Verifier};

use crate::key::{PrivateKey, PublicKey};
use crate::signer::SignError;

/// The MD5 of `data`.
pub fn md5(data: &[u8]) -> Vec<u8> {
    openssl::hash::hash(MessageDigest::md5(), data).expect("OpenSSL has MD5").to_vec()
}

impl PrivateKey {
    /// Signs `message` with MD5.
    pub fn sign_md5(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        OpensslSigner::new(MessageDigest::md5(), self.openssl())
            .and_then(|mut signer| signer.sign_oneshot_to_vec(message))
            .map_err(|error| SignError::Refused(error.to_string()))
    }
}

impl PublicKey {
    /// Whether `signature` of `message` was made with the private key and MD5.
    pub fn verify_md5(&self, message: &[u8], signature: &[u8]) -> bool {
        Verifier::new(MessageDigest::md5(), self.openssl())
            .and_then(|mut verifier| verifier.verify_oneshot(signature, message))
            .unwrap_or(false)
    }
}
