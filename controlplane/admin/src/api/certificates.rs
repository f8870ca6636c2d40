//! Certificates: the inventory, and the one that browsers are shown.

use std::sync::Arc;
use std::time::SystemTime;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use console::{InventoryView, ListCertificates};
use lang::{Say, Text};
use pki::Certificate;
use pki::export::{self, Form};
use serde::{Deserialize, Serialize};
use tokio::task;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Body, Path, Query};
use super::problem::{Code, Problem};
use super::{Reply, reply};
use crate::accounts::permission::Permission;
use crate::certificate::view::{self, Field, Filter};
use crate::certificate::{Fault, Keeper};
use crate::site::{Site, Visitor};

pub fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(download))
        .routes(routes!(own))
        .routes(routes!(request))
        .routes(routes!(import))
        .routes(routes!(recreate))
}

/// The certificates of the cluster, of those it trusts and of its tokens
#[utoipa::path(get, path = "/certificates", tag = "certificates", responses((status = 200, body = Vec<InventoryView>)))]
async fn list(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<Vec<InventoryView>> {
    reply::<ListCertificates>(site.ask(&visitor, ListCertificates {}).await)
}

/// Which fields.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Shown {
    /// Which fields; absent: all.
    #[serde(default)]
    filter: Filter,
}

/// A certificate, field by field; `https` is the one that browsers are shown
#[utoipa::path(get, path = "/certificates/{fingerprint}/fields", tag = "certificates", params(("fingerprint" = String, Path), Shown), responses((status = 200, body = Vec<Field>)))]
async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(fingerprint): Path<String>,
    Query(Shown { filter }): Query<Shown>,
) -> Reply<Vec<Field>> {
    let chain = find(&site, &visitor, &fingerprint).await?;
    Ok(Json(view::fields(&chain[0], filter, visitor.language)))
}

/// In which form.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct InForm {
    /// `der`, `pem`, or `p7b` with the certificates above it.
    #[serde(default)]
    form: FormWord,
}

/// Forms of a certificate file.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FormWord {
    Der,
    #[default]
    Pem,
    P7b,
}

/// A certificate as a file; `https` is the one that browsers are shown
#[utoipa::path(get, path = "/certificates/{fingerprint}/file", tag = "certificates", params(("fingerprint" = String, Path), InForm), responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")))]
async fn download(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(fingerprint): Path<String>,
    Query(InForm { form }): Query<InForm>,
) -> Result<Response, Problem> {
    let chain = find(&site, &visitor, &fingerprint).await?;
    let form = match form {
        FormWord::Der => Form::Der,
        FormWord::Pem => Form::Pem,
        FormWord::P7b => Form::Pkcs7,
    };
    Ok(file(&chain, form))
}

/// A certificate with those above it, as a file to keep.
pub fn file(chain: &[Certificate], form: Form) -> Response {
    // The name is ours: what stands in a certificate may be anything.
    let name = format!("{}.{}", &chain[0].fingerprint()[..16], form.suffix());
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (CONTENT_DISPOSITION, disposition.expect("the name is hexadecimal")),
    ];
    (headers, export::export(&chain[0], &chain[1..], form)).into_response()
}

/// A certificate of the inventory by its fingerprint with those above it, or the one that browsers
/// are shown.
pub async fn find(
    site: &Arc<Site>,
    visitor: &Visitor,
    fingerprint: &str,
) -> Result<Vec<Certificate>, Problem> {
    if fingerprint == "https" {
        visitor.may(Permission::Look)?;
        return Ok(site.keeper.chain());
    }
    let inventory = site.ask(visitor, ListCertificates {}).await?;
    let decode = |entry: &InventoryView| {
        let ders = export::read_pem(&entry.pem)?;
        Certificate::parse(ders.first()?).ok()
    };
    let all: Vec<_> = inventory.iter().filter_map(decode).collect();
    let first = all.iter().find(|it| it.fingerprint().eq_ignore_ascii_case(fingerprint));
    let first = first.ok_or_else(|| {
        Problem::new(Code::NotFound, UNKNOWN.fill(visitor.language, &[("print", &fingerprint)]))
    })?;
    let mut chain = vec![first.clone()];
    while let Some(above) = all.iter().find(|it| chain[chain.len() - 1].is_issued_by(it)) {
        if chain.contains(above) {
            break;
        }
        chain.push(above.clone());
    }
    Ok(chain)
}

