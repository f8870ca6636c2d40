//! A reader of BER: what certificate authorities send is not always DER.
//!
//! It reads in place and allocates nothing; [`Element::der`] makes DER of an element. Indefinite
//! lengths, lengths that are longer than needed and strings in pieces are all understood.

use std::borrow::Cow;

/// Deepest nesting that is followed.
pub const MAX_DEPTH: usize = 20;

/// SEQUENCE
pub const SEQUENCE: u8 = 0x30;
/// SET
pub const SET: u8 = 0x31;
/// INTEGER
pub const INTEGER: u8 = 0x02;
/// OBJECT IDENTIFIER
pub const OID: u8 = 0x06;
/// OCTET STRING in one piece
pub const OCTETS: u8 = 0x04;
/// Bit of a constructed element.
pub const CONSTRUCTED: u8 = 0x20;

/// The identifier octet of `[number]`, constructed.
pub const fn context(number: u8) -> u8 {
    0x80 | CONSTRUCTED | number
}

/// Bytes are not what they should be: what could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// One element.
#[derive(Clone, Copy, Debug)]
pub struct Element<'a> {
    /// Its identifier octet: class, constructed or not, number up to 30.
    pub tag: u8,
    /// All of it, as it was received.
    pub encoded: &'a [u8],
    /// Its content, without an end-of-contents mark.
    pub content: &'a [u8],
    depth: usize,
}

/// Elements one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    depth: usize,
}

impl<'a> Reader<'a> {
    /// Of a whole message.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, depth: 0 }
    }

    /// The next element; `None` at the end.
    pub fn any(&mut self) -> Result<Option<Element<'a>>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        if self.depth >= MAX_DEPTH {
            return Err(Malformed("elements are nested too deep"));
        }
        let header = Header::read(self.rest)?;
        let body = &self.rest[header.size..];
        let (content, all) = match header.length {
            Some(length) => (length, header.size + length),
            None => {
                let content = indefinite(body)?;
                (content, header.size + content + END_OF_CONTENTS.len())
            }
        };
        let element = Element {
            tag: header.tag,
            encoded: &self.rest[..all],
            content: &body[..content],
            depth: self.depth,
        };
        self.rest = &self.rest[all..];
        Ok(Some(element))
    }

    /// The next element, which must have this tag; `what` it is goes into the error.
    pub fn expect(&mut self, tag: u8, what: &'static str) -> Result<Element<'a>, Malformed> {
        self.any()?.filter(|element| element.tag == tag).ok_or(Malformed(what))
    }

    /// The next element if it has this tag; otherwise nothing is read.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Malformed> {
        if self.rest.first() == Some(&tag) { self.any() } else { Ok(None) }
    }

    /// Nothing may be left; `what` precedes it.
    pub fn end(&self, what: &'static str) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed(what)) }
    }
}

impl<'a> Element<'a> {
    /// The only element of a message.
    pub fn only(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let element = reader.any()?.ok_or(Malformed("there is nothing"))?;
        reader.end("something follows the message")?;
        Ok(element)
    }

    /// What is inside a constructed element.
    pub fn parts(&self) -> Reader<'a> {
        Reader { rest: self.content, depth: self.depth + 1 }
    }

    /// Whether it is made of elements.
    pub fn is_constructed(&self) -> bool {
        self.tag & CONSTRUCTED != 0
    }

    /// The bytes of a string, put together if it came in pieces.
    pub fn octets(&self) -> Result<Cow<'a, [u8]>, Malformed> {
        if !self.is_constructed() {
            return Ok(Cow::Borrowed(self.content));
        }
        let mut whole = Vec::new();
        let mut parts = self.parts();
        while let Some(piece) = parts.any()? {
            if piece.tag & !CONSTRUCTED != OCTETS {
                return Err(Malformed("a piece of a string is no OCTET STRING"));
            }
            whole.extend_from_slice(&piece.octets()?);
        }
        Ok(Cow::Owned(whole))
    }

    /// It in DER, as far as that can be done without knowing what it means: lengths definite and
    /// short, OCTET STRINGs in one piece. The members of a SET keep their order.
    pub fn der(&self) -> Result<Vec<u8>, Malformed> {
        if self.tag == OCTETS | CONSTRUCTED {
            return Ok(encode(OCTETS, &self.octets()?));
        }
        if !self.is_constructed() {
            return Ok(encode(self.tag, self.content));
        }
        let mut content = Vec::new();
        let mut parts = self.parts();
        while let Some(part) = parts.any()? {
            content.append(&mut part.der()?);
        }
        Ok(encode(self.tag, &content))
    }
}

