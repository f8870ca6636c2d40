//! CAPF: what is ordered for phones, and what came of it.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use console::{CapfChanges, CapfDetail, CapfService, CapfView, ReportCapf, Secret, SetCapf};
use lang::{Say, Text};
use maud::{Markup, html};
use serde::Deserialize;
use store::{CapfAuthMode, CapfOperation, CapfStatus, DeviceName, KeySize};

use super::form::{Field, Search, has, words};
use super::layout::{csrf, page};
use super::notice::{Notice, back};
use super::table::list as table_of;
use super::words::{DESCRIPTION, FIND_NAME};
use super::{OrPage, Shown, Submitted, told};
use crate::accounts::permission::Permission;
use crate::site::{Site, Visitor};

/// Which phones.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    status: String,
    find: String,
}

pub async fn report(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
) -> Shown {
    let language = visitor.language;
    let service = site.ask(&visitor, CapfService {}).await.or_page(&visitor)?;
    let mut phones = site.ask(&visitor, ReportCapf {}).await.or_page(&visitor)?;
    let status = wanted.status.parse::<CapfStatus>().ok();
    phones.retain(|phone| {
        status.is_none_or(|status| phone.status == status)
            && has([phone.device.as_str(), &phone.description], &wanted.find)
    });
    phones.iter_mut().for_each(|phone| crate::api::conceal(phone, &visitor));
    const MOST: usize = 500;
    let statuses = CapfStatus::ALL.iter().map(|it| (it.to_string(), it.say(language))).collect();
    let search = Search::new("/capf", FIND_NAME, &wanted.find).by(
        "status",
        STATUS,
        &wanted.status,
        statuses,
    );
    let content = html! {
        section .card {
            dl .facts {
                dt { (ACTIVE_ON.get(language)) } dd { (service.node.as_deref().unwrap_or("–")) }
                dt { (PORT.get(language)) } dd { (service.port) }
                dt { (ISSUER.get(language)) } dd { (service.issuer) }
                dt { (WAITING.get(language)) } dd { (service.pending) }
                @if let Some(problem) = &service.problem { dt {} dd .bad { (problem) } }
            }
        }
        (search.show(language))
        p .soft { (phones.len()) " · " a href="/capf/report.csv" { "CSV" } }
        (table_of(None, &COLUMNS, &phones[..phones.len().min(MOST)], row, language))
    };
    Ok(page(&site, &visitor, "/capf", TITLE, content))
}

fn row(phone: &CapfView) -> Markup {
    html! {
        tr {
            td { a href={ "/phones/" (phone.device) } { (phone.device) } }
            td { (phone.description) }
            td { (phone.operation) }
            td { (phone.auth_mode) }
            td .mono { (phone.auth_string.as_ref().map(Secret::expose).unwrap_or_default()) }
            td { (phone.status_text) }
            td { (phone.reason_text.as_deref().unwrap_or_default()) }
            td .soft { (phone.result_at.as_deref().unwrap_or_default()) }
        }
    }
}

pub async fn export(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
    use axum::response::IntoResponse;

    let mut phones = site.ask(&visitor, ReportCapf {}).await.or_page(&visitor)?;
    phones.iter_mut().for_each(|phone| crate::api::conceal(phone, &visitor));
    let mut file = Vec::new();
    console::sheet::write_capf(&mut file, &phones).expect("a vector takes everything");
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"capf.csv\""),
    ];
    Ok((headers, file).into_response())
}

/// CAPF on the page of a phone.
pub fn card(detail: &CapfDetail, visitor: &Visitor) -> Markup {
    let language = visitor.language;
    let capf = &detail.capf;
    let field = |name, title, help| Field::new(name, title, language).help(help);
    html! {
        section .card #capf {
            h2 { "CAPF" }
            dl .facts {
                dt { (STATUS.get(language)) } dd { (capf.status_text) }
                @if let Some(reason) = &capf.reason_text {
                    dt { (REASON.get(language)) } dd { (reason) }
                }
                @if let Some(lsc) = &capf.lsc {
                    dt { "LSC" } dd { (lsc.serial) br; span .soft { (lsc.issuer) " · " (lsc.not_after) } }
                }
                @if let Some(string) = &capf.auth_string {
                    dt { (STRING.get(language)) } dd .mono { (string.expose()) }
                }
            }
            @for problem in &detail.problems { div .notice .warn { p { (problem) } } }
            @if visitor.person.may(Permission::Operate) {
                form method="post" action={ "/phones/" (capf.device) "/capf" } {
                    (csrf(visitor))
                    div .fields {
                        (field("operation", OPERATION, OPERATION_HELP)
                            .choice(capf.operation.as_str(), &words(CapfOperation::ALL)))
                        (field("auth_mode", MODE, MODE_HELP)
                            .choice(capf.auth_mode.as_str(), &words(CapfAuthMode::ALL)))
                        (field("auth_string", STRING, STRING_HELP).text(""))
                        (field("key_size", SIZE, SIZE_HELP)
                            .choice(capf.key_size.as_str(), &words(KeySize::ALL)))
                        (field("complete_by", BY, BY_HELP)
                            .text(capf.complete_by.as_deref().unwrap_or_default()))
                    }
                    label .box {
                        input type="checkbox" name="generate_string";
                        (GENERATE.get(language))
                    }
                    button type="submit" { (ORDER.get(language)) }
                }
            }
        }
    }
}

