//! Messages: sections of values, lists and sections, each with a name.

use thiserror::Error;

const SECTION_START: u8 = 1;
const SECTION_END: u8 = 2;
const KEY_VALUE: u8 = 3;
const LIST_START: u8 = 4;
const LIST_ITEM: u8 = 5;
const LIST_END: u8 = 6;

/// Sections in sections; charon's own have four levels.
const MAX_DEPTH: usize = 16;

/// A section's content, in its order. The outermost one is a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message(Vec<(String, Element)>);

/// What has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element {
    /// A value; usually text.
    Value(Vec<u8>),
    /// Values.
    List(Vec<Vec<u8>>),
    /// More of them.
    Section(Message),
}

/// Octets that are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("octet {at} of the message does not fit what is before it")]
pub struct Malformed {
    /// Where it is.
    pub at: usize,
}

impl Message {
    /// One without content.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value.
    ///
    /// # Panics
    ///
    /// When the name has more than 255 octets, or the value more than 65,535.
    #[must_use]
    pub fn value(self, name: &str, value: &str) -> Self {
        self.element(name, Element::Value(value.into()))
    }

    /// Adds anything.
    ///
    /// # Panics
    ///
    /// When the name has more than 255 octets, or a value more than 65,535.
    #[must_use]
    pub fn element(mut self, name: &str, element: Element) -> Self {
        let fits = |value: &Vec<u8>| u16::try_from(value.len()).is_ok();
        assert!(u8::try_from(name.len()).is_ok(), "the name {name} is too long");
        assert!(
            match &element {
                Element::Value(value) => fits(value),
                Element::List(values) => values.iter().all(fits),
                Element::Section(_) => true,
            },
            "the value of {name} is too long"
        );
        self.0.push((name.to_owned(), element));
        self
    }

    /// Everything, in its order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Element)> {
        self.0.iter().map(|(name, element)| (name.as_str(), element))
    }

    /// The value of that name, if it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.iter().find_map(|(other, element)| match element {
            Element::Value(value) if other == name => str::from_utf8(value).ok(),
            _ => None,
        })
    }

    /// The number of that name.
    pub fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// The texts of the list of that name; none when there is no such list.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        let found = self.iter().find_map(|(other, element)| match element {
            Element::List(values) if other == name => Some(values),
            _ => None,
        });
        found.into_iter().flatten().filter_map(|value| str::from_utf8(value).ok())
    }

    /// The section of that name.
    pub fn section(&self, name: &str) -> Option<&Message> {
        self.sections().find_map(|(other, section)| (other == name).then_some(section))
    }

    /// The sections in it.
    pub fn sections(&self) -> impl Iterator<Item = (&str, &Message)> {
        self.iter().filter_map(|(name, element)| match element {
            Element::Section(section) => Some((name, section)),
            _ => None,
        })
    }

    /// Reads a message.
    pub fn parse(octets: &[u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor { octets, at: 0 };
        let message = section(&mut cursor, 0)?;
        Ok(message)
    }

    /// Writes it behind what is there.
    pub fn emit(&self, octets: &mut Vec<u8>) {
        for (name, element) in &self.0 {
            match element {
                Element::Value(value) => {
                    named(octets, KEY_VALUE, name);
                    put_value(octets, value);
                }
                Element::List(values) => {
                    named(octets, LIST_START, name);
                    for value in values {
                        octets.push(LIST_ITEM);
                        put_value(octets, value);
                    }
                    octets.push(LIST_END);
                }
                Element::Section(section) => {
                    named(octets, SECTION_START, name);
                    section.emit(octets);
                    octets.push(SECTION_END);
                }
            }
        }
    }
}

fn section(cursor: &mut Cursor<'_>, depth: usize) -> Result<Message, Malformed> {
    let mut message = Message::new();
    loop {
        let here = Malformed { at: cursor.at };
        let kind = match cursor.octet() {
            Some(SECTION_END) if depth > 0 => return Ok(message),
            None if depth == 0 => return Ok(message),
            Some(kind @ (SECTION_START | KEY_VALUE | LIST_START)) => kind,
            _ => return Err(here),
        };
        if depth == MAX_DEPTH {
            return Err(here);
        }
        let name = cursor.name().ok_or(here)?;
        let element = match kind {
            SECTION_START => Element::Section(section(cursor, depth + 1)?),
            KEY_VALUE => Element::Value(cursor.value().ok_or(here)?.to_vec()),
            _ => Element::List(list(cursor)?),
        };
        message.0.push((name.to_owned(), element));
    }
}

fn list(cursor: &mut Cursor<'_>) -> Result<Vec<Vec<u8>>, Malformed> {
    let mut values = Vec::new();
    loop {
        let here = Malformed { at: cursor.at };
        match cursor.octet() {
            Some(LIST_ITEM) => values.push(cursor.value().ok_or(here)?.to_vec()),
            Some(LIST_END) => return Ok(values),
            _ => return Err(here),
        }
    }
}

struct Cursor<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn octet(&mut self) -> Option<u8> {
        self.take(1).map(|octets| octets[0])
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let taken = self.octets.get(self.at..)?.get(..len)?;
        self.at += len;
        Some(taken)
    }

    fn name(&mut self) -> Option<&'a str> {
        let len = self.octet()?;
        str::from_utf8(self.take(len.into())?).ok()
    }

    fn value(&mut self) -> Option<&'a [u8]> {
        let len = self.take(2)?;
        self.take(u16::from_be_bytes([len[0], len[1]]).into())
    }
}

fn named(octets: &mut Vec<u8>, kind: u8, name: &str) {
    octets.extend([kind, name.len() as u8]);
    octets.extend(name.as_bytes());
}

fn put_value(octets: &mut Vec<u8>, value: &[u8]) {
    octets.extend((value.len() as u16).to_be_bytes());
    octets.extend(value);
}
