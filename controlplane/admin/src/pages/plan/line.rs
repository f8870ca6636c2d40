//! A line.

use std::sync::Arc;

use axum::extract::{Path, State};
use console::{LineChanges, RemoveLine, SetLine, ShowLine};
use lang::{Say, Text};
use maud::html;
use store::Number;

use super::{ALL, BUSY, DISPLAY, NO_ANSWER, PLACE, TITLE, remove as button};
use crate::api::problem::{Code, Problem};
use crate::pages::form::{Field, card, seen};
use crate::pages::layout::page_of;
use crate::pages::notice::{make, settle};
use crate::pages::words::{PHONES, SAVE};
use crate::pages::{OrPage, Shown, Submitted, escaped};
use crate::site::{Site, Visitor};

pub async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(number): Path<String>,
) -> Shown {
    let language = visitor.language;
    let number = parsed(&number, &visitor).or_page(&visitor)?;
    let view = site.ask(&visitor, ShowLine { number }).await.or_page(&visitor)?;
    let line = &view.line;
    let text = |number: &Option<Number>| number.as_ref().map(Number::to_string).unwrap_or_default();
    let forward = |name, title, number| {
        Field::new(name, title, language).help(FORWARD_HELP).text(&text(number))
    };
    let fields = html! {
        (seen(&view))
        (Field::new("display", DISPLAY, language).help(DISPLAY_HELP).text(&line.display))
        (forward("forward_all", ALL, &line.forward_all))
        (forward("forward_busy", BUSY, &line.forward_busy))
        (forward("forward_no_answer", NO_ANSWER, &line.forward_no_answer))
        (Field::new("busy_trigger", TRIGGER, language)
            .help(TRIGGER_HELP)
            .text(&line.busy_trigger.to_string()))
    };
    let content = html! {
        section .card {
            dl .facts {
                dt { (PHONES.get(language)) }
                dd { @for phone in &view.phones { a href={ "/phones/" (phone) } { (phone) } " " } }
            }
        }
        (card(&place(&line.number), None, fields, SAVE, &visitor))
        @if view.phones.is_empty() {
            (button("/plan/remove/line", "number", line.number.as_str(), &visitor))
        }
        p { a href=(PLACE) { (TITLE.get(language)) } }
    };
    Ok(page_of(&site, &visitor, PLACE, line.number.as_str(), content))
}

pub async fn change(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(number): Path<String>,
    form: Submitted,
) -> Shown {
    let number = parsed(&number, &visitor).or_page(&visitor)?;
    let place = place(&number);
    let changes = LineChanges {
        display: form.given("display"),
        forward_all: form.given("forward_all"),
        forward_busy: form.given("forward_busy"),
        forward_no_answer: form.given("forward_no_answer"),
        busy_trigger: form.word("busy_trigger"),
    };
    let look = ShowLine { number: number.clone() };
    let change = SetLine { number, changes };
    let changed = form.seen().change(&site, &visitor, look, change).await;
    Ok(settle(&site, &visitor, &place, changed))
}

pub async fn remove(State(site): State<Arc<Site>>, visitor: Visitor, form: Submitted) -> Shown {
    let number = parsed(form.text("number"), &visitor).or_page(&visitor)?;
    Ok(make(&site, &visitor, PLACE, RemoveLine { number }).await)
}

fn place(number: &Number) -> String {
    format!("/plan/lines/{}", escaped(number.as_str()))
}

fn parsed(text: &str, visitor: &Visitor) -> Result<Number, Problem> {
    let wrong = |error: store::Error| Problem::new(Code::Invalid, error.say(visitor.language));
    text.parse().map_err(wrong)
}

const DISPLAY_HELP: Text = Text::new("Default: none.", "デフォルト: なし");
const FORWARD_HELP: Text =
    Text::new("A number; empty forwards none.", "転送先の番号。空の場合は転送しません。");
const TRIGGER: Text = Text::new("Busy trigger", "話中トリガー");
const TRIGGER_HELP: Text = Text::new(
    "With so many calls it is busy, 1 to 200. Default: 2.",
    "この数の通話で話中になります。範囲: 1 ～ 200。デフォルト: 2",
);
