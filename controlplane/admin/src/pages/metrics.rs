//! The metrics that Prometheus is told, each with what it counts.

use std::sync::Arc;

use axum::extract::State;
use console::{ListMetrics, MetricView};
use lang::Text;
use maud::{Markup, html};

use super::layout::page;
use super::table::list as table_of;
use super::{OrPage, Shown};
use crate::site::{Site, Visitor};

pub async fn show(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    let language = visitor.language;
    let metrics = site.ask(&visitor, ListMetrics {}).await.or_page(&visitor)?;
    let content = html! {
        p { (HELP.get(language)) }
        (table_of(None, &COLUMNS, &metrics, row, language))
    };
    Ok(page(&site, &visitor, "/metrics", TITLE, content))
}

fn row(metric: &MetricView) -> Markup {
    html! {
        tr {
            td .mono { (metric.name) }
            td { (metric.kind) }
            td lang="en" { (metric.help) }
            td {
                @for (labels, value) in &metric.values {
                    div { span .mono .soft { (labels) } " " (value) }
                }
            }
        }
    }
}

const TITLE: Text = Text::new("Metrics", "メトリクス");
const HELP: Text = Text::new(
    "What Prometheus is told of this node at the address `metrics` of its configuration. The names do not change; dashboard and alert rules come with the software in images/monitoring.",
    "このノードが設定 `metrics` のアドレスで Prometheus に提供する値です。名前は変わりません。ダッシュボードとアラートルールは images/monitoring にあります。",
);
const COLUMNS: [Text; 4] = [
    Text::new("Name", "名前"),
    Text::new("Kind", "種類"),
    Text::new("Counts", "内容"),
    Text::new("Now", "現在の値"),
];
