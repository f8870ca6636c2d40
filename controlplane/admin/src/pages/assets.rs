//! What pages are dressed in. Nothing comes from elsewhere.

use std::sync::Arc;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::site::Site;

// The version in the path lets browsers keep them until the next one.
/// The style sheet.
pub const STYLE: &str = concat!("/assets/", env!("CARGO_PKG_VERSION"), "/style.css");
/// The script.
pub const SCRIPT: &str = concat!("/assets/", env!("CARGO_PKG_VERSION"), "/script.js");
/// The mark in the browser's tab.
pub const ICON: &str = concat!("/assets/", env!("CARGO_PKG_VERSION"), "/icon.svg");

pub fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route(STYLE, get(|| asset("text/css; charset=utf-8", include_str!("assets/style.css"))))
        .route(
            SCRIPT,
            get(|| asset("text/javascript; charset=utf-8", include_str!("assets/script.js"))),
        )
        .route(ICON, get(|| asset("image/svg+xml", include_str!("assets/icon.svg"))))
}

async fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "private, max-age=3600")], text).into_response()
}
