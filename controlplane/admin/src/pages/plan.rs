//! Where calls lead, and what phones of one place have in common: lines, routes, pools, regions.

use std::fmt::Display;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use console::{
    AddPool, AddRegion, AddRoute, LimitRegion, LineChanges, LineView, ListGateways, ListLines,
    ListNodes, ListPools, ListRegions, ListRoutes, ListSrst, PoolChanges, PoolView, RemoveLine,
    RemovePool, RemoveRegion, RemoveRoute, SetLine, SetPool, ShowLine,
};
use lang::{Language, Say, Text};
use maud::{Markup, html};
use serde::Deserialize;
use store::{Destination, MediaPolicy, Number, Region};

use super::form::{Field, words};
use super::layout::{csrf, page, page_of};
use super::notice::{Notice, after, back};
use super::{OrPage, Shown, Submitted, escaped};
use crate::accounts::permission::Permission;
use crate::api::problem::{Code, Problem};
use crate::site::{Site, Visitor};

const PLACE: &str = "/plan";
/// Lines on a page.
const MOST: usize = 200;

/// What is looked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    find: String,
}

pub async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
) -> Shown {
    let language = visitor.language;
    let mut lines = site.ask(&visitor, ListLines {}).await.or_page(&visitor)?;
    let routes = site.ask(&visitor, ListRoutes {}).await.or_page(&visitor)?;
    let pools = site.ask(&visitor, ListPools {}).await.or_page(&visitor)?;
    let regions = site.ask(&visitor, ListRegions {}).await.or_page(&visitor)?;
    let gateways = site.ask(&visitor, ListGateways {}).await.or_page(&visitor)?;
    let out = gateways.into_iter().map(|view| Destination::Gateway(view.gateway.name));
    let destinations: Vec<_> = std::iter::once(Destination::MeetMe).chain(out).collect();
    let find = wanted.find.trim().to_lowercase();
    lines.retain(|it| {
        let phones = it.phones.iter().map(|phone| phone.as_str());
        let mut texts = phones.chain([it.line.number.as_str(), &it.line.display]);
        texts.any(|text| text.to_lowercase().contains(&find))
    });
    let may = visitor.person.may(Permission::Operate);
    let content = html! {
        section .card .scroll #lines tabindex="0" {
            h2 { (LINES.get(language)) }
            form .find method="get" action=(PLACE) role="search" {
                div .wide {
                    label for="find" { (FIND.get(language)) }
                    input #find type="search" name="find" value=(wanted.find);
                }
                button type="submit" { (SEARCH.get(language)) }
            }
            (table(&LINE_COLUMNS, language, html! {
                @for line in lines.iter().take(MOST) { (line_row(line)) }
            }))
            @if lines.len() > MOST {
                p .soft { (MORE.fill(language, &[("count", &(lines.len() - MOST))])) }
            }
        }
        section .card .scroll #routes tabindex="0" {
            h2 { (ROUTES.get(language)) }
            (table(&ROUTE_COLUMNS, language, html! {
                @for route in &routes {
                    tr {
                        td .mono { (route.pattern) }
                        td { (route.destination) }
                        td { (remove("/plan/remove/route", "pattern", &route.pattern, &visitor)) }
                    }
                }
            }))
            @if may {
                form method="post" action="/plan/routes" {
                    (csrf(&visitor))
                    div .fields {
                        (field("pattern", PATTERN, PATTERN_HELP, language).text(""))
                        (field("destination", DESTINATION, Text::new("", ""), language)
                            .choice("", &words(&destinations)))
                    }
                    button .quiet type="submit" { (ADD_ROUTE.get(language)) }
                }
            }
        }
        section .card .scroll #pools tabindex="0" {
            h2 { (POOLS.get(language)) }
            (table(&POOL_COLUMNS, language, html! { @for pool in &pools { (pool_row(pool)) } }))
            @if may {
                (add("/plan/pools", "pool", POOL, ADD_POOL, &visitor))
            }
        }
        section .card .scroll #regions tabindex="0" {
            h2 { (REGIONS.get(language)) }
            p .help { (REGIONS_HELP.get(language)) }
            (matrix(&regions, &visitor))
            @if may {
                (add("/plan/regions", "region", REGION, ADD_REGION, &visitor))
                (limit(&regions, &visitor))
            }
        }
    };
    Ok(page(&site, &visitor, PLACE, TITLE, content))
}

