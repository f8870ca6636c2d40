//! What can be wrong with a certificate or a key file.

use std::path::PathBuf;

use lang::Language;
use messages::{Explain, Message, certificate};

/// A part of a certificate that is checked for being there, being right and being short enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// issuer
    IssuerName,
    /// subject
    SubjectName,
    /// subjectPublicKeyInfo
    PublicKey,
    /// signatureValue
    Signature,
    /// serialNumber
    SerialNumber,
}

/// Why a certificate cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateFault {
    /// There is no file.
    NoFile(PathBuf),
    /// Not X.509 in DER; where decoding stopped.
    NotACertificate(&'static str),
    /// A field is empty.
    Missing(Field),
    /// A field cannot be decoded or makes no sense.
    Invalid(Field),
    /// A field is longer than trust lists allow.
    TooLong(Field),
    /// Signed with something else than RSA or ECDSA with SHA-1 or SHA-2: the object identifier.
    SignatureAlgorithm(String),
    /// Not valid yet, or its dates are out of order or unreadable.
    Date {
        /// notBefore, as RFC 3339 day, or `?`.
        from: String,
        /// notAfter, as RFC 3339 day, or `?`.
        until: String,
    },
    /// Its time is over.
    Expired {
        /// notAfter, as RFC 3339 day.
        until: String,
    },
    /// The key is not RSA: what it is.
    NotRsa(String),
    /// Not the certificate that was expected (SHA-1 thumbprints in hex).
    Thumbprint {
        /// Of the certificate at hand.
        found: String,
        /// Of the one expected.
        expected: String,
    },
}

impl Explain for CertificateFault {
    fn message(&self) -> &'static Message {
        match self {
            Self::NoFile(_) => &certificate::NO_SERVER_CERTIFICATE_FILE,
            Self::NotACertificate(_) => &certificate::SERVER_CERTIFICATE_INVALID,
            Self::Missing(field) => match field {
                Field::IssuerName => &certificate::NO_ISSUER_NAME,
                Field::SubjectName => &certificate::NO_SUBJECT_NAME,
                Field::PublicKey => &certificate::NO_PUBLIC_KEY,
                Field::Signature => &certificate::NO_SIGNATURE,
                Field::SerialNumber => &certificate::NO_SERIAL_NUMBER,
            },
            Self::Invalid(field) => match field {
                Field::IssuerName => &certificate::INVALID_ISSUER_NAME,
                Field::SubjectName => &certificate::INVALID_SUBJECT_NAME,
                Field::PublicKey => &certificate::INVALID_PUBLIC_KEY,
                Field::Signature => &certificate::INVALID_SIGNATURE,
                Field::SerialNumber => &certificate::INVALID_SERIAL_NUMBER,
            },
            Self::TooLong(field) => match field {
                Field::IssuerName => &certificate::ISSUER_NAME_TOO_LONG,
                Field::SubjectName => &certificate::SUBJECT_NAME_TOO_LONG,
                Field::PublicKey => &certificate::PUBLIC_KEY_TOO_LONG,
                Field::Signature => &certificate::SIGNATURE_TOO_LONG,
                Field::SerialNumber => &certificate::SERIAL_NUMBER_TOO_LONG,
            },
            Self::SignatureAlgorithm(_) => &certificate::INVALID_SIGNATURE_ALGORITHM,
            Self::Date { .. } => &certificate::CERTIFICATE_DATE_INVALID,
            Self::Expired { .. } => &certificate::CERTIFICATE_EXPIRED,
            Self::NotRsa(_) => &certificate::NOT_RSA,
            Self::Thumbprint { .. } => &certificate::INVALID_THUMBPRINT,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::NoFile(file) => vec![("file", file.display().to_string())],
            Self::NotACertificate(detail) => vec![("detail", (*detail).into())],
            Self::Missing(_) | Self::Invalid(_) | Self::TooLong(_) => Vec::new(),
            Self::SignatureAlgorithm(oid) => vec![("algorithm", oid.clone())],
            Self::Date { from, until } => {
                vec![("from", from.clone()), ("until", until.clone())]
            }
            Self::Expired { until } => vec![("until", until.clone())],
            Self::NotRsa(kind) => vec![("kind", kind.clone())],
            Self::Thumbprint { found, expected } => {
                vec![("found", found.clone()), ("expected", expected.clone())]
            }
        }
    }
}

/// Why a private key file cannot be used.
#[derive(Debug)]
pub enum KeyFault {
    /// There is no file.
    NoFile(PathBuf),
    /// It holds no private key, or not the one of the certificate.
    NotValid {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// It is encrypted.
    Cipher(PathBuf),
}

impl Explain for KeyFault {
    fn message(&self) -> &'static Message {
        match self {
            Self::NoFile(_) => &certificate::NO_PRIVATE_KEY_FILE,
            Self::NotValid { .. } => &certificate::PRIVATE_KEY_NOT_VALID,
            Self::Cipher(_) => &certificate::INVALID_PRIVATE_KEY_CIPHER,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::NoFile(file) | Self::Cipher(file) => vec![("file", file.display().to_string())],
            Self::NotValid { file, detail } => {
                vec![("file", file.display().to_string()), ("detail", detail.clone())]
            }
        }
    }
}

/// Implements `Display` and `Error` of a type by its message in English.
macro_rules! error_by_message {
    ($($error:ty),*) => {$(
        impl std::fmt::Display for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let said = self.explain(Language::English);
                write!(f, "{}: {}", said.text, said.cause)
            }
        }
        impl std::error::Error for $error {}
    )*};
}

pub(crate) use error_by_message;

error_by_message!(CertificateFault, KeyFault);
