//! Who may log in, and with which tokens.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use console::{
    CreateToken, ListAdministrators, ListTokens, PutAdministrator, RemoveAdministrator,
    RemoveToken, Secret,
};
use lang::{Language, Text};
use maud::{Markup, html};
use store::AdministratorRole;

use super::form::Press;
use super::layout::{csrf, page};
use super::notice::{Notice, back, make};
use super::table::list as table_of;
use super::words::{NAME, SAVE, SURE_REMOVE};
use super::{OrPage, Shown, Submitted, told};
use crate::site::{Site, Visitor};

const PLACE: &str = "/accounts";

pub async fn list(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    let language = visitor.language;
    let people = site.ask(&visitor, ListAdministrators {}).await.or_page(&visitor)?;
    let tokens = site.ask(&visitor, ListTokens {}).await.or_page(&visitor)?;
    let content = html! {
        (table_of(Some(PEOPLE), &[], &people, |person| html! {
            tr {
                td { (person.name) }
                td { (role_words(person.role, language)) }
                td { (remove("/accounts/remove", &person.name, &visitor)) }
            }
        }, language))
        form .card method="post" action="/accounts" {
            (csrf(&visitor))
            h2 { (PUT.get(language)) }
            div .fields {
                div {
                    label for="name" { (NAME.get(language)) }
                    input #name name="name" required autocomplete="off";
                }
                (roles("role", language))
                div {
                    label for="password" { (PASSWORD.get(language)) }
                    input #password name="password" type="password" required minlength="8"
                        autocomplete="new-password";
                }
            }
            button type="submit" { (SAVE.get(language)) }
        }
        (table_of(Some(TOKENS), &[], &tokens, |token| html! {
            tr {
                td { (token.name) }
                td { (token.owner) " · " (token.role) }
                td .soft { (token.expires.as_deref().unwrap_or("–")) }
                td { (remove("/accounts/tokens/remove", &token.name, &visitor)) }
            }
        }, language))
        form .card method="post" action="/accounts/tokens" {
            (csrf(&visitor))
            h2 { (CREATE.get(language)) }
            div .fields {
                div {
                    label for="token" { (NAME.get(language)) }
                    input #token name="name" required autocomplete="off";
                }
                (roles("token-role", language))
                div {
                    label for="days" { (DAYS.get(language)) }
                    input #days name="days" inputmode="numeric" value="90";
                }
            }
            button type="submit" { (CREATE.get(language)) }
        }
    };
    Ok(page(&site, &visitor, PLACE, TITLE, content))
}

fn roles(id: &str, language: Language) -> Markup {
    html! {
        div {
            label for=(id) { (ROLE.get(language)) }
            select id=(id) name="role" {
                @for role in AdministratorRole::ALL {
                    option value=(role) { (role_words(*role, language)) }
                }
            }
        }
    }
}

fn role_words(role: AdministratorRole, language: Language) -> String {
    let text = match role {
        AdministratorRole::Administrator => Text::new("everything", "すべて"),
        AdministratorRole::Operator => Text::new("everything but accounts", "アカウント以外すべて"),
        AdministratorRole::Capture => {
            Text::new("look, and capture calls", "閲覧と通話のキャプチャ")
        }
        AdministratorRole::Auditor => Text::new("look, at the audit log too", "閲覧と監査ログ"),
        AdministratorRole::Monitor => Text::new("look", "閲覧"),
    };
    format!("{role} – {}", text.get(language))
}

fn remove(place: &str, name: &str, visitor: &Visitor) -> Markup {
    let language = visitor.language;
    Press::new(place, REMOVE.fill(language, &[("name", &name)]))
        .with("name", name)
        .sure(SURE_REMOVE.fill(language, &[("name", &name)]))
        .danger()
        .show(visitor)
}

pub async fn put(State(site): State<Arc<Site>>, visitor: Visitor, form: Submitted) -> Response {
    let role = form.word("role").unwrap_or(AdministratorRole::Monitor);
    let password = Secret::new(form.raw("password"));
    let request = PutAdministrator { name: form.text("name").to_owned(), role, password };
    make(&site, &visitor, PLACE, request).await
}

pub async fn remove_account(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    form: Submitted,
) -> Response {
    make(&site, &visitor, PLACE, RemoveAdministrator { name: form.text("name").to_owned() }).await
}

pub async fn create_token(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    form: Submitted,
) -> Response {
    let request = CreateToken {
        name: form.text("name").to_owned(),
        owner: visitor.person.name.clone(),
        role: form.word("role").unwrap_or(AdministratorRole::Monitor),
        days: form.word("days"),
    };
    let notice = match site.ask(&visitor, request).await {
        Ok(created) => {
            let secret = Some(created.secret.expose().to_owned());
            Notice { secret, ..Notice::of_done(&created.done, visitor.language) }
        }
        Err(fault) => Notice::failed(told(fault, visitor.language)),
    };
    back(&site, &visitor, PLACE, notice)
}

pub async fn remove_token(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    form: Submitted,
) -> Response {
    make(&site, &visitor, PLACE, RemoveToken { name: form.text("name").to_owned() }).await
}

const TITLE: Text = Text::new("Accounts", "アカウント");
const PEOPLE: Text = Text::new("Administrators", "管理者");
const PUT: Text =
    Text::new("Add somebody, or change role and password", "追加、または役割とパスワードの変更");
const ROLE: Text = Text::new("May", "権限");
const PASSWORD: Text = Text::new("Password (8 characters or more)", "パスワード (8 文字以上)");
const TOKENS: Text = Text::new("API tokens", "API トークン");
const CREATE: Text = Text::new("Make a token", "トークンを作成");
const DAYS: Text =
    Text::new("Good for so many days; empty: until it is removed", "有効日数 (空: 削除するまで)");
const REMOVE: Text = Text::new("Remove {name}", "{name} を削除");
