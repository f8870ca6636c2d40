//! Packets of the relay on this machine: by path, and why some were dropped.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use console::{ShowTraffic, TrafficPortView, TrafficView};
use lang::{Language, Text};
use maud::{Markup, html};

use super::layout::page;
use super::plot::{Part, bars};
use super::table::{facts, list as table_of};
use super::words::NONE;
use super::{Shown, told};
use crate::site::{Site, Visitor};

pub async fn show(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    let language = visitor.language;
    let content = match site.ask(&visitor, ShowTraffic {}).await {
        Ok(traffic) => drawn(&traffic, language),
        Err(fault) => html! { section .card { p .soft { (told(fault, language)) } } },
    };
    Ok(page(&site, &visitor, "/media", TITLE, content))
}

fn drawn(traffic: &TrafficView, language: Language) -> Markup {
    html! {
        div data-refresh="10" {
            div .cards {
                section .card {
                    h2 { "ringfence-datad" }
                    (facts(
                        &[
                            (VERSION, &traffic.version),
                            (RECEIVED, &traffic.received),
                            (FORWARDED, &traffic.forwarded),
                        ],
                        language,
                    ))
                }
                (counted(BY_PATH, &traffic.by_path, path_class, language))
                (counted(FLOWS, &traffic.flows, path_class, language))
            }
            (counted(DROPPED, &traffic.dropped, |_| "late", language))
            (table_of(Some(PORTS), &COLUMNS, &traffic.ports, port, language))
        }
    }
}

fn counted(
    title: Text,
    counts: &BTreeMap<String, u64>,
    class: fn(&str) -> &'static str,
    language: Language,
) -> Markup {
    let part = |(name, count): (&String, &u64)| Part {
        title: name.clone(),
        count: *count,
        class: class(name),
    };
    let parts: Vec<_> = counts.iter().map(part).collect();
    html! {
        section .card {
            h2 { (title.get(language)) }
            @if parts.is_empty() { p .soft { (NONE.get(language)) } }
            @else { (bars(title.get(language), &parts)) }
        }
    }
}

/// The faster the path, the better the colour.
fn path_class(path: &str) -> &'static str {
    match path {
        "xdp" | "afxdp-zc" | "dpdk" => "encrypted",
        "afxdp-copy" => "authenticated",
        _ => "plain",
    }
}

fn port(port: &TrafficPortView) -> Markup {
    html! {
        tr {
            td { (port.network) }
            td { (port.interface.as_deref().unwrap_or("–")) }
            td { (port.path) }
            td .soft { (port.reason) }
            td { (port.frames[0]) " / " (port.frames[1]) }
            td { (port.lost[0]) " / " (port.lost[1]) }
        }
    }
}

const TITLE: Text = Text::new("Media relay", "メディアリレー");
const VERSION: Text = Text::new("Version", "バージョン");
const RECEIVED: Text = Text::new("Packets that came to the engine", "受信パケット");
const FORWARDED: Text = Text::new("Packets that left it", "転送パケット");
const BY_PATH: Text = Text::new(
    "RTP packets of flows that are there, by path",
    "現在のフローの RTP パケット (経路別)",
);
const FLOWS: Text = Text::new("Flows, by path", "フロー (経路別)");
const DROPPED: Text = Text::new("Packets dropped, by reason", "破棄したパケット (理由別)");
const PORTS: Text = Text::new("Media networks", "メディアネットワーク");
const COLUMNS: [Text; 6] = [
    Text::new("Network", "ネットワーク"),
    Text::new("Interface", "インターフェイス"),
    Text::new("Path", "経路"),
    Text::new("Why this path", "経路の理由"),
    Text::new("Frames in / out", "フレーム (受信 / 送信)"),
    Text::new("Lost in / out", "損失 (受信 / 送信)"),
];
