//! For tests: which messages were provoked, and whether each can be said.

use std::collections::BTreeSet;

use lang::Language;

use crate::{Explain, Message};

/// The messages that a test provoked so far.
#[derive(Debug, Default)]
pub struct Provoked(BTreeSet<&'static str>);

impl Provoked {
    /// Notes an error or prompt.
    ///
    /// # Panics
    ///
    /// When one of its texts lacks a value, in either language.
    pub fn note(&mut self, error: &dyn Explain) {
        for language in Language::ALL {
            let said = error.explain(language);
            for text in [said.text, said.cause, said.action] {
                assert!(!text.contains('{'), "a value is missing: {text}");
            }
        }
        self.0.insert(error.message().id);
    }

    /// Notes the error of a result.
    ///
    /// # Panics
    ///
    /// When it is none.
    pub fn fails<T, E: Explain>(&mut self, result: Result<T, E>) {
        self.note(&result.err().expect("it must fail"));
    }

    /// The ids of those messages of `expected` that were not provoked.
    pub fn missing<'a>(
        &self,
        expected: impl IntoIterator<Item = &'a &'static Message>,
    ) -> Vec<&'static str> {
        let ids = expected.into_iter().map(|message| message.id);
        ids.filter(|id| !self.0.contains(id)).collect()
    }
}
