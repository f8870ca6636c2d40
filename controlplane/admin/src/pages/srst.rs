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

use super::form::{Field, Press, card, seen};
use super::layout::{csrf, page, page_of};
use super::notice::{Notice, after, back, make, settle};
use super::phones::told_of;
use super::table::{facts, list as table_of};
use super::words::{ADDRESS, NAME, NO, NO_ADDRESS, PHONES, SAVE, YES};
use super::{OrPage, PageFault, Shown, Submitted, dashboard, escaped};
use crate::accounts::permission::Permission;
use crate::api::one::one_of;
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
    let fields = html! {
        (Field::new("name", NAME, language).text(""))
        (Field::new("address", ADDRESS, language).text(""))
        (settings(None, language))
    };
    let content = html! {
        (table_of(None, &COLUMNS, &references, |it| row(it, gateways, language), language))
        @if visitor.person.may(Permission::Operate) {
            (card(PLACE, Some(ADD), fields, ADD, &visitor))
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

fn settings(reference: Option<&SrstView>, language: Language) -> Markup {
    let field = |name, title, help| Field::new(name, title, language).help(help);
    let port = reference.map_or(2000, |it| it.port).to_string();
    let provider_port = reference.map_or(2445, |it| it.provider_port).to_string();
    html! {
        (field("port", PORT, PORT_HELP).text(&port))
        (field("secure", SECURE, SECURE_HELP).flag(reference.is_some_and(|it| it.secure)))
        (field("provider_port", PROVIDER, PROVIDER_HELP).text(&provider_port))
    }
}

pub async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Shown {
    let language = visitor.language;
    let reference = find(&site, &visitor, &name).await?;
    let place = place(&name);
    let button = |verb: &str, title: Text, sure: Option<Text>| {
        let place = format!("{place}/{verb}");
        let button = Press::new(&place, title.get(language));
        match sure {
            Some(sure) => button.sure(sure.get(language)).show(&visitor),
            None => button.show(&visitor),
        }
    };
    let fields = html! {
        (seen(&reference))
        (Field::new("address", ADDRESS, language)
            .help(RESET_HELP)
            .text(&reference.address.to_string()))
        (settings(Some(&reference), language))
    };
    let content = html! {
        (card(&place, None, fields, SAVE, &visitor))
        section .card #certificate {
            h2 { (CERTIFICATE.get(language)) }
            @match &reference.certificate {
                None => p .soft { (NO_CERTIFICATE.get(language)) },
                Some(certificate) => (shown(certificate, language)),
            }
            div .row {
                (button("fetch", FETCH, None))
                @if reference.certificate.is_some() {
                    (button("withdraw", WITHDRAW, Some(SURE_WITHDRAW)))
                }
            }
        }
        div .row {
            (button("reset", RESET, Some(dashboard::SURE)))
            @if reference.pools.is_empty() { (button("remove", REMOVE, Some(SURE_REMOVE))) }
        }
        p { a href=(PLACE) { (TITLE.get(language)) } }
    };
    Ok(page_of(&site, &visitor, PLACE, &name, content))
}

async fn find(site: &Arc<Site>, visitor: &Visitor, name: &str) -> Result<SrstView, PageFault> {
    one_of(site, visitor, ListSrst {}, |it: &SrstView| it.name == name).await.or_page(visitor)
}

fn place(name: &str) -> String {
    format!("{PLACE}/{}", escaped(name))
}

fn shown(certificate: &SrstCertificateView, language: Language) -> Markup {
    let SrstCertificateView { subject, issuer, serial, not_before, not_after, sha256, sha1 } =
        certificate;
    facts(
        &[
            (SUBJECT, subject),
            (ISSUER, issuer),
            (SERIAL, serial),
            (FROM, not_before),
            (TO, not_after),
            (Text::new("SHA-256", "SHA-256"), sha256),
            (Text::new("SHA-1", "SHA-1"), sha1),
        ],
        language,
    )
}

/// Shows what the gateway shows: accepted only if it is what somebody compared.
pub async fn fetch(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    _: Submitted,
) -> Shown {
    let language = visitor.language;
    let place = place(&name);
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
            (shown(&fetched.shown, language))
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
                (shown(stored, language))
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
    let place = place(&name);
    make(&site, &visitor, &place, AcceptSrst { name, sha256: form.text("sha256").to_owned() }).await
}

pub async fn withdraw(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    _: Submitted,
) -> Response {
    make(&site, &visitor, &place(&name), WithdrawSrst { name }).await
}

pub async fn reset(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    _: Submitted,
) -> Response {
    let (place, language) = (place(&name), visitor.language);
    let asked = site.ask(&visitor, ResetSrst { name, dry_run: false }).await;
    after::<ResetSrst>(&site, &visitor, &place, asked, |reset| told_of(reset, language))
}

pub async fn remove(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    _: Submitted,
) -> Response {
    make(&site, &visitor, PLACE, RemoveSrst { name }).await
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
    make(&site, &visitor, PLACE, AddSrst { name, address, changes: changes(&form) }).await
}

pub async fn change(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Submitted,
) -> Response {
    let place = place(&name);
    let Some(address) = form.word::<IpAddr>("address") else {
        return back(&site, &visitor, &place, Notice::failed(NO_ADDRESS.get(visitor.language)));
    };
    let change = SetSrst { name: name.clone(), address: Some(address), changes: changes(&form) };
    let is_it = |it: &&SrstView| it.name == name;
    let changed = form.seen().change_one(&site, &visitor, ListSrst {}, is_it, change).await;
    settle(&site, &visitor, &place, changed)
}

const TITLE: Text = Text::new("SRST references", "SRST リファレンス");
const COLUMNS: [Text; 6] = [
    NAME,
    ADDRESS,
    SECURE,
    Text::new("Pools", "プール"),
    PHONES,
    Text::new("Gateway", "ゲートウェイ"),
];
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
const CONNECTED: Text = Text::new("connected", "接続中");
const AWAY: Text = Text::new("away", "未接続");
const ADD: Text = Text::new("Add a reference", "リファレンスを追加");
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
