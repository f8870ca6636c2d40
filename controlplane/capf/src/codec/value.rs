//! Values of elements that are more than a number.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::element::{Reader, Writer};
use super::{CertificateType, DecodeError, Digest, Tag};

/// Text that ends with a NUL. The bytes are kept as they were sent: proofs are made over them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Text(Vec<u8>);

impl Text {
    /// Most bytes of a text, with its NUL.
    pub const MAX: usize = 256;

    /// Text to be sent; `None` if it is too long or has a NUL inside.
    pub fn new(text: &str) -> Option<Self> {
        let bytes = [text.as_bytes(), b"\0"].concat();
        Self::from_wire(&bytes).filter(|_| !text.contains('\0'))
    }

    /// Text that was received; `None` if it is longer than [`Self::MAX`].
    pub(super) fn from_wire(bytes: &[u8]) -> Option<Self> {
        (bytes.len() <= Self::MAX).then(|| Self(bytes.to_vec()))
    }

    /// The bytes that travel, the NUL among them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text without its NUL; `None` if it is not ASCII, or has a NUL inside. A missing NUL is
    /// forgiven.
    pub fn as_str(&self) -> Option<&str> {
        let text = self.0.strip_suffix(b"\0").unwrap_or(&self.0);
        let text = std::str::from_utf8(text).ok()?;
        (text.is_ascii() && !text.contains('\0')).then_some(text)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.strip_suffix(b"\0").unwrap_or(&self.0);
        write!(f, "{}", text.escape_ascii())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// What a phone gives as authentication string. Never shown, wiped when dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    /// Most bytes that are taken, with the NUL: strings have at most ten digits.
    pub const MAX: usize = 64;

    /// No password.
    pub fn null() -> Self {
        Self(Zeroizing::new(vec![0]))
    }

    /// What somebody typed; `None` if it is too long or has a NUL inside.
    pub fn new(typed: &str) -> Option<Self> {
        let bytes = Zeroizing::new([typed.as_bytes(), b"\0"].concat());
        (bytes.len() <= Self::MAX && !typed.contains('\0')).then_some(Self(bytes))
    }

    pub(super) fn from_wire(bytes: &[u8]) -> Option<Self> {
        (bytes.len() <= Self::MAX).then(|| Self(Zeroizing::new(bytes.to_vec())))
    }

    pub(super) fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// Whether nothing was typed.
    pub fn is_null(&self) -> bool {
        self.typed().is_empty()
    }

    /// Whether it is `expected`. The time this takes tells nothing of where they differ.
    pub fn is(&self, expected: &str) -> bool {
        self.typed().ct_eq(expected.as_bytes()).into()
    }

    /// What was typed, for a phone that has to remember it when its power fails.
    pub fn typed(&self) -> &[u8] {
        self.0.strip_suffix(b"\0").unwrap_or(&self.0)
    }
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Password {}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_null() { "Password(null)" } else { "Password(hidden)" })
    }
}

/// A certificate in a message.
#[derive(Clone, PartialEq, Eq)]
pub struct CertificateEntry {
    /// Which of the phone's certificates it is said to be.
    pub kind: CertificateType,
    /// DER, undecoded.
    pub der: Vec<u8>,
}

impl fmt::Debug for CertificateEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{} bytes]", self.kind, self.der.len())
    }
}

/// Count, then per entry: length of what follows, a reserved byte, the type, DER. That the first
/// byte counts is inferred; it has been seen as 1 only.
pub(super) fn read_certificates(value: &[u8]) -> Result<Vec<CertificateEntry>, DecodeError> {
    let wrong = DecodeError::Parts(Tag::CERTIFICATE);
    let (&count, mut rest) = value.split_first().ok_or(wrong)?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let (length, tail) = rest.split_first_chunk::<2>().ok_or(wrong)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, tail) = tail.split_at_checked(length).ok_or(wrong)?;
        let (&[_reserved, kind], der) = entry.split_first_chunk::<2>().ok_or(wrong)?;
        entries.push(CertificateEntry { kind: CertificateType(kind), der: der.to_vec() });
        rest = tail;
    }
    if rest.is_empty() { Ok(entries) } else { Err(wrong) }
}