fn table(columns: &[Text], language: Language, rows: Markup) -> Markup {
    html! {
        table {
            thead { tr {
                @for column in columns {
                    @let title = column.get(language);
                    @if title.is_empty() { td {} } @else { th scope="col" { (title) } }
                }
            } }
            tbody { (rows) }
        }
    }
}

fn field(name: &str, title: Text, help: Text, language: Language) -> Field<'_> {
    Field { name, title: title.get(language), help: help.get(language).to_owned() }
}

fn line_row(view: &LineView) -> Markup {
    let line = &view.line;
    let number = |number: &Option<Number>| number.as_ref().map_or("–".into(), Number::to_string);
    html! {
        tr {
            td { a href={ "/plan/lines/" (escaped(line.number.as_str())) } { (line.number) } }
            td { (line.display) }
            td {
                @for phone in &view.phones { div { a href={ "/phones/" (phone) } { (phone) } } }
            }
            td { (number(&line.forward_all)) }
            td { (number(&line.forward_busy)) }
            td { (number(&line.forward_no_answer)) }
        }
    }
}

fn pool_row(view: &PoolView) -> Markup {
    let pool = &view.pool;
    html! {
        tr {
            td { a href={ "/plan/pools/" (escaped(&pool.name)) } { (pool.name) } }
            td { (pool.region) }
            td { (pool.time_zone) }
            td { (pool.call_managers.join(", ")) }
            td { (pool.media) }
            td { (pool.srst.as_deref().unwrap_or("–")) }
            td { (view.phones) }
        }
    }
}

/// The bit rates between regions.
fn matrix(regions: &[Region], visitor: &Visitor) -> Markup {
    html! {
        table {
            tbody {
                @for region in regions {
                    tr {
                        th scope="row" { (region.name) }
                        td {
                            @for (other, kbit_s) in &region.limits {
                                div { (other) ": " (kbit_s) " kbit/s" }
                            }
                        }
                        td { (remove("/plan/remove/region", "region", &region.name, visitor)) }
                    }
                }
            }
        }
    }
}

fn limit(regions: &[Region], visitor: &Visitor) -> Markup {
    let language = visitor.language;
    let names: Vec<_> = regions.iter().map(|region| region.name.clone()).collect();
    html! {
        form method="post" action="/plan/regions/limit" {
            (csrf(visitor))
            div .fields {
                (field("one", REGION, Text::new("", ""), language).choice("", &words(&names)))
                (field("other", OTHER_REGION, Text::new("", ""), language)
                    .choice("", &words(&names)))
                (field("kbit_s", RATE, RATE_HELP, language).text(""))
            }
            button .quiet type="submit" { (LIMIT.get(language)) }
        }
    }
}

fn add(place: &str, name: &'static str, title: Text, button: Text, visitor: &Visitor) -> Markup {
    let language = visitor.language;
    html! {
        form method="post" action=(place) {
            (csrf(visitor))
            (field(name, title, Text::new("", ""), language).text(""))
            button .quiet type="submit" { (button.get(language)) }
        }
    }
}

fn remove(place: &str, field: &str, value: &dyn Display, visitor: &Visitor) -> Markup {
    let language = visitor.language;
    let value = value.to_string();
    html! {
        @if visitor.person.may(Permission::Operate) {
            form method="post" action=(place)
                data-confirm=(SURE.fill(language, &[("name", &value)])) {
                (csrf(visitor))
                input type="hidden" name=(field) value=(value);
                button .quiet type="submit" aria-label={ (REMOVE.get(language)) " " (value) } {
                    (REMOVE.get(language))
                }
            }
        }
    }
}

