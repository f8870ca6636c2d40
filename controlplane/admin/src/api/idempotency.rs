//! Requests that may come twice: the second one is answered as the first one was, and nothing is
//! done for it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use lang::{Say, Text};
use pki::Hash;

use super::problem::{Code, Problem};
use crate::site::{MAX_BODY, Site, Visitor};

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// Longest key.
const MAX_KEY: usize = 128;
/// A key is forgotten after so long.
const MEMORY: Duration = Duration::from_secs(24 * 3600);
/// Answers that are remembered; the oldest go first.
const CAPACITY: usize = 1024;
/// Longest answer that is remembered whole.
const MAX_ANSWER: usize = 256 * 1024;
/// What is remembered of an answer's head.
const KEPT: [HeaderName; 3] = [CONTENT_TYPE, ETAG, LOCATION];

/// What was answered.
#[derive(Default)]
pub struct Replies(Mutex<Book>);

#[derive(Default)]
struct Book {
    replies: HashMap<Key, Entry>,
    order: VecDeque<(Key, Instant)>,
}

/// Who asked, and the key.
type Key = (String, String);

struct Entry {
    request: Vec<u8>,
    /// Absent while it is being answered.
    reply: Option<Reply>,
}

#[derive(Clone)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

enum Found {
    New,
    Same(Reply),
    Other,
    Running,
}

impl Replies {
    fn begin(&self, key: &Key, request: &[u8], now: Instant) -> Found {
        let mut book = self.lock();
        while let Some((oldest, at)) = book.order.front() {
            if book.order.len() < CAPACITY && now.duration_since(*at) < MEMORY {
                break;
            }
            let oldest = oldest.clone();
            book.replies.remove(&oldest);
            book.order.pop_front();
        }
        match book.replies.get(key) {
            Some(entry) if entry.request != request => Found::Other,
            Some(Entry { reply: Some(reply), .. }) => Found::Same(reply.clone()),
            Some(_) => Found::Running,
            None => {
                let entry = Entry { request: request.to_owned(), reply: None };
                book.replies.insert(key.clone(), entry);
                book.order.push_back((key.clone(), now));
                Found::New
            }
        }
    }

    /// Remembers an answer; without one, the request may be made anew.
    fn end(&self, key: &Key, reply: Option<Reply>) {
        let mut book = self.lock();
        match (reply, book.replies.get_mut(key)) {
            (Some(reply), Some(entry)) => entry.reply = Some(reply),
            _ => {
                book.replies.remove(key);
                book.order.retain(|(known, _)| known != key);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers requests with a key once.
pub async fn once(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let key = request.headers().get(HEADER).cloned();
    let visitor = request.extensions().get::<Visitor>().cloned();
    let (Some(key), Some(visitor)) = (key, visitor) else { return next.run(request).await };
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let said = |code, text: Text| Problem::new(code, text.say(visitor.language)).into_response();
    let key = match key.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= MAX_KEY => key.to_owned(),
        _ => return said(Code::Invalid, NO_KEY),
    };
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else { return said(Code::TooLarge, TOO_LARGE) };
    let what = format!("{} {}\n", parts.method, parts.uri);
    let fingerprint = Hash::Sha256.of(&[what.as_bytes(), &body].concat());
    let key = (visitor.person.name.clone(), key);
    match site.replies.begin(&key, &fingerprint, Instant::now()) {
        Found::Other => return said(Code::KeyReused, REUSED),
        Found::Running => return said(Code::Conflict, RUNNING),
        Found::Same(reply) => return (reply.status, reply.headers, reply.body).into_response(),
        Found::New => {}
    }
    // If the caller goes away in the middle, the request may be made anew.
    let mut begun = Begun { site: &site, key: &key, reply: None };
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let (parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return said(Code::TooLarge, TOO_LARGE);
    };
    if !parts.status.is_server_error() && body.len() <= MAX_ANSWER {
        let kept = KEPT.iter().filter_map(|name| Some((name.clone(), parts.headers.get(name)?)));
        let headers = kept.map(|(name, value)| (name, value.clone())).collect();
        begun.reply = Some(Reply { status: parts.status, headers, body: body.clone() });
    }
    Response::from_parts(parts, Body::from(body))
}

struct Begun<'a> {
    site: &'a Site,
    key: &'a Key,
    reply: Option<Reply>,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.site.replies.end(self.key, self.reply.take());
    }
}

const NO_KEY: Text = Text::new(
    "An idempotency key has 1 to 128 visible ASCII characters.",
    "Idempotency-Key は 1 ～ 128 文字の印字可能な ASCII 文字です。",
);
const TOO_LARGE: Text = Text::new("The body is too long.", "本文が長すぎます。");
const REUSED: Text = Text::new(
    "This key was used for another request: make a new one for each.",
    "このキーは別の要求で使用済みです。要求ごとに新しいキーを使用してください。",
);
const RUNNING: Text = Text::new(
    "The same request is being carried out. Repeat it to learn what came of it.",
    "同じ要求を処理中です。結果を確認するには、もう一度要求してください。",
);
