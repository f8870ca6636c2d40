//! What both interfaces share: who asks, and who answers.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Request as HttpRequest, State};
use axum::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use console::{Answer, Call, Failure, FailureKind, Request};
use lang::Language;
use store::{Author, Revision, Store};
use tokio::task;
use tokio::time::timeout;

use crate::accounts::permission::Permission;
use crate::accounts::{Accounts, Person};
use crate::api::idempotency::Replies;
use crate::api::operations::Operations;
use crate::certificate::Keeper;
use crate::pages::Notices;
use crate::server::{Peer, REQUEST_TIME};
use crate::surface::{self, Surface};
use crate::{api, pages};

/// The cookie of a session. Its prefix makes browsers insist on HTTPS, on this host alone and on
/// every path.
pub const SESSION_COOKIE: &str = "__Host-ringfence";
/// The cookie of the language that somebody chose.
pub const LANGUAGE_COOKIE: &str = "ringfence-language";

/// Longest body: ten thousand phones have less than two megabytes.
pub const MAX_BODY: usize = 8 << 20;

/// Longest head of a request.
const MAX_HEAD: usize = 32 * 1024;

/// Answers what administrators ask. It may take its time.
pub trait Desk: Send + Sync + 'static {
    /// Answers.
    fn answer(&self, asker: &Asker, call: Call) -> Answer;

    /// Whether a part of administration is served.
    fn serves(&self, surface: Surface) -> bool;
}

/// Who asks the desk.
#[derive(Clone, Debug)]
pub struct Asker {
    /// Who, and from where.
    pub author: Author,
    /// The language of the answer.
    pub language: Language,
    /// A change is made only if this revision is still the newest.
    pub unchanged_since: Option<Revision>,
}

/// Everything that requests are answered with.
pub struct Site {
    desk: Arc<dyn Desk>,
    store: Arc<Store>,
    /// Who may log in.
    pub accounts: Accounts,
    /// The certificate that browsers are shown.
    pub keeper: Arc<Keeper>,
    /// What takes longer than a request.
    pub operations: Operations,
    /// What was answered to requests that may come twice.
    pub replies: Replies,
    /// What came of changes and was not told yet.
    pub notices: Notices,
}

/// Why the desk has no answer.
#[derive(Clone, Debug)]
pub enum AskFault {
    /// The role may not.
    Forbidden(Permission),
    /// The desk says no.
    Failed(Failure),
}

impl Site {
    /// Of a desk, the accounts in a database, and a certificate.
    pub fn new(desk: Arc<dyn Desk>, store: Arc<Store>, keeper: Arc<Keeper>) -> Self {
        Self {
            desk,
            accounts: Accounts::new(Arc::clone(&store)),
            store,
            keeper,
            operations: Operations::default(),
            replies: Replies::default(),
            notices: Notices::default(),
        }
    }

    /// Whether a part of administration is served.
    pub fn serves(&self, surface: Surface) -> bool {
        self.desk.serves(surface)
    }

    /// Asks the desk in somebody's name.
    pub async fn ask<R>(self: &Arc<Self>, visitor: &Visitor, request: R) -> Asked<R>
    where
        R: Request + Send + 'static,
        R::Answer: Send + 'static,
    {
        self.ask_if(visitor, request, None).await
    }

    /// Asks the desk in somebody's name, if nothing was changed since.
    pub async fn ask_if<R>(
        self: &Arc<Self>,
        visitor: &Visitor,
        request: R,
        unchanged_since: Option<Revision>,
    ) -> Asked<R>
    where
        R: Request + Send + 'static,
        R::Answer: Send + 'static,
    {
        let (site, visitor) = (Arc::clone(self), visitor.clone());
        let asked = task::spawn_blocking(move || site.ask_now(&visitor, &request, unchanged_since));
        asked.await.expect("the desk does not panic")
    }

