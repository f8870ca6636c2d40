//! Calls that go on, and what was said in them.

use std::sync::Arc;

use axum::extract::{Path, State};
use console::{CallRecordView, CallView, ListCallRecords, ListCalls, ShowCall};
use lang::{Language, Text};
use maud::{Markup, html};
use store::EffectiveMode;

use super::layout::{page, page_of};
use super::phones::mode_mark;
use super::table::{list as table_of, table};
use super::words::{NONE, STATE};
use super::{OrPage, Shown, told};
use crate::site::{Site, Visitor};

pub async fn list(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    let language = visitor.language;
    let calls = site.ask(&visitor, ListCalls {}).await;
    let records = ListCallRecords { limit: 50, before: None, number: None };
    let records = site.ask(&visitor, records).await.or_page(&visitor)?;
    let content = html! {
        section .card .scroll data-refresh="5" tabindex="0" {
            h2 { (ACTIVE.get(language)) }
            @match calls {
                Err(fault) => p .soft { (told(fault, language)) },
                Ok(calls) if calls.is_empty() => p .soft { (NONE.get(language)) },
                Ok(calls) => (table(
                    &COLUMNS, html! { @for call in &calls { (active(call, language)) } }, language,
                )),
            }
        }
        (table_of(Some(ENDED), &RECORD_COLUMNS, &records, ended, language))
    };
    Ok(page(&site, &visitor, "/calls", TITLE, content))
}

fn active(call: &CallView, language: Language) -> Markup {
    html! {
        tr {
            td { a href={ "/calls/" (call.id) } { (call.id) } }
            td {
                @for party in &call.parties {
                    div { (party.number) " " span .soft { (party.name) " " (party.device) } }
                }
            }
            td { (call.state) }
            td { (security(call.security)) }
            td {
                @if call.relays.is_empty() { span .soft { (DIRECT.get(language)) } }
                @else { (call.relays.join(", ")) }
            }
            td .soft { (call.began) }
        }
    }
}

fn security(security: Option<EffectiveMode>) -> Markup {
    html! { @match security { Some(mode) => (mode_mark(mode)), None => span .soft { "?" } } }
}

fn ended(record: &CallRecordView) -> Markup {
    html! {
        tr {
            td { (record.calling.number) " " span .soft { (record.calling.name) } }
            td {
                @match &record.called {
                    Some(called) => { (called.number) " " span .soft { (called.name) } },
                    None => (record.dialled),
                }
            }
            td { (record.ending) }
            td { (security(record.security)) }
            td { (record.relay.as_deref().unwrap_or("–")) }
            td .soft { (record.began) }
            td .soft { (record.ended) }
        }
    }
}

pub async fn show(State(site): State<Arc<Site>>, visitor: Visitor, Path(id): Path<u32>) -> Shown {
    let language = visitor.language;
    let ladder = site.ask(&visitor, ShowCall { id }).await.or_page(&visitor)?;
    let content = html! {
        section .card {
            h2 { (SECURITY.get(language)) }
            dl .facts {
                @for step in &ladder.security {
                    dt { (step.at) } dd { (security(step.security)) }
                }
            }
        }
        section .card .scroll tabindex="0" {
            h2 { (SAID.get(language)) }
            table .ladder {
                tbody {
                    @for step in &ladder.steps {
                        tr {
                            td .soft { (step.at) }
                            td { (step.device) @if step.from_phone { " →" } @else { " ←" } }
                            td { (step.message) }
                        }
                    }
                }
            }
            @if ladder.unsaid > 0 { p .soft { "+ " (ladder.unsaid) } }
        }
    };
    Ok(page_of(&site, &visitor, "/calls", &CALL.fill(language, &[("id", &id)]), content))
}

const TITLE: Text = Text::new("Calls", "通話");
const CALL: Text = Text::new("Call {id}", "通話 {id}");
const ACTIVE: Text = Text::new("Calls that go on", "進行中の通話");
const ENDED: Text = Text::new("Calls that have ended", "終了した通話");
const DIRECT: Text = Text::new("from phone to phone", "電話機間で直接");
const SECURITY: Text = Text::new("Security", "セキュリティ");
const SAID: Text = Text::new("What was said", "シグナリング");
const COLUMNS: [Text; 6] = [
    Text::new("Call", "通話"),
    Text::new("Parties", "通話者"),
    STATE,
    SECURITY,
    Text::new("Path of the media", "メディア経路"),
    Text::new("Since", "開始"),
];
const RECORD_COLUMNS: [Text; 7] = [
    Text::new("From", "発信"),
    Text::new("To", "着信"),
    Text::new("Ending", "終了理由"),
    SECURITY,
    Text::new("Relay", "リレー"),
    Text::new("Began", "開始"),
    Text::new("Ended", "終了"),
];
