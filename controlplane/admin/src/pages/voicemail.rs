//! Voicemail servers and their ports.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use console::{
    AddVoicemail, AddVoicemailPorts, CopyVoicemailRoot, ListPools, ListVoicemail,
    ListVoicemailPorts, NewVoicemailPorts, RemoveVoicemail, RemoveVoicemailPort,
    RemoveVoicemailRoot, ResetVoicemail, SetVoicemail, SetVoicemailPort, VoicemailPortChanges,
    VoicemailPortView, VoicemailRootView, VoicemailView,
};
use lang::{Language, Say, Text};
use maud::{Markup, html};
use serde::Deserialize;
use store::{DeviceSecurityMode, PortName};

use super::form::{Field, Press, Search, card, has, seen, words};
use super::layout::{csrf, page, page_of};
use super::notice::{Notice, after, back, make, settle};
use super::phones::told_of;
use super::table::{facts, list as table_of};
use super::words::{MODE, NAME, NUMBER, POOL, REGISTERED, REMOVE, SAVE, SURE_REMOVE};
use super::{OrPage, PageFault, Shown, Submitted, dashboard, escaped};
use crate::accounts::permission::Permission;
use crate::api::one::one_of;
use crate::api::problem::{Code, Problem};
use crate::site::{Site, Visitor};

const PLACE: &str = "/voicemail";

/// What is looked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    find: String,
    security_mode: String,
}

pub async fn list(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
) -> Shown {
    let language = visitor.language;
    let servers = site.ask(&visitor, ListVoicemail {}).await.or_page(&visitor)?;
    let find =
        ListVoicemailPorts { server: None, security_mode: wanted.security_mode.parse().ok() };
    let mut ports = site.ask(&visitor, find).await.or_page(&visitor)?;
    ports.retain(|it| has([&*it.name.to_string(), it.number.as_str(), &it.pool], &wanted.find));
    let fields = html! {
        (Field::new("name", NAME, language).help(NAME_HELP).text(""))
        (mode("security_mode", DeviceSecurityMode::NonSecure, MODE_HELP, language))
        (new_ports(&pools(&site, &visitor).await?, language))
    };
    let modes = words(DeviceSecurityMode::ALL);
    let search = Search::new(PLACE, FIND, &wanted.find).by(
        "security_mode",
        MODE,
        &wanted.security_mode,
        modes,
    );
    let content = html! {
        (table_of(None, &COLUMNS, &servers, row, language))
        (search.show(language))
        (table_of(Some(PORTS), &PORT_COLUMNS, &ports, port_row, language))
        @if visitor.person.may(Permission::Operate) {
            (card(PLACE, Some(WIZARD), fields, ADD, &visitor))
        }
    };
    Ok(page(&site, &visitor, PLACE, TITLE, content))
}

fn row(server: &VoicemailView) -> Markup {
    html! {
        tr {
            td { a href=(place(&server.name)) { (server.name) } }
            td { (server.security_mode) }
            td { (server.registered) " / " (server.ports) }
            td {
                @match &server.root {
                    Some(root) => { (root.subject) " " span .soft { (root.not_after) } },
                    None => span .soft { "–" },
                }
            }
        }
    }
}

fn port_row(port: &VoicemailPortView) -> Markup {
    html! {
        tr {
            td { a href={ "/voicemail-ports/" (port.name) } { (port.name) } }
            td { (port.security_mode) }
            td { (port.number) }
            td { (port.pool) }
            td {
                @match &port.registration {
                    Some(at) => {
                        span .mark .good { (at.security) } " "
                        span .soft { (at.from) " · " (at.suite.as_deref().unwrap_or("TCP")) }
                    },
                    None => span .soft { "–" },
                }
            }
        }
    }
}

fn mode(name: &str, chosen: DeviceSecurityMode, help: Text, language: Language) -> Markup {
    let field = Field::new(name, MODE, language).help(help);
    field.choice(chosen.as_str(), &words(DeviceSecurityMode::ALL))
}

