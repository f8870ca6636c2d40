//! The pages.

use std::sync::Arc;

use axum::Router;

use crate::site::Site;

/// All of them.
pub fn router(_: &Arc<Site>) -> Router<Arc<Site>> {
    Router::new()
}