pub async fn order(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Submitted,
) -> Shown {
    let language = visitor.language;
    let place = format!("/phones/{name}#capf");
    let Ok(name) = name.parse::<DeviceName>() else {
        return Ok(back(&site, &visitor, "/phones", Notice::failed(name)));
    };
    let changes = CapfChanges {
        operation: form.word("operation"),
        auth_mode: form.word("auth_mode"),
        auth_string: form.filled("auth_string").map(Secret::new),
        generate_string: form.ticked("generate_string"),
        key_size: form.word("key_size"),
        complete_by: form.filled("complete_by"),
    };
    let notice = match site.ask(&visitor, SetCapf { name, changes, dry_run: false }).await {
        Ok(done) => {
            let secret = done.capf.auth_string.as_ref().map(|it| it.expose().to_owned());
            let mut notice = Notice::of_done(&done.done, language);
            notice.lines.extend(secret.map(|it| TELL.fill(language, &[("string", &it)])));
            notice
        }
        Err(fault) => Notice::failed(told(fault, language)),
    };
    Ok(back(&site, &visitor, &place, notice))
}

const TITLE: Text = Text::new("CAPF report", "CAPF レポート");
const COLUMNS: [Text; 8] = [
    Text::new("Device name", "デバイス名"),
    DESCRIPTION,
    OPERATION,
    MODE,
    STRING,
    STATUS,
    REASON,
    Text::new("When", "日時"),
];
const ACTIVE_ON: Text = Text::new("Active on", "有効なノード");
const PORT: Text = Text::new("Port for phones", "電話機用ポート");
const ISSUER: Text = Text::new("Issuer", "発行者");
const WAITING: Text = Text::new("Operations that wait", "待機中の操作");
const STATUS: Text = Text::new("Operation status", "操作の状態");
const REASON: Text = Text::new("Reason", "理由");
const OPERATION: Text = Text::new("Certificate operation", "証明書の操作");
const OPERATION_HELP: Text = Text::new(
    "What the phone does when it is reset next. Default: none.",
    "次のリセット時に電話機が実行する操作。デフォルト: none",
);
const MODE: Text = Text::new("Authentication mode", "認証モード");
const MODE_HELP: Text = Text::new(
    "How the phone shows that it is the one. Null string only in closed networks.",
    "電話機の認証方法。null-string は閉じたネットワークでのみ使用してください。",
);
const STRING: Text = Text::new("Authentication string", "認証文字列");
const STRING_HELP: Text = Text::new(
    "4 to 10 digits that its user types in; they work once. Empty keeps what is there.",
    "利用者が入力する 4 ～ 10 桁の数字 (1 回限り有効)。空の場合は変更しません。",
);
const SIZE: Text = Text::new("Key size", "キーサイズ");
const SIZE_HELP: Text = Text::new(
    "Bits of the phone's RSA key. Larger ones take old phones many minutes.",
    "電話機の RSA 鍵のビット数。大きいほど古い電話機では時間がかかります。",
);
const BY: Text = Text::new("Complete by", "完了期限");
const BY_HELP: Text = Text::new(
    "YYYY:MM:DD:HH on the publisher's clock; the operation fails then.",
    "YYYY:MM:DD:HH (パブリッシャの時刻)。期限を過ぎると失敗になります。",
);
const GENERATE: Text = Text::new("Make an authentication string", "認証文字列を生成する");
const ORDER: Text = Text::new("Order", "設定");
const TELL: Text = Text::new(
    "Authentication string to tell its user: {string}",
    "利用者に伝える認証文字列: {string}",
);
