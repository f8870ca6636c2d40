//! What takes longer than a request: begun by one, followed by others.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use lang::{Language, Text};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Reply;
use super::extract::Path;
use super::problem::{Code, Problem};
use crate::site::{Site, Visitor};

/// Operations that are remembered; of those that have ended, the oldest go first.
const CAPACITY: usize = 64;
/// Operations of all that run at the same time.
const RUNNING: usize = 4;
/// Lines of a report; a file with more faults has one in its making.
pub const MAX_FAULTS: usize = 1000;

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(events))
}

/// Something that takes longer than a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Operation {
    /// Its number.
    pub id: u64,
    /// What it is, a stable name.
    pub kind: String,
    /// Who began it.
    pub who: String,
    /// How far it is.
    pub state: OperationState,
    /// Steps that are done, well or not.
    pub done: usize,
    /// All steps.
    pub total: usize,
    /// Of those done, the ones that changed something.
    pub changed: usize,
    /// Whether it only tells what would come of it.
    pub dry_run: bool,
    /// What failed.
    pub failed: Vec<FailedStep>,
    /// What else is to be known, in the language of who began it.
    pub notes: Vec<String>,
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OperationState {
    /// It goes on.
    Running,
    /// It has ended.
    Done,
    /// It could not go on; what was done stays.
    Broken,
}

/// A step that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailedStep {
    /// Line of the file.
    pub line: u64,
    /// What it is about.
    pub subject: String,
    /// Why, in the language of who began it.
    pub text: String,
}

/// All operations of this node.
#[derive(Default)]
pub struct Operations(Mutex<Book>);

#[derive(Default)]
struct Book {
    last: u64,
    all: VecDeque<watch::Receiver<Operation>>,
}

impl Operations {
    /// Begins an operation; whoever does it tells its progress through what is returned. `None` if
    /// too many run.
    pub fn begin(
        &self,
        kind: &str,
        who: &str,
        total: usize,
        dry_run: bool,
    ) -> Option<watch::Sender<Operation>> {
        let mut book = self.lock();
        let runs = |it: &watch::Receiver<Operation>| it.borrow().state == OperationState::Running;
        if book.all.iter().filter(|it| runs(it)).count() >= RUNNING {
            return None;
        }
        while book.all.len() >= CAPACITY {
            let ended = book.all.iter().position(|it| !runs(it))?;
            book.all.remove(ended);
        }
        book.last += 1;
        let operation = Operation {
            id: book.last,
            kind: kind.to_owned(),
            who: who.to_owned(),
            state: OperationState::Running,
            done: 0,
            total,
            changed: 0,
            dry_run,
            failed: Vec::new(),
            notes: Vec::new(),
        };
        let (sender, receiver) = watch::channel(operation);
        book.all.push_back(receiver);
        Some(sender)
    }

    /// An operation.
    pub fn find(&self, id: u64) -> Option<watch::Receiver<Operation>> {
        self.lock().all.iter().find(|it| it.borrow().id == id).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Operations that run or have ended lately
#[utoipa::path(get, path = "/operations", tag = "operations", responses((status = 200, body = Vec<Operation>)))]
async fn list(State(site): State<Arc<Site>>, _: Visitor) -> Reply<Vec<Operation>> {
    Ok(Json(site.operations.lock().all.iter().map(|it| it.borrow().clone()).collect()))
}

fn find(site: &Site, id: u64, language: Language) -> Result<watch::Receiver<Operation>, Problem> {
    let unknown = || Problem::new(Code::NotFound, UNKNOWN.fill(language, &[("id", &id)]));
    site.operations.find(id).ok_or_else(unknown)
}

/// How far an operation is
#[utoipa::path(get, path = "/operations/{id}", tag = "operations", params(("id" = u64, Path)), responses((status = 200, body = Operation)))]
async fn show(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(id): Path<u64>,
) -> Reply<Operation> {
    let operation = find(&site, id, visitor.language)?.borrow().clone();
    Ok(Json(operation))
}

/// How far an operation is, told whenever it got further, until it has ended
#[utoipa::path(get, path = "/operations/{id}/events", tag = "operations", params(("id" = u64, Path)), responses((status = 200, body = String, content_type = "text/event-stream")))]
async fn events(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(id): Path<u64>,
) -> Result<Response, Problem> {
    let mut operation = find(&site, id, visitor.language)?;
    operation.mark_changed();
    let told = futures_util::stream::unfold(Some(operation), |operation| async {
        let mut operation = operation?;
        // Who did it may be gone: then it got no further.
        operation.changed().await.ok()?;
        let now = operation.borrow_and_update().clone();
        let event = Event::default().event("progress").json_data(&now).unwrap_or_default();
        let ended = now.state != OperationState::Running;
        Some((Ok::<_, Infallible>(event), (!ended).then_some(operation)))
    });
    let alive = KeepAlive::new().interval(Duration::from_secs(15));
    Ok(Sse::new(told).keep_alive(alive).into_response())
}

const UNKNOWN: Text =
    Text::new("No operation {id} is remembered.", "処理 {id} の記録はありません。");
