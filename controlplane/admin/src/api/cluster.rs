//! Nodes, services, parameters, how things stand, who changed what.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use console::{
    ActivateService, AddNode, AuditReport, AuditReportView, AuditTrail, AuditView, Done, History,
    ListNodes, ListParameters, ParameterView, RemoveNode, RestartService, RevisionView,
    SetParameter, Status, StatusReport,
};
use serde::{Deserialize, Serialize};
use store::{AdministratorRole, Node, Service};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Body, Path, Query};
use super::{Reply, reply};
use crate::accounts::Proof;
use crate::site::{Site, Visitor};

pub fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new()
        .routes(routes!(session))
        .routes(routes!(status))
        .routes(routes!(list_nodes, add_node))
        .routes(routes!(remove_node))
        .routes(routes!(activate, deactivate))
        .routes(routes!(restart))
        .routes(routes!(list_parameters))
        .routes(routes!(set_parameter, unset_parameter))
        .routes(routes!(history))
        .routes(routes!(audit))
        .routes(routes!(report))
}

/// Who asks.
#[derive(Serialize, ToSchema)]
struct SessionView {
    /// The account.
    name: String,
    /// What it may do, with this session or token.
    role: AdministratorRole,
    /// The token it is known by; absent: a session.
    token: Option<String>,
}

/// Who I am
#[utoipa::path(get, path = "/session", tag = "accounts", responses((status = 200, body = SessionView)))]
async fn session(visitor: Visitor) -> Json<SessionView> {
    let person = visitor.person;
    let token = match person.proof {
        Proof::Token(name) => Some(name),
        Proof::Session { .. } => None,
    };
    Json(SessionView { name: person.name, role: person.role, token })
}

/// How things stand, with the checklist of what is left to do
#[utoipa::path(get, path = "/status", tag = "cluster", responses((status = 200, body = StatusReport)))]
async fn status(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<StatusReport> {
    reply::<Status>(site.ask(&visitor, Status {}).await)
}

/// All nodes
#[utoipa::path(get, path = "/nodes", tag = "cluster", responses((status = 200, body = Vec<Node>)))]
async fn list_nodes(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<Vec<Node>> {
    reply::<ListNodes>(site.ask(&visitor, ListNodes {}).await)
}

/// A subscriber to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewNode {
    /// Its host name.
    name: String,
    /// Its address.
    #[schema(value_type = String)]
    address: IpAddr,
}

/// Add a subscriber
#[utoipa::path(post, path = "/nodes", tag = "cluster", request_body = NewNode, responses((status = 200, body = Done)))]
async fn add_node(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Body(NewNode { name, address }): Body<NewNode>,
) -> Reply<Done> {
    reply::<AddNode>(site.ask(&visitor, AddNode { name, address }).await)
}

/// Remove a subscriber
#[utoipa::path(delete, path = "/nodes/{name}", tag = "cluster", params(("name" = String, Path)), responses((status = 200, body = Done)))]
async fn remove_node(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Reply<Done> {
    reply::<RemoveNode>(site.ask(&visitor, RemoveNode { name }).await)
}

/// Activate a service on a node
#[utoipa::path(put, path = "/nodes/{name}/services/{service}", tag = "cluster", params(("name" = String, Path), ("service" = Service, Path)), responses((status = 200, body = Done)))]
async fn activate(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path((node, service)): Path<(String, Service)>,
) -> Reply<Done> {
    let request = ActivateService { node, service, active: true };
    reply::<ActivateService>(site.ask(&visitor, request).await)
}

/// Deactivate a service on a node
#[utoipa::path(delete, path = "/nodes/{name}/services/{service}", tag = "cluster", params(("name" = String, Path), ("service" = Service, Path)), responses((status = 200, body = Done)))]
async fn deactivate(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path((node, service)): Path<(String, Service)>,
) -> Reply<Done> {
    let request = ActivateService { node, service, active: false };
    reply::<ActivateService>(site.ask(&visitor, request).await)
}

/// Restart a service of this node
#[utoipa::path(post, path = "/services/{service}/restart", tag = "cluster", params(("service" = Service, Path)), responses((status = 200, body = Done)))]
async fn restart(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(service): Path<Service>,
) -> Reply<Done> {
    reply::<RestartService>(site.ask(&visitor, RestartService { service }).await)
}

/// Whose parameters.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OfNode {
    /// Which node; absent: the cluster.
    node: Option<String>,
}

/// All parameters as they are in force
#[utoipa::path(get, path = "/parameters", tag = "parameters", params(OfNode), responses((status = 200, body = Vec<ParameterView>)))]
async fn list_parameters(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(OfNode { node }): Query<OfNode>,
) -> Reply<Vec<ParameterView>> {
    reply::<ListParameters>(site.ask(&visitor, ListParameters { node }).await)
}

/// The value of a parameter.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewValue {
    /// As text.
    value: String,
}

/// Set a parameter
#[utoipa::path(put, path = "/parameters/{name}", tag = "parameters", params(("name" = String, Path), OfNode), request_body = NewValue, responses((status = 200, body = Done)))]
async fn set_parameter(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(OfNode { node }): Query<OfNode>,
    Body(NewValue { value }): Body<NewValue>,
) -> Reply<Done> {
    let request = SetParameter { node, name, value: Some(value) };
    reply::<SetParameter>(site.ask(&visitor, request).await)
}

/// Forget what a parameter was set to
#[utoipa::path(delete, path = "/parameters/{name}", tag = "parameters", params(("name" = String, Path), OfNode), responses((status = 200, body = Done)))]
async fn unset_parameter(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(OfNode { node }): Query<OfNode>,
) -> Reply<Done> {
    reply::<SetParameter>(site.ask(&visitor, SetParameter { node, name, value: None }).await)
}

/// How many of the newest.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Newest {
    /// At most so many, up to 1000.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

impl Newest {
    fn limit(&self) -> u32 {
        self.limit.unwrap_or(100).clamp(1, 1000)
    }
}

/// The newest changes, newest first
#[utoipa::path(get, path = "/changes", tag = "audit", params(Newest), responses((status = 200, body = Vec<RevisionView>)))]
async fn history(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(newest): Query<Newest>,
) -> Reply<Vec<RevisionView>> {
    reply::<History>(site.ask(&visitor, History { limit: newest.limit() }).await)
}

/// The end of the audit log, newest first, after the whole log was verified
#[utoipa::path(get, path = "/audit", tag = "audit", params(Newest), responses((status = 200, body = Vec<AuditView>)))]
async fn audit(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(newest): Query<Newest>,
) -> Reply<Vec<AuditView>> {
    reply::<AuditTrail>(site.ask(&visitor, AuditTrail { limit: newest.limit() }).await)
}

/// What an auditor would find
#[utoipa::path(get, path = "/audit-report", tag = "audit", responses((status = 200, body = AuditReportView)))]
async fn report(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<AuditReportView> {
    reply::<AuditReport>(site.ask(&visitor, AuditReport {}).await)
}