fn new_ports(pools: &[String], language: Language) -> Markup {
    html! {
        (Field::new("count", COUNT, language).help(COUNT_HELP).text("1"))
        (Field::new("first_number", FIRST, language).help(FIRST_HELP).text(""))
        (Field::new("pool", POOL, language).choice(store::DEFAULT_POOL, &words(pools)))
    }
}

async fn pools(site: &Arc<Site>, visitor: &Visitor) -> Result<Vec<String>, PageFault> {
    let pools = site.ask(visitor, ListPools {}).await.or_page(visitor)?;
    Ok(pools.into_iter().map(|view| view.pool.name).collect())
}

pub async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Shown {
    let language = visitor.language;
    let is_it = |it: &VoicemailView| it.name == name;
    let server = one_of(&site, &visitor, ListVoicemail {}, is_it).await.or_page(&visitor)?;
    let find = ListVoicemailPorts { server: Some(name.clone()), security_mode: None };
    let ports = site.ask(&visitor, find).await.or_page(&visitor)?;
    let place = place(&name);
    let settings = html! {
        (seen(&server))
        (mode("security_mode", server.security_mode, ALL_MODES_HELP, language))
    };
    // The mode of the server is that of its ports: nobody chooses another one for them here.
    let more = html! {
        p { (MODE.get(language)) ": " strong { (server.security_mode) } }
        (new_ports(&pools(&site, &visitor).await?, language))
    };
    let content = html! {
        (card(&place, None, settings, SAVE, &visitor))
        (root_card(&server, &place, &visitor))
        (table_of(Some(PORTS), &PORT_COLUMNS, &ports, port_row, language))
        @if visitor.person.may(Permission::Operate) {
            (card(&format!("{place}/ports"), Some(MORE), more, MORE, &visitor))
        }
        div .row {
            (Press::new(&format!("{place}/reset"), RESET.get(language))
                .sure(dashboard::SURE.get(language))
                .show(&visitor))
            (Press::new(&format!("{place}/remove"), REMOVE_SERVER.get(language))
                .sure(SURE_REMOVE.fill(language, &[("name", &name)]))
                .danger()
                .show(&visitor))
        }
        p { a href=(PLACE) { (TITLE.get(language)) } }
    };
    Ok(page_of(&site, &visitor, PLACE, &name, content))
}

fn root_card(server: &VoicemailView, place: &str, visitor: &Visitor) -> Markup {
    let language = visitor.language;
    html! {
        section .card #root {
            h2 { (ROOT.get(language)) }
            @match &server.root {
                None => p .soft { (NO_ROOT.get(language)) },
                Some(VoicemailRootView { subject, not_after, sha256 }) => {
                    (facts(
                        &[(SUBJECT, subject), (TO, not_after), (Text::new("SHA-256", "SHA-256"), sha256)],
                        language,
                    ))
                    (Press::new(&format!("{place}/root/remove"), WITHDRAW.get(language))
                        .sure(SURE_WITHDRAW.get(language))
                        .show(visitor))
                }
            }
            @if visitor.person.may(Permission::Operate) {
                form method="post" action={ (place) "/root" } {
                    (csrf(visitor))
                    (Field::new("certificate", FILE, language)
                        .help(FILE_HELP)
                        .file(".pem,.cer,.crt,.txt"))
                    button .quiet type="submit" { (COPY.get(language)) }
                }
            }
        }
    }
}

fn place(server: &str) -> String {
    format!("{PLACE}/{}", escaped(server))
}

/// The ports that a form asks for, or what is wrong with it.
fn wanted_ports(form: &Submitted, visitor: &Visitor) -> Result<NewVoicemailPorts, Notice> {
    let language = visitor.language;
    let number = form.text("first_number").parse();
    let first_number = number.map_err(|fault: store::Error| Notice::failed(fault.say(language)))?;
    let count = form.word("count").ok_or_else(|| Notice::failed(COUNT_HELP.get(language)))?;
    Ok(NewVoicemailPorts { count, first_number, pool: form.text("pool").to_owned() })
}

