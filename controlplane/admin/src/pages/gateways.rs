//! Voice gateways that CallManager commands by MGCP.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use console::{
    AddGateway, CheckGateway, GatewayChanges, GatewayStatus, GatewayView, ListGateways, ListPools,
    PortChanges, PortStatus, RemoveGateway, RemoveGatewayPort, ResetGateway, SetGateway,
    SetGatewayPort, ShowGateway,
};
use lang::{Language, Text};
use maud::{Markup, html};
use serde::Deserialize;
use store::{Dialect, Direction, Gateway, GatewayPort, KeyPolicy, Number, PathKind};

use super::checklist::checklist;
use super::form::{Field, Press, Search, card, has, seen, words};
use super::layout::{page, page_of};
use super::notice::{Notice, back, make, settle};
use super::table::{facts, list as table_of};
use super::words::{
    ACTIONS, DESCRIPTION, FIND_NAME, NAME, NO, NUMBER, POOL, REMOVE, SAVE, SETTINGS, STATE,
    SURE_REMOVE, YES,
};
use super::{OrPage, Shown, Submitted, escaped, told};
use crate::accounts::permission::Permission;
use crate::site::{Site, Visitor};

const PLACE: &str = "/gateways";

/// What is looked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    find: String,
    key_policy: String,
}

pub async fn list(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
) -> Shown {
    let language = visitor.language;
    let mut gateways = site.ask(&visitor, ListGateways {}).await.or_page(&visitor)?;
    let policy = wanted.key_policy.parse::<KeyPolicy>().ok();
    gateways.retain(|GatewayView { gateway, .. }| {
        policy.is_none_or(|policy| gateway.key_policy == policy)
            && has([&*gateway.name, &gateway.description], &wanted.find)
    });
    let search = Search::new(PLACE, FIND_NAME, &wanted.find).by(
        "key_policy",
        POLICY,
        &wanted.key_policy,
        words(KeyPolicy::ALL),
    );
    let fields = html! {
        (Field::new("name", NAME, language).help(NAME_HELP).text(""))
        (Field::new("at", ADDRESSES, language).help(ADDRESSES_HELP).text(""))
        (Field::new("key_policy", POLICY, language)
            .help(POLICY_HELP)
            .choice(KeyPolicy::Require.as_str(), &words(KeyPolicy::ALL)))
    };
    let content = html! {
        (search.show(language))
        (table_of(None, &COLUMNS, &gateways, |it| row(it, language), language))
        @if visitor.person.may(Permission::Operate) {
            (card(PLACE, Some(ADD), fields, ADD, &visitor))
        }
    };
    Ok(page(&site, &visitor, PLACE, TITLE, content))
}

fn row(view: &GatewayView, language: Language) -> Markup {
    let GatewayView { gateway, status } = view;
    html! {
        tr {
            td { a href=(place(&gateway.name)) { (gateway.name) } }
            td { (gateway.description) }
            td { (joined(gateway)) }
            td { (gateway.key_policy) }
            @match status {
                Some(status) => {
                    td { (state_mark(status)) }
                    td { (path_mark(status.path.as_deref())) }
                    td {
                        (status.ports.iter().filter(|port| port.in_service).count())
                        " / " (gateway.ports.len())
                    }
                },
                None => {
                    td .soft { (NOT_COMMANDED.get(language)) }
                    td {}
                    td { (gateway.ports.len()) }
                },
            }
        }
    }
}

fn joined(gateway: &Gateway) -> String {
    gateway.addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(", ")
}

fn state_mark(status: &GatewayStatus) -> Markup {
    let class = if status.state == "registered" { "mark good" } else { "mark warn" };
    html! { span class=(class) { (status.state) } }
}

/// Whether keys may go the way to it.
fn path_mark(path: Option<&str>) -> Markup {
    let class = match path {
        Some("covered") => "mark good",
        Some("trusted") => "mark soft",
        Some(_) => "mark warn",
        None => "soft",
    };
    html! { span class=(class) { (path.unwrap_or("–")) } }
}

/// The port that is about to be changed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Chosen {
    port: String,
}

