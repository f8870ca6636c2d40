//! The parts of what is served, each of which can be switched off.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use lang::{Language, Say, Text};
use tokio::task;

use crate::api::ROOT;
use crate::api::problem::{Code, Problem};
use crate::site::Site;

/// A part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// Everything for browsers.
    Pages,
    /// Everything for programs.
    Api,
    /// How calls, media and counters stand.
    Monitoring,
    /// Reports of CAPF and for auditors.
    Reports,
    /// Many phones from a file.
    Bulk,
    /// Captures of calls.
    Capture,
}

impl Surface {
    /// Every part.
    pub const ALL: [Self; 6] =
        [Self::Pages, Self::Api, Self::Monitoring, Self::Reports, Self::Bulk, Self::Capture];

    /// The parameter that switches it.
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Pages => "enterprise.serve-pages",
            Self::Api => "enterprise.serve-api",
            Self::Monitoring => "enterprise.serve-monitoring",
            Self::Reports => "enterprise.serve-reports",
            Self::Bulk => "enterprise.serve-bulk",
            Self::Capture => "enterprise.serve-capture",
        }
    }

    /// The parts that a path belongs to.
    fn of(path: &str) -> impl Iterator<Item = Self> {
        let (by, rest) = match path.strip_prefix(ROOT) {
            Some(rest) => (Self::Api, rest),
            None => (Self::Pages, path),
        };
        let first = rest.trim_start_matches('/').split('/').next().unwrap_or_default();
        let part = match (first, by) {
            ("calls" | "media" | "metrics" | "samples" | "traffic" | "call-records", _) => {
                Some(Self::Monitoring)
            }
            ("audit" | "audit-report" | "changes", _) => Some(Self::Reports),
            ("capf", Self::Pages) => Some(Self::Reports),
            ("capf", _) if rest == "/capf/report" => Some(Self::Reports),
            ("bulk" | "phones.csv", _) => Some(Self::Bulk),
            ("capture" | "captures", _) => Some(Self::Capture),
            _ => None,
        };
        [by].into_iter().chain(part)
    }
}

/// Answers nothing of a part that is switched off.
pub async fn guard(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let look = move || Surface::of(&path).find(|surface| !site.serves(*surface));
    match task::spawn_blocking(look).await.expect("looking at switches does not panic") {
        None => next.run(request).await,
        Some(surface) => {
            let language = request.extensions().get::<Language>().copied().unwrap_or_default();
            match request.uri().path().starts_with(ROOT) {
                true => Problem::new(Code::NotFound, OFF.say(language)).into_response(),
                false => {
                    let text = format!("{}: {}\n", OFF.get(language), surface.parameter());
                    (StatusCode::NOT_FOUND, text).into_response()
                }
            }
        }
    }
}

const OFF: Text = Text::new(
    "This part of administration is switched off",
    "この管理機能は無効に設定されています",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_belongs_to_its_parts() {
        let of = |path| Surface::of(path).collect::<Vec<_>>();
        assert_eq!(of("/phones"), [Surface::Pages]);
        assert_eq!(of("/api/v1/phones"), [Surface::Api]);
        assert_eq!(of("/calls/7"), [Surface::Pages, Surface::Monitoring]);
        assert_eq!(of("/api/v1/phones.csv"), [Surface::Api, Surface::Bulk]);
        assert_eq!(of("/capf/report.csv"), [Surface::Pages, Surface::Reports]);
        assert_eq!(of("/api/v1/capf/issuers"), [Surface::Api]);
        assert_eq!(of("/api/v1/captures/a.pkt"), [Surface::Api, Surface::Capture]);
    }
}
