//! Tables, which scroll within their card on a narrow screen.

use lang::{Language, Text};
use maud::{Markup, html};

use super::words::NONE;

/// A table without a card. A column without a title holds buttons.
pub fn table(columns: &[Text], rows: Markup, language: Language) -> Markup {
    html! {
        table {
            @if !columns.is_empty() {
                thead { tr {
                    @for column in columns {
                        @let title = column.get(language);
                        @if title.is_empty() { td {} } @else { th scope="col" { (title) } }
                    }
                } }
            }
            tbody { (rows) }
        }
    }
}

/// A table on a card of its own, or that there is nothing.
pub fn list<T>(
    heading: Option<Text>,
    columns: &[Text],
    items: &[T],
    row: impl Fn(&T) -> Markup,
    language: Language,
) -> Markup {
    let rows = html! { @for item in items { (row(item)) } };
    html! {
        section .card .scroll tabindex="0" {
            @if let Some(heading) = heading { h2 { (heading.get(language)) } }
            @if items.is_empty() { p .soft { (NONE.get(language)) } }
            @else { (table(columns, rows, language)) }
        }
    }
}

/// A fact and what is said of it.
pub type Fact<'a> = (Text, &'a dyn maud::Render);

/// Facts, one below the other.
pub fn facts(facts: &[Fact<'_>], language: Language) -> Markup {
    html! {
        dl .facts {
            @for (title, value) in facts { dt { (title.get(language)) } dd { (value) } }
        }
    }
}
