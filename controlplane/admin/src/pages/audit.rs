//! What an auditor would find. Nothing is changed here.

use std::sync::Arc;

use axum::extract::State;
use console::{AuditCheck, AuditReport, Severity};
use lang::{Language, Text};
use maud::{Markup, html};

use super::layout::page;
use super::{OrPage, Shown};
use crate::api::ROOT;
use crate::site::{Site, Visitor};

pub async fn show(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    let language = visitor.language;
    let report = site.ask(&visitor, AuditReport {}).await.or_page(&visitor)?;
    let count = |severity| report.checks.iter().filter(|check| check.severity == severity).count();
    let content = html! {
        section .card {
            dl .facts {
                @for severity in [Severity::High, Severity::Medium, Severity::Low, Severity::Ok] {
                    dt { (words(severity).get(language)) } dd .big { (count(severity)) }
                }
                dt { (WHEN.get(language)) } dd { (report.at) " · " (report.node) }
            }
            a href={ (ROOT) "/audit-report" } { "JSON" }
        }
        @for check in &report.checks { (one(check, language)) }
    };
    Ok(page(&site, &visitor, "/audit", TITLE, content))
}

fn one(check: &AuditCheck, language: Language) -> Markup {
    html! {
        section .card id=(check.id) {
            h2 { (check.title) " " (mark(check.severity, language)) }
            @if !check.advice.is_empty() { p { (check.advice) } }
            @let named: Vec<_> = check.subjects.iter().filter(|it| !it.is_empty()).collect();
            @if !named.is_empty() {
                details {
                    summary { (FOUND.fill(language, &[("count", &check.count)])) }
                    ul { @for subject in named { li { (subject) } } }
                }
            }
        }
    }
}

fn mark(severity: Severity, language: Language) -> Markup {
    let class = match severity {
        Severity::High => "mark bad",
        Severity::Medium | Severity::Low => "mark warn",
        Severity::Ok => "mark good",
        Severity::Unknown => "mark soft",
    };
    html! { span class=(class) { (words(severity).get(language)) } }
}

fn words(severity: Severity) -> Text {
    match severity {
        Severity::High => Text::new("high", "高"),
        Severity::Medium => Text::new("medium", "中"),
        Severity::Low => Text::new("low", "低"),
        Severity::Ok => Text::new("nothing found", "問題なし"),
        Severity::Unknown => Text::new("cannot be told here", "このノードでは不明"),
    }
}

const TITLE: Text = Text::new("Security audit", "セキュリティ監査");
const WHEN: Text = Text::new("Looked", "確認日時");
const FOUND: Text = Text::new("Found {count} times", "該当: {count} 件");