pub async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(chosen): Query<Chosen>,
) -> Shown {
    let language = visitor.language;
    let view = site.ask(&visitor, ShowGateway { name: name.clone() }).await.or_page(&visitor)?;
    let steps = site.ask(&visitor, CheckGateway { name }).await.or_page(&visitor)?;
    let pools = site.ask(&visitor, ListPools {}).await.or_page(&visitor)?;
    let pools: Vec<_> = pools.into_iter().map(|view| view.pool.name).collect();
    let GatewayView { gateway, status } = &view;
    let place = place(&gateway.name);
    let statuses = status.as_ref().map_or(&[][..], |status| &status.ports);
    let settings = html! { (seen(&view)) (settings(gateway, &pools, language)) };
    let content = html! {
        div .cards {
            @if let Some(status) = status { (state(status, &place, &visitor)) }
            (checklist(STEPS, &steps, |_| None, language))
        }
        (table_of(
            Some(PORTS), &PORT_COLUMNS, &gateway.ports,
            |port| port_row(port, statuses, &place, &visitor), language,
        ))
        @if visitor.person.may(Permission::Operate) {
            (card(
                &format!("{place}/ports"), Some(SET_PORT),
                port_fields(gateway.port(&chosen.port), language), SAVE, &visitor,
            ))
        }
        (card(&place, Some(SETTINGS), settings, SAVE, &visitor))
        (Press::new(&format!("{place}/remove"), REMOVE_GATEWAY.get(language))
            .sure(SURE_REMOVE.fill(language, &[("name", &gateway.name)]))
            .danger()
            .show(&visitor))
        p { a href=(PLACE) { (TITLE.get(language)) } }
    };
    Ok(page_of(&site, &visitor, PLACE, &gateway.name, content))
}

fn state(status: &GatewayStatus, place: &str, visitor: &Visitor) -> Markup {
    let language = visitor.language;
    html! {
        section .card {
            h2 { (STATE.get(language)) }
            (facts(
                &[
                    (REGISTRATION, &state_mark(status)),
                    (WAY, &path_mark(status.path.as_deref())),
                    (WHY, &status.detail),
                ],
                language,
            ))
            (Press::new(&format!("{place}/reset"), RESET.get(language)).show(visitor))
        }
    }
}

fn port_row(port: &GatewayPort, statuses: &[PortStatus], place: &str, visitor: &Visitor) -> Markup {
    let language = visitor.language;
    let status = statuses.iter().find(|status| status.name.eq_ignore_ascii_case(&port.name));
    let yes = |yes: bool| if yes { YES } else { NO }.get(language);
    let number = |number: &Option<Number>| number.as_ref().map_or("–".into(), Number::to_string);
    html! {
        tr {
            td { a href={ (place) "?port=" (escaped(&port.name)) "#port" } { (port.name) } }
            td { (number(&port.number)) }
            td { (port.direction) }
            td { (number(&port.attendant)) }
            @match status {
                Some(status) => {
                    td {
                        (yes(status.in_service))
                        @if let Some(code) = status.refusal { " (" (code) ")" }
                    }
                    td { (yes(status.srtp)) }
                    td {
                        @if status.secure { span .mark .good { (YES.get(language)) } }
                        @else { span .soft { (NO.get(language)) } }
                    }
                    td { (status.calls) }
                },
                None => { @for _ in 0..4 { td .soft { "–" } } },
            }
            td {
                (Press::new(&format!("{place}/ports/remove"), REMOVE.get(language))
                    .labelled(format!("{} {}", REMOVE.get(language), port.name))
                    .with("port", &port.name)
                    .sure(SURE_REMOVE.fill(language, &[("name", &port.name)]))
                    .show(visitor))
            }
        }
    }
}

fn port_fields(port: Option<&GatewayPort>, language: Language) -> Markup {
    let text = |number: Option<&Number>| number.map(Number::to_string).unwrap_or_default();
    let number = port.and_then(|port| port.number.as_ref());
    let attendant = port.and_then(|port| port.attendant.as_ref());
    let direction = port.map_or(Direction::Both, |port| port.direction);
    html! {
        (Field::new("port", PORT, language)
            .help(PORT_HELP)
            .text(port.map(|port| &*port.name).unwrap_or_default()))
        (Field::new("number", NUMBER, language).help(NUMBER_HELP).text(&text(number)))
        (Field::new("direction", DIRECTION, language)
            .help(DIRECTION_HELP)
            .choice(direction.as_str(), &words(Direction::ALL)))
        (Field::new("attendant", ATTENDANT, language).help(ATTENDANT_HELP).text(&text(attendant)))
        (Field::new("capture", CAPTURE, language)
            .help(CAPTURE_HELP)
            .flag(port.is_some_and(|port| port.capture)))
    }
}

