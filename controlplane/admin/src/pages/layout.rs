//! What all pages have in common.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use lang::{Language, Text};
use maud::{DOCTYPE, Markup, html};

use super::assets;
use super::notice::Notice;
use crate::accounts::Proof;
use crate::accounts::permission::Permission;
use crate::api::problem::Problem;
use crate::site::{Site, Visitor};

/// Where the navigation leads, and who may go there.
const PLACES: [(&str, Text, Permission); 18] = [
    ("/", Text::new("Overview", "概要"), Permission::Look),
    ("/phones", Text::new("Phones", "電話機"), Permission::Look),
    ("/capf", Text::new("CAPF report", "CAPF レポート"), Permission::Look),
    ("/calls", Text::new("Calls", "通話"), Permission::Look),
    ("/plan", Text::new("Lines and pools", "回線とプール"), Permission::Look),
    ("/gateways", Text::new("Voice gateways", "音声ゲートウェイ"), Permission::Look),
    ("/voicemail", Text::new("Voicemail", "ボイスメール"), Permission::Look),
    ("/srst", Text::new("SRST references", "SRST リファレンス"), Permission::Look),
    ("/certificates", Text::new("Certificates", "証明書"), Permission::Look),
    ("/trust-list", Text::new("CTL file", "CTL ファイル"), Permission::Look),
    ("/nodes", Text::new("Nodes and services", "ノードとサービス"), Permission::Look),
    ("/parameters", Text::new("Parameters", "パラメータ"), Permission::Look),
    ("/media", Text::new("Media relay", "メディアリレー"), Permission::Look),
    ("/metrics", Text::new("Metrics", "メトリクス"), Permission::Look),
    ("/bulk", Text::new("Bulk administration", "一括管理"), Permission::Operate),
    ("/accounts", Text::new("Accounts", "アカウント"), Permission::Accounts),
    ("/audit", Text::new("Security audit", "セキュリティ監査"), Permission::Audit),
    ("/changes", Text::new("Changes and audit", "変更履歴と監査"), Permission::Audit),
];

/// A page. What was left to tell is told on it.
pub fn page(
    site: &Arc<Site>,
    visitor: &Visitor,
    place: &str,
    title: Text,
    content: Markup,
) -> Response {
    let title = title.get(visitor.language);
    framed(visitor, place, title, site.notices.take(visitor).as_ref(), content).into_response()
}

/// A page with a title that is no sentence of ours.
pub fn page_of(
    site: &Arc<Site>,
    visitor: &Visitor,
    place: &str,
    title: &str,
    content: Markup,
) -> Response {
    framed(visitor, place, title, site.notices.take(visitor).as_ref(), content).into_response()
}

fn framed(
    visitor: &Visitor,
    place: &str,
    title: &str,
    notice: Option<&Notice>,
    content: Markup,
) -> Markup {
    let language = visitor.language;
    let person = &visitor.person;
    let main = html! {
        header .bar {
            a .brand href="/" { "ringfence" }
            span .who { (person.name) " · " (person.role) }
            (language_switch(language, place))
            form method="post" action="/logout" {
                (csrf(visitor))
                button .quiet type="submit" { (LOG_OUT.get(language)) }
            }
        }
        div .frame {
            nav aria-label=(NAVIGATION.get(language)) {
                ul {
                    @for (to, name, needs) in PLACES.iter().filter(|it| person.may(it.2)) {
                        @let _ = needs;
                        li {
                            a href=(to) aria-current=[(*to == place).then_some("page")] {
                                (name.get(language))
                            }
                        }
                    }
                }
            }
            main #main tabindex="-1" {
                h1 { (title) }
                @if let Some(notice) = notice { (noticed(notice, language)) }
                (content)
            }
        }
    };
    document(language, title, main)
}

fn noticed(notice: &Notice, language: Language) -> Markup {
    html! {
        div .notice .bad[!notice.ok] role=(if notice.ok { "status" } else { "alert" }) {
            @for line in &notice.lines { p { (line) } }
            @if let Some(secret) = &notice.secret {
                p { (SECRET.get(language)) }
                p { code .secret { (secret) } }
            }
        }
    }
}

/// The document around everything.
pub fn document(language: Language, title: &str, content: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · ringfence" }
                link rel="stylesheet" href=(assets::STYLE);
                link rel="icon" href=(assets::ICON) type="image/svg+xml";
                script src=(assets::SCRIPT) defer {}
            }
            body {
                a .skip href="#main" { (SKIP.get(language)) }
                (content)
            }
        }
    }
}

/// Leads to the same page in the other language.
pub fn language_switch(language: Language, place: &str) -> Markup {
    let (other, name) = match language {
        Language::English => (Language::Japanese, "日本語"),
        Language::Japanese => (Language::English, "English"),
    };
    html! {
        a .language href={ "/language/" (other.tag()) "?to=" (place) } lang=(other.tag())
            hreflang=(other.tag()) { (name) }
    }
}

/// What shows that a form is of this session.
pub fn csrf(visitor: &Visitor) -> Markup {
    html! {
        @if let Proof::Session { csrf } = &visitor.person.proof {
            input type="hidden" name="csrf" value=(csrf.expose());
        }
    }
}

/// A page that says why there is none.
pub fn problem(visitor: &Visitor, problem: &Problem) -> Response {
    let language = visitor.language;
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
    let text = match status {
        StatusCode::FORBIDDEN => FORBIDDEN.get(language),
        StatusCode::NOT_FOUND if problem.detail.is_empty() => NO_PAGE.get(language),
        _ => &problem.detail,
    };
    let content = html! { div .notice .bad role="alert" { p { (text) } } };
    (status, framed(visitor, "", SORRY.get(language), None, content)).into_response()
}

/// A page that refuses a form.
pub fn refused(visitor: &Visitor, status: StatusCode, text: Text) -> Response {
    let content = html! { div .notice .bad role="alert" { p { (text.get(visitor.language)) } } };
    let title = SORRY.get(visitor.language);
    (status, framed(visitor, "", title, None, content)).into_response()
}

/// There is no such page.
pub async fn missing(request: Request) -> Response {
    match request.extensions().get::<Visitor>() {
        Some(visitor) => refused(visitor, StatusCode::NOT_FOUND, NO_PAGE),
        None => Redirect::to("/login").into_response(),
    }
}

/// Said to who may not.
pub const FORBIDDEN: Text = Text::new(
    "Your role may not do this. Ask an administrator.",
    "この操作を行う権限がありません。管理者に依頼してください。",
);
const NO_PAGE: Text = Text::new("There is no such page.", "ページが見つかりません。");
const SORRY: Text = Text::new("That did not work", "処理できませんでした");
const LOG_OUT: Text = Text::new("Log out", "ログアウト");
const NAVIGATION: Text = Text::new("Pages", "ページ");
const SKIP: Text = Text::new("Skip to the content", "本文へ移動");
const SECRET: Text = Text::new(
    "Copy it now: it is not shown again.",
    "今すぐコピーしてください。再表示はできません。",
);
