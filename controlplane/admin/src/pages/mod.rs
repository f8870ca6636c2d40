//! The pages: made on the server, in English and Japanese, usable without script.
//!
//! A form shows the token of its session; [`admit`] looks at it before any page sees what was
//! submitted. After a change the browser is sent back to a page, which tells once what came of it.

mod accounts;
mod assets;
mod audit;
mod bulk;
mod calls;
mod capf;
mod certificates;
mod checklist;
mod dashboard;
mod form;
mod gateways;
mod history;
mod layout;
mod login;
mod media;
mod metrics;
mod nodes;
mod notice;
mod parameters;
mod phones;
mod plan;
mod plot;
mod srst;
mod table;
mod trust;
mod voicemail;
mod words;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Form, FromRequest, FromRequestParts, Request};
use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use console::Failure;
use lang::{Language, Text};

use crate::accounts::Proof;
use crate::api::condition::Conditions;
use crate::api::problem::Problem;
use crate::site::{AskFault, MAX_BODY, Site, Visitor};
pub use notice::Notices;

/// All of them.
pub fn router(_: &Arc<Site>) -> Router<Arc<Site>> {
    let known = Router::new()
        .route("/", get(dashboard::show))
        .route("/services/restart", post(dashboard::restart))
        .route("/phones", get(phones::list).post(phones::add))
        .route("/phones/new", get(phones::new))
        .route("/phones/reset", post(phones::reset))
        .route("/phones/{name}", get(phones::show).post(phones::change))
        .route("/phones/{name}/remove", post(phones::remove))
        .route("/phones/{name}/capf", post(capf::order))
        .route("/capf", get(capf::report))
        .route("/capf/report.csv", get(capf::export))
        .route("/plan", get(plan::show))
        .route("/plan/lines/{number}", get(plan::line).post(plan::set_line))
        .route("/plan/remove/line", post(plan::remove_line))
        .route("/plan/routes", post(plan::add_route))
        .route("/plan/remove/route", post(plan::remove_route))
        .route("/plan/pools", post(plan::add_pool))
        .route("/plan/pools/{name}", get(plan::pool).post(plan::set_pool))
        .route("/plan/remove/pool", post(plan::remove_pool))
        .route("/plan/regions", post(plan::add_region))
        .route("/plan/regions/limit", post(plan::limit_region))
        .route("/plan/remove/region", post(plan::remove_region))
        .route("/gateways", get(gateways::list).post(gateways::add))
        .route("/gateways/{name}", get(gateways::show).post(gateways::change))
        .route("/gateways/{name}/ports", post(gateways::set_port))
        .route("/gateways/{name}/ports/remove", post(gateways::remove_port))
        .route("/gateways/{name}/reset", post(gateways::reset))
        .route("/gateways/{name}/remove", post(gateways::remove))
        .route("/voicemail", get(voicemail::list).post(voicemail::add))
        .route("/voicemail/{name}", get(voicemail::show).post(voicemail::change))
        .route("/voicemail/{name}/ports", post(voicemail::add_ports))
        .route("/voicemail/{name}/root", post(voicemail::copy_root))
        .route("/voicemail/{name}/root/remove", post(voicemail::remove_root))
        .route("/voicemail/{name}/reset", post(voicemail::reset))
        .route("/voicemail/{name}/remove", post(voicemail::remove))
        .route("/voicemail-ports/{name}", get(voicemail::port).post(voicemail::change_port))
        .route("/voicemail-ports/{name}/remove", post(voicemail::remove_port))
        .route("/srst", get(srst::list).post(srst::add))
        .route("/srst/{name}", get(srst::show).post(srst::change))
        .route("/srst/{name}/fetch", post(srst::fetch))
        .route("/srst/{name}/accept", post(srst::accept))
        .route("/srst/{name}/withdraw", post(srst::withdraw))
        .route("/srst/{name}/reset", post(srst::reset))
        .route("/srst/{name}/remove", post(srst::remove))
        .route("/calls", get(calls::list))
        .route("/calls/{id}", get(calls::show))
        .route("/certificates", get(certificates::list))
        .route("/certificates/https/request", post(certificates::request))
        .route("/certificates/https/import", post(certificates::import))
        .route("/certificates/https/recreate", post(certificates::recreate))
        .route("/certificates/{fingerprint}", get(certificates::show))
        .route("/certificates/{fingerprint}/file", get(certificates::file))
        .route("/trust-list", get(trust::show).post(trust::sign::sign))
        .route("/trust-list/tokens", post(trust::sign::make))
        .route("/nodes", get(nodes::list).post(nodes::add))
        .route("/nodes/{name}/services", post(nodes::activate))
        .route("/parameters", get(parameters::list).post(parameters::set))
        .route("/bulk", get(bulk::show).post(bulk::begin))
        .route("/bulk/phones.csv", get(bulk::export))
        .route("/bulk/{id}", get(bulk::progress))
        .route("/accounts", get(accounts::list).post(accounts::put))
        .route("/accounts/remove", post(accounts::remove_account))
        .route("/accounts/tokens", post(accounts::create_token))
        .route("/accounts/tokens/remove", post(accounts::remove_token))
        .route("/audit", get(audit::show))
        .route("/changes", get(history::show))
        .route("/media", get(media::show))
        .route("/metrics", get(metrics::show))
        .route("/logout", post(login::logout))
        .layer(middleware::from_fn(admit));
    Router::new()
        .merge(known)
        .merge(login::routes())
        .merge(assets::routes())
        .fallback(layout::missing)
}

