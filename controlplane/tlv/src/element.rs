//! The element grammar: one byte tag, two bytes length, value. PAD is a tag alone.

use crate::header::Strictness;
use crate::{Defect, ParseError};

/// The one element without length and value; legal only at the end of a header.
pub(crate) const PAD: u8 = 0x0D;

/// Bytes of tag and length.
pub(crate) const PREFIX: usize = 3;

/// Reads elements one after the other from a part of a file, knowing the offsets in the whole.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    file: &'a [u8],
    at: usize,
    end: usize,
}

/// One element, and where it was found.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    pub tag: u8,
    /// Offset of the tag.
    pub at: usize,
    pub value: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `file[at..end]`; the caller has checked that the range lies in the file.
    pub fn new(file: &'a [u8], at: usize, end: usize) -> Self {
        Self { file, at, end }
    }

    /// Offset of what is read next.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What is left to read.
    pub fn rest(&self) -> &'a [u8] {
        &self.file[self.at..self.end]
    }

    /// The next element; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Element<'a>>, ParseError> {
        let at = self.at;
        let Some(&tag) = self.rest().first() else { return Ok(None) };
        let overrun = ParseError { at, defect: Defect::Overrun(tag) };
        let Some(&[high, low]) = self.rest().get(1..PREFIX) else { return Err(overrun) };
        let value_at = at + PREFIX;
        let value_end = value_at + usize::from(u16::from_be_bytes([high, low]));
        if value_end > self.end {
            return Err(overrun);
        }
        self.at = value_end;
        Ok(Some(Element { tag, at, value: &self.file[value_at..value_end] }))
    }

    /// Reads what is inside a container that this reader returned.
    pub fn inside(&self, container: &Element<'a>) -> Self {
        let at = container.at + PREFIX;
        Self { file: self.file, at, end: at + container.value.len() }
    }
}

impl<'a> Element<'a> {
    pub fn fail<T>(&self, defect: Defect) -> Result<T, ParseError> {
        Err(ParseError { at: self.at, defect })
    }

    pub fn u8(&self) -> Result<u8, ParseError> {
        self.array().map(|[byte]| byte)
    }

    pub fn u16(&self) -> Result<u16, ParseError> {
        self.array().map(u16::from_be_bytes)
    }

    pub fn u32(&self) -> Result<u32, ParseError> {
        self.array().map(u32::from_be_bytes)
    }

    pub fn array<const N: usize>(&self) -> Result<[u8; N], ParseError> {
        self.value.try_into().or_else(|_| self.fail(Defect::Length(self.tag)))
    }

    pub fn bytes(&self, limit: usize) -> Result<&'a [u8], ParseError> {
        if self.value.len() > limit {
            return self.fail(Defect::TooLong(self.tag));
        }
        Ok(self.value)
    }

    /// A string without its NUL. Phones accept a missing one; strict readers do not. A NUL inside
    /// is never accepted: it would be another name to every C program.
    pub fn string(&self, limit: usize, strictness: Strictness) -> Result<&'a [u8], ParseError> {
        let text = match self.value.split_last() {
            Some((0, text)) => text,
            _ if strictness == Strictness::Lenient => self.value,
            _ => return self.fail(Defect::Unterminated(self.tag)),
        };
        if text.contains(&0) {
            return self.fail(Defect::Unterminated(self.tag));
        }
        if text.len() > limit {
            return self.fail(Defect::TooLong(self.tag));
        }
        Ok(text)
    }
}

/// Writes elements; lengths are checked by those who made the values.
#[derive(Default)]
pub(crate) struct Writer {
    pub bytes: Vec<u8>,
}

impl Writer {
    pub fn put(&mut self, tag: u8, value: &[u8]) {
        self.prefix(tag, value.len());
        self.bytes.extend_from_slice(value);
    }

    /// A string and the NUL that ends it.
    pub fn put_string(&mut self, tag: u8, text: &[u8]) {
        self.prefix(tag, text.len() + 1);
        self.bytes.extend_from_slice(text);
        self.bytes.push(0);
    }

    /// A container around what `inside` writes.
    pub fn put_container(&mut self, tag: u8, inside: impl FnOnce(&mut Self)) {
        let at = self.bytes.len();
        self.prefix(tag, 0);
        inside(self);
        let length = self.bytes.len() - at - PREFIX;
        self.bytes[at + 1..at + PREFIX].copy_from_slice(&length_bytes(length));
    }

    fn prefix(&mut self, tag: u8, length: usize) {
        self.bytes.push(tag);
        self.bytes.extend_from_slice(&length_bytes(length));
    }
}

/// Every value has a limit far below 64 KiB (the largest is a certificate) that its owner checked.
fn length_bytes(length: usize) -> [u8; 2] {
    u16::try_from(length).expect("values were checked against their limits").to_be_bytes()
}

/// Remembers which single-valued tags were seen.
#[derive(Default)]
pub(crate) struct Seen(u32);

impl Seen {
    /// Notes the element's tag; a second one is an error. Tags from 32 up are unknown anyway.
    pub fn note(&mut self, element: &Element<'_>) -> Result<(), ParseError> {
        let bit = 1u32.checked_shl(u32::from(element.tag)).unwrap_or(0);
        if self.0 & bit != 0 {
            return element.fail(Defect::Duplicate(element.tag));
        }
        self.0 |= bit;
        Ok(())
    }
}
