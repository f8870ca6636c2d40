//! Lines, pools, regions and routes.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use console::{
    AddLine, AddPool, AddRegion, AddRoute, Done, LimitRegion, LineChanges, LineView, ListLines,
    ListPools, ListRegions, ListRoutes, PoolChanges, PoolView, RemoveLine, RemovePool,
    RemoveRegion, RemoveRoute, SetLine, SetPool, ShowLine,
};
use serde::Deserialize;
use store::{Destination, Number, Region, Route};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::condition::{Conditions, tagged};
use super::extract::{Body, Path};
use super::one::one_of;
use super::problem::Problem;
use super::{Reply, reply};
use crate::site::{Site, Visitor};

pub fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new()
        .routes(routes!(list_lines))
        .routes(routes!(show_line, add_line, set_line, remove_line))
        .routes(routes!(list_pools))
        .routes(routes!(show_pool, add_pool, set_pool, remove_pool))
        .routes(routes!(list_regions))
        .routes(routes!(add_region, remove_region))
        .routes(routes!(limit_region, unlimit_region))
        .routes(routes!(list_routes))
        .routes(routes!(add_route, remove_route))
}

/// All lines, by number
#[utoipa::path(get, path = "/lines", tag = "plan", responses((status = 200, body = Vec<LineView>)))]
async fn list_lines(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<Vec<LineView>> {
    reply::<ListLines>(site.ask(&visitor, ListLines {}).await)
}

/// A line with the phones that have it
#[utoipa::path(get, path = "/lines/{number}", tag = "plan", params(("number" = Number, Path)), responses((status = 200, body = LineView, headers(("etag" = String)))))]
async fn show_line(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(number): Path<Number>,
) -> Result<Response, Problem> {
    Ok(tagged(site.ask(&visitor, ShowLine { number }).await?))
}

/// Add a line that no phone has yet
#[utoipa::path(put, path = "/lines/{number}", tag = "plan", params(("number" = Number, Path)), request_body = LineChanges, responses((status = 200, body = Done)))]
async fn add_line(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(number): Path<Number>,
    Body(changes): Body<LineChanges>,
) -> Reply<Done> {
    reply::<AddLine>(site.ask(&visitor, AddLine { number, changes }).await)
}

/// Change a line
#[utoipa::path(patch, path = "/lines/{number}", tag = "plan", params(("number" = Number, Path), ("if-match" = Option<String>, Header)), request_body = LineChanges, responses((status = 200, body = Done)))]
async fn set_line(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    conditions: Conditions,
    Path(number): Path<Number>,
    Body(changes): Body<LineChanges>,
) -> Reply<Done> {
    let look = ShowLine { number: number.clone() };
    let change = SetLine { number, changes };
    Ok(axum::Json(conditions.change(&site, &visitor, look, change).await?))
}

/// Remove a line that no phone has
#[utoipa::path(delete, path = "/lines/{number}", tag = "plan", params(("number" = Number, Path)), responses((status = 200, body = Done)))]
async fn remove_line(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(number): Path<Number>,
) -> Reply<Done> {
    reply::<RemoveLine>(site.ask(&visitor, RemoveLine { number }).await)
}

/// All pools
#[utoipa::path(get, path = "/pools", tag = "plan", responses((status = 200, body = Vec<PoolView>)))]
async fn list_pools(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<Vec<PoolView>> {
    reply::<ListPools>(site.ask(&visitor, ListPools {}).await)
}

/// A pool
#[utoipa::path(get, path = "/pools/{name}", tag = "plan", params(("name" = String, Path)), responses((status = 200, body = PoolView, headers(("etag" = String)))))]
async fn show_pool(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let is_it = |it: &PoolView| it.pool.name == name;
    Ok(tagged(one_of(&site, &visitor, ListPools {}, is_it).await?))
}

/// Add a pool
#[utoipa::path(put, path = "/pools/{name}", tag = "plan", params(("name" = String, Path)), request_body = PoolChanges, responses((status = 200, body = Done)))]
async fn add_pool(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    Body(changes): Body<PoolChanges>,
) -> Reply<Done> {
    reply::<AddPool>(site.ask(&visitor, AddPool { name, changes }).await)
}

/// Change a pool
#[utoipa::path(patch, path = "/pools/{name}", tag = "plan", params(("name" = String, Path), ("if-match" = Option<String>, Header)), request_body = PoolChanges, responses((status = 200, body = Done)))]
async fn set_pool(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    conditions: Conditions,
    Path(name): Path<String>,
    Body(changes): Body<PoolChanges>,
) -> Reply<Done> {
    let change = SetPool { name: name.clone(), changes };
    let is_it = |it: &&PoolView| it.pool.name == name;
    let done = conditions.change_one(&site, &visitor, ListPools {}, is_it, change).await?;
    Ok(axum::Json(done))
}

/// Remove a pool that no phone belongs to
#[utoipa::path(delete, path = "/pools/{name}", tag = "plan", params(("name" = String, Path)), responses((status = 200, body = Done)))]
async fn remove_pool(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Reply<Done> {
    reply::<RemovePool>(site.ask(&visitor, RemovePool { name }).await)
}

/// All regions
#[utoipa::path(get, path = "/regions", tag = "plan", responses((status = 200, body = Vec<Region>)))]
async fn list_regions(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<Vec<Region>> {
    reply::<ListRegions>(site.ask(&visitor, ListRegions {}).await)
}

/// Add a region
#[utoipa::path(put, path = "/regions/{name}", tag = "plan", params(("name" = String, Path)), responses((status = 200, body = Done)))]
async fn add_region(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Reply<Done> {
    reply::<AddRegion>(site.ask(&visitor, AddRegion { name }).await)
}

/// Remove a region that no pool is in
#[utoipa::path(delete, path = "/regions/{name}", tag = "plan", params(("name" = String, Path)), responses((status = 200, body = Done)))]
async fn remove_region(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Reply<Done> {
    reply::<RemoveRegion>(site.ask(&visitor, RemoveRegion { name }).await)
}

/// The bit rate between two regions.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Limit {
    /// In kbit/s: 8 takes G.729, 64 takes G.711, 256 takes wideband.
    kbit_s: u32,
}

/// Limit the bit rate between two regions
#[utoipa::path(put, path = "/regions/{name}/limits/{other}", tag = "plan", params(("name" = String, Path), ("other" = String, Path)), request_body = Limit, responses((status = 200, body = Done)))]
async fn limit_region(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path((one, other)): Path<(String, String)>,
    Body(Limit { kbit_s }): Body<Limit>,
) -> Reply<Done> {
    reply::<LimitRegion>(site.ask(&visitor, LimitRegion { one, other, kbit_s: Some(kbit_s) }).await)
}

/// Forget the limit between two regions
#[utoipa::path(delete, path = "/regions/{name}/limits/{other}", tag = "plan", params(("name" = String, Path), ("other" = String, Path)), responses((status = 200, body = Done)))]
async fn unlimit_region(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path((one, other)): Path<(String, String)>,
) -> Reply<Done> {
    reply::<LimitRegion>(site.ask(&visitor, LimitRegion { one, other, kbit_s: None }).await)
}

/// All routes
#[utoipa::path(get, path = "/routes", tag = "plan", responses((status = 200, body = Vec<Route>)))]
async fn list_routes(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<Vec<Route>> {
    reply::<ListRoutes>(site.ask(&visitor, ListRoutes {}).await)
}

/// Where a route leads.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Leads {
    /// Where to.
    destination: Destination,
}

/// Add a route
#[utoipa::path(put, path = "/routes/{pattern}", tag = "plan", params(("pattern" = String, Path)), request_body = Leads, responses((status = 200, body = Done)))]
async fn add_route(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(pattern): Path<String>,
    Body(Leads { destination }): Body<Leads>,
) -> Reply<Done> {
    reply::<AddRoute>(site.ask(&visitor, AddRoute { pattern, destination }).await)
}

/// Remove a route
#[utoipa::path(delete, path = "/routes/{pattern}", tag = "plan", params(("pattern" = String, Path)), responses((status = 200, body = Done)))]
async fn remove_route(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(pattern): Path<String>,
) -> Reply<Done> {
    reply::<RemoveRoute>(site.ask(&visitor, RemoveRoute { pattern }).await)
}
