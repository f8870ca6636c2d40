//! The header that every file of the family starts with.

use std::fmt;
use std::ops::Range;

use crate::element::{Element, PAD, PREFIX, Reader, Seen, Writer};
use crate::{Defect, DigestAlgorithm, ParseError, Serial, SignatureModulus, Text};

mod tag {
    pub const VERSION: u8 = 0x01;
    pub const HEADER_LENGTH: u8 = 0x02;
    pub const SIGNER_ID: u8 = 0x03;
    pub const SIGNER_NAME: u8 = 0x04;
    pub const SERIAL_NUMBER: u8 = 0x05;
    pub const CA_NAME: u8 = 0x06;
    pub const SIGNATURE_INFO: u8 = 0x07;
    pub const DIGEST_ALGORITHM: u8 = 0x08;
    pub const SIGNATURE_ALGORITHM_INFO: u8 = 0x09;
    pub const SIGNATURE_ALGORITHM: u8 = 0x0A;
    pub const SIGNATURE_MODULUS: u8 = 0x0B;
    pub const SIGNATURE: u8 = 0x0C;
    pub const FILENAME: u8 = 0x0E;
    pub const TIMESTAMP: u8 = 0x0F;
    /// First and last tag of the encryption block, which this crate carries without reading it.
    pub const ENCRYPTION: std::ops::RangeInclusive<u8> = 0x10..=0x1B;
    pub const SIGNER_VERSION: u8 = 0x1C;
}

/// RSA PKCS#1 v1.5, the only signature algorithm.
const RSA_PKCS1: u8 = 0;
/// VERSION and HEADER_LENGTH, the fixed start of every file.
const PREAMBLE: usize = 10;
/// No genuine header comes near this; the format itself would allow 64 KiB.
const MAX_HEADER: usize = 4096;
/// The shortest file worth looking at.
const MIN_FILE: usize = 16;
/// Headers end on a multiple of this.
const ALIGNMENT: usize = 4;

/// How to read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// As phones do: unknown elements are skipped, a missing NUL or odd padding is overlooked.
    Lenient,
    /// As a builder must write: any deviation is an error.
    Strict,
}

/// A version, major and minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The first byte.
    pub major: u8,
    /// The second byte.
    pub minor: u8,
}

impl Version {
    /// VERSION of CTL and ITL files.
    pub const TRUST_LIST: Self = Self { major: 1, minor: 2 };
    /// VERSION of `.sgn` files.
    pub const SIGNED_FILE: Self = Self { major: 1, minor: 0 };
    /// VERSION of signed firmware.
    pub const IMAGE: Self = Self { major: 1, minor: 1 };
    /// VERSION of `.enc.sgn` files.
    pub const ENCRYPTED: Self = Self { major: 2, minor: 0 };

    fn bytes(self) -> [u8; 2] {
        [self.major, self.minor]
    }
}

impl From<[u8; 2]> for Version {
    fn from([major, minor]: [u8; 2]) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// SIGNER_ID: which certificate signed. Serial number and issuer are what is looked up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SignerId {
    /// Subject of the signing certificate.
    pub name: Text,
    /// Its serial number.
    pub serial: Serial,
    /// Its issuer.
    pub issuer: Text,
}

impl fmt::Display for SignerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, serial {} of {}", self.name, self.serial, self.issuer)
    }
}

/// Everything a header says, apart from the signature itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Which member of the file family this is.
    pub version: Version,
    /// What the server side supports; absent from files for 79xx phones.
    pub signer_version: Option<Version>,
    /// Who signed.
    pub signer: SignerId,
    /// The digest that is signed.
    pub digest: DigestAlgorithm,
    /// The size of the signer's key.
    pub modulus: SignatureModulus,
    /// The name the file was signed under.
    pub file_name: Text,
    /// Seconds since 1970; absent from firmware.
    pub timestamp: Option<u32>,
}

/// A header, and where its parts lie in the file it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located {
    pub header: Header,
    /// HEADER_LENGTH: where the body starts.
    pub len: usize,
    /// The SIGNATURE element with its prefix, which is left out of what is signed.
    signature: Range<usize>,
}

impl Located {
    pub fn signature<'a>(&self, file: &'a [u8]) -> &'a [u8] {
        &file[self.signature.start + PREFIX..self.signature.end]
    }

    /// What the signature is made over: the file without its SIGNATURE element.
    pub fn signed_bytes(&self, file: &[u8]) -> Vec<u8> {
        [&file[..self.signature.start], &file[self.signature.end..]].concat()
    }
}

