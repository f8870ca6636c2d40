//! Errors on the wire: the id of a message and its values, so that each side can say it in the
//! language of its reader.

use std::collections::BTreeMap;

use lang::Text;
use messages::{Explain, Message, input};
use serde::{Deserialize, Serialize};

/// An error as it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Id of a [`Message`].
    pub id: String,
    /// Its values.
    pub values: BTreeMap<String, String>,
}

/// The body of an answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemBody {
    /// The error.
    pub error: Problem,
}

impl Problem {
    /// What an error says.
    pub fn of(error: &dyn Explain) -> Self {
        let values = error.values().into_iter().map(|(name, value)| (name.to_owned(), value));
        Self { id: error.message().id.to_owned(), values: values.collect() }
    }
}

impl Explain for Problem {
    fn message(&self) -> &'static Message {
        // A provider of another release may know messages that we do not.
        Message::by_id(&self.id).unwrap_or(&input::UNKNOWN_CTL_ERROR)
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        let message = self.message();
        let texts = [message.text, message.cause, message.action];
        let mut values: Vec<_> = texts
            .into_iter()
            .flat_map(marks)
            .filter_map(|name| Some((name, self.values.get(name)?.clone())))
            .collect();
        if message == &input::UNKNOWN_CTL_ERROR && !self.values.contains_key("detail") {
            values.push(("detail", self.id.clone()));
        }
        values
    }
}

crate::error_by_message!(Problem);

/// The names of the values in a text.
fn marks(text: Text) -> impl Iterator<Item = &'static str> {
    text.en.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0))
}
