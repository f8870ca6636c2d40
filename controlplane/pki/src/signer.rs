//! What signs.

use std::fmt;

use lang::Language;
use messages::{Explain, Message, token};

use crate::certificate::Certificate;
use crate::key::{Hash, PublicKey};

/// A private key that can be used and not read: a file's, a token's, a smart card's.
pub trait Signer: Send + Sync {
    /// Its public half.
    fn public_key(&self) -> &PublicKey;

    /// Signs `message`: RSASSA-PKCS1-v1_5 with an RSA key, ECDSA in DER with an EC key. An RSA
    /// signature that is returned verifies with the public half: a fault in its making would give
    /// the key away.
    fn sign(&self, hash: Hash, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Why there is no signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignError {
    /// The key or token refused, or is gone.
    Refused(String),
    /// There is a signature, and it does not verify.
    DoesNotVerify,
}

impl Explain for SignError {
    fn message(&self) -> &'static Message {
        match self {
            Self::Refused(_) => &token::COULD_NOT_SIGN,
            Self::DoesNotVerify => &token::COULD_NOT_VERIFY,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Refused(detail) => vec![("detail", detail.clone())],
            Self::DoesNotVerify => Vec::new(),
        }
    }
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.explain(Language::English);
        write!(f, "{}: {}", said.text, said.cause)
    }
}

impl std::error::Error for SignError {}

/// A certificate and the key that belongs to it.
pub struct Identity {
    certificate: Certificate,
    signer: Box<dyn Signer>,
}

impl Identity {
    /// Joins the two; `None` if the key is another certificate's.
    pub fn new(certificate: Certificate, signer: impl Signer + 'static) -> Option<Self> {
        let belongs = certificate.public_key() == signer.public_key();
        belongs.then(|| Self { certificate, signer: Box::new(signer) })
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

impl Signer for Identity {
    fn public_key(&self) -> &PublicKey {
        self.certificate.public_key()
    }

    fn sign(&self, hash: Hash, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signer.sign(hash, message)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.certificate.subject())
    }
}