fn settings(gateway: &Gateway, pools: &[String], language: Language) -> Markup {
    let field = |name, title, help| Field::new(name, title, language).help(help);
    html! {
        (Field::new("description", DESCRIPTION, language).text(&gateway.description))
        (field("at", ADDRESSES, ADDRESSES_HELP).text(&joined(gateway)))
        (field("dialect", DIALECT, DIALECT_HELP)
            .choice(gateway.dialect.as_str(), &words(Dialect::ALL)))
        (field("key_policy", POLICY, POLICY_HELP)
            .choice(gateway.key_policy.as_str(), &words(KeyPolicy::ALL)))
        (field("path", PATH, PATH_HELP).choice(gateway.path.as_str(), &words(PathKind::ALL)))
        (field("identity", IDENTITY, IDENTITY_HELP).text(&gateway.identity))
        (Field::new("pool", POOL, language).choice(&gateway.pool, &words(pools)))
        (field("digit_map", DIGITS, DIGITS_HELP).text(&gateway.digit_map))
        (field("drop_secure_calls", DROP, DROP_HELP).flag(gateway.drop_secure_calls))
    }
}

fn place(name: &str) -> String {
    format!("{PLACE}/{}", escaped(name))
}

/// Addresses with commas between.
fn addresses(form: &Submitted) -> Option<Vec<SocketAddr>> {
    form.text("at").split(',').map(|address| address.trim().parse().ok()).collect()
}

pub async fn add(State(site): State<Arc<Site>>, visitor: Visitor, form: Submitted) -> Response {
    let Some(addresses) = addresses(&form) else {
        return back(&site, &visitor, PLACE, Notice::failed(ADDRESSES_HELP.get(visitor.language)));
    };
    let name = form.text("name").to_owned();
    let changes = GatewayChanges { key_policy: form.word("key_policy"), ..Default::default() };
    make(&site, &visitor, PLACE, AddGateway { name, addresses, changes }).await
}

pub async fn change(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Submitted,
) -> Response {
    let place = place(&name);
    let Some(addresses) = addresses(&form) else {
        return back(&site, &visitor, &place, Notice::failed(ADDRESSES_HELP.get(visitor.language)));
    };
    let changes = GatewayChanges {
        description: form.given("description"),
        at: Some(addresses),
        dialect: form.word("dialect"),
        key_policy: form.word("key_policy"),
        path: form.word("path"),
        identity: form.given("identity"),
        pool: form.filled("pool"),
        digit_map: form.given("digit_map"),
        drop_secure_calls: form.word("drop_secure_calls"),
    };
    let look = ShowGateway { name: name.clone() };
    let changed = form.seen().change(&site, &visitor, look, SetGateway { name, changes }).await;
    settle(&site, &visitor, &place, changed)
}

pub async fn set_port(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(gateway): Path<String>,
    form: Submitted,
) -> Response {
    let place = place(&gateway);
    let changes = PortChanges {
        number: form.given("number"),
        direction: form.word("direction"),
        attendant: form.given("attendant"),
        capture: form.word("capture"),
    };
    let port = form.text("port").to_owned();
    make(&site, &visitor, &place, SetGatewayPort { gateway, port, changes }).await
}

pub async fn remove_port(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(gateway): Path<String>,
    form: Submitted,
) -> Response {
    let place = place(&gateway);
    let port = form.text("port").to_owned();
    make(&site, &visitor, &place, RemoveGatewayPort { gateway, port }).await
}

pub async fn reset(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    _: Submitted,
) -> Response {
    let place = place(&name);
    let notice = match site.ask(&visitor, ResetGateway { name }).await {
        Ok(_) => Notice::said(ASKED.get(visitor.language)),
        Err(fault) => Notice::failed(told(fault, visitor.language)),
    };
    back(&site, &visitor, &place, notice)
}

pub async fn remove(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    _: Submitted,
) -> Response {
    make(&site, &visitor, PLACE, RemoveGateway { name }).await
}

