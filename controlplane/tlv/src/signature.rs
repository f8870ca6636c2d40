//! The algorithms a header can name, and the check of a signature.

use std::fmt;

use ring::signature::{
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RsaParameters, UnparsedPublicKey,
};

use crate::PublicKey;

/// DIGEST_ALGORITHM: what is signed is this digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DigestAlgorithm {
    /// Code 1. The only one 79xx phones know; legacy everywhere else.
    Sha1,
    /// Code 2. Reserved; not seen in use.
    Sha256,
    /// Code 3. Newer phones.
    Sha512,
}

impl DigestAlgorithm {
    /// The code in the file.
    pub fn code(self) -> u8 {
        match self {
            Self::Sha1 => 1,
            Self::Sha256 => 2,
            Self::Sha512 => 3,
        }
    }

    /// The algorithm of a code.
    pub fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Sha1),
            2 => Some(Self::Sha256),
            3 => Some(Self::Sha512),
            _ => None,
        }
    }

    /// True if `signature` is one of `message` by the owner of `key` (RSASSA-PKCS1-v1_5).
    pub(crate) fn verifies(self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        let parameters: &RsaParameters = match self {
            Self::Sha1 => &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
            Self::Sha512 => &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        };
        UnparsedPublicKey::new(parameters, key.as_bytes()).verify(message, signature).is_ok()
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
        })
    }
}

/// SIGNATURE_MODULUS: the size of the signer's RSA key. 3072 bits has no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureModulus {
    /// Code 0. Parsed, but such a signature is never accepted.
    Bits512,
    /// Code 1. The tokens of CallManager 4.x.
    Bits1024,
    /// Code 2. The practical maximum for 79xx phones.
    Bits2048,
    /// Code 3.
    Bits4096,
}

impl SignatureModulus {
    /// The code in the file.
    pub fn code(self) -> u8 {
        match self {
            Self::Bits512 => 0,
            Self::Bits1024 => 1,
            Self::Bits2048 => 2,
            Self::Bits4096 => 3,
        }
    }

    /// The size of a code.
    pub fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Bits512),
            1 => Some(Self::Bits1024),
            2 => Some(Self::Bits2048),
            3 => Some(Self::Bits4096),
            _ => None,
        }
    }

    /// The size for a key of `bits` bits; `None` for a key that must not sign phone files.
    pub fn from_bits(bits: usize) -> Option<Self> {
        match bits {
            512 => Some(Self::Bits512),
            1024 => Some(Self::Bits1024),
            2048 => Some(Self::Bits2048),
            4096 => Some(Self::Bits4096),
            _ => None,
        }
    }

    /// Bits of the modulus.
    pub fn bits(self) -> usize {
        self.signature_len() * 8
    }

    /// Bytes of a signature.
    pub fn signature_len(self) -> usize {
        match self {
            Self::Bits512 => 64,
            Self::Bits1024 => 128,
            Self::Bits2048 => 256,
            Self::Bits4096 => 512,
        }
    }
}
