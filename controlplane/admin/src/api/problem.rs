//! Why there is no answer, as RFC 9457 says it.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use console::{Failure, FailureKind};
use serde::Serialize;
use utoipa::ToSchema;

use crate::site::AskFault;

/// Why there is no answer (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// `urn:ringfence:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What kind of problem it is, in English.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What it is here, in the caller's language, with what to do.
    pub detail: String,
    /// Stable name of the problem.
    pub code: String,
}

/// The problems there are. Their names are an interface: add, do not rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The request makes no sense: an unknown name, a value out of range.
    Invalid,
    /// It is not known who asks.
    Unauthenticated,
    /// The role may not.
    Forbidden,
    /// A session's request does not show what its page was given.
    CsrfTokenMissing,
    /// There is no such thing.
    NotFound,
    /// The method is not for this resource.
    MethodNotAllowed,
    /// It is there already, or something else needs it.
    Conflict,
    /// It was changed since it was looked at.
    Changed,
    /// The body is too long.
    TooLarge,
    /// The body is of another type.
    UnsupportedType,
    /// It makes sense, and policy forbids it.
    Refused,
    /// An idempotency key was used for another request.
    KeyReused,
    /// Too many requests.
    Wait,
    /// It was tried and did not work.
    Failed,
}

impl Code {
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::Invalid => (S::BAD_REQUEST, "invalid", "The request makes no sense"),
            Self::Unauthenticated => (S::UNAUTHORIZED, "unauthenticated", "Log in first"),
            Self::Forbidden => (S::FORBIDDEN, "forbidden", "Your role may not do this"),
            Self::CsrfTokenMissing => {
                (S::FORBIDDEN, "csrf-token-missing", "The request shows no CSRF token")
            }
            Self::NotFound => (S::NOT_FOUND, "not-found", "There is no such thing"),
            Self::MethodNotAllowed => {
                (S::METHOD_NOT_ALLOWED, "method-not-allowed", "Not for this resource")
            }
            Self::Conflict => (S::CONFLICT, "conflict", "It conflicts with something else"),
            Self::Changed => (S::PRECONDITION_FAILED, "changed", "It was changed meanwhile"),
            Self::TooLarge => (S::PAYLOAD_TOO_LARGE, "too-large", "The body is too long"),
            Self::UnsupportedType => {
                (S::UNSUPPORTED_MEDIA_TYPE, "unsupported-type", "The body is of another type")
            }
            Self::Refused => (S::UNPROCESSABLE_ENTITY, "refused", "Policy forbids it"),
            Self::KeyReused => {
                (S::UNPROCESSABLE_ENTITY, "key-reused", "The idempotency key is another request's")
            }
            Self::Wait => (S::TOO_MANY_REQUESTS, "wait", "Too many requests"),
            Self::Failed => (S::SERVICE_UNAVAILABLE, "failed", "It did not work"),
        }
    }
}

impl Problem {
    /// A problem with what it is here.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let (status, code, title) = code.parts();
        Self {
            kind: format!("urn:ringfence:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).expect("every code has a status");
        let mut response = (status, axum::Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("60"));
            }
            _ => {}
        }
        response
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let code = match failure.kind {
            FailureKind::Failed => Code::Failed,
            FailureKind::Usage => Code::Invalid,
            FailureKind::Refused => Code::Refused,
            FailureKind::Unknown => Code::NotFound,
            FailureKind::Conflict => Code::Conflict,
            FailureKind::Changed => Code::Changed,
        };
        Self::new(code, failure.text)
    }
}

impl From<AskFault> for Problem {
    fn from(fault: AskFault) -> Self {
        match fault {
            AskFault::Failed(failure) => failure.into(),
            AskFault::Forbidden(permission) => {
                Self::new(Code::Forbidden, format!("{permission:?}").to_lowercase())
            }
        }
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(Code::NotFound, rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(Code::Invalid, rejection.body_text())
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let code = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedType,
            _ => Code::Invalid,
        };
        Self::new(code, rejection.body_text())
    }
}