pub async fn line(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(number): Path<String>,
) -> Shown {
    let language = visitor.language;
    let number = line_number(&number, &visitor).or_page(&visitor)?;
    let view = site.ask(&visitor, ShowLine { number }).await.or_page(&visitor)?;
    let line = &view.line;
    let text = |number: &Option<Number>| number.as_ref().map(Number::to_string).unwrap_or_default();
    let place = format!("/plan/lines/{}", escaped(line.number.as_str()));
    let content = html! {
        section .card {
            dl .facts {
                dt { (PHONES.get(language)) }
                dd { @for phone in &view.phones { a href={ "/phones/" (phone) } { (phone) } " " } }
            }
        }
        form .card method="post" action=(place) {
            (csrf(&visitor))
            div .fields {
                (field("display", DISPLAY, DISPLAY_HELP, language).text(&line.display))
                (field("forward_all", ALL, FORWARD_HELP, language).text(&text(&line.forward_all)))
                (field("forward_busy", BUSY, FORWARD_HELP, language)
                    .text(&text(&line.forward_busy)))
                (field("forward_no_answer", NO_ANSWER, FORWARD_HELP, language)
                    .text(&text(&line.forward_no_answer)))
                (field("busy_trigger", TRIGGER, TRIGGER_HELP, language)
                    .text(&line.busy_trigger.to_string()))
            }
            @if visitor.person.may(Permission::Operate) {
                button type="submit" { (SAVE.get(language)) }
            }
        }
        @if view.phones.is_empty() {
            (remove("/plan/remove/line", "number", &line.number, &visitor))
        }
        p { a href=(PLACE) { (TITLE.get(language)) } }
    };
    Ok(page_of(&site, &visitor, PLACE, line.number.as_str(), content))
}

pub async fn set_line(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(number): Path<String>,
    form: Submitted,
) -> Shown {
    let place = format!("/plan/lines/{}", escaped(&number));
    let number = line_number(&number, &visitor).or_page(&visitor)?;
    let changes = LineChanges {
        display: form.given("display"),
        forward_all: form.given("forward_all"),
        forward_busy: form.given("forward_busy"),
        forward_no_answer: form.given("forward_no_answer"),
        busy_trigger: form.word("busy_trigger"),
    };
    let asked = site.ask(&visitor, SetLine { number, changes }).await;
    Ok(after::<SetLine>(&site, &visitor, &place, asked, |done| done))
}

pub async fn remove_line(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    form: Submitted,
) -> Shown {
    let number = line_number(form.text("number"), &visitor).or_page(&visitor)?;
    let asked = site.ask(&visitor, RemoveLine { number }).await;
    Ok(after::<RemoveLine>(&site, &visitor, PLACE, asked, |done| done))
}

fn line_number(text: &str, visitor: &Visitor) -> Result<Number, Problem> {
    let wrong = |error: store::Error| Problem::new(Code::Invalid, error.say(visitor.language));
    text.parse().map_err(wrong)
}

pub async fn add_route(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    form: Submitted,
) -> Response {
    let Some(destination) = form.word("destination") else {
        return back(&site, &visitor, PLACE, Notice::failed(DESTINATION.get(visitor.language)));
    };
    let pattern = form.text("pattern").to_owned();
    let asked = site.ask(&visitor, AddRoute { pattern, destination }).await;
    after::<AddRoute>(&site, &visitor, PLACE, asked, |done| done)
}

pub async fn remove_route(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    form: Submitted,
) -> Response {
    let pattern = form.text("pattern").to_owned();
    let asked = site.ask(&visitor, RemoveRoute { pattern }).await;
    after::<RemoveRoute>(&site, &visitor, PLACE, asked, |done| done)
}

pub async fn add_pool(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    form: Submitted,
) -> Response {
    let name = form.text("pool").to_owned();
    let asked = site.ask(&visitor, AddPool { name, changes: PoolChanges::default() }).await;
    after::<AddPool>(&site, &visitor, PLACE, asked, |done| done)
}

