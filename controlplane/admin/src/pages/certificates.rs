//! Certificates: the inventory, and the one that browsers are shown.

use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use console::ListCertificates;
use lang::Text;
use maud::html;
use pki::export::Form;
use serde::Deserialize;

use super::form::{Field, Press};
use super::layout::{csrf, page, page_of};
use super::notice::{Notice, back};
use super::table::table;
use super::{OrPage, Shown, Submitted};
use crate::accounts::permission::Permission;
use crate::api::certificates::{change, file as as_file, find};
use crate::api::problem::Problem;
use crate::certificate::Keeper;
use crate::certificate::view::{Filter, fields};
use crate::site::{Site, Visitor};

const OWN: &str = "/certificates/https";

pub async fn list(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    let language = visitor.language;
    let inventory = site.ask(&visitor, ListCertificates {}).await.or_page(&visitor)?;
    let own = &site.keeper.chain()[0];
    let time = |at| humantime::format_rfc3339_seconds(at).to_string();
    let content = html! {
        div .card .scroll tabindex="0" {
            (table(&COLUMNS, html! {
                tr {
                    td { "https" }
                    td { (site.keeper.names().host) }
                    td { a href=(OWN) { (own.subject()) } }
                    td { (own.issuer()) }
                    td .soft { (time(own.not_after())) }
                }
                @for entry in &inventory {
                    tr {
                        td { (entry.role) }
                        td { (entry.owner) }
                        td { a href={ "/certificates/" (entry.fingerprint) } { (entry.subject) } }
                        td { (entry.issuer) }
                        td .soft { (entry.not_after) }
                    }
                }
            }, language))
        }
    };
    Ok(page(&site, &visitor, "/certificates", TITLE, content))
}

/// Which fields.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    filter: Filter,
}

pub async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(fingerprint): Path<String>,
    Query(Wanted { filter }): Query<Wanted>,
) -> Shown {
    let language = visitor.language;
    let chain = find(&site, &visitor, &fingerprint).await.or_page(&visitor)?;
    let own = fingerprint == "https";
    let content = html! {
        @if own {
            @for warning in site.keeper.names().warnings(language) {
                div .notice .warn { p { (warning) } }
            }
        }
        form .find method="get" {
            div {
                label for="filter" { (SHOW.get(language)) }
                select #filter name="filter" {
                    @for choice in Filter::ALL {
                        option value=(choice.as_str()) selected[choice == filter] {
                            (choice.title().get(language))
                        }
                    }
                }
            }
            button type="submit" { (SHOW.get(language)) }
        }
        div .card {
            dl .facts {
                @for field in fields(&chain[0], filter, language) {
                    dt { (field.title) } dd .mono { (field.value) }
                }
            }
        }
        p .row {
            @for (form, title) in [("der", "DER"), ("pem", "PEM (base 64)"), ("p7b", "PKCS#7")] {
                a .button .quiet href={ "/certificates/" (fingerprint) "/file?form=" (form) } {
                    (EXPORT.get(language)) " " (title)
                }
            }
        }
        @if own && visitor.person.may(Permission::Operate) {
            section .card {
                h2 { (REPLACE.get(language)) }
                p { (REQUEST_HELP.get(language)) }
                (Press::new(&format!("{OWN}/request"), REQUEST.get(language)).show(&visitor))
                form method="post" action={ (OWN) "/import" } {
                    (csrf(&visitor))
                    (Field::new("chain", CHAIN, language).help(CHAIN_HELP).file(".pem,.cer,.crt,.txt"))
                    button type="submit" { (IMPORT.get(language)) }
                }
                (Press::new(&format!("{OWN}/recreate"), RECREATE.get(language))
                    .sure(SURE.get(language))
                    .danger()
                    .show(&visitor))
            }
        }
    };
    Ok(page_of(&site, &visitor, "/certificates", &chain[0].subject().to_string(), content))
}

/// In which form.
#[derive(Deserialize)]
pub struct InForm {
    #[serde(default)]
    form: String,
}