/// Reads the header at the start of `file`.
pub(crate) fn parse(file: &[u8], strictness: Strictness) -> Result<Located, ParseError> {
    if file.len() < MIN_FILE {
        return Err(ParseError { at: file.len(), defect: Defect::TooShort });
    }
    let mut preamble = Reader::new(file, 0, PREAMBLE);
    let version = first(&mut preamble, tag::VERSION)?;
    let len = usize::from(u16::from_be_bytes(first(&mut preamble, tag::HEADER_LENGTH)?));
    if !(PREAMBLE..=file.len().min(MAX_HEADER)).contains(&len) {
        return Err(ParseError { at: 5, defect: Defect::HeaderLength });
    }

    let mut fields = Fields { strictness, ..Fields::default() };
    fields.read(Reader::new(file, PREAMBLE, len))?;
    fields.finish(version.into(), len)
}

/// One of the two elements that every file starts with, both of two bytes.
fn first(preamble: &mut Reader<'_>, tag: u8) -> Result<[u8; 2], ParseError> {
    let at = preamble.at();
    let missing = ParseError { at, defect: Defect::NoPreamble };
    match preamble.next() {
        Ok(Some(element)) if element.tag == tag => element.array().map_err(|_| missing),
        _ => Err(missing),
    }
}

/// The elements behind the preamble, as they are found.
struct Fields {
    strictness: Strictness,
    seen: Seen,
    signer_version: Option<Version>,
    name: Option<Text>,
    serial: Option<Serial>,
    issuer: Option<Text>,
    digest: Option<DigestAlgorithm>,
    algorithm: Option<u8>,
    modulus: Option<SignatureModulus>,
    signature: Option<Range<usize>>,
    file_name: Option<Text>,
    timestamp: Option<u32>,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            strictness: Strictness::Lenient,
            seen: Seen::default(),
            signer_version: None,
            name: None,
            serial: None,
            issuer: None,
            digest: None,
            algorithm: None,
            modulus: None,
            signature: None,
            file_name: None,
            timestamp: None,
        }
    }
}

impl Fields {
    /// Reads elements until the end or the first PAD. Containers nest three deep at most, since
    /// each of them may occur only once.
    fn read(&mut self, mut reader: Reader<'_>) -> Result<(), ParseError> {
        while let Some(&next) = reader.rest().first() {
            if next == PAD {
                return self.padding(&reader);
            }
            if let Some(element) = reader.next()? {
                self.seen.note(&element)?;
                self.field(&reader, &element)?;
            }
        }
        Ok(())
    }

    fn padding(&self, reader: &Reader<'_>) -> Result<(), ParseError> {
        if self.strictness == Strictness::Strict && reader.rest().iter().any(|&byte| byte != PAD) {
            return Err(ParseError { at: reader.at(), defect: Defect::Padding });
        }
        Ok(())
    }