pub async fn pool(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Shown {
    let language = visitor.language;
    let pools = site.ask(&visitor, ListPools {}).await.or_page(&visitor)?;
    let found = pools.into_iter().find(|view| view.pool.name == name);
    let unknown = || Problem::new(Code::NotFound, name.clone());
    let PoolView { pool, phones } = found.ok_or_else(unknown).or_page(&visitor)?;
    let regions = site.ask(&visitor, ListRegions {}).await.or_page(&visitor)?;
    let regions: Vec<_> = regions.into_iter().map(|region| region.name).collect();
    let references = site.ask(&visitor, ListSrst {}).await.or_page(&visitor)?;
    let references = references.into_iter().map(|it| it.name);
    let references: Vec<_> = std::iter::once(String::new()).chain(references).collect();
    let nodes = site.ask(&visitor, ListNodes {}).await.or_page(&visitor)?;
    let nodes: Vec<_> = nodes.into_iter().map(|node| node.name).collect();
    let servers = SERVERS_HELP.fill(language, &[("nodes", &nodes.join(", "))]);
    let place = format!("/plan/pools/{}", escaped(&pool.name));
    let content = html! {
        form .card method="post" action=(place) {
            (csrf(&visitor))
            div .fields {
                (field("region", REGION, RESET, language).choice(&pool.region, &words(&regions)))
                (field("date_template", DATE, DATE_HELP, language).text(&pool.date_template))
                (field("time_zone", ZONE, ZONE_HELP, language).text(&pool.time_zone))
                (Field { name: "call_managers", title: SERVERS.get(language), help: servers }
                    .text(&pool.call_managers.join(", ")))
                (field("media", MEDIA, MEDIA_HELP, language)
                    .choice(pool.media.as_str(), &words(MediaPolicy::ALL)))
                (field("srst", SRST, RESET, language)
                    .choice(pool.srst.as_deref().unwrap_or_default(), &words(&references)))
            }
            @if visitor.person.may(Permission::Operate) {
                button type="submit" { (SAVE.get(language)) }
            }
        }
        @if phones == 0 { (remove("/plan/remove/pool", "pool", &pool.name, &visitor)) }
        p { a href=(PLACE) { (TITLE.get(language)) } }
    };
    Ok(page_of(&site, &visitor, PLACE, &pool.name, content))
}

pub async fn set_pool(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Submitted,
) -> Response {
    let place = format!("/plan/pools/{}", escaped(&name));
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
    let asked = site.ask(&visitor, SetPool { name, changes }).await;
    after::<SetPool>(&site, &visitor, &place, asked, |done| done)
}

pub async fn remove_pool(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    form: Submitted,
) -> Response {
    let asked = site.ask(&visitor, RemovePool { name: form.text("pool").to_owned() }).await;
    after::<RemovePool>(&site, &visitor, PLACE, asked, |done| done)
}

pub async fn add_region(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    form: Submitted,
) -> Response {
    let asked = site.ask(&visitor, AddRegion { name: form.text("region").to_owned() }).await;
    after::<AddRegion>(&site, &visitor, PLACE, asked, |done| done)
}

pub async fn limit_region(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    form: Submitted,
) -> Response {
    let rate = form.filled("kbit_s");
    let kbit_s = rate.as_deref().and_then(|rate| rate.parse().ok());
    if rate.is_some() && kbit_s.is_none() {
        return back(&site, &visitor, PLACE, Notice::failed(RATE_HELP.get(visitor.language)));
    }
    let (one, other) = (form.text("one").to_owned(), form.text("other").to_owned());
    let asked = site.ask(&visitor, LimitRegion { one, other, kbit_s }).await;
    after::<LimitRegion>(&site, &visitor, PLACE, asked, |done| done)
}

pub async fn remove_region(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    form: Submitted,
) -> Response {
    let asked = site.ask(&visitor, RemoveRegion { name: form.text("region").to_owned() }).await;
    after::<RemoveRegion>(&site, &visitor, PLACE, asked, |done| done)
}

const TITLE: Text = Text::new("Lines and pools", "回線とプール");
const LINES: Text = Text::new("Lines", "回線");
const LINE_COLUMNS: [Text; 6] = [NUMBER, DISPLAY, PHONES, ALL, BUSY, NO_ANSWER];
const NUMBER: Text = Text::new("Number", "番号");
const DISPLAY: Text = Text::new("Name shown to others", "表示名");
const DISPLAY_HELP: Text = Text::new("Default: none.", "デフォルト: なし");
const PHONES: Text = Text::new("Phones", "電話機");
const ALL: Text = Text::new("Forward all", "すべて転送");
const BUSY: Text = Text::new("Forward if busy", "話中時転送");
const NO_ANSWER: Text = Text::new("Forward if nobody answers", "無応答時転送");
const FORWARD_HELP: Text =
    Text::new("A number; empty forwards none.", "転送先の番号。空の場合は転送しません。");
const TRIGGER: Text = Text::new("Busy trigger", "話中トリガー");
const TRIGGER_HELP: Text = Text::new(
    "With so many calls it is busy, 1 to 200. Default: 2.",
    "この数の通話で話中になります。範囲: 1 ～ 200。デフォルト: 2",
);
const FIND: Text = Text::new("Number, name or phone", "番号、表示名、電話機");
const SEARCH: Text = Text::new("Find", "検索");
const MORE: Text =
    Text::new("{count} more: narrow the search.", "他 {count} 件。検索条件を絞り込んでください。");
const ROUTES: Text = Text::new("Routes", "ルート");
const ROUTE_COLUMNS: [Text; 3] = [PATTERN, DESTINATION, Text::new("", "")];
const PATTERN: Text = Text::new("Pattern", "パターン");
const PATTERN_HELP: Text = Text::new(
    "Digits, X for any digit, [2-9] for some, ! for all that follow.",
    "数字。X は任意の 1 桁、[2-9] は範囲、! は以降のすべての数字。",
);
const DESTINATION: Text = Text::new("Leads to", "転送先");
const ADD_ROUTE: Text = Text::new("Add a route", "ルートを追加");
const POOLS: Text = Text::new("Device pools", "デバイスプール");
const POOL_COLUMNS: [Text; 7] = [POOL, REGION, ZONE, SERVERS, MEDIA, SRST, PHONES];
const POOL: Text = Text::new("Pool", "プール");
const ADD_POOL: Text = Text::new("Add a pool", "プールを追加");
const REGIONS: Text = Text::new("Regions", "リージョン");
const REGIONS_HELP: Text = Text::new(
    "Bit rates between regions that were set; between others it is 64 kbit/s.",
    "設定済みのリージョン間ビットレート。それ以外は 64 kbit/s です。",
);
const REGION: Text = Text::new("Region", "リージョン");
const OTHER_REGION: Text = Text::new("And the region", "相手のリージョン");
const ADD_REGION: Text = Text::new("Add a region", "リージョンを追加");
const RATE: Text = Text::new("kbit/s", "kbit/s");
const RATE_HELP: Text = Text::new(
    "8 takes G.729, 64 takes G.711, 256 takes wideband; empty forgets what was set.",
    "8 は G.729、64 は G.711、256 はワイドバンド。空の場合は設定を削除します。",
);
const LIMIT: Text = Text::new("Limit the bit rate", "ビットレートを制限");
const DATE: Text = Text::new("Date template", "日付の形式");
const DATE_HELP: Text = Text::new(
    "Such as M/D/Y or D.M.YA; A is the 12-hour clock. Reset afterwards.",
    "M/D/Y、D.M.YA など。A は 12 時間制。変更後はリセットが必要です。",
);
const ZONE: Text = Text::new("Time zone", "タイムゾーン");
const ZONE_HELP: Text = Text::new(
    "Such as Asia/Tokyo. Reset afterwards.",
    "Asia/Tokyo など。変更後はリセットが必要です。",
);
const SERVERS: Text = Text::new("CallManagers", "CallManager");
const SERVERS_HELP: Text = Text::new(
    "Of {nodes}, with commas, the one to try first in front; empty is all. Reset afterwards.",
    "{nodes} をカンマ区切りで、優先順に指定。空の場合はすべて。変更後はリセットが必要です。",
);
const MEDIA: Text = Text::new("Media through a relay", "メディアリレー");
const MEDIA_HELP: Text =
    Text::new("Never, when it is needed, or always.", "使用しない、必要なとき、常に、のいずれか。");
const SRST: Text = Text::new("SRST reference", "SRST リファレンス");
const RESET: Text = Text::new("Reset afterwards.", "変更後はリセットが必要です。");
const SAVE: Text = Text::new("Save", "保存");
const REMOVE: Text = Text::new("Remove", "削除");
const SURE: Text = Text::new("Remove {name}?", "{name} を削除しますか?");