pub(super) fn write_certificates(entries: &[CertificateEntry]) -> Vec<u8> {
    let mut value = vec![u8::try_from(entries.len()).unwrap_or(u8::MAX)];
    for CertificateEntry { kind, der } in entries {
        let length = u16::try_from(der.len() + 2).unwrap_or(u16::MAX);
        value.extend_from_slice(&length.to_be_bytes());
        value.extend_from_slice(&[0, kind.0]);
        value.extend_from_slice(der);
    }
    value
}

/// A signature with the hash function it was made with.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed {
    /// The hash function.
    pub digest: Digest,
    /// The signature.
    pub signature: Vec<u8>,
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{} bytes]", self.digest, self.signature.len())
    }
}

impl Signed {
    pub(super) fn read(value: &[u8]) -> Result<Self, DecodeError> {
        let wrong = DecodeError::Parts(Tag::SHA2_SIGNED_DATA);
        // The same shape as an element: digest, length, signature.
        let mut parts = Reader(value);
        match (parts.next(), parts.next()) {
            (Some(Ok((Tag(digest), signature))), None) => {
                Ok(Self { digest: Digest(digest), signature: signature.to_vec() })
            }
            _ => Err(wrong),
        }
    }

    pub(super) fn to_wire(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.part(self.digest.0, &self.signature);
        writer.0
    }
}

/// SUDI_DATA: a manufactured certificate, and proofs over it and the session's number.
#[derive(Clone, PartialEq, Eq)]
pub struct Sudi {
    /// DER of the certificate.
    pub certificate: Vec<u8>,
    /// The proof made with SHA-1.
    pub sha1: Vec<u8>,
    /// The proof made with SHA-512.
    pub sha512: Vec<u8>,
}

impl fmt::Debug for Sudi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "certificate [{} bytes] and proofs", self.certificate.len())
    }
}

impl Sudi {
    const PARTS: [u8; 3] = [0, Digest::SHA1.0, Digest::SHA512.0];

    pub(super) fn read(value: &[u8]) -> Result<Self, DecodeError> {
        let wrong = DecodeError::Parts(Tag::SUDI_DATA);
        let parts: Vec<_> = Reader(value).collect::<Result<_, _>>().map_err(|_| wrong)?;
        let part = |number: u8| {
            let mut found = parts.iter().filter(|(tag, _)| tag.0 == number);
            match (found.next(), found.next()) {
                (Some((_, value)), None) => Ok(value.to_vec()),
                _ => Err(wrong),
            }
        };
        let [certificate, sha1, sha512] = Self::PARTS.map(part);
        Ok(Self { certificate: certificate?, sha1: sha1?, sha512: sha512? })
    }

    pub(super) fn to_wire(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        for (number, value) in Self::PARTS.into_iter().zip(self.parts()) {
            writer.part(number, value);
        }
        writer.0
    }

    fn parts(&self) -> [&[u8]; 3] {
        [&self.certificate, &self.sha1, &self.sha512]
    }
}

/// RETRY_DELAY as it came: neither unit nor width is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RetryDelay(pub Vec<u8>);

impl RetryDelay {
    /// Seconds in two bytes, the form of KEY_SIZE: what we send.
    pub fn seconds(seconds: u16) -> Self {
        Self(seconds.to_be_bytes().to_vec())
    }

    /// The value as a big-endian number of seconds; `None` if it is empty or too wide for one.
    pub fn as_seconds(&self) -> Option<u32> {
        if self.0.is_empty() || self.0.len() > 4 {
            return None;
        }
        Some(self.0.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }
}

impl fmt::Display for RetryDelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_seconds() {
            Some(seconds) => write!(f, "{seconds}"),
            None => write!(f, "[{} bytes]", self.0.len()),
        }
    }
}
