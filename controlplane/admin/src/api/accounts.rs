//! Who may log in, and with which tokens.

use std::sync::Arc;

use axum::extract::State;
use console::{
    CreateToken, Done, ListAdministrators, ListTokens, PutAdministrator, RemoveAdministrator,
    RemoveToken, Secret, TokenCreated, TokenView,
};
use serde::Deserialize;
use store::{Administrator, AdministratorRole};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Body, Path};
use super::{Reply, reply};
use crate::site::{Site, Visitor};

pub fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(put, remove))
        .routes(routes!(list_tokens, create_token))
        .routes(routes!(remove_token))
}

/// All administrators
#[utoipa::path(get, path = "/administrators", tag = "accounts", responses((status = 200, body = Vec<Administrator>)))]
async fn list(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<Vec<Administrator>> {
    reply::<ListAdministrators>(site.ask(&visitor, ListAdministrators {}).await)
}

/// A role and a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Account {
    /// What for.
    role: AdministratorRole,
    /// The password to log in with.
    password: Secret,
}

/// Add an administrator, or give one another role and password
#[utoipa::path(put, path = "/administrators/{name}", tag = "accounts", params(("name" = String, Path)), request_body = Account, responses((status = 200, body = Done)))]
async fn put(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
    Body(Account { role, password }): Body<Account>,
) -> Reply<Done> {
    reply::<PutAdministrator>(site.ask(&visitor, PutAdministrator { name, role, password }).await)
}

/// Remove an administrator
#[utoipa::path(delete, path = "/administrators/{name}", tag = "accounts", params(("name" = String, Path)), responses((status = 200, body = Done)))]
async fn remove(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Reply<Done> {
    reply::<RemoveAdministrator>(site.ask(&visitor, RemoveAdministrator { name }).await)
}

/// All API tokens, without their secrets
#[utoipa::path(get, path = "/tokens", tag = "accounts", responses((status = 200, body = Vec<TokenView>)))]
async fn list_tokens(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<Vec<TokenView>> {
    reply::<ListTokens>(site.ask(&visitor, ListTokens {}).await)
}

/// A token to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    /// What people call it.
    name: String,
    /// The administrator it acts for; absent: the caller.
    owner: Option<String>,
    /// The most it may do.
    role: AdministratorRole,
    /// How many days it is good; absent: until it is removed.
    #[schema(minimum = 1, maximum = 36500)]
    days: Option<u32>,
}

/// Make an API token; its secret is told this once
#[utoipa::path(post, path = "/tokens", tag = "accounts", request_body = NewToken, responses((status = 200, body = TokenCreated)))]
async fn create_token(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Body(NewToken { name, owner, role, days }): Body<NewToken>,
) -> Reply<TokenCreated> {
    let owner = owner.unwrap_or_else(|| visitor.person.name.clone());
    reply::<CreateToken>(site.ask(&visitor, CreateToken { name, owner, role, days }).await)
}

/// Remove an API token
#[utoipa::path(delete, path = "/tokens/{name}", tag = "accounts", params(("name" = String, Path)), responses((status = 200, body = Done)))]
async fn remove_token(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Reply<Done> {
    reply::<RemoveToken>(site.ask(&visitor, RemoveToken { name }).await)
}