pub async fn add(State(site): State<Arc<Site>>, visitor: Visitor, form: Submitted) -> Response {
    let ports = match wanted_ports(&form, &visitor) {
        Ok(ports) => ports,
        Err(notice) => return back(&site, &visitor, PLACE, notice),
    };
    let name = form.text("name").to_owned();
    let security_mode = form.word("security_mode").unwrap_or(DeviceSecurityMode::NonSecure);
    make(&site, &visitor, PLACE, AddVoicemail { name, security_mode, ports }).await
}

pub async fn add_ports(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(server): Path<String>,
    form: Submitted,
) -> Response {
    let place = place(&server);
    match wanted_ports(&form, &visitor) {
        Ok(ports) => make(&site, &visitor, &place, AddVoicemailPorts { server, ports }).await,
        Err(notice) => back(&site, &visitor, &place, notice),
    }
}

pub async fn change(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Submitted,
) -> Response {
    let place = place(&name);
    let Some(security_mode) = form.word("security_mode") else {
        return back(&site, &visitor, &place, Notice::failed(MODE.get(visitor.language)));
    };
    let change = SetVoicemail { name: name.clone(), security_mode };
    let is_it = |it: &&VoicemailView| it.name == name;
    let changed = form.seen().change_one(&site, &visitor, ListVoicemail {}, is_it, change).await;
    settle(&site, &visitor, &place, changed)
}

pub async fn copy_root(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(server): Path<String>,
    form: Submitted,
) -> Response {
    let place = place(&server);
    let certificate = form.raw("certificate").to_owned();
    make(&site, &visitor, &place, CopyVoicemailRoot { server, certificate }).await
}

pub async fn remove_root(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(server): Path<String>,
    _: Submitted,
) -> Response {
    make(&site, &visitor, &place(&server), RemoveVoicemailRoot { server }).await
}

pub async fn reset(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Submitted,
) -> Response {
    let place = if form.text("back") == "overview" { "/".to_owned() } else { place(&name) };
    let asked = site.ask(&visitor, ResetVoicemail { name }).await;
    let language = visitor.language;
    after::<ResetVoicemail>(&site, &visitor, &place, asked, |reset| told_of(reset, language))
}

pub async fn remove(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    _: Submitted,
) -> Response {
    make(&site, &visitor, PLACE, RemoveVoicemail { name }).await
}

