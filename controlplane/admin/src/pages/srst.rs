//! SRST references: gateways that serve phones of a branch while the centre is away.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use console::{
    AcceptSrst, AddSrst, FetchSrst, ListSrst, RemoveSrst, ResetSrst, SetSrst, ShowSrstStatus,
    SrstCertificateView, SrstChanges, SrstGatewayView, SrstStatusView, SrstView, WithdrawSrst,
};
use lang::{Language, Text};
use maud::{Markup, html};

use super::form::Field;
use super::layout::{csrf, page, page_of};
use super::notice::{Notice, after, back};
use super::phones::told_of;
use super::{OrPage, Shown, Submitted, dashboard, escaped};
use crate::accounts::permission::Permission;
use crate::api::problem::{Code, Problem};
use crate::site::{Site, Visitor};

const PLACE: &str = "/srst";

pub async fn list(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    let language = visitor.language;
    let references = site.ask(&visitor, ListSrst {}).await.or_page(&visitor)?;
    let status = site.ask(&visitor, ShowSrstStatus {}).await.ok();
    let gateways = match &status {
        Some(SrstStatusView::Centre { gateways, .. }) => &**gateways,
        _ => &[],
    };
    let content = html! {
        section .card .scroll tabindex="0" {
            @if references.is_empty() { p .soft { (NONE.get(language)) } }
            @else {
                table {
                    thead { tr { @for column in COLUMNS { th scope="col" { (column.get(language)) } } } }
                    tbody {
                        @for reference in &references { (row(reference, gateways, language)) }
                    }
                }
            }
        }
        @if visitor.person.may(Permission::Operate) {
            form .card method="post" action=(PLACE) {
                (csrf(&visitor))
                h2 { (ADD.get(language)) }
                div .fields {
                    (field("name", NAME, NO_HELP, language).text(""))
                    (field("address", ADDRESS, NO_HELP, language).text(""))
                    (settings(None, language))
                }
                button type="submit" { (ADD.get(language)) }
            }
        }
    };
    Ok(page(&site, &visitor, PLACE, TITLE, content))
}

fn row(reference: &SrstView, gateways: &[SrstGatewayView], language: Language) -> Markup {
    let gateway = gateways.iter().find(|gateway| gateway.reference == reference.name);
    html! {
        tr {
            td { a href={ "/srst/" (escaped(&reference.name)) } { (reference.name) } }
            td { (reference.address) ":" (reference.port) }
            td {
                @match (reference.secure, &reference.certificate) {
                    (false, _) => span .soft { (NO.get(language)) },
                    (true, Some(_)) => span .mark .good { (YES.get(language)) },
                    (true, None) => span .mark .warn { (NO_CERTIFICATE.get(language)) },
                }
            }
            td { (reference.pools.join(", ")) }
            td { (reference.phones) }
            td {
                @match gateway {
                    None => span .soft { "–" },
                    Some(it) => {
                        @if it.connected { span .mark .good { (CONNECTED.get(language)) } }
                        @else { span .mark .warn { (AWAY.get(language)) } }
                        " " span .soft { (it.heard) }
                    },
                }
            }
        }
    }
}

fn field(name: &'static str, title: Text, help: Text, language: Language) -> Field<'static> {
    Field { name, title: title.get(language), help: help.get(language).to_owned() }
}

fn settings(reference: Option<&SrstView>, language: Language) -> Markup {
    let port = |port: Option<u16>, default: &str| {
        port.map_or_else(|| default.to_owned(), |port| port.to_string())
    };
    let secure = reference.is_some_and(|reference| reference.secure);
    let switch = [("true", YES), ("false", NO)];
    let switch = switch.map(|(word, text)| (word.to_owned(), text.get(language).to_owned()));
    html! {
        (field("port", PORT, PORT_HELP, language).text(&port(reference.map(|it| it.port), "2000")))
        (field("secure", SECURE, SECURE_HELP, language)
            .choice(if secure { "true" } else { "false" }, &switch))
        (field("provider_port", PROVIDER, PROVIDER_HELP, language)
            .text(&port(reference.map(|it| it.provider_port), "2445")))
    }
}

pub async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Shown {
    let language = visitor.language;
    let reference = find(&site, &visitor, &name).await?;
    let place = format!("/srst/{}", escaped(&name));
    let may = visitor.person.may(Permission::Operate);
    let content = html! {
        form .card method="post" action=(place) {
            (csrf(&visitor))
            div .fields {
                (field("address", ADDRESS, RESET_HELP, language).text(&reference.address.to_string()))
                (settings(Some(&reference), language))
            }
            @if may { button type="submit" { (SAVE.get(language)) } }
        }
        section .card #certificate {
            h2 { (CERTIFICATE.get(language)) }
            @match &reference.certificate {
                None => p .soft { (NO_CERTIFICATE.get(language)) },
                Some(certificate) => (fields(certificate, language)),
            }
            @if may {
                div .row {
                    (button(&format!("{place}/fetch"), FETCH, None, &visitor))
                    @if reference.certificate.is_some() {
                        (button(&format!("{place}/withdraw"), WITHDRAW, Some(SURE_WITHDRAW), &visitor))
                    }
                }
            }
        }
        @if may {
            div .row {
                (button(&format!("{place}/reset"), RESET, Some(dashboard::SURE), &visitor))
                @if reference.pools.is_empty() {
                    (button(&format!("{place}/remove"), REMOVE, Some(SURE_REMOVE), &visitor))
                }
            }
        }
        p { a href=(PLACE) { (TITLE.get(language)) } }
    };
    Ok(page_of(&site, &visitor, PLACE, &name, content))
}

