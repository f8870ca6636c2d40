//! The little DER that certificates and the messages around them need, on top of the `der` crate.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use der::asn1::{Any, AnyRef, GeneralizedTime, Int, ObjectIdentifier, UtcTime};
use der::{Decode, Encode, Header, Reader, SliceReader, Tag, TagNumber};

/// Encodes one element.
///
/// # Panics
///
/// When the content is longer than DER's limit of 256 MB.
pub fn element(tag: Tag, content: impl Into<Box<[u8]>>) -> Vec<u8> {
    Any::new(tag, content).and_then(|any| any.to_der()).expect("an element of less than 256 MB")
}

/// Encodes a constructed element of parts that are encoded already.
pub fn constructed(tag: Tag, parts: &[&[u8]]) -> Vec<u8> {
    element(tag, parts.concat())
}

/// A SEQUENCE of parts that are encoded already.
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    constructed(Tag::Sequence, parts)
}

/// The tag `[number]`.
pub fn context(number: u32, constructed: bool) -> Tag {
    Tag::ContextSpecific { constructed, number: TagNumber(number) }
}

/// An object identifier.
pub fn oid(oid: ObjectIdentifier) -> Vec<u8> {
    element(Tag::ObjectIdentifier, oid.as_bytes())
}

/// A positive INTEGER of a big-endian magnitude.
pub fn unsigned(magnitude: &[u8]) -> Vec<u8> {
    let mut content = minimal(magnitude).to_vec();
    if content.first().is_none_or(|first| first & 0x80 != 0) {
        content.insert(0, 0);
    }
    element(Tag::Integer, content)
}

/// A BIT STRING of whole bytes.
pub fn bits(bytes: &[u8]) -> Vec<u8> {
    element(Tag::BitString, [&[0], bytes].concat())
}

/// A moment, in the form RFC 5280 §4.1.2.5 asks for. Moments before 1970 become 1970.
pub fn time(at: SystemTime) -> Vec<u8> {
    let since = Duration::from_secs(unix_seconds(at));
    UtcTime::from_unix_duration(since)
        .and_then(|time| time.to_der())
        .or_else(|_| GeneralizedTime::from_unix_duration(since).and_then(|time| time.to_der()))
        .expect("a date before the year 10000")
}

/// The moment of a UTCTime or GeneralizedTime.
pub fn read_time(any: AnyRef<'_>) -> Option<SystemTime> {
    let since = match any.header().tag() {
        Tag::UtcTime => any.decode_as::<UtcTime>().ok()?.to_unix_duration(),
        Tag::GeneralizedTime => any.decode_as::<GeneralizedTime>().ok()?.to_unix_duration(),
        _ => return None,
    };
    UNIX_EPOCH.checked_add(since)
}

/// The content of a BIT STRING of whole bytes.
pub fn read_bits<'a>(any: AnyRef<'a>) -> Option<&'a [u8]> {
    match any.header().tag() {
        Tag::BitString => any.value().strip_prefix(&[0]),
        _ => None,
    }
}

/// The magnitude of an INTEGER without sign byte; `None` for a negative or malformed one.
pub fn read_unsigned(any: AnyRef<'_>) -> Option<Vec<u8>> {
    let integer = Int::from_der(&any.to_der().ok()?).ok()?;
    let bytes = integer.as_bytes();
    (bytes.first()? & 0x80 == 0).then(|| minimal(bytes).to_vec())
}

/// The elements inside a constructed one, one after the other.
pub struct Elements<'a> {
    reader: SliceReader<'a>,
}

impl<'a> Elements<'a> {
    /// Of the content of a constructed element, or of a whole file.
    pub fn of(content: &'a [u8]) -> Option<Self> {
        Some(Self { reader: SliceReader::new(content).ok()? })
    }

    /// The next element, if it has this tag.
    pub fn expect(&mut self, tag: Tag) -> Option<AnyRef<'a>> {
        self.any().filter(|any| any.header().tag() == tag)
    }

    /// The next element, whatever it is.
    pub fn any(&mut self) -> Option<AnyRef<'a>> {
        AnyRef::decode(&mut self.reader).ok()
    }

    /// The next element with its header.
    pub fn encoded(&mut self) -> Option<&'a [u8]> {
        self.reader.tlv_bytes().ok()
    }

    /// The next element, if there is one and it has this tag; otherwise nothing is read.
    pub fn optional(&mut self, tag: Tag) -> Option<AnyRef<'a>> {
        (!self.at_end() && Header::peek(&self.reader).ok()?.tag() == tag).then(|| self.any())?
    }

    /// Whether everything was read.
    pub fn at_end(&self) -> bool {
        self.reader.is_finished()
    }
}

/// Seconds since 1970, zero before.
pub fn unix_seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn minimal(magnitude: &[u8]) -> &[u8] {
    let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
    &magnitude[zeros..]
}
