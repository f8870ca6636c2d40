//! What rustls is given.

use std::sync::LazyLock;

use rustls::crypto::CryptoProvider;
use rustls::crypto::cipher::{
    AeadKey, Iv, MessageDecrypter, MessageEncrypter, Tls13AeadAlgorithm, UnsupportedOperationError,
};
use rustls::crypto::hmac::Tag;
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::crypto::tls13::{Hkdf, HkdfExpander, OkmBlock, OutputLengthError};
use rustls::{
    CipherSuite, CipherSuiteCommon, ConnectionTrafficSecrets, SupportedCipherSuite,
    Tls13CipherSuite,
};
use zeroize::Zeroizing;

use crate::keys::{Keys, LEN};
use crate::record::{Protect, Unprotect};

/// The suite by its number.
pub const TLS_SHA256_SHA256: CipherSuite = CipherSuite::Unknown(0xc0b4);

/// The suite, for a provider built on ring.
pub static TLS13_SHA256_SHA256: LazyLock<SupportedCipherSuite> = LazyLock::new(|| {
    let beside = TLS13_AES_128_GCM_SHA256.tls13().expect("it is a suite of TLS 1.3");
    // The hash and all of the handshake are those of any suite with SHA-256. There is one of these
    // in a process, for as long as it runs.
    let secrets = Box::leak(Box::new(Secrets(beside.hkdf_provider)));
    let suite = Tls13CipherSuite {
        common: CipherSuiteCommon {
            suite: TLS_SHA256_SHA256,
            hash_provider: beside.common.hash_provider,
            // Nothing is confidential, and a tag of 256 bits bears any number of records.
            confidentiality_limit: u64::MAX,
        },
        hkdf_provider: secrets,
        aead_alg: &Integrity,
        quic: None,
    };
    SupportedCipherSuite::Tls13(Box::leak(Box::new(suite)))
});

/// Offers the suite after all that a provider has: for a server, which takes what its client likes
/// best.
pub fn offer(mut provider: CryptoProvider) -> CryptoProvider {
    provider.cipher_suites.push(*TLS13_SHA256_SHA256);
    provider
}

/// Offers the suite before all that a provider has: for a client that wants to be read.
pub fn prefer(mut provider: CryptoProvider) -> CryptoProvider {
    provider.cipher_suites.insert(0, *TLS13_SHA256_SHA256);
    provider
}

/// Whether a connection of this suite is encrypted.
pub fn encrypts(suite: SupportedCipherSuite) -> bool {
    suite.suite() != TLS_SHA256_SHA256
}

/// Makes records' keys.
struct Integrity;

impl Tls13AeadAlgorithm for Integrity {
    fn encrypter(&self, secret: AeadKey, _: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(Protect(keys(&secret)))
    }

    fn decrypter(&self, secret: AeadKey, _: Iv) -> Box<dyn MessageDecrypter> {
        Box::new(Unprotect(keys(&secret)))
    }

    fn key_len(&self) -> usize {
        LEN
    }

    fn extract_keys(
        &self,
        _: AeadKey,
        _: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }
}

fn keys(secret: &AeadKey) -> Keys {
    Keys::of(secret.as_ref().try_into().expect("rustls gives as many octets as were asked for"))
}

/// HKDF that hands on traffic secrets as they are where a record key is asked for. rustls derives a
/// key and an IV of 12 octets out of the secret and forgets it; RFC 9150 wants an IV of 32, for which
/// there is no way but to derive both from the secret itself, in [`Keys`].
struct Secrets(&'static dyn Hkdf);

impl Hkdf for Secrets {
    fn extract_from_zero_ikm(&self, salt: Option<&[u8]>) -> Box<dyn HkdfExpander> {
        self.0.extract_from_zero_ikm(salt)
    }

    fn extract_from_secret(&self, salt: Option<&[u8]>, secret: &[u8]) -> Box<dyn HkdfExpander> {
        self.0.extract_from_secret(salt, secret)
    }

    /// Only here does rustls ask for the keys of records.
    fn expander_for_okm(&self, okm: &OkmBlock) -> Box<dyn HkdfExpander> {
        Box::new(Expander {
            expander: self.0.expander_for_okm(okm),
            secret: Zeroizing::new(okm.as_ref().to_vec()),
        })
    }

    fn hmac_sign(&self, key: &OkmBlock, message: &[u8]) -> Tag {
        self.0.hmac_sign(key, message)
    }
}

struct Expander {
    expander: Box<dyn HkdfExpander>,
    secret: Zeroizing<Vec<u8>>,
}

impl HkdfExpander for Expander {
    fn expand_slice(&self, info: &[&[u8]], output: &mut [u8]) -> Result<(), OutputLengthError> {
        // Length, length of the label, its prefix, the label.
        if info.get(3) == Some(&&b"key"[..]) && output.len() == self.secret.len() {
            output.copy_from_slice(&self.secret);
            return Ok(());
        }
        self.expander.expand_slice(info, output)
    }

    fn expand_block(&self, info: &[&[u8]]) -> OkmBlock {
        self.expander.expand_block(info)
    }

    fn hash_len(&self) -> usize {
        self.expander.hash_len()
    }
}
