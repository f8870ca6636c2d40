//! The REST interface: `/api/v1`, described at `/api/v1/openapi.json`.
//!
//! Programs show a token (`Authorization: Bearer rf_…`); scripts of our own pages show their
//! session's cookie, and for changes its token against forgery too.

// The macros that describe resources write whole paths.
#![allow(unused_qualifications)]

mod accounts;
mod calls;
mod capf;
mod captures;
pub(crate) mod certificates;
mod cluster;
pub(crate) mod condition;
mod extract;
mod gateways;
pub mod idempotency;
pub(crate) mod import;
pub(crate) mod one;
pub mod operations;
mod paging;
mod phones;
mod plan;
pub mod problem;
mod srst;
mod trust;
mod voicemail;
mod watch;

use std::sync::Arc;

use axum::extract::Request;
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use lang::{Language, Say, Text};
use utoipa::OpenApi;
use utoipa::openapi::{self, ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;

use crate::accounts::Proof;
use crate::certificate::view::Filter;
use crate::site::{Asked, Site, Visitor};
pub use capf::conceal;
use certificates::FormWord;
use problem::{Code, Problem};

/// Where it is.
pub const ROOT: &str = "/api/v1";
/// What a session's page shows when it changes something.
pub const CSRF_HEADER: &str = "x-csrf-token";

/// An answer in JSON.
type Reply<T> = Result<Json<T>, Problem>;

/// Puts the desk's answer into JSON.
fn reply<R: console::Request>(asked: Asked<R>) -> Reply<R::Answer> {
    Ok(Json(asked?))
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "ringfence",
        description = "Administration of a ringfence cluster. Lists are paged by cursors; `ETag` \
            and `If-Match` guard against lost updates; `Idempotency-Key` makes requests \
            repeatable; what takes long is an operation whose progress is served as events. \
            Problems are RFC 9457's, with a stable `code`."
    ),
    components(schemas(Problem, Filter, FormWord)),
    security(("token" = []))
)]
struct Description;

fn parts() -> (Router<Arc<Site>>, openapi::OpenApi) {
    let resources = OpenApiRouter::new()
        .merge(cluster::routes())
        .merge(phones::routes())
        .merge(plan::routes())
        .merge(trust::routes())
        .merge(srst::routes())
        .merge(voicemail::routes())
        .merge(watch::routes())
        .merge(calls::routes())
        .merge(gateways::routes())
        .merge(capf::routes())
        .merge(captures::routes())
        .merge(certificates::routes())
        .merge(accounts::routes())
        .merge(operations::routes())
        .merge(import::routes());
    let (router, mut described) =
        OpenApiRouter::with_openapi(Description::openapi()).nest(ROOT, resources).split_for_parts();
    complete(&mut described);
    (router, described)
}

/// Says of every operation how it tells problems, and how callers are known.
fn complete(described: &mut openapi::OpenApi) {
    use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

    described.info.version = env!("CARGO_PKG_VERSION").to_owned();
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let problem = ResponseBuilder::new()
        .description("Why there is no answer")
        .content("application/problem+json", content)
        .build();
    for item in described.paths.paths.values_mut() {
        let operations =
            [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            let responses = &mut operation.responses.responses;
            responses.insert("default".to_owned(), RefOr::T(problem.clone()));
        }
    }
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let components = described.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
}

/// The description of the interface.
pub fn description() -> openapi::OpenApi {
    parts().1
}

/// All of it.
pub fn router(site: &Arc<Site>) -> Router<Arc<Site>> {
    let (router, described) = parts();
    let described = Arc::new(described);
    let open = Router::new().route(
        &format!("{ROOT}/openapi.json"),
        get(move || async move { Json(described.as_ref().clone()).into_response() }),
    );
    router
        .method_not_allowed_fallback(|| async { Problem::new(Code::MethodNotAllowed, "") })
        .layer(middleware::from_fn_with_state(Arc::clone(site), idempotency::once))
        .layer(middleware::from_fn(admit))
        .merge(open)
        .route(&format!("{ROOT}/{{*rest}}"), axum::routing::any(missing))
}

async fn missing() -> Problem {
    Problem::new(Code::NotFound, "")
}

/// Lets nobody through who is unknown, and no change that a foreign page could have made a browser
/// ask for.
async fn admit(request: Request, next: Next) -> Response {
    let language = request.extensions().get::<Language>().copied().unwrap_or_default();
    let Some(visitor) = request.extensions().get::<Visitor>() else {
        return Problem::new(Code::Unauthenticated, LOG_IN.say(language)).into_response();
    };
    let looks = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if let (Proof::Session { csrf }, false) = (&visitor.person.proof, looks) {
        let shown = request.headers().get(CSRF_HEADER).and_then(|value| value.to_str().ok());
        if !shown.is_some_and(|shown| csrf.is(shown)) {
            return Problem::new(Code::CsrfTokenMissing, FORGED.say(language)).into_response();
        }
    }
    next.run(request).await
}

const LOG_IN: Text = Text::new(
    "Show an API token: `Authorization: Bearer rf_…`. the page Accounts makes one.",
    "API トークンを提示してください: `Authorization: Bearer rf_…`。「アカウント」のページで作成できます。",
);
const FORGED: Text = Text::new(
    "The request does not show the token of its session: load the page again.",
    "セッションのトークンが提示されていません。ページを再読み込みしてください。",
);
