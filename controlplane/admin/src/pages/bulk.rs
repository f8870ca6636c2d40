//! Many phones from a file.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use console::ListDevices;
use lang::Text;
use maud::html;

use super::layout::{csrf, page};
use super::notice::{Notice, back};
use super::{OrPage, Shown, Submitted};
use crate::accounts::permission::Permission;
use crate::api::ROOT;
use crate::api::import;
use crate::api::operations::OperationState;
use crate::api::problem::{Code, Problem};
use crate::site::{Site, Visitor};

pub async fn show(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    visitor.may(Permission::Operate).or_page(&visitor)?;
    let language = visitor.language;
    let content = html! {
        section .card {
            h2 { (EXPORT.get(language)) }
            p { (EXPORT_HELP.get(language)) }
            a .button .quiet href="/bulk/phones.csv" { "phones.csv" }
        }
        form .card method="post" action="/bulk" {
            (csrf(&visitor))
            h2 { (IMPORT.get(language)) }
            label for="chooser" { (FILE.get(language)) }
            input #chooser type="file" data-into="file" accept=".csv,text/csv";
            label for="file" { (CONTENT.get(language)) }
            textarea #file name="file" required spellcheck="false" aria-describedby="file-help" {}
            p .help #file-help { (COLUMNS.get(language)) }
            label .box {
                input type="checkbox" name="dry_run" checked;
                (DRY_RUN.get(language))
            }
            button type="submit" { (BEGIN.get(language)) }
        }
    };
    Ok(page(&site, &visitor, "/bulk", TITLE, content))
}

pub async fn begin(State(site): State<Arc<Site>>, visitor: Visitor, form: Submitted) -> Response {
    let dry_run = form.ticked("dry_run");
    match import::begin(&site, &visitor, form.raw("file").as_bytes(), dry_run) {
        Ok(operation) => Redirect::to(&format!("/bulk/{}", operation.id)).into_response(),
        Err(problem) => back(&site, &visitor, "/bulk", Notice::failed(problem.detail)),
    }
}

pub async fn progress(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(id): Path<u64>,
) -> Shown {
    let language = visitor.language;
    let found = site.operations.find(id);
    let found = found.ok_or_else(|| Problem::new(Code::NotFound, GONE.get(language)));
    let operation = found.or_page(&visitor)?.borrow().clone();
    let running = operation.state == OperationState::Running;
    let values: [(&str, &dyn std::fmt::Display); 4] = [
        ("done", &operation.done),
        ("total", &operation.total),
        ("changed", &operation.changed),
        ("failed", &operation.failed.len()),
    ];
    let summary = if operation.dry_run { WOULD } else { DID };
    let content = html! {
        section .card data-operation=[running.then(|| format!("{ROOT}/operations/{id}/events"))] {
            progress max=(operation.total.max(1)) value=(operation.done)
                aria-label=(PROGRESS.get(language)) {}
            p { output { (operation.done) " / " (operation.total) } }
            @if !running { p { (summary.fill(language, &values)) } }
            @for note in &operation.notes { p .soft { (note) } }
        }
        @if !operation.failed.is_empty() {
            section .card .scroll tabindex="0" {
                h2 { (FAILED.get(language)) }
                table {
                    tbody {
                        @for failed in &operation.failed {
                            tr { td { (failed.line) } td { (failed.subject) } td { (failed.text) } }
                        }
                    }
                }
            }
        }
        p { a href="/bulk" { (TITLE.get(language)) } " · " a href="/phones" { (PHONES.get(language)) } }
    };
    Ok(page(&site, &visitor, "/bulk", TITLE, content))
}

pub async fn export(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    let devices = site.ask(&visitor, ListDevices {}).await.or_page(&visitor)?;
    let devices: Vec<_> = devices.into_iter().map(|view| view.device).collect();
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"phones.csv\""),
    ];
    Ok((headers, console::sheet::write_phones(&devices)).into_response())
}

const TITLE: Text = Text::new("Bulk administration", "一括管理");
const EXPORT: Text = Text::new("Export", "エクスポート");
const EXPORT_HELP: Text = Text::new(
    "All phones with their settings; the file can be edited and imported again.",
    "全電話機の設定。編集して再度インポートできます。",
);
const IMPORT: Text = Text::new("Import", "インポート");
const FILE: Text = Text::new("CSV file", "CSV ファイル");
const CONTENT: Text = Text::new("Its content", "ファイルの内容");
const COLUMNS: Text = Text::new(
    "A row for each phone; the first row names the columns: name, model (for new phones), and the settings. Empty fields change nothing.",
    "1 行に 1 台。先頭行は列名: name、model (新規の電話機)、各設定。空の欄は変更されません。",
);
const DRY_RUN: Text = Text::new("Only tell what would come of it", "結果の予測のみ (変更しない)");
const BEGIN: Text = Text::new("Begin", "開始");
const PROGRESS: Text = Text::new("Progress", "進行状況");
const FAILED: Text = Text::new("Failed", "失敗");
const PHONES: Text = Text::new("Phones", "電話機");
const GONE: Text = Text::new("This operation is not remembered.", "この処理の記録はありません。");
const DID: Text = Text::new(
    "{done} of {total} rows: {changed} phones changed, {failed} failed.",
    "{total} 行中 {done} 行: 変更した電話機 {changed} 台、失敗 {failed} 件。",
);
const WOULD: Text = Text::new(
    "{done} of {total} rows: {changed} phones would change, {failed} would fail. Nothing was changed.",
    "{total} 行中 {done} 行: 変更される電話機 {changed} 台、失敗の見込み {failed} 件。変更は行っていません。",
);