async fn find(
    site: &Arc<Site>,
    visitor: &Visitor,
    name: &str,
) -> Result<SrstView, super::PageFault> {
    let references = site.ask(visitor, ListSrst {}).await.or_page(visitor)?;
    let found = references.into_iter().find(|reference| reference.name == name);
    found.ok_or_else(|| Problem::new(Code::NotFound, name)).or_page(visitor)
}

fn button(place: &str, title: Text, sure: Option<Text>, visitor: &Visitor) -> Markup {
    let language = visitor.language;
    html! {
        form method="post" action=(place) data-confirm=[sure.map(|sure| sure.get(language))] {
            (csrf(visitor))
            button .quiet type="submit" { (title.get(language)) }
        }
    }
}

fn fields(certificate: &SrstCertificateView, language: Language) -> Markup {
    let SrstCertificateView { subject, issuer, serial, not_before, not_after, sha256, sha1 } =
        certificate;
    let pairs = [
        (SUBJECT, subject),
        (ISSUER, issuer),
        (SERIAL, serial),
        (FROM, not_before),
        (TO, not_after),
        (Text::new("SHA-256", "SHA-256"), sha256),
        (Text::new("SHA-1", "SHA-1"), sha1),
    ];
    html! {
        dl .facts {
            @for (title, value) in pairs { dt { (title.get(language)) } dd .mono { (value) } }
        }
    }
}

/// Shows what the gateway shows: accepted only if it is what somebody compared.
pub async fn fetch(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    _: Submitted,
) -> Shown {
    let language = visitor.language;
    let place = format!("/srst/{}", escaped(&name));
    let fetched = match site.ask(&visitor, FetchSrst { name: name.clone() }).await {
        Ok(fetched) => fetched,
        Err(fault) => {
            let notice = Notice::failed(super::told(fault, language));
            return Ok(back(&site, &visitor, &place, notice));
        }
    };
    let same = fetched.stored.as_ref() == Some(&fetched.shown);
    let content = html! {
        section .card {
            h2 { (SHOWN.get(language)) }
            (fields(&fetched.shown, language))
            @if same { p { (SAME.get(language)) } }
            @else {
                p { (COMPARE.get(language)) }
                div .row {
                    form method="post" action={ (place) "/accept" } {
                        (csrf(&visitor))
                        input type="hidden" name="sha256" value=(fetched.shown.sha256);
                        button type="submit" { (ACCEPT.get(language)) }
                    }
                    a .button .quiet href=(place) { (REJECT.get(language)) }
                }
            }
        }
        @if let Some(stored) = fetched.stored.as_ref().filter(|_| !same) {
            section .card {
                h2 { (STORED.get(language)) }
                (fields(stored, language))
            }
        }
    };
    Ok(page_of(&site, &visitor, PLACE, &name, content))
}

pub async fn accept(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Submitted,
) -> Response {
    let place = format!("/srst/{}", escaped(&name));
    let request = AcceptSrst { name, sha256: form.text("sha256").to_owned() };
    let asked = site.ask(&visitor, request).await;
    after::<AcceptSrst>(&site, &visitor, &place, asked, |done| done)
}

pub async fn withdraw(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    _: Submitted,
) -> Response {
    let place = format!("/srst/{}", escaped(&name));
    let asked = site.ask(&visitor, WithdrawSrst { name }).await;
    after::<WithdrawSrst>(&site, &visitor, &place, asked, |done| done)
}

pub async fn reset(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    _: Submitted,
) -> Response {
    let language = visitor.language;
    let place = format!("/srst/{}", escaped(&name));
    let asked = site.ask(&visitor, ResetSrst { name, dry_run: false }).await;
    after::<ResetSrst>(&site, &visitor, &place, asked, |reset| told_of(reset, language))
}

pub async fn remove(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    _: Submitted,
) -> Response {
    let asked = site.ask(&visitor, RemoveSrst { name }).await;
    after::<RemoveSrst>(&site, &visitor, PLACE, asked, |done| done)
}

fn changes(form: &Submitted) -> SrstChanges {
    SrstChanges {
        port: form.word("port"),
        provider_port: form.filled("provider_port"),
        secure: form.word("secure"),
    }
}

