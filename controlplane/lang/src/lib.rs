//! English and Japanese for what people read.
//!
//! A sentence for people is a [`Text`]: both languages side by side, so that neither is forgotten.
//! What carries values (an error, a warning, a step of a wizard) implements [`Say`]. Which language
//! a person reads is decided once, at the edge (an option, the environment, a browser's header),
//! and travels as an argument.
//!
//! Invariants:
//! - Names, numbers, file names and commands are the same in both languages.
//! - Logs and machine-readable output are not translated.
//!
//! This crate must not know what the texts are about.

#![forbid(unsafe_code)]

use std::fmt::{Display, Write};

/// The languages people read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Japanese.
    Japanese,
}

impl Language {
    /// Every language there is, for tests that walk over all texts.
    pub const ALL: [Self; 2] = [Self::English, Self::Japanese];

    /// The language of a tag such as `ja`, `ja_JP.UTF-8` or `en-GB`.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_', '.', '@']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "en" | "c" | "posix" => Some(Self::English),
            "ja" => Some(Self::Japanese),
            _ => None,
        }
    }

    /// The language of a POSIX environment: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that
    /// is set decides; English if it names none of ours.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()))
            .and_then(|value| Self::from_tag(&value))
            .unwrap_or_default()
    }

    /// The tag of RFC 5646.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Japanese => "ja",
        }
    }
}

/// One sentence in every language. `{name}` marks a value that [`Text::fill`] puts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// English.
    pub en: &'static str,
    /// Japanese.
    pub ja: &'static str,
}

impl Text {
    /// A sentence in both languages.
    pub const fn new(en: &'static str, ja: &'static str) -> Self {
        Self { en, ja }
    }

    /// The sentence as it stands.
    pub fn get(self, language: Language) -> &'static str {
        match language {
            Language::English => self.en,
            Language::Japanese => self.ja,
        }
    }

    /// The sentence with its values put in. A mark without a value stays as it is, so that a value
    /// may hold braces itself.
    pub fn fill(self, language: Language, values: &[(&str, &dyn Display)]) -> String {
        let mut filled = String::new();
        let mut rest = self.get(language);
        while let Some(open) = rest.find('{') {
            let (before, mark) = rest.split_at(open);
            filled.push_str(before);
            let value = mark.find('}').and_then(|close| {
                let (_, value) = values.iter().find(|(name, _)| *name == &mark[1..close])?;
                Some((close, value))
            });
            match value {
                Some((close, value)) => {
                    write!(filled, "{value}").expect("a string takes everything");
                    rest = &mark[close + 1..];
                }
                None => {
                    filled.push('{');
                    rest = &mark[1..];
                }
            }
        }
        filled + rest
    }
}

impl Say for Text {
    fn say(&self, language: Language) -> String {
        self.get(language).to_owned()
    }
}

/// Something that can be told to a person.
pub trait Say {
    /// The words, in the person's language.
    fn say(&self, language: Language) -> String;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_the_language() {
        let of = |set: &[(&str, &str)]| {
            let set: Vec<_> = set.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
            Language::from_environment(move |name| {
                set.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone())
            })
        };
        assert_eq!(of(&[]), Language::English);
        assert_eq!(of(&[("LANG", "ja_JP.UTF-8")]), Language::Japanese);
        assert_eq!(of(&[("LC_ALL", "C"), ("LANG", "ja_JP.UTF-8")]), Language::English);
        assert_eq!(of(&[("LC_ALL", ""), ("LANG", "ja")]), Language::Japanese);
        assert_eq!(of(&[("LANG", "fr_FR")]), Language::English);
        for language in Language::ALL {
            assert_eq!(Language::from_tag(language.tag()), Some(language));
        }
    }

    #[test]
    fn values_are_put_in_once() {
        let text = Text::new("{who} may not {what}", "{who} は {what} できません {");
        let values: [(&str, &dyn Display); 2] = [("who", &"{what}"), ("what", &7)];
        assert_eq!(text.fill(Language::English, &values), "{what} may not 7");
        assert_eq!(text.fill(Language::Japanese, &values), "{what} は 7 できません {");
    }
}
