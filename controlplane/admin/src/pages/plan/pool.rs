//! A pool: what phones of one place have in common.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use console::{
    ListNodes, ListPools, ListRegions, ListSrst, PoolChanges, PoolView, RemovePool, SetPool,
};
use lang::Text;
use maud::html;
use store::MediaPolicy;

use super::{MEDIA, PLACE, REGION, SERVERS, SRST, TITLE, ZONE, remove as button};
use crate::api::one::one_of;
use crate::pages::form::{Field, card, seen, words};
use crate::pages::layout::page_of;
use crate::pages::notice::{make, settle};
use crate::pages::words::SAVE;
use crate::pages::{OrPage, Shown, Submitted, escaped};
use crate::site::{Site, Visitor};

pub async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Shown {
    let language = visitor.language;
    let is_it = |view: &PoolView| view.pool.name == name;
    let view = one_of(&site, &visitor, ListPools {}, is_it).await.or_page(&visitor)?;
    let PoolView { pool, phones } = &view;
    let regions = site.ask(&visitor, ListRegions {}).await.or_page(&visitor)?;
    let regions: Vec<_> = regions.into_iter().map(|region| region.name).collect();
    let references = site.ask(&visitor, ListSrst {}).await.or_page(&visitor)?;
    let references = references.into_iter().map(|it| it.name);
    let references: Vec<_> = std::iter::once(String::new()).chain(references).collect();
    let nodes = site.ask(&visitor, ListNodes {}).await.or_page(&visitor)?;
    let nodes: Vec<_> = nodes.into_iter().map(|node| node.name).collect();
    let servers = SERVERS_HELP.fill(language, &[("nodes", &nodes.join(", "))]);
    let field = |name, title| Field::new(name, title, language);
    let fields = html! {
        (seen(&view))
        (field("region", REGION).help(RESET).choice(&pool.region, &words(&regions)))
        (field("date_template", DATE).help(DATE_HELP).text(&pool.date_template))
        (field("time_zone", ZONE).help(ZONE_HELP).text(&pool.time_zone))
        (field("call_managers", SERVERS).told(servers).text(&pool.call_managers.join(", ")))
        (field("media", MEDIA).help(MEDIA_HELP)
            .choice(pool.media.as_str(), &words(MediaPolicy::ALL)))
        (field("srst", SRST).help(RESET)
            .choice(pool.srst.as_deref().unwrap_or_default(), &words(&references)))
    };
    let content = html! {
        (card(&place(&pool.name), None, fields, SAVE, &visitor))
        @if *phones == 0 { (button("/plan/remove/pool", "pool", &pool.name, &visitor)) }
        p { a href=(PLACE) { (TITLE.get(language)) } }
    };
    Ok(page_of(&site, &visitor, PLACE, &pool.name, content))
}

pub async fn change(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Submitted,
) -> Response {
    let place = place(&name);
    let servers = form.given("call_managers");
    let changes = PoolChanges {
        region: form.filled("region"),
        date_template: form.filled("date_template"),
        time_zone: form.filled("time_zone"),
        call_managers: servers
            .map(|names| names.split(',').map(|name| name.trim().to_owned()).collect()),
        media: form.word("media"),
        srst: form.given("srst"),
    };
    let is_it = |view: &&PoolView| view.pool.name == name;
    let change = SetPool { name: name.clone(), changes };
    let changed = form.seen().change_one(&site, &visitor, ListPools {}, is_it, change).await;
    settle(&site, &visitor, &place, changed)
}

pub async fn remove(State(site): State<Arc<Site>>, visitor: Visitor, form: Submitted) -> Response {
    make(&site, &visitor, PLACE, RemovePool { name: form.text("pool").to_owned() }).await
}

fn place(name: &str) -> String {
    format!("/plan/pools/{}", escaped(name))
}

const DATE: Text = Text::new("Date template", "日付の形式");
const DATE_HELP: Text = Text::new(
    "Such as M/D/Y or D.M.YA; A is the 12-hour clock. Reset afterwards.",
    "M/D/Y、D.M.YA など。A は 12 時間制。変更後はリセットが必要です。",
);
const ZONE_HELP: Text = Text::new(
    "Such as Asia/Tokyo. Reset afterwards.",
    "Asia/Tokyo など。変更後はリセットが必要です。",
);
const SERVERS_HELP: Text = Text::new(
    "Of {nodes}, with commas, the one to try first in front; empty is all. Reset afterwards.",
    "{nodes} をカンマ区切りで、優先順に指定。空の場合はすべて。変更後はリセットが必要です。",
);
const MEDIA_HELP: Text =
    Text::new("Never, when it is needed, or always.", "使用しない、必要なとき、常に、のいずれか。");
const RESET: Text = Text::new("Reset afterwards.", "変更後はリセットが必要です。");