pub async fn port(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Shown {
    let language = visitor.language;
    let name = port_name(&name, &visitor).or_page(&visitor)?;
    let is_it = |it: &VoicemailPortView| it.name == name;
    let port = one_of(&site, &visitor, of_server(&name), is_it).await.or_page(&visitor)?;
    let place = format!("/voicemail-ports/{name}");
    let fields = html! {
        (seen(&port))
        (mode("security_mode", port.security_mode, PORT_MODE_HELP, language))
        (Field::new("number", NUMBER, language).help(RESTART_HELP).text(port.number.as_str()))
        (Field::new("pool", POOL, language)
            .choice(&port.pool, &words(&pools(&site, &visitor).await?)))
    };
    let content = html! {
        (table_of(None, &PORT_COLUMNS, std::slice::from_ref(&port), port_row, language))
        (card(&place, None, fields, SAVE, &visitor))
        (Press::new(&format!("{place}/remove"), REMOVE.get(language))
            .sure(SURE_REMOVE.fill(language, &[("name", &name)]))
            .danger()
            .show(&visitor))
        p { a href=(self::place(name.server())) { (name.server()) } }
    };
    Ok(page_of(&site, &visitor, PLACE, &name.to_string(), content))
}

pub async fn change_port(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Submitted,
) -> Shown {
    let name = port_name(&name, &visitor).or_page(&visitor)?;
    let changes = VoicemailPortChanges {
        security_mode: form.word("security_mode"),
        number: form.word("number"),
        pool: form.filled("pool"),
    };
    let change = SetVoicemailPort { name: name.clone(), changes };
    let is_it = |it: &&VoicemailPortView| it.name == name;
    let changed = form.seen().change_one(&site, &visitor, of_server(&name), is_it, change).await;
    Ok(settle(&site, &visitor, &format!("/voicemail-ports/{name}"), changed))
}

pub async fn remove_port(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    _: Submitted,
) -> Shown {
    let name = port_name(&name, &visitor).or_page(&visitor)?;
    let place = place(name.server());
    Ok(make(&site, &visitor, &place, RemoveVoicemailPort { name }).await)
}

fn of_server(name: &PortName) -> ListVoicemailPorts {
    ListVoicemailPorts { server: Some(name.server().to_owned()), security_mode: None }
}

fn port_name(name: &str, visitor: &Visitor) -> Result<PortName, Problem> {
    let wrong = |error: store::Error| Problem::new(Code::Invalid, error.say(visitor.language));
    name.parse().map_err(wrong)
}

const TITLE: Text = Text::new("Voicemail", "ボイスメール");
const COLUMNS: [Text; 4] =
    [Text::new("Server", "サーバ"), MODE, Text::new("Ports registered", "登録済みのポート"), ROOT];
const PORTS: Text = Text::new("Ports", "ポート");
const PORT_COLUMNS: [Text; 5] = [Text::new("Port", "ポート"), MODE, NUMBER, POOL, REGISTERED];
const FIND: Text = Text::new("Port, number or pool", "ポート、番号、プール");
const WIZARD: Text = Text::new("Add a voicemail server", "ボイスメールサーバを追加");
const ADD: Text = Text::new("Add the server and its ports", "サーバとポートを追加");
const NAME_HELP: Text = Text::new(
    "Letters and digits, 10 at most; the names of its ports begin with it: CiscoUM1-VI1.",
    "英数字 10 文字以内。ポートの名前はこれで始まります (例: CiscoUM1-VI1)。",
);
const MODE_HELP: Text = Text::new(
    "Of all its ports, and those to come. The voicemail server has to be set to the same one. Default: non-secure.",
    "全ポートと今後追加するポートのモード。ボイスメールサーバ側と一致させてください。デフォルト: non-secure",
);
const ALL_MODES_HELP: Text = Text::new(
    "Sets all its ports. The voicemail server has to be set to the same one. Reset the ports afterwards.",
    "全ポートに設定されます。ボイスメールサーバ側と一致させてください。変更後はポートのリセットが必要です。",
);
const PORT_MODE_HELP: Text = Text::new(
    "The same at both ends, or it cannot register. Reset the ports afterwards.",
    "両側で一致しないと登録できません。変更後はポートのリセットが必要です。",
);
const RESTART_HELP: Text = Text::new(
    "The number it is called by. Reset the ports afterwards.",
    "呼び出し番号。変更後はポートのリセットが必要です。",
);
const COUNT: Text = Text::new("How many ports", "ポート数");
const COUNT_HELP: Text =
    Text::new("A server has 99 at most. Default: 1.", "1 サーバにつき最大 99。デフォルト: 1");
const FIRST: Text = Text::new("First number", "最初の番号");
const FIRST_HELP: Text = Text::new(
    "Those behind it have the numbers that follow.",
    "残りのポートには続く番号が付きます。",
);
const MORE: Text = Text::new("Add ports", "ポートを追加");
const RESET: Text = Text::new("Reset its ports", "ポートをリセット");
const REMOVE_SERVER: Text =
    Text::new("Remove this server with its ports", "このサーバとポートを削除");
const ROOT: Text = Text::new("Root certificate", "ルート証明書");
const NO_ROOT: Text = Text::new(
    "None was copied: secure ports cannot register.",
    "コピーされていません。セキュアポートは登録できません。",
);
const SUBJECT: Text = Text::new("Subject", "サブジェクト");
const TO: Text = Text::new("Valid to", "有効期間の終了");
const FILE: Text = Text::new("Certificate in PEM", "証明書 (PEM)");
const FILE_HELP: Text = Text::new(
    "The root certificate of the voicemail server, not those of its ports.",
    "ポートの証明書ではなく、ボイスメールサーバのルート証明書。",
);
const COPY: Text = Text::new("Copy it to every node", "全ノードにコピー");
const WITHDRAW: Text = Text::new("Take it from every node", "全ノードから削除");
const SURE_WITHDRAW: Text = Text::new(
    "Its secure ports will not register any more. Go on?",
    "セキュアポートは登録できなくなります。続行しますか?",
);