const TITLE: Text = Text::new("Voice gateways", "音声ゲートウェイ");
const COLUMNS: [Text; 7] = [NAME, DESCRIPTION, ADDRESSES, POLICY, REGISTRATION, WAY, PORTS];
const PORT_COLUMNS: [Text; 9] = [
    PORT,
    NUMBER,
    DIRECTION,
    ATTENDANT,
    Text::new("In service", "使用可能"),
    Text::new("SRTP", "SRTP"),
    Text::new("Given keys", "鍵の配布"),
    Text::new("Calls", "通話"),
    ACTIONS,
];
const NAME_HELP: Text = Text::new(
    "What stands behind the @ in names of its endpoints: its host name with the domain.",
    "エンドポイント名の @ の後ろの部分: ドメイン付きのホスト名。",
);
const ADDRESSES: Text = Text::new("Addresses", "アドレス");
const ADDRESSES_HELP: Text = Text::new(
    "Where it listens for MGCP, with the port, the preferred one first, with commas: 192.0.2.9:2427.",
    "MGCP の待ち受けアドレスとポート。優先順にカンマ区切り (例: 192.0.2.9:2427)。",
);
const POLICY: Text = Text::new("Key policy", "鍵のポリシー");
const POLICY_HELP: Text = Text::new(
    "Require gives keys only while IPsec covers the way, prefer always and with an alarm, trusted-path always. Default: require.",
    "require は IPsec で保護されている間だけ、prefer は常に (アラームあり)、trusted-path は常に鍵を渡します。デフォルト: require",
);
const DIALECT: Text = Text::new("Speaks", "プロトコル");
const DIALECT_HELP: Text = Text::new("Default: mgcp-0.1.", "デフォルト: mgcp-0.1");
const PATH: Text = Text::new("Where IPsec ends on this side", "こちら側の IPsec の終端");
const PATH_HELP: Text = Text::new(
    "Here: the IKE daemon of this node is asked. Elsewhere: in a box nobody can ask. Default: here.",
    "here はこのノードの IKE デーモンに確認し、elsewhere は確認できない別の装置です。デフォルト: here",
);
const IDENTITY: Text = Text::new("IKE identity", "IKE の ID");
const IDENTITY_HELP: Text = Text::new(
    "Who it must have proven to be; empty is anybody whom the IKE daemon trusts.",
    "証明されるべき ID。空の場合は IKE デーモンが信頼するすべての相手。",
);
const DIGITS: Text = Text::new("Digit map", "ディジットマップ");
const DIGITS_HELP: Text = Text::new(
    "How it collects digits, such as (1XXX|9.T); empty: it tells of each.",
    "番号の収集方法 (例: (1XXX|9.T))。空の場合は 1 桁ずつ通知します。",
);
const DROP: Text = Text::new("End secure calls without IPsec", "IPsec 喪失時に暗号化通話を切断");
const DROP_HELP: Text = Text::new(
    "With policy require. Default: no, they go on under the keys that they have.",
    "ポリシーが require の場合。デフォルト: いいえ (既存の鍵で継続)",
);
const ADD: Text = Text::new("Add a gateway", "ゲートウェイを追加");
const REGISTRATION: Text = Text::new("Registration", "登録");
const WAY: Text = Text::new("Way for keys", "鍵の経路");
const WHY: Text = Text::new("Why", "理由");
const NOT_COMMANDED: Text =
    Text::new("this node commands no gateways", "このノードでは制御していません");
const STEPS: Text = Text::new("Towards encrypted calls", "暗号化通話への手順");
const PORTS: Text = Text::new("Voice ports", "音声ポート");
const SET_PORT: Text = Text::new("Add or change a voice port", "音声ポートの追加と変更");
const PORT: Text = Text::new("Port", "ポート");
const PORT_HELP: Text = Text::new(
    "What stands before the @: aaln/S1/SU0/0, S0/SU0/DS1-0/1.",
    "@ の前の部分 (例: aaln/S1/SU0/0、S0/SU0/DS1-0/1)。",
);
const NUMBER_HELP: Text = Text::new(
    "Of the telephone on it; empty makes it a trunk.",
    "接続した電話機の番号。空の場合はトランクになります。",
);
const DIRECTION: Text = Text::new("Takes calls", "通話の方向");
const DIRECTION_HELP: Text = Text::new(
    "In and out as the cluster sees it. Default: both.",
    "クラスタから見た方向。デフォルト: both",
);
const ATTENDANT: Text = Text::new("Attendant", "着信先");
const ATTENDANT_HELP: Text = Text::new(
    "Where calls go that come in by a trunk; empty: their digits are waited for.",
    "トランクからの着信の転送先。空の場合は番号の入力を待ちます。",
);
const CAPTURE: Text = Text::new("Trace its calls", "通話のトレース");
const CAPTURE_HELP: Text = Text::new(
    "What is said about its calls is written to the trace, without keys. Default: no.",
    "通話のシグナリングをトレースに記録します (鍵は除く)。デフォルト: いいえ",
);
const RESET: Text = Text::new("Ask it anew what its ports are like", "ポートの状態を再取得");
const ASKED: Text = Text::new(
    "It is asked; load the page again in a moment.",
    "問い合わせました。しばらくしてからページを再読み込みしてください。",
);
const REMOVE_GATEWAY: Text = Text::new("Remove this gateway", "このゲートウェイを削除");
