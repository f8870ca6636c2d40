//! Voice gateways that CallManager commands.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use console::{
    AddGateway, CheckGateway, CheckItem, Done, GatewayChanges, GatewayStatus, GatewayView,
    ListGateways, PortChanges, RemoveGateway, RemoveGatewayPort, ResetGateway, SetGateway,
    SetGatewayPort, ShowGateway,
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::condition::{Conditions, tagged};
use super::extract::{Body, Path};
use super::problem::Problem;
use super::{Reply, reply};
use crate::site::{Site, Visitor};

pub fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, add, set, remove))
        .routes(routes!(set_port, remove_port))
        .routes(routes!(check))
        .routes(routes!(reset))
}

/// All gateways, as they are set and as they are
#[utoipa::path(get, path = "/gateways", tag = "gateways", responses((status = 200, body = Vec<GatewayView>)))]
async fn list(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<Vec<GatewayView>> {
    reply::<ListGateways>(site.ask(&visitor, ListGateways {}).await)
}

/// A gateway with its ports
#[utoipa::path(get, path = "/gateways/{name}", tag = "gateways", params(("name" = String, Path)), responses((status = 200, body = GatewayView, headers(("etag" = String)))))]
async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    Ok(tagged(site.ask(&visitor, ShowGateway { name }).await?))
}

/// A gateway that is new.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewGateway {
    /// Where it listens for MGCP, with the port, in order of preference.
    #[schema(value_type = Vec<String>)]
    addresses: Vec<SocketAddr>,
    /// What is not at its default.
    #[serde(default)]
    changes: GatewayChanges,
}

/// Add a gateway
#[utoipa::path(put, path = "/gateways/{name}", tag = "gateways", params(("name" = String, Path)), request_body = NewGateway, responses((status = 200, body = Done)))]
async fn add(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    Body(NewGateway { addresses, changes }): Body<NewGateway>,
) -> Reply<Done> {
    reply::<AddGateway>(site.ask(&visitor, AddGateway { name, addresses, changes }).await)
}

/// Change a gateway
#[utoipa::path(patch, path = "/gateways/{name}", tag = "gateways", params(("name" = String, Path), ("if-match" = Option<String>, Header)), request_body = GatewayChanges, responses((status = 200, body = Done)))]
async fn set(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    conditions: Conditions,
    Path(name): Path<String>,
    Body(changes): Body<GatewayChanges>,
) -> Reply<Done> {
    let look = ShowGateway { name: name.clone() };
    let change = SetGateway { name, changes };
    Ok(axum::Json(conditions.change(&site, &visitor, look, change).await?))
}

/// Remove a gateway that no route leads to, with its ports
#[utoipa::path(delete, path = "/gateways/{name}", tag = "gateways", params(("name" = String, Path)), responses((status = 200, body = Done)))]
async fn remove(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Reply<Done> {
    reply::<RemoveGateway>(site.ask(&visitor, RemoveGateway { name }).await)
}

/// Add a port to a gateway, or change it. Slashes in its name are written `%2F`
#[utoipa::path(put, path = "/gateways/{name}/ports/{port}", tag = "gateways", params(("name" = String, Path), ("port" = String, Path)), request_body = PortChanges, responses((status = 200, body = Done)))]
async fn set_port(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path((gateway, port)): Path<(String, String)>,
    Body(changes): Body<PortChanges>,
) -> Reply<Done> {
    reply::<SetGatewayPort>(site.ask(&visitor, SetGatewayPort { gateway, port, changes }).await)
}

/// Remove a port of a gateway
#[utoipa::path(delete, path = "/gateways/{name}/ports/{port}", tag = "gateways", params(("name" = String, Path), ("port" = String, Path)), responses((status = 200, body = Done)))]
async fn remove_port(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path((gateway, port)): Path<(String, String)>,
) -> Reply<Done> {
    reply::<RemoveGatewayPort>(site.ask(&visitor, RemoveGatewayPort { gateway, port }).await)
}

/// The steps until a gateway is given keys, each with what proves it
#[utoipa::path(get, path = "/gateways/{name}/check", tag = "gateways", params(("name" = String, Path)), responses((status = 200, body = Vec<CheckItem>)))]
async fn check(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Reply<Vec<CheckItem>> {
    reply::<CheckGateway>(site.ask(&visitor, CheckGateway { name }).await)
}

/// Ask a gateway anew what its ports are like
#[utoipa::path(post, path = "/gateways/{name}/reset", tag = "gateways", params(("name" = String, Path)), responses((status = 200, body = GatewayStatus)))]
async fn reset(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Reply<GatewayStatus> {
    reply::<ResetGateway>(site.ask(&visitor, ResetGateway { name }).await)
}
