//! The CTL file.

use std::sync::Arc;

use axum::extract::State;
use console::{
    MakeSecurityToken, Secret, SecurityTokenMade, ShowTrustList, SignTrustList, TrustListSigned,
    TrustListView,
};
use serde::Deserialize;
use store::SecurityMode;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Body;
use super::{Reply, reply};
use crate::site::{Site, Visitor};

pub fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(show, sign)).routes(routes!(make_token))
}

/// The CTL file in force, those before it, and why it has to be updated
#[utoipa::path(get, path = "/trust-list", tag = "cluster", responses((status = 200, body = TrustListView)))]
async fn show(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<TrustListView> {
    reply::<ShowTrustList>(site.ask(&visitor, ShowTrustList {}).await)
}

/// A token to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    /// Its name: letters, digits, `-` and `_`.
    label: String,
    /// Its password, of at least eight characters.
    password: Secret,
}

/// Make a security token that is a file; it is told this once
#[utoipa::path(post, path = "/security-tokens", tag = "cluster", request_body = NewToken, responses((status = 200, body = SecurityTokenMade)))]
async fn make_token(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Body(NewToken { label, password }): Body<NewToken>,
) -> Reply<SecurityTokenMade> {
    reply::<MakeSecurityToken>(site.ask(&visitor, MakeSecurityToken { label, password }).await)
}

/// How the CTL file is signed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Signing {
    /// The administrator that logs in to the CTL Providers.
    user: String,
    /// Its password.
    password: Secret,
    /// The cluster security mode; absent: it stays, or a new file is for mixed mode.
    mode: Option<SecurityMode>,
    /// The token files in base 64: at least two for a new file; the last one signs.
    tokens: Vec<Secret>,
    /// The password of the one that signs.
    token_password: Secret,
    /// Go on though phones would refuse the new file: they will be erased by hand.
    #[serde(default)]
    strand_phones: bool,
    /// Only tell what would come of it.
    #[serde(default)]
    dry_run: bool,
}

/// Create or update the CTL file with security tokens that are files
#[utoipa::path(post, path = "/trust-list", tag = "cluster", request_body = Signing, responses((status = 200, body = TrustListSigned)))]
async fn sign(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Body(signing): Body<Signing>,
) -> Reply<TrustListSigned> {
    let Signing { user, password, mode, tokens, token_password, strand_phones, dry_run } = signing;
    let request =
        SignTrustList { user, password, mode, tokens, token_password, strand_phones, dry_run };
    reply::<SignTrustList>(site.ask(&visitor, request).await)
}
