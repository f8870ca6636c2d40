//! Steps of which some are done.

use console::{CheckItem, CheckState};
use lang::{Language, Text};
use maud::{Markup, html};

/// The steps, and which one comes next. `place` is where a step is done, by its id.
pub fn checklist(
    title: Text,
    items: &[CheckItem],
    place: impl Fn(&str) -> Option<&'static str>,
    language: Language,
) -> Markup {
    let next = items.iter().find(|item| item.state == CheckState::Open).map(|item| &item.id);
    html! {
        section .card {
            h2 { (title.get(language)) }
            ol .checks {
                @for item in items {
                    @let is_next = Some(&item.id) == next;
                    li .done[item.state == CheckState::Done] .next[is_next] {
                        @match place(&item.id) {
                            Some(place) => a href=(place) { (item.text) },
                            None => (item.text),
                        }
                        @let state = match item.state {
                            CheckState::Done => DONE,
                            CheckState::Optional => OPTIONAL,
                            CheckState::Open if is_next => NEXT,
                            CheckState::Open => OPEN,
                        };
                        small { (state.get(language)) @if !item.detail.is_empty() { " · " (item.detail) } }
                    }
                }
            }
        }
    }
}

const DONE: Text = Text::new("done", "完了");
const NEXT: Text = Text::new("next", "次の手順");
const OPEN: Text = Text::new("to do", "未実施");
const OPTIONAL: Text = Text::new("optional", "任意");
