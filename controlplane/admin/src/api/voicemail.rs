//! Voicemail servers and their ports.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use console::{
    AddVoicemail, AddVoicemailPorts, CopyVoicemailRoot, Done, ListVoicemail, ListVoicemailPorts,
    NewVoicemailPorts, PhonesReset, RemoveVoicemail, RemoveVoicemailPort, RemoveVoicemailRoot,
    ResetVoicemail, SetVoicemail, SetVoicemailPort, VoicemailPortChanges, VoicemailPortView,
    VoicemailView,
};
use serde::Deserialize;
use store::{DeviceSecurityMode, PortName};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::condition::{Conditions, tagged};
use super::extract::{Body, Path, Query};
use super::one::one_of;
use super::problem::Problem;
use super::{Reply, reply};
use crate::site::{Site, Visitor};

pub fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, add, change, remove))
        .routes(routes!(add_ports))
        .routes(routes!(copy_root, remove_root))
        .routes(routes!(reset))
        .routes(routes!(list_ports))
        .routes(routes!(show_port, change_port, remove_port))
}

/// All voicemail servers
#[utoipa::path(get, path = "/voicemail", tag = "voicemail", responses((status = 200, body = Vec<VoicemailView>)))]
async fn list(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<Vec<VoicemailView>> {
    reply::<ListVoicemail>(site.ask(&visitor, ListVoicemail {}).await)
}

/// A voicemail server
#[utoipa::path(get, path = "/voicemail/{name}", tag = "voicemail", params(("name" = String, Path)), responses((status = 200, body = VoicemailView, headers(("etag" = String)))))]
async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let is_it = |it: &VoicemailView| it.name == name;
    Ok(tagged(one_of(&site, &visitor, ListVoicemail {}, is_it).await?))
}

/// A server to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewServer {
    /// The mode of its ports, and of those to come.
    security_mode: DeviceSecurityMode,
    /// Its first ports.
    ports: NewVoicemailPorts,
}

/// Add a voicemail server with its first ports
#[utoipa::path(put, path = "/voicemail/{name}", tag = "voicemail", params(("name" = String, Path)), request_body = NewServer, responses((status = 200, body = Done)))]
async fn add(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    Body(NewServer { security_mode, ports }): Body<NewServer>,
) -> Reply<Done> {
    reply::<AddVoicemail>(site.ask(&visitor, AddVoicemail { name, security_mode, ports }).await)
}

/// The mode of all ports of a server.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewMode {
    /// Which one.
    security_mode: DeviceSecurityMode,
}

/// Set all ports of a voicemail server, and those to come, to a mode
#[utoipa::path(patch, path = "/voicemail/{name}", tag = "voicemail", params(("name" = String, Path), ("if-match" = Option<String>, Header)), request_body = NewMode, responses((status = 200, body = Done)))]
async fn change(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    conditions: Conditions,
    Path(name): Path<String>,
    Body(NewMode { security_mode }): Body<NewMode>,
) -> Reply<Done> {
    let change = SetVoicemail { name: name.clone(), security_mode };
    let is_it = |it: &&VoicemailView| it.name == name;
    let done = conditions.change_one(&site, &visitor, ListVoicemail {}, is_it, change).await?;
    Ok(axum::Json(done))
}

/// Remove a voicemail server with its ports and its certificate
#[utoipa::path(delete, path = "/voicemail/{name}", tag = "voicemail", params(("name" = String, Path)), responses((status = 200, body = Done)))]
async fn remove(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Reply<Done> {
    reply::<RemoveVoicemail>(site.ask(&visitor, RemoveVoicemail { name }).await)
}

/// Add ports to a voicemail server, in its mode
#[utoipa::path(post, path = "/voicemail/{name}/ports", tag = "voicemail", params(("name" = String, Path)), request_body = NewVoicemailPorts, responses((status = 200, body = Done)))]
async fn add_ports(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(server): Path<String>,
    Body(ports): Body<NewVoicemailPorts>,
) -> Reply<Done> {
    reply::<AddVoicemailPorts>(site.ask(&visitor, AddVoicemailPorts { server, ports }).await)
}

/// A root certificate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRoot {
    /// In PEM.
    certificate: String,
}

