//! Many phones from a file, and back.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};
use axum::response::{IntoResponse, Response};
use console::sheet::{self, Row};
use console::{ImportPhones, ListDevices, PhoneImport, PhoneImported};
use lang::{Say, Text};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::task;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ROOT;
use super::extract::Query;
use super::operations::{FailedStep, MAX_FAULTS, Operation, OperationState};
use super::problem::{Code, Problem};
use crate::accounts::permission::Permission;
use crate::site::{AskFault, Site, Visitor};

/// Phones in one revision: enough that its making costs little for each, and few enough that
/// others who change something do not wait long.
const STRIDE: usize = 250;

pub fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(export, import))
}

/// Whether it is done.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Try {
    /// Only tell what would come of it.
    #[serde(default)]
    dry_run: bool,
}

/// Add and change phones as a CSV file says
///
/// The columns are `name`, `model` (for phones that are not there yet) and the fields of a
/// change; the body is the file. Answered at once; the operation tells how far it is.
#[utoipa::path(post, path = "/phones.csv", tag = "phones", params(Try), request_body(content = String, content_type = "text/csv"), responses((status = 202, body = Operation)))]
async fn import(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(Try { dry_run }): Query<Try>,
    body: Bytes,
) -> Result<Response, Problem> {
    let operation = begin(&site, &visitor, &body, dry_run)?;
    let place = format!("{ROOT}/operations/{}", operation.id);
    Ok((StatusCode::ACCEPTED, [(LOCATION, place)], Json(operation)).into_response())
}

/// All phones as a CSV file that can be imported again
#[utoipa::path(get, path = "/phones.csv", tag = "phones", responses((status = 200, body = String, content_type = "text/csv")))]
async fn export(State(site): State<Arc<Site>>, visitor: Visitor) -> Result<Response, Problem> {
    let devices = site.ask(&visitor, ListDevices {}).await?;
    let devices: Vec<_> = devices.into_iter().map(|view| view.device).collect();
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"phones.csv\""),
    ];
    Ok((headers, sheet::write_phones(&devices)).into_response())
}

/// Begins an import.
pub fn begin(
    site: &Arc<Site>,
    visitor: &Visitor,
    file: &[u8],
    dry_run: bool,
) -> Result<Operation, Problem> {
    visitor.may(Permission::Operate)?;
    let rows = sheet::read_phones(file).map_err(|text| Problem::new(Code::Invalid, text))?;
    let begun = site.operations.begin("import-phones", &visitor.person.name, rows.len(), dry_run);
    let Some(progress) = begun else {
        return Err(Problem::new(Code::Wait, TOO_MANY.say(visitor.language)));
    };
    let begun = progress.borrow().clone();
    let (site, visitor) = (Arc::clone(site), visitor.clone());
    task::spawn_blocking(move || run(&site, &visitor, rows, &progress, dry_run));
    Ok(begun)
}

/// Carries it out, so many phones at a time. What fails is told and the rest goes on.
fn run(
    site: &Site,
    visitor: &Visitor,
    rows: Vec<Row<PhoneImport>>,
    progress: &watch::Sender<Operation>,
    dry_run: bool,
) {
    let mut rows = rows.into_iter();
    let state = loop {
        let part: Vec<_> = rows.by_ref().take(STRIDE).collect();
        if part.is_empty() {
            break OperationState::Done;
        }
        let count = part.len();
        match import_part(site, visitor, part, dry_run) {
            Ok(part) => progress.send_modify(|operation| {
                operation.done += count;
                operation.changed += part.changed;
                let room = MAX_FAULTS.saturating_sub(operation.failed.len());
                operation.failed.extend(part.failed.into_iter().take(room));
                for note in part.notes {
                    if !operation.notes.contains(&note) {
                        operation.notes.push(note);
                    }
                }
            }),
            Err(why) => {
                progress.send_modify(|operation| operation.notes.push(why));
                break OperationState::Broken;
            }
        }
    };
    progress.send_modify(|operation| operation.state = state);
}

#[derive(Default)]
struct Part {
    changed: usize,
    failed: Vec<FailedStep>,
    notes: Vec<String>,
}

fn import_part(
    site: &Site,
    visitor: &Visitor,
    rows: Vec<Row<PhoneImport>>,
    dry_run: bool,
) -> Result<Part, String> {
    let mut part = Part::default();
    let mut phones = Vec::with_capacity(rows.len());
    let mut places = Vec::with_capacity(rows.len());
    for Row { line, device, order } in rows {
        match order {
            Ok(phone) => {
                phones.push(phone);
                places.push((line, device));
            }
            Err(text) => part.failed.push(FailedStep { line, subject: device, text }),
        }
    }
    let request = ImportPhones { phones, dry_run };
    let imported = match site.ask_now(visitor, &request, None) {
        Ok(imported) => imported,
        Err(AskFault::Failed(failure)) => return Err(failure.text),
        Err(AskFault::Forbidden(_)) => return Err(String::new()),
    };
    for ((line, subject), result) in places.into_iter().zip(imported.phones) {
        match result {
            PhoneImported::Added | PhoneImported::Changed => part.changed += 1,
            PhoneImported::Unchanged => {}
            PhoneImported::Failed(text) => part.failed.push(FailedStep { line, subject, text }),
        }
    }
    part.notes = imported.done.notes;
    part.failed.sort_by_key(|failed| failed.line);
    Ok(part)
}

const TOO_MANY: Text = Text::new(
    "Too many operations run already: wait until one has ended.",
    "実行中の処理が多すぎます。いずれかが終了するまでお待ちください。",
);
