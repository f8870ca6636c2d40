//! Values that travel as opaque bytes: names, serial numbers, public keys.

use std::fmt;

use crate::FieldError;

/// A string as phones compare it: bytes without the NUL that ends them in a file.
///
/// Distinguished names are opaque here. The bytes in the header and in the record must be the
/// same; nobody re-derives them from a certificate.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(Vec<u8>);

impl Text {
    /// Most bytes of a name, without its NUL.
    pub const MAX: usize = 256;

    /// A string to be written: at most [`Text::MAX`] bytes, no NUL inside.
    pub fn new(text: impl Into<Vec<u8>>) -> Result<Self, FieldError> {
        let bytes = at_most(Self::MAX, text.into())?;
        if bytes.contains(&0) {
            return Err(FieldError::Nul);
        }
        Ok(Self(bytes))
    }

    pub(crate) fn from_file(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// The bytes, without the final NUL.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// True for the empty string, which a file stores as a lone NUL.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Text {
    /// UTF-8 where it is; control characters are escaped so that a terminal stays unharmed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in String::from_utf8_lossy(&self.0).chars() {
            if c.is_control() { write!(f, "{}", c.escape_default())? } else { write!(f, "{c}")? }
        }
        Ok(())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

/// A serial number, compared byte by byte and never as a number.
///
/// For our own certificates: the magnitude of the DER INTEGER, without a leading `00`. Tokens of
/// old clusters have it in the opposite byte order; both sides of a comparison come from files.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Serial(Vec<u8>);

impl Serial {
    /// Most bytes of a serial number.
    pub const MAX: usize = 256;

    /// A serial number to be written: at most [`Serial::MAX`] bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, FieldError> {
        at_most(Self::MAX, bytes.into()).map(Self)
    }

    pub(crate) fn from_file(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// The bytes as they stand in the file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Serial {
    /// Upper-case hexadecimal without separators.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A public key in the form of a record: PKCS#1 `RSAPublicKey` DER, or an uncompressed EC point.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey(Vec<u8>);

impl PublicKey {
    /// Most bytes of a public key.
    pub const MAX: usize = 512;

    /// A public key to be written: at most [`PublicKey::MAX`] bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, FieldError> {
        at_most(Self::MAX, bytes.into()).map(Self)
    }

    pub(crate) fn from_file(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// The bytes as they stand in the file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// True for an uncompressed EC point, which starts with `04`. Such a key never signs a file.
    pub fn is_ec_point(&self) -> bool {
        self.0.first() == Some(&0x04)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_ec_point() { "EC" } else { "RSA" };
        write!(f, "{kind} public key, {} bytes", self.0.len())
    }
}

fn at_most(limit: usize, bytes: Vec<u8>) -> Result<Vec<u8>, FieldError> {
    if bytes.len() > limit { Err(FieldError::TooLong { limit }) } else { Ok(bytes) }
}
