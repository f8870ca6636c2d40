//! Who changed what.

use std::sync::Arc;

use axum::extract::State;
use console::{AuditTrail, History};
use lang::Text;
use maud::html;

use super::layout::page;
use super::{OrPage, Shown};
use crate::site::{Site, Visitor};

/// How many of the newest.
const LIMIT: u32 = 100;

pub async fn show(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    let language = visitor.language;
    let changes = site.ask(&visitor, History { limit: LIMIT }).await.or_page(&visitor)?;
    let audit = site.ask(&visitor, AuditTrail { limit: LIMIT }).await.or_page(&visitor)?;
    let content = html! {
        section .card .scroll tabindex="0" {
            h2 { (CHANGES.get(language)) }
            table {
                tbody {
                    @for change in &changes {
                        tr {
                            td { (change.revision) }
                            td .soft { (change.at) }
                            td { (change.who) br; span .soft { (change.origin) } }
                            td {
                                @for entry in change.entries.iter().take(20) {
                                    div { (entry.object) " " strong { (entry.subject) } }
                                }
                                @if change.entries.len() > 20 {
                                    div .soft { "+ " (change.entries.len() - 20) }
                                }
                            }
                        }
                    }
                }
            }
        }
        section .card .scroll tabindex="0" {
            h2 { (AUDIT.get(language)) }
            p .soft { (VERIFIED.get(language)) }
            table {
                tbody {
                    @for record in &audit {
                        tr {
                            td { (record.number) }
                            td .soft { (record.at) }
                            td { (record.who) br; span .soft { (record.origin) } }
                            td { (record.action) }
                            td .mono { (record.detail) }
                        }
                    }
                }
            }
        }
    };
    Ok(page(&site, &visitor, "/changes", TITLE, content))
}

const TITLE: Text = Text::new("Changes and audit", "変更履歴と監査");
const CHANGES: Text = Text::new("The newest changes", "最近の変更");
const AUDIT: Text = Text::new("Audit log", "監査ログ");
const VERIFIED: Text = Text::new(
    "The whole log was verified just now: nothing was altered or removed.",
    "ログ全体を検証しました。改ざんや削除はありません。",
);