/// Encodes an element in DER by its identifier octet.
pub fn encode(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut encoded = vec![tag];
    match content.len() {
        short @ ..0x80 => encoded.push(short as u8),
        long => {
            let bytes = long.to_be_bytes();
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            encoded.push(0x80 | (bytes.len() - zeros) as u8);
            encoded.extend_from_slice(&bytes[zeros..]);
        }
    }
    encoded.extend_from_slice(content);
    encoded
}

const END_OF_CONTENTS: [u8; 2] = [0, 0];

struct Header {
    tag: u8,
    /// Bytes of the header.
    size: usize,
    /// Bytes of the content, all of them there; `None` if an end-of-contents mark ends it.
    length: Option<usize>,
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let [tag, first, rest @ ..] = bytes else {
            return Err(Malformed("it ends in the middle of a header"));
        };
        if tag & 0x1f == 0x1f {
            return Err(Malformed("a tag number above 30"));
        }
        let (size, length) = match first {
            short @ ..0x80 => (2, usize::from(*short)),
            0x80 if tag & CONSTRUCTED != 0 => {
                return Ok(Self { tag: *tag, size: 2, length: None });
            }
            0x81..=0x84 => {
                let count = usize::from(first & 0x7f);
                let bytes = rest.get(..count).ok_or(Malformed("it ends in a length"))?;
                (2 + count, bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
            }
            _ => return Err(Malformed("a length that cannot be")),
        };
        match length <= bytes.len() - size {
            true => Ok(Self { tag: *tag, size, length: Some(length) }),
            false => Err(Malformed("it is shorter than its lengths say")),
        }
    }
}

/// The length of a content that an end-of-contents mark ends.
fn indefinite(body: &[u8]) -> Result<usize, Malformed> {
    let mut open = 1;
    let mut at = 0;
    loop {
        if body[at..].starts_with(&END_OF_CONTENTS) {
            open -= 1;
            if open == 0 {
                return Ok(at);
            }
            at += END_OF_CONTENTS.len();
            continue;
        }
        let header = Header::read(&body[at..])?;
        match header.length {
            Some(length) => at += header.size + length,
            None => {
                at += header.size;
                open += 1;
            }
        }
        if open > MAX_DEPTH {
            return Err(Malformed("elements are nested too deep"));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pieces_and_indefinite_lengths_become_der() {
        // SEQUENCE (indefinite) { OCTET STRING in pieces "ab" "c", INTEGER 5 with a long length }
        let ber = [
            0x30, 0x80, 0x24, 0x80, 0x04, 2, b'a', b'b', 0x24, 3, 0x04, 1, b'c', 0, 0, 0x02, 0x82,
            0, 1, 5, 0, 0,
        ];
        let element = Element::only(&ber).unwrap();
        assert_eq!(element.der().unwrap(), [0x30, 8, 0x04, 3, b'a', b'b', b'c', 0x02, 1, 5]);
        let mut parts = element.parts();
        assert_eq!(*parts.any().unwrap().unwrap().octets().unwrap(), *b"abc");
        assert!(parts.expect(OCTETS, "octets").is_err());
        for cut in 0..ber.len() {
            assert!(Element::only(&ber[..cut]).is_err(), "{cut}");
        }
        assert!(Element::only(&[&ber[..], &[0]].concat()).is_err());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let nested = |levels| -> Vec<u8> {
            let mut bytes = [[0x30, 0x80]; 64][..levels].concat();
            bytes.extend_from_slice(&[END_OF_CONTENTS; 64][..levels].concat());
            bytes
        };
        assert!(Element::only(&nested(MAX_DEPTH)).unwrap().der().is_ok());
        assert!(Element::only(&nested(MAX_DEPTH + 1)).is_err());
        let mut definite = Vec::new();
        for _ in 0..=MAX_DEPTH {
            definite = encode(SEQUENCE, &definite);
        }
        assert!(Element::only(&definite).unwrap().der().is_err());
        for bytes in [
            &[0x04, 0x80, 0, 0][..],
            &[0x1f, 0x81, 1, 0],
            &[0x30, 0x85, 0, 0, 0, 0, 0],
            &[0x30, 0xff],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert!(Element::only(bytes).is_err(), "{bytes:02x?}");
        }
        let wrong_piece = Element::only(&[0x24, 3, 0x02, 1, 0]).unwrap();
        assert!(wrong_piece.octets().is_err());
    }

    proptest! {
        #[test]
        fn strangers_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(element) = Element::only(&bytes) {
                let _ = element.octets();
                if let Ok(der) = element.der() {
                    prop_assert!(der.len() <= bytes.len());
                    let again = Element::only(&der).unwrap();
                    prop_assert_eq!(again.der().unwrap(), der.clone());
                }
            }
        }

        #[test]
        fn lengths_are_right(length in 0usize..70_000) {
            let encoded = encode(OCTETS, &vec![7; length]);
            prop_assert_eq!(Element::only(&encoded).unwrap().content.len(), length);
        }
    }
}
