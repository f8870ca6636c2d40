//! Signing files for phones.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use pki::{Hash, Identity, SignError, Signer};
use tlv::{
    BuildError, DigestAlgorithm, FieldError, FileKind, PublicKey, Serial, SignatureModulus,
    SignedFile, SignerId, Signing, Text,
};

/// Why a file has no signed form.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The key is of a size that phones do not know, or no RSA key.
    #[error("a key of {0} cannot sign files for phones: use RSA with 1024, 2048 or 4096 bits")]
    Key(String),
    /// A name is too long for the header.
    #[error("the name does not fit into a signed file: {0}")]
    Name(#[from] FieldError),
    /// The key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The signature does not fit the file.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// A key that signs files, prepared.
pub struct FileSigner {
    identity: Arc<Identity>,
    signer: SignerId,
    modulus: SignatureModulus,
    key: PublicKey,
}

impl FileSigner {
    /// Prepares a node's key, or an image key.
    pub fn new(identity: Arc<Identity>) -> Result<Self, SigningError> {
        let certificate = identity.certificate();
        let key = certificate.public_key();
        let modulus = Some(key.bits() as usize)
            .filter(|_| key.is_rsa())
            .and_then(SignatureModulus::from_bits)
            .ok_or_else(|| SigningError::Key(key.describe()))?;
        // The same bytes as in the entry of the CTL file, where the phone looks the signer up.
        let signer = SignerId {
            name: Text::new(certificate.subject().trust_list_form())?,
            serial: Serial::new(certificate.serial())?,
            issuer: Text::new(certificate.issuer().trust_list_form())?,
        };
        let key = PublicKey::new(key.trust_list_form())?;
        Ok(Self { identity, signer, modulus, key })
    }

    /// Signs `payload` under the name that the phone asks for.
    pub fn sign(
        &self,
        kind: FileKind,
        asked: &str,
        payload: &[u8],
        now: SystemTime,
    ) -> Result<SignedFile, SigningError> {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let signing = Signing {
            signer: self.signer.clone(),
            // The only digest telephones of the 79xx family know.
            digest: DigestAlgorithm::Sha1,
            modulus: self.modulus,
            timestamp: u32::try_from(since).unwrap_or(u32::MAX),
            signer_version: None,
        };
        let unsigned = SignedFile::unsigned(signing, kind, Text::new(asked)?, payload);
        let signature = self.identity.sign(Hash::LegacySha1, unsigned.to_be_signed())?;
        Ok(unsigned.attach(&signature)?)
    }

    /// Whether `file` is the signed form of `payload` under this name and key.
    pub fn made(&self, file: &[u8], asked: &str, payload: &[u8]) -> bool {
        SignedFile::parse(file)
            .ok()
            .and_then(|file| file.verify_with(asked, &self.key).ok())
            .is_some_and(|file| file.payload() == payload && file.header().signer == self.signer)
    }

    /// Whether `file` names this key as its signer.
    pub fn signed(&self, file: &[u8]) -> bool {
        SignedFile::parse(file).is_ok_and(|file| file.header().signer == self.signer)
    }

    /// The name of the signer, for logs.
    pub fn name(&self) -> String {
        self.signer.name.to_string()
    }
}
