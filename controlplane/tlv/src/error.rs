//! What can be wrong with a file, its signature, or the parts one is built from.

use crate::{DigestAlgorithm, RecordField, SignerId, Text};

/// A file that is not what its name promises, and where in it that shows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid trust file: at offset {at:#x}, {defect}")]
pub struct ParseError {
    /// Offset from the start of the file, in bytes.
    pub at: usize,
    /// What is wrong there.
    pub defect: Defect,
}

/// The ways in which a file can be malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// Shorter than the shortest possible header.
    #[error("the file ends before its header does")]
    TooShort,
    /// A trust list over [`crate::MAX_LIST_BYTES`].
    #[error("the file is larger than 75 KB")]
    TooLarge,
    /// A trust list with more than [`crate::MAX_RECORDS`] records.
    #[error("there are more than 100 records")]
    TooManyRecords,
    /// The file does not start with VERSION and HEADER_LENGTH.
    #[error("the file does not start with VERSION and HEADER_LENGTH")]
    NoPreamble,
    /// HEADER_LENGTH points outside the file, into the preamble, or beyond 4096.
    #[error("HEADER_LENGTH is impossible")]
    HeaderLength,
    /// A record does not start with RECORD_LENGTH, or the length leaves the file.
    #[error("RECORD_LENGTH is missing or impossible")]
    RecordLength,
    /// An element is longer than what contains it.
    #[error("element {0} runs past its container")]
    Overrun(u8),
    /// A value whose length its tag does not allow.
    #[error("element {0} has a length that its kind does not allow")]
    Length(u8),
    /// A value over the limit for its kind.
    #[error("element {0} is longer than the limit for it")]
    TooLong(u8),
    /// A string with a NUL inside, or (strict only) without its final one.
    #[error("string {0} is not terminated by exactly one NUL")]
    Unterminated(u8),
    /// An element that may occur once occurs twice.
    #[error("element {0} occurs twice")]
    Duplicate(u8),
    /// A required element is absent.
    #[error("element {0} is missing")]
    Missing(u8),
    /// A tag that this version of the format does not define (strict only).
    #[error("element {0} is not defined")]
    UnknownTag(u8),
    /// Something other than PAD behind the first PAD (strict only).
    #[error("the padding holds something else")]
    Padding,
    /// A digest code other than SHA-1, SHA-256 and SHA-512.
    #[error("digest algorithm {0} is not defined")]
    DigestAlgorithm(u8),
    /// A signature algorithm other than RSA PKCS#1 v1.5.
    #[error("signature algorithm {0} is not defined")]
    SignatureAlgorithm(u8),
    /// A modulus code without a meaning.
    #[error("signature modulus {0} is not defined")]
    SignatureModulus(u8),
    /// The signature is not as long as the modulus code says.
    #[error("the signature is not as long as its modulus")]
    SignatureLength,
}

/// Why a well-formed file is not to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// No trusted record with a fitting role has the signer's issuer and serial number.
    #[error("its signer ({0}) is not in the trusted list")]
    UnknownSigner(SignerId),
    /// The signer's record is there but carries no public key (non-secure lists).
    #[error("the trusted record of its signer ({0}) has no public key")]
    NoPublicKey(SignerId),
    /// The signature does not match the bytes, or the key is unusable (not RSA, below 1024 bits).
    #[error("its signature does not verify")]
    BadSignature,
    /// The file is genuine but was signed under another name.
    #[error("it was signed as {found}, not as {expected}")]
    FileName {
        /// The name asked for.
        expected: Text,
        /// The FILENAME in the header.
        found: Text,
    },
}

/// Why a value cannot be put into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// Longer than the limit, in bytes.
    #[error("longer than {limit} bytes")]
    TooLong {
        /// Most bytes that are allowed.
        limit: usize,
    },
    /// A NUL inside a string would end it there for every reader.
    #[error("contains a NUL")]
    Nul,
}

/// Why a file cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// Over [`crate::MAX_RECORDS`].
    #[error("{0} records are too many: a list holds at most 100")]
    TooManyRecords(usize),
    /// Over [`crate::MAX_LIST_BYTES`].
    #[error("the list would take {0} bytes: at most 76800 (75 KB) are allowed")]
    TooLarge(usize),
    /// A field of a record is over its limit.
    #[error("record {record}: {field} {error}")]
    Field {
        /// Index of the record, from 0.
        record: usize,
        /// The field.
        field: RecordField,
        /// What is wrong with it.
        error: FieldError,
    },
    /// No SAST record of the list itself has the signer's issuer and serial number.
    #[error("the signer ({0}) has no token entry in the list that it would sign")]
    SignerNotListed(SignerId),
    /// A signature made elsewhere has the wrong length.
    #[error("the signature has {found} bytes, the header promises {expected}")]
    SignatureLength {
        /// Bytes that fit the modulus code.
        expected: usize,
        /// Bytes handed in.
        found: usize,
    },
    /// The signature does not verify with the signer's public key and this digest.
    #[error("the {0} signature does not verify with the signer's own public key")]
    BadSignature(DigestAlgorithm),
}
