//! SRST references: gateways that serve phones while the centre is away.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use console::{
    AcceptSrst, AddSrst, Done, FetchSrst, FetchedSrst, ListSrst, PhonesReset, RemoveSrst,
    ResetSrst, SetSrst, ShowSrstStatus, SrstChanges, SrstStatusView, SrstView, WithdrawSrst,
};
use serde::Deserialize;
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
        .routes(routes!(list))
        .routes(routes!(status))
        .routes(routes!(show, add, change, remove))
        .routes(routes!(fetch))
        .routes(routes!(accept, withdraw))
        .routes(routes!(reset))
}

/// All SRST references
#[utoipa::path(get, path = "/srst", tag = "srst", responses((status = 200, body = Vec<SrstView>)))]
async fn list(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<Vec<SrstView>> {
    reply::<ListSrst>(site.ask(&visitor, ListSrst {}).await)
}

/// An SRST reference
#[utoipa::path(get, path = "/srst/{name}", tag = "srst", params(("name" = String, Path)), responses((status = 200, body = SrstView, headers(("etag" = String)))))]
async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let is_it = |it: &SrstView| it.name == name;
    Ok(tagged(one_of(&site, &visitor, ListSrst {}, is_it).await?))
}

/// How centre and gateways stand to each other, as this node sees it
#[utoipa::path(get, path = "/srst-status", tag = "srst", responses((status = 200, body = SrstStatusView)))]
async fn status(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<SrstStatusView> {
    reply::<ShowSrstStatus>(site.ask(&visitor, ShowSrstStatus {}).await)
}

/// A reference to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewReference {
    /// Where the gateway is.
    #[schema(value_type = String)]
    address: IpAddr,
    /// What differs from the defaults.
    #[serde(default)]
    settings: SrstChanges,
}

/// Add an SRST reference
#[utoipa::path(put, path = "/srst/{name}", tag = "srst", params(("name" = String, Path)), request_body = NewReference, responses((status = 200, body = Done)))]
async fn add(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    Body(NewReference { address, settings }): Body<NewReference>,
) -> Reply<Done> {
    reply::<AddSrst>(site.ask(&visitor, AddSrst { name, address, changes: settings }).await)
}

/// What changes of a reference.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReferenceChanges {
    /// Where the gateway is from now on.
    #[schema(value_type = Option<String>)]
    address: Option<IpAddr>,
    /// What else changes.
    #[serde(default)]
    settings: SrstChanges,
}

/// Change an SRST reference; its certificate stays
#[utoipa::path(patch, path = "/srst/{name}", tag = "srst", params(("name" = String, Path), ("if-match" = Option<String>, Header)), request_body = ReferenceChanges, responses((status = 200, body = Done)))]
async fn change(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    conditions: Conditions,
    Path(name): Path<String>,
    Body(ReferenceChanges { address, settings }): Body<ReferenceChanges>,
) -> Reply<Done> {
    let change = SetSrst { name: name.clone(), address, changes: settings };
    let is_it = |it: &&SrstView| it.name == name;
    let done = conditions.change_one(&site, &visitor, ListSrst {}, is_it, change).await?;
    Ok(axum::Json(done))
}

/// Remove an SRST reference that no pool names, with its certificate
#[utoipa::path(delete, path = "/srst/{name}", tag = "srst", params(("name" = String, Path)), responses((status = 200, body = Done)))]
async fn remove(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Reply<Done> {
    reply::<RemoveSrst>(site.ask(&visitor, RemoveSrst { name }).await)
}

/// Ask a gateway for its certificate; nothing is changed
#[utoipa::path(post, path = "/srst/{name}/fetch", tag = "srst", params(("name" = String, Path)), responses((status = 200, body = FetchedSrst)))]
async fn fetch(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Reply<FetchedSrst> {
    reply::<FetchSrst>(site.ask(&visitor, FetchSrst { name }).await)
}

/// A certificate that somebody compared.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Compared {
    /// Its SHA-256, in hexadecimal.
    sha256: String,
}

/// Give a gateway's certificate to phones, if the gateway shows this one
#[utoipa::path(put, path = "/srst/{name}/certificate", tag = "srst", params(("name" = String, Path)), request_body = Compared, responses((status = 200, body = Done)))]
async fn accept(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    Body(Compared { sha256 }): Body<Compared>,
) -> Reply<Done> {
    reply::<AcceptSrst>(site.ask(&visitor, AcceptSrst { name, sha256 }).await)
}

/// Take a gateway's certificate from phones
#[utoipa::path(delete, path = "/srst/{name}/certificate", tag = "srst", params(("name" = String, Path)), responses((status = 200, body = Done)))]
async fn withdraw(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Reply<Done> {
    reply::<WithdrawSrst>(site.ask(&visitor, WithdrawSrst { name }).await)
}

/// Whether it is done.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Try {
    /// Only tell what would come of it.
    #[serde(default)]
    dry_run: bool,
}

/// Tell the phones that depend on a reference to start anew
#[utoipa::path(post, path = "/srst/{name}/reset", tag = "srst", params(("name" = String, Path)), request_body = Try, responses((status = 200, body = PhonesReset)))]
async fn reset(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    Body(Try { dry_run }): Body<Try>,
) -> Reply<PhonesReset> {
    reply::<ResetSrst>(site.ask(&visitor, ResetSrst { name, dry_run }).await)
}