/// The certificate that browsers are shown.
#[derive(Serialize, ToSchema)]
struct OwnView {
    /// It and those above it, in PEM.
    chain: Vec<String>,
    /// SHA-256 of it, in hexadecimal.
    fingerprint: String,
    /// Names and addresses it is for.
    names: Vec<String>,
    /// Valid until, RFC 3339, UTC.
    not_after: String,
    /// Whether it is signed by itself.
    self_signed: bool,
    /// Whether an authority's answer is waited for.
    requested: bool,
    /// What is wrong with its names, in the caller's language.
    warnings: Vec<String>,
}

impl OwnView {
    fn of(site: &Site, visitor: &Visitor) -> Self {
        let chain = site.keeper.chain();
        let own = &chain[0];
        Self {
            fingerprint: own.fingerprint(),
            names: own.alternative_names(),
            not_after: humantime::format_rfc3339_seconds(own.not_after()).to_string(),
            self_signed: own.is_self_issued(),
            requested: site.keeper.is_requested(),
            warnings: site.keeper.names().warnings(visitor.language),
            chain: chain.iter().map(export::pem).collect(),
        }
    }
}

/// The certificate that browsers are shown
#[utoipa::path(get, path = "/https-certificate", tag = "certificates", responses((status = 200, body = OwnView)))]
async fn own(State(site): State<Arc<Site>>, visitor: Visitor) -> Result<Json<OwnView>, Problem> {
    visitor.may(Permission::Look)?;
    Ok(Json(OwnView::of(&site, &visitor)))
}

/// A request for an authority.
#[derive(Serialize, ToSchema)]
struct RequestView {
    /// PKCS#10 in PEM.
    request: String,
}

/// Make a request for an authority; one made before is void
#[utoipa::path(post, path = "/https-certificate/request", tag = "certificates", responses((status = 200, body = RequestView)))]
async fn request(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
) -> Result<Json<RequestView>, Problem> {
    let request = change(&site, &visitor, "https-certificate-requested", Keeper::request).await?;
    Ok(Json(RequestView { request }))
}

/// An authority's answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Chain {
    /// Our certificate and those above it, in PEM.
    chain: String,
}

/// Import an authority's answer
#[utoipa::path(post, path = "/https-certificate/import", tag = "certificates", request_body = Chain, responses((status = 200, body = OwnView)))]
async fn import(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Body(Chain { chain }): Body<Chain>,
) -> Result<Json<OwnView>, Problem> {
    let import = move |keeper: &Keeper| keeper.import(&chain, SystemTime::now());
    change(&site, &visitor, "https-certificate-imported", import).await?;
    Ok(Json(OwnView::of(&site, &visitor)))
}

/// Remove the certificate and make a new one, signed by itself
#[utoipa::path(post, path = "/https-certificate/recreate", tag = "certificates", responses((status = 200, body = OwnView)))]
async fn recreate(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
) -> Result<Json<OwnView>, Problem> {
    let recreate = |keeper: &Keeper| keeper.recreate(SystemTime::now());
    change(&site, &visitor, "https-certificate-recreated", recreate).await?;
    Ok(Json(OwnView::of(&site, &visitor)))
}

/// Changes the certificate that browsers are shown, and writes down who did.
pub async fn change<T: Send + 'static>(
    site: &Arc<Site>,
    visitor: &Visitor,
    action: &'static str,
    make: impl FnOnce(&Keeper) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Problem> {
    visitor.may(Permission::Operate)?;
    let (site, visitor) = (Arc::clone(site), visitor.clone());
    let changed = task::spawn_blocking(move || {
        let made = make(&site.keeper).map_err(|fault| {
            let code = match fault {
                Fault::File { .. } => Code::Failed,
                _ => Code::Invalid,
            };
            Problem::new(code, fault.say(visitor.language))
        })?;
        site.audit(&visitor, action, &site.keeper.chain()[0].fingerprint())?;
        Ok(made)
    });
    changed.await.expect("changing the certificate does not panic")
}

const UNKNOWN: Text = Text::new(
    "There is no certificate {print} in the inventory.",
    "フィンガープリント {print} の証明書はありません。",
);
