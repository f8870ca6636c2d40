//! The element grammar: one byte tag, two bytes length, value.

use std::fmt;

use super::value::{Password, Text};
use super::{DecodeError, Tag};

/// One element, as it came.
#[derive(Clone, PartialEq, Eq)]
pub struct Element {
    /// What it is.
    pub tag: Tag,
    /// Its value.
    pub value: Vec<u8>,
}

/// Says how long it is and nothing else: it might be a password.
impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{} bytes]", self.tag, self.value.len())
    }
}

/// Reads elements one after the other.
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Iterator for Reader<'a> {
    type Item = Result<(Tag, &'a [u8]), DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let tag = Tag(*self.0.first()?);
        let Some((head, rest)) = self.0.split_first_chunk::<3>() else {
            self.0 = &[];
            return Some(Err(DecodeError::Truncated(tag)));
        };
        let length = usize::from(u16::from_be_bytes([head[1], head[2]]));
        let Some((value, rest)) = rest.split_at_checked(length) else {
            self.0 = &[];
            return Some(Err(DecodeError::Overrun(tag)));
        };
        self.0 = rest;
        Some(Ok((tag, value)))
    }
}

/// Elements of a body by tag. What nobody takes out is left over.
pub(super) struct Elements<'a>(Vec<(Tag, &'a [u8])>);

impl<'a> Elements<'a> {
    pub fn read(body: &'a [u8]) -> Result<Self, DecodeError> {
        Reader(body).collect::<Result<_, _>>().map(Self)
    }

    /// Takes out the one element with this tag.
    pub fn one(&mut self, tag: Tag) -> Result<Option<&'a [u8]>, DecodeError> {
        let mut found = self.all(tag);
        let value = found.pop();
        if found.is_empty() { Ok(value) } else { Err(DecodeError::Duplicate(tag)) }
    }

    /// Takes out all elements with this tag.
    pub fn all(&mut self, tag: Tag) -> Vec<&'a [u8]> {
        let values = self.0.extract_if(.., |(found, _)| *found == tag);
        values.map(|(_, value)| value).collect()
    }

    pub fn u8(&mut self, tag: Tag) -> Result<Option<u8>, DecodeError> {
        self.array(tag).map(|value| value.map(|[byte]| byte))
    }

    pub fn u16(&mut self, tag: Tag) -> Result<Option<u16>, DecodeError> {
        self.array(tag).map(|value| value.map(u16::from_be_bytes))
    }

    pub fn text(&mut self, tag: Tag) -> Result<Option<Text>, DecodeError> {
        let value = self.one(tag)?;
        value.map(|value| Text::from_wire(value).ok_or(too_long(tag, value))).transpose()
    }

    pub fn password(&mut self, tag: Tag) -> Result<Option<Password>, DecodeError> {
        let value = self.one(tag)?;
        value.map(|value| Password::from_wire(value).ok_or(too_long(tag, value))).transpose()
    }

    pub fn bytes(&mut self, tag: Tag) -> Result<Option<Vec<u8>>, DecodeError> {
        Ok(self.one(tag)?.map(<[u8]>::to_vec))
    }

    pub fn rest(self) -> Vec<Element> {
        self.0.into_iter().map(|(tag, value)| Element { tag, value: value.to_vec() }).collect()
    }

    fn array<const N: usize>(&mut self, tag: Tag) -> Result<Option<[u8; N]>, DecodeError> {
        let Some(value) = self.one(tag)? else { return Ok(None) };
        value.try_into().map(Some).map_err(|_| too_long(tag, value))
    }
}

fn too_long(tag: Tag, value: &[u8]) -> DecodeError {
    DecodeError::Length { tag, found: value.len() }
}

/// Writes elements.
#[derive(Default)]
pub(super) struct Writer(pub Vec<u8>);

impl Writer {
    /// A value longer than a length field can say makes the body too long as well, so that it is
    /// never sent; see [`super::Message::to_bytes`].
    pub fn put(&mut self, tag: Tag, value: &[u8]) -> &mut Self {
        self.part(tag.0, value)
    }

    pub fn put_if(&mut self, tag: Tag, value: Option<&[u8]>) -> &mut Self {
        if let Some(value) = value {
            self.put(tag, value);
        }
        self
    }

    pub fn byte(&mut self, tag: Tag, value: Option<u8>) -> &mut Self {
        self.put_if(tag, value.map(|value| [value]).as_ref().map(<[u8; 1]>::as_slice))
    }

    /// Tag, length and value, of an element or of a part inside one.
    pub fn part(&mut self, tag: u8, value: &[u8]) -> &mut Self {
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.0.push(tag);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(value);
        self
    }
}
