//! Text on the displays of telephones.
//!
//! Older telephones read Latin-1, newer ones UTF-8. In between stand phrases of the telephone's
//! own dictionary: two bytes, `80` and the number of the phrase.

use std::fmt;
use std::ops::Deref;

use crate::body::{Field, Input, Output};
use crate::codes::Phrase;
use crate::version::Version;

/// Announces a phrase of the first dictionary.
const DICTIONARY_1: u8 = 0x80;
/// Announces a phrase of the second one.
const DICTIONARY_2: u8 = 0x1e;

/// How a telephone reads text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// ISO 8859-1
    Latin1,
    /// UTF-8
    Utf8,
}

impl Charset {
    /// That of a telephone, by the highest version it knows (not by the one that was agreed on).
    pub fn of_phone(highest: Version) -> Self {
        if highest <= Version::V11 { Self::Latin1 } else { Self::Utf8 }
    }

    fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Latin1 => text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect(),
            Self::Utf8 => text.as_bytes().to_vec(),
        }
    }
}

/// Characters without a NUL: in a charset that the telephone knows, with phrases in between.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Characters(Box<[u8]>);

impl Characters {
    /// What stands before the first NUL.
    pub(crate) fn until_nul(bytes: &[u8]) -> Self {
        Self(bytes.split(|byte| *byte == 0).next().unwrap_or_default().into())
    }

    /// The bytes as they travel.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text; what cannot be read is `�`.
    pub fn decode(&self, charset: Charset) -> String {
        match charset {
            Charset::Latin1 => self.0.iter().map(|byte| char::from(*byte)).collect(),
            Charset::Utf8 => String::from_utf8_lossy(&self.0).into_owned(),
        }
    }

    /// Writes a field of fixed width, with zeros behind the text.
    pub(crate) fn write_fixed(&self, width: usize, output: &mut Output) {
        let end = output.length() + width;
        output.put(&self.0[..self.0.len().min(width)]);
        output.pad_to(end);
    }
}

impl fmt::Display for Characters {
    /// In quotes; phrases in braces and in English, control characters escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        let mut rest = &*self.0;
        while let Some((first, behind)) = rest.split_first() {
            rest = match (*first, behind) {
                (DICTIONARY_1, [phrase, behind @ ..]) => {
                    write!(f, "{{{}}}", Phrase(*phrase))?;
                    behind
                }
                (DICTIONARY_2, [phrase, behind @ ..]) => {
                    write!(f, "{{2:{phrase}}}")?;
                    behind
                }
                _ => write_plain(rest, f)?,
            };
        }
        f.write_str("\"")
    }
}

/// Writes the first character, and says what follows it.
fn write_plain<'a>(bytes: &'a [u8], f: &mut fmt::Formatter<'_>) -> Result<&'a [u8], fmt::Error> {
    let chunk = bytes.utf8_chunks().next().expect("there are bytes");
    let (c, length) = match chunk.valid().chars().next() {
        Some(c) => (c, c.len_utf8()),
        None => (char::from(bytes[0]), 1),
    };
    if c.is_control() || c == '"' {
        write!(f, "{}", c.escape_default())?;
    } else {
        write!(f, "{c}")?;
    }
    Ok(&bytes[length..])
}

impl fmt::Debug for Characters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text in a field of `N` bytes. Writers leave room for a NUL at the end, readers do without.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text<const N: usize>(Characters);

impl<const N: usize> Text<N> {
    /// As much of the text as fits, up to a NUL in it; cut between two characters.
    pub fn new(text: &str, charset: Charset) -> Self {
        let mut room = N - 1;
        let fits = text.chars().take_while(|c| *c != '\0').take_while(|c| {
            let width = if charset == Charset::Latin1 { 1 } else { c.len_utf8() };
            let fits = width <= room;
            room -= width.min(room);
            fits
        });
        Self(Characters(charset.encode(&fits.collect::<String>()).into()))
    }

    /// A phrase in the telephone's own language, and text behind it.
    pub fn phrase(phrase: Phrase, text: &str, charset: Charset) -> Self {
        let mut bytes = vec![DICTIONARY_1, phrase.0];
        bytes.extend_from_slice(Self::new(text, charset).as_bytes());
        bytes.truncate(N - 1);
        Self(Characters::until_nul(&bytes))
    }
}

impl<const N: usize> From<&str> for Text<N> {
    /// As much of the text as fits, in UTF-8.
    fn from(text: &str) -> Self {
        Self::new(text, Charset::Utf8)
    }
}

impl<const N: usize> From<Phrase> for Text<N> {
    fn from(phrase: Phrase) -> Self {
        Self::phrase(phrase, "", Charset::Utf8)
    }
}

impl<const N: usize> Deref for Text<N> {
    type Target = Characters;

    fn deref(&self) -> &Characters {
        &self.0
    }
}

impl<const N: usize> From<Text<N>> for Characters {
    fn from(text: Text<N>) -> Self {
        text.0
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const N: usize> Field for Text<N> {
    fn read(input: &mut Input<'_>) -> Self {
        Self(Characters::until_nul(input.take(N)))
    }

    fn write(&self, output: &mut Output) {
        self.0.write_fixed(N, output);
    }
}

/// Text of any length, with a NUL behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unbounded(Characters);

impl Unbounded {
    /// The text, up to a NUL in it.
    pub fn new(text: &str, charset: Charset) -> Self {
        Self(Characters::until_nul(&charset.encode(text)))
    }
}

impl From<&str> for Unbounded {
    /// The text in UTF-8.
    fn from(text: &str) -> Self {
        Self::new(text, Charset::Utf8)
    }
}

impl<const N: usize> From<Text<N>> for Unbounded {
    fn from(text: Text<N>) -> Self {
        Self(text.0)
    }
}

impl Deref for Unbounded {
    type Target = Characters;

    fn deref(&self) -> &Characters {
        &self.0
    }
}

impl fmt::Display for Unbounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Field for Unbounded {
    fn read(input: &mut Input<'_>) -> Self {
        let text = Characters::until_nul(input.remaining());
        input.take(text.as_bytes().len() + 1);
        Self(text)
    }

    fn write(&self, output: &mut Output) {
        output.put(self.as_bytes());
        output.zeros(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(Text::<6>::from("abcdé").as_bytes(), b"abcd");
        assert_eq!(Text::<7>::from("abcdé").as_bytes(), "abcdé".as_bytes());
        assert_eq!(Text::<6>::new("abcdéf", Charset::Latin1).as_bytes(), b"abcd\xe9");
        assert_eq!(Text::<6>::new("日本", Charset::Latin1).as_bytes(), b"??");
        assert_eq!(Text::<6>::from("ab\0cd").as_bytes(), b"ab");
    }

    #[test]
    fn text_is_shown_with_its_phrases_and_without_harm() {
        let from = Text::<32>::phrase(Phrase::FROM, " 1001", Charset::Latin1);
        assert_eq!(from.as_bytes(), b"\x80\x17 1001");
        assert_eq!(from.to_string(), "\"{From} 1001\"");
        for (bytes, shown) in [
            (&b"\x1b[2J\"\n"[..], r#""\u{1b}[2J\"\n""#),
            (b"\x1e\x05 \xc3\x80 \xe9 \x80", "\"{2:5} À é \\u{80}\""),
        ] {
            assert_eq!(Characters::until_nul(bytes).to_string(), shown);
        }
    }
}
