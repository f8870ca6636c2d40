//! Packet capture: how it stands, and the files of the days for whoever has the role capture.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use base64ct::{Base64, Encoding};
use console::{CaptureView, FetchCapture, ShowCapture};
use lang::{Say, Text};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Path;
use super::problem::{Code, Problem};
use super::{Reply, reply};
use crate::site::{Site, Visitor};

pub fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(download))
}

/// How packet capture stands on this node
#[utoipa::path(get, path = "/capture", tag = "capture", responses((status = 200, body = CaptureView)))]
async fn show(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<CaptureView> {
    reply::<ShowCapture>(site.ask(&visitor, ShowCapture {}).await)
}

/// The file of a day, mm-dd-yyyy.pkt, or its key, mm-dd-yyyy.key
///
/// Only for the role capture. Every download is in the audit log.
#[utoipa::path(get, path = "/captures/{file}", tag = "capture", params(("file" = String, Path)), responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")))]
async fn download(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(file): Path<String>,
) -> Result<Response, Problem> {
    let no_file = || Problem::new(Code::NotFound, NO_FILE.say(visitor.language));
    let (day, ending) = file.rsplit_once('.').ok_or_else(no_file)?;
    let key = match ending {
        "pkt" => false,
        "key" => true,
        _ => return Err(no_file()),
    };
    // As large as Packet Capture Max File Size lets it become.
    let mut octets = Vec::new();
    loop {
        let (day, offset) = (day.to_owned(), octets.len() as u64);
        let piece = site.ask(&visitor, FetchCapture { day, key, offset }).await?;
        let piece = Base64::decode_vec(&piece.octets).map_err(|_| no_file())?;
        if piece.is_empty() {
            break;
        }
        octets.extend(piece);
    }
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CACHE_CONTROL, "no-store".to_owned()),
        // It was a day: there is nothing in its name that a header would mind.
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{file}\"")),
    ];
    Ok((headers, octets).into_response())
}

const NO_FILE: Text = Text::new(
    "Files are named by days: 11-23-2026.pkt, and its key 11-23-2026.key.",
    "ファイル名は日付です: 11-23-2026.pkt と、その鍵 11-23-2026.key。",
);
