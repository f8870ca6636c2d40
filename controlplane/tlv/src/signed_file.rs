//! `.sgn` files: a signed header in front of the original bytes.

use std::fmt;
use std::sync::Arc;

use crate::header::{self, Header, Located, Strictness};
use crate::{ParseError, Version};

/// The kinds of signed file that this crate writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Configuration, ring list, locale, tone: signed by a TFTP server, with a time stamp.
    Provisioning,
    /// Firmware: signed by an image key, without a time stamp.
    ///
    /// This is the layout of the vendor's images. What exactly the vendor's signature covers is
    /// not public, so genuine images are served as they are and checked by the phone alone.
    Image,
}

impl FileKind {
    /// VERSION in the header.
    pub fn version(self) -> Version {
        match self {
            Self::Provisioning => Version::SIGNED_FILE,
            Self::Image => Version::IMAGE,
        }
    }
}

/// A `.sgn` file that parses, with the exact bytes it was parsed from.
///
/// Its signature has not been checked: see [`SignedFile::verify`].
#[derive(Clone, PartialEq, Eq)]
pub struct SignedFile {
    bytes: Arc<[u8]>,
    located: Located,
}

impl SignedFile {
    /// Reads the header as a phone does; the rest is payload.
    pub fn parse(bytes: impl Into<Arc<[u8]>>) -> Result<Self, ParseError> {
        Self::parse_with(bytes, Strictness::Lenient)
    }

    /// Reads the header with the given strictness.
    pub fn parse_with(
        bytes: impl Into<Arc<[u8]>>,
        strictness: Strictness,
    ) -> Result<Self, ParseError> {
        let bytes = bytes.into();
        let located = header::parse(&bytes, strictness)?;
        Ok(Self { bytes, located })
    }

    /// The file, byte for byte.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The file, shared.
    pub fn to_bytes(&self) -> Arc<[u8]> {
        Arc::clone(&self.bytes)
    }

    /// Who signed it, when, and how.
    pub fn header(&self) -> &Header {
        &self.located.header
    }

    /// The bytes that were signed: the original file, or its ciphertext if VERSION is 2.0.
    pub fn payload(&self) -> &[u8] {
        &self.bytes[self.located.len..]
    }

    /// The name without its one signing suffix, or `None` if it has none.
    pub fn inner_name(name: &str) -> Option<&str> {
        name.strip_suffix(".sgn").or_else(|| name.strip_suffix(".sha512"))
    }

    pub(crate) fn located(&self) -> &Located {
        &self.located
    }
}

impl fmt::Debug for SignedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = self.header();
        write!(f, "{} of {} bytes, signed by {}", header.file_name, self.bytes.len(), header.signer)
    }
}
