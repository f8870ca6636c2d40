//! What was found of one thing: how it is, why that matters, what to do.

use std::fmt::Display;

use lang::{Language, Say, Text};

use crate::machine::Remedy;

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Good,
    /// Worth knowing; nothing has to be done.
    Notice,
    /// It costs packets, time or certainty.
    Weak,
}

impl State {
    /// Its name for machines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Notice => "notice",
            Self::Weak => "weak",
        }
    }
}

/// A sentence with its values.
#[derive(Clone, Debug)]
pub struct Sentence {
    text: Text,
    values: Vec<(&'static str, String)>,
}

impl Sentence {
    /// With a value for a mark.
    pub(crate) fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.values.push((name, value.to_string()));
        self
    }
}

impl From<Text> for Sentence {
    fn from(text: Text) -> Self {
        Self { text, values: Vec::new() }
    }
}

impl Say for Sentence {
    fn say(&self, language: Language) -> String {
        let values: Vec<_> =
            self.values.iter().map(|(name, value)| (*name, value as &dyn Display)).collect();
        self.text.fill(language, &values)
    }
}

/// What was found of one thing.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Stable name of what was looked at, such as `card.xdp`.
    pub check: &'static str,
    /// Which card; absent: the machine.
    pub subject: Option<String>,
    /// How it stands.
    pub state: State,
    /// How it is.
    pub text: Sentence,
    /// Why that matters.
    pub reason: Sentence,
    /// What to do; absent where nothing is to be done.
    pub cure: Option<Sentence>,
    /// What of it can be done at run time.
    pub remedies: Vec<Remedy>,
    /// What the kernel has to be told when it starts, if only that helps.
    pub boot_argument: Option<String>,
}

impl Finding {
    /// About the machine.
    pub(crate) fn new(
        check: &'static str,
        state: State,
        text: impl Into<Sentence>,
        reason: impl Into<Sentence>,
    ) -> Self {
        Self {
            check,
            subject: None,
            state,
            text: text.into(),
            reason: reason.into(),
            cure: None,
            remedies: Vec::new(),
            boot_argument: None,
        }
    }

    pub(crate) fn of(mut self, subject: &str) -> Self {
        self.subject = Some(subject.to_owned());
        self
    }

    pub(crate) fn cured_by(mut self, cure: impl Into<Sentence>) -> Self {
        self.cure = Some(cure.into());
        self
    }

    pub(crate) fn remedied_by(mut self, remedies: impl IntoIterator<Item = Remedy>) -> Self {
        self.remedies.extend(remedies);
        self
    }

    pub(crate) fn at_boot(mut self, argument: String) -> Self {
        self.boot_argument = Some(argument);
        self
    }
}