/// Give every node the root certificate of a voicemail server
#[utoipa::path(put, path = "/voicemail/{name}/root", tag = "voicemail", params(("name" = String, Path)), request_body = NewRoot, responses((status = 200, body = Done)))]
async fn copy_root(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(server): Path<String>,
    Body(NewRoot { certificate }): Body<NewRoot>,
) -> Reply<Done> {
    reply::<CopyVoicemailRoot>(site.ask(&visitor, CopyVoicemailRoot { server, certificate }).await)
}

/// Take the root certificate of a voicemail server from every node
#[utoipa::path(delete, path = "/voicemail/{name}/root", tag = "voicemail", params(("name" = String, Path)), responses((status = 200, body = Done)))]
async fn remove_root(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(server): Path<String>,
) -> Reply<Done> {
    reply::<RemoveVoicemailRoot>(site.ask(&visitor, RemoveVoicemailRoot { server }).await)
}

/// Tell the ports of a voicemail server to register anew
#[utoipa::path(post, path = "/voicemail/{name}/reset", tag = "voicemail", params(("name" = String, Path)), responses((status = 200, body = PhonesReset)))]
async fn reset(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Reply<PhonesReset> {
    reply::<ResetVoicemail>(site.ask(&visitor, ResetVoicemail { name }).await)
}

/// Which ports.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Of this server only.
    server: Option<String>,
    /// Those that are set to this mode only.
    security_mode: Option<DeviceSecurityMode>,
}

/// Voicemail ports, with their registrations
#[utoipa::path(get, path = "/voicemail-ports", tag = "voicemail", params(Which), responses((status = 200, body = Vec<VoicemailPortView>)))]
async fn list_ports(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(Which { server, security_mode }): Query<Which>,
) -> Reply<Vec<VoicemailPortView>> {
    let request = ListVoicemailPorts { server, security_mode };
    reply::<ListVoicemailPorts>(site.ask(&visitor, request).await)
}

fn all() -> ListVoicemailPorts {
    ListVoicemailPorts { server: None, security_mode: None }
}

/// A voicemail port
#[utoipa::path(get, path = "/voicemail-ports/{name}", tag = "voicemail", params(("name" = PortName, Path)), responses((status = 200, body = VoicemailPortView, headers(("etag" = String)))))]
async fn show_port(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<PortName>,
) -> Result<Response, Problem> {
    let is_it = |it: &VoicemailPortView| it.name == name;
    Ok(tagged(one_of(&site, &visitor, all(), is_it).await?))
}

/// Change a voicemail port
#[utoipa::path(patch, path = "/voicemail-ports/{name}", tag = "voicemail", params(("name" = PortName, Path), ("if-match" = Option<String>, Header)), request_body = VoicemailPortChanges, responses((status = 200, body = Done)))]
async fn change_port(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    conditions: Conditions,
    Path(name): Path<PortName>,
    Body(changes): Body<VoicemailPortChanges>,
) -> Reply<Done> {
    let change = SetVoicemailPort { name: name.clone(), changes };
    let is_it = |it: &&VoicemailPortView| it.name == name;
    Ok(axum::Json(conditions.change_one(&site, &visitor, all(), is_it, change).await?))
}

/// Remove a voicemail port; its line stays
#[utoipa::path(delete, path = "/voicemail-ports/{name}", tag = "voicemail", params(("name" = PortName, Path)), responses((status = 200, body = Done)))]
async fn remove_port(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<PortName>,
) -> Reply<Done> {
    reply::<RemoveVoicemailPort>(site.ask(&visitor, RemoveVoicemailPort { name }).await)
}
