//! Telephones.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use console::{
    AddDevice, AddPhoneLine, AddSpeedDial, DeviceChanges, DeviceErased, DeviceLog, DiagnosePhone,
    DiagnosisView, Done, FileRequestView, FindPhones, ListModels, ModelView, PhoneFilter, PhoneRow,
    PhoneView, PhonesChanged, PhonesReset, RemoveDevice, RemovePhoneLine, RemoveSpeedDial,
    ResetKind, ResetPhones, SetDevice, SetPhones, ShowDevice, ShowPhone,
};
use lang::{Language, Say};
use serde::Deserialize;
use store::{DeviceName, Model, Number};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::condition::{Conditions, tagged};
use super::extract::{Body, Path, Query};
use super::paging::{Page, Paging};
use super::problem::{Code, Problem};
use super::{ROOT, Reply, reply};
use crate::site::{Site, Visitor};

pub fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new()
        .routes(routes!(list, add, change_many))
        .routes(routes!(reset))
        .routes(routes!(show, change, remove))
        .routes(routes!(add_line, remove_line))
        .routes(routes!(add_speed_dial))
        .routes(routes!(remove_speed_dial))
        .routes(routes!(files))
        .routes(routes!(erased))
        .routes(routes!(diagnose))
        .routes(routes!(models))
}

/// Which phones.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// As `ringfence phone list --matching` takes it: `security-mode=encrypted,model=7960`, of
    /// `security-mode`, `lsc-status`, `registered`, `model`, `pool` and `find`.
    filter: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// What a filter means.
fn filter(text: Option<&str>, language: Language) -> Result<PhoneFilter, Problem> {
    match text.filter(|text| !text.is_empty()) {
        None => Ok(PhoneFilter::default()),
        Some(text) => text
            .parse()
            .map_err(|error: store::Error| Problem::new(Code::Invalid, error.say(language))),
    }
}

/// Find phones
#[utoipa::path(get, path = "/phones", tag = "phones", params(Which), responses((status = 200, body = Page<PhoneRow>)))]
async fn list(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(Which { filter: wanted, limit, cursor }): Query<Which>,
) -> Reply<Page<PhoneRow>> {
    let filter = filter(wanted.as_deref(), visitor.language)?;
    let paging = Paging { limit, cursor };
    let (limit, after) = (paging.limit()?, paging.after()?);
    let found = site.ask(&visitor, FindPhones { filter, after, skip: 0, limit }).await?;
    let key = |row: &PhoneRow| row.name.to_string();
    Ok(axum::Json(Page::new(found.phones, found.total, found.more, key)))
}

/// A phone to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPhone {
    /// `SEP` and its MAC address.
    name: DeviceName,
    /// What it is.
    model: Model,
    /// What differs from the defaults.
    #[serde(default)]
    settings: DeviceChanges,
}

/// Add a phone
#[utoipa::path(post, path = "/phones", tag = "phones", request_body = NewPhone, responses((status = 201, body = Done)))]
async fn add(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Body(NewPhone { name, model, settings }): Body<NewPhone>,
) -> Result<Response, Problem> {
    let place = format!("{ROOT}/phones/{name}");
    let done = site.ask(&visitor, AddDevice { name, model, changes: settings }).await?;
    Ok((StatusCode::CREATED, [(LOCATION, place)], axum::Json(done)).into_response())
}

/// A change of many phones.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeMany {
    /// Which ones, as in a list.
    filter: String,
    /// What changes.
    changes: DeviceChanges,
    /// Only tell what would come of it.
    #[serde(default)]
    dry_run: bool,
}

/// Change many phones in one revision
#[utoipa::path(patch, path = "/phones", tag = "phones", request_body = ChangeMany, responses((status = 200, body = PhonesChanged)))]
async fn change_many(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Body(ChangeMany { filter: wanted, changes, dry_run }): Body<ChangeMany>,
) -> Reply<PhonesChanged> {
    let filter = filter(Some(&wanted), visitor.language)?;
    reply::<SetPhones>(site.ask(&visitor, SetPhones { filter, changes, dry_run }).await)
}

/// Phones to start anew.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reset {
    /// Which ones, by name.
    #[serde(default)]
    names: Vec<DeviceName>,
    /// And those that it matches, as in a list; empty matches all.
    filter: Option<String>,
    /// How.
    kind: ResetKind,
    /// Only tell what would come of it.
    #[serde(default)]
    dry_run: bool,
}

/// Tell phones to start anew
#[utoipa::path(post, path = "/phones/reset", tag = "phones", request_body = Reset, responses((status = 200, body = PhonesReset)))]
async fn reset(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Body(Reset { names, filter: wanted, kind, dry_run }): Body<Reset>,
) -> Reply<PhonesReset> {
    let wanted = wanted.map(|wanted| filter(Some(&wanted), visitor.language)).transpose()?;
    let request = ResetPhones { names, filter: wanted, kind, dry_run };
    reply::<ResetPhones>(site.ask(&visitor, request).await)
}

