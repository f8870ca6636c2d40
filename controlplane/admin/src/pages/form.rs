//! What forms are made of: fields, buttons, the search above a list.

use lang::{Language, Text};
use maud::{Markup, html};

use super::layout::csrf;
use super::words::{ANY, NO, SEARCH, YES};
use crate::accounts::permission::Permission;
use crate::api::condition::Tagged;
use crate::site::Visitor;

/// Words to choose from, each with what people call it.
pub type Choices = Vec<(String, String)>;

/// A field with its help.
pub struct Field<'a> {
    /// Its name in the form.
    name: &'a str,
    title: &'static str,
    help: String,
    language: Language,
}

impl<'a> Field<'a> {
    /// A field that needs no help.
    pub fn new(name: &'a str, title: Text, language: Language) -> Self {
        Self { name, title: title.get(language), help: String::new(), language }
    }

    /// What it does, with range, default and what a change needs.
    pub fn help(self, help: Text) -> Self {
        let help = help.get(self.language).to_owned();
        Self { help, ..self }
    }

    /// Help that names something.
    pub fn told(self, help: String) -> Self {
        Self { help, ..self }
    }

    /// A line of text.
    pub fn text(&self, value: &str) -> Markup {
        self.around(html! {
            input id=(self.name) name=(self.name) value=(value) aria-describedby=[self.described()];
        })
    }

    /// One of some words.
    pub fn choice(&self, value: &str, choices: &[(String, String)]) -> Markup {
        self.around(html! {
            select id=(self.name) name=(self.name) aria-describedby=[self.described()] {
                (options(value, choices))
            }
        })
    }

    /// Yes or no.
    pub fn flag(&self, value: bool) -> Markup {
        self.choice(if value { "true" } else { "false" }, &yes_or_no(self.language))
    }

    /// What a file holds: chosen, or pasted where no script runs.
    pub fn file(&self, accept: &str) -> Markup {
        self.around(html! {
            input type="file" data-into=(self.name) aria-label=(self.title) accept=(accept);
            textarea id=(self.name) name=(self.name) required spellcheck="false"
                aria-describedby=[self.described()] {}
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

fn options(value: &str, choices: &[(String, String)]) -> Markup {
    html! {
        @for (word, title) in choices {
            option value=(word) selected[word == value] { (title) }
        }
    }
}

/// Words that are called what they are.
pub fn words<T: ToString>(words: &[T]) -> Choices {
    words.iter().map(|word| (word.to_string(), word.to_string())).collect()
}

/// Yes, then no.
pub fn yes_or_no(language: Language) -> Choices {
    let choice = |(word, text): (&str, Text)| (word.to_owned(), text.get(language).to_owned());
    [("true", YES), ("false", NO)].map(choice).to_vec()
}

/// What the visitor sees: it is changed only if it still is so.
pub fn seen(answer: &impl Tagged) -> Markup {
    html! { input type="hidden" name="seen" value=(answer.tag()); }
}

/// A form on a card, for those who may operate; others see its fields without the button.
pub fn card(
    place: &str,
    heading: Option<Text>,
    fields: Markup,
    button: Text,
    visitor: &Visitor,
) -> Markup {
    let language = visitor.language;
    html! {
        form .card method="post" action=(place) {
            (csrf(visitor))
            @if let Some(heading) = heading { h2 { (heading.get(language)) } }
            div .fields { (fields) }
            @if visitor.person.may(Permission::Operate) {
                button type="submit" { (button.get(language)) }
            }
        }
    }
}

/// A button that is a form of its own.
pub struct Press<'a> {
    place: &'a str,
    title: String,
    label: Option<String>,
    class: &'static str,
    values: Vec<(&'a str, String)>,
    sure: Option<String>,
}

impl<'a> Press<'a> {
    /// What it is called, and where it leads.
    pub fn new(place: &'a str, title: impl Into<String>) -> Self {
        let (title, values) = (title.into(), Vec::new());
        Self { place, title, label: None, class: "quiet", values, sure: None }
    }

    /// Submits a value.
    pub fn with(mut self, name: &'a str, value: impl ToString) -> Self {
        self.values.push((name, value.to_string()));
        self
    }

    /// What those are told who hear one button of many.
    pub fn labelled(self, label: String) -> Self {
        Self { label: Some(label), ..self }
    }

    /// It asks first.
    pub fn sure(self, question: impl Into<String>) -> Self {
        Self { sure: Some(question.into()), ..self }
    }

    /// It ends something.
    pub fn danger(self) -> Self {
        Self { class: "danger", ..self }
    }

    /// For those who may operate; nothing for others.
    pub fn show(self, visitor: &Visitor) -> Markup {
        html! {
            @if visitor.person.may(Permission::Operate) {
                form method="post" action=(self.place) data-confirm=[self.sure] {
                    (csrf(visitor))
                    @for (name, value) in self.values {
                        input type="hidden" name=(name) value=(value);
                    }
                    button class=(self.class) type="submit" aria-label=[self.label] { (self.title) }
                }
            }
        }
    }
}

/// What a list is searched by.
pub struct Search<'a> {
    place: &'a str,
    find: Text,
    found: &'a str,
    any: Text,
    choices: Vec<(&'a str, Text, &'a str, Choices)>,
}

impl<'a> Search<'a> {
    /// By words (`found` is what was looked for) in what `find` names.
    pub fn new(place: &'a str, find: Text, found: &'a str) -> Self {
        Self { place, find, found, any: ANY, choices: Vec::new() }
    }

    /// And by one of some words; `value` was chosen.
    pub fn by(mut self, name: &'a str, title: Text, value: &'a str, choices: Choices) -> Self {
        self.choices.push((name, title, value, choices));
        self
    }

    /// What it is called that none of them is chosen.
    pub fn any(self, any: Text) -> Self {
        Self { any, ..self }
    }

    /// The form above the list.
    pub fn show(&self, language: Language) -> Markup {
        let any = [(String::new(), self.any.get(language).to_owned())];
        html! {
            form .find method="get" action=(self.place) role="search" {
                div .wide {
                    label for="find" { (self.find.get(language)) }
                    input #find type="search" name="find" value=(self.found);
                }
                @for (name, title, value, choices) in &self.choices {
                    div {
                        label for={ "by-" (name) } { (title.get(language)) }
                        select id={ "by-" (name) } name=(name) { (options(value, &any)) (options(value, choices)) }
                    }
                }
                button type="submit" { (SEARCH.get(language)) }
            }
        }
    }
}

/// Whether one of these texts has the words that were looked for.
pub fn has<'t>(texts: impl IntoIterator<Item = &'t str>, wanted: &str) -> bool {
    let wanted = wanted.trim().to_lowercase();
    texts.into_iter().any(|text| text.to_lowercase().contains(&wanted))
}