    /// Asks the desk in somebody's name, and waits.
    pub fn ask_now<R: Request>(
        &self,
        visitor: &Visitor,
        request: &R,
        unchanged_since: Option<Revision>,
    ) -> Asked<R> {
        visitor.may(Permission::of_request(R::NAME))?;
        let asker =
            Asker { author: visitor.person.author(), language: visitor.language, unchanged_since };
        let call = Call {
            language: visitor.language.tag().to_owned(),
            request: R::NAME.to_owned(),
            with: serde_json::to_value(request).expect("requests have string keys"),
        };
        match self.desk.answer(&asker, call) {
            Answer::Ok(json) => Ok(serde_json::from_value(json).map_err(|error| Failure {
                kind: FailureKind::Failed,
                text: format!("{}: {error}", R::NAME),
            })?),
            Answer::Failed(failure) => Err(failure.into()),
        }
    }

    /// Writes something that changed nothing in the database to the audit log.
    pub fn audit(&self, visitor: &Visitor, action: &str, detail: &str) -> Result<(), AskFault> {
        let author = visitor.person.author();
        self.store.audit(&author, SystemTime::now(), action, detail).map_err(|error| {
            let text = lang::Say::say(&error, visitor.language);
            Failure { kind: FailureKind::Failed, text }.into()
        })
    }
}

/// What the desk answered.
pub type Asked<R> = Result<<R as Request>::Answer, AskFault>;

impl From<Failure> for AskFault {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Who asks, and in which language the answer is.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Who.
    pub person: Person,
    /// In which language.
    pub language: Language,
}

impl Visitor {
    /// Refuses what the role may not.
    pub fn may(&self, permission: Permission) -> Result<(), AskFault> {
        match self.person.may(permission) {
            true => Ok(()),
            false => Err(AskFault::Forbidden(permission)),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = StatusCode;

    /// Each interface lets nobody through who is unknown; this is the second lock.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::UNAUTHORIZED)
    }
}

/// Both interfaces.
pub fn router(site: Arc<Site>) -> Router {
    Router::new()
        .merge(api::router(&site))
        .merge(pages::router(&site))
        .layer(middleware::from_fn_with_state(Arc::clone(&site), surface::guard))
        .layer(middleware::from_fn_with_state(Arc::clone(&site), identify))
        .layer(middleware::from_fn(protect))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(site)
}

/// Finds out who asks.
async fn identify(State(site): State<Arc<Site>>, mut request: HttpRequest, next: Next) -> Response {
    let address = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    let address = address.unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED));
    let language = language(request.headers());
    request.extensions_mut().insert(language);
    let person = match credentials(request.headers()) {
        None => None,
        Some(credentials) => {
            let site = Arc::clone(&site);
            let look = move || match credentials {
                Credentials::Session(secret) => site.accounts.of_session(&secret, address),
                Credentials::Token(secret) => {
                    site.accounts.of_token(&secret, address, SystemTime::now())
                }
            };
            task::spawn_blocking(look).await.expect("looking somebody up does not panic")
        }
    };
    if let Some(person) = person {
        request.extensions_mut().insert(Visitor { person, language });
    }
    match timeout(REQUEST_TIME, next.run(request)).await {
        Ok(response) => response,
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

enum Credentials {
    Session(String),
    Token(String),
}

/// What a request shows. A program that shows a token is no browser: a cookie beside it is not
/// looked at.
fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    if let Some(shown) = headers.get(AUTHORIZATION) {
        let token = shown.to_str().ok()?.strip_prefix("Bearer ")?;
        return Some(Credentials::Token(token.trim().to_owned()));
    }
    cookie(headers, SESSION_COOKIE).map(|secret| Credentials::Session(secret.to_owned()))
}

/// A cookie that a request shows.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|it| it.split_once('='));
    pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
}

/// The language that somebody chose, or whose browser prefers it.
fn language(headers: &HeaderMap) -> Language {
    let chosen = cookie(headers, LANGUAGE_COOKIE).and_then(Language::from_tag);
    let preferred = || {
        let accepted = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
        accepted.split(',').find_map(|tag| Language::from_tag(tag.split(';').next()?.trim()))
    };
    chosen.or_else(preferred).unwrap_or_default()
}

/// What browsers are told to refuse.
const PROTECTION: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    ("strict-transport-security", "max-age=31536000"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    // Not `no-referrer`: with that, browsers keep from us where a form comes from.
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

async fn protect(request: HttpRequest, next: Next) -> Response {
    let head = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
    let mut response = match head.sum::<usize>() + request.uri().path().len() > MAX_HEAD {
        true => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response(),
        false => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in PROTECTION {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers
        .entry(axum::http::header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
