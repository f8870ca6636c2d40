//! Where calls lead, and what phones of one place have in common: lines, routes, pools, regions.

mod line;
mod pool;

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use console::{
    AddPool, AddRegion, AddRoute, LimitRegion, LineView, ListGateways, ListLines, ListPools,
    ListRegions, ListRoutes, PoolChanges, PoolView, RemoveRegion, RemoveRoute,
};
use lang::Text;
use maud::{Markup, html};
use serde::Deserialize;
use store::{Destination, Number, Region};

use super::form::{Field, Press, Search, has, words};
use super::layout::{csrf, page};
use super::notice::{Notice, back, make};
use super::table::table;
use super::words::{ACTIONS, NUMBER, PHONES, POOL, REMOVE, SURE_REMOVE};
use super::{OrPage, Shown, Submitted, escaped};
use crate::accounts::permission::Permission;
use crate::site::{Site, Visitor};
pub use line::{change as set_line, remove as remove_line, show as line};
pub use pool::{change as set_pool, remove as remove_pool, show as pool};

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
    lines.retain(|it| {
        let phones = it.phones.iter().map(|phone| phone.as_str());
        has(phones.chain([it.line.number.as_str(), &it.line.display]), &wanted.find)
    });
    let may = visitor.person.may(Permission::Operate);
    let content = html! {
        section .card .scroll #lines tabindex="0" {
            h2 { (LINES.get(language)) }
            (Search::new(PLACE, FIND, &wanted.find).show(language))
            (table(&LINE_COLUMNS, html! {
                @for line in lines.iter().take(MOST) { (line_row(line)) }
            }, language))
            @if lines.len() > MOST {
                p .soft { (MORE.fill(language, &[("count", &(lines.len() - MOST))])) }
            }
        }
        section .card .scroll #routes tabindex="0" {
            h2 { (ROUTES.get(language)) }
            (table(&ROUTE_COLUMNS, html! {
                @for route in &routes {
                    tr {
                        td .mono { (route.pattern) }
                        td { (route.destination) }
                        td { (remove("/plan/remove/route", "pattern", &route.pattern, &visitor)) }
                    }
                }
            }, language))
            @if may {
                form method="post" action="/plan/routes" {
                    (csrf(&visitor))
                    div .fields {
                        (Field::new("pattern", PATTERN, language).help(PATTERN_HELP).text(""))
                        (Field::new("destination", DESTINATION, language)
                            .choice("", &words(&destinations)))
                    }
                    button .quiet type="submit" { (ADD_ROUTE.get(language)) }
                }
            }
        }
        section .card .scroll #pools tabindex="0" {
            h2 { (POOLS.get(language)) }
            (table(&POOL_COLUMNS, html! { @for pool in &pools { (pool_row(pool)) } }, language))
            @if may { (add("/plan/pools", "pool", POOL, ADD_POOL, &visitor)) }
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
    let rows = html! {
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
    };
    table(&[], rows, visitor.language)
}

fn limit(regions: &[Region], visitor: &Visitor) -> Markup {
    let language = visitor.language;
    let names: Vec<_> = regions.iter().map(|region| region.name.clone()).collect();
    html! {
        form method="post" action="/plan/regions/limit" {
            (csrf(visitor))
            div .fields {
                (Field::new("one", REGION, language).choice("", &words(&names)))
                (Field::new("other", OTHER_REGION, language).choice("", &words(&names)))
                (Field::new("kbit_s", RATE, language).help(RATE_HELP).text(""))
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
            (Field::new(name, title, language).text(""))
            button .quiet type="submit" { (button.get(language)) }
        }
    }
}

/// Removes something that is named in a field.
pub(super) fn remove(place: &str, field: &str, name: &str, visitor: &Visitor) -> Markup {
    let language = visitor.language;
    Press::new(place, REMOVE.get(language))
        .labelled(format!("{} {name}", REMOVE.get(language)))
        .with(field, name)
        .sure(SURE_REMOVE.fill(language, &[("name", &name)]))
        .show(visitor)
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
    make(&site, &visitor, PLACE, AddRoute { pattern, destination }).await
}

pub async fn remove_route(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    form: Submitted,
) -> Response {
    let pattern = form.text("pattern").to_owned();
    make(&site, &visitor, PLACE, RemoveRoute { pattern }).await
}

pub async fn add_pool(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    form: Submitted,
) -> Response {
    let name = form.text("pool").to_owned();
    make(&site, &visitor, PLACE, AddPool { name, changes: PoolChanges::default() }).await
}

pub async fn add_region(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    form: Submitted,
) -> Response {
    make(&site, &visitor, PLACE, AddRegion { name: form.text("region").to_owned() }).await
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
    make(&site, &visitor, PLACE, LimitRegion { one, other, kbit_s }).await
}

pub async fn remove_region(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    form: Submitted,
) -> Response {
    make(&site, &visitor, PLACE, RemoveRegion { name: form.text("region").to_owned() }).await
}

const TITLE: Text = Text::new("Lines and pools", "回線とプール");
const LINES: Text = Text::new("Lines", "回線");
const LINE_COLUMNS: [Text; 6] = [NUMBER, DISPLAY, PHONES, ALL, BUSY, NO_ANSWER];
const DISPLAY: Text = Text::new("Name shown to others", "表示名");
const ALL: Text = Text::new("Forward all", "すべて転送");
const BUSY: Text = Text::new("Forward if busy", "話中時転送");
const NO_ANSWER: Text = Text::new("Forward if nobody answers", "無応答時転送");
const FIND: Text = Text::new("Number, name or phone", "番号、表示名、電話機");
const MORE: Text =
    Text::new("{count} more: narrow the search.", "他 {count} 件。検索条件を絞り込んでください。");
const ROUTES: Text = Text::new("Routes", "ルート");
const ROUTE_COLUMNS: [Text; 3] = [PATTERN, DESTINATION, ACTIONS];
const PATTERN: Text = Text::new("Pattern", "パターン");
const PATTERN_HELP: Text = Text::new(
    "Digits, X for any digit, [2-9] for some, ! for all that follow.",
    "数字。X は任意の 1 桁、[2-9] は範囲、! は以降のすべての数字。",
);
const DESTINATION: Text = Text::new("Leads to", "転送先");
const ADD_ROUTE: Text = Text::new("Add a route", "ルートを追加");
const POOLS: Text = Text::new("Device pools", "デバイスプール");
const POOL_COLUMNS: [Text; 7] = [POOL, REGION, ZONE, SERVERS, MEDIA, SRST, PHONES];
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
const ZONE: Text = Text::new("Time zone", "タイムゾーン");
const SERVERS: Text = Text::new("CallManagers", "CallManager");
const MEDIA: Text = Text::new("Media through a relay", "メディアリレー");
const SRST: Text = Text::new("SRST reference", "SRST リファレンス");