pub async fn file(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(fingerprint): Path<String>,
    Query(InForm { form }): Query<InForm>,
) -> Shown {
    let chain = find(&site, &visitor, &fingerprint).await.or_page(&visitor)?;
    Ok(as_file(
        &chain,
        match &*form {
            "der" => Form::Der,
            "p7b" => Form::Pkcs7,
            _ => Form::Pem,
        },
    ))
}

pub async fn request(State(site): State<Arc<Site>>, visitor: Visitor, _: Submitted) -> Shown {
    let made = change(&site, &visitor, "https-certificate-requested", Keeper::request).await;
    let request = made.or_page(&visitor)?;
    let language = visitor.language;
    let content = html! {
        section .card {
            p { (SEND.get(language)) }
            textarea readonly rows="14" aria-label=(REQUEST.get(language)) { (request) }
            p { a href=(OWN) { (BACK.get(language)) } }
        }
    };
    Ok(page(&site, &visitor, "/certificates", REQUEST, content))
}

pub async fn import(State(site): State<Arc<Site>>, visitor: Visitor, form: Submitted) -> Response {
    let chain = form.raw("chain").to_owned();
    let import = move |keeper: &Keeper| keeper.import(&chain, SystemTime::now());
    let done = change(&site, &visitor, "https-certificate-imported", import).await;
    after(&site, &visitor, done, IMPORTED)
}

pub async fn recreate(State(site): State<Arc<Site>>, visitor: Visitor, _: Submitted) -> Response {
    let recreate = |keeper: &Keeper| keeper.recreate(SystemTime::now());
    let done = change(&site, &visitor, "https-certificate-recreated", recreate).await;
    after(&site, &visitor, done, RECREATED)
}

fn after(site: &Arc<Site>, visitor: &Visitor, done: Result<(), Problem>, said: Text) -> Response {
    let notice = match done {
        Ok(()) => Notice::said(said.get(visitor.language)),
        Err(problem) => Notice::failed(problem.detail),
    };
    back(site, visitor, OWN, notice)
}

const TITLE: Text = Text::new("Certificates", "証明書");
const COLUMNS: [Text; 5] = [
    Text::new("For", "用途"),
    Text::new("Owner", "所有者"),
    Text::new("Subject", "サブジェクト"),
    Text::new("Issuer", "発行者"),
    Text::new("Valid to", "有効期間の終了"),
];
const SHOW: Text = Text::new("Show", "表示");
const EXPORT: Text = Text::new("Export", "エクスポート");
const REPLACE: Text = Text::new("Replace it", "証明書の置き換え");
const REQUEST: Text = Text::new("Make a certificate request", "証明書要求を作成");
const REQUEST_HELP: Text = Text::new(
    "The certificate in use stays until the authority's answer is imported.",
    "認証局の回答をインポートするまで、現在の証明書が使用されます。",
);
const SEND: Text = Text::new(
    "Send this to the certification authority, and import its answer.",
    "これを認証局に送り、その回答をインポートしてください。",
);
const BACK: Text = Text::new("Back to the certificate", "証明書に戻る");
const CHAIN: Text = Text::new("The authority's answer, in PEM", "認証局の回答 (PEM)");
const CHAIN_HELP: Text = Text::new(
    "The server's certificate first, then the one that issued it, and so on.",
    "サーバ証明書、その発行者の証明書、の順に並べてください。",
);
const IMPORT: Text = Text::new("Import", "インポート");
const IMPORTED: Text = Text::new(
    "Imported. Whoever connects from now on is shown it.",
    "インポートしました。以後の接続で使用されます。",
);
const RECREATE: Text =
    Text::new("Remove it and make a new one, signed by itself", "削除して自己署名証明書を再作成");
const RECREATED: Text = Text::new(
    "Made anew. Browsers warn until they trust it.",
    "再作成しました。信頼されるまでブラウザに警告が表示されます。",
);
const SURE: Text = Text::new(
    "Browsers will warn until they trust the new certificate. Go on?",
    "新しい証明書が信頼されるまで、ブラウザに警告が表示されます。続行しますか?",
);
