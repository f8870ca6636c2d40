//! Text on the display, with phrases that stand in the telephone's own dictionary.

use std::fmt;

use sccp::codes::Phrase;
use sccp::{Characters, Charset};

/// What a server wants shown. As a [`fmt::Display`] its phrases are English.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caption {
    characters: Characters,
    charset: Charset,
}

/// Announces a phrase of the first dictionary.
const DICTIONARY_1: u8 = 0x80;
/// Announces a phrase of the second one, which this telephone does not have.
const DICTIONARY_2: u8 = 0x1e;

impl Caption {
    /// Text as it came, for a telephone that reads this charset.
    pub fn new(characters: &Characters, charset: Charset) -> Self {
        Self { characters: characters.clone(), charset }
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.characters.is_empty()
    }

    /// Its phrase, if it is one and nothing else: the label of a soft key in most cases.
    pub fn phrase(&self) -> Option<Phrase> {
        match *self.characters.as_bytes() {
            [DICTIONARY_1, phrase] => Some(Phrase(phrase)),
            _ => None,
        }
    }

    /// The text, with phrases in the words of the telephone's user.
    pub fn in_words(&self, words: impl Fn(Phrase) -> String) -> String {
        let mut text = String::new();
        let mut rest = self.characters.as_bytes();
        while let Some((first, behind)) = rest.split_first() {
            rest = match (*first, behind) {
                (DICTIONARY_1, [phrase, behind @ ..]) => {
                    text.push_str(&words(Phrase(*phrase)));
                    behind
                }
                (DICTIONARY_2, [_, behind @ ..]) => behind,
                _ => self.push_character(rest, &mut text),
            };
        }
        text
    }

    /// Adds the first character, and says what follows it. Those that would move a cursor are
    /// left out.
    fn push_character<'a>(&self, bytes: &'a [u8], text: &mut String) -> &'a [u8] {
        let (c, length) = match self.charset {
            Charset::Latin1 => (char::from(bytes[0]), 1),
            Charset::Utf8 => {
                let valid = bytes.utf8_chunks().next().map(|chunk| chunk.valid());
                match valid.and_then(|valid| valid.chars().next()) {
                    Some(c) => (c, c.len_utf8()),
                    None => (char::REPLACEMENT_CHARACTER, 1),
                }
            }
        };
        if !c.is_control() {
            text.push(c);
        }
        &bytes[length..]
    }
}

impl Default for Caption {
    fn default() -> Self {
        Self { characters: Characters::default(), charset: Charset::Utf8 }
    }
}

impl fmt::Display for Caption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words(|phrase| phrase.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use sccp::Text;

    use super::*;

    #[test]
    fn phrases_stand_in_the_words_of_the_user() {
        let from = Text::<32>::phrase(Phrase::FROM, " 1001", Charset::Latin1);
        let caption = Caption::new(&from, Charset::Latin1);
        assert_eq!(caption.to_string(), "From 1001");
        assert_eq!(caption.in_words(|_| "発信元".to_owned()), "発信元 1001");
        assert_eq!(caption.phrase(), None);
        let label = Caption::new(&Text::<16>::from(Phrase::BARGE), Charset::Utf8);
        assert_eq!(label.phrase(), Some(Phrase::BARGE));
    }

    #[test]
    fn text_is_read_in_the_telephones_charset_and_moves_no_cursor() {
        let name = Text::<40>::new("日本 À\u{7}", Charset::Utf8);
        assert_eq!(Caption::new(&name, Charset::Utf8).to_string(), "日本 À");
        let name = Text::<40>::new("Zoë", Charset::Latin1);
        assert_eq!(Caption::new(&name, Charset::Latin1).to_string(), "Zoë");
    }
}
