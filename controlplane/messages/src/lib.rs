//! The security guide's messages, with cause and cure, in English and Japanese.
//!
//! Every error or question an administrator of trust lists and phones' certificates can meet is one [`Message`] here: what
//! it says, why it came and what to do. The crates that detect a condition have typed errors of
//! their own and name their message through [`Explain`]; commands, wizards and pages only render.
//!
//! Invariants:
//! - A message's [`Message::id`] never changes and is never used again: scripts match on it.
//! - Values (server, file, number) enter a text by `{name}` marks, the same in both languages.
//!
//! This crate must not know how any condition is detected.

#![forbid(unsafe_code)]

pub mod backup;
pub mod calls;
pub mod capf;
pub mod capture;
pub mod certificate;
pub mod diagnosis;
pub mod gateways;
pub mod input;
pub mod provider;
pub mod registration;
pub mod relays;
pub mod scep;
pub mod signalling;
pub mod srst;
pub mod testing;
pub mod token;
pub mod trust_list;

use std::fmt::{self, Display};

use lang::{Language, Text};

/// One thing to tell, without its values.
#[derive(Debug)]
pub struct Message {
    /// Stable name in machine-readable output.
    pub id: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it says.
    pub text: Text,
    /// Why it came.
    pub cause: Text,
    /// What to do.
    pub action: Text,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something was refused or failed.
    Error,
    /// A question, or a request to do something now.
    Prompt,
    /// A result or a label.
    Notice,
}

impl Message {
    /// Every message there is.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        [
            input::ALL,
            trust_list::ALL,
            certificate::ALL,
            token::ALL,
            provider::ALL,
            registration::ALL,
            scep::ALL,
            diagnosis::ALL,
            calls::ALL,
            gateways::ALL,
            relays::ALL,
            signalling::ALL,
            srst::ALL,
            backup::ALL,
            capture::ALL,
        ]
        .into_iter()
        .flatten()
        .copied()
    }

    /// The message of an id.
    pub fn by_id(id: &str) -> Option<&'static Self> {
        Self::all().find(|message| message.id == id)
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Message {}

/// A condition that has a message, and the values that belong into it.
pub trait Explain {
    /// Its message.
    fn message(&self) -> &'static Message;

    /// Values for the message's marks.
    fn values(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The message with its values, ready to be shown.
    fn explain(&self, language: Language) -> Explanation {
        let values = self.values();
        let values: Vec<_> = values.iter().map(|(name, v)| (*name, v as &dyn Display)).collect();
        let message = self.message();
        Explanation {
            id: message.id,
            kind: message.kind,
            text: message.text.fill(language, &values),
            cause: message.cause.fill(language, &values),
            action: message.action.fill(language, &values),
        }
    }
}

impl Explain for &'static Message {
    fn message(&self) -> &'static Message {
        self
    }
}

/// A message in one language with its values put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// See [`Message::id`].
    pub id: &'static str,
    /// See [`Message::kind`].
    pub kind: Kind,
    /// What it says.
    pub text: String,
    /// Why it came.
    pub cause: String,
    /// What to do.
    pub action: String,
}

impl Display for Explanation {
    /// The text alone; `{:#}` adds cause and action on lines of their own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if f.alternate() {
            write!(f, "\n  {}\n  {}", self.cause, self.action)?;
        }
        Ok(())
    }
}

/// Declares the messages of a module and the list of them.
macro_rules! messages {
    ($(
        $(#[$doc:meta])*
        $kind:ident $name:ident
            $text_en:literal, $text_ja:literal;
            because $cause_en:literal, $cause_ja:literal;
            cure $action_en:literal, $action_ja:literal;
    )*) => {
        $(
            $(#[$doc])*
            pub static $name: crate::Message = crate::Message {
                id: stringify!($name),
                kind: crate::Kind::$kind,
                text: lang::Text::new($text_en, $text_ja),
                cause: lang::Text::new($cause_en, $cause_ja),
                action: lang::Text::new($action_en, $action_ja),
            };
        )*
        /// Every message of this module.
        pub static ALL: &[&crate::Message] = &[$(&$name),*];
    };
}
pub(crate) use messages;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn marks(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
    }

    // R: MSG-01
    #[test]
    fn every_message_is_whole_in_both_languages() {
        for message in Message::all() {
            for text in [message.text, message.cause, message.action] {
                assert!(!text.en.is_empty() && !text.ja.is_empty(), "{}", message.id);
                assert!(text.en.is_ascii(), "{}: {}", message.id, text.en);
                assert!(!text.ja.is_ascii(), "{}: {}", message.id, text.ja);
                assert_eq!(marks(text.en), marks(text.ja), "{}", message.id);
            }
        }
    }

    #[test]
    fn ids_are_unique() {
        let all: Vec<_> = Message::all().map(|message| message.id).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert!(all.iter().all(|id| Message::by_id(id).is_some_and(|message| message.id == *id)));
    }

    #[test]
    fn values_reach_the_text() {
        struct Missing;
        impl Explain for Missing {
            fn message(&self) -> &'static Message {
                &trust_list::NO_CALLMANAGER_CERTIFICATE
            }
            fn values(&self) -> Vec<(&'static str, String)> {
                vec![("server", "cm2".into())]
            }
        }
        let said = Missing.explain(Language::English);
        assert_eq!(said.to_string(), "Could not get CallManager Certificate from server cm2");
        assert_eq!(format!("{said:#}").lines().count(), 3);
        assert!(Missing.explain(Language::Japanese).text.contains("cm2"));
    }
}
