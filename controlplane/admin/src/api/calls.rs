//! Calls that go on, and records of those that have ended.

use std::sync::Arc;

use axum::extract::State;
use console::{CallRecordView, CallView, LadderView, ListCallRecords, ListCalls, ShowCall};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Path, Query};
use super::{Reply, reply};
use crate::site::{Site, Visitor};

pub fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(records))
}

/// The calls of this node
#[utoipa::path(get, path = "/calls", tag = "calls", responses((status = 200, body = Vec<CallView>)))]
async fn list(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<Vec<CallView>> {
    reply::<ListCalls>(site.ask(&visitor, ListCalls {}).await)
}

/// What was said in a call, one that goes on or one of the latest
#[utoipa::path(get, path = "/calls/{id}", tag = "calls", params(("id" = u32, Path)), responses((status = 200, body = LadderView)))]
async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(id): Path<u32>,
) -> Reply<LadderView> {
    reply::<ShowCall>(site.ask(&visitor, ShowCall { id }).await)
}

/// Which records.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// How many at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// Only those before the record of this number.
    #[param(maximum = 9007199254740991_u64)]
    before: Option<u64>,
    /// Only those from or to this number.
    number: Option<String>,
}

/// Most records at once.
const MOST: u32 = 1000;

/// Records of calls that have ended, newest first
#[utoipa::path(get, path = "/call-records", tag = "calls", params(Which), responses((status = 200, body = Vec<CallRecordView>)))]
async fn records(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(Which { limit, before, number }): Query<Which>,
) -> Reply<Vec<CallRecordView>> {
    reply::<ListCallRecords>(
        site.ask(
            &visitor,
            ListCallRecords { limit: limit.unwrap_or(100).clamp(1, MOST), before, number },
        )
        .await,
    )
}