pub async fn add(State(site): State<Arc<Site>>, visitor: Visitor, form: Submitted) -> Response {
    let Some(address) = form.word::<IpAddr>("address") else {
        return back(&site, &visitor, PLACE, Notice::failed(NO_ADDRESS.get(visitor.language)));
    };
    let name = form.text("name").to_owned();
    let asked = site.ask(&visitor, AddSrst { name, address, changes: changes(&form) }).await;
    after::<AddSrst>(&site, &visitor, PLACE, asked, |done| done)
}

pub async fn change(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Submitted,
) -> Response {
    let place = format!("/srst/{}", escaped(&name));
    let Some(address) = form.word::<IpAddr>("address") else {
        return back(&site, &visitor, &place, Notice::failed(NO_ADDRESS.get(visitor.language)));
    };
    let request = SetSrst { name, address: Some(address), changes: changes(&form) };
    let asked = site.ask(&visitor, request).await;
    after::<SetSrst>(&site, &visitor, &place, asked, |done| done)
}

const TITLE: Text = Text::new("SRST references", "SRST リファレンス");
const COLUMNS: [Text; 6] = [
    NAME,
    ADDRESS,
    SECURE,
    Text::new("Pools", "プール"),
    Text::new("Phones", "電話機"),
    Text::new("Gateway", "ゲートウェイ"),
];
const NONE: Text = Text::new("There is none yet.", "まだありません。");
const NAME: Text = Text::new("Name", "名前");
const ADDRESS: Text = Text::new("Address", "アドレス");
const PORT: Text = Text::new("Port", "ポート");
const PORT_HELP: Text = Text::new(
    "Of SCCP; phones add 443 to it for TLS. Default: 2000.",
    "SCCP のポート。TLS ではこれに 443 を加えます。デフォルト: 2000",
);
const SECURE: Text = Text::new("Is SRST secure?", "SRST はセキュアか");
const SECURE_HELP: Text = Text::new(
    "Phones are given the gateway's certificate. Default: no. Reset the dependent phones afterwards.",
    "ゲートウェイの証明書を電話機に配布します。デフォルト: いいえ。変更後は該当する電話機のリセットが必要です。",
);
const PROVIDER: Text = Text::new("SRST certificate provider port", "SRST 証明書プロバイダのポート");
const PROVIDER_HELP: Text =
    Text::new("Range: 1024 to 49151. Default: 2445.", "範囲: 1024 ～ 49151。デフォルト: 2445");
const RESET_HELP: Text = Text::new(
    "Reset the dependent phones afterwards.",
    "変更後は該当する電話機のリセットが必要です。",
);
const NO_HELP: Text = Text::new("", "");
const YES: Text = Text::new("yes", "はい");
const NO: Text = Text::new("no", "いいえ");
const CONNECTED: Text = Text::new("connected", "接続中");
const AWAY: Text = Text::new("away", "未接続");
const ADD: Text = Text::new("Add a reference", "リファレンスを追加");
const SAVE: Text = Text::new("Save", "保存");
const CERTIFICATE: Text = Text::new("Certificate that phones are given", "電話機に配布する証明書");
const NO_CERTIFICATE: Text = Text::new("no certificate yet", "証明書がありません");
const FETCH: Text =
    Text::new("Ask the gateway for its certificate", "ゲートウェイから証明書を取得");
const WITHDRAW: Text = Text::new("Take it from phones", "電話機から削除");
const SURE_WITHDRAW: Text = Text::new(
    "Phones will not use SRST securely any more. Also switch the credentials service of the gateway off. Go on?",
    "電話機はセキュアな SRST を使用しなくなります。ゲートウェイの credentials サービスも無効にしてください。続行しますか?",
);
const RESET: Text = Text::new("Reset the dependent phones", "該当する電話機をリセット");
const REMOVE: Text = Text::new("Remove this reference", "このリファレンスを削除");
const SURE_REMOVE: Text = Text::new(
    "Remove this reference with its certificate?",
    "このリファレンスと証明書を削除しますか?",
);
const SHOWN: Text = Text::new("The gateway shows", "ゲートウェイが提示した証明書");
const STORED: Text = Text::new("Accepted before", "以前に受け入れた証明書");
const SAME: Text =
    Text::new("It is the one that was accepted before.", "以前に受け入れた証明書と同じです。");
const COMPARE: Text = Text::new(
    "Compare the fingerprints with what the gateway itself says of its certificate.",
    "ゲートウェイ側で表示される証明書のフィンガープリントと比較してください。",
);
const ACCEPT: Text = Text::new("Accept", "受け入れる");
const REJECT: Text = Text::new("Reject", "拒否する");
const SUBJECT: Text = Text::new("Subject", "サブジェクト");
const ISSUER: Text = Text::new("Issuer", "発行者");
const SERIAL: Text = Text::new("Serial number", "シリアル番号");
const FROM: Text = Text::new("Valid from", "有効期間の開始");
const TO: Text = Text::new("Valid to", "有効期間の終了");
const NO_ADDRESS: Text = Text::new(
    "The address is none: 192.0.2.1, say.",
    "アドレスが正しくありません (例: 192.0.2.1)。",
);