    fn field(&mut self, reader: &Reader<'_>, element: &Element<'_>) -> Result<(), ParseError> {
        match element.tag {
            tag::SIGNER_ID | tag::SIGNATURE_INFO | tag::SIGNATURE_ALGORITHM_INFO => {
                self.read(reader.inside(element))?;
            }
            tag::SIGNER_VERSION => self.signer_version = Some(element.array()?.into()),
            tag::SIGNER_NAME => self.name = Some(self.text(element)?),
            tag::SERIAL_NUMBER => {
                self.serial = Some(Serial::from_file(element.bytes(Serial::MAX)?));
            }
            tag::CA_NAME => self.issuer = Some(self.text(element)?),
            tag::DIGEST_ALGORITHM => {
                let code = element.u8()?;
                let digest = DigestAlgorithm::from_code(code);
                self.digest =
                    Some(digest.map_or_else(|| element.fail(Defect::DigestAlgorithm(code)), Ok)?);
            }
            tag::SIGNATURE_ALGORITHM => match element.u8()? {
                RSA_PKCS1 => self.algorithm = Some(RSA_PKCS1),
                code => return element.fail(Defect::SignatureAlgorithm(code)),
            },
            tag::SIGNATURE_MODULUS => {
                let code = element.u8()?;
                let modulus = SignatureModulus::from_code(code);
                self.modulus =
                    Some(modulus.map_or_else(|| element.fail(Defect::SignatureModulus(code)), Ok)?);
            }
            tag::SIGNATURE => {
                self.signature = Some(element.at..element.at + PREFIX + element.value.len());
            }
            tag::FILENAME => self.file_name = Some(self.text(element)?),
            tag::TIMESTAMP => self.timestamp = Some(element.u32()?),
            tag if tag::ENCRYPTION.contains(&tag) => {}
            tag if self.strictness == Strictness::Strict => {
                return element.fail(Defect::UnknownTag(tag));
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&self, element: &Element<'_>) -> Result<Text, ParseError> {
        element.string(Text::MAX, self.strictness).map(Text::from_file)
    }

    /// Phones need serial number, algorithms and signature; a strict reader needs all of it.
    fn finish(self, version: Version, len: usize) -> Result<Located, ParseError> {
        let missing = |tag| ParseError { at: len, defect: Defect::Missing(tag) };
        let strict = self.strictness == Strictness::Strict;
        let text = |text: Option<Text>, tag| match text {
            None if strict => Err(missing(tag)),
            text => Ok(text.unwrap_or_default()),
        };

        let modulus = self.modulus.ok_or(missing(tag::SIGNATURE_MODULUS))?;
        let signature = self.signature.ok_or(missing(tag::SIGNATURE))?;
        if signature.len() != PREFIX + modulus.signature_len() {
            return Err(ParseError { at: signature.start, defect: Defect::SignatureLength });
        }
        self.algorithm.ok_or(missing(tag::SIGNATURE_ALGORITHM))?;
        let header = Header {
            version,
            signer_version: self.signer_version,
            signer: SignerId {
                name: text(self.name, tag::SIGNER_NAME)?,
                serial: self.serial.ok_or(missing(tag::SERIAL_NUMBER))?,
                issuer: text(self.issuer, tag::CA_NAME)?,
            },
            digest: self.digest.ok_or(missing(tag::DIGEST_ALGORITHM))?,
            modulus,
            file_name: text(self.file_name, tag::FILENAME)?,
            timestamp: self.timestamp,
        };
        Ok(Located { header, len, signature })
    }
}

/// A header as bytes, cut where the SIGNATURE element belongs.
pub(crate) struct Emitted {
    pub before_signature: Vec<u8>,
    pub after_signature: Vec<u8>,
}

impl Header {
    /// Writes the header in the order of genuine files, padded, with its final HEADER_LENGTH.
    pub(crate) fn emit(&self) -> Emitted {
        let mut before = Writer::default();
        before.put(tag::VERSION, &self.version.bytes());
        before.put(tag::HEADER_LENGTH, &[0, 0]);
        if let Some(version) = self.signer_version {
            before.put(tag::SIGNER_VERSION, &version.bytes());
        }
        before.put_container(tag::SIGNER_ID, |id| {
            id.put_string(tag::SIGNER_NAME, self.signer.name.as_bytes());
            id.put(tag::SERIAL_NUMBER, self.signer.serial.as_bytes());
            id.put_string(tag::CA_NAME, self.signer.issuer.as_bytes());
        });
        before.put_container(tag::SIGNATURE_INFO, |info| {
            info.put(tag::DIGEST_ALGORITHM, &[self.digest.code()]);
            info.put_container(tag::SIGNATURE_ALGORITHM_INFO, |info| {
                info.put(tag::SIGNATURE_ALGORITHM, &[RSA_PKCS1]);
                info.put(tag::SIGNATURE_MODULUS, &[self.modulus.code()]);
            });
        });

        let mut after = Writer::default();
        after.put_string(tag::FILENAME, self.file_name.as_bytes());
        if let Some(timestamp) = self.timestamp {
            after.put(tag::TIMESTAMP, &timestamp.to_be_bytes());
        }

        let signature = PREFIX + self.modulus.signature_len();
        let unpadded = before.bytes.len() + signature + after.bytes.len();
        let len = unpadded.next_multiple_of(ALIGNMENT);
        after.bytes.resize(after.bytes.len() + len - unpadded, PAD);
        let len = u16::try_from(len).expect("four names of 256 bytes and a signature fit in 4096");
        before.bytes[8..PREAMBLE].copy_from_slice(&len.to_be_bytes());
        Emitted { before_signature: before.bytes, after_signature: after.bytes }
    }
}

/// Writes the SIGNATURE element.
pub(crate) fn emit_signature(signature: &[u8]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.put(tag::SIGNATURE, signature);
    writer.bytes
}