/// What was submitted with a form of ours.
#[derive(Clone, Debug, Default)]
pub struct Submitted(HashMap<String, String>);

impl Submitted {
    /// A field; empty if it is absent.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map(|text| text.trim()).unwrap_or_default()
    }

    /// A field, as it was typed.
    pub fn raw(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    /// A field that is there and not empty.
    pub fn filled(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// A field that may be cleared: absent only if the form has none.
    pub fn given(&self, name: &str) -> Option<String> {
        self.0.contains_key(name).then(|| self.text(name).to_owned())
    }

    /// What its page showed when it was filled in.
    pub fn seen(&self) -> Conditions {
        Conditions::of(self.text("seen"))
    }

    /// Whether a box is ticked.
    pub fn ticked(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// What was chosen by boxes.
    pub fn chosen(&self) -> impl Iterator<Item = &str> {
        self.0.keys().filter_map(|name| name.strip_prefix("chosen-"))
    }

    /// A word of a list.
    pub fn word<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name).parse().ok()
    }
}

impl<S: Sync> FromRequestParts<S> for Submitted {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.remove::<Self>().ok_or(StatusCode::FORBIDDEN)
    }
}

/// Lets nobody through who is unknown, and no form that is not ours.
async fn admit(request: Request, next: Next) -> Response {
    let Some(visitor) = request.extensions().get::<Visitor>().cloned() else {
        return Redirect::to("/login").into_response();
    };
    let Proof::Session { csrf } = &visitor.person.proof else {
        // Programs have the other interface.
        return StatusCode::FORBIDDEN.into_response();
    };
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    if !is_of_this_site(request.headers()) {
        return layout::refused(&visitor, StatusCode::FORBIDDEN, FOREIGN);
    }
    let (mut parts, body) = request.into_parts();
    let Some(submitted) = submitted(&parts.headers, body).await else {
        return layout::refused(&visitor, StatusCode::PAYLOAD_TOO_LARGE, UNREADABLE);
    };
    if !csrf.is(submitted.raw("csrf")) {
        return layout::refused(&visitor, StatusCode::FORBIDDEN, FOREIGN);
    }
    parts.extensions.insert(submitted);
    next.run(Request::from_parts(parts, Body::empty())).await
}

/// Reads a form.
async fn submitted(headers: &HeaderMap, body: Body) -> Option<Submitted> {
    let bytes = to_bytes(body, MAX_BODY).await.ok()?;
    let mut form = Request::new(Body::from(bytes));
    *form.method_mut() = Method::POST;
    *form.headers_mut() = headers.clone();
    let Form(fields) = Form::<Vec<(String, String)>>::from_request(form, &()).await.ok()?;
    Some(Submitted(fields.into_iter().collect()))
}

/// Whether a browser says that the form is of another site. One that says nothing still has to
/// show the token.
fn is_of_this_site(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let site = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let host = text(HOST.as_str()).unwrap_or_default();
    let origin = text(ORIGIN.as_str());
    site && origin.is_none_or(|origin| origin.strip_prefix("https://") == Some(host))
}

/// A value within the query of an address.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

/// A page, or the page that says why there is none.
type Shown = Result<Response, PageFault>;

/// Why there is no page.
struct PageFault(Box<(Visitor, Problem)>);

impl IntoResponse for PageFault {
    fn into_response(self) -> Response {
        let (visitor, problem) = &*self.0;
        layout::problem(visitor, problem)
    }
}

/// Lets faults of the desk become pages.
trait OrPage<T> {
    fn or_page(self, visitor: &Visitor) -> Result<T, PageFault>;
}

impl<T, E: Into<Problem>> OrPage<T> for Result<T, E> {
    fn or_page(self, visitor: &Visitor) -> Result<T, PageFault> {
        self.map_err(|fault| PageFault(Box::new((visitor.clone(), fault.into()))))
    }
}

/// What to tell of a fault.
fn told(fault: AskFault, language: Language) -> String {
    match fault {
        AskFault::Failed(Failure { text, .. }) => text,
        AskFault::Forbidden(_) => layout::FORBIDDEN.get(language).to_owned(),
    }
}

const FOREIGN: Text = Text::new(
    "The form was not one of this session. Go back, load the page again and repeat it.",
    "このセッションのフォームではありません。前のページに戻り、再読み込みしてからもう一度操作してください。",
);
const UNREADABLE: Text =
    Text::new("The form is too long or cannot be read.", "フォームが長すぎるか、読み取れません。");
