//! Fields of forms.

use maud::{Markup, html};

/// A field with its help.
pub struct Field<'a> {
    /// Its name in the form.
    pub name: &'a str,
    /// What people call it.
    pub title: &'a str,
    /// What it does, with range, default and what a change needs.
    pub help: String,
}

impl Field<'_> {
    /// A line of text.
    pub fn text(&self, value: &str) -> Markup {
        self.around(html! {
            input id=(self.name) name=(self.name) value=(value) aria-describedby=[self.described()];
        })
    }

    /// One of some words, each with what people call it.
    pub fn choice(&self, value: &str, choices: &[(String, String)]) -> Markup {
        self.around(html! {
            select id=(self.name) name=(self.name) aria-describedby=[self.described()] {
                @for (word, title) in choices {
                    option value=(word) selected[word == value] { (title) }
                }
            }
        })
    }

    fn described(&self) -> Option<String> {
        (!self.help.is_empty()).then(|| format!("{}-help", self.name))
    }

    fn around(&self, control: Markup) -> Markup {
        html! {
            div {
                label for=(self.name) { (self.title) }
                (control)
                @if !self.help.is_empty() {
                    p .help id={ (self.name) "-help" } { (self.help) }
                }
            }
        }
    }
}

/// Words as choices that are called what they are.
pub fn words<T: ToString>(words: &[T]) -> Vec<(String, String)> {
    words.iter().map(|word| (word.to_string(), word.to_string())).collect()
}
