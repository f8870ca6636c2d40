//! Building files: first the bytes to sign, then, with the signature, the file.

use std::fmt;
use std::marker::PhantomData;

use crate::header::{self, Header, Strictness};
use crate::trust::Verified;
use crate::{
    BuildError, DigestAlgorithm, FileKind, Kind, MAX_LIST_BYTES, MAX_RECORDS, Record,
    SignatureModulus, SignedFile, SignerId, Text, TrustList, Version,
};

/// Who signs, how, and when.
#[derive(Debug, Clone)]
pub struct Signing {
    /// The certificate of the key.
    pub signer: SignerId,
    /// The digest; SHA-1 if 79xx phones are to read the file.
    pub digest: DigestAlgorithm,
    /// The size of the key.
    pub modulus: SignatureModulus,
    /// Seconds since 1970.
    pub timestamp: u32,
    /// What the server side supports; leave it out for 79xx phones.
    pub signer_version: Option<Version>,
}

impl Signing {
    fn header(self, version: Version, file_name: Text, timestamp: bool) -> Header {
        Header {
            version,
            signer_version: self.signer_version,
            signer: self.signer,
            digest: self.digest,
            modulus: self.modulus,
            file_name,
            timestamp: timestamp.then_some(self.timestamp),
        }
    }
}

/// A complete file but for its signature. `T` is what it becomes.
#[derive(Clone)]
pub struct Unsigned<T> {
    bytes: Vec<u8>,
    signature_at: usize,
    digest: DigestAlgorithm,
    modulus: SignatureModulus,
    becomes: PhantomData<T>,
}

impl<K: Kind> TrustList<K> {
    /// A list of `records` that `signing` is to sign; its signer must be a token among them.
    pub fn unsigned(
        signing: Signing,
        records: &[Record],
    ) -> Result<Unsigned<TrustList<K>>, BuildError> {
        if records.len() > MAX_RECORDS {
            return Err(BuildError::TooManyRecords(records.len()));
        }
        for (index, record) in records.iter().enumerate() {
            let field = |(field, error)| BuildError::Field { record: index, field, error };
            record.check().map_err(field)?;
        }
        let signs = |record: &Record| {
            record.role.signs_lists() && record.is_certificate_of(&signing.signer)
        };
        if !records.iter().any(signs) {
            return Err(BuildError::SignerNotListed(signing.signer));
        }

        let name = Text::from_file(K::FILE_NAME.as_bytes());
        let mut body = Vec::new();
        records.iter().for_each(|record| record.emit(&mut body));
        let unsigned = Unsigned::new(signing.header(Version::TRUST_LIST, name, true), &body);
        match unsigned.signed_len() {
            len if len > MAX_LIST_BYTES => Err(BuildError::TooLarge(len)),
            _ => Ok(unsigned),
        }
    }
}

impl SignedFile {
    /// `payload` under the name `asked`, exactly as a phone asks for it: directory and `.sgn`
    /// included for provisioning files.
    pub fn unsigned(
        signing: Signing,
        kind: FileKind,
        asked: Text,
        payload: &[u8],
    ) -> Unsigned<SignedFile> {
        let timestamp = kind == FileKind::Provisioning;
        Unsigned::new(signing.header(kind.version(), asked, timestamp), payload)
    }
}

impl<T> Unsigned<T> {
    fn new(header: Header, body: &[u8]) -> Self {
        let emitted = header.emit();
        let signature_at = emitted.before_signature.len();
        let bytes = [&emitted.before_signature, &emitted.after_signature, body].concat();
        let (digest, modulus) = (header.digest, header.modulus);
        Self { bytes, signature_at, digest, modulus, becomes: PhantomData }
    }

    /// What to sign: RSASSA-PKCS1-v1_5 with [`Unsigned::digest`] over these bytes.
    pub fn to_be_signed(&self) -> &[u8] {
        &self.bytes
    }

    /// The digest that the header promises.
    pub fn digest(&self) -> DigestAlgorithm {
        self.digest
    }

    /// Bytes of the finished file.
    pub fn signed_len(&self) -> usize {
        self.bytes.len() + header::emit_signature(&[]).len() + self.modulus.signature_len()
    }

    /// Puts the SIGNATURE element where it belongs.
    fn insert(self, signature: &[u8]) -> Result<Vec<u8>, BuildError> {
        let expected = self.modulus.signature_len();
        if signature.len() != expected {
            return Err(BuildError::SignatureLength { expected, found: signature.len() });
        }
        let mut file = self.bytes;
        let at = self.signature_at;
        file.splice(at..at, header::emit_signature(signature));
        Ok(file)
    }
}

impl<T> fmt::Debug for Unsigned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "file of {} bytes, to be signed with {}", self.signed_len(), self.digest)
    }
}

/// We wrote the file ourselves a moment ago.
const READS_BACK: &str = "a strict reader accepts what the builder emits";

impl<K: Kind> Unsigned<TrustList<K>> {
    /// Puts the signature in place, reads the file back strictly, and checks the signature with
    /// the token's own entry.
    pub fn attach(self, signature: &[u8]) -> Result<Verified<TrustList<K>>, BuildError> {
        let digest = self.digest;
        let file = self.insert(signature)?;
        let list = TrustList::<K>::parse_with(file, Strictness::Strict).expect(READS_BACK);
        list.leap_of_faith().map_err(|_| BuildError::BadSignature(digest))
    }
}

impl Unsigned<SignedFile> {
    /// Puts the signature in place and reads the file back strictly. Whether the signature holds
    /// is the signer's concern: files are signed by the thousand.
    pub fn attach(self, signature: &[u8]) -> Result<SignedFile, BuildError> {
        let file = self.insert(signature)?;
        Ok(SignedFile::parse_with(file, Strictness::Strict).expect(READS_BACK))
    }
}