/// Everything about a phone
#[utoipa::path(get, path = "/phones/{name}", tag = "phones", params(("name" = DeviceName, Path)), responses((status = 200, body = PhoneView, headers(("etag" = String)))))]
async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<DeviceName>,
) -> Result<Response, Problem> {
    Ok(tagged(site.ask(&visitor, ShowPhone { name }).await?))
}

/// Change a phone
#[utoipa::path(patch, path = "/phones/{name}", tag = "phones", params(("name" = DeviceName, Path), ("if-match" = Option<String>, Header)), request_body = DeviceChanges, responses((status = 200, body = Done)))]
async fn change(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    conditions: Conditions,
    Path(name): Path<DeviceName>,
    Body(changes): Body<DeviceChanges>,
) -> Reply<Done> {
    let look = ShowDevice { name: name.clone() };
    let change = SetDevice { name, changes, dry_run: false };
    let done = conditions.change(&site, &visitor, look, change).await?;
    Ok(axum::Json(done))
}

/// Remove a phone
#[utoipa::path(delete, path = "/phones/{name}", tag = "phones", params(("name" = DeviceName, Path), ("if-match" = Option<String>, Header)), responses((status = 200, body = Done)))]
async fn remove(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    conditions: Conditions,
    Path(name): Path<DeviceName>,
) -> Reply<Done> {
    let look = ShowDevice { name: name.clone() };
    let change = RemoveDevice { name };
    let done = conditions.change(&site, &visitor, look, change).await?;
    Ok(axum::Json(done))
}

/// Where a line is put.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AtButton {
    /// Which button, from 1; absent: the one behind the others.
    button: Option<u8>,
}

/// Give a phone a line
#[utoipa::path(put, path = "/phones/{name}/lines/{number}", tag = "phones", params(("name" = DeviceName, Path), ("number" = Number, Path), AtButton), responses((status = 200, body = Done)))]
async fn add_line(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path((name, number)): Path<(DeviceName, Number)>,
    Query(AtButton { button }): Query<AtButton>,
) -> Reply<Done> {
    reply::<AddPhoneLine>(site.ask(&visitor, AddPhoneLine { name, number, button }).await)
}

/// Take a line from a phone
#[utoipa::path(delete, path = "/phones/{name}/lines/{number}", tag = "phones", params(("name" = DeviceName, Path), ("number" = Number, Path)), responses((status = 200, body = Done)))]
async fn remove_line(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path((name, number)): Path<(DeviceName, Number)>,
) -> Reply<Done> {
    reply::<RemovePhoneLine>(site.ask(&visitor, RemovePhoneLine { name, number }).await)
}

/// A button that dials.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSpeedDial {
    /// What it dials.
    number: Number,
    /// What stands beside it.
    #[serde(default)]
    label: String,
}

/// Give a phone a button that dials
#[utoipa::path(post, path = "/phones/{name}/speed-dials", tag = "phones", params(("name" = DeviceName, Path)), request_body = NewSpeedDial, responses((status = 200, body = Done)))]
async fn add_speed_dial(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<DeviceName>,
    Body(NewSpeedDial { number, label }): Body<NewSpeedDial>,
) -> Reply<Done> {
    reply::<AddSpeedDial>(site.ask(&visitor, AddSpeedDial { name, number, label }).await)
}

/// Take a button that dials from a phone
#[utoipa::path(delete, path = "/phones/{name}/speed-dials/{position}", tag = "phones", params(("name" = DeviceName, Path), ("position" = u8, Path)), responses((status = 200, body = Done)))]
async fn remove_speed_dial(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path((name, position)): Path<(DeviceName, u8)>,
) -> Reply<Done> {
    reply::<RemoveSpeedDial>(site.ask(&visitor, RemoveSpeedDial { name, position }).await)
}

/// What a phone asked this node for, oldest first
#[utoipa::path(get, path = "/phones/{name}/files", tag = "phones", params(("name" = DeviceName, Path)), responses((status = 200, body = Vec<FileRequestView>)))]
async fn files(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<DeviceName>,
) -> Reply<Vec<FileRequestView>> {
    reply::<DeviceLog>(site.ask(&visitor, DeviceLog { name }).await)
}

/// Note that the CTL file of a phone was erased by hand
#[utoipa::path(post, path = "/phones/{name}/erased", tag = "phones", params(("name" = DeviceName, Path)), responses((status = 200, body = Done)))]
async fn erased(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<DeviceName>,
) -> Reply<Done> {
    reply::<DeviceErased>(site.ask(&visitor, DeviceErased { name }).await)
}

/// Why a phone does not do what it should
#[utoipa::path(get, path = "/phones/{name}/diagnosis", tag = "phones", params(("name" = DeviceName, Path)), responses((status = 200, body = DiagnosisView)))]
async fn diagnose(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(name): Path<DeviceName>,
) -> Reply<DiagnosisView> {
    reply::<DiagnosePhone>(site.ask(&visitor, DiagnosePhone { name }).await)
}

/// What each model can do for security
#[utoipa::path(get, path = "/models", tag = "phones", responses((status = 200, body = Vec<ModelView>)))]
async fn models(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<Vec<ModelView>> {
    reply::<ListModels>(site.ask(&visitor, ListModels {}).await)
}
