//! CAPF: certificates for phones.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use console::{
    CapfChanges, CapfDetail, CapfDone, CapfService, CapfServiceView, CapfView, DistrustIssuer,
    Done, IssuerKind, RenewCapf, ReportCapf, SetCapf, ShowCapf, TrustIssuer,
};
use serde::Deserialize;
use store::DeviceName;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Body, Path, Query};
use super::paging::{Page, Paging};
use super::{Reply, reply};
use crate::accounts::permission::Permission;
use crate::site::{Site, Visitor};

pub fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new()
        .routes(routes!(service))
        .routes(routes!(report))
        .routes(routes!(renew))
        .routes(routes!(trust))
        .routes(routes!(distrust))
        .routes(routes!(show, change))
}

/// How CAPF itself stands
#[utoipa::path(get, path = "/capf", tag = "capf", responses((status = 200, body = CapfServiceView)))]
async fn service(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<CapfServiceView> {
    reply::<CapfService>(site.ask(&visitor, CapfService {}).await)
}

/// What CAPF knows of all phones that can have certificates
#[utoipa::path(get, path = "/capf/report", tag = "capf", params(Paging), responses((status = 200, body = Page<CapfView>)))]
async fn report(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(paging): Query<Paging>,
) -> Reply<Page<CapfView>> {
    let mut report = site.ask(&visitor, ReportCapf {}).await?;
    report.iter_mut().for_each(|phone| conceal(phone, &visitor));
    Ok(Json(paging.page(report, |phone| phone.device.to_string())?))
}

/// Authentication strings are for those who read them out to users.
pub fn conceal(phone: &mut CapfView, visitor: &Visitor) {
    if !visitor.person.may(Permission::Operate) {
        phone.auth_string = None;
    }
}

/// Give CAPF a new key and certificate
#[utoipa::path(post, path = "/capf/renew", tag = "capf", responses((status = 200, body = Done)))]
async fn renew(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<Done> {
    reply::<RenewCapf>(site.ask(&visitor, RenewCapf {}).await)
}

/// An issuer to trust.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewIssuer {
    /// Of which certificates.
    kind: IssuerKind,
    /// Its certificate in PEM.
    certificate: String,
}

/// Trust an issuer of phones' certificates
#[utoipa::path(post, path = "/capf/issuers", tag = "capf", request_body = NewIssuer, responses((status = 200, body = Done)))]
async fn trust(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Body(NewIssuer { kind, certificate }): Body<NewIssuer>,
) -> Reply<Done> {
    reply::<TrustIssuer>(site.ask(&visitor, TrustIssuer { kind, certificate }).await)
}

/// End the trust in an issuer
#[utoipa::path(delete, path = "/capf/issuers/{fingerprint}", tag = "capf", params(("fingerprint" = String, Path)), responses((status = 200, body = Done)))]
async fn distrust(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(fingerprint): Path<String>,
) -> Reply<Done> {
    reply::<DistrustIssuer>(site.ask(&visitor, DistrustIssuer { fingerprint }).await)
}

/// Everything that CAPF knows of a phone
#[utoipa::path(get, path = "/phones/{name}/capf", tag = "capf", params(("name" = DeviceName, Path)), responses((status = 200, body = CapfDetail)))]
async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<DeviceName>,
) -> Reply<CapfDetail> {
    let mut detail = site.ask(&visitor, ShowCapf { name }).await?;
    conceal(&mut detail.capf, &visitor);
    Ok(Json(detail))
}

/// Whether it is done.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Try {
    /// Only tell what would come of it.
    #[serde(default)]
    dry_run: bool,
}

/// Order what CAPF shall do with a phone
#[utoipa::path(patch, path = "/phones/{name}/capf", tag = "capf", params(("name" = DeviceName, Path), Try), request_body = CapfChanges, responses((status = 200, body = CapfDone)))]
async fn change(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<DeviceName>,
    Query(Try { dry_run }): Query<Try>,
    Body(changes): Body<CapfChanges>,
) -> Reply<CapfDone> {
    reply::<SetCapf>(site.ask(&visitor, SetCapf { name, changes, dry_run }).await)
}
