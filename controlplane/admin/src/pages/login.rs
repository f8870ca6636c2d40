//! Logging in and out, and the language that somebody chose.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use lang::{Language, Text};
use maud::html;
use serde::Deserialize;
use store::Password;
use tokio::task;

use super::{FOREIGN, Submitted, is_of_this_site, layout, submitted};
use crate::accounts::LoginFault;
use crate::server::Peer;
use crate::site::{LANGUAGE_COOKIE, SESSION_COOKIE, Site, Visitor, cookie};

pub fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/login", get(show).post(login))
        .route("/language/{tag}", get(choose_language))
}

async fn show(request: Request) -> Response {
    let language = request.extensions().get::<Language>().copied().unwrap_or_default();
    form(language, StatusCode::OK, None, "")
}

/// A form without session has no token. What keeps a foreign page from logging somebody in as
/// somebody else is what the browser says of the form's origin.
async fn login(State(site): State<Arc<Site>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let language = parts.extensions.get::<Language>().copied().unwrap_or_default();
    if !is_of_this_site(&parts.headers) {
        return form(language, StatusCode::FORBIDDEN, Some(FOREIGN.get(language).into()), "");
    }
    let form_of = submitted(&parts.headers, body).await.unwrap_or_default();
    let peer = parts.extensions.get::<Peer>();
    let address = peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip());
    let name = form_of.text("name").to_owned();
    let password = Password::new(form_of.raw("password"));
    let attempt = {
        let (site, name) = (Arc::clone(&site), name.clone());
        task::spawn_blocking(move || site.accounts.login(&name, password, address))
    };
    let fault = match attempt.await.expect("a login does not panic") {
        Ok(secret) => {
            // The session that this browser had ends: no cookie outlives a login.
            if let Some(old) = cookie(&parts.headers, SESSION_COOKIE) {
                site.accounts.logout(old);
            }
            let set = format!(
                "{SESSION_COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Strict",
                secret.expose()
            );
            return ([(SET_COOKIE, set)], Redirect::to("/")).into_response();
        }
        Err(fault) => fault,
    };
    let (status, text) = match fault {
        LoginFault::Wrong => (StatusCode::UNAUTHORIZED, WRONG.get(language).to_owned()),
        LoginFault::Wait(wait) => {
            let seconds = wait.as_secs() + 1;
            (StatusCode::TOO_MANY_REQUESTS, WAIT.fill(language, &[("seconds", &seconds)]))
        }
        LoginFault::Busy => (StatusCode::SERVICE_UNAVAILABLE, BUSY.get(language).to_owned()),
        LoginFault::Store => (StatusCode::SERVICE_UNAVAILABLE, NO_STORE.get(language).to_owned()),
    };
    form(language, status, Some(text), &name)
}

fn form(language: Language, status: StatusCode, fault: Option<String>, name: &str) -> Response {
    let content = html! {
        main #main .login {
            h1 { "ringfence" }
            @if let Some(fault) = &fault { div .notice .bad role="alert" { p { (fault) } } }
            form method="post" action="/login" {
                label for="name" { (NAME.get(language)) }
                input #name name="name" value=(name) autocomplete="username" required
                    autofocus[name.is_empty()];
                label for="password" { (PASSWORD.get(language)) }
                input #password name="password" type="password" required
                    autocomplete="current-password" autofocus[!name.is_empty()];
                button type="submit" { (LOG_IN.get(language)) }
            }
            (layout::language_switch(language, "/login"))
        }
    };
    (status, layout::document(language, LOG_IN.get(language), content)).into_response()
}

/// Ends the session.
pub async fn logout(
    State(site): State<Arc<Site>>,
    _: Visitor,
    headers: HeaderMap,
    _: Submitted,
) -> Response {
    if let Some(secret) = cookie(&headers, SESSION_COOKIE) {
        site.accounts.logout(secret);
    }
    let set = format!("{SESSION_COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    ([(SET_COOKIE, set)], Redirect::to("/login")).into_response()
}

#[derive(Deserialize)]
struct Whence {
    #[serde(default)]
    to: String,
}

async fn choose_language(Path(tag): Path<String>, Query(Whence { to }): Query<Whence>) -> Response {
    let language = Language::from_tag(&tag).unwrap_or_default();
    // Nowhere but on this site.
    let inside = to.starts_with('/') && !to.starts_with("//") && !to.contains(['\\', '\r', '\n']);
    let place = if inside { &to } else { "/" };
    let set = format!(
        "{LANGUAGE_COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000",
        language.tag()
    );
    ([(SET_COOKIE, set)], Redirect::to(place)).into_response()
}

const NAME: Text = Text::new("Name", "ユーザ名");
const PASSWORD: Text = Text::new("Password", "パスワード");
const LOG_IN: Text = Text::new("Log in", "ログイン");
const WRONG: Text =
    Text::new("Name or password is wrong.", "ユーザ名またはパスワードが正しくありません。");
const WAIT: Text = Text::new(
    "Too many wrong passwords came from your address. Try again in {seconds} seconds.",
    "お使いのアドレスからのパスワード誤りが続いたため、{seconds} 秒後にもう一度お試しください。",
);
const BUSY: Text = Text::new(
    "Too many log in at the same time. Try again in a moment.",
    "ログインが集中しています。しばらくしてからもう一度お試しください。",
);
const NO_STORE: Text = Text::new(
    "The database does not answer: `ringfence status` says why.",
    "データベースが応答しません。`ringfence status` で原因を確認してください。",
);
